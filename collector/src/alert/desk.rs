//! How alerting stands: the rules with their values, silences, and what became of messages.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Alert, Phase, Severity, Silence};
use crate::{Labels, rfc3339};

/// All of it, as `/api/v1/alerting` answers it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Desk {
    /// The alerts that fire, the worst first.
    pub alerts: Vec<Alert>,
    /// The rules, in the order of their file.
    pub rules: Vec<RuleState>,
    /// The silences that hold.
    pub silences: Vec<Silence>,
    /// Whom alerts are told, by name.
    pub receivers: Vec<ReceiverState>,
    /// The dead man's switch; `None` where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heartbeat: Option<Heartbeat>,
    /// Seconds between two fire drills; 0 where there are none.
    pub fire_drill_seconds: u64,
    /// Why the newest file of alert rules was not taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules_error: Option<String>,
    /// The same in Japanese.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules_error_ja: Option<String>,
    /// Why alerts may reach nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paging_error: Option<String>,
    /// The same in Japanese.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paging_error_ja: Option<String>,
}

/// A rule and how it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RuleState {
    /// Its name.
    pub name: String,
    /// When it fires, as PromQL writes it.
    pub expr: String,
    /// The metric in it.
    pub metric: String,
    /// The number in it.
    pub threshold: f64,
    /// Seconds for which that has to hold.
    pub for_seconds: f64,
    /// How bad it is.
    pub severity: Severity,
    /// What it is about.
    pub category: String,
    /// Whether receivers are told.
    pub notifies: bool,
    /// Where it is written what to do; may be empty.
    pub runbook_url: String,
    /// The values of its series now, the worst first, at most [`RuleState::VALUES`].
    pub values: Vec<SeriesState>,
}

impl RuleState {
    /// Series that it has at the most.
    pub const VALUES: usize = 20;

    /// Whether an alert of it fires, or will if that goes on.
    #[must_use]
    pub fn phase(&self) -> Option<Phase> {
        let phases = || self.values.iter().filter_map(|series| series.phase);
        phases().find(|phase| *phase == Phase::Firing).or_else(|| phases().next())
    }
}

/// A series under a rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SeriesState {
    /// Its labels.
    #[cfg_attr(feature = "openapi", schema(value_type = std::collections::BTreeMap<String, String>))]
    pub labels: Labels,
    /// Its newest value.
    pub value: Option<f64>,
    /// `None`: inactive.
    pub phase: Option<Phase>,
}

/// A receiver and what became of messages to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReceiverState {
    /// Its name.
    pub name: String,
    /// What it speaks.
    pub kind: String,
    /// Messages on their way.
    pub waiting: usize,
    /// When the last one arrived.
    #[serde(default, with = "rfc3339::option")]
    pub delivered_at: Option<Timestamp>,
    /// Since when none has, though one was sent.
    #[serde(default, with = "rfc3339::option")]
    pub failing_since: Option<Timestamp>,
    /// Why not.
    #[serde(default)]
    pub error: String,
    /// The same in Japanese.
    #[serde(default)]
    pub error_ja: String,
    /// Messages that were given up.
    pub given_up: u64,
    /// When a fire drill last arrived.
    #[serde(default, with = "rfc3339::option")]
    pub proven_at: Option<Timestamp>,
    /// When the last one was given up.
    #[serde(default, with = "rfc3339::option")]
    pub drill_failed_at: Option<Timestamp>,
}

/// What became of the heartbeat.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Heartbeat {
    /// When the last one arrived.
    #[serde(default, with = "rfc3339::option")]
    pub sent_at: Option<Timestamp>,
    /// Why the last one did not; empty when it did.
    #[serde(default)]
    pub error: String,
    /// The same in Japanese.
    #[serde(default)]
    pub error_ja: String,
}
