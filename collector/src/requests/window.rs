//! What all instances together did over the last minute.
//!
//! A *step* is what came between two successive scrapes of an instance. A reading has the steps
//! that ended within the minute before it, and its rates are over the seconds that these really
//! cover: the first of them began up to one interval earlier, and a scrape that failed only makes
//! the next step longer. Instances are added up.
//!
//! - After a gap of more than a minute and a half the rates of an instance begin anew; what was
//!   counted meanwhile is in `http_requests_total` alone.
//! - An instance that pushes more rarely than once a minute is in the reading with its newest step,
//!   until one and a half times its length have passed.

use std::collections::{BTreeMap, VecDeque};

use jiff::{SignedDuration, Timestamp};

use super::Mapping;
use super::durations::{Durations, KnownBounds};
use super::increase::{Increase, LastValues, MOST_SERIES, Shared, Tally, routes_of};
use super::quantile::histogram_quantile;
use super::ranking::ranked;
use super::recognition;
use super::routes::{RouteId, Routes};
use crate::{Application, DurationBucket, Exposition, InJapanese, Instance, Requests, Route, Sentence};

/// What a reading is over.
const WINDOW: SignedDuration = SignedDuration::from_mins(1);
/// A step that is longer says nothing of the last minute.
const LONGEST_STEP: SignedDuration = SignedDuration::from_secs(90);
/// An instance that pushes is down after so long without; OpenTelemetry pushes every minute.
const PUSH_PATIENCE: SignedDuration = SignedDuration::from_secs(150);
/// One that has not pushed for so long is gone: the next one has another name.
const PUSH_MEMORY: SignedDuration = SignedDuration::from_mins(10);
/// Instances that may push. Those that are scraped are in the settings.
const MOST_PUSHING: usize = 100;
/// Numbers that are kept of routes over the minute, of all instances: 4 MiB. Past that, routes that
/// have none in a step are one there.
const MOST_NUMBERS_OF_ROUTES: usize = 1 << 19;

/// Who exposes.
#[derive(Clone, Debug, Hash, PartialEq, Eq, PartialOrd, Ord)]
pub struct InstanceName {
    /// What it is an instance of.
    pub job: String,
    /// Which one, such as host and port.
    pub instance: String,
    /// Whether it pushes by itself and is not scraped.
    pub pushes: bool,
}

/// A new instance pushes, but there are too many already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{MOST_PUSHING} instances of the application push already: give each a service.instance.id that it keeps over restarts"
)]
pub struct TooManyInstances;

impl InJapanese for TooManyInstances {
    fn ja(&self) -> String {
        format!(
            "すでにアプリケーションの {MOST_PUSHING} インスタンスがプッシュしています。再起動しても変わらない \
             service.instance.id をそれぞれに設定してください"
        )
    }
}

/// The instances of the application with their last minute.
#[derive(Debug, Default)]
pub struct Window {
    mapping: Mapping,
    instances: BTreeMap<InstanceName, Watched>,
    bounds: KnownBounds,
    routes: Routes,
    /// Requests since the start.
    counted: Option<f64>,
    /// How long they took.
    timed: Durations,
}

#[derive(Debug, Default)]
struct Watched {
    last_values: LastValues,
    last_seen: Option<Timestamp>,
    up: bool,
    error: Option<Sentence>,
    series: u64,
    connections: Option<f64>,
    steps: VecDeque<Step>,
}

#[derive(Debug)]
struct Step {
    from: Timestamp,
    to: Timestamp,
    increase: Increase,
}

impl Step {
    fn length(&self) -> SignedDuration {
        self.to.duration_since(self.from)
    }
}

impl Window {
    /// A window without instances.
    #[must_use]
    pub fn new(mapping: Mapping) -> Self {
        Self { mapping, ..Self::default() }
    }

    /// Other settings: what was counted stays, and so does the last minute.
    pub fn set_mapping(&mut self, mapping: Mapping) {
        self.mapping = mapping;
    }

    /// An instance that is going to be scraped, so that a reading has it before it first answers.
    pub fn expect(&mut self, name: &InstanceName) {
        self.instances.entry(name.clone()).or_default();
    }

    /// An instance that is no longer scraped. Its last minute goes with it.
    pub fn forget(&mut self, name: &InstanceName) {
        self.instances.remove(name);
    }

    /// All that an instance exposed at one moment.
    ///
    /// # Errors
    ///
    /// When it pushes, is new, and too many push.
    pub fn observe(&mut self, name: &InstanceName, exposition: &Exposition) -> Result<(), TooManyInstances> {
        let at = exposition.at;
        self.forget_old(at);
        let pushing = self.instances.keys().filter(|name| name.pushes).count();
        if name.pushes && pushing >= MOST_PUSHING && !self.instances.contains_key(name) {
            return Err(TooManyInstances);
        }
        if self.routes.is_full() {
            let steps = self.instances.values().flat_map(|watched| &watched.steps);
            self.routes.retain(&routes_of(steps.map(|step| &step.increase)));
        }
        let followed: usize = self.instances.values().map(|watched| watched.last_values.len()).sum();
        let steps = self.instances.values().flat_map(|watched| &watched.steps);
        let numbers: usize = steps.map(|step| step.increase.len_of_routes()).sum();

        let watched = self.instances.entry(name.clone()).or_default();
        let shared = Shared {
            mapping: &self.mapping,
            bounds: &mut self.bounds,
            routes: &mut self.routes,
            room: MOST_SERIES.saturating_sub(followed),
            room_for_routes: MOST_NUMBERS_OF_ROUTES.saturating_sub(numbers),
        };
        let increase = watched.last_values.increase(exposition, shared);
        let before = watched.last_seen.replace(at);
        watched.up = true;
        watched.error = None;
        watched.series = exposition.series.len() as u64;
        watched.connections = recognition::connections(exposition, &self.mapping);
        let Some(increase) = increase else { return Ok(()) };
        if increase.counts {
            self.counted = Some(self.counted.unwrap_or(0.0) + increase.total.count);
        }
        self.timed.add_all(&increase.total.durations);
        // Where the clock was set back there is no time that this took.
        if let Some(from) = before.filter(|before| *before < at) {
            let step = Step { from, to: at, increase };
            if step.length() <= LONGEST_STEP || name.pushes {
                watched.steps.push_back(step);
            }
        }
        Ok(())
    }

    /// An instance did not answer, and why.
    pub fn fail(&mut self, name: &InstanceName, error: Sentence) {
        let watched = self.instances.entry(name.clone()).or_default();
        watched.up = false;
        watched.error = Some(error);
    }

    /// What all instances did over the minute before `now`.
    pub fn read(&mut self, now: Timestamp, host: &str) -> Application {
        self.forget_old(now);
        let (total, routes, window_seconds) = self.add_up(now);
        let all = routes.len();
        let routes = ranked(routes.iter().filter_map(|(id, sums)| self.route(*id, sums)).collect());
        let up = self.instances.iter().filter(|(name, watched)| watched.is_up(name, now));
        let connections = up.filter_map(|(_, watched)| watched.connections);
        Application {
            at: now,
            host: host.to_owned(),
            window_seconds,
            instances: self.instances.iter().map(|(name, watched)| watched.instance(name, now)).collect(),
            total: total.requests(),
            http_requests_total: self.counted,
            active_connections: connections.fold(None, |sum, open| Some(sum.unwrap_or(0.0) + open)),
            durations: duration_buckets(&total.tally.durations),
            routes_left_out: (all - routes.len()) as u64,
            routes,
        }
    }

    /// The routes with most requests of that minute, at most `most`, the busiest first.
    #[must_use]
    pub fn busiest(&self, now: Timestamp, most: usize) -> Vec<Route> {
        let (_, routes, _) = self.add_up(now);
        let mut routes: Vec<_> = routes.into_iter().collect();
        let rate = |sums: &Sums| sums.per_second.unwrap_or(0.0);
        routes.sort_by(|(_, one), (_, other)| rate(other).total_cmp(&rate(one)));
        routes.iter().take(most).filter_map(|(id, sums)| self.route(*id, sums)).collect()
    }

    /// What of all routes and of each is in a reading, and the seconds that it is over.
    fn add_up(&self, now: Timestamp) -> (Sums, BTreeMap<RouteId, Sums>, f64) {
        let mut total = Sums::default();
        let mut routes: BTreeMap<RouteId, Sums> = BTreeMap::new();
        let mut window_seconds = 0.0_f64;
        for watched in self.instances.values() {
            let steps = || watched.steps.iter().filter(|step| step.increase.counts && step.to <= now);
            let seconds: f64 = steps().map(|step| step.length().as_secs_f64()).sum();
            window_seconds = window_seconds.max(seconds);
            for step in steps() {
                total.add(&step.increase.total, seconds);
                for (route, tally) in &step.increase.routes {
                    routes.entry(*route).or_default().add(tally, seconds);
                }
            }
        }
        (total, routes, window_seconds)
    }

    fn route(&self, id: RouteId, sums: &Sums) -> Option<Route> {
        let (method, route) = self.routes.name(id)?.clone();
        Some(Route { method, route, requests: sums.requests() })
    }

    /// Requests since the start by duration: each upper bound in seconds with those up to it, the
    /// last one infinite.
    #[must_use]
    pub fn counted(&self) -> Vec<(f64, f64)> {
        self.timed.buckets()
    }

    fn forget_old(&mut self, now: Timestamp) {
        self.instances.retain(|name, watched| {
            let is_gone = |seen| now.duration_since(seen) > PUSH_MEMORY;
            !name.pushes || !watched.last_seen.is_some_and(is_gone)
        });
        for watched in self.instances.values_mut() {
            let newest = watched.steps.len().saturating_sub(1);
            let mut place = 0;
            watched.steps.retain(|step| {
                let age = now.duration_since(step.to);
                // The newest counts for longer where steps are longer than the window.
                let longest = if place == newest { WINDOW.max(step.length() * 3 / 2) } else { WINDOW };
                let longest = if step.length() < WINDOW { WINDOW } else { longest };
                place += 1;
                age < longest && age > -WINDOW
            });
        }
    }
}

impl Watched {
    fn is_up(&self, name: &InstanceName, now: Timestamp) -> bool {
        self.up && !(name.pushes && self.last_seen.is_some_and(|seen| now.duration_since(seen) > PUSH_PATIENCE))
    }

    fn instance(&self, name: &InstanceName, now: Timestamp) -> Instance {
        let up = self.is_up(name, now);
        let silent = || {
            let seconds = self.last_seen.map_or(0, |seen| now.duration_since(seen).as_secs());
            Sentence::new(
                format!("it has not pushed for {seconds} s: see whether it runs, and where it pushes to"),
                format!(
                    "{seconds} 秒間プッシュがありません。動作しているか、どこへプッシュしているかを確認してください"
                ),
            )
        };
        let error = self.error.clone().or_else(|| (self.up && !up).then(silent));
        let (error, error_ja) = error.map(|Sentence { en, ja }| (en, ja)).unzip();
        Instance {
            job: name.job.clone(),
            instance: name.instance.clone(),
            pushes: name.pushes,
            up,
            last_seen: self.last_seen,
            error,
            error_ja,
            series: self.series,
        }
    }
}

/// Requests of several instances.
#[derive(Default)]
struct Sums {
    tally: Tally,
    per_second: Option<f64>,
}

impl Sums {
    fn add(&mut self, tally: &Tally, seconds: f64) {
        self.tally.add_all(tally);
        self.per_second = Some(self.per_second.unwrap_or(0.0) + tally.count / seconds);
    }

    fn requests(&self) -> Requests {
        let Tally { with_status, failed, durations, .. } = &self.tally;
        let buckets = durations.buckets();
        let milliseconds = |q| histogram_quantile(q, &buckets).map(|seconds| seconds * 1_000.0);
        Requests {
            per_second: self.per_second,
            error_rate: (*with_status > 0.0).then(|| failed / with_status * 100.0),
            p50_ms: milliseconds(0.5),
            p95_ms: milliseconds(0.95),
            p99_ms: milliseconds(0.99),
        }
    }
}

/// Requests of each bucket alone.
fn duration_buckets(durations: &Durations) -> Vec<DurationBucket> {
    let mut before = 0.0;
    let alone = |(bound, count): (f64, f64)| DurationBucket {
        le: bound.is_finite().then_some(bound),
        count: count - std::mem::replace(&mut before, count),
    };
    durations.buckets().into_iter().map(alone).collect()
}

#[cfg(test)]
mod tests;
