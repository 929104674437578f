//! Where messages may go: nowhere private that is not allowed, and nowhere else than they were sent.

use super::Site;
use super::receiver::{Receiver, answer};

#[tokio::test(flavor = "multi_thread")]
async fn this_machine_is_refused_in_every_disguise_unless_it_is_allowed() {
    let here = Receiver::start(|_, _| answer(200, "", "")).await;
    let disguises = [
        ("address", "127.0.0.1", "127.0.0.1"),
        ("decimal", "2130706433", "127.0.0.1"),
        ("hexadecimal", "0x7f000001", "127.0.0.1"),
        ("mapped", "[::ffff:127.0.0.1]", "::ffff:127.0.0.1"),
        // Of either kind, as the machine has it.
        ("name", "localhost", ""),
        ("nowhere", "0.0.0.0", "0.0.0.0"),
        ("octal", "0177.0.0.1", "127.0.0.1"),
        ("short", "127.1", "127.0.0.1"),
        ("six", "[::1]", "::1"),
    ];
    let settings = |more: &str| {
        let receiver = |(name, host, _): &(&str, &str, &str)| {
            let url = format!("http://{host}:{}/", here.address.port());
            format!("[notify.receivers.{name}]\nkind = 'webhook'\nurl = '{url}'\n{more}\n")
        };
        disguises.iter().map(receiver).collect::<String>()
    };
    let (code, out, err) = Site::new(&settings(""), "").run(&["notify", "test"]);
    assert_eq!(code, Some(1), "{out}");
    assert!(err.contains("9 of 9 receivers did not take the test"), "{err}");
    for (line, (name, _, address)) in out.lines().zip(disguises) {
        let sentence =
            format!("{address}, in a private network or on this machine; set allow_private = true if it is meant");
        assert!(line.starts_with(&format!("FAILED  {name}: ")) && line.ends_with(&sentence), "{line}");
    }
    assert!(here.requests().is_empty());

    let (_, out, _) = Site::new(&settings("allow_private = true"), "").run(&["notify", "test"]);
    let arrived = out.lines().filter(|line| line.starts_with("ok      ")).count();
    // It does not listen by IPv6.
    assert!(arrived == 8 && out.contains("FAILED  six: it cannot be reached: "), "{out}");
    assert_eq!(here.requests().len(), 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_redirect_is_followed_and_nothing_reaches_the_other_place() {
    const STATUSES: [u16; 5] = [301, 302, 303, 307, 308];
    let other = Receiver::start(|_, _| answer(200, "", "")).await;
    let location = format!("Location: {}\r\n", other.url("/elsewhere"));
    let here = Receiver::start(move |number, _| answer(STATUSES[number - 1], &location, "")).await;
    let site = Site::new(
        &format!(
            "[notify.receivers.hook]\nkind = 'webhook'\nurl = '{}'\nallow_private = true\nsecret = 'a secret'\n\
             username = 'user'\npassword = 'a password'",
            here.url("/")
        ),
        "",
    );
    for status in STATUSES {
        let (code, out, _) = site.run(&["notify", "test", "hook"]);
        let line = format!("FAILED  hook: it answers {status}: redirects are not followed; give the final address\n");
        assert_eq!((code, out), (Some(1), line));
    }
    let requests = here.requests();
    assert_eq!(requests.len(), STATUSES.len());
    for request in requests {
        // "user:a password"
        assert_eq!(request.header("authorization"), "Basic dXNlcjphIHBhc3N3b3Jk");
        assert!(request.header("webhook-signature").starts_with("v1,"));
    }
    assert!(other.requests().is_empty());
}
