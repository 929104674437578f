//! What an application says of itself, in whatever format it came: series with the values of one
//! moment. How it came is `source`'s, what it means is `requests`' and `business`'.

use std::cmp::Ordering;

use jiff::{SignedDuration, Timestamp};

use crate::Labels;

/// Starts that differ by less are one: some processes work theirs out anew at every scrape.
const SAME_START: SignedDuration = SignedDuration::from_secs(2);

/// All that one instance of an application exposed at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Exposition {
    /// When it was read, by our clock.
    pub at: Timestamp,
    /// When the counters began to count, where the instance says so: a later time than before is
    /// a restart, also where no counter went down.
    pub started: Option<Timestamp>,
    /// The series.
    pub series: Vec<Exposed>,
}

/// Whether a process started after the other; where either does not say, they are the same.
pub(crate) fn start_order(last: Option<Timestamp>, now: Option<Timestamp>) -> Ordering {
    match last.zip(now) {
        Some((last, now)) if now.duration_since(last).abs() > SAME_START => now.cmp(&last),
        _ => Ordering::Equal,
    }
}

/// One series of an application.
#[derive(Clone, Debug, PartialEq)]
pub struct Exposed {
    /// As in Prometheus' text format, with `_total` for counters and without `_bucket`, `_sum` and
    /// `_count` for histograms.
    pub name: String,
    /// All of its labels.
    pub labels: Labels,
    /// Its value.
    pub value: ExposedValue,
}

/// The value of a series.
#[derive(Clone, Debug, PartialEq)]
pub enum ExposedValue {
    /// Cumulative, and anew from 0 after a restart. Also what is of unknown type and named `_total`.
    Counter(f64),
    /// May go up and down.
    Gauge(f64),
    /// Counts of observations by size, cumulative as a counter is.
    Histogram(ExposedHistogram),
}

/// A histogram with fixed bounds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ExposedHistogram {
    /// Upper bound of each bucket and the observations up to it, ascending in both; the last bound
    /// is infinite, and its count is that of all observations.
    pub buckets: Vec<(f64, f64)>,
    /// Sum of all observations, where it is given.
    pub sum: Option<f64>,
}

impl ExposedHistogram {
    /// Observations of any size.
    #[must_use]
    pub fn count(&self) -> f64 {
        self.buckets.last().map_or(0.0, |(_, count)| *count)
    }
}
