//! From the cumulative series of one instance to what came between two scrapes.
//!
//! | a series | its increase |
//! |---|---|
//! | at the first scrape of its instance | none: how old it is is not known |
//! | was there | the difference; where it went down it counted from 0 |
//! | is new | all of it: it has counted from 0 since the scrape before |
//! | of an instance that started anew | all of it |
//!
//! An instance started anew when it says another start; where it says none, when all its requests
//! together are fewer than they were. Without either, a series that has overtaken its last value
//! since a restart cannot be known from one that only went on, as in Prometheus.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};

use jiff::Timestamp;

use super::Mapping;
use super::durations::{Bounds, Durations, KnownBounds};
use super::recognition::{Recognised, RequestSeries};
use super::routes::{RouteId, Routes};
use crate::exposed::{count_up_to, start_order};
use crate::{ExposedValue, Exposition};

/// Requests, and how they went.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    pub count: f64,
    /// Those of which the status is known.
    pub with_status: f64,
    /// Those of them that failed.
    pub failed: f64,
    pub durations: Durations,
}

impl Tally {
    pub(super) fn add_all(&mut self, other: &Self) {
        self.count += other.count;
        self.with_status += other.with_status;
        self.failed += other.failed;
        self.durations.add_all(&other.durations);
    }

    /// Numbers that there are.
    fn len(&self) -> usize {
        3 + self.durations.len()
    }
}

/// What came between two scrapes.
#[derive(Debug, Default)]
pub(super) struct Increase {
    /// Whether there is anything that counts requests.
    pub counts: bool,
    pub total: Tally,
    /// Only of routes with requests.
    pub routes: HashMap<RouteId, Tally>,
}

impl Increase {
    /// Numbers that there are of routes.
    pub(super) fn len_of_routes(&self) -> usize {
        self.routes.values().map(Tally::len).sum()
    }
}

/// Series that are followed, of all instances together.
pub(super) const MOST_SERIES: usize = 100_000;

/// The last value of every series of one instance.
#[derive(Debug, Default)]
pub(super) struct LastValues {
    /// By a hash of the series. In 64 bits, keyed at random, so many do not meet.
    values: HashMap<u64, Last>,
    hasher: RandomState,
    before: Option<Scrape>,
    /// Scrapes so far.
    scrapes: u64,
}

#[derive(Debug)]
struct Last {
    /// Of a histogram.
    bounds: Option<Bounds>,
    values: Vec<f64>,
    /// The scrape it was last in.
    scrape: u64,
}

/// What there is to know of a scrape besides its values.
#[derive(Debug)]
struct Scrape {
    recognised: Recognised,
    started: Option<Timestamp>,
    has_requests: bool,
    is_partial: bool,
}

/// What is kept over all instances.
pub(super) struct Shared<'a> {
    pub mapping: &'a Mapping,
    pub bounds: &'a mut KnownBounds,
    pub routes: &'a mut Routes,
    /// Series that may be followed besides those that are.
    pub room: usize,
    /// Numbers of routes that may be kept besides those that are.
    pub room_for_routes: usize,
}

impl LastValues {
    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    /// What came since the scrape before this; `None` at the first.
    pub(super) fn increase(&mut self, exposition: &Exposition, shared: Shared<'_>) -> Option<Increase> {
        let Shared { mapping, bounds: known_bounds, routes, mut room, mut room_for_routes } = shared;
        let is_partial = exposition.is_partial;
        let recognised = Recognised::of(exposition, mapping);
        // Of the series that were in the scrape before: others may come and go.
        let (mut was, mut is, mut has_requests, mut has_same) = (0.0, 0.0, false, false);
        for series in recognised.series(exposition, mapping).filter(|series| series.counts) {
            has_requests = true;
            let last = self.values.get(&self.key(&series)).filter(|last| last.scrape == self.scrapes);
            if let Some(last) = last.and_then(|last| last.values.last()) {
                has_same = true;
                was += last;
                is += count(&series);
            }
        }
        let scrape = Scrape { recognised, started: exposition.started, has_requests, is_partial };
        let says_its_start = self.before.as_ref().is_some_and(|before| before.started.and(scrape.started).is_some());
        let has_restarted = |before: &Scrape| {
            start_order(before.started, scrape.started).is_gt() || (!has_same && would_be_there(before, &scrape))
        };
        if (is < was && !says_its_start) || self.before.as_ref().is_some_and(has_restarted) {
            self.values.clear();
        }
        self.scrapes += 1;
        let before = self.before.as_ref();
        // Nothing is known of what a metric counted before it took the place of another.
        let replaced = |was: bool, is_same: bool| was && !is_same;
        let of_before = before.map(|before| &before.recognised);
        let other_requests = of_before
            .is_some_and(|before| replaced(before.requests.is_some(), before.requests == scrape.recognised.requests));
        let other_durations = of_before.is_some_and(|before| {
            replaced(before.durations.is_some(), before.durations == scrape.recognised.durations)
        });
        let new_counts = before.is_some_and(|before| !before.is_partial) && !is_partial;

        let mut increase = Increase { counts: scrape.recognised.requests.is_some(), ..Increase::default() };
        let mut increments = Vec::new();
        for series in scrape.recognised.series(exposition, mapping) {
            let (bounds, values) = match &series.exposed.value {
                ExposedValue::Histogram(histogram) => (
                    series.times.and_then(|unit| known_bounds.of(&histogram.buckets, unit)),
                    histogram.buckets.iter().map(|(_, count)| *count).collect(),
                ),
                ExposedValue::Counter(value) | ExposedValue::Gauge(value) => (None, vec![*value]),
            };
            let key = self.key(&series);
            increments.clear();
            let last = self.values.get(&key).and_then(|last| last.by(bounds.as_ref(), values.len(), says_its_start));
            match last {
                Some(last) if values.iter().zip(&*last).all(|(value, last)| value >= last) => {
                    increments.extend(values.iter().zip(&*last).map(|(value, last)| value - last));
                }
                Some(_) => increments.extend(values.iter().map(|value| value.max(0.0))),
                None if new_counts => increments.extend(values.iter().map(|value| value.max(0.0))),
                None => {}
            }
            if self.values.contains_key(&key) || room > 0 {
                let last = Last { bounds: bounds.clone(), values, scrape: self.scrapes };
                room -= usize::from(self.values.insert(key, last).is_none());
            } else {
                // Else it would be new at every scrape.
                continue;
            }
            let counted = increments.last().copied().filter(|_| series.counts && !other_requests).unwrap_or(0.0);
            let timed = bounds.filter(|_| !other_durations && increments.last().is_some_and(|count| *count > 0.0));
            if counted <= 0.0 && timed.is_none() {
                continue;
            }
            let status = series.status.filter(|_| counted > 0.0);
            let tally = Tally {
                count: counted,
                with_status: status.map_or(0.0, |_| counted),
                failed: status.filter(|status| *status >= mapping.failed_from).map_or(0.0, |_| counted),
                durations: timed.map_or_else(Durations::default, |bounds| {
                    let mut durations = Durations::default();
                    durations.add(&bounds, &increments);
                    durations
                }),
            };
            increase.total.add_all(&tally);
            if let Some(route) = series.route {
                let mut id = routes.id(series.method, route);
                if tally.len() > room_for_routes && !increase.routes.contains_key(&id) {
                    id = routes.other();
                }
                let of_route = increase.routes.entry(id).or_default();
                let before = of_route.len();
                of_route.add_all(&tally);
                room_for_routes = room_for_routes.saturating_sub(of_route.len().saturating_sub(before));
            }
        }
        let is_first = self.before.replace(scrape).is_none();
        self.forget();
        (!is_first).then_some(increase)
    }

    fn key(&self, series: &RequestSeries<'_>) -> u64 {
        self.hasher.hash_one((&series.exposed.name, &series.exposed.labels))
    }

    /// Forgets series that are gone, when they are many. Else they are kept, so that one that comes
    /// back is not counted anew.
    fn forget(&mut self) {
        let is_there = |last: &Last| last.scrape == self.scrapes;
        let there = self.values.values().filter(|last| is_there(last)).count();
        if self.values.len() > there * 2 + 1_000 {
            self.values.retain(|_, last| is_there(last));
        }
    }
}

/// Whether requests were counted before, and the same metric would have them now: where none of
/// those series is there any more, the process is another one.
fn would_be_there(before: &Scrape, now: &Scrape) -> bool {
    let is_same = before.recognised.requests == now.recognised.requests || now.recognised.requests.is_none();
    before.has_requests && is_same && !before.is_partial && !now.is_partial
}

fn count(series: &RequestSeries<'_>) -> f64 {
    match &series.exposed.value {
        ExposedValue::Histogram(histogram) => histogram.count(),
        ExposedValue::Counter(value) | ExposedValue::Gauge(value) => *value,
    }
}

impl Last {
    /// The values by these bounds; `None` where there is nothing to subtract. A histogram with other
    /// bounds is of another version of the application, which counts from 0, unless the process
    /// says that it is the same: then its bounds grow with what it measures.
    fn by(&self, bounds: Option<&Bounds>, length: usize, is_same_process: bool) -> Option<Cow<'_, [f64]>> {
        match (&self.bounds, bounds) {
            (Some(last), Some(now)) if last != now => {
                is_same_process.then(|| now.iter().map(|bound| count_up_to(last, &self.values, *bound)).collect())
            }
            _ => (self.values.len() == length).then_some(Cow::Borrowed(&self.values)),
        }
    }
}

/// The routes that these increases are of.
pub(super) fn routes_of<'a>(increases: impl Iterator<Item = &'a Increase>) -> HashSet<RouteId> {
    increases.flat_map(|increase| increase.routes.keys().copied()).collect()
}
