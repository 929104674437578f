//! Slack and Discord, by what their documentation says of requests and answers.

use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;

use super::receiver::{Receiver, answer};
use super::{Site, at_desk, rule, says};

/// More than either shows at once, of one group.
const ALERTS: usize = 14;

fn rules() -> String {
    let words = "severity = 'warning'\nsummary = 'A & B <!channel> @everyone {{ $value }} '\nsummary_ja = '負荷'";
    let long = "x".repeat(400);
    (0..ALERTS)
        .map(|number| rule(&format!("Rule{number}"), &words.replace("A & B", &format!("A & B {long}"))))
        .collect()
}

fn site(kind: &str, receiver: &Receiver) -> Site {
    let settings = format!(
        "group_by = []\ndashboard_url = 'https://monitoring.example.com'\n\
         [notify.receivers.chat]\nkind = '{kind}'\nallow_private = true\nurl = '{}'",
        receiver.url("/hook")
    );
    Site::new(&settings, &rules())
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_else(|| panic!("{name} is no text: {value}"))
}

/// Both ask to wait for as many seconds as `Retry-After` says:
/// <https://docs.slack.dev/apis/web-api/rate-limits>, <https://discord.com/developers/docs/topics/rate-limits>.
const BUSY: &str = "Retry-After: 3\r\nContent-Type: application/json\r\n";

/// <https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks>: JSON with `text`, answered by `ok`.
/// <https://docs.slack.dev/legacy/legacy-messaging/legacy-secondary-message-attachments>: the fields of attachments.
/// <https://docs.slack.dev/messaging/formatting-message-text>: `&`, `<` and `>` are escaped, and nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn slack_gets_what_it_takes_and_the_time_it_asks_for() {
    let slack = Receiver::start(|number, _| match number {
        1 => answer(429, BUSY, "{\"ok\":false,\"error\":\"ratelimited\"}"),
        _ => answer(200, "", "ok"),
    })
    .await;
    let site = site("slack", &slack);
    let mut collector = site.start().await;
    let second = slack.takes(2).await;
    let first = slack.requests().remove(0);
    assert!(second.at - first.at >= Duration::from_secs(3), "{:?}", second.at - first.at);
    assert_eq!(first.body, second.body);
    assert_eq!((second.method.as_str(), second.header("content-type")), ("POST", "application/json"));

    let json = second.json();
    assert_eq!(text(&json, "text"), format!("[FIRING:{ALERTS}] {ALERTS} alerts, first Rule0"));
    let attachments = json["attachments"].as_array().unwrap();
    assert_eq!(attachments.len(), 10);
    for (number, attachment) in attachments.iter().enumerate() {
        let colour = text(attachment, "color");
        assert!(colour.len() == 7 && u32::from_str_radix(&colour[1..], 16).is_ok() && colour.starts_with('#'));
        assert_eq!(text(attachment, "title_link"), "https://monitoring.example.com/alerts");
        if number < 9 {
            assert!(text(attachment, "title").starts_with("warning: Rule"), "{attachment}");
            assert!(text(attachment, "text").starts_with("A &amp; B xxx"), "{attachment}");
            assert!(!text(attachment, "fallback").contains(['<', '>']), "{attachment}");
            assert!(attachment["ts"].as_i64().is_some_and(|at| (jiff::Timestamp::now().as_second() - at).abs() < 60));
        } else {
            assert_eq!(text(attachment, "title"), format!("and {} more", ALERTS - 9));
        }
    }
    says(&collector, "alerts delivered", second.header("idempotency-key")).await;
    assert_eq!(collector.end(Signal::TERM).await, Some(0));
}

/// <https://discord.com/developers/docs/resources/webhook#execute-webhook>: one of content, embeds, file or poll; content up
/// to 2,000 characters, up to 10 embeds, `allowed_mentions`; answered by 204.
/// <https://discord.com/developers/docs/resources/message#embed-object-embed-limits>: title 256, description 4,096 and
/// 6,000 characters in all embeds of a message. They are counted as JavaScript counts here, which is the most there are.
#[tokio::test(flavor = "multi_thread")]
async fn discord_gets_what_it_takes_and_the_time_it_asks_for() {
    let discord = Receiver::start(|number, _| match number {
        1 => answer(429, BUSY, "{\"message\":\"You are being rate limited.\",\"retry_after\":3.0,\"global\":false}"),
        _ => answer(204, "", ""),
    })
    .await;
    let site = site("discord", &discord);
    let mut collector = site.start().await;
    let second = discord.takes(2).await;
    let first = discord.requests().remove(0);
    assert!(second.at - first.at >= Duration::from_secs(3), "{:?}", second.at - first.at);
    assert_eq!(first.body, second.body);

    let json = second.json();
    let length = |text: &str| text.encode_utf16().count();
    assert!((1..=2_000).contains(&length(text(&json, "content"))));
    assert_eq!(json["allowed_mentions"], serde_json::json!({ "parse": [] }));
    let embeds = json["embeds"].as_array().unwrap();
    assert_eq!(embeds.len(), 10);
    let mut all = 0;
    for embed in embeds {
        let (title, description) = (length(text(embed, "title")), length(text(embed, "description")));
        assert!((1..=256).contains(&title) && description <= 4_096, "{embed}");
        all += title + description;
        assert!(embed["color"].as_u64().is_some_and(|colour| colour <= 0xff_ffff), "{embed}");
        assert_eq!(text(embed, "url"), "https://monitoring.example.com/alerts");
        if let Some(at) = embed.get("timestamp") {
            at.as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
        }
    }
    assert!((4_000..=6_000).contains(&all), "{all}");
    says(&collector, "alerts delivered", second.header("idempotency-key")).await;
    let state = at_desk(&collector, "chat").await;
    assert!(state["delivered_at"].is_string() && state["failing_since"].is_null() && state["waiting"] == 0, "{state}");
    assert_eq!(collector.end(Signal::TERM).await, Some(0));
}
