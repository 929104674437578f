//! Exponential histograms: bucket `i` of scale `s` holds what is above `base^i` and up to
//! `base^(i+1)`, where `base = 2^(2^-s)`; the negative ones mirror that.
//! <https://opentelemetry.io/docs/specs/otel/metrics/data-model/#exponentialhistogram>
//!
//! Two neighbours of scale `s` are exactly one bucket of scale `s - 1`. So histograms of different
//! scales are added without loss, and a bound that two scales share is the same number to the last
//! bit: the count up to any bound of a coarser histogram is that of the nearest bound at or below
//! it in a finer one.

use std::borrow::Cow;

use super::point::Reason;

/// Scales that there are.
const SCALES: std::ops::RangeInclusive<i32> = -10..=20;
/// Buckets that are kept of each sign, as many as SDKs keep; more are merged two by two.
const MOST_BUCKETS: usize = 160;
/// Exponents of 2 of the least and the greatest bound that is exposed: of seconds that is from 61 µs
/// to 12 days, of milliseconds from 61 ns to 17 min.
const EXPOSED: (i64, i64) = (-14, 20);
/// From the one to the other.
const EXPOSED_EXPONENTS: usize = 34;
/// Exposed bounds are no nearer to each other than those of this scale: 9 %.
const FINEST_EXPOSED: i32 = 3;
/// Exponents of 2 between which every number lies.
const EXPONENTS: (i64, i64) = (-1075, 1024);

/// Counts of observations by size.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Exponential {
    scale: i32,
    zeros: u64,
    /// Up to which distance from 0 they are in `zeros`.
    threshold: f64,
    positive: Buckets,
    negative: Buckets,
    pub(super) sum: Option<f64>,
}

/// Adjacent buckets, the first of them with the index `offset`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Buckets {
    offset: i64,
    counts: Vec<u64>,
}

impl Buckets {
    /// The buckets, without the empty ones at both ends.
    pub(super) fn new(offset: i32, mut counts: Vec<u64>) -> Self {
        while counts.last() == Some(&0) {
            counts.pop();
        }
        let empty = counts.iter().take_while(|count| **count == 0).count();
        counts.drain(..empty);
        let offset = i64::from(offset).saturating_add(i64::try_from(empty).unwrap_or(i64::MAX));
        Self { offset, counts }
    }

    /// The index after the last one.
    fn end(&self) -> i64 {
        self.offset.saturating_add(i64::try_from(self.counts.len()).unwrap_or(i64::MAX))
    }

    fn count(&self) -> u64 {
        self.counts.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// Merges neighbours.
    fn halve(&mut self) {
        let finer = std::mem::take(self);
        self.offset = finer.offset >> 1;
        for (index, count) in (finer.offset..).zip(finer.counts) {
            let place = usize::try_from((index >> 1) - self.offset).unwrap_or(0);
            if place >= self.counts.len() {
                self.counts.resize(place + 1, 0);
            }
            self.counts[place] = self.counts[place].saturating_add(count);
        }
    }

    /// Indexes from the first to the last of both.
    fn span(&self, other: &Self) -> i64 {
        match (self.counts.is_empty(), other.counts.is_empty()) {
            (true, _) => other.end() - other.offset,
            (_, true) => self.end() - self.offset,
            _ => self.end().max(other.end()) - self.offset.min(other.offset),
        }
    }

    fn add(&mut self, other: &Self) {
        if other.counts.is_empty() {
            return;
        }
        if self.counts.is_empty() {
            self.offset = other.offset;
        }
        let offset = self.offset.min(other.offset);
        let length = usize::try_from(self.span(other)).unwrap_or(0);
        let mut counts = vec![0_u64; length];
        for part in [&*self, other] {
            let start = usize::try_from(part.offset - offset).unwrap_or(0);
            for (sum, count) in counts.iter_mut().skip(start).zip(&part.counts) {
                *sum = sum.saturating_add(*count);
            }
        }
        *self = Self { offset, counts };
    }
}

impl Exponential {
    /// The histogram, with at most [`MOST_BUCKETS`] of each sign.
    pub(super) fn new(
        scale: i32,
        zeros: u64,
        threshold: f64,
        [positive, negative]: [Buckets; 2],
        sum: Option<f64>,
    ) -> Result<Self, Reason> {
        let threshold_is_valid = threshold.is_finite() && threshold >= 0.0;
        if !SCALES.contains(&scale) || !threshold_is_valid {
            return Err(Reason::malformed);
        }
        // Beyond these there is no number that could have been observed.
        let (least, most) = (shifted(EXPONENTS.0, scale), shifted(EXPONENTS.1, scale));
        for buckets in [&positive, &negative] {
            if !buckets.counts.is_empty() && (buckets.offset < least || buckets.end() > most) {
                return Err(Reason::malformed);
            }
        }
        let mut histogram = Self { scale, zeros, threshold, positive, negative, sum };
        while histogram.positive.counts.len().max(histogram.negative.counts.len()) > MOST_BUCKETS {
            histogram.halve();
        }
        Ok(histogram)
    }

    /// All observations.
    pub(super) fn count(&self) -> u64 {
        self.zeros.saturating_add(self.positive.count()).saturating_add(self.negative.count())
    }

    /// Adds what `other` counted.
    pub(super) fn add(&mut self, other: &Self) {
        let mut other = other.clone();
        // To widen one may take it beyond the other again.
        while self.threshold.to_bits() != other.threshold.to_bits() {
            let threshold = self.threshold.max(other.threshold);
            self.widen(threshold);
            other.widen(threshold);
        }
        let most = i64::try_from(MOST_BUCKETS).unwrap_or(i64::MAX);
        while self.scale > other.scale {
            self.halve();
        }
        while other.scale > self.scale {
            other.halve();
        }
        while self.span(&other) > most {
            self.halve();
            other.halve();
        }
        self.zeros = self.zeros.saturating_add(other.zeros);
        self.positive.add(&other.positive);
        self.negative.add(&other.negative);
        self.sum = self.sum.zip(other.sum).map(|(a, b)| a + b);
    }

    /// Takes what is up to `threshold` from 0 for 0, and all of the buckets that this reaches into.
    fn widen(&mut self, threshold: f64) {
        self.threshold = self.threshold.max(threshold);
        for buckets in [&mut self.positive, &mut self.negative] {
            let end = |offset: i64| bound(self.scale, offset.saturating_add(1));
            let reached = (buckets.offset..).zip(&buckets.counts);
            let reached = reached.take_while(|(index, _)| bound(self.scale, *index) < self.threshold);
            let reached: Vec<(i64, u64)> = reached.map(|(index, count)| (index, *count)).collect();
            for (index, count) in reached {
                self.zeros = self.zeros.saturating_add(count);
                if count > 0 {
                    self.threshold = self.threshold.max(end(index));
                }
                buckets.offset += 1;
                buckets.counts.remove(0);
            }
        }
    }

    fn span(&self, other: &Self) -> i64 {
        self.positive.span(&other.positive).max(self.negative.span(&other.negative))
    }

    fn halve(&mut self) {
        self.scale -= 1;
        self.positive.halve();
        self.negative.halve();
    }

    /// Upper bounds and the observations up to each, ascending; the last bound is infinite.
    ///
    /// All histograms of one scale have the same bounds, and those of a coarser one have some of
    /// them, so that what is exposed can be added up and subtracted. Some observations are counted
    /// exactly only by more bounds than that: those nearer to each other than 9 %, and those
    /// beyond the outermost.
    #[expect(clippy::cast_precision_loss, reason = "counts beyond 2^53 need no last digit")]
    pub(super) fn buckets(&self) -> Vec<(f64, f64)> {
        let mut histogram = Cow::Borrowed(self);
        while histogram.scale > FINEST_EXPOSED {
            histogram.to_mut().halve();
        }
        let Self { scale, positive, negative, zeros, .. } = &*histogram;
        let mut sum = zeros.saturating_add(negative.count());
        // Towards 1, where a bucket is too wide for an end of its own there.
        let (first, last) = (-shifted(-EXPOSED.0, *scale), shifted(EXPOSED.1, *scale));
        let mut counts = (positive.offset..).zip(&positive.counts).peekable();
        let mut buckets = Vec::with_capacity(usize::try_from(last - first).unwrap_or(0) + 2);
        for end in first..=last {
            while let Some((_, count)) = counts.next_if(|(index, _)| *index < end) {
                sum = sum.saturating_add(*count);
            }
            buckets.push((bound(*scale, end), sum as f64));
        }
        buckets.push((f64::INFINITY, self.count() as f64));
        buckets
    }

    /// Memory it may come to take besides what holds it.
    pub(super) const HEAP_BYTES: usize = size_of::<Self>() + 2 * MOST_BUCKETS * size_of::<u64>();
    /// Numbers that there may come to be in [`Exponential::buckets`].
    pub(super) const MOST_EXPOSED: usize = (EXPOSED_EXPONENTS << FINEST_EXPOSED) + 2;
}

/// `number * 2^scale`, rounded down.
fn shifted(number: i64, scale: i32) -> i64 {
    if scale >= 0 { number << scale } else { number >> -scale }
}

/// `2^(index * 2^-scale)`: the same number for the same bound, whatever scale names it.
#[expect(clippy::cast_precision_loss, reason = "what is left of index and scale is below 2^20")]
fn bound(mut scale: i32, mut index: i64) -> f64 {
    while scale > 0 && index & 1 == 0 {
        index >>= 1;
        scale -= 1;
    }
    if scale <= 0 {
        return power_of_two(index << -scale);
    }
    let (whole, part) = (index >> scale, index & ((1 << scale) - 1));
    let fraction = (part as f64 / (1_i64 << scale) as f64).exp2();
    // In two steps, for one alone may be no number any more while the product still is one.
    let half = whole / 2;
    fraction * power_of_two(half) * power_of_two(whole - half)
}

/// `2^exponent`, exactly; 0 or infinite where it is no number any more.
fn power_of_two(exponent: i64) -> f64 {
    match exponent {
        ..-1074 => 0.0,
        -1074..-1022 => f64::from_bits(1 << (exponent + 1074)),
        -1022..1024 => f64::from_bits(u64::try_from(exponent + 1023).unwrap_or(0) << 52),
        1024.. => f64::INFINITY,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const INF: f64 = f64::INFINITY;

    fn histogram(scale: i32, zeros: u64, positive: (i32, &[u64]), negative: (i32, &[u64])) -> Exponential {
        let [positive, negative] = [positive, negative].map(|(offset, counts)| Buckets::new(offset, counts.to_vec()));
        Exponential::new(scale, zeros, 0.0, [positive, negative], Some(1.0)).unwrap()
    }

    /// Observations up to `bound`, read as a step.
    fn up_to(buckets: &[(f64, f64)], bound: f64) -> f64 {
        buckets.iter().take_while(|(upper, _)| *upper <= bound).last().map_or(0.0, |(_, count)| *count)
    }

    #[test]
    fn buckets_get_the_bounds_of_the_specification() {
        let counts = |histogram: &Exponential, bounds: &[f64]| -> Vec<Option<f64>> {
            let buckets = histogram.buckets();
            bounds.iter().map(|bound| Some(buckets.iter().find(|bucket| bucket.0 == *bound)?.1)).collect()
        };
        // Scale 0: (1, 2] and (2, 4]; scale -1: (1, 4]; scale 1: (1, sqrt 2].
        let bounds = [0.5, 1.0, 2.0_f64.sqrt(), 2.0, 4.0, INF];
        let of = |scale, zeros, positive: (i32, &[u64])| counts(&histogram(scale, zeros, positive, (0, &[])), &bounds);
        assert_eq!(of(0, 1, (0, &[2, 3])), [Some(1.0), Some(1.0), None, Some(3.0), Some(6.0), Some(6.0)]);
        assert_eq!(of(-1, 0, (0, &[5])), [None, Some(0.0), None, None, Some(5.0), Some(5.0)]);
        assert_eq!(of(1, 0, (0, &[5, 1])), [0.0, 0.0, 5.0, 6.0, 6.0, 6.0].map(Some));
        // What is below 0 is below all bounds.
        assert_eq!(counts(&histogram(0, 4, (-1, &[1]), (0, &[2, 3])), &[0.5, 1.0]), [9.0, 10.0].map(Some));
    }

    #[test]
    fn all_of_one_scale_have_the_same_bounds_and_those_of_coarser_ones_are_among_them() {
        let bounds = |scale, offset| -> Vec<f64> {
            histogram(scale, 0, (offset, &[1]), (0, &[])).buckets().into_iter().map(|bucket| bucket.0).collect()
        };
        let finest = bounds(FINEST_EXPOSED, 0);
        assert_eq!((finest.len(), finest[0], finest[finest.len() - 2]), (274, 2.0_f64.powi(-14), 2.0_f64.powi(20)));
        assert_eq!(finest.len(), Exponential::MOST_EXPOSED);
        for scale in -10..=20 {
            assert_eq!(bounds(scale, 0), bounds(scale, -1), "scale {scale}");
            assert!(bounds(scale, 0).iter().all(|bound| finest.contains(bound)), "scale {scale}");
        }
    }

    #[test]
    fn the_wider_zero_takes_in_what_is_within_it() {
        let with = |threshold, positive: (i32, &[u64])| {
            let buckets = [Buckets::new(positive.0, positive.1.to_vec()), Buckets::default()];
            Exponential::new(0, 1, threshold, buckets, None).unwrap()
        };
        // 3 reaches into (2, 4].
        let mut sum = with(0.0, (0, &[10, 20, 40]));
        sum.add(&with(3.0, (3, &[80])));
        assert_eq!((sum.threshold, sum.zeros, sum.count()), (4.0, 32, 152));
        assert_eq!((sum.positive.offset, &*sum.positive.counts), (2, &[40, 80][..]));
    }

    #[test]
    fn every_number_has_a_bucket_and_what_has_none_is_refused() {
        let of = |offset| {
            let buckets = [Buckets::new(offset, vec![1]), Buckets::default()];
            Exponential::new(0, 0, 0.0, buckets, None).unwrap().buckets()
        };
        assert_eq!(up_to(&of(-1075), 2.0_f64.powi(-14)), 1.0);
        assert_eq!((up_to(&of(1023), 2.0_f64.powi(20)), up_to(&of(1023), INF)), (0.0, 1.0));
        for (scale, offset) in [(0, i32::MAX), (0, i32::MIN), (20, i32::MAX), (-10, 2), (21, 0), (-11, 0)] {
            let buckets = [Buckets::new(offset, vec![1]), Buckets::default()];
            assert_eq!(Exponential::new(scale, 0, 0.0, buckets, None), Err(Reason::malformed), "{scale} {offset}");
        }
    }

    #[test]
    fn a_histogram_over_all_numbers_is_merged_until_it_fits() {
        let wide = histogram(3, 0, (-8000, &vec![1; 16_000]), (0, &[]));
        assert!(wide.positive.counts.len() <= MOST_BUCKETS);
        assert_eq!(wide.count(), 16_000);
        let mut sum = histogram(20, 1, (0, &[1]), (0, &[]));
        sum.add(&histogram(20, 1, (1_000_000_000, &[1]), (-1_000_000_000, &[1])));
        assert_eq!(sum.count(), 5);
        assert!(sum.positive.counts.len() <= MOST_BUCKETS);
    }

    proptest! {
        #[test]
        fn no_observation_changes_its_side_of_a_bound(
            scale in -4_i32..8, other_scale in -4_i32..8,
            offset in -200_i32..200, other_offset in -200_i32..200,
            counts in proptest::collection::vec(0_u64..9, 0..400), other in proptest::collection::vec(0_u64..9, 0..400),
            zeros in 0_u64..3,
        ) {
            // Indexes of negative scales are few.
            let fit = |scale: i32, offset: i32| if scale < 0 { offset >> 5 } else { offset };
            let cut = |scale: i32, counts: Vec<u64>| if scale < 0 { counts.into_iter().take(20).collect() } else { counts };
            let a = Exponential::new(scale, zeros, 0.0, [Buckets::new(fit(scale, offset), cut(scale, counts.clone())), Buckets::new(fit(scale, other_offset), vec![1, 2])], None).unwrap();
            let b = Exponential::new(other_scale, zeros, 0.0, [Buckets::new(fit(other_scale, other_offset), cut(other_scale, other)), Buckets::default()], None).unwrap();
            let mut sum = a.clone();
            sum.add(&b);
            prop_assert_eq!(sum.count(), a.count() + b.count());
            let (a, b, sum) = (a.buckets(), b.buckets(), sum.buckets());
            for pair in sum.windows(2) {
                prop_assert!(pair[0].0 < pair[1].0 && pair[0].1 <= pair[1].1);
            }
            for (bound, count) in &sum {
                prop_assert_eq!(*count, up_to(&a, *bound) + up_to(&b, *bound), "at {}", bound);
            }
        }
    }
}
