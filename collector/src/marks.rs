//! What graphs show besides their lines: from where on a value is too high, when an alert fired,
//! and what people noted.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::alert::Severity;
use crate::rfc3339;

/// All of it for one page.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Marks {
    /// The thresholds of the rules, the lowest first.
    pub limits: Vec<Limit>,
    /// Times that something went on.
    pub spans: Vec<Span>,
}

/// The threshold of a rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Limit {
    /// The rule's metric.
    pub metric: String,
    /// In the metric's unit.
    pub value: f64,
    /// The rule's severity.
    pub severity: Severity,
}

/// A time that something went on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Span {
    /// The metric whose graphs show it; empty: every graph does.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub metric: String,
    /// When it began.
    #[serde(with = "rfc3339")]
    pub from: Timestamp,
    /// When it was over; `None` while it goes on.
    #[serde(default, with = "rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub to: Option<Timestamp>,
    /// That of an alert; `None`: a note.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// The rule, or what was noted.
    pub text: String,
}
