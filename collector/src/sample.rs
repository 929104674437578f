//! What one reading is, per kind. How it is taken belongs to `source`, where it goes to `monitor`.

#[cfg(feature = "runtime")]
mod admission;
mod application;
mod business;
mod database;
mod event;
#[cfg(feature = "runtime")]
mod increase;
mod system;

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

#[cfg(feature = "runtime")]
pub(crate) use admission::{AHEAD, LABEL_BYTES, LABELS, Refusal, admit, is_label_name, is_metric_name};
pub use application::{APPLICATION_METRICS, Application, DurationBucket, Instance, Requests, Route};
pub use business::{Business, BusinessMetric, DayCount};
pub use database::{
    Connections, DATABASE_METRICS, DatabaseMeter, Pool, PostgresqlReading, RedisReading, hit_ratio, size_point,
};
pub use event::Event;
#[cfg(feature = "runtime")]
pub use increase::Increase;
#[cfg(feature = "runtime")]
pub(crate) use system::percent;
pub use system::{Interface, Mount, SYSTEM_METRICS, System, SystemWindow};

/// Label names and values that tell the series of one metric apart.
pub type Labels = BTreeMap<String, String>;

/// The label that every series has: the host whose collector took it. A series without another
/// label stands for the whole.
pub const HOST_LABEL: &str = "host";

/// One number of a sample.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// The name in the specification's table of metrics, e.g. `cpu_usage`.
    #[serde(rename = "n")]
    pub metric_name: Cow<'static, str>,
    /// In the metric's unit.
    #[serde(rename = "v")]
    pub value: f64,
    /// What tells this series from others of the same name, but for the host.
    #[serde(rename = "l", default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: Labels,
}

/// Numbers of one moment: rows of `system_metrics`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// The end of the time that it covers.
    #[serde(with = "crate::rfc3339")]
    pub at: Timestamp,
    /// Value of the label [`HOST_LABEL`] of all its series.
    pub host: String,
    /// The numbers.
    pub points: Vec<Point>,
}

/// The newest values of one kind: a row of `metrics_raw`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RawSnapshot {
    /// When they were collected.
    #[serde(with = "crate::rfc3339")]
    pub at: Timestamp,
    /// The kind.
    pub metric_type: Kind,
    /// The JSON of that kind's reading.
    pub data: serde_json::Value,
}

/// Kinds of metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The host.
    System,
    /// The application's requests.
    Application,
    /// What the application is for.
    Business,
}

impl Kind {
    /// As in `metrics_raw.metric_type`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Application => "application",
            Self::Business => "business",
        }
    }
}
