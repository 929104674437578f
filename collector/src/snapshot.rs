//! All a page needs to be drawn before anything is live.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::alert::{Alert, AlertPast};
use crate::{Application, Business, Health, History, Marks, System};

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
    /// What of the past was asked for, as an address has it: see `past` and what is compared.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub look: String,
    /// A longer past, where one was asked for, in fewer points.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub past: Option<History>,
    /// The newest reading of the application; `None` before the first, or where none is watched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application: Option<Application>,
    /// The application's last hour.
    #[serde(default = "an_hour")]
    pub application_history: History,
    /// The application's past as far back as `past`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application_past: Option<History>,
    /// An earlier past of the host, at the times of the one beside which it is seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compared: Option<History>,
    /// The same of the application.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application_compared: Option<History>,
    /// What graphs show besides their lines.
    #[serde(default)]
    pub marks: Marks,
    /// The newest reading of the business metrics; `None` before the first, or where there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub business: Option<Business>,
    /// The alerts that fire, the worst first.
    #[serde(default)]
    pub alerts: Vec<Alert>,
    /// What fired before; `None` where PostgreSQL does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alert_past: Option<AlertPast>,
    /// What the server alone draws of the page that it is for, as markup.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub drawn: String,
    /// The state of the parts.
    pub health: Health,
}

/// Seconds of the application's past that a page shows before anybody asks for more.
pub const APPLICATION_SPAN_SECONDS: i64 = 3_600;

fn an_hour() -> History {
    History::new(APPLICATION_SPAN_SECONDS)
}

/// The newest values of all kinds: the answer of `/api/v1/current`, and what Redis keeps under
/// `metrics:integrated:current` and `metrics:current`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Current {
    /// The newest reading of the host; `None` before the first.
    pub system: Option<System>,
    /// The newest reading of the application; `None` before the first, or where none is watched.
    #[serde(default)]
    pub application: Option<Application>,
    /// The newest reading of the business metrics; `None` before the first, or where there are none.
    #[serde(default)]
    pub business: Option<Business>,
}
