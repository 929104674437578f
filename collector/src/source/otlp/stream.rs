//! One series as it is pushed. Delta is added up to cumulative, which goes on when the process
//! begins anew; cumulative is as the process counts it.
//! <https://opentelemetry.io/docs/specs/otel/metrics/data-model/#resets-and-gaps>
//!
//! | a point | delta | cumulative |
//! |---|---|---|
//! | after the newest | added | taken; `start` or a lower value say that its process began anew |
//! | in a gap, or before the first | added | dropped: the newest says more |
//! | over time that was counted | dropped | dropped |
//! | over time that was counted in part | refused: `overlapping` | - |
//! | of an older `start`, yet new | - | refused: `overlapping`, for another process counts too |

use super::point::{Amount, Reason, Shape, Temporality, to_f64};
use crate::exposed::{ExposedHistogram, ExposedValue};

/// Clocks that count in milliseconds may put an interval so much into the one before.
const ROUNDING: u64 = 1_000_000;
/// Gaps that are remembered; of older ones, late points are refused.
const MOST_GAPS: usize = 8;

/// How the points of a series make its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// The newest is it.
    Newest,
    Cumulative,
    Delta,
}

impl Mode {
    pub(super) fn of(shape: Shape, temporality: Temporality, monotonic: bool) -> Result<Self, Reason> {
        match (shape, temporality) {
            (Shape::Summary, _) => Err(Reason::summary),
            (Shape::Gauge, _) => Ok(Self::Newest),
            (_, Temporality::Unspecified) => Err(Reason::temporality),
            (_, Temporality::Delta) => Ok(Self::Delta),
            (Shape::Sum, Temporality::Cumulative) if !monotonic => Ok(Self::Newest),
            (_, Temporality::Cumulative) => Ok(Self::Cumulative),
        }
    }
}

/// What became of a point that was not refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    Counted,
    /// Counted; its process began anew, and the one before pushed no later than this, in ns.
    Anew(u64),
    /// It says nothing that was not known.
    Repeated,
}

/// One series.
#[derive(Clone, Debug)]
pub(super) struct Stream {
    mode: Mode,
    /// Whether a number is exposed as a counter.
    monotonic: bool,
    /// Since when is counted, in ns; 0 where it is not known.
    start: u64,
    /// Until when is counted, in ns.
    time: u64,
    /// Of delta: times between `start` and `time` that no point was about, oldest first.
    gaps: Vec<(u64, u64)>,
    last: Amount,
}

impl Stream {
    /// The series that begins with this point.
    pub(super) fn new(mode: Mode, monotonic: bool, start: u64, time: u64, amount: Amount) -> Result<Self, Reason> {
        check(mode, monotonic, &amount)?;
        Ok(Self { mode, monotonic, start, time, gaps: Vec::new(), last: amount })
    }

    /// Whether points of this kind go on with it; else it is another series of the same name.
    pub(super) fn continues(&self, mode: Mode, monotonic: bool, amount: &Amount) -> bool {
        self.mode == mode && self.monotonic == monotonic && self.last.is_like(amount)
    }

    /// Takes one more point.
    pub(super) fn take(&mut self, start: u64, time: u64, amount: Amount) -> Result<Taken, Reason> {
        check(self.mode, self.monotonic, &amount)?;
        match self.mode {
            Mode::Newest if time <= self.time => Ok(Taken::Repeated),
            Mode::Newest => {
                (self.time, self.last) = (time, amount);
                Ok(Taken::Counted)
            }
            Mode::Cumulative => self.take_cumulative(start, time, amount),
            Mode::Delta => self.take_delta(start, time, amount),
        }
    }

    fn take_cumulative(&mut self, start: u64, time: u64, amount: Amount) -> Result<Taken, Reason> {
        if time <= self.time {
            return Ok(Taken::Repeated);
        }
        let both_known = start != 0 && self.start != 0;
        let less = amount.is_less_than(&self.last);
        if both_known && start < self.start {
            return Err(Reason::overlapping);
        }
        let later = both_known && start > self.start;
        // A process that began while another still counted is another one of the same name.
        if later && start < self.time && less {
            return Err(Reason::overlapping);
        }
        let anew = less || (later && start >= self.time);
        let ended = if later { start } else { self.time };
        if start != 0 {
            self.start = start;
        }
        (self.time, self.last) = (time, amount);
        Ok(if anew { Taken::Anew(ended) } else { Taken::Counted })
    }

    fn take_delta(&mut self, start: u64, time: u64, amount: Amount) -> Result<Taken, Reason> {
        if !self.is_new(start, time)? {
            return Ok(Taken::Repeated);
        }
        // Between the newest bounds, for what comes next has them too.
        let before = std::mem::replace(&mut self.last, amount);
        self.last.add(&before);
        Ok(Taken::Counted)
    }

    /// Whether nothing from `start` to `time` was counted yet; notes that it is now.
    fn is_new(&mut self, start: u64, time: u64) -> Result<bool, Reason> {
        if time > self.time {
            let start = if start == 0 { self.time } else { start };
            if start.saturating_add(ROUNDING) < self.time {
                return Err(Reason::overlapping);
            }
            if start > self.time.saturating_add(ROUNDING) {
                self.add_gap((self.time, start));
            }
            self.time = time;
            return Ok(true);
        }
        if self.start != 0 && time <= self.start.saturating_add(ROUNDING) {
            if time < self.start {
                self.gaps.insert(0, (time, self.start));
                self.forget_gaps();
            }
            self.start = if start == 0 { time } else { start };
            return Ok(true);
        }
        let start = if start == 0 { time } else { start };
        let Some(index) = self.gaps.iter().position(|gap| gap.0 < time && start < gap.1) else {
            return Ok(false);
        };
        let (from, to) = self.gaps[index];
        if start.saturating_add(ROUNDING) < from || time > to.saturating_add(ROUNDING) {
            return Err(Reason::overlapping);
        }
        let rest = [(from, start), (time, to)].into_iter().filter(|(from, to)| from.saturating_add(ROUNDING) < *to);
        self.gaps.splice(index..=index, rest.collect::<Vec<_>>());
        self.forget_gaps();
        Ok(true)
    }

    fn add_gap(&mut self, gap: (u64, u64)) {
        self.gaps.push(gap);
        self.forget_gaps();
    }

    fn forget_gaps(&mut self) {
        if self.gaps.len() > MOST_GAPS {
            self.gaps.remove(0);
        }
    }

    /// The value: of delta since the series was first seen.
    pub(super) fn exposed(&self) -> ExposedValue {
        match &self.last {
            Amount::Number(number) if self.monotonic => ExposedValue::Counter(*number),
            Amount::Number(number) => ExposedValue::Gauge(*number),
            Amount::Histogram(counts) => {
                let buckets = counts.buckets().map(|(bound, count)| (bound, to_f64(count)));
                ExposedValue::Histogram(ExposedHistogram { buckets: buckets.collect(), sum: counts.sum })
            }
            Amount::Exponential(histogram) => {
                ExposedValue::Histogram(ExposedHistogram { buckets: histogram.buckets(), sum: histogram.sum })
            }
        }
    }

    /// Whether its value has, or may have, something of before this time, in ns.
    pub(super) fn counts_since_before(&self, time: u64) -> bool {
        self.mode == Mode::Cumulative && self.start < time
    }

    /// Whether its process is gone: one that counts for it anew would have pushed it after `time`, in ns.
    pub(super) fn ended(&self, time: u64) -> bool {
        self.mode != Mode::Delta && self.time <= time
    }

    /// Since when is counted, in ns, where it is known and anything is counted.
    pub(super) fn started(&self) -> Option<u64> {
        (self.start != 0 && self.mode != Mode::Newest).then_some(self.start)
    }

    /// Whether only its newest value says anything, and none once that is old.
    pub(super) fn is_gauge(&self) -> bool {
        self.mode == Mode::Newest
    }

    /// Memory it may come to take besides itself.
    pub(super) fn heap_bytes(&self) -> usize {
        match self.mode {
            Mode::Newest | Mode::Cumulative => self.last.heap_bytes(),
            Mode::Delta => self.last.heap_bytes() + MOST_GAPS * size_of::<(u64, u64)>(),
        }
    }

    /// Buckets it may come to be exposed with.
    pub(super) fn bucket_count(&self) -> usize {
        self.last.bucket_count()
    }
}

/// What only goes up is never below 0.
fn check(mode: Mode, monotonic: bool, amount: &Amount) -> Result<(), Reason> {
    match amount {
        Amount::Number(number) if monotonic && mode != Mode::Newest && *number < 0.0 => Err(Reason::malformed),
        _ => Ok(()),
    }
}
