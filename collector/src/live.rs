//! The events of the live feed, as they travel over the websocket, Redis channels and NOTIFY.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::alert::Alert;
use crate::annotation::AnnotationChange;
use crate::{Application, Business, Health, System};

/// One event of the live feed: `{"seq":N,"event":"metrics:system","at":"<RFC 3339>","data":{...}}`.
///
/// ```
/// let text = r#"{"seq":7,"event":"hello","at":"2026-11-24T03:00:00Z","data":{"resumed":true}}"#;
/// let event: collector::LiveEvent = serde_json::from_str(text)?;
/// assert_eq!(event.seq, 7);
/// assert_eq!(event.payload, collector::Payload::Hello(collector::Hello { resumed: true }));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LiveEvent {
    /// Grows by one with every event of a feed, and never goes back, also not when the feed is
    /// restarted. A reader that was away asks for what it missed with `?since=<the last seq it saw>`.
    pub seq: u64,
    /// Name and data.
    #[serde(flatten)]
    pub payload: Payload,
    /// When the event happened.
    #[serde(with = "crate::rfc3339")]
    pub at: Timestamp,
}

/// Name and data of a live event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "event", content = "data")]
pub enum Payload {
    /// A new reading of the host.
    #[serde(rename = "metrics:system")]
    System(Box<System>),
    /// A new reading of the application.
    #[serde(rename = "metrics:application")]
    Application(Box<Application>),
    /// A new reading of the business metrics.
    #[serde(rename = "metrics:business")]
    Business(Box<Business>),
    /// An alert fires.
    #[serde(rename = "alert:new")]
    AlertNew(Box<Alert>),
    /// An alert that fires has become quiet or loud, or somebody looks after it.
    #[serde(rename = "alert:changed")]
    AlertChanged(Box<Alert>),
    /// An alert is over.
    #[serde(rename = "alert:resolved")]
    AlertResolved(Box<Alert>),
    /// An annotation was made, changed or removed.
    #[serde(rename = "annotation:changed")]
    AnnotationChanged(AnnotationChange),
    /// A part of the system changed its state.
    #[serde(rename = "health")]
    Health(Health),
    /// The first event on every websocket; its `seq` is the newest the feed has sent.
    #[serde(rename = "hello")]
    Hello(Hello),
}

impl Payload {
    /// The event's name, which is also the name of its Redis channel.
    #[must_use]
    pub fn event(&self) -> &'static str {
        match self {
            Self::System(_) => "metrics:system",
            Self::Application(_) => "metrics:application",
            Self::Business(_) => "metrics:business",
            Self::AlertNew(_) => "alert:new",
            Self::AlertChanged(_) => "alert:changed",
            Self::AlertResolved(_) => "alert:resolved",
            Self::AnnotationChanged(_) => "annotation:changed",
            Self::Health(_) => "health",
            Self::Hello(_) => "hello",
        }
    }
}

/// How a websocket begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Hello {
    /// Everything after the `since` asked for follows. Where it is false (or nothing was asked
    /// for) the reader should fetch the recent history to have no hole.
    pub resumed: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_survives_the_wire_and_carries_its_channel_name() {
        let event = LiveEvent {
            seq: 42,
            at: "2026-11-24T03:00:00.5Z".parse().unwrap(),
            payload: Payload::System(Box::new(System { cpu_usage: Some(12.5), ..System::default() })),
        };
        let text = serde_json::to_string(&event).unwrap();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["event"], event.payload.event());
        assert_eq!(value["at"], "2026-11-24T03:00:00.5Z");
        assert_eq!(value["data"]["cpu_usage"], 12.5);
        assert_eq!(serde_json::from_str::<LiveEvent>(&text).unwrap(), event);
    }
}
