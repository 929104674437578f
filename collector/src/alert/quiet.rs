//! Why somebody is not told of an alert that fires.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::rfc3339;

/// Why nobody is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Quiet {
    /// What it is.
    pub why: QuietBy,
    /// Who silenced it, or the rule that inhibits it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub by: String,
    /// What who silenced it says of that.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// When that ends, where it does before the alert is over.
    #[serde(default, with = "rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// The silence.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub silence: String,
    /// How often one that flaps fired lately.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<usize>,
}

/// What keeps an alert quiet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum QuietBy {
    /// Somebody has said so.
    Silenced,
    /// A worse one fires that says the same.
    Inhibited,
    /// It comes and goes, which is told once.
    Flapping,
}

/// Who looks after an alert.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Acknowledged {
    /// Who.
    pub by: String,
    /// Since when.
    #[serde(with = "rfc3339")]
    pub at: Timestamp,
}

/// That nobody is to be told of some alerts for some time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Silence {
    /// Its name.
    pub id: String,
    /// Of which alerts: the name of a rule, labels, or both, as in `HighDisk{mount="/"}`.
    pub matchers: String,
    /// Who has said so.
    pub author: String,
    /// Why.
    pub reason: String,
    /// From when.
    #[serde(with = "rfc3339")]
    pub starts_at: Timestamp,
    /// Until when; `None`: until no such alert fires any more.
    #[serde(default, with = "rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<Timestamp>,
    /// It ends soon, and an alert of its kind still fires.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ends_soon: bool,
}
