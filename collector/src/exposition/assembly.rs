//! From samples to series: what belongs to one histogram comes together, and what is over a limit
//! is left out.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};

use jiff::{SignedDuration, Timestamp};

use super::line::{Label, Type, number};
use super::{LeftOut, Limits, Parsed, Problem};
use crate::{Exposed, ExposedHistogram, ExposedValue, Exposition, Labels};

/// 2000-01-01T00:00:00Z.
const CENTURY: Timestamp = Timestamp::constant(946_684_800, 0);

/// What a sample is of its series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Counter,
    Gauge,
    Bucket,
    Sum,
    Count,
    Created,
    Nothing,
}

/// The series that were read so far.
#[derive(Debug)]
pub(super) struct Assembly {
    limits: Limits,
    types: HashMap<String, Type>,
    series: Vec<Exposed>,
    /// Where a series is, by the hash of its name and labels.
    places: HashMap<u64, usize>,
    /// `_count` of histograms.
    counts: HashMap<usize, f64>,
    /// Histograms that cannot be read.
    spoiled: HashSet<usize>,
    started: Option<f64>,
    left_out: LeftOut,
    /// The last series that was left out: the lines of a histogram are one.
    last_left_out: Option<u64>,
    hasher: RandomState,
}

impl Assembly {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            types: HashMap::new(),
            series: Vec::new(),
            places: HashMap::new(),
            counts: HashMap::new(),
            spoiled: HashSet::new(),
            started: None,
            left_out: LeftOut::default(),
            last_left_out: None,
            hasher: RandomState::new(),
        }
    }

    pub(super) fn set_type(&mut self, name: &str, found: Type) {
        // There cannot be more types in use than series.
        if self.types.len() < self.limits.series && name.len() <= self.limits.name_bytes {
            self.types.insert(name.to_owned(), found);
        }
    }

    pub(super) fn leave_out_line(&mut self) {
        self.left_out.line += 1;
    }

    /// Adds a sample; its labels are in any order.
    pub(super) fn add(&mut self, name: &str, labels: &mut Vec<Label<'_>>, value: f64) -> Result<(), Problem> {
        labels.sort_unstable_by_key(|(name, _)| *name);
        if let Some(twice) = labels.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err(Problem::LabelTwice(twice[0].0.to_owned()));
        }
        // A label without a value is none.
        labels.retain(|(_, value)| !value.is_empty());
        let (family, role) = self.role(name, labels);
        let bound = match role {
            Role::Nothing => return Ok(()),
            Role::Created => {
                let earliest = self.started.map_or(value, |started| started.min(value));
                self.started = Some(earliest).filter(|started| started.is_finite());
                return Ok(());
            }
            Role::Bucket => take_bound(labels),
            _ => None,
        };
        let hash = self.hasher.hash_one((family, &*labels));
        let place = self.places.get(&hash).copied().filter(|place| self.is_at(*place, family, labels));
        match role {
            Role::Counter | Role::Gauge => {
                if place.is_some() {
                    self.leave_out(hash, |left_out| &mut left_out.duplicate);
                } else if !value.is_finite() {
                    self.leave_out(hash, |left_out| &mut left_out.not_finite);
                } else {
                    let value = if role == Role::Counter { ExposedValue::Counter } else { ExposedValue::Gauge }(value);
                    self.open(hash, family, labels, value);
                }
            }
            Role::Bucket | Role::Sum | Role::Count => {
                let empty = || ExposedValue::Histogram(ExposedHistogram::default());
                if let Some(place) = place.or_else(|| self.open(hash, family, labels, empty())) {
                    self.add_to_histogram(place, role, bound, value);
                }
            }
            Role::Created | Role::Nothing => {}
        }
        Ok(())
    }

    fn add_to_histogram(&mut self, place: usize, role: Role, bound: Option<f64>, value: f64) {
        let Some(Exposed { value: ExposedValue::Histogram(histogram), .. }) = self.series.get_mut(place) else {
            // A series of another type has its name: that one was first.
            self.left_out.duplicate += u64::from(role == Role::Count);
            return;
        };
        match (role, bound) {
            (Role::Sum, _) => histogram.sum = histogram.sum.or(Some(value).filter(|sum| sum.is_finite())),
            (Role::Count, _) => {
                self.counts.entry(place).or_insert(value);
            }
            (_, Some(bound)) if value.is_finite() && histogram.buckets.len() < self.limits.buckets => {
                histogram.buckets.push((bound, value));
            }
            _ => {
                self.spoiled.insert(place);
            }
        }
    }

    /// Makes room for a new series, if it is within the limits.
    fn open(&mut self, hash: u64, name: &str, labels: &[Label<'_>], value: ExposedValue) -> Option<usize> {
        let Limits { name_bytes, value_bytes, .. } = self.limits;
        let fits =
            |(name, value): &Label<'_>| name.len() <= name_bytes && value.len() <= value_bytes && !value.contains('\0');
        if name.len() > name_bytes || labels.len() > self.limits.labels || !labels.iter().all(fits) {
            self.leave_out(hash, |left_out| &mut left_out.labels);
            return None;
        }
        if self.series.len() >= self.limits.series {
            self.leave_out(hash, |left_out| &mut left_out.series);
            return None;
        }
        let owned: Labels = labels.iter().map(|(name, value)| ((*name).to_owned(), value.to_string())).collect();
        self.places.insert(hash, self.series.len());
        self.series.push(Exposed { name: name.to_owned(), labels: owned, value });
        Some(self.series.len() - 1)
    }

    fn leave_out(&mut self, hash: u64, reason: impl FnOnce(&mut LeftOut) -> &mut u64) {
        if self.last_left_out.replace(hash) != Some(hash) {
            *reason(&mut self.left_out) += 1;
        }
    }

    fn is_at(&self, place: usize, name: &str, labels: &[Label<'_>]) -> bool {
        let Exposed { name: other, labels: others, .. } = &self.series[place];
        let same = |((name, value), (other_name, other)): (&Label<'_>, (&String, &String))| {
            name == other_name && value == other
        };
        other == name && others.len() == labels.len() && labels.iter().zip(others).all(same)
    }

    /// What the sample of this name is, and what its series is called.
    fn role<'a>(&mut self, name: &'a str, labels: &[Label<'_>]) -> (&'a str, Role) {
        // Python's client has them as gauges in Prometheus' text.
        if let Some(stem) = name.strip_suffix("_created") {
            let counts = |found| matches!(found, Type::Counter | Type::Histogram | Type::Summary);
            // But it may be the name of a counter of its own.
            if self.type_of(name) == Some(Type::Counter) {
                return (name, Role::Counter);
            }
            if self.type_of(stem).is_some_and(counts) || self.type_of(&format!("{stem}_total")) == Some(Type::Counter) {
                return (name, Role::Created);
            }
        }
        match self.type_of(name) {
            Some(Type::Counter) => return (name, Role::Counter),
            Some(Type::Gauge) => return (name, Role::Gauge),
            Some(Type::Summary | Type::Histogram | Type::GaugeHistogram) => return (name, Role::Nothing),
            Some(Type::Unknown) | None => {}
        }
        for (suffix, of_histogram) in [("_bucket", Role::Bucket), ("_sum", Role::Sum), ("_count", Role::Count)] {
            let Some(stem) = name.strip_suffix(suffix) else { continue };
            match self.type_of(stem) {
                Some(Type::Histogram) => return (stem, of_histogram),
                Some(Type::Summary) => return (name, Role::Counter),
                Some(Type::GaugeHistogram) => return (name, Role::Nothing),
                // A histogram whose type is not said is known by its buckets, which come first.
                None if of_histogram == Role::Bucket && labels.iter().any(|(name, _)| *name == "le") => {
                    self.set_type(stem, Type::Histogram);
                    return (stem, of_histogram);
                }
                _ => {}
            }
        }
        let gauges = ["_gsum", "_gcount"].iter().filter_map(|suffix| name.strip_suffix(suffix));
        if gauges.filter_map(|stem| self.type_of(stem)).any(|found| found == Type::GaugeHistogram) {
            return (name, Role::Nothing);
        }
        (name, if name.ends_with("_total") { Role::Counter } else { Role::Gauge })
    }

    fn type_of(&self, name: &str) -> Option<Type> {
        self.types.get(name).copied()
    }

    pub(super) fn finish(self, at: Timestamp) -> Parsed {
        let Self { series, counts, spoiled, mut left_out, started, .. } = self;
        let complete = |(place, mut exposed): (usize, Exposed)| {
            if let ExposedValue::Histogram(histogram) = &mut exposed.value {
                // Of a histogram in Prometheus' newer, native form the text has only the count.
                if let (true, Some(count)) = (histogram.buckets.is_empty(), counts.get(&place)) {
                    histogram.buckets.push((f64::INFINITY, *count));
                }
                if spoiled.contains(&place) || !repair(&mut histogram.buckets) {
                    left_out.histogram += 1;
                    return None;
                }
            }
            Some(exposed)
        };
        let series = series.into_iter().enumerate().filter_map(complete).collect();
        let started = started.and_then(|seconds| SignedDuration::try_from_secs_f64(seconds).ok());
        let started = started.and_then(|since| Timestamp::UNIX_EPOCH.checked_add(since).ok());
        // Else it is no time: nothing that is scraped began before this century, or begins later.
        let started = started.filter(|started| (CENTURY..=at + SignedDuration::from_hours(24)).contains(started));
        let is_partial = left_out.is_partial();
        Parsed { exposition: Exposition { at, started, is_partial, series }, left_out }
    }
}

/// Takes the label `le` out of the others.
fn take_bound(labels: &mut Vec<Label<'_>>) -> Option<f64> {
    let place = labels.iter().position(|(name, _)| *name == "le")?;
    let (_, bound) = labels.remove(place);
    number(&bound).ok().filter(|bound| !bound.is_nan())
}

/// Puts buckets into the order of their bounds, and lifts each to at least the one before, as
/// `ensureMonotonic` in Prometheus' `promql/quantile.go`; false where that of all is missing.
fn repair(buckets: &mut Vec<(f64, f64)>) -> bool {
    buckets.sort_by(|(one, _), (other, _)| one.total_cmp(other));
    buckets.dedup_by(|(one, _), (other, _)| one == other);
    let mut most = 0.0_f64;
    for (_, count) in &mut *buckets {
        most = most.max(*count);
        *count = most;
    }
    buckets.shrink_to_fit();
    buckets.last().is_some_and(|(bound, count)| *bound == f64::INFINITY && count.is_finite())
}
