//! `notify test`.

use super::receiver::{Receiver, answer, refusing};
use super::{Site, mail::MailServer};

#[tokio::test(flavor = "multi_thread")]
async fn a_test_goes_to_one_or_to_all_and_says_of_each_what_became_of_it() {
    let mail = MailServer::start("none", &[]).await;
    let works = Receiver::start(|_, request| match request.path.as_str() {
        "/slack" => answer(200, "", "ok"),
        "/discord" => answer(204, "", ""),
        "/broken" => answer(500, "", "out of\r\n order"),
        _ => answer(200, "", "{}"),
    })
    .await;
    let silent = Receiver::start(|_, _| None).await;
    let refused = refusing();
    let receiver = |name: &str, kind: &str, url: String| {
        format!("[notify.receivers.{name}]\nkind = '{kind}'\nurl = '{url}'\nallow_private = true\ntimeout = '1s'\n")
    };
    let settings = [
        receiver("a-slack", "slack", works.url("/slack")),
        receiver("b-discord", "discord", works.url("/discord")),
        receiver("c-alertmanager", "alertmanager", works.url("/prefix/")),
        receiver("d-webhook", "webhook", works.url("/hook")),
        receiver("e-broken", "webhook", works.url("/broken")),
        receiver("f-gone", "webhook", format!("http://{}/", refused.local_addr().unwrap())),
        receiver("g-silent", "webhook", silent.url("/")),
        mail.receiver("h-mail", "tls = 'none'\npassword = 'right horse'"),
    ];
    let site = Site::new(&settings.concat(), "");
    let (code, out, err) = site.run(&["notify", "test"]);
    let lines: Vec<_> = out.lines().collect();
    assert_eq!(code, Some(1), "{out}");
    assert_eq!(lines[..4], ["ok      a-slack", "ok      b-discord", "ok      c-alertmanager", "ok      d-webhook"]);
    assert_eq!(lines[4], "FAILED  e-broken: it answers 500: out of order");
    assert!(lines[5].starts_with("FAILED  f-gone: it cannot be reached: ") && lines[5].contains("refused"), "{out}");
    let sentence = "it did not answer within 1s; see whether it is up, or raise its timeout";
    assert_eq!(lines[6..], [&format!("FAILED  g-silent: {sentence}"), "ok      h-mail"]);
    assert!(err.contains("3 of 8 receivers did not take the test"), "{err}");

    let requests = works.requests();
    let paths: Vec<_> = requests.iter().map(|request| request.path.as_str()).collect();
    assert_eq!(paths, ["/slack", "/discord", "/prefix/api/v2/alerts", "/hook", "/broken"]);
    assert_eq!(requests[0].json()["text"], "[TEST] this receiver works; nothing is wrong");
    assert_eq!(requests[1].json()["content"], "[TEST] this receiver works; nothing is wrong");
    // What takes alerts only gets one that is over.
    let alert = &requests[2].json()[0];
    assert_eq!((&alert["labels"]["alertname"], &alert["endsAt"]), (&"NotificationTest".into(), &alert["startsAt"]));
    assert_eq!(requests[3].alerts(), [("NotificationTest".to_owned(), "resolved".to_owned())]);
    let subject = &mail.events("mail")[0]["headers"]["Subject"];
    assert_eq!(subject, "[TEST] this receiver works; nothing is wrong");

    let (code, out, err) = site.run(&["notify", "test", "b-discord"]);
    assert_eq!((code, out.as_str(), err.as_str()), (Some(0), "ok      b-discord\n", ""));
    assert_eq!(works.requests().len(), 6);
    let (code, out, _) = site.run(&["notify", "test", "nobody"]);
    let known = "a-slack, b-discord, c-alertmanager, d-webhook, e-broken, f-gone, g-silent, h-mail";
    assert_eq!(out, format!("FAILED  nobody: there is no receiver nobody; the settings have {known}\n"));
    assert_eq!(code, Some(1));
    let (code, out, err) = Site::new("", "").run(&["notify", "test"]);
    assert_eq!((code, out.as_str()), (Some(1), ""));
    assert!(err.contains("there are no receivers: add [notify.receivers.<name>] to the settings"), "{err}");
}
