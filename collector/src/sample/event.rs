//! What happened in the application, as it tells it itself.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A business event: so many of one kind at one moment.
///
/// ```
/// let event: collector::Event =
///     serde_json::from_str(r#"{"event":"recipe_created","count":1,"at":"2026-11-24T03:00:00Z"}"#)?;
/// assert_eq!((event.event.as_str(), event.count, event.id), ("recipe_created", 1, None));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Event {
    /// What happened, e.g. `recipe_created`: 1 to 100 of `a-z`, `0-9`, `_`, `.` and `-`.
    pub event: String,
    /// How many times, 1 to [`Event::MOST`].
    pub count: u64,
    /// When.
    #[serde(with = "crate::rfc3339")]
    pub at: Timestamp,
    /// What tells it from others: of events with the same name and id only the first counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

impl Event {
    /// Greatest count of one event.
    pub const MOST: u64 = 1_000_000;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_survives_its_json() {
        let at = Timestamp::new(1_764_000_000, 500_000_000).unwrap();
        for id in [None, Some("order 7".to_owned())] {
            let event = Event { event: "recipe_created".to_owned(), count: 3, at, id };
            let json = serde_json::to_string(&event).unwrap();
            assert_eq!(json.contains("\"id\""), event.id.is_some(), "{json}");
            assert_eq!(serde_json::from_str::<Event>(&json).unwrap(), event);
        }
    }
}
