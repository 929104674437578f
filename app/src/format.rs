//! Numbers, units and times as text, the same on the server and in the browser. Words around
//! them are in `words`.

use jiff::Timestamp;
use jiff::tz::Offset;

/// What stands where a reading is missing.
pub const MISSING: &str = "–";

/// A power of 1024 and its name.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    /// Bytes in one of it.
    pub bytes: f64,
    /// `MiB`, for example.
    pub unit: &'static str,
}

const SCALES: [Scale; 6] = [
    Scale { bytes: 1.0, unit: "B" },
    Scale { bytes: 1024.0, unit: "KiB" },
    Scale { bytes: 1_048_576.0, unit: "MiB" },
    Scale { bytes: 1_073_741_824.0, unit: "GiB" },
    Scale { bytes: 1_099_511_627_776.0, unit: "TiB" },
    Scale { bytes: 1_125_899_906_842_624.0, unit: "PiB" },
];

impl Scale {
    /// The largest scale in which `bytes` is at least 1 after rounding.
    #[must_use]
    pub fn of(bytes: f64) -> Self {
        let fits = |scale: &&Self| bytes >= scale.bytes * 0.9995;
        SCALES.iter().rev().find(fits).copied().unwrap_or(SCALES[0])
    }

    /// `bytes` in this scale, without the unit: three significant digits at the most.
    #[must_use]
    pub fn number(self, bytes: f64) -> String {
        let value = bytes / self.bytes;
        let decimals = if self.bytes <= 1.0 || value >= 99.95 { 0 } else { 1 };
        fixed(value, decimals)
    }
}

/// A number with so many decimals, at most three, rounded to the nearest one and halves away from 0.
#[must_use]
pub fn fixed(value: f64, decimals: usize) -> String {
    let mut text = String::with_capacity(12);
    push_fixed(&mut text, value, decimals);
    text
}

/// Adds such a number to a text.
///
/// By whole numbers: what Rust has for it rounds any number to any length, and is 5 KB of a page's WASM.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "what is shown is far below 2^63")]
pub fn push_fixed(text: &mut String, value: f64, decimals: usize) {
    let (power, decimals) = match decimals {
        0 => (1_u64, 0),
        1 => (10, 1),
        2 => (100, 2),
        _ => (1_000, 3),
    };
    let scaled = (value.abs() * float(power)).round() as u64;
    if value < 0.0 && scaled > 0 {
        text.push('-');
    }
    let mut digits = itoa::Buffer::new();
    text.push_str(digits.format(scaled / power));
    if decimals > 0 {
        text.push('.');
        // With a 1 in front, for the zeros behind the point.
        text.push_str(digits.format(power + scaled % power).get(1..).unwrap_or_default());
    }
}

/// % with one decimal, without the sign.
#[must_use]
pub fn percent(value: f64) -> String {
    fixed(value, 1)
}

/// A number of something, in groups of three digits.
#[must_use]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "what is counted is whole and fits")]
pub fn count(value: f64) -> String {
    let digits = (value.abs().round() as u64).to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    for (place, digit) in digits.char_indices() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number in three digits, or in all those before its point: `0`, `3.2`, `42.1`, `1,240`.
#[must_use]
pub fn short(value: f64) -> String {
    if value == 0.0 || value >= 99.95 { count(value) } else { percent(value) }
}

/// A difference with its sign: `+6`, `−212`, `±0`.
#[must_use]
pub fn signed(value: f64) -> String {
    let sign = if value.round() == 0.0 {
        "±"
    } else if value < 0.0 {
        "−"
    } else {
        "+"
    };
    format!("{sign}{}", count(value))
}

/// Day and month of a date such as `2026-11-25`.
#[must_use]
pub fn day_of(date: &str) -> &str {
    date.get(5..).unwrap_or(date)
}

/// The weekday of a date such as `2026-11-25`, 0 for Sunday (Sakamoto's method); `None` where it is no date.
#[must_use]
pub fn weekday(date: &str) -> Option<usize> {
    const MONTHS: [usize; 12] = [0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4];
    let mut parts = date.split('-').map(str::parse::<usize>);
    let (year, month, day) = (parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?);
    let shift = MONTHS.get(month.checked_sub(1)?)?;
    let year = if month < 3 { year.checked_sub(1)? } else { year };
    Some((year + year / 4 - year / 100 + year / 400 + shift + day) % 7)
}

/// A load average.
#[must_use]
pub fn load(value: f64) -> String {
    fixed(value, 2)
}

/// Bytes as a number and its unit.
#[must_use]
pub fn bytes(bytes: u64) -> (String, &'static str) {
    let bytes = float(bytes);
    let scale = Scale::of(bytes);
    (scale.number(bytes), scale.unit)
}

/// Bytes with their unit in one text.
#[must_use]
pub fn size(value: u64) -> String {
    let (number, unit) = bytes(value);
    format!("{number} {unit}")
}

/// `9.8 / 16.0 GiB`: a part and its whole in the unit of the whole.
#[must_use]
pub fn part_of(part: u64, whole: u64) -> String {
    let (part, whole) = (float(part), float(whole));
    let scale = Scale::of(whole);
    format!("{} / {} {}", scale.number(part), scale.number(whole), scale.unit)
}

/// Bytes per second with their unit.
#[must_use]
pub fn rate(bytes_per_second: f64) -> String {
    let scale = Scale::of(bytes_per_second);
    format!("{} {}/s", scale.number(bytes_per_second), scale.unit)
}

/// A number of something, which stays far below 2^53.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
pub fn float(number: u64) -> f64 {
    number as f64
}

/// Milliseconds since the epoch: how browsers and graphs count.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "below 2^53 for 285,000 years")]
pub fn milliseconds(at: Timestamp) -> f64 {
    at.as_millisecond() as f64
}

/// The time so many milliseconds after the epoch, the epoch itself where there is none.
#[must_use]
#[expect(clippy::cast_possible_truncation, reason = "a fraction of a millisecond does not matter here")]
pub fn timestamp(milliseconds: f64) -> Timestamp {
    Timestamp::from_millisecond(milliseconds as i64).unwrap_or_default()
}

/// The time so many seconds after the epoch, the epoch itself where there is none.
#[must_use]
pub fn second(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap_or_default()
}

/// The zone that times are shown in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Zone {
    /// The server does not know where the viewer is.
    #[default]
    Utc,
    /// The viewer's, in minutes east of UTC.
    Local(i32),
}

impl Zone {
    fn offset(self) -> Offset {
        match self {
            Self::Utc => Offset::UTC,
            Self::Local(minutes) => Offset::from_seconds(minutes * 60).unwrap_or(Offset::UTC),
        }
    }

    /// Its distance from UTC.
    #[must_use]
    pub fn minutes_east(self) -> f64 {
        match self {
            Self::Utc => 0.0,
            Self::Local(minutes) => f64::from(minutes),
        }
    }

    /// The viewer's, in minutes east of UTC, where it is known.
    #[must_use]
    pub fn minutes(self) -> Option<i32> {
        if let Self::Local(minutes) = self { Some(minutes) } else { None }
    }

    /// ` UTC` where the reader could take the time for a local one.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Utc => " UTC",
            Self::Local(_) => "",
        }
    }

    /// `12:34:56`
    #[must_use]
    pub fn time(self, at: Timestamp) -> String {
        let local = self.offset().to_datetime(at);
        format!("{:02}:{:02}:{:02}", local.hour(), local.minute(), local.second())
    }

    /// `12:34`
    #[must_use]
    pub fn minute(self, at: Timestamp) -> String {
        let local = self.offset().to_datetime(at);
        format!("{:02}:{:02}", local.hour(), local.minute())
    }

    /// `11-24`
    #[must_use]
    pub fn day(self, at: Timestamp) -> String {
        let local = self.offset().to_datetime(at);
        format!("{:02}-{:02}", local.month(), local.day())
    }

    /// `2026-11-24`
    #[must_use]
    pub fn date(self, at: Timestamp) -> String {
        let local = self.offset().to_datetime(at);
        format!("{}-{:02}-{:02}", local.year(), local.month(), local.day())
    }

    /// `12:34:56`, with the date in front when it is not the day of `now`, and the zone behind.
    #[must_use]
    pub fn moment(self, at: Timestamp, now: Timestamp) -> String {
        let date = self.date(at);
        let (time, label) = (self.time(at), self.label());
        if date == self.date(now) { format!("{time}{label}") } else { format!("{date} {time}{label}") }
    }
}

/// The two largest parts of a time in seconds, as days, hours, minutes and seconds: what is
/// smaller does not matter beside them.
#[must_use]
pub fn duration_parts(seconds: u64) -> [(u64, DurationUnit); 2] {
    use DurationUnit::{Day, Hour, Minute, Second};
    match seconds {
        0..60 => [(0, Minute), (seconds, Second)],
        60..3_600 => [(seconds / 60, Minute), (seconds % 60, Second)],
        3_600..86_400 => [(seconds / 3_600, Hour), (seconds % 3_600 / 60, Minute)],
        _ => [(seconds / 86_400, Day), (seconds % 86_400 / 3_600, Hour)],
    }
}

/// A unit of [`duration_parts`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DurationUnit {
    /// 24 hours.
    Day,
    /// 60 minutes.
    Hour,
    /// 60 seconds.
    Minute,
    /// One second.
    Second,
}

/// [`duration_parts`] with the names a language has for them; parts that are 0 are left out.
#[must_use]
pub fn duration(seconds: u64, name: fn(DurationUnit) -> &'static str, space: &str) -> String {
    let parts = duration_parts(seconds);
    let mut text = String::new();
    for (number, unit) in parts.into_iter().filter(|(number, _)| *number > 0) {
        if !text.is_empty() {
            text.push_str(space);
        }
        text.push_str(&format!("{number}{}", name(unit)));
    }
    if text.is_empty() { format!("0{}", name(DurationUnit::Second)) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_number_is_rounded_to_its_decimals() {
        for (value, decimals, text) in [
            (0.0, 0, "0"),
            (0.04, 1, "0.0"),
            (0.05, 1, "0.1"),
            (9.96, 1, "10.0"),
            (-0.04, 1, "0.0"),
            (-12.346, 2, "-12.35"),
            (1.005, 3, "1.005"),
            (1_795_757_400_000.0, 0, "1795757400000"),
            (f64::NAN, 1, "0.0"),
        ] {
            assert_eq!(fixed(value, decimals), text);
        }
    }

    #[test]
    fn bytes_are_scaled_and_rounded_without_a_thousand_of_the_smaller_unit() {
        for (value, text) in [
            (0, "0 B"),
            (1_023, "1023 B"),
            (1_024, "1.0 KiB"),
            (1_536, "1.5 KiB"),
            (102_399, "100 KiB"),
            (1_048_575, "1.0 MiB"),
            (131_941_395_333, "123 GiB"),
            (u64::MAX, "16384 PiB"),
        ] {
            assert_eq!(size(value), text, "{value}");
        }
    }

    #[test]
    fn a_part_is_in_the_unit_of_its_whole() {
        assert_eq!(part_of(10_522_669_875, 17_179_869_184), "9.8 / 16.0 GiB");
        assert_eq!(part_of(1, 17_179_869_184), "0.0 / 16.0 GiB");
        assert_eq!(rate(2_516_582.4), "2.4 MiB/s");
        assert_eq!(rate(0.0), "0 B/s");
    }

    #[test]
    fn counts_are_grouped_and_differences_have_a_sign() {
        for (value, text) in [(0.0, "0"), (999.4, "999"), (1_240.0, "1,240"), (1_234_567.0, "1,234,567")] {
            assert_eq!(count(value), text);
        }
        assert_eq!([6.0, -212.0, 0.0, -0.2].map(signed), ["+6", "−212", "±0", "±0"]);
        assert_eq!([0.0, 3.24, 99.9, 1_240.0].map(short), ["0", "3.2", "99.9", "1,240"]);
    }

    #[test]
    fn a_date_has_its_weekday() {
        for (date, day) in [
            ("2026-11-25", Some(3)),
            ("2024-02-29", Some(4)),
            ("2000-01-01", Some(6)),
            ("2026-13-01", None),
            ("", None),
        ] {
            assert_eq!(weekday(date), day, "{date}");
        }
        assert_eq!(day_of("2026-11-25"), "11-25");
    }

    #[test]
    fn times_are_in_the_zone_and_say_so_when_it_is_not_the_viewers() {
        let (then, now) = (at("2026-11-24T23:30:05Z"), at("2026-11-25T03:00:00Z"));
        assert_eq!(Zone::Utc.moment(then, now), "2026-11-24 23:30:05 UTC");
        assert_eq!(Zone::Local(540).moment(then, now), "08:30:05");
        assert_eq!(Zone::Local(-330).time(then), "18:00:05");
        assert_eq!(Zone::Local(540).date(then), "2026-11-25");
    }

    #[test]
    fn a_duration_keeps_its_two_largest_parts() {
        let name = |unit| match unit {
            DurationUnit::Day => " d",
            DurationUnit::Hour => " h",
            DurationUnit::Minute => " min",
            DurationUnit::Second => " s",
        };
        for (seconds, text) in [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (61, "1 min 1 s"),
            (3_600, "1 h"),
            (86_399, "23 h 59 min"),
            (1_051_200, "12 d 4 h"),
        ] {
            assert_eq!(duration(seconds, name, " "), text);
        }
    }
}
