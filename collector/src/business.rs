//! Business metrics: how often what the application is for has happened, by the local day.
//!
//! ```text
//! events, counters -> Counting -> buffer -> business_events -> Ledger -> Business
//! SQL of settings  ------------------------------------------> Asked  -> Business
//! ```
//!
//! Events are kept as samples are, exactly once, whatever restarts or is away. What has not yet
//! been saved is added to what PostgreSQL has counted; what PostgreSQL has counted is unknown, and
//! not 0, until it has said so once.

mod asked;
mod counters;
mod day;
mod known;
mod ledger;
mod selector;

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, Semaphore};
use uuid::Uuid;

use crate::buffer::{Buffer, Record};
use crate::config::{self, Metric};
use crate::exposed::Exposition;
use crate::sample::{Business, BusinessMetric, DayCount, Event, Increase};
use crate::source::whole_milliseconds;
use crate::store::{CountQuery, Left, Store, StoreError};

use asked::Asked;
use counters::Counters;
pub(crate) use counters::{CounterKey, MOST_COUNTERS, Seen};
use day::Days;
pub(crate) use day::minute;
use known::{Known, REMEMBERED};
pub(crate) use ledger::SavedCounts;
use ledger::{Ledger, Loose};
pub(crate) use selector::Selector;

/// Time between two readings, however many events come.
const LIVE: Duration = Duration::from_secs(2);
/// How long PostgreSQL may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Pause before PostgreSQL is asked again where it has never answered.
const RETRY: Duration = Duration::from_secs(5);
/// Events that wait for the disk at once, of all who push; more wait before it is their turn.
const MOST_WAITING: usize = 4_000;
/// Events that are handed to the disk together.
const AT_ONCE: usize = 500;

/// Why nothing can be counted.
#[derive(Debug, thiserror::Error)]
pub enum CountingError {
    /// The spool cannot be read.
    #[error("the events in the spool cannot be read: {0}; correct the permissions of the data directory")]
    Spool(#[from] io::Error),
    /// The application's database has no valid URL.
    #[error("setting business.database_url is not valid; use the form postgres://user:password@host:5432/database")]
    Url,
}

/// What became of events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// Are kept now.
    pub accepted: u64,
    /// Were kept already, by their id.
    pub repeated: u64,
}

impl Taken {
    /// Why none are, where there is no [`Counting`].
    pub const OFF: &str = "business events are switched off; set business.enabled to true";
}

/// Why a reading is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occasion {
    /// It is time for a sample.
    Sample,
    /// Something was counted, or a day began.
    News,
}

/// Counts events. Clones are the same counting.
#[derive(Clone, Debug)]
pub struct Counting(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    store: Store,
    buffer: Buffer,
    host: String,
    metrics: Vec<Metric>,
    /// Events that a metric counts.
    wanted: HashSet<Arc<str>>,
    days: Days,
    asked: Option<Asked>,
    /// For events that wait for the disk.
    room: Semaphore,
    most_at_once: usize,
    state: Mutex<State>,
    /// There is something new to show.
    news: Notify,
}

#[derive(Debug)]
struct State {
    ledger: Ledger,
    known: Known,
    counters: Counters,
    /// What the spool had of counters at the start; until PostgreSQL has answered.
    spooled: Vec<(Uuid, u64, Increase)>,
    /// Whether what the last collector left is known.
    continued: bool,
}

impl Counting {
    /// Counts what the settings want by the days of `zone`, with what earlier runs left in the
    /// buffer's spool. To be opened before anything is taken.
    ///
    /// # Errors
    ///
    /// See [`CountingError`]
    pub async fn open(
        settings: &config::Business,
        zone: TimeZone,
        store: Store,
        buffer: Buffer,
        host: &str,
    ) -> Result<Self, CountingError> {
        let asked = match settings.database_url.expose() {
            Some(url) => Some(Asked::new(url, settings.statement_timeout).map_err(|_| CountingError::Url)?),
            None => None,
        };
        let watched = settings.metrics.iter().filter_map(|metric| Some((event_of(metric)?, counter_of(metric)?)));
        let wanted: HashSet<Arc<str>> = settings.metrics.iter().filter_map(event_of).map(Arc::from).collect();
        let mut state = State {
            ledger: Ledger::default(),
            known: Known::default(),
            counters: Counters::new(host, watched.collect(), Timestamp::now()),
            spooled: Vec::new(),
            continued: false,
        };
        for (stream, entry) in buffer.unsaved().events().await? {
            state.take_up(&wanted, stream, entry.seq, entry.record);
        }
        let most_at_once = (buffer.memory_limit() / 2).clamp(1, MOST_WAITING);
        let inner = Inner {
            store,
            buffer,
            host: host.to_owned(),
            metrics: settings.metrics.clone(),
            wanted,
            days: Days(zone),
            asked,
            room: Semaphore::new(most_at_once),
            most_at_once: most_at_once.min(AT_ONCE),
            state: Mutex::new(state),
            news: Notify::new(),
        };
        Ok(Self(Arc::new(inner)))
    }

    /// Takes events that may come in; returns when they are on disk. An event whose name and id
    /// have come before is left out, so that whoever got no answer may send the same again.
    ///
    /// `repeated` are those that this process knows. One that only PostgreSQL knows is accepted,
    /// and left out when it is saved.
    pub async fn take(&self, events: Vec<Event>) -> Taken {
        let mut taken = Taken::default();
        let mut events = events.into_iter();
        loop {
            let part: Vec<_> = events.by_ref().take(self.0.most_at_once).collect();
            if part.is_empty() {
                return taken;
            }
            // So that no burst fills the memory before the disk. It is never closed.
            let room = self.0.room.acquire_many(u32::try_from(part.len()).unwrap_or(u32::MAX)).await;
            let (last, accepted, repeated) = self.hand_over(part);
            taken.accepted += accepted;
            taken.repeated += repeated;
            if accepted > 0 {
                self.0.news.notify_one();
            }
            // Also those that come again: who sent them first may have had no answer yet.
            self.0.buffer.kept(last).await;
            drop(room);
        }
    }

    /// Number of the last record that has to be kept, events accepted and events repeated.
    fn hand_over(&self, events: Vec<Event>) -> (u64, u64, u64) {
        let (mut last, mut accepted, mut repeated) = (0, 0, 0);
        let mut state = self.lock();
        for event in events {
            let before = event.id.as_deref().and_then(|id| state.known.seq(&event.event, id));
            if let Some(seq) = before {
                last = last.max(seq);
                repeated += 1;
                continue;
            }
            let seq = self.0.buffer.push(Record::Event(event.clone()));
            last = last.max(seq);
            accepted += 1;
            state.note(&self.0.wanted, self.0.buffer.stream(), seq, &event);
        }
        (last, accepted, repeated)
    }

    /// Counts what the counters of an instance have counted since they were last looked at. Never
    /// waits. `instance` is to be the same after a restart, and another for every process; a scrape
    /// that failed is no look.
    ///
    /// Two collectors that scrape one instance both count it: let only one of them.
    pub fn look(&self, instance: &str, exposition: &Exposition) {
        let mut state = self.lock();
        let increases = state.counters.look(instance, exposition);
        self.keep(&mut state, increases);
    }

    fn keep(&self, state: &mut State, increases: Vec<Increase>) {
        for increase in increases {
            let (event, at, count) = (increase.event.clone(), increase.at, increase.count);
            let seq = self.0.buffer.push(Record::Increase(increase));
            if count > 0 {
                let event = Event { event, count, at, id: None };
                state.note(&self.0.wanted, self.0.buffer.stream(), seq, &event);
                self.0.news.notify_one();
            }
        }
    }

    /// The newest counts, of what is known without asking.
    #[must_use]
    pub fn reading(&self, now: Timestamp) -> Business {
        let days = &self.0.days;
        let zone = &days.0;
        let state = self.lock();
        let metrics = self.0.metrics.iter().map(|metric| {
            let or_name = |title: &str| if title.is_empty() { metric.name.clone() } else { title.to_owned() };
            let mut shown = BusinessMetric {
                name: metric.name.clone(),
                title_en: or_name(&metric.title_en),
                title_ja: or_name(&metric.title_ja),
                unit: metric.unit.clone(),
                ..BusinessMetric::default()
            };
            match (event_of(metric), &self.0.asked) {
                (Some(event), _) => state.fill(&mut shown, &event, days, now),
                (None, Some(asked)) => asked.fill(&mut shown, days, now),
                (None, None) => {}
            }
            shown
        });
        Business {
            at: whole_milliseconds(now),
            host: self.0.host.clone(),
            date: days.of(now).to_string(),
            time_zone: zone.iana_name().map_or_else(|| zone.to_offset(now).to_string(), str::to_owned),
            metrics: metrics.collect(),
        }
    }

    /// Asks PostgreSQL for its counts; answers whether they are known now.
    pub async fn refresh(&self, now: Timestamp) -> bool {
        let days = &self.0.days;
        let (ids, continued) = {
            let state = self.lock();
            (state.ledger.ids(), state.continued)
        };
        let week: Vec<_> = days.week(now).into_iter().map(|day| days.begin(day)).collect();
        let recent = days.of(now).yesterday().map_or(now, |yesterday| days.begin(yesterday));
        let events = self.0.wanted.iter().map(|event| event.to_string()).collect();
        let query = CountQuery { events, days: week, recent, ids };
        let asked = async {
            match continued {
                true => Ok((self.0.store.event_counts(&query).await?, None)),
                false => {
                    let first = self.0.store.first_event_counts(&query, &self.0.host, REMEMBERED).await?;
                    Ok::<_, StoreError>((first.0, Some(first.1)))
                }
            }
        };
        let answer = tokio::time::timeout(PATIENCE, asked).await;
        let mut state = self.lock();
        match answer.unwrap_or_else(|_| Err(sqlx::Error::PoolTimedOut.into())) {
            Ok((saved, left)) => {
                if let Some(left) = left {
                    let increases = state.go_on(left, &saved.positions);
                    self.keep(&mut state, increases);
                }
                state.ledger.adopt(saved);
            }
            Err(error) => tracing::warn!(%error, "events are counted from what was last known"),
        }
        state.ledger.is_known()
    }

    /// Gives a reading `every` so often, and soon after something was counted; for ever. To be run
    /// once.
    pub async fn watch(&self, every: Duration, give: impl FnMut(Business, Occasion)) {
        tokio::select! {
            never = self.refresh_each(every) => match never {},
            never = self.ask_each(every) => match never {},
            never = self.give_each(every, give) => match never {},
        }
    }

    async fn refresh_each(&self, every: Duration) -> Infallible {
        loop {
            let is_known = self.refresh(Timestamp::now()).await;
            self.0.news.notify_one();
            tokio::time::sleep(if is_known { every } else { every.min(RETRY) }).await;
        }
    }

    /// Apart from the others, for the application's database may be slow.
    async fn ask_each(&self, every: Duration) -> Infallible {
        let Some(asked) = &self.0.asked else { return std::future::pending().await };
        loop {
            asked.ask(&self.0.metrics, &self.0.days, Timestamp::now()).await;
            self.0.news.notify_one();
            tokio::time::sleep(every).await;
        }
    }

    async fn give_each(&self, every: Duration, mut give: impl FnMut(Business, Occasion)) -> Infallible {
        let mut sampled: Option<Instant> = None;
        // The first answer of PostgreSQL, or that there is none.
        self.0.news.notified().await;
        loop {
            let now = Timestamp::now();
            let is_due = sampled.is_none_or(|sampled| sampled.elapsed() >= every);
            if is_due {
                sampled = Some(Instant::now());
            }
            give(self.reading(now), if is_due { Occasion::Sample } else { Occasion::News });
            tokio::time::sleep(LIVE.min(every)).await;
            let next_sample = every.saturating_sub(sampled.map(|sampled| sampled.elapsed()).unwrap_or_default());
            let (_, midnight) = self.0.days.bounds(self.0.days.of(now));
            let next_day = midnight.duration_since(Timestamp::now()).unsigned_abs();
            tokio::select! {
                () = self.0.news.notified() => {}
                () = tokio::time::sleep(next_sample.min(next_day)) => {}
            }
        }
    }

    /// Closes the connections to the application's database.
    pub async fn close(&self) {
        if let Some(asked) = &self.0.asked {
            asked.close().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Takes up a record that an earlier run left in the spool.
    fn take_up(&mut self, wanted: &HashSet<Arc<str>>, stream: Uuid, seq: u64, record: Record) {
        match record {
            Record::Event(event) => {
                let is_known = event.id.as_deref().is_some_and(|id| self.known.seq(&event.event, id).is_some());
                if !is_known {
                    // Of another stream, and certainly kept.
                    self.note(wanted, stream, seq, &event);
                    if let Some(id) = &event.id {
                        self.known.insert(&event.event, id, 0);
                    }
                }
            }
            Record::Increase(increase) => {
                let Increase { ref event, count, at, .. } = increase;
                self.note(wanted, stream, seq, &Event { event: event.clone(), count, at, id: None });
                self.spooled.push((stream, seq, increase));
            }
            Record::Sample(_) | Record::Snapshot(_) | Record::Alert(_) => {}
        }
    }

    /// Notes an event that is kept and not saved.
    fn note(&mut self, wanted: &HashSet<Arc<str>>, stream: Uuid, seq: u64, event: &Event) {
        if let Some(id) = &event.id {
            self.known.insert(&event.event, id, seq);
        }
        let Some(name) = wanted.get(event.event.as_str()).filter(|_| event.count > 0) else { return };
        let id = event.id.as_deref().map(Box::from);
        let loose = Loose { seq, event: Arc::clone(name), minute: minute(event.at), count: event.count, id };
        self.ledger.add(stream, loose);
    }

    /// Goes on where the last collector ended: what PostgreSQL says of that, and later what was
    /// not saved then.
    fn go_on(&mut self, left: Left, positions: &HashMap<Uuid, u64>) -> Vec<Increase> {
        for (event, id) in left.ids {
            if self.known.seq(&event, &id).is_none() {
                self.known.insert(&event, &id, 0);
            }
        }
        let mut counters = left.counters;
        for (stream, seq, increase) in std::mem::take(&mut self.spooled) {
            if seq > positions.get(&stream).copied().unwrap_or(0) {
                let Increase { instance, event, series, value, started, at, .. } = increase;
                counters.insert(CounterKey { instance, event, series }, Seen { value, started, at });
            }
        }
        self.continued = true;
        self.counters.learn(counters)
    }

    fn fill(&self, metric: &mut BusinessMetric, event: &str, days: &Days, now: Timestamp) {
        let count = |from, to| self.ledger.count(event, from, to).map(number);
        let today = days.of(now);
        let (begin, end) = days.bounds(today);
        metric.today = count(begin, end);
        let same = Timestamp::from_second(minute(days.same_time_yesterday(now))).unwrap_or(now);
        metric.yesterday = today.yesterday().ok().and_then(|yesterday| count(days.begin(yesterday), same));
        let of_day = |day| {
            let (begin, end) = days.bounds(day);
            DayCount { date: day.to_string(), count: count(begin, end) }
        };
        metric.week = days.week(now).into_iter().map(of_day).collect();
        if !self.ledger.is_known() {
            metric.error = Some(
                "PostgreSQL has not answered since the start, and what it has counted is not known: see that it runs"
                    .to_owned(),
            );
            metric.error_ja = Some(
                "起動してから PostgreSQL が応答していないため、保存済みの件数が分かりません。動作しているか確認してください"
                    .to_owned(),
            );
        }
    }
}

/// The event that a metric counts; `None` for one that is asked for by SQL. A name that no event
/// can have where only a counter is named.
fn event_of(metric: &Metric) -> Option<String> {
    match (metric.event.is_empty(), metric.counter.is_empty()) {
        (false, _) => Some(metric.event.clone()),
        (true, false) => Some(format!("counter:{}", metric.name)),
        (true, true) => None,
    }
}

fn counter_of(metric: &Metric) -> Option<Selector> {
    Selector::parse(&metric.counter)
}

#[expect(clippy::cast_precision_loss, reason = "counts of a week stay below 2^53")]
fn number(count: u64) -> f64 {
    count as f64
}
