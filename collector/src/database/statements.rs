//! The statements that take most time, and how they changed.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

const DAY: SignedDuration = SignedDuration::from_hours(24);
/// Counts are kept once an hour; one that is so much off is another time's.
const OFF: SignedDuration = SignedDuration::from_hours(2);

/// What `pg_stat_statements` says of the whole server.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Statements {
    /// Since when it counts; `None` where it does not say.
    #[serde(default, with = "crate::rfc3339::option")]
    pub since: Option<Timestamp>,
    /// Time that all statements took together, in milliseconds.
    pub total_ms: f64,
    /// Those that took most of it, the first first.
    pub statements: Vec<Statement>,
}

/// A statement.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Statement {
    /// `queryid`, as text: it has more digits than a number in JSON; empty where it is hidden.
    pub id: String,
    /// Without literals; `None` for those of other roles that ours may not see, taken together.
    pub query: Option<String>,
    /// Where it is run.
    pub database: String,
    /// How often it ran.
    pub calls: u64,
    /// How long each time.
    pub mean_ms: f64,
    /// How long in all.
    pub total_ms: f64,
    /// In percent of all statements' time.
    pub share: f64,
    /// Rows that it answered or touched.
    pub rows: u64,
    /// The last 24 hours against the 24 before; `None` until that is known.
    pub change: Option<Change>,
}

/// How the last 24 hours of a statement compare with the 24 before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Change {
    /// Calls of the last 24 hours.
    pub calls: u64,
    /// Their mean; `None` where there was no call.
    pub mean_ms: Option<f64>,
    /// Calls of the 24 hours before.
    pub calls_before: u64,
    /// Their mean.
    pub mean_ms_before: Option<f64>,
}

/// What had been counted of a statement at a moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Count {
    /// When.
    pub at: Timestamp,
    /// Calls since the statistics were reset.
    pub calls: u64,
    /// The time that they took.
    pub total_ms: f64,
}

/// Compares by the counts of one statement, the oldest first and the newest at `now`; `None` unless
/// they reach back for two days. A count that went down began anew.
#[must_use]
pub fn change(counts: &[Count], now: Timestamp) -> Option<Change> {
    let nearest = |then: Timestamp| {
        let off = |count: &Count| count.at.duration_since(then).abs();
        let nearest = counts.iter().enumerate().min_by_key(|(_, count)| off(count));
        nearest.filter(|(_, count)| off(count) <= OFF).map(|(place, _)| place)
    };
    let (yesterday, before) = (nearest(now.checked_sub(DAY).ok()?)?, nearest(now.checked_sub(DAY * 2).ok()?)?);
    let (calls, total_ms) = increase(&counts[yesterday..]);
    let (calls_before, total_ms_before) = increase(&counts[before..=yesterday]);
    Some(Change {
        calls,
        mean_ms: mean(calls, total_ms),
        calls_before,
        mean_ms_before: mean(calls_before, total_ms_before),
    })
}

fn increase(counts: &[Count]) -> (u64, f64) {
    counts.windows(2).fold((0, 0.0), |(calls, total_ms), pair| {
        let (first, next) = (pair[0], pair[1]);
        match next.calls.checked_sub(first.calls) {
            Some(more) => (calls + more, total_ms + (next.total_ms - first.total_ms).max(0.0)),
            None => (calls + next.calls, total_ms + next.total_ms),
        }
    })
}

#[expect(clippy::cast_precision_loss, reason = "calls stay far below 2^53")]
fn mean(calls: u64, total_ms: f64) -> Option<f64> {
    (calls > 0).then(|| total_ms / calls as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        Timestamp::from_second(1_764_000_000).unwrap()
    }

    /// Calls and milliseconds so many hours ago.
    fn counts(of: &[(i64, u64, f64)]) -> Vec<Count> {
        let count = |(hours, calls, total_ms): &(i64, u64, f64)| Count {
            at: now() - SignedDuration::from_hours(*hours),
            calls: *calls,
            total_ms: *total_ms,
        };
        of.iter().map(count).collect()
    }

    #[test]
    fn a_day_is_compared_with_the_one_before() {
        let counts = counts(&[(48, 100, 1_000.0), (24, 300, 2_000.0), (12, 310, 2_500.0), (0, 320, 3_000.0)]);
        let change = change(&counts, now()).unwrap();
        assert_eq!((change.calls, change.mean_ms), (20, Some(50.0)));
        assert_eq!((change.calls_before, change.mean_ms_before), (200, Some(5.0)));
    }

    #[test]
    fn a_reset_between_counts_from_zero() {
        let counts = counts(&[(48, 100, 1_000.0), (24, 300, 2_000.0), (12, 10, 40.0), (0, 15, 60.0)]);
        let change = change(&counts, now()).unwrap();
        assert_eq!((change.calls, change.mean_ms), (15, Some(4.0)));
    }

    #[test]
    fn what_is_not_known_for_two_days_has_no_change_and_what_did_not_run_no_mean() {
        assert_eq!(change(&counts(&[(24, 300, 2_000.0), (0, 320, 3_000.0)]), now()), None);
        assert_eq!(change(&counts(&[(48, 1, 1.0), (0, 3, 3.0)]), now()), None);
        assert_eq!(change(&[], now()), None);
        let still = change(&counts(&[(49, 7, 70.0), (25, 7, 70.0), (0, 7, 70.0)]), now()).unwrap();
        assert_eq!((still.calls, still.mean_ms, still.mean_ms_before), (0, None, None));
    }
}
