//! The newest warnings and errors of the log, for the page of the monitoring's own health.

use std::collections::VecDeque;
use std::fmt::{self, Write as _};
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

/// How many are kept.
const KEPT: usize = 20;
/// Of one line.
const LONGEST: usize = 1_000;

static LINES: Mutex<VecDeque<LogLine>> = Mutex::new(VecDeque::new());

/// A warning or an error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// When it was last said.
    #[serde(with = "crate::rfc3339")]
    pub at: Timestamp,
    /// Whether it is an error, and no warning.
    pub is_error: bool,
    /// What was said, with its fields.
    pub text: String,
    /// How often in a row.
    pub times: u64,
}

/// The newest of them, the newest first.
#[must_use]
pub fn newest() -> Vec<LogLine> {
    LINES.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
}

/// Keeps them.
#[derive(Debug)]
pub(super) struct Newest;

impl<S: Subscriber> Layer<S> for Newest {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let level = *event.metadata().level();
        if level > Level::WARN {
            return;
        }
        let mut said = Said::default();
        event.record(&mut said);
        let mut lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
        keep(&mut lines, level == Level::ERROR, said.into_text(), Timestamp::now());
    }
}

fn keep(lines: &mut VecDeque<LogLine>, is_error: bool, text: String, at: Timestamp) {
    if let Some(last) = lines.front_mut().filter(|last| last.text == text && last.is_error == is_error) {
        (last.at, last.times) = (at, last.times + 1);
        return;
    }
    lines.truncate(KEPT - 1);
    lines.push_front(LogLine { at, is_error, text, times: 1 });
}

/// Message and fields of one line.
#[derive(Default)]
struct Said {
    message: String,
    fields: String,
}

impl Said {
    fn into_text(self) -> String {
        let text = if self.fields.is_empty() { self.message } else { format!("{}:{}", self.message, self.fields) };
        text.chars().take(LONGEST).collect()
    }
}

impl Visit for Said {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing into a text does not fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            // It holds only for whoever reads the log itself.
            "token" => Ok(()),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_are_kept_and_what_is_said_again_is_one_line() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut lines = VecDeque::new();
        for second in 0..30 {
            keep(&mut lines, true, format!("line {second}"), at(second));
        }
        keep(&mut lines, true, "line 29".to_owned(), at(31));
        keep(&mut lines, false, "line 29".to_owned(), at(32));
        assert_eq!(lines.len(), KEPT);
        assert_eq!((lines[1].times, lines[1].at, lines[0].is_error), (2, at(31), false));
        assert_eq!(lines[KEPT - 1].text, "line 11");
    }

    #[test]
    fn fields_stand_after_the_message_and_a_token_is_not_among_them() {
        use tracing_subscriber::layer::SubscriberExt;
        let subscriber = tracing_subscriber::registry().with(Newest);
        tracing::subscriber::with_default(subscriber, || {
            tracing::warn!(url = "http://a/", token = "rmf_secret", rows = 3, "nobody can log in yet");
            tracing::info!("not kept");
        });
        let kept = newest().into_iter().find(|line| line.text.starts_with("nobody")).unwrap();
        assert_eq!(kept.text, "nobody can log in yet: url=http://a/ rows=3");
    }
}
