//! How records lie in a file: one line each, checksummed, readable with `less`.
//!
//! ```text
//! <CRC-32 of the rest of the line, 8 hex digits> <number of the record in its stream> <JSON>
//! ```
//!
//! Whatever happens to a file, every line that is whole is still a record and no other line is: a
//! damaged one is counted and skipped.

use std::fmt::Write as _;

use jiff::Timestamp;
use serde::de::DeserializeOwned;

use super::Record;
use crate::sample::{Point, Sample};

/// A record and its number in its stream. Numbers begin with 1 and grow.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its number.
    pub seq: u64,
    /// What was kept.
    pub record: Record,
}

/// Appends the line of a record to `text`.
///
/// # Errors
///
/// When the record cannot be written as JSON; `text` is as before then.
pub(super) fn write_line(seq: u64, record: &Record, text: &mut String) -> Result<(), serde_json::Error> {
    let json = serde_json::to_string(record)?;
    let body = format!("{seq} {json}");
    let _ = writeln!(text, "{:08x} {body}", crc32fast::hash(body.as_bytes()));
    Ok(())
}

/// The entries in `bytes`, and the number of lines that are not what was written.
pub(super) fn read_lines(bytes: &[u8]) -> (Vec<Entry>, u64) {
    let mut damaged = 0;
    let entries = bytes
        .split_inclusive(|byte| *byte == b'\n')
        .filter_map(|line| {
            let entry = read_line(line);
            damaged += u64::from(entry.is_none());
            entry
        })
        .collect();
    (entries, damaged)
}

fn read_line(line: &[u8]) -> Option<Entry> {
    let (seq, json) = checked(line)?;
    Some(Entry { seq, record: serde_json::from_str(json).ok()? })
}

/// Number and JSON of the record in a line that is as it was written, to the last bit.
pub(super) fn checked(line: &[u8]) -> Option<(u64, &str)> {
    let line = str::from_utf8(line.strip_suffix(b"\n")?).ok()?;
    let (checksum, body) = line.split_once(' ')?;
    // Exactly as written: a digit in upper case, or a sign, is damage too.
    let is_written = checksum.len() == 8 && checksum.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
    if !is_written || u32::from_str_radix(checksum, 16).ok()? != crc32fast::hash(body.as_bytes()) {
        return None;
    }
    let (seq, json) = body.split_once(' ')?;
    Some((seq.parse().ok()?, json))
}

/// When the record in this JSON was taken, without reading the rest: its time comes first.
pub(super) fn taken_at(json: &str) -> Option<Timestamp> {
    let (_, rest) = json.split_once(":{\"at\":\"")?;
    rest.split_once('"')?.0.parse().ok()
}

/// The sample in this JSON with its points of these metrics alone; `None` where it has none. What is
/// not wanted is not taken apart, which is most of it.
pub(super) fn sample_of(json: &str, metrics: &[String]) -> Option<Sample> {
    // A quote within a text is written with a backslash: this begins a point and nothing else.
    const POINT: &str = "{\"n\":\"";
    let of_wanted = |rest: &str| {
        metrics.iter().any(|metric| rest.strip_prefix(metric.as_str()).is_some_and(|rest| rest.starts_with('"')))
    };
    let found = json.match_indices(POINT).filter(|(at, _)| of_wanted(&json[at + POINT.len()..]));
    let points: Vec<Point> = found.filter_map(|(at, _)| first(&json[at..])).collect();
    if points.is_empty() {
        return None;
    }
    let (_, host) = json.split_once("\",\"host\":")?;
    Some(Sample { at: taken_at(json)?, host: first(host)?, points })
}

/// The value that a text begins with.
fn first<T: DeserializeOwned>(json: &str) -> Option<T> {
    serde_json::Deserializer::from_str(json).into_iter().next()?.ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::buffer::tests::record;

    fn text(count: u64) -> String {
        let mut text = String::new();
        for seq in 1..=count {
            write_line(seq, &record(seq), &mut text).unwrap();
        }
        text
    }

    #[test]
    fn what_is_written_is_read_back_to_the_last_bit() {
        let (entries, damaged) = read_lines(text(50).as_bytes());
        assert_eq!((entries.len(), damaged), (50, 0));
        for (entry, seq) in entries.iter().zip(1..) {
            assert_eq!(*entry, Entry { seq, record: record(seq) });
        }
        for (line, seq) in text(50).as_bytes().split_inclusive(|byte| *byte == b'\n').zip(1..) {
            let (number, json) = checked(line).unwrap();
            assert_eq!((number, taken_at(json)), (seq, Some(record(seq).at())));
        }
    }

    #[test]
    fn wanted_points_are_those_of_the_whole_record_whatever_labels_and_names_look_like() {
        let point = |name: &str, value, label: &str| Point {
            metric_name: name.to_owned().into(),
            value,
            labels: [("mount".to_owned(), label.to_owned())].into(),
        };
        let points = vec![
            point("cpu_usage", 0.1 + 0.2, "{\"n\":\"disk_usage\",\"v\":7}"),
            point("disk_usage", -1.0 / 3.0, "\",\"host\":\"evil\"\\"),
            point("disk_usage_2", 5.0, ""),
            point("disk_usage", 1e300, "レシピ"),
        ];
        let at = record(3).at();
        let whole = Sample { at, host: "a\",\"host\":\"b\n".to_owned(), points };
        let json = serde_json::to_string(&Record::Sample(whole.clone())).unwrap();
        for (names, indexes) in [
            (&["disk_usage"][..], &[1, 3][..]),
            (&["cpu_usage", "disk_usage_2"], &[0, 2]),
            (&["disk", "usage", "", "mount", "v"], &[]),
        ] {
            let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
            let points: Vec<_> = indexes.iter().map(|index| whole.points[*index].clone()).collect();
            let expected = (!points.is_empty()).then(|| Sample { points, ..whole.clone() });
            assert_eq!(sample_of(&json, &names), expected);
        }
        let snapshot = serde_json::to_string(&record(7)).unwrap();
        assert_eq!(sample_of(&snapshot, &["cpu_usage".to_owned()]), None);
    }

    #[test]
    fn cut_off_at_any_byte_every_whole_line_before_is_kept() {
        let text = text(4);
        for length in 0..=text.len() {
            let part = &text.as_bytes()[..length];
            let whole = part.iter().filter(|byte| **byte == b'\n').count();
            let (entries, damaged) = read_lines(part);
            assert_eq!(entries.len(), whole, "{length}");
            assert_eq!(damaged, u64::from(part.last().is_some_and(|last| *last != b'\n')), "{length}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_000))]
        #[test]
        fn a_flipped_bit_costs_at_most_the_lines_it_touches(at in 0_usize..10_000, bit in 0_u8..8) {
            let mut bytes = text(20).into_bytes();
            let at = at % bytes.len();
            let line = bytes[..at].iter().filter(|byte| **byte == b'\n').count();
            // A line end that is gone joins two lines.
            let touched = if bytes[at] == b'\n' { line..line + 2 } else { line..line + 1 };
            bytes[at] ^= 1 << bit;
            let (entries, damaged) = read_lines(&bytes);
            prop_assert!(damaged > 0);
            let kept: Vec<_> = (0..20).filter(|line| !touched.contains(line)).map(|line| line as u64 + 1).collect();
            prop_assert_eq!(entries.iter().map(|entry| entry.seq).collect::<Vec<_>>(), kept);
            for entry in entries {
                prop_assert_eq!(&entry.record, &record(entry.seq));
            }
        }

        #[test]
        fn nonsense_is_never_a_record_and_never_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2_000)) {
            prop_assert!(read_lines(&bytes).0.is_empty());
        }
    }
}
