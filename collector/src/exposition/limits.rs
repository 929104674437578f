//! How much one scrape may hold.

use std::ops::AddAssign;

/// What one scrape may hold; what is over is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Series of one scrape, where a histogram is one.
    pub series: usize,
    /// Labels of one series.
    pub labels: usize,
    /// Length of the name of a metric or label, in bytes.
    pub name_bytes: usize,
    /// Length of a label's value, in bytes.
    pub value_bytes: usize,
    /// Length of a line, in bytes; also what a reader holds of the text.
    pub line_bytes: usize,
    /// Buckets of one histogram.
    pub buckets: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { series: 10_000, labels: 30, name_bytes: 200, value_bytes: 1_000, line_bytes: 64 << 10, buckets: 200 }
    }
}

/// Series of a scrape that were left out, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// There were more series than may be.
    pub series: u64,
    /// It had too many labels, a name or value too long, or a value with a NUL.
    pub labels: u64,
    /// Its line was too long.
    pub line: u64,
    /// A histogram without the bucket `+Inf`, with a bound that is no number, or with too many buckets.
    pub histogram: u64,
    /// The same series was there before.
    pub duplicate: u64,
    /// Its value was infinite or not a number: there is none.
    pub not_finite: u64,
}

impl LeftOut {
    /// Each reason by name.
    #[must_use]
    pub fn by_reason(&self) -> [(&'static str, u64); 6] {
        [
            ("series", self.series),
            ("labels", self.labels),
            ("line", self.line),
            ("histogram", self.histogram),
            ("duplicate", self.duplicate),
            ("not_finite", self.not_finite),
        ]
    }

    /// Whether series are missing that another scrape may have: which of many are over a limit
    /// is chance.
    #[must_use]
    pub fn is_partial(&self) -> bool {
        self.series > 0
    }

    /// For all reasons together.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.by_reason().iter().map(|(_, count)| count).sum()
    }
}

impl AddAssign for LeftOut {
    fn add_assign(&mut self, other: Self) {
        self.series += other.series;
        self.labels += other.labels;
        self.line += other.line;
        self.histogram += other.histogram;
        self.duplicate += other.duplicate;
        self.not_finite += other.not_finite;
    }
}
