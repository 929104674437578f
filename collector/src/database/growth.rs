//! How much something has grown.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

const DAY: SignedDuration = SignedDuration::from_hours(24);
const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Sizes are kept once an hour; one that is so much off is another time's.
const OFF: SignedDuration = SignedDuration::from_hours(3);

/// Bytes more, or less, than then; `None` where it is not known what it was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Growth {
    /// Than a day ago.
    pub day: Option<i64>,
    /// Than a week ago.
    pub week: Option<i64>,
}

impl Growth {
    /// Of what is `bytes` large at `now`, by the sizes that were kept before.
    #[must_use]
    pub fn of(bytes: u64, before: &[(Timestamp, f64)], now: Timestamp) -> Self {
        let since = |span| {
            let then = now.checked_sub(span).ok()?;
            let off = |at: Timestamp| at.duration_since(then).abs();
            let nearest = before.iter().min_by_key(|(at, _)| off(*at)).filter(|(at, _)| off(*at) <= OFF)?;
            Some(difference(bytes, nearest.1))
        };
        Self { day: since(DAY), week: since(WEEK) }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "sizes stay far below 2^53")]
fn difference(bytes: u64, before: f64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX).saturating_sub(before.round() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_against_the_size_nearest_to_a_day_and_a_week_ago() {
        let now = Timestamp::from_second(1_764_000_000).unwrap();
        let ago = |hours: i64, bytes: f64| (now - SignedDuration::from_hours(hours), bytes);
        let before = [ago(169, 100.0), ago(26, 400.0), ago(24, 500.0), ago(1, 900.0)];
        assert_eq!(Growth::of(800, &before, now), Growth { day: Some(300), week: Some(700) });
        assert_eq!(Growth::of(450, &before[..3], now).day, Some(-50));
    }

    #[test]
    fn what_is_younger_or_was_not_kept_then_has_none() {
        let now = Timestamp::from_second(1_764_000_000).unwrap();
        let before = [(now - SignedDuration::from_hours(20), 1.0), (now - SignedDuration::from_hours(28), 1.0)];
        assert_eq!(Growth::of(800, &before, now), Growth::default());
        assert_eq!(Growth::of(800, &[], now), Growth::default());
    }
}
