//! What a request holds, in whatever format it came: metrics and their data points.

use std::borrow::Cow;

use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1::{AggregationTemporality, DataPointFlags};
use prometheus_client::encoding::EncodeLabelValue;

use super::exponential::Exponential;
use crate::exposed::count_up_to;

/// Why a data point was left out, or changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EncodeLabelValue)]
#[expect(non_camel_case_types, reason = "the names are label values")]
pub enum Reason {
    /// It is not what its type asks for.
    malformed,
    /// It is of a summary, which says nothing that could be added up.
    summary,
    /// It says neither delta nor cumulative.
    temporality,
    /// Its name has no letter that Prometheus could take, or more than 100.
    name,
    /// It has more than 30 attributes, or one with a name of no or more than 100 letters.
    labels,
    /// It is no finite number.
    not_finite,
    /// It is more than 5 minutes ahead of our clock.
    in_future,
    /// It is older than an hour.
    too_old,
    /// It is over time that was counted already, if only in part.
    overlapping,
    /// Its instance has as many series as it may have.
    series_limit,
    /// There are as many instances as there may be.
    instance_limit,
    /// All instances together have as much memory as they may have.
    memory,
    /// Not left out: a label was longer than 1,000 bytes, and was cut.
    label_cut,
}

impl Reason {
    /// All there are.
    pub const ALL: [Self; 13] = [
        Self::malformed,
        Self::summary,
        Self::temporality,
        Self::name,
        Self::labels,
        Self::not_finite,
        Self::in_future,
        Self::too_old,
        Self::overlapping,
        Self::series_limit,
        Self::instance_limit,
        Self::memory,
        Self::label_cut,
    ];

    /// What to do about it.
    pub(super) fn remedy(self) -> &'static str {
        match self {
            Self::malformed => "are not what their type asks for: update the SDK that sent them",
            Self::summary => "are of summaries, which cannot be added up: use histograms",
            Self::temporality => "say neither delta nor cumulative: set the exporter's temporality",
            Self::name => "have a name that Prometheus has none for: use 1 to 100 letters and digits",
            Self::labels => "have more than 30 attributes, or one without a name: use fewer",
            Self::not_finite => "are not finite numbers: measure something else",
            Self::in_future => "are more than 5 minutes ahead: set the clocks of both hosts",
            Self::too_old => "are older than an hour: set the clocks of both hosts",
            Self::overlapping => "are over time counted already: give each process a service.instance.id of its own",
            Self::series_limit => "are of more series than application.series_limit: use attributes of fewer values",
            Self::instance_limit => "are of the 101st instance: keep service.instance.id over restarts",
            Self::memory => "are of more series than there is memory for: use attributes of fewer values",
            Self::label_cut => "have a label of more than 1,000 bytes, which was cut",
        }
    }
}

/// Types of metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Gauge,
    Sum,
    Histogram,
    Exponential,
    Summary,
}

/// What a point's number is counted from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Temporality {
    Unspecified,
    Delta,
    Cumulative,
}

impl Temporality {
    pub(super) fn of(number: i32) -> Self {
        match AggregationTemporality::try_from(number) {
            Ok(AggregationTemporality::Delta) => Self::Delta,
            Ok(AggregationTemporality::Cumulative) => Self::Cumulative,
            _ => Self::Unspecified,
        }
    }
}

/// A metric, without its points.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Metric<'a> {
    pub(super) name: Cow<'a, str>,
    pub(super) unit: Cow<'a, str>,
    pub(super) shape: Shape,
    pub(super) temporality: Temporality,
    /// Of sums: whether they only go up.
    pub(super) monotonic: bool,
}

/// One data point.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Point {
    pub(super) attributes: Vec<KeyValue>,
    /// Since when is counted, in ns since 1970; 0 where it is not known.
    pub(super) start: u64,
    /// When it was measured, in ns since 1970.
    pub(super) time: u64,
    /// `None` says that there is nothing to measure any more.
    pub(super) amount: Option<Amount>,
}

impl Point {
    pub(super) fn new(
        attributes: Vec<KeyValue>,
        [start, time]: [u64; 2],
        flags: u32,
        amount: impl FnOnce() -> Result<Amount, Reason>,
    ) -> Result<Self, Reason> {
        let nothing = flags & DataPointFlags::NoRecordedValueMask as u32 != 0;
        let amount = if nothing { None } else { Some(amount()?) };
        if time == 0 || start > time {
            return Err(Reason::malformed);
        }
        Ok(Self { attributes, start, time, amount })
    }
}

/// What was measured.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Amount {
    Number(f64),
    Histogram(Counts),
    Exponential(Box<Exponential>),
}

/// Observations by size, between fixed bounds.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Counts {
    /// Upper bounds, ascending; the last bucket has none.
    pub(super) bounds: Box<[f64]>,
    /// Observations of each bucket, one more than bounds.
    pub(super) counts: Box<[u64]>,
    pub(super) sum: Option<f64>,
}

impl Amount {
    pub(super) fn number(number: f64) -> Result<Self, Reason> {
        if number.is_finite() { Ok(Self::Number(number)) } else { Err(Reason::not_finite) }
    }

    pub(super) fn histogram(count: u64, sum: Option<f64>, bounds: Vec<f64>, counts: Vec<u64>) -> Result<Self, Reason> {
        // Without buckets it is only a count and a sum.
        let counts = if bounds.is_empty() && counts.is_empty() { vec![count] } else { counts };
        let ascending = bounds.iter().all(|bound| bound.is_finite()) && bounds.is_sorted_by(|a, b| a < b);
        if !ascending || counts.len() != bounds.len() + 1 || total(&counts) != Some(count) {
            return Err(Reason::malformed);
        }
        Ok(Self::Histogram(Counts { bounds: bounds.into(), counts: counts.into(), sum: finite(sum)? }))
    }

    pub(super) fn exponential(count: u64, histogram: Exponential) -> Result<Self, Reason> {
        // The sum of the counts was saturated where it is more than a count can be.
        if histogram.count() != count {
            return Err(Reason::malformed);
        }
        finite(histogram.sum)?;
        Ok(Self::Exponential(Box::new(histogram)))
    }

    /// Adds `other`, which [is like](Amount::is_like) it, between its own bounds.
    pub(super) fn add(&mut self, other: &Self) {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => *a += b,
            (Self::Histogram(a), Self::Histogram(b)) => {
                let other_bounds = (a.bounds != b.bounds).then(|| b.between(&a.bounds));
                for (sum, count) in a.counts.iter_mut().zip(other_bounds.as_ref().unwrap_or(&b.counts)) {
                    *sum = sum.saturating_add(*count);
                }
                a.sum = a.sum.zip(b.sum).map(|(a, b)| a + b);
            }
            (Self::Exponential(a), Self::Exponential(b)) => a.add(b),
            _ => {}
        }
    }

    /// Whether a counter that was at `earlier` must have begun anew to be here.
    pub(super) fn is_less_than(&self, earlier: &Self) -> bool {
        match (self, earlier) {
            (Self::Number(now), Self::Number(earlier)) => now < earlier,
            (Self::Histogram(now), Self::Histogram(earlier)) => match now.bounds == earlier.bounds {
                true => now.counts.iter().zip(&earlier.counts).any(|(now, then)| now < then),
                false => total(&now.counts) < total(&earlier.counts),
            },
            (Self::Exponential(now), Self::Exponential(earlier)) => now.count() < earlier.count(),
            _ => false,
        }
    }

    /// Whether it is of the same type.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }

    /// Memory it may come to take besides itself.
    pub(super) fn heap_bytes(&self) -> usize {
        match self {
            Self::Number(_) => 0,
            Self::Histogram(counts) => (counts.bounds.len() + counts.counts.len()) * size_of::<u64>(),
            Self::Exponential(_) => Exponential::HEAP_BYTES,
        }
    }

    /// Buckets it may come to be exposed with.
    pub(super) fn bucket_count(&self) -> usize {
        match self {
            Self::Number(_) => 0,
            Self::Histogram(counts) => counts.counts.len(),
            Self::Exponential(_) => Exponential::MOST_EXPOSED,
        }
    }
}

impl Counts {
    /// How many there are up to each upper bound, ascending; the last bound is infinite.
    pub(super) fn buckets(&self) -> impl Iterator<Item = (f64, u64)> {
        let mut sum = 0_u64;
        self.bounds.iter().copied().chain([f64::INFINITY]).zip(&self.counts).map(move |(bound, count)| {
            sum = sum.saturating_add(*count);
            (bound, sum)
        })
    }

    /// The counts between other bounds: see [`count_up_to`].
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count, and no more than all")]
    fn between(&self, bounds: &[f64]) -> Box<[u64]> {
        let (own, counts): (Vec<f64>, Vec<f64>) = self.buckets().map(|(bound, count)| (bound, to_f64(count))).unzip();
        let mut below = 0;
        let alone = |bound: &f64| {
            let count = (count_up_to(&own, &counts, *bound) as u64).max(below);
            count - std::mem::replace(&mut below, count)
        };
        bounds.iter().chain([&f64::INFINITY]).map(alone).collect()
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts beyond 2^53 need no last digit")]
pub(super) fn to_f64(count: u64) -> f64 {
    count as f64
}

fn total(counts: &[u64]) -> Option<u64> {
    counts.iter().try_fold(0_u64, |sum, count| sum.checked_add(*count))
}

fn finite(sum: Option<f64>) -> Result<Option<f64>, Reason> {
    if sum.is_none_or(f64::is_finite) { Ok(sum) } else { Err(Reason::not_finite) }
}
