//! Secrets: read when they are needed, and never shown.

use std::fs;

use rustix::process::Signal;

use super::mail::MailServer;
use super::receiver::{Receiver, answer, refusing};
use super::webhook::signature;
use super::{Site, ask, rule, says};
use crate::helpers::{outcome, program};

#[tokio::test(flavor = "multi_thread")]
async fn files_of_secrets_are_read_for_each_message_and_one_that_is_empty_is_waited_for() {
    let receiver = Receiver::start(|_, _| answer(200, "", "")).await;
    let settings = "[notify.receivers.hook]\nkind = 'webhook'\nallow_private = true\nurl_file = 'URL'\nsecret_file = 'KEY'\n\
                    username = 'user'\npassword_file = 'WORD'";
    let place = Site::new("", "");
    let [url, key, word] = ["URL", "KEY", "WORD"].map(|name| place.file(name));
    let set = |number: usize| {
        fs::write(&url, receiver.url(&format!("/{number}")) + "\n").unwrap();
        fs::write(&key, format!("whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY{number}\n")).unwrap();
        fs::write(&word, format!("word {number}\n")).unwrap();
    };
    let settings = [("URL", &url), ("KEY", &key), ("WORD", &word)]
        .into_iter()
        .fold(settings.to_owned(), |text, (name, path)| text.replace(name, path.to_str().unwrap()));
    let site = Site::new(&settings, &rule("First", ""));
    // Whoever writes a file may have made it, and not yet written it.
    set(1);
    fs::write(&url, "").unwrap();
    let mut collector = site.start().await;
    let waits = says(&collector, "a message about alerts waits", "hook").await;
    assert!(waits["error"].as_str().unwrap().contains(url.to_str().unwrap()), "{waits}");
    set(1);
    receiver.hears("First", "firing").await;
    set(2);
    site.set_rules(&(rule("First", "") + &rule("Second", "")));
    receiver.hears("Second", "firing").await;
    let requests = receiver.requests();
    assert_eq!(requests.len(), 2);
    // "user:word 1", "user:word 2"
    for (number, (request, login)) in requests.iter().zip(["dXNlcjp3b3JkIDE=", "dXNlcjp3b3JkIDI="]).enumerate() {
        let key = format!("whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY{}", number + 1);
        assert_eq!(request.path, format!("/{}", number + 1));
        assert_eq!(request.header("authorization"), format!("Basic {login}"));
        let (id, at) = (request.header("webhook-id"), request.header("webhook-timestamp"));
        assert_eq!(request.header("webhook-signature"), signature(&key, id, at, &request.body));
    }
    assert_eq!(collector.end(Signal::TERM).await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn variables_set_what_the_file_does_not_also_of_names_with_dashes() {
    let receiver = Receiver::start(|_, _| answer(200, "", "")).await;
    let site = Site::new(
        "[notify.receivers.team-slack]\nkind = 'slack'\nallow_private = true\nurl = 'http://127.0.0.1:1/'\n",
        "",
    );
    let test = |variables: &[(&str, &str)]| {
        let mut command = program(&["--config", site.file("settings.toml").to_str().unwrap(), "notify", "test"]);
        command.envs(variables.iter().copied());
        let output = outcome(command);
        String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap()
    };
    let (dashed, new) = (receiver.url("/dashed"), receiver.url("/new"));
    let out = test(&[
        ("RECIPE_MONITORING_NOTIFY__RECEIVERS__TEAM_SLACK__URL", &dashed),
        ("RECIPE_MONITORING_NOTIFY__RECEIVERS__OPS__KIND", "discord"),
        ("RECIPE_MONITORING_NOTIFY__RECEIVERS__OPS__URL", &new),
        ("RECIPE_MONITORING_NOTIFY__RECEIVERS__OPS__ALLOW_PRIVATE", "true"),
    ]);
    assert_eq!(out, "ok      ops\nok      team-slack\n");
    let paths: Vec<_> = receiver.requests().into_iter().map(|request| request.path).collect();
    assert_eq!(paths, ["/new", "/dashed"]);
    // A file, by its own variable, goes for nothing where the secret itself is given.
    let file = site.file("url");
    fs::write(&file, receiver.url("/file")).unwrap();
    let out = test(&[
        ("RECIPE_MONITORING_NOTIFY__RECEIVERS__OPS__KIND", "slack"),
        ("RECIPE_MONITORING_NOTIFY__RECEIVERS__OPS__URL_FILE", file.to_str().unwrap()),
        ("RECIPE_MONITORING_NOTIFY__RECEIVERS__OPS__ALLOW_PRIVATE", "true"),
    ]);
    assert!(out.starts_with("ok      ops\nFAILED  team-slack: it cannot be reached: "), "{out}");
    assert_eq!(receiver.requests().pop().unwrap().path, "/file");
}

/// As they are, and as they go over the wire: "user:PLANTEDbasic" in base64.
const PLANTED: [&str; 8] = [
    "PLANTEDslack",
    "PLANTEDquery",
    "PLANTEDmail",
    "PLANTEDhmac",
    "PLANTEDbasic",
    "PLANTEDheart",
    "PLANTEDurlword",
    "dXNlcjpQTEFOVEVEYmFzaWM",
];

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_in_any_line_of_the_log_in_settings_in_the_journal_or_in_an_error() {
    // As Apache does: it says in its answer which path it was asked for.
    let echo = Receiver::start(|_, request| {
        let said =
            format!("The requested URL {} was not found; {:?}", request.path, request.headers.get("authorization"));
        answer(404, "", &said)
    })
    .await;
    let (mail, refused) = (MailServer::start("none", &[]).await, refusing());
    let refused = refused.local_addr().unwrap();
    let settings = [
        format!("heartbeat_url = '{}'\nheartbeat = '10s'\nheartbeat_allow_private = true\n", echo.url("/PLANTEDheart")),
        format!("[notify.receivers.echo]\nkind = 'slack'\nallow_private = true\nurl = '{}'\n", echo.url("/T/B/PLANTEDslack?token=PLANTEDquery")),
        format!(
            "[notify.receivers.hook]\nkind = 'webhook'\nallow_private = true\nurl = 'http://user:PLANTEDurlword@{refused}/PLANTEDslack'\n\
             secret = 'PLANTEDhmac'\n"
        ),
        format!(
            "[notify.receivers.basic]\nkind = 'webhook'\nallow_private = true\nurl = '{}'\nusername = 'user'\n\
             password = 'PLANTEDbasic'\nsecret = 'PLANTEDhmac'\n",
            echo.url("/PLANTEDslack/")
        ),
        mail.receiver("mail", "tls = 'none'\npassword = 'PLANTEDmail'"),
    ]
    .concat();
    let site = Site::new(&settings, &rule("Always", ""));
    let mut command = program(&[]);
    command.env("RUST_LOG", "trace");
    let mut collector = site.start_as(command, &[]).await;
    for receiver in ["\"echo\"", "\"basic\"", "\"mail\""] {
        says(&collector, "a message about alerts is given up", receiver).await;
    }
    says(&collector, "a message about alerts waits", "\"hook\"").await;
    says(&collector, "the heartbeat does not arrive", "").await;
    // They were used, all of them.
    let echoed = echo.requests();
    assert!(echoed.iter().any(|request| request.path.contains("PLANTEDslack?token=PLANTEDquery")));
    assert!(
        echoed.iter().any(|request| request.headers.get("authorization").is_some_and(|it| it.contains(PLANTED[7])))
    );
    assert!(echoed.iter().any(|request| request.path == "/PLANTEDheart"));
    assert!(mail.events("login").iter().any(|login| login["password"] == "PLANTEDmail"));

    let desk = String::from_utf8(ask(&collector, b'd', b"").await).unwrap();
    let journal = fs::read_to_string(site.file("data/alerts.json")).unwrap();
    let (code, settings, _) = site.run(&["settings"]);
    assert!(
        code == Some(0) && settings.contains("[notify.receivers.mail]") && settings.contains("(set)"),
        "{settings}"
    );
    let (_, tests, errors) = site.run(&["notify", "test"]);
    assert!(tests.lines().count() == 4 && tests.lines().all(|line| line.starts_with("FAILED")), "{tests}");
    assert_eq!(collector.end(Signal::TERM).await, Some(0));
    let log = collector.log();
    assert!(log.contains("TRACE") && log.len() > 10_000);
    let places =
        [("log", &log), ("desk", &desk), ("journal", &journal), ("settings", &settings), ("test", &(tests + &errors))];
    for (place, text) in places {
        for line in text.lines() {
            for secret in PLANTED {
                assert!(!line.contains(secret), "{place} shows {secret}: {line}");
            }
        }
    }
}
