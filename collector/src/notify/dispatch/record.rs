//! What became of the messages to a receiver.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::Message;
use crate::Sentence;
use crate::alert::shifted;
use crate::rfc3339;
use crate::rules::FIRE_DRILL;

/// The record of a receiver.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Record {
    #[serde(with = "rfc3339::option")]
    pub(crate) delivered_at: Option<Timestamp>,
    /// Since when nothing has been delivered.
    #[serde(with = "rfc3339::option")]
    pub(crate) failing_since: Option<Timestamp>,
    /// Why the last attempt failed.
    pub(crate) error: String,
    /// The same in Japanese.
    pub(crate) error_ja: String,
    /// Messages that were never delivered.
    pub(crate) given_up: u64,
    #[serde(with = "rfc3339::option")]
    pub(crate) given_up_at: Option<Timestamp>,
    /// When a fire drill last arrived.
    #[serde(with = "rfc3339::option")]
    pub(crate) proven_at: Option<Timestamp>,
    /// When one was last given up, if none has arrived since.
    #[serde(with = "rfc3339::option")]
    pub(crate) drill_failed_at: Option<Timestamp>,
}

fn is_drill(message: &Message) -> bool {
    message.alerts.iter().any(|alert| alert.rule_name == FIRE_DRILL)
}

impl Record {
    /// Something has arrived, so the way is free.
    pub(super) fn arrived(&mut self, now: Timestamp) {
        (self.delivered_at, self.failing_since, self.drill_failed_at) = (Some(now), None, None);
        self.error.clear();
        self.error_ja.clear();
    }

    pub(super) fn delivered(&mut self, message: &Message, now: Timestamp) {
        self.arrived(now);
        if is_drill(message) {
            self.proven_at = Some(now);
        }
    }

    /// No time is later than `now`.
    pub(super) fn clamp(&mut self, now: Timestamp) {
        self.times().into_iter().for_each(|time| *time = (*time).min(Some(now)));
    }

    fn times(&mut self) -> [&mut Option<Timestamp>; 5] {
        [
            &mut self.delivered_at,
            &mut self.failing_since,
            &mut self.given_up_at,
            &mut self.proven_at,
            &mut self.drill_failed_at,
        ]
    }

    pub(super) fn failed(&mut self, error: Sentence, now: Timestamp) {
        self.failing_since.get_or_insert(now);
        (self.error, self.error_ja) = (error.en, error.ja);
    }

    pub(super) fn given_up(&mut self, message: &Message, now: Timestamp) {
        self.given_up += 1;
        self.given_up_at = Some(now);
        if is_drill(message) {
            self.drill_failed_at = Some(now);
        }
    }

    pub(super) fn shift(&mut self, by: SignedDuration) {
        self.times().into_iter().for_each(|time| *time = time.map(|at| shifted(at, by)));
    }
}
