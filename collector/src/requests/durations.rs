//! How long requests took, of instances that may have different buckets.
//!
//! Increases of buckets with the same bounds add up bucket by bucket. Where bounds differ, as
//! while a new version is rolled out, the sum has all of them, by [`count_up_to`].

use std::sync::Arc;

use super::Unit;
use super::quantile::ensure_monotonic_and_ignore_small_deltas;
use crate::exposed::count_up_to;

/// Upper bounds of buckets in seconds, ascending; the last is infinite.
pub(super) type Bounds = Arc<[f64]>;

/// The bounds in use: one copy of each, however many series have them.
#[derive(Debug, Default)]
pub(super) struct KnownBounds(Vec<Bounds>);

/// Histograms of one application have rarely more than one set of bounds. What comes with more
/// is counted, but not timed.
const MOST_BOUNDS: usize = 16;
/// Sets of bounds of one sum; more are laid into the newest.
const MOST_IN_A_SUM: usize = 4;

impl KnownBounds {
    /// The copy with these bounds, which are in `unit`.
    pub(super) fn of(&mut self, buckets: &[(f64, f64)], unit: Unit) -> Option<Bounds> {
        let same = |known: &&Bounds| {
            known.len() == buckets.len()
                && known.iter().zip(buckets).all(|(known, (bound, _))| known.total_cmp(&unit.seconds(*bound)).is_eq())
        };
        if let Some(known) = self.0.iter().find(same) {
            return Some(Arc::clone(known));
        }
        // Those of a former version make room.
        if self.0.len() >= MOST_BOUNDS {
            self.0.retain(|bounds| Arc::strong_count(bounds) > 1);
        }
        let bounds: Bounds = buckets.iter().map(|(bound, _)| unit.seconds(*bound)).collect();
        (self.0.len() < MOST_BOUNDS).then(|| {
            self.0.push(Arc::clone(&bounds));
            bounds
        })
    }
}

/// Requests up to each bound, for every set of bounds.
#[derive(Clone, Debug, Default)]
pub(super) struct Durations(Vec<(Bounds, Vec<f64>)>);

impl Durations {
    pub(super) fn add(&mut self, bounds: &Bounds, counts: &[f64]) {
        match self.0.iter_mut().find(|(known, _)| Arc::ptr_eq(known, bounds)) {
            Some((_, sums)) => sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count),
            None => self.0.push((Arc::clone(bounds), counts.to_vec())),
        }
        if self.0.len() > MOST_IN_A_SUM {
            self.lay_into_the_newest();
        }
    }

    /// So that the bounds of former versions can be forgotten.
    fn lay_into_the_newest(&mut self) {
        let Some((newest, mut sums)) = self.0.pop() else { return };
        for (bounds, counts) in std::mem::take(&mut self.0) {
            sums.iter_mut().zip(newest.iter()).for_each(|(sum, bound)| *sum += count_up_to(&bounds, &counts, *bound));
        }
        self.0.push((newest, sums));
    }

    /// Numbers that there are.
    pub(super) fn len(&self) -> usize {
        self.0.iter().map(|(_, counts)| counts.len()).sum()
    }

    pub(super) fn add_all(&mut self, other: &Self) {
        other.0.iter().for_each(|(bounds, counts)| self.add(bounds, counts));
    }

    /// One histogram of them all: each bound with the requests up to it.
    pub(super) fn buckets(&self) -> Vec<(f64, f64)> {
        let mut buckets: Vec<(f64, f64)> = match self.0.as_slice() {
            [(bounds, counts)] => bounds.iter().copied().zip(counts.iter().copied()).collect(),
            several => {
                let mut bounds: Vec<f64> = several.iter().flat_map(|(bounds, _)| bounds.iter().copied()).collect();
                bounds.sort_by(f64::total_cmp);
                bounds.dedup();
                let up_to =
                    |bound| several.iter().map(|(bounds, counts)| count_up_to(bounds, counts, bound)).sum::<f64>();
                bounds.into_iter().map(|bound| (bound, up_to(bound))).collect()
            }
        };
        ensure_monotonic_and_ignore_small_deltas(&mut buckets);
        buckets
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::requests::histogram_quantile;

    const INF: f64 = f64::INFINITY;

    fn sum(parts: &[(&[f64], &[f64])]) -> Vec<(f64, f64)> {
        let mut known = KnownBounds::default();
        let mut durations = Durations::default();
        for (bounds, counts) in parts {
            let buckets: Vec<_> = bounds.iter().copied().zip(counts.iter().copied()).collect();
            durations.add(&known.of(&buckets, Unit::Seconds).unwrap(), counts);
        }
        durations.buckets()
    }

    #[test]
    fn the_same_bounds_add_up_bucket_by_bucket() {
        let bounds: &[f64] = &[0.1, 1.0, INF];
        assert_eq!(
            sum(&[(bounds, &[1.0, 2.0, 3.0]), (bounds, &[10.0, 20.0, 30.0])]),
            [(0.1, 11.0), (1.0, 22.0), (INF, 33.0)]
        );
    }

    #[test]
    fn different_bounds_are_laid_into_each_other() {
        let merged = sum(&[(&[1.0, 2.0, INF], &[10.0, 20.0, 24.0]), (&[0.5, 4.0, INF], &[2.0, 9.0, 9.0])]);
        // Half of the first ten are up to 0.5; of the seven between 0.5 and 4, one is in every half
        // second; the four above 2 lie directly above it.
        assert_eq!(merged, [(0.5, 7.0), (1.0, 13.0), (2.0, 25.0), (4.0, 33.0), (INF, 33.0)]);
        assert_eq!(histogram_quantile(1.0, &merged), Some(4.0));
    }

    #[test]
    fn what_has_no_finite_bound_is_only_counted() {
        assert_eq!(sum(&[(&[INF], &[5.0]), (&[1.0, INF], &[1.0, 2.0])]), [(1.0, 1.0), (INF, 7.0)]);
    }

    #[test]
    fn milliseconds_become_seconds_and_old_bounds_make_room() {
        let mut known = KnownBounds::default();
        let in_seconds = known.of(&[(0.005, 0.0), (INF, 0.0)], Unit::Seconds).unwrap();
        assert!(Arc::ptr_eq(&in_seconds, &known.of(&[(5.0, 1.0), (INF, 1.0)], Unit::Milliseconds).unwrap()));
        let mut held = Vec::new();
        for bound in 1..100 {
            held.extend(known.of(&[(f64::from(bound), 0.0), (INF, 0.0)], Unit::Seconds));
        }
        assert_eq!(held.len(), MOST_BOUNDS - 1);
        held.clear();
        assert!(known.of(&[(1_000.0, 0.0), (INF, 0.0)], Unit::Seconds).is_some());
    }

    #[test]
    fn a_sum_of_many_versions_keeps_no_more_than_some_of_their_bounds() {
        let mut known = KnownBounds::default();
        let mut durations = Durations::default();
        for version in 1..100 {
            let bounds = known.of(&[(f64::from(version), 0.0), (INF, 0.0)], Unit::Seconds).unwrap();
            durations.add(&bounds, &[1.0, 2.0]);
            assert!(durations.len() <= 2 * MOST_IN_A_SUM);
        }
        assert_eq!(durations.buckets().last(), Some(&(INF, 198.0)));
    }

    proptest! {
        #[test]
        fn a_sum_counts_all_and_ascends(parts in prop::collection::vec(prop::collection::vec((1_u32..50, 0_u32..9), 0..6), 1..5)) {
            let mut known = KnownBounds::default();
            let (mut durations, mut all) = (Durations::default(), 0.0);
            for mut part in parts {
                part.sort_unstable();
                part.dedup_by_key(|(bound, _)| *bound);
                let mut count = 0.0;
                let mut buckets: Vec<_> = part.iter().map(|(bound, more)| { count += f64::from(*more); (f64::from(*bound), count) }).collect();
                buckets.push((INF, count));
                all += count;
                let counts: Vec<_> = buckets.iter().map(|(_, count)| *count).collect();
                durations.add(&known.of(&buckets, Unit::Seconds).unwrap(), &counts);
            }
            let buckets = durations.buckets();
            prop_assert!(buckets.is_sorted_by(|one, other| one.0 < other.0 && one.1 <= other.1));
            prop_assert!((buckets.last().unwrap().1 - all).abs() < 1e-9);
        }
    }
}
