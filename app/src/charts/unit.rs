//! What a graph's numbers are, and how they are scaled and written.

use crate::format::{self, Scale};

/// From here on milliseconds are shown as seconds.
const SECONDS_FROM: f64 = 10_000.0;

/// What a graph's numbers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// 0-100.
    Percent,
    /// A share in percent that is small when all is well: its axis ends where its highest value does.
    Share,
    /// Bytes per second, scaled to fit.
    Rate,
    /// Bytes, scaled to fit.
    #[cfg_attr(not(feature = "ssr"), expect(dead_code, reason = "the server alone draws such graphs"))]
    Bytes,
    /// A load average.
    Load,
    /// Something per second.
    PerSecond,
    /// Milliseconds.
    Milliseconds,
    /// A number of something.
    Count,
}

/// How the values of one graph are written.
#[derive(Clone, Debug, PartialEq)]
pub struct Writing {
    /// Name of the unit on the axis.
    pub name: String,
    /// What a value is divided by to be in it.
    pub divisor: f64,
    /// Its decimals.
    pub decimals: usize,
}

impl Unit {
    /// A value with its unit.
    #[must_use]
    pub fn text(self, value: f64) -> String {
        let (number, unit) = self.parts(value);
        if unit.is_empty() { number } else { format!("{number} {unit}") }
    }

    /// A value and its unit.
    #[must_use]
    pub fn parts(self, value: f64) -> (String, String) {
        let (number, unit) = match self {
            Self::Percent | Self::Share => (format::percent(value), "%"),
            Self::Rate => {
                let scale = Scale::of(value);
                return (scale.number(value), format!("{}/s", scale.unit));
            }
            Self::Bytes => {
                let scale = Scale::of(value);
                return (scale.number(value), scale.unit.to_owned());
            }
            Self::Load => (format::load(value), ""),
            Self::PerSecond => (format::short(value), "/s"),
            Self::Milliseconds if value >= 9.95 => (format::count(value), "ms"),
            Self::Milliseconds => (format::short(value), "ms"),
            Self::Count => (format::count(value), ""),
        };
        (number, unit.to_owned())
    }

    /// How values of up to `highest` are written.
    #[must_use]
    pub fn writing(self, highest: f64) -> Writing {
        let (name, divisor, decimals) = match self {
            Self::Percent | Self::Share => ("%", 1.0, 1),
            Self::Rate => {
                // Below a KiB the axis would be of bytes, which nobody asks for.
                let scale = Scale::of(highest.max(1024.0));
                return Writing { name: format!("{}/s", scale.unit), divisor: scale.bytes, decimals: 2 };
            }
            Self::Bytes => {
                let scale = Scale::of(highest.max(1024.0));
                return Writing { name: scale.unit.to_owned(), divisor: scale.bytes, decimals: 1 };
            }
            Self::Load => ("", 1.0, 2),
            Self::PerSecond => ("/s", 1.0, 1),
            Self::Milliseconds if highest >= SECONDS_FROM => ("s", 1_000.0, 2),
            Self::Milliseconds => ("ms", 1.0, if highest < 100.0 { 1 } else { 0 }),
            Self::Count => ("", 1.0, 0),
        };
        Writing { name: name.to_owned(), divisor, decimals }
    }

    /// What the highest value is taken for at least: one that is nearly nothing should look so.
    #[must_use]
    pub fn least(self) -> f64 {
        match self {
            Self::Percent | Self::Rate | Self::Bytes | Self::Load => 0.0,
            // Up to and with the threshold of the rule CriticalErrorRate.
            Self::Share => 10.5,
            Self::PerSecond => 0.9,
            Self::Milliseconds => 9.0,
            Self::Count => 1.9,
        }
    }

    /// The least difference of lowest and highest value that fills the height of a sparkline: what
    /// is calm should look calm.
    #[must_use]
    pub fn calm(self) -> f64 {
        match self {
            Self::Percent => 12.0,
            Self::Share => 5.0,
            Self::Rate => 4_096.0,
            Self::Bytes => 1_048_576.0,
            Self::Load => 0.4,
            Self::PerSecond => 1.0,
            Self::Milliseconds => 20.0,
            Self::Count => 4.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_their_unit() {
        for (unit, value, text) in [
            (Unit::Share, 0.42, "0.4 %"),
            (Unit::PerSecond, 0.0, "0 /s"),
            (Unit::PerSecond, 42.12, "42.1 /s"),
            (Unit::Milliseconds, 3.26, "3.3 ms"),
            (Unit::Milliseconds, 35.4, "35 ms"),
            (Unit::Milliseconds, 1_240.4, "1,240 ms"),
            (Unit::Count, 18.0, "18"),
            (Unit::Rate, 2_516_582.4, "2.4 MiB/s"),
            (Unit::Bytes, 2_516_582.4, "2.4 MiB"),
        ] {
            assert_eq!(unit.text(value), text);
        }
        assert_eq!(Unit::Milliseconds.writing(12_000.0).name, "s");
    }
}
