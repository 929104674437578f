//! Mails, against Debian's aiosmtpd.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use rustix::process::Signal;
use serde_json::Value;

use super::{Site, at_desk, rule, said, says};
use crate::helpers::until;

/// The one that the server knows.
const PASSWORD: &str = "right horse";

fn fixture(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name).display().to_string()
}

/// A mail server that ends with the test.
pub struct MailServer {
    pub port: u16,
    child: Child,
    events: Arc<Mutex<Vec<Value>>>,
}

impl MailServer {
    pub async fn start(tls: &str, replies: &[&str]) -> Self {
        let [script, certificate, key] = ["mail/server.py", "tls/server.pem", "tls/server.key"].map(fixture);
        let mut child = Command::new("/usr/bin/python3")
            .args([&script, tls, &certificate, &key, "monitoring", PASSWORD])
            .args(replies)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{error}; scripts/setup.sh test installs Debian's Python"));
        let (events, lines) =
            (Arc::<Mutex<Vec<Value>>>::default(), BufReader::new(child.stdout.take().unwrap()).lines());
        let said = Arc::clone(&events);
        std::thread::spawn(move || {
            lines
                .map_while(Result::ok)
                .for_each(|line| said.lock().unwrap().push(serde_json::from_str(&line).unwrap()));
        });
        let mut server = Self { port: 0, child, events };
        let listening = async || server.events("listening").pop();
        let listening =
            until("the mail server listens; scripts/setup.sh test installs python3-aiosmtpd", listening).await;
        server.port = listening["port"].as_u64().unwrap().try_into().unwrap();
        server
    }

    pub fn events(&self, what: &str) -> Vec<Value> {
        self.events.lock().unwrap().iter().filter(|event| event["what"] == what).cloned().collect()
    }

    async fn mails(&self, count: usize) -> Vec<Value> {
        until("mails", async || Some(self.events("mail")).filter(|mails| mails.len() >= count)).await
    }

    /// Settings of a receiver of mails by this server.
    pub fn receiver(&self, name: &str, more: &str) -> String {
        format!(
            "[notify.receivers.{name}]\nkind = 'email'\nsmtp = 'localhost:{}'\nfrom = 'Monitoring <monitoring@example.com>'\n\
             to = ['ops@example.com', '当番 <on-call@example.com>']\nusername = 'monitoring'\nallow_private = true\n{more}\n",
            self.port
        )
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn trusting(password: &str) -> String {
    format!("ca_file = '{}'\npassword = '{password}'", fixture("tls/authority.pem"))
}

/// What every mail of ours has, whatever it says.
fn check(mail: &Value) {
    let headers = &mail["headers"];
    assert_eq!(headers["From"], "Monitoring <monitoring@example.com>");
    assert_eq!(headers["To"], "ops@example.com, 当番 <on-call@example.com>");
    assert_eq!(headers["Auto-Submitted"], "auto-generated");
    assert!(headers["Date"].is_string() && headers["MIME-Version"] == "1.0", "{headers}");
    assert_eq!((&mail["user"], &mail["sender"]), (&"monitoring".into(), &"monitoring@example.com".into()));
    assert_eq!(mail["recipients"], serde_json::json!(["ops@example.com", "on-call@example.com"]));
    assert_eq!((&mail["type"], &mail["defects"]), (&"multipart/alternative".into(), &serde_json::json!([])), "{mail}");
}

#[tokio::test(flavor = "multi_thread")]
async fn mails_arrive_in_both_languages_by_both_kinds_of_tls_and_again_after_a_451() {
    let later = MailServer::start("starttls", &["451 4.3.0 come again"]).await;
    let wrapped = MailServer::start("tls", &[]).await;
    let settings = [
        later.receiver("later", &trusting(PASSWORD)),
        wrapped.receiver("wrapped", &format!("{}\ntls = 'tls'\nlanguage = 'ja'", trusting(PASSWORD))),
        wrapped.receiver("wrong", &format!("{}\ntls = 'tls'", trusting("wrong horse"))),
    ];
    let words = "severity = 'critical'\nsummary = 'Load is {{ $value }} & <rising>'\nsummary_ja = '負荷が {{ $value }} です'\n\
                 runbook_url = 'https://example.com/runbook?a=1&b=2'";
    let site = Site::new(&settings.concat(), &rule("Always", words));
    let mut collector = site.start().await;

    let mails = later.mails(2).await;
    let delivered = says(&collector, "alerts delivered", "\"later\"").await;
    mails.iter().for_each(check);
    let replies: Vec<_> = mails.iter().map(|mail| mail["reply"].as_str().unwrap()).collect();
    assert_eq!(replies, ["451 4.3.0 come again", "250 OK"]);
    for mail in &mails {
        let id = format!("<{}@example.com>", delivered["key"].as_str().unwrap());
        assert_eq!(mail["headers"]["Message-ID"], id);
        let subject = mail["headers"]["Subject"].as_str().unwrap();
        assert!(subject.starts_with("[FIRING:1] Always: Load is ") && subject.ends_with(" & <rising>"), "{subject}");
        let (plain, html) = (mail["plain"].as_str().unwrap(), mail["html"].as_str().unwrap());
        assert!(plain.contains("critical: Always") && plain.contains("host=") && plain.contains("?a=1&b=2"), "{plain}");
        assert!(
            html.contains("&amp; &lt;rising&gt;") && html.contains("href=\"https://example.com/runbook?a=1&amp;b=2\"")
        );
    }
    let waits = said(&collector.log(), "a message about alerts waits", "\"later\"");
    assert!(waits.len() == 1 && waits[0]["error"].as_str().unwrap().starts_with("it answers 451: "), "{waits:?}");

    let mail = wrapped.mails(1).await.remove(0);
    check(&mail);
    let (subject, raw) = (mail["headers"]["Subject"].as_str().unwrap(), mail["raw_subject"].as_str().unwrap());
    assert!(subject.starts_with("【発生中 1 件】 Always: 負荷が ") && subject.ends_with(" です"), "{subject}");
    assert!(raw.is_ascii() && raw.contains("=?utf-8?b?"), "{raw}");
    assert!(
        mail["plain"].as_str().unwrap().contains("緊急: Always") && mail["html"].as_str().unwrap().contains("緊急")
    );

    // One attempt, which says what the server says.
    let error = says(&collector, "a message about alerts is given up", "\"wrong\"").await;
    assert!(error["error"].as_str().unwrap().starts_with("it answers 535: "), "{error}");
    let state = at_desk(&collector, "wrong").await;
    assert!(state["given_up"] == 1 && state["error"] == error["error"], "{state}");
    let wrong: Vec<_> = wrapped.events("login").into_iter().filter(|login| login["right"] == false).collect();
    assert!(wrong.len() == 1 && wrong[0]["password"] == "wrong horse", "{wrong:?}");

    site.set_rules("");
    let over = later.mails(3).await.remove(2);
    check(&over);
    assert!(over["headers"]["Subject"].as_str().unwrap().starts_with("[RESOLVED] Always: "), "{over}");
    assert_ne!(over["headers"]["Message-ID"], mails[0]["headers"]["Message-ID"]);
    assert_eq!(collector.end(Signal::TERM).await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_tls_that_can_be_trusted_there_is_no_password_and_no_mail() {
    let plain = MailServer::start("none", &[]).await;
    let starttls = MailServer::start("starttls", &[]).await;
    let wrapped = MailServer::start("tls", &[]).await;
    let password = format!("password = '{PASSWORD}'");
    let settings = [
        plain.receiver("plain", &trusting(PASSWORD)),
        starttls.receiver("strange", &password),
        wrapped.receiver("wrapped", &format!("{password}\ntls = 'tls'")),
        // Right in all, but for what may be reached.
        starttls.receiver("private", &trusting(PASSWORD)).replace("allow_private = true", ""),
        // The certificate is of localhost and 127.0.0.1.
        starttls.receiver("other", &trusting(PASSWORD)).replace("localhost:", "127.0.0.2:"),
    ];
    let site = Site::new(&settings.concat(), "");
    for (name, part) in [
        ("plain", "STARTTLS"),
        ("strange", "certificate"),
        ("wrapped", "certificate"),
        ("private", ", in a private network or on this machine; set allow_private = true"),
        ("other", "it cannot be reached"),
    ] {
        let (code, out, _) = site.run(&["notify", "test", name]);
        assert!(code == Some(1) && out.starts_with(&format!("FAILED  {name}: ")) && out.contains(part), "{out}");
    }
    for (server, connections) in [(&plain, 1), (&starttls, 1), (&wrapped, 0)] {
        let seen = server.events("connection");
        assert_eq!(seen.len(), connections, "{seen:?}");
        assert!(server.events("login").is_empty() && server.events("mail").is_empty());
    }
    // And all of it goes where nothing is wrong.
    let site = Site::new(&starttls.receiver("right", &trusting(PASSWORD)), "");
    let (code, out, err) = site.run(&["notify", "test"]);
    assert_eq!((code, out.as_str()), (Some(0), "ok      right\n"), "{err}");
    assert_eq!(starttls.events("mail").len(), 1);
}
