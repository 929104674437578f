//! Spans of the past: what is asked of the history and what it answers.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Labels;

/// One metric over a span of time: the answer of `/api/v1/range`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Range {
    /// Name of the metric.
    pub metric: String,
    /// Beginning, not included.
    #[serde(with = "crate::rfc3339")]
    pub from: Timestamp,
    /// End, included.
    #[serde(with = "crate::rfc3339")]
    pub to: Timestamp,
    /// What was read.
    pub resolution: Resolution,
    /// Seconds that a point stands for at the most. Where two points are further apart than twice
    /// this, and twice the time between two samples, there is a gap.
    pub step_seconds: f64,
    /// False while PostgreSQL does not answer: only what is not saved yet is here then.
    pub complete: bool,
    /// Series that match and are not here, because they are too many; name more labels.
    pub series_left_out: u64,
    /// The series that match, in the order of their labels.
    pub series: Vec<Series>,
}

/// One series of a [`Range`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Series {
    /// Its labels.
    #[cfg_attr(feature = "openapi", schema(value_type = std::collections::BTreeMap<String, String>))]
    pub labels: Labels,
    /// In the order of time; none where there is no sample.
    pub points: Vec<RangePoint>,
}

/// The samples of one step.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RangePoint {
    /// End of the time it stands for: the time of its last sample, or the end of its hour.
    #[serde(with = "crate::rfc3339")]
    pub at: Timestamp,
    /// Smallest value.
    pub min: f64,
    /// Mean of the values.
    pub avg: f64,
    /// Largest value.
    pub max: f64,
    /// Number of samples.
    pub count: u64,
}

/// What a range was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Resolution {
    /// The samples themselves.
    Raw,
    /// Rollups of full hours, and the samples of hours that are not rolled up yet.
    Hourly,
}

/// Numbers of one metric over some hours until now: the answer of `/api/v1/stats`. They are what
/// `get_metric_stats` returns, of every sample: those that are not saved yet are among those of which
/// the percentiles are taken. All `None` where there is no sample.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Stats {
    /// Name of the metric.
    pub metric: String,
    /// Length of the time in hours.
    pub hours: u32,
    /// Mean.
    pub avg: Option<f64>,
    /// Smallest value.
    pub min: Option<f64>,
    /// Largest value.
    pub max: Option<f64>,
    /// Standard deviation of the sample.
    pub stddev: Option<f64>,
    /// Median, interpolated.
    pub p50: Option<f64>,
    /// 95th percentile, interpolated.
    pub p95: Option<f64>,
    /// 99th percentile, interpolated.
    pub p99: Option<f64>,
    /// Number of samples.
    pub count: u64,
    /// False while PostgreSQL does not answer: only what is not saved yet is in these numbers then.
    #[serde(default = "yes")]
    pub complete: bool,
}

fn yes() -> bool {
    true
}
