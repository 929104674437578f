//! Messages in the form that each kind of receiver takes.

mod text;

use hmac::{Hmac, KeyInit, Mac};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use sha2::Sha256;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::routing::facts;
use super::{About, Message};
use crate::alert::{Alert, Severity};
use crate::config::{Language, Receiver, ReceiverKind};

pub(super) use text::{headline, paragraphs, short, subject};

/// Alertmanager takes an alert for over that it has not heard of for so long: four times as long as it
/// takes to be sent again, as Prometheus does.
const ALERTMANAGER_FORGETS: SignedDuration = SignedDuration::from_mins(4);
/// Slack shows no more, and Discord refuses more than ten.
const ATTACHMENTS: usize = 10;
/// Of one alert, so that all of them are within the 6,000 characters that Discord takes.
const ATTACHMENT_CHARACTERS: usize = 450;

/// The body of the request that carries a message.
pub(super) fn body(receiver: &Receiver, message: &Message, name: &str, dashboard_url: &str) -> Vec<u8> {
    let value = match receiver.kind {
        ReceiverKind::Slack => slack(receiver, message, dashboard_url),
        ReceiverKind::Discord => discord(receiver, message, dashboard_url),
        ReceiverKind::Alertmanager => alertmanager(message, dashboard_url, Timestamp::now()),
        ReceiverKind::Webhook | ReceiverKind::Email => webhook(receiver, message, name, dashboard_url),
    };
    value.to_string().into_bytes()
}

/// Slack's incoming webhooks: <https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks>,
/// <https://docs.slack.dev/legacy/legacy-messaging/legacy-secondary-message-attachments>.
fn slack(receiver: &Receiver, message: &Message, dashboard_url: &str) -> Value {
    // https://docs.slack.dev/messaging/formatting-message-text: these three, and no others.
    let escaped = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let attachments: Vec<Value> = paragraphs(message, receiver.language, ATTACHMENTS)
        .into_iter()
        .map(|paragraph| {
            let text = escaped(&short(&paragraph.text, ATTACHMENT_CHARACTERS));
            let mut attachment = json!({
                "color": format!("#{:06x}", colour(paragraph.alert)),
                "fallback": text,
                "title": escaped(&paragraph.title),
                "text": text,
            });
            if let Some(alert) = paragraph.alert {
                attachment["ts"] = json!(alert.resolved_at.unwrap_or(alert.fired_at).as_second());
            }
            if let Some(link) = link(paragraph.alert, dashboard_url) {
                attachment["title_link"] = json!(link);
            }
            attachment
        })
        .collect();
    json!({ "text": escaped(&headline(message, receiver.language)), "attachments": attachments })
}

/// Discord's webhooks and its limits: <https://discord.com/developers/docs/resources/webhook#execute-webhook>,
/// <https://discord.com/developers/docs/resources/message#embed-object-embed-limits>.
fn discord(receiver: &Receiver, message: &Message, dashboard_url: &str) -> Value {
    let embeds: Vec<Value> = paragraphs(message, receiver.language, ATTACHMENTS)
        .into_iter()
        .map(|paragraph| {
            let mut embed = json!({
                "title": short(&paragraph.title, 100),
                "description": short(&paragraph.text, ATTACHMENT_CHARACTERS),
                "color": colour(paragraph.alert),
            });
            if let Some(alert) = paragraph.alert {
                embed["timestamp"] = json!(alert.resolved_at.unwrap_or(alert.fired_at).to_string());
            }
            if let Some(link) = link(paragraph.alert, dashboard_url) {
                embed["url"] = json!(link);
            }
            embed
        })
        .collect();
    // Nobody is called by a label that looks like a mention.
    json!({
        "content": short(&headline(message, receiver.language), 1_000),
        "embeds": embeds,
        "allowed_mentions": { "parse": [] },
    })
}

/// Alertmanager's API v2: <https://github.com/prometheus/alertmanager/blob/v0.25.0/api/v2/openapi.yaml>, `postableAlerts`.
fn alertmanager(message: &Message, dashboard_url: &str, now: Timestamp) -> Value {
    let word = [word(message)];
    let alerts = if message.about == About::Alerts { &message.alerts } else { &word[..] };
    let alerts = alerts.iter().map(|alert| {
        let ends_at = alert.resolved_at.or_else(|| now.checked_add(ALERTMANAGER_FORGETS).ok());
        let mut posted = json!({
            "labels": facts(alert),
            "annotations": annotations(alert),
            "startsAt": alert.fired_at.to_string(),
            "endsAt": ends_at.unwrap_or(now).to_string(),
        });
        if !dashboard_url.is_empty() {
            posted["generatorURL"] = json!(format!("{dashboard_url}/alerts"));
        }
        posted
    });
    alerts.collect()
}

/// What Alertmanager sends to webhooks, so that whatever takes that takes this:
/// <https://prometheus.io/docs/alerting/0.25/configuration/#webhook_config>.
fn webhook(receiver: &Receiver, message: &Message, name: &str, dashboard_url: &str) -> Value {
    let word = [word(message)];
    let all = if message.about == About::Alerts { &message.alerts } else { &word[..] };
    let alerts: Vec<Value> = all
        .iter()
        .map(|alert| {
            let ends_at = alert.resolved_at.map_or_else(
                || "0001-01-01T00:00:00Z".to_owned(),
                |at| at.to_string(),
            );
            json!({
                "status": if alert.resolved_at.is_some() { "resolved" } else { "firing" },
                "labels": facts(alert),
                "annotations": annotations(alert),
                "startsAt": alert.fired_at.to_string(),
                "endsAt": ends_at,
                "generatorURL": if dashboard_url.is_empty() { String::new() } else { format!("{dashboard_url}/alerts") },
                "fingerprint": alert.id,
                "value": alert.value,
                "threshold": alert.threshold,
            })
        })
        .collect();
    json!({
        "version": "4",
        "groupKey": serde_json::to_string(&message.group).unwrap_or_default(),
        "truncatedAlerts": 0,
        "status": if all.iter().any(|alert| alert.resolved_at.is_none()) { "firing" } else { "resolved" },
        "receiver": name,
        "groupLabels": message.group,
        "commonLabels": common(all.iter().map(|alert| json!(facts(alert)))),
        "commonAnnotations": common(all.iter().map(annotations)),
        "externalURL": dashboard_url,
        "alerts": alerts,
        "title": headline(message, receiver.language),
    })
}

/// What is no alert, as one that is over already, for a receiver that takes nothing else.
fn word(message: &Message) -> Alert {
    let name = if message.about == About::Test { "NotificationTest" } else { "SilenceEnds" };
    Alert {
        id: message.key.clone(),
        rule_name: name.to_owned(),
        severity: Severity::Info,
        category: "notification".to_owned(),
        message: headline(message, Language::En),
        message_ja: headline(message, Language::Ja),
        active_at: message.at,
        fired_at: message.at,
        resolved_at: Some(message.at),
        ..Alert::default()
    }
}

fn annotations(alert: &Alert) -> Value {
    let mut annotations = json!({ "summary": alert.message, "summary_ja": alert.message_ja });
    if !alert.runbook_url.is_empty() {
        annotations["runbook_url"] = json!(alert.runbook_url);
    }
    annotations
}

/// What all of these objects agree in.
fn common(objects: impl Iterator<Item = Value>) -> Map<String, Value> {
    let objects: Vec<_> =
        objects.filter_map(|value| if let Value::Object(map) = value { Some(map) } else { None }).collect();
    let Some((first, others)) = objects.split_first() else { return Map::new() };
    let is_common = |(name, value): &(&String, &Value)| others.iter().all(|other| other.get(*name) == Some(*value));
    first.iter().filter(is_common).map(|(name, value)| (name.clone(), value.clone())).collect()
}

fn link(alert: Option<&Alert>, dashboard_url: &str) -> Option<String> {
    let runbook = alert.map(|alert| alert.runbook_url.clone()).filter(|url| !url.is_empty());
    runbook.or_else(|| Some(format!("{dashboard_url}/alerts")).filter(|_| !dashboard_url.is_empty()))
}

/// As the dashboard colours them; green when it is over.
fn colour(alert: Option<&Alert>) -> u32 {
    match alert {
        None => 0x60_7d8b,
        Some(alert) if alert.resolved_at.is_some() => 0x2e_7d32,
        Some(alert) => match alert.severity {
            Severity::Critical => 0xc6_2828,
            Severity::Warning => 0xf9_a825,
            Severity::Info => 0x15_65c0,
        },
    }
}

/// The headers of a signed message, by Standard Webhooks:
/// <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>.
pub(super) fn signature(secret: &str, message: &Message, now: Timestamp, body: &[u8]) -> [(&'static str, String); 3] {
    let key = secret.strip_prefix("whsec_").and_then(|key| BASE64_STANDARD.decode(key).ok());
    let key = key.unwrap_or_else(|| secret.as_bytes().to_vec());
    let second = now.as_second();
    // A key of any length is one.
    let code = Hmac::<Sha256>::new_from_slice(&key).map(|mut mac| {
        mac.update(format!("{}.{second}.", message.key).as_bytes());
        mac.update(body);
        BASE64_STANDARD.encode(mac.finalize().into_bytes())
    });
    [
        ("webhook-id", message.key.clone()),
        ("webhook-timestamp", second.to_string()),
        ("webhook-signature", format!("v1,{}", code.unwrap_or_default())),
    ]
}

#[cfg(test)]
mod tests;
