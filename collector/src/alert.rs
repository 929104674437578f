//! What becomes of an alert as values come, and what is said of it. Nothing here reads, keeps or
//! sends anything; time is an argument. Which values, and beyond what, is `rules`'.

mod act;
mod desk;
mod pairs;
mod quiet;
mod state;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::rfc3339;

pub use act::Act;
pub use desk::{Desk, Heartbeat, ReceiverState, RuleState, SeriesState};
pub use quiet::{Acknowledged, Quiet, QuietBy, Silence};
#[cfg(feature = "runtime")]
pub(crate) use state::shifted;
pub use state::{Condition, Phase, State, Timing, Transition, step};

/// How bad it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Somebody should look at it by day.
    #[default]
    Warning,
    /// Somebody has to look at it now.
    Critical,
}

impl Severity {
    /// All, the worst first.
    pub const ALL: [Self; 3] = [Self::Critical, Self::Warning, Self::Info];

    /// The one that is called so.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|severity| severity.name() == name)
    }

    /// As in settings, tables and JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// What is done when it fires and when it is resolved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// A line in the log.
    #[default]
    Log,
    /// That, and the notifiers are called.
    Notify,
}

/// What a value that is missing means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Missing {
    /// The condition does not hold, as in Prometheus.
    #[default]
    Resolve,
    /// It holds.
    Fire,
    /// Nothing: all stays as it is.
    Keep,
}

/// An alert as everybody is told of it: in the live feed, by the API, in Redis under `alerts:active`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Alert {
    /// Tells it from all others, also of the same rule and series.
    pub id: String,
    /// Name of the rule.
    pub rule_name: String,
    /// How bad it is.
    pub severity: Severity,
    /// What it is about.
    pub category: String,
    /// What is wrong, in English.
    pub message: String,
    /// What is wrong, in Japanese.
    pub message_ja: String,
    /// Labels of the series, in the order of their names; in JSON an object.
    #[serde(with = "pairs")]
    #[cfg_attr(feature = "openapi", schema(value_type = std::collections::BTreeMap<String, String>))]
    pub labels: Vec<(String, String)>,
    /// The value that made it fire; `None` where one is missing.
    pub value: Option<f64>,
    /// Beyond what it fires.
    pub threshold: f64,
    /// When its condition began to hold.
    #[serde(with = "rfc3339")]
    pub active_at: Timestamp,
    /// When it began to fire.
    #[serde(with = "rfc3339")]
    pub fired_at: Timestamp,
    /// When it was over; `None` while it fires.
    #[serde(default, with = "rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub resolved_at: Option<Timestamp>,
    /// Where it is written what to do; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub runbook_url: String,
    /// Why nobody is told of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quiet: Option<Quiet>,
    /// Who looks after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledged: Option<Acknowledged>,
}

impl Alert {
    /// The same for all alerts of its rule and series.
    #[must_use]
    pub fn series(&self) -> String {
        serde_json::to_string(&(&self.rule_name, &self.labels)).unwrap_or_default()
    }

    /// The order of a list: the worst first, and of those the newest.
    #[must_use]
    pub fn rank(&self) -> impl Ord + use<> {
        (std::cmp::Reverse(self.severity), std::cmp::Reverse(self.fired_at), self.id.clone())
    }
}

/// That an alert fires, or that it is over, on its way into `alert_history`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlertRecord {
    /// Over where it has `resolved_at`.
    pub alert: Alert,
    /// All values of the moment in which it began to fire.
    #[serde(default, skip_serializing_if = "serde_json::Value::is_null")]
    pub snapshot: serde_json::Value,
}

impl AlertRecord {
    /// When it happened.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        self.alert.resolved_at.unwrap_or(self.alert.fired_at)
    }
}

/// The category of fire drills.
pub(crate) const DRILL: &str = "drill";

/// How many alerts fired in the last 24 hours, by severity: critical, warning, info.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AlertPast {
    /// The numbers.
    pub day: [u64; 3],
}

impl AlertPast {
    /// One more fires; a fire drill is none.
    pub fn count(&mut self, alert: &Alert) {
        let place = Severity::ALL.iter().position(|known| *known == alert.severity);
        let place = place.filter(|_| alert.category != DRILL);
        if let Some(count) = place.and_then(|place| self.day.get_mut(place)) {
            *count += 1;
        }
    }
}
