//! All a page needs to be drawn before anything is live.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Health, History, System};

/// The newest values, the recent past and the state of the parts, at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The server's clock when the snapshot was taken.
    #[serde(with = "crate::rfc3339")]
    pub at: Timestamp,
    /// Sequence number of the newest live event this snapshot contains: a reader that asks the
    /// feed for `?since=` this number misses nothing and sees nothing twice.
    pub seq: u64,
    /// Seconds between two readings; one that is older than three times this is stale.
    pub push_seconds: f64,
    /// The newest reading of the host; `None` before the first.
    pub system: Option<System>,
    /// The recent past of the host.
    pub history: History,
    /// A longer past, where one was asked for, in fewer points.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub past: Option<History>,
    /// The state of the parts.
    pub health: Health,
}

/// The newest values of all kinds: the answer of `/api/v1/current`, and what Redis keeps under
/// `metrics:integrated:current` and `metrics:current`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Current {
    /// The newest reading of the host; `None` before the first.
    pub system: Option<System>,
}
