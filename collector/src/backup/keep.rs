//! Which backups are kept: the newest ones, and the newest of each of the last days, weeks and
//! months that have one, as restic and borg count them.

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use crate::config::Backup;

/// A span of time of which the newest backup is kept: how many of them, and the day it begins with.
type Bucket = (fn(&Backup) -> u32, fn(Date) -> Date);

/// The whole policy, beside `keep_last`.
const BUCKETS: [Bucket; 3] = [
    (|policy| policy.keep_daily, |day| day),
    (|policy| policy.keep_weekly, week),
    (|policy| policy.keep_monthly, |day| day.first_of_month()),
];

/// Which of the backups that were made at `times` are kept, at the same places.
pub(super) fn kept(times: &[Timestamp], policy: &Backup, zone: &TimeZone) -> Vec<bool> {
    let mut newest_first: Vec<usize> = (0..times.len()).collect();
    newest_first.sort_by_key(|place| std::cmp::Reverse(times[*place]));
    let mut kept = vec![false; times.len()];
    // Also where somebody has found a way to say so: never none.
    let last = usize::try_from(policy.keep_last.max(1)).unwrap_or(usize::MAX);
    newest_first.iter().take(last).for_each(|place| kept[*place] = true);
    for (count, begin) in BUCKETS {
        let (mut left, mut current) = (count(policy), None);
        for place in &newest_first {
            let bucket = begin(zone.to_datetime(times[*place]).date());
            if current == Some(bucket) {
                continue;
            }
            if left == 0 {
                break;
            }
            (left, current) = (left - 1, Some(bucket));
            kept[*place] = true;
        }
    }
    kept
}

/// The Monday of the day's week.
fn week(day: Date) -> Date {
    day.checked_sub(i64::from(day.weekday().since(Weekday::Monday)).days()).unwrap_or(day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy([keep_last, keep_daily, keep_weekly, keep_monthly]: [u32; 4]) -> Backup {
        Backup { keep_last, keep_daily, keep_weekly, keep_monthly, ..Backup::default() }
    }

    fn days(zone: &str, policy: [u32; 4], times: &[&str]) -> Vec<String> {
        let parsed: Vec<Timestamp> = times.iter().map(|time| time.parse().unwrap()).collect();
        let kept = kept(&parsed, &self::policy(policy), &TimeZone::get(zone).unwrap());
        times.iter().zip(kept).filter(|(_, kept)| *kept).map(|(time, _)| (*time).to_owned()).collect()
    }

    #[test]
    fn each_part_of_the_policy_keeps_what_it_says() {
        // 2026-11-27 is a Friday.
        let times = [
            "2026-09-30T03:30:00Z",
            "2026-10-31T03:30:00Z",
            "2026-11-15T03:30:00Z",
            "2026-11-22T03:30:00Z",
            "2026-11-25T03:30:00Z",
            "2026-11-26T03:30:00Z",
            "2026-11-27T03:30:00Z",
            "2026-11-27T12:00:00Z",
        ];
        for (policy, expected) in [
            ([1, 0, 0, 0], &times[7..]),
            ([0, 0, 0, 0], &times[7..]),
            ([3, 0, 0, 0], &times[5..]),
            // Of a day the newest.
            ([1, 2, 0, 0], &[times[5], times[7]][..]),
            ([2, 2, 0, 0], &times[5..]),
            // Weeks begin on Monday, the 23rd and the 16th.
            ([1, 0, 2, 0], &[times[3], times[7]]),
            ([1, 0, 0, 3], &[times[0], times[1], times[7]]),
            // Days without one are none of the last ones.
            ([1, 5, 0, 0], &[times[2], times[3], times[4], times[5], times[7]]),
            ([1, 10_000, 10_000, 10_000], &[times[0], times[1], times[2], times[3], times[4], times[5], times[7]]),
        ] {
            assert_eq!(days("UTC", policy, &times), expected, "{policy:?}");
        }
    }

    #[test]
    fn a_day_is_one_of_the_zone() {
        let times = ["2026-11-26T14:59:00Z", "2026-11-26T15:01:00Z"];
        assert_eq!(days("Asia/Tokyo", [1, 2, 0, 0], &times), times);
        assert_eq!(days("UTC", [1, 2, 0, 0], &times), times[1..]);
    }

    #[test]
    fn a_year_of_daily_backups_comes_down_to_few_whatever_their_order() {
        let newest: Timestamp = "2026-12-31T03:30:00Z".parse().unwrap();
        let mut times: Vec<_> = (0..365).map(|day| newest - jiff::SignedDuration::from_hours(24 * day)).collect();
        for _ in 0..2 {
            let kept = kept(&times, &Backup::default(), &TimeZone::UTC);
            let kept: Vec<_> = times.iter().zip(kept).filter(|(_, kept)| *kept).map(|(time, _)| *time).collect();
            // Seven days, and the weeks that end before them.
            assert!((9..=10).contains(&kept.len()), "{kept:?}");
            assert!(kept.contains(&newest));
            times.reverse();
        }
        assert_eq!(kept(&[], &Backup::default(), &TimeZone::UTC), Vec::<bool>::new());
    }
}
