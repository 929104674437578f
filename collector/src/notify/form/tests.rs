use super::*;
use crate::config::Notify;

fn alert(id: &str, resolved: bool) -> Alert {
    let at = Timestamp::from_second(1_764_028_800).unwrap();
    Alert {
        id: id.to_owned(),
        rule_name: "HighDisk".to_owned(),
        severity: Severity::Warning,
        category: "system".to_owned(),
        message: "Disk /<b> is 91 % full & more".to_owned(),
        message_ja: "ディスク /<b> の使用率が 91 % です".to_owned(),
        labels: vec![("host".to_owned(), "web".to_owned()), ("mount".to_owned(), "/<b>".to_owned())],
        value: Some(91.0),
        threshold: 90.0,
        active_at: at,
        fired_at: at,
        resolved_at: resolved.then_some(at),
        runbook_url: "https://wiki.example.com/disk".to_owned(),
        ..Alert::default()
    }
}

fn message(alerts: Vec<Alert>) -> Message {
    let at = Timestamp::from_second(1_764_028_801).unwrap();
    let group = [("alertname".to_owned(), "HighDisk".to_owned())].into();
    Message { key: "k1".to_owned(), about: About::Alerts, group, at, alerts, attempts: 0, next_attempt: at }
}

fn receiver(text: &str) -> Receiver {
    let notify: Notify = toml::from_str(&format!("[receivers.a]\nurl = 'https://a'\n{text}")).unwrap();
    notify.receivers["a"].clone()
}

fn json(receiver: &Receiver, message: &Message) -> Value {
    serde_json::from_slice(&body(receiver, message, "a", "https://m.example.com")).unwrap()
}

#[test]
fn slack_gets_one_attachment_for_each_alert_with_nothing_that_it_would_read_as_markup() {
    let body = json(&receiver("kind = 'slack'"), &message(vec![alert("1", false), alert("2", true)]));
    assert_eq!(body["text"], "[FIRING:1 RESOLVED:1] HighDisk");
    let first = &body["attachments"][0];
    assert_eq!(first["color"], "#f9a825");
    assert_eq!(first["title"], "warning: HighDisk");
    assert_eq!(first["title_link"], "https://wiki.example.com/disk");
    assert_eq!(first["ts"], 1_764_028_800);
    let text = first["text"].as_str().unwrap();
    assert!(text.starts_with("Disk /&lt;b&gt; is 91 % full &amp; more\nhost=web, mount=/&lt;b&gt;"), "{text}");
    assert_eq!(body["attachments"][1]["color"], "#2e7d32");
}

#[test]
fn discord_gets_what_is_within_its_limits_and_mentions_nobody() {
    let long = Alert { message_ja: "長".repeat(5_000), ..alert("1", false) };
    let body = json(&receiver("kind = 'discord'\nlanguage = 'ja'"), &message(vec![long; 30]));
    assert_eq!(body["allowed_mentions"], json!({ "parse": [] }));
    let embeds = body["embeds"].as_array().unwrap();
    assert_eq!(embeds.len(), 10);
    assert_eq!(embeds[9]["title"], "ほか 21 件");
    let count = |value: &Value| value.as_str().unwrap().chars().count();
    let all: usize = embeds.iter().map(|embed| count(&embed["title"]) + count(&embed["description"])).sum();
    assert!(all <= 6_000, "{all}");
    assert_eq!(embeds[0]["timestamp"], "2025-11-25T00:00:00Z");
    assert_eq!(body["content"], "【発生中 30 件】 HighDisk");
}

#[test]
fn alertmanager_gets_labels_and_annotations_and_an_end_that_it_can_wait_for() {
    let now = Timestamp::from_second(1_764_030_000).unwrap();
    let body = alertmanager(&message(vec![alert("1", false), alert("2", true)]), "", now);
    assert_eq!(body[0]["labels"]["alertname"], "HighDisk");
    assert_eq!(body[0]["labels"]["severity"], "warning");
    assert_eq!(body[0]["startsAt"], "2025-11-25T00:00:00Z");
    assert_eq!(body[0]["endsAt"], "2025-11-25T00:24:00Z");
    assert_eq!(body[1]["endsAt"], "2025-11-25T00:00:00Z");
    assert_eq!(body[0]["generatorURL"], Value::Null);
}

#[test]
fn a_webhook_gets_what_alertmanager_would_send_it() {
    let mut other = alert("2", true);
    other.labels[1].1 = "/var".to_owned();
    let body = json(&receiver("kind = 'webhook'"), &message(vec![alert("1", false), other]));
    assert_eq!((&body["version"], &body["status"]), (&json!("4"), &json!("firing")));
    let common = json!({ "alertname": "HighDisk", "category": "system", "host": "web", "severity": "warning" });
    assert_eq!(body["commonLabels"], common);
    assert_eq!(body["alerts"][1]["status"], "resolved");
    assert_eq!(body["alerts"][0]["endsAt"], "0001-01-01T00:00:00Z");
    assert_eq!(body["groupLabels"], json!({ "alertname": "HighDisk" }));
    assert_eq!(body["alerts"][0]["generatorURL"], "https://m.example.com/alerts");
}

#[test]
fn a_signature_is_that_of_standard_webhooks() {
    // The example of https://github.com/standard-webhooks/standard-webhooks/blob/main/libraries/python/tests.
    let message = Message { key: "msg_p5jXN8AQM9LWM0D4loKWxJek".to_owned(), ..message(Vec::new()) };
    let now = Timestamp::from_second(1_614_265_330).unwrap();
    let headers = signature("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", &message, now, br#"{"test": 2432232314}"#);
    assert_eq!(headers[0], ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek".to_owned()));
    assert_eq!(headers[1], ("webhook-timestamp", "1614265330".to_owned()));
    assert_eq!(headers[2].1, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

#[test]
fn every_message_has_its_line_in_both_languages() {
    let language = |name: &str| receiver(&format!("kind = 'slack'\nlanguage = '{name}'"));
    let at = Timestamp::from_second(1_764_028_800).unwrap();
    let drill = Alert { rule_name: crate::rules::FIRE_DRILL.to_owned(), ..alert("1", false) };
    let ends = About::SilenceEnds { author: "Mika".to_owned(), ends_at: at };
    for (about, alerts, english, japanese) in [
        (About::Test, vec![], "[TEST]", "【テスト】"),
        (About::Alerts, vec![alert("1", true)], "[RESOLVED] HighDisk: Disk", "【復旧】 HighDisk: ディスク"),
        (About::Alerts, vec![drill], "[FIRE DRILL] [FIRING:1] FireDrill", "【訓練】【発生中 1 件】"),
        (
            ends,
            vec![alert("1", false)],
            "[SILENCE ENDS] that of Mika ends at 2025-11-25 00:00:00 UTC",
            "【サイレンス終了間近】Mika",
        ),
    ] {
        let message = Message { about, ..message(alerts) };
        for (name, begins) in [("en", english), ("ja", japanese)] {
            let text = json(&language(name), &message)["text"].as_str().unwrap().to_owned();
            assert!(text.starts_with(begins), "{text}");
        }
    }
}
