//! What a scraped application answers, read: Prometheus' text format 0.0.4 and OpenMetrics 1.0
//! become an [`Exposition`]. What a series means is `requests`' and `business`'; how the text
//! comes is `source`'s.
//!
//! As Prometheus has it, one malformed line fails the whole scrape; a series over a limit is left
//! out and counted, and others do not notice. The text is read as it comes, line by line: no more
//! of it is held than one unfinished line.
//!
//! | in the text | in the exposition |
//! |---|---|
//! | counter, and what is of no type and named `_total` | [`ExposedValue::Counter`](crate::ExposedValue::Counter) |
//! | `_bucket`, `_sum`, `_count` of a histogram | one [`ExposedValue::Histogram`](crate::ExposedValue::Histogram) |
//! | `_sum` and `_count` of a summary | counters of these names; quantiles are left aside, as nothing can be summed of them |
//! | `_created` | [`Exposition::started`], the earliest of them |
//! | anything else | [`ExposedValue::Gauge`](crate::ExposedValue::Gauge) |
//! | exemplars, timestamps, help, units | read over |
//!
//! Formats: <https://github.com/prometheus/docs/blob/main/docs/instrumenting/exposition_formats.md>,
//! <https://github.com/prometheus/OpenMetrics/blob/main/specification/OpenMetrics.md>. Where they
//! leave a choice, it is that of Prometheus' `model/textparse`.

mod assembly;
mod error;
mod expected;
mod limits;
mod line;
mod parser;

use jiff::Timestamp;

use crate::Exposition;

pub use error::{ParseError, Problem};
pub use expected::Expected;
pub use limits::{LeftOut, Limits};
pub use parser::Parser;

/// How series are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Prometheus' text format 0.0.4.
    #[default]
    Prometheus,
    /// OpenMetrics 1.0.
    OpenMetrics,
}

impl Format {
    /// The format that a `Content-Type` names; what names none is taken for Prometheus' own, as
    /// Prometheus does.
    #[must_use]
    pub fn of(content_type: &str) -> Self {
        let media_type = content_type.split(';').next().unwrap_or_default().trim();
        match media_type.eq_ignore_ascii_case("application/openmetrics-text") {
            true => Self::OpenMetrics,
            false => Self::Prometheus,
        }
    }

    /// What it is called.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Prometheus => "Prometheus text",
            Self::OpenMetrics => "OpenMetrics text",
        }
    }
}

/// What was read, and what of it was left out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parsed {
    /// The series within the limits.
    pub exposition: Exposition,
    /// Those that are not among them.
    pub left_out: LeftOut,
}

/// Reads the whole of a text that was scraped at `at`.
///
/// # Errors
///
/// When a line is malformed, with its number; nothing of the text counts then.
pub fn parse(text: &[u8], format: Format, at: Timestamp, limits: Limits) -> Result<Parsed, ParseError> {
    let mut parser = Parser::new(format, limits);
    parser.feed(text)?;
    parser.finish(at)
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;
    use std::fs;
    use std::path::{Path, PathBuf};

    use proptest::prelude::*;

    use super::*;
    use crate::sentence::assert_japanese;
    use crate::{ExposedValue, InJapanese as _};

    fn limits() -> Limits {
        Limits { series: 20, labels: 4, name_bytes: 60, value_bytes: 40, line_bytes: 200, buckets: 6 }
    }

    /// Small text of what was read, to compare with a file.
    fn described(outcome: Result<Parsed, ParseError>) -> String {
        let parsed = match outcome {
            Ok(parsed) => parsed,
            Err(error) => return format!("{error}\n"),
        };
        let mut text = String::new();
        for exposed in &parsed.exposition.series {
            let (kind, value) = match &exposed.value {
                ExposedValue::Counter(value) => ("counter", value.to_string()),
                ExposedValue::Gauge(value) => ("gauge", value.to_string()),
                ExposedValue::Histogram(histogram) => {
                    ("histogram", format!("{:?} sum {:?}", histogram.buckets, histogram.sum))
                }
            };
            writeln!(text, "{kind} {} {:?} {value}", exposed.name, exposed.labels).unwrap();
        }
        if let Some(started) = parsed.exposition.started {
            writeln!(text, "started {started}").unwrap();
        }
        for (reason, count) in parsed.left_out.by_reason().iter().filter(|(_, count)| *count > 0) {
            writeln!(text, "left out {count}: {reason}").unwrap();
        }
        text
    }

    /// The fixtures of this folder, each with what is expected of it.
    fn cases(folder: &str) -> Vec<(PathBuf, Format, Vec<u8>, String)> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/exposition").join(folder);
        let case = |entry: std::io::Result<fs::DirEntry>| {
            let path = entry.unwrap().path();
            let format = match path.extension()?.to_str()? {
                "prom" => Format::Prometheus,
                "om" => Format::OpenMetrics,
                _ => return None,
            };
            let expected = fs::read_to_string(format!("{}.expected", path.display())).unwrap();
            Some((path.clone(), format, fs::read(&path).unwrap(), expected))
        };
        fs::read_dir(folder).unwrap().filter_map(case).collect()
    }

    fn at() -> Timestamp {
        Timestamp::from_second(1_764_000_000).unwrap()
    }

    fn in_pieces(text: &[u8], size: usize, format: Format) -> Result<Parsed, ParseError> {
        let mut parser = Parser::new(format, limits());
        text.chunks(size).try_for_each(|piece| parser.feed(piece))?;
        parser.finish(at())
    }

    #[test]
    fn every_fixture_is_read_as_expected_in_pieces_of_any_size() {
        let (wellformed, malformed) = (cases("wellformed"), cases("malformed"));
        assert!(wellformed.len() > 10 && malformed.len() > 20, "the fixtures are there");
        for (path, format, text, expected) in wellformed.iter().chain(&malformed) {
            for size in [1, 7, 4096] {
                assert_eq!(&described(in_pieces(text, size, *format)), expected, "{} by {size}", path.display());
            }
        }
        for (path, format, text, _) in &malformed {
            let error = in_pieces(text, 64, *format).expect_err(path.to_str().unwrap());
            assert_japanese(&error.ja(), &[&format!("{} 行目", error.line)]);
        }
    }

    #[test]
    fn a_hundred_thousand_series_cost_no_more_than_the_limit() {
        let mut parser = Parser::new(Format::Prometheus, Limits::default());
        parser.feed(b"# TYPE h histogram\n").unwrap();
        for path in 0..50_000 {
            let line = format!(
                "h_bucket{{path=\"/{path}\",le=\"1\"}} 1\nh_bucket{{path=\"/{path}\",le=\"+Inf\"}} 1\nc_total{{path=\"/{path}\"}} 1\n"
            );
            parser.feed(line.as_bytes()).unwrap();
        }
        let parsed = parser.finish(Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(parsed.exposition.series.len(), 10_000);
        assert_eq!(parsed.left_out, LeftOut { series: 90_000, ..LeftOut::default() });
        assert!(parsed.left_out.is_partial());
    }

    #[test]
    fn a_line_without_end_is_not_held() {
        let mut parser = Parser::new(Format::Prometheus, limits());
        parser.feed(b"before 1\nlong{a=\"").unwrap();
        for _ in 0..100_000 {
            parser.feed(&[b'x'; 100]).unwrap();
        }
        parser.feed(b"\"} 1\nafter 2\n").unwrap();
        let parsed = parser.finish(Timestamp::UNIX_EPOCH);
        assert_eq!(described(parsed), "gauge before {} 1\ngauge after {} 2\nleft out 1: line\n");
    }

    #[test]
    fn the_format_is_that_of_the_content_type() {
        for (content_type, format) in [
            ("application/openmetrics-text; version=1.0.0; charset=utf-8", Format::OpenMetrics),
            ("Application/OpenMetrics-Text", Format::OpenMetrics),
            ("text/plain; version=0.0.4; charset=utf-8", Format::Prometheus),
            ("", Format::Prometheus),
        ] {
            assert_eq!(Format::of(content_type), format, "{content_type}");
        }
    }

    /// Text that is nearly an exposition, for bytes at random rarely get past the first check.
    fn nearly() -> impl Strategy<Value = Vec<u8>> {
        let tokens = prop::sample::select(vec![
            "a",
            "h_bucket",
            "h_sum",
            "h_count",
            "c_total",
            "c_created",
            "{",
            "}",
            "le",
            "=",
            "\"",
            "\\",
            "\"1\"",
            "\"+Inf\"",
            ",",
            " ",
            "\t",
            "\n",
            "# TYPE h histogram\n",
            "# TYPE c counter\n",
            "# TYPE ",
            "# HELP ",
            "# UNIT ",
            "# EOF\n",
            "# ",
            "1",
            "-1e400",
            "NaN",
            "+Inf",
            "1e308",
            "\r",
            "é",
            "\0",
            "<",
            "{le=\"+Inf\"} 3\n",
        ]);
        prop::collection::vec(tokens, 0..60).prop_map(|tokens| tokens.concat().into_bytes())
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop_oneof![prop::collection::vec(any::<u8>(), 0..300), nearly()], size in 1_usize..40) {
            for format in [Format::Prometheus, Format::OpenMetrics] {
                let whole = parse(&bytes, format, at(), limits());
                prop_assert_eq!(&whole, &in_pieces(&bytes, size, format));
                let Ok(parsed) = whole else { continue };
                for exposed in &parsed.exposition.series {
                    if let ExposedValue::Histogram(histogram) = &exposed.value {
                        prop_assert!(histogram.buckets.is_sorted_by(|one, other| one.0 < other.0 && one.1 <= other.1));
                        prop_assert_eq!(histogram.buckets.last().unwrap().0, f64::INFINITY);
                    }
                }
            }
        }
    }
}
