//! Times on the wire: RFC 3339 in UTC, `2026-11-24T03:00:00.5Z`.
//!
//! For `#[serde(with = "collector::rfc3339")]`. The same texts that jiff's own serde support reads and writes for this one form, without the
//! rest of its parser: that alone would be a tenth of what a browser has to load.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serializer};

/// Writes `at`, with as many decimals as it needs.
///
/// # Errors
///
/// The serializer's own.
pub fn serialize<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&Utc(*at))
}

/// Reads what [`serialize`] writes.
///
/// # Errors
///
/// When the text has another form, or names a day or an hour that does not exist.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    deserializer.deserialize_str(Reader)
}

/// The same for a time that may be missing.
pub mod option {
    use super::{Deserialize, Deserializer, Serializer, Timestamp};

    #[derive(Deserialize)]
    struct At(#[serde(with = "super")] Timestamp);

    /// Writes the time, or null.
    ///
    /// # Errors
    ///
    /// The serializer's own.
    pub fn serialize<S: Serializer>(at: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
        match at {
            Some(at) => super::serialize(at, serializer),
            None => serializer.serialize_none(),
        }
    }

    /// Reads a time, or null.
    ///
    /// # Errors
    ///
    /// As without `option`.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
        Ok(Option::<At>::deserialize(deserializer)?.map(|At(at)| at))
    }
}

struct Utc(Timestamp);

impl fmt::Display for Utc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = Offset::UTC.to_datetime(self.0);
        let (year, month, day) = (at.year(), at.month(), at.day());
        write!(f, "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}", at.hour(), at.minute(), at.second())?;
        if at.subsec_nanosecond() != 0 {
            let decimals = format!("{:09}", at.subsec_nanosecond());
            write!(f, ".{}", decimals.trim_end_matches('0'))?;
        }
        f.write_str("Z")
    }
}

struct Reader;

impl Visitor<'_> for Reader {
    type Value = Timestamp;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a time such as 2026-11-24T03:00:00Z")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Timestamp, E> {
        parse(text).ok_or_else(|| E::custom("not a time such as 2026-11-24T03:00:00Z"))
    }
}

fn parse(text: &str) -> Option<Timestamp> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let (time, decimals) = time.split_once('.').unwrap_or((time, ""));
    let mut date = date.split('-');
    let mut time = time.split(':');
    let year = number(date.next()?, 4)?;
    let [month, day] = [number(date.next()?, 2)?, number(date.next()?, 2)?];
    let [hour, minute, second] = [number(time.next()?, 2)?, number(time.next()?, 2)?, number(time.next()?, 2)?];
    if date.next().is_some() || time.next().is_some() || decimals.len() > 9 {
        return None;
    }
    let nanoseconds = match decimals {
        "" => 0,
        decimals => number(decimals, decimals.len())? * 10_i32.pow(9 - u32::try_from(decimals.len()).ok()?),
    };
    let small = |number: i32| i8::try_from(number).ok();
    let year = i16::try_from(year).ok()?;
    let (month, day, hour, minute, second) = (small(month)?, small(day)?, small(hour)?, small(minute)?, small(second)?);
    let at = DateTime::new(year, month, day, hour, minute, second, nanoseconds).ok()?;
    Offset::UTC.to_timestamp(at).ok()
}

/// A number of exactly so many digits.
fn number(text: &str, digits: usize) -> Option<i32> {
    let is_plain = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    is_plain.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_not_this_form_is_refused() {
        for text in [
            "",
            "Z",
            "2026-11-24",
            "2026-11-24T03:00:00",
            "2026-11-24 03:00:00Z",
            "2026-11-24T03:00Z",
            "2026-11-24T24:00:00Z",
            "2026-02-30T03:00:00Z",
            "2026-11-24T03:00:00.Z1",
            "2026-11-24T03:00:00.1234567890Z",
            "2026-11-24T+3:00:00Z",
            "2026-11-24T03:00:00+01:00",
            "+026-11-24T03:00:00Z",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_time_survives_and_reads_as_jiff_reads_it(second in -60_000_000_000_i64..250_000_000_000, nano in 0_i32..1_000_000_000, digits in 0_u32..9) {
            let step = 10_i32.pow(digits);
            let at = Timestamp::new(second, nano / step * step).unwrap();
            let text = Utc(at).to_string();
            prop_assert_eq!(parse(&text), Some(at));
            prop_assert_eq!(text.parse::<Timestamp>().unwrap(), at);
        }
    }
}
