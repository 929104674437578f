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
    /// Whether series may be missing that were or will be in another: a new one need not have
    /// begun since the last then, nor an old one have ended.
    pub is_partial: bool,
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

/// A histogram by upper bounds.
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

/// How many observations are up to `bound`, by the `counts` up to each of other `bounds`, ascending.
///
/// Those of a bucket lie evenly in it, as Prometheus' `histogram_quantile` takes them to lie, and
/// those above the highest finite bound lie directly above it, for that is what it answers for them.
pub(crate) fn count_up_to(bounds: &[f64], counts: &[f64], bound: f64) -> f64 {
    let place = bounds.partition_point(|known| *known < bound);
    let (Some(end), Some(count)) = (bounds.get(place), counts.get(place)) else { return 0.0 };
    let before = place.checked_sub(1).map(|before| (bounds[before], counts[before]));
    let (start, below) = before.unwrap_or((0.0_f64.min(bound), 0.0));
    if bound == *end || (end.is_infinite() && before.is_some()) {
        return *count;
    }
    let share = if end.is_infinite() { 0.0 } else { (bound - start) / (end - start) };
    below + (count - below) * share.clamp(0.0, 1.0)
}
