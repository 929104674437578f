//! Reading a frame of the feed. [`LiveEvent`] could be deserialised as it is, but its tagged
//! payload makes serde keep a second reader for every type, which the page would have to carry.

use collector::alert::Alert;
use collector::annotation::AnnotationChange;
use collector::{Application, Business, Health, Hello, LiveEvent, Payload, System};
use jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::json;

#[derive(Deserialize)]
struct Head {
    seq: u64,
    event: String,
    #[serde(with = "collector::rfc3339")]
    at: Timestamp,
}

/// The event of a frame; `None` for one that this page does not know.
#[must_use]
pub fn parse(text: &str) -> Option<LiveEvent> {
    let Head { seq, event, at } = json::read(text)?;
    let payload = match event.as_str() {
        "metrics:system" => Payload::System(Box::new(data::<System>(text)?)),
        "metrics:application" => Payload::Application(Box::new(data::<Application>(text)?)),
        "metrics:business" => Payload::Business(Box::new(data::<Business>(text)?)),
        "alert:new" => Payload::AlertNew(Box::new(data::<Alert>(text)?)),
        "alert:changed" => Payload::AlertChanged(Box::new(data::<Alert>(text)?)),
        "alert:resolved" => Payload::AlertResolved(Box::new(data::<Alert>(text)?)),
        // Whichever it is, the page asks for them all.
        "annotation:changed" => Payload::AnnotationChanged(AnnotationChange { id: None, at }),
        "health" => Payload::Health(data::<Health>(text)?),
        "hello" => Payload::Hello(data::<Hello>(text)?),
        _ => return None,
    };
    Some(LiveEvent { seq, payload, at })
}

/// What stands after `"data":`, wherever that is: a reader of a frame with it would be one more for
/// every type.
fn data<T: DeserializeOwned>(text: &str) -> Option<T> {
    const NAME: &str = "\"data\":";
    let start = text.find(NAME)? + NAME.len();
    json::read(text.get(start..)?)
}

#[cfg(test)]
mod tests {
    use collector::alert::Severity;
    use collector::{BusinessMetric, Route};

    use super::*;

    fn alert(at: Timestamp) -> Alert {
        Alert {
            id: "1".to_owned(),
            rule_name: "HighDisk".to_owned(),
            severity: Severity::Warning,
            category: "system".to_owned(),
            message: "Disk / is 91 % full".to_owned(),
            message_ja: "ディスク / の使用率が 91 % です".to_owned(),
            labels: vec![("mount".to_owned(), "/".to_owned())],
            value: Some(91.0),
            threshold: 90.0,
            active_at: at,
            fired_at: at,
            resolved_at: None,
            runbook_url: String::new(),
            ..Alert::default()
        }
    }

    #[test]
    fn every_event_is_read_as_it_was_written() {
        let at = Timestamp::new(1_795_492_972, 550_000_000).unwrap();
        for payload in [
            Payload::System(Box::new(System { at, host: "web-1".into(), cpu_usage: Some(12.5), ..System::default() })),
            Payload::Application(Box::new(Application {
                at,
                routes: vec![Route::default()],
                ..Application::default()
            })),
            Payload::Business(Box::new(Business {
                at,
                metrics: vec![BusinessMetric::default()],
                ..Business::default()
            })),
            Payload::AlertNew(Box::new(alert(at))),
            Payload::AlertResolved(Box::new(Alert { resolved_at: Some(at), ..alert(at) })),
            Payload::AnnotationChanged(AnnotationChange { id: None, at }),
            Payload::Health(Health::of(Vec::new())),
            Payload::Hello(Hello { resumed: true }),
        ] {
            let event = LiveEvent { seq: 7, payload, at };
            assert_eq!(parse(&serde_json::to_string(&event).unwrap()), Some(event));
        }
    }

    #[test]
    fn what_is_unknown_or_broken_is_no_event() {
        assert_eq!(parse(r#"{"seq":1,"event":"alert:other","at":"2026-11-24T03:00:00Z","data":{"a":1}}"#), None);
        assert_eq!(parse(r#"{"seq":1,"event":"hello""#), None);
    }
}
