//! Business events as applications push them: one object or a list of them.
//!
//! | field | rule | else |
//! |---|---|---|
//! | `event` | 1 to 100 of `a-z`, `0-9`, `_`, `.` and `-` | - |
//! | `count` | a whole number from 1 to 1,000,000 | 1 |
//! | `at` | RFC 3339, at most 5 minutes ahead, not older than what is kept | now |
//! | `id` | 1 to 200 bytes, the same when the event is sent again | none |
//!
//! One that breaks a rule refuses all of them, so that what was refused can be sent again.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::Deserializer;
use serde::de::{SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::Event;
use crate::sample::AHEAD;

/// Events of one request.
const MOST_EVENTS: usize = 10_000;
/// Length of one event: as long as its fields may be, all of it escaped.
const EVENT_BYTES: usize = 4 << 10;
const NAME_CHARACTERS: usize = 100;
const ID_BYTES: usize = 200;
/// What is shown of a value that is refused.
const SHOWN_CHARACTERS: usize = 100;
const FIELDS: [&str; 4] = ["event", "count", "at", "id"];

/// Why events were refused, all of the request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// The request is no list of objects.
    #[error("the request is not JSON: {reason}; send one object or a list of them")]
    Syntax {
        /// What and where.
        reason: String,
    },
    /// There are too many.
    #[error("the request has more than 10000 events; send them in parts")]
    TooMany,
    /// A field of an event is not valid.
    #[error("event {index}: {field} is {value}: {remedy}")]
    Invalid {
        /// Which event, the first is 0.
        index: usize,
        /// Which field.
        field: String,
        /// Its value, the beginning of it where it is long.
        value: String,
        /// What would be valid.
        remedy: String,
    },
}

impl EventError {
    /// The field, as in `[3].count`; empty where it is not about one.
    #[must_use]
    pub fn field(&self) -> String {
        match self {
            Self::Invalid { index, field, .. } => format!("[{index}].{field}"),
            Self::Syntax { .. } | Self::TooMany => String::new(),
        }
    }
}

/// The events of a request at `now`, where nothing older than `kept` stays.
///
/// # Errors
///
/// See [`EventError`]; it is about the first event that is not valid.
pub fn parse(body: &[u8], now: Timestamp, kept: SignedDuration) -> Result<Vec<Event>, EventError> {
    let mut reader = Reader { events: Vec::new(), now, kept };
    let mut json = serde_json::Deserializer::from_slice(body);
    let syntax = |error: serde_json::Error| EventError::Syntax { reason: error.to_string() };
    if body.trim_ascii_start().starts_with(b"[") {
        // Element by element: a list of short ones would take many times its length.
        json.deserialize_seq(Elements(&mut reader)).map_err(syntax)??;
    } else {
        let one: &RawValue = serde::Deserialize::deserialize(&mut json).map_err(syntax)?;
        reader.read(one)?;
    }
    json.end().map_err(syntax)?;
    Ok(reader.events)
}

struct Reader {
    events: Vec<Event>,
    now: Timestamp,
    kept: SignedDuration,
}

struct Elements<'r>(&'r mut Reader);

impl<'de> Visitor<'de> for Elements<'_> {
    type Value = Result<(), EventError>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of events")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut result = Ok(());
        // The rest is read too: what is not JSON at all is said first.
        while let Some(element) = list.next_element::<&RawValue>()? {
            result = result.and_then(|()| self.0.read(element));
        }
        Ok(result)
    }
}

impl Reader {
    fn read(&mut self, event: &RawValue) -> Result<(), EventError> {
        let index = self.events.len();
        if index >= MOST_EVENTS {
            return Err(EventError::TooMany);
        }
        let text = event.get();
        let refused = |field: &str, value: &str, remedy: &str| {
            let mut shown: String = value.chars().take(SHOWN_CHARACTERS).collect();
            if shown.len() < value.len() {
                shown.push('…');
            }
            Err(EventError::Invalid { index, field: field.to_owned(), value: shown, remedy: remedy.to_owned() })
        };
        if text.len() > EVENT_BYTES {
            return refused("event", text, "send at most 4 KiB for one event");
        }
        let remedy = r#"send an object such as {"event":"recipe_created"}"#;
        let Ok(fields) = serde_json::from_str::<Map<String, Value>>(text) else {
            return refused("event", text, remedy);
        };
        if let Some((name, value)) = fields.iter().find(|(name, _)| !FIELDS.contains(&name.as_str())) {
            return refused(name, &value.to_string(), "there is no such field; use event, count, at and id");
        }
        let given = |name: &str| fields.get(name).filter(|value| !value.is_null());
        let shown = |name: &str| fields.get(name).map_or_else(|| "missing".to_owned(), Value::to_string);
        let Some(name) = given("event").and_then(Value::as_str).filter(|name| is_event_name(name)) else {
            return refused("event", &shown("event"), "use 1 to 100 of a-z, 0-9, _, . and -");
        };
        let count = given("count").map_or(Some(1), whole).filter(|count| (1..=Event::MOST).contains(count));
        let Some(count) = count else {
            return refused("count", &shown("count"), "use a whole number from 1 to 1000000, or leave it out");
        };
        let at = given("at").map_or(Some(self.now), |at| at.as_str()?.parse().ok());
        let Some(at) = at else {
            return refused("at", &shown("at"), "use a time such as 2026-11-24T03:00:00Z, or leave it out");
        };
        let age = self.now.duration_since(at);
        if age < -AHEAD {
            return refused("at", &shown("at"), "it is more than 5 minutes ahead; set the clock of the application");
        }
        if age > self.kept {
            return refused("at", &shown("at"), "it is older than anything that is kept; leave the event out");
        }
        let id = given("id").map(|id| id.as_str().filter(|id| is_id(id)).map(str::to_owned));
        if id == Some(None) {
            return refused("id", &shown("id"), "use a text of 1 to 200 bytes, or leave it out");
        }
        self.events.push(Event { event: name.to_owned(), count, at, id: id.flatten() });
        Ok(())
    }
}

/// JavaScript writes no difference between 1 and 1.0, others do.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is whole and within the limits")]
fn whole(number: &Value) -> Option<u64> {
    let in_limits = |number: &f64| number.fract() == 0.0 && (0.0..1.0e15).contains(number);
    number.as_u64().or_else(|| number.as_f64().filter(in_limits).map(|number| number as u64))
}

fn is_event_name(name: &str) -> bool {
    let of_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_.-".contains(&byte);
    (1..=NAME_CHARACTERS).contains(&name.len()) && name.bytes().all(of_name)
}

/// PostgreSQL has no texts with NUL.
fn is_id(id: &str) -> bool {
    (1..=ID_BYTES).contains(&id.len()) && !id.contains('\0')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);

    fn now() -> Timestamp {
        Timestamp::from_second(1_764_000_000).unwrap()
    }

    fn parsed(body: &str) -> Result<Vec<Event>, EventError> {
        parse(body.as_bytes(), now(), KEPT)
    }

    #[test]
    fn one_or_a_list_is_read_with_defaults() {
        let one = Event { event: "recipe_created".to_owned(), count: 1, at: now(), id: None };
        assert_eq!(parsed(r#"{"event":"recipe_created"}"#), Ok(vec![one.clone()]));
        assert_eq!(parsed(r#" [{"event":"recipe_created","count":null,"at":null,"id":null}] "#), Ok(vec![one.clone()]));
        let at = now() - SignedDuration::from_hours(1);
        let full = format!(
            r#"[{{"event":"a.b-c_1","count":1000000,"at":"{at}","id":"order 7"}},{{"event":"recipe_created","count":1.0}}]"#
        );
        let first = Event { event: "a.b-c_1".to_owned(), count: Event::MOST, at, id: Some("order 7".to_owned()) };
        assert_eq!(parsed(&full), Ok(vec![first, one]));
        assert_eq!(
            parsed(r#"{"event":"a","at":"2025-11-24T12:00:00+09:00"}"#).unwrap()[0].at.to_string(),
            "2025-11-24T03:00:00Z"
        );
        assert_eq!(parsed("[]"), Ok(Vec::new()));
    }

    #[test]
    fn each_rule_names_event_field_value_and_remedy() {
        let long = "x".repeat(101);
        for (event, field, value) in [
            (r#"{}"#, "event", "missing"),
            (r#"{"event":""}"#, "event", "\"\""),
            (r#"{"event":7}"#, "event", "7"),
            (r#"{"event":"Recipe"}"#, "event", "\"Recipe\""),
            (r#"{"event":"レシピ"}"#, "event", "\"レシピ\""),
            (&format!(r#"{{"event":"{long}"}}"#), "event", &format!("\"{}…", &long[2..])),
            (r#"{"event":"a","count":0}"#, "count", "0"),
            (r#"{"event":"a","count":-1}"#, "count", "-1"),
            (r#"{"event":"a","count":1.5}"#, "count", "1.5"),
            (r#"{"event":"a","count":1000001}"#, "count", "1000001"),
            (r#"{"event":"a","count":1e300}"#, "count", "1e+300"),
            (r#"{"event":"a","count":"1"}"#, "count", "\"1\""),
            (r#"{"event":"a","at":1764000000}"#, "at", "1764000000"),
            (r#"{"event":"a","at":"yesterday"}"#, "at", "\"yesterday\""),
            (r#"{"event":"a","at":"2025-11-24T16:05:01Z"}"#, "at", "\"2025-11-24T16:05:01Z\""),
            (r#"{"event":"a","at":"2025-10-25T15:59:59Z"}"#, "at", "\"2025-10-25T15:59:59Z\""),
            (r#"{"event":"a","id":""}"#, "id", "\"\""),
            (r#"{"event":"a","id":7}"#, "id", "7"),
            (r#"{"event":"a","id":"\u0000"}"#, "id", "\"\\u0000\""),
            (r#"{"event":"a","user":"x"}"#, "user", "\"x\""),
            ("7", "event", "7"),
            ("[]", "event", "[]"),
        ] {
            let error = parsed(&format!(r#"[{{"event":"first"}},{event}]"#)).unwrap_err();
            let EventError::Invalid { index, field: of, value: shown, remedy } = &error else { panic!("{error}") };
            assert_eq!((*index, of.as_str(), shown.as_str()), (1, field, value), "{event}");
            assert!(!remedy.is_empty());
            assert_eq!(error.field(), format!("[1].{field}"));
        }
        let id = "レ".repeat(67);
        assert!(parsed(&format!(r#"{{"event":"a","id":"{id}"}}"#)).is_err());
        assert!(parsed(&format!(r#"{{"event":"a","id":"{}"}}"#, &id[3..])).is_ok());
        assert!(parsed(r#"{"event":"a","at":"2025-11-24T16:04:59Z"}"#).is_ok());
        assert!(parsed(r#"{"event":"a","at":"2025-10-25T16:00:01Z"}"#).is_ok());
    }

    #[test]
    fn what_is_no_json_or_too_much_is_refused() {
        for body in ["", "nothing", r#"{"event":"a"} {"event":"b"}"#, r#"[{"event":"a"},"#, "[1 2]"] {
            assert!(matches!(parsed(body), Err(EventError::Syntax { .. })), "{body}");
        }
        assert!(matches!(parse(b"\xff", now(), KEPT), Err(EventError::Syntax { .. })));
        let many = |number: usize| format!("[{}]", vec![r#"{"event":"a"}"#; number].join(","));
        assert_eq!(parsed(&many(10_000)).unwrap().len(), 10_000);
        assert_eq!(parsed(&many(10_001)), Err(EventError::TooMany));
        let long = format!(r#"{{"event":"a","id":{}1{}}}"#, "[".repeat(3_000), "]".repeat(3_000));
        assert!(matches!(parsed(&long), Err(EventError::Invalid { .. })));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(body in proptest::collection::vec(any::<u8>(), 0..200), text in r#"\[?(\{"(event|count|at|id)":("[a-z0-9:TZ-]*"|[0-9.eE-]*|null)\},?)*\]?"#) {
            let _ = parse(&body, now(), KEPT);
            let _ = parsed(&text);
        }
    }
}
