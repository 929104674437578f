//! Quantiles of histograms, as Prometheus' `histogram_quantile` has them:
//! <https://github.com/prometheus/prometheus/blob/main/promql/quantile.go>, `BucketQuantile`.

/// Counts that differ by less, relative to their sum, differ by rounding alone.
const TOLERANCE: f64 = 1e-12;

/// The `q`-quantile of observations, of which `buckets` says how many were up to each bound;
/// bounds ascend, the last is infinite.
///
/// It is interpolated linearly within a bucket. In the last bucket it is the highest finite bound,
/// and in the first one it lies between 0 and its bound, or is that bound where it is not positive.
/// `None` without observations, with less than two buckets, or where the last is not infinite.
#[must_use]
pub fn histogram_quantile(q: f64, buckets: &[(f64, f64)]) -> Option<f64> {
    let mut buckets = buckets.to_vec();
    ensure_monotonic_and_ignore_small_deltas(&mut buckets);
    let [finite @ .., (infinity, observations)] = buckets.as_slice() else { return None };
    let (highest, _) = finite.last()?;
    if *infinity != f64::INFINITY || !(0.0..=1.0).contains(&q) || observations.is_nan() || *observations <= 0.0 {
        return None;
    }
    let rank = q * observations;
    let place = finite.partition_point(|(_, count)| *count < rank);
    let Some((end, count)) = finite.get(place).copied() else { return Some(*highest) };
    match place.checked_sub(1).map(|before| finite[before]) {
        Some((start, before)) => Some(start + (end - start) * ((rank - before) / (count - before))),
        None if end <= 0.0 => Some(end),
        None => Some(end * (rank / count)),
    }
    // The 0-quantile of an empty first bucket.
    .filter(|quantile| !quantile.is_nan())
}

/// `ensureMonotonicAndIgnoreSmallDeltas` there: a count lower than the one before is lifted to it,
/// and so is one that differs from it by rounding alone.
pub(super) fn ensure_monotonic_and_ignore_small_deltas(buckets: &mut [(f64, f64)]) {
    let Some(((_, first), rest)) = buckets.split_first_mut() else { return };
    let mut before = *first;
    for (_, count) in rest {
        if *count < before || is_almost(*count, before) {
            *count = before;
        }
        before = *count;
    }
}

/// `almost.Equal` there.
fn is_almost(one: f64, other: f64) -> bool {
    let sum = one.abs() + other.abs();
    let difference = (one - other).abs();
    if one == 0.0 || other == 0.0 || sum < f64::MIN_POSITIVE {
        return difference < TOLERANCE * f64::MIN_POSITIVE;
    }
    difference / sum.min(f64::MAX) < TOLERANCE
}

#[cfg(test)]
mod tests {
    use super::*;

    const INF: f64 = f64::INFINITY;

    #[test]
    fn quantiles_are_those_of_prometheus() {
        // The first histogram of promqltest/testdata/histograms.test, and its answers.
        let first = [(0.1, 5.0), (0.2, 7.0), (1e0, 10.0), (INF, 12.0)];
        for (q, expected) in
            [(0.0, 0.0), (0.25, 0.06), (0.5, 0.15), (0.75, 0.2 + 0.8 * (2.0 / 3.0)), (0.9, 1.0), (1.0, 1.0)]
        {
            let quantile = histogram_quantile(q, &first).unwrap();
            assert!((quantile - expected).abs() < 1e-12, "{q}: {quantile}");
        }
    }

    #[test]
    fn there_is_no_quantile_of_nothing() {
        assert_eq!(histogram_quantile(0.5, &[]), None);
        assert_eq!(histogram_quantile(0.5, &[(INF, 3.0)]), None);
        assert_eq!(histogram_quantile(0.5, &[(1.0, 3.0), (2.0, 3.0)]), None);
        assert_eq!(histogram_quantile(0.5, &[(1.0, 0.0), (INF, 0.0)]), None);
        assert_eq!(histogram_quantile(0.0, &[(1.0, 0.0), (INF, 2.0)]), None);
    }

    #[test]
    fn a_first_bucket_that_is_not_positive_answers_its_bound() {
        assert_eq!(histogram_quantile(0.5, &[(-1.0, 4.0), (1.0, 5.0), (INF, 5.0)]), Some(-1.0));
    }

    #[test]
    fn buckets_that_do_not_ascend_are_lifted() {
        let wrong = [(1.0, 4.0), (2.0, 3.0), (3.0, 8.0), (INF, 8.0)];
        let lifted = [(1.0, 4.0), (2.0, 4.0), (3.0, 8.0), (INF, 8.0)];
        for q in [0.1, 0.5, 0.75, 0.99] {
            assert_eq!(histogram_quantile(q, &wrong), histogram_quantile(q, &lifted));
        }
        // By rounding alone there is one observation in the second bucket, far from all others.
        let rounded = [(1.0, 1.0), (100.0, 1.0 + 1e-13), (INF, 1.0 + 1e-13)];
        assert_eq!(histogram_quantile(1.0, &rounded), Some(1.0));
    }
}
