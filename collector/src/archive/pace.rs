//! How many seconds a sample covers, learnt from the distances of the samples themselves: the
//! setting of whoever reads them may be another, and may have been another then.

use std::collections::BTreeMap;

use jiff::Timestamp;

/// A distance this many times the ones before and after it is a gap in which nothing was sampled.
const GAP: f64 = 2.0;

/// Seconds that a sample of one series covers, as time goes by.
#[derive(Debug, Default)]
pub(super) struct Pace(BTreeMap<Timestamp, f64>);

impl Pace {
    /// Learns from parts of the past, in any order: the end of each, and the seconds between two of
    /// its samples or, where it has but one, to the sample before.
    pub(super) fn of(parts: impl IntoIterator<Item = (Timestamp, f64)>) -> Self {
        let parts: BTreeMap<_, _> = parts.into_iter().filter(|(_, seconds)| *seconds > 0.0).collect();
        let distances: Vec<f64> = parts.values().copied().collect();
        let settled = parts.into_keys().enumerate().map(|(index, end)| {
            let seconds = distances[index];
            let before = index.checked_sub(1).map(|index| distances[index]);
            let after = distances.get(index + 1).copied();
            let is_longer = |other: f64| seconds > other * GAP;
            let is_gap = before.is_some_and(is_longer) && after.is_none_or(is_longer);
            (end, after.or(before).filter(|_| is_gap).unwrap_or(seconds))
        });
        Self(settled.collect())
    }

    /// Seconds that a sample at this time covers; `None` where there is nothing to learn it from.
    pub(super) fn at(&self, at: Timestamp) -> Option<f64> {
        let found = self.0.range(at..).next().or_else(|| self.0.iter().next_back());
        found.map(|(_, seconds)| *seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_sample_after_a_gap_covers_what_the_ones_after_it_do() {
        let pace = Pace::of([(10, 10.0), (20, 10.0), (500, 480.0), (510, 10.0)].map(|(end, s)| (at(end), s)));
        assert_eq!([5, 20, 500, 505, 510, 600].map(|second| pace.at(at(second))), [Some(10.0); 6]);
    }

    #[test]
    fn an_interval_that_was_changed_is_another_from_then_on() {
        let pace = Pace::of([(10, 10.0), (20, 10.0), (80, 60.0), (140, 60.0)].map(|(end, s)| (at(end), s)));
        assert_eq!([20, 21, 80, 140].map(|second| pace.at(at(second))), [10.0, 60.0, 60.0, 60.0].map(Some));
        let pace = Pace::of([(60, 60.0), (120, 60.0), (900, 780.0), (905, 5.0)].map(|(end, s)| (at(end), s)));
        assert_eq!([60, 120, 900, 905].map(|second| pace.at(at(second))), [60.0, 60.0, 5.0, 5.0].map(Some));
        assert_eq!(Pace::of([]).at(at(0)), None);
    }
}
