//! Alerts that come and go: how often each series fired lately.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::alert::shifted;

/// The firings of the last while, by series.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Flaps(BTreeMap<String, Vec<Timestamp>>);

impl Flaps {
    /// The series fires.
    pub(crate) fn note(&mut self, series: &str, now: Timestamp, window: SignedDuration) {
        self.forget(now, window);
        self.0.entry(series.to_owned()).or_default().push(now);
    }

    /// Leaves out what is longer ago than the window.
    fn forget(&mut self, now: Timestamp, window: SignedDuration) {
        self.0.retain(|_, fired| {
            fired.retain(|at| now.duration_since(*at) < window);
            !fired.is_empty()
        });
    }

    /// Whether any series fired so often that it may be one that comes and goes.
    pub(crate) fn has(&self, count: usize) -> bool {
        self.0.values().any(|fired| fired.len() >= count)
    }

    /// How often the series fired within the window.
    pub(crate) fn count(&self, series: &str, now: Timestamp, window: SignedDuration) -> usize {
        let fired = self.0.get(series);
        fired.map_or(0, |fired| fired.iter().filter(|at| now.duration_since(**at) < window).count())
    }

    /// No time is later than `now`.
    pub(crate) fn clamp(&mut self, now: Timestamp) {
        self.0.values_mut().for_each(|fired| fired.retain(|at| *at <= now));
    }

    /// The clock was set by `by`.
    pub(crate) fn shift(&mut self, by: SignedDuration) {
        self.0.values_mut().flatten().for_each(|at| *at = shifted(*at, by));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_firing_counts_while_it_is_within_the_window() {
        let window = SignedDuration::from_mins(30);
        let at = |minute: i64| Timestamp::from_second(minute * 60).unwrap();
        let mut flaps = Flaps::default();
        for minute in [0, 10, 20] {
            flaps.note("a", at(minute), window);
        }
        assert_eq!((flaps.count("a", at(29), window), flaps.count("b", at(29), window)), (3, 0));
        assert_eq!((flaps.count("a", at(30), window), flaps.count("a", at(50), window)), (2, 0));
        flaps.note("b", at(51), window);
        assert_eq!(flaps.0.len(), 1);
    }
}
