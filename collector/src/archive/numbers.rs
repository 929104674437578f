//! Numbers of values that PostgreSQL cannot be asked about, as its functions have them.

use crate::Stats;

/// The numbers of these values, in no order, as `get_metric_stats` has them.
#[expect(clippy::cast_precision_loss, reason = "values in memory stay far below 2^53")]
pub(super) fn stats(metric: &str, hours: u32, mut values: Vec<f64>) -> Stats {
    values.sort_by(f64::total_cmp);
    let count = values.len() as f64;
    let avg = (count > 0.0).then(|| values.iter().sum::<f64>() / count);
    let squares = |avg: f64| values.iter().map(|value| (value - avg).powi(2)).sum::<f64>();
    Stats {
        metric: metric.to_owned(),
        hours,
        avg,
        min: values.first().copied(),
        max: values.last().copied(),
        stddev: avg.filter(|_| count > 1.0).map(|avg| (squares(avg) / (count - 1.0)).sqrt()),
        p50: percentile(&values, 0.5),
        p95: percentile(&values, 0.95),
        p99: percentile(&values, 0.99),
        count: values.len() as u64,
        complete: false,
    }
}

/// `percentile_cont` of values in order:
/// <https://www.postgresql.org/docs/current/functions-aggregate.html>.
#[expect(clippy::cast_precision_loss, reason = "values in memory stay far below 2^53")]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and their number")]
fn percentile(values: &[f64], fraction: f64) -> Option<f64> {
    let place = fraction * (values.len().checked_sub(1)? as f64);
    let (below, above) = (values[place.floor() as usize], values[place.ceil() as usize]);
    Some(below + (above - below) * place.fract())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_postgresql() {
        // SELECT avg(v), stddev(v), percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY v)
        // FROM (VALUES (1), (2), (4), (9)) AS v(v)
        let stats = stats("x", 1, vec![9.0, 1.0, 4.0, 2.0]);
        assert_eq!((stats.avg, stats.min, stats.max, stats.count), (Some(4.0), Some(1.0), Some(9.0), 4));
        let close = |value: Option<f64>, expected: f64| (value.unwrap() - expected).abs() < 1e-9;
        assert!(close(stats.stddev, 3.559_026_084_010_437), "{stats:?}");
        assert!(close(stats.p50, 3.0) && close(stats.p95, 8.25) && close(stats.p99, 8.85), "{stats:?}");
    }

    #[test]
    fn one_value_has_no_deviation_and_none_has_nothing() {
        let one = stats("x", 1, vec![5.0]);
        assert_eq!((one.stddev, one.p99), (None, Some(5.0)));
        let none = stats("x", 1, Vec::new());
        assert_eq!((none.avg, none.min, none.p50, none.count), (None, None, None, 0));
    }
}
