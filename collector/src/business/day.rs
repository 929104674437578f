//! Local days, whatever the clocks do.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

/// Days in a week, today included.
pub(super) const WEEK: i8 = 7;
const MINUTE: i64 = 60;

/// The days of a zone.
#[derive(Clone, Debug)]
pub(super) struct Days(pub(super) TimeZone);

impl Days {
    /// The day that `at` is in.
    pub(super) fn of(&self, at: Timestamp) -> Date {
        self.0.to_datetime(at).date()
    }

    /// The first moment of a day: after the gap where the clocks leave midnight out, and the first
    /// time where they show it twice. A day that a zone left out is empty: it begins and ends with
    /// the next.
    pub(super) fn begin(&self, date: Date) -> Timestamp {
        let midnight = date.to_datetime(jiff::civil::Time::midnight());
        let first = self.0.to_zoned_datetime(midnight).and_then(|midnight| midnight.start_of_day());
        first.map_or_else(|_| self.0.to_timestamp(midnight).unwrap_or_default(), |first| first.timestamp())
    }

    /// The first moment of a day and that of the next.
    pub(super) fn bounds(&self, date: Date) -> (Timestamp, Timestamp) {
        (self.begin(date), self.begin(date.tomorrow().unwrap_or(date)))
    }

    /// The moment of the day before at which its clocks showed what they show at `now`: where they
    /// never did, the one after the gap.
    pub(super) fn same_time_yesterday(&self, now: Timestamp) -> Timestamp {
        let local = self.0.to_datetime(now);
        let Ok(yesterday) = local.date().yesterday() else { return now };
        let (begin, end) = self.bounds(yesterday);
        self.0.to_timestamp(yesterday.to_datetime(local.time())).unwrap_or(begin).clamp(begin, end)
    }

    /// The days of the week that ends with the day of `now`, oldest first.
    pub(super) fn week(&self, now: Timestamp) -> Vec<Date> {
        let today = self.of(now);
        (0..WEEK).rev().filter_map(|ago| today.checked_sub(ago.days()).ok()).collect()
    }
}

/// Seconds of the beginning of the minute that `at` is in. Every zone's offset is one of whole
/// minutes since 1972, so that no minute belongs to two days.
pub(crate) fn minute(at: Timestamp) -> i64 {
    let second = at.as_millisecond().div_euclid(1_000);
    second - second.rem_euclid(MINUTE)
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    /// Clocks that change at midnight, by half an hour, a day or not at all.
    const ZONES: [&str; 9] = [
        "Asia/Tokyo",
        "Europe/Berlin",
        "America/Santiago",
        "Asia/Beirut",
        "America/Havana",
        "Australia/Lord_Howe",
        "Pacific/Apia",
        "Asia/Kathmandu",
        "UTC",
    ];

    fn days(zone: &str) -> Days {
        Days(TimeZone::get(zone).unwrap())
    }

    fn hours(zone: &str, day: Date) -> i64 {
        let (begin, end) = days(zone).bounds(day);
        end.duration_since(begin).as_hours()
    }

    #[test]
    fn days_have_23_or_25_hours_where_the_clocks_change_and_may_begin_after_midnight() {
        assert_eq!(hours("Asia/Tokyo", date(2026, 11, 25)), 24);
        assert_eq!(hours("Europe/Berlin", date(2026, 3, 29)), 23);
        assert_eq!(hours("Europe/Berlin", date(2026, 10, 25)), 25);
        // 00:00 is 01:00.
        let begin = |zone, day| days(zone).begin(day).to_string();
        assert_eq!(begin("America/Santiago", date(2025, 9, 7)), "2025-09-07T04:00:00Z");
        assert_eq!(begin("Asia/Beirut", date(2026, 3, 29)), "2026-03-28T22:00:00Z");
        assert_eq!(hours("Asia/Beirut", date(2026, 3, 29)), 23);
        // 01:00 is 00:00 again: midnight comes twice.
        assert_eq!(begin("America/Havana", date(2026, 11, 1)), "2026-11-01T04:00:00Z");
        assert_eq!(hours("America/Havana", date(2026, 11, 1)), 25);
        // There was none.
        assert_eq!(hours("Pacific/Apia", date(2011, 12, 30)), 0);
    }

    #[test]
    fn yesterday_ends_at_the_time_that_it_is_now() {
        let same = |zone, now: &str| days(zone).same_time_yesterday(now.parse().unwrap()).to_string();
        assert_eq!(same("Asia/Tokyo", "2026-11-25T03:30:00Z"), "2026-11-24T03:30:00Z");
        // The 29th has no 02:30.
        assert_eq!(same("Europe/Berlin", "2026-03-30T00:30:00Z"), "2026-03-29T01:30:00Z");
        assert_eq!(same("Europe/Berlin", "2026-10-26T11:00:00Z"), "2026-10-25T11:00:00Z");
        assert_eq!(same("Europe/Berlin", "2026-10-25T11:00:00Z"), "2026-10-24T10:00:00Z");
    }

    #[test]
    fn a_week_is_seven_days_and_ends_with_today() {
        let week = days("Asia/Tokyo").week("2026-03-02T15:00:00Z".parse().unwrap());
        assert_eq!((week.len(), week[0], week[6]), (7, date(2026, 2, 25), date(2026, 3, 3)));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        #[test]
        fn every_moment_is_in_exactly_the_day_that_the_clocks_show(
            second in 315_532_800_i64..2_200_000_000,
            zone in prop::sample::select(&ZONES[..]),
        ) {
            let days = days(zone);
            let at = Timestamp::from_second(second).unwrap();
            let day = days.of(at);
            let (begin, end) = days.bounds(day);
            prop_assert!(begin <= at && at < end, "{begin} {at} {end}");
            prop_assert_eq!(days.of(begin), day);
            prop_assert_ne!(days.of(begin - SignedDuration::from_nanos(1)), day);
            prop_assert_eq!(minute(begin), begin.as_second());
            let before = days.same_time_yesterday(at);
            let (from, to) = days.bounds(day.yesterday().unwrap());
            prop_assert!(from <= before && before <= to && to <= begin, "{from} {before} {to}");
        }

        #[test]
        fn the_days_of_a_week_follow_each_other_without_a_hole(
            second in 315_532_800_i64..2_200_000_000,
            zone in prop::sample::select(&ZONES[..]),
        ) {
            let days = days(zone);
            let week = days.week(Timestamp::from_second(second).unwrap());
            prop_assert_eq!(week.len(), 7);
            for pair in week.windows(2) {
                prop_assert_eq!(days.bounds(pair[0]).1, days.begin(pair[1]));
            }
        }
    }
}
