//! The live feed inside a process: every event once serialised, numbered, remembered for readers
//! that come back, and the newest state for those that come new. Who carries the events over a
//! network (websocket, Redis, NOTIFY) is none of its business.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use tokio::sync::broadcast;

use crate::alert::{Alert, AlertPast};
use crate::backup::BackupState;
use crate::{
    APPLICATION_SPAN_SECONDS, Application, Business, Current, GraphPoint, Health, Hello, History, LiveEvent, Marks,
    Part, PartFault, PartName, PartState, Payload, Sample, Sentence, Snapshot, System,
};

/// Seconds of the past that a page shows before anybody asks for more: the "live" range.
pub const LIVE_SPAN: Duration = Duration::from_secs(15 * 60);
/// One point per so many seconds goes into a page.
const PAGE_STEP_SECONDS: i64 = 10;
/// The same for the application, whose past on a page is longer.
const APPLICATION_STEP_SECONDS: i64 = 30;
/// Events kept for readers that come back: two minutes at one every two seconds.
const REMEMBERED_EVENTS: usize = 64;
/// Events a reader may be behind before it is moved to the newest.
const READER_QUEUE: usize = 8;

/// One live event, serialised. Cloning it copies no text.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The event's number.
    pub seq: u64,
    /// The event's name, which is its Redis channel.
    pub event: &'static str,
    /// The JSON of a [`LiveEvent`], valid UTF-8.
    pub text: Bytes,
}

/// The live feed of this process. Clones are the same feed.
#[derive(Clone, Debug)]
pub struct Feed(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    push: Duration,
    frames: broadcast::Sender<Frame>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    seq: u64,
    remembered: VecDeque<Frame>,
    system: Option<System>,
    history: History,
    application: Option<Application>,
    application_history: History,
    business: Option<Business>,
    /// The newest of PostgreSQL and Redis, also what is read less often.
    database: Option<Sample>,
    /// Those that fire, by their id.
    alerts: BTreeMap<String, Alert>,
    alert_past: Option<AlertPast>,
    health: Health,
    backup: BackupState,
}

impl Feed {
    /// An empty feed for events every `push`.
    ///
    /// Its numbers start at `now` in milliseconds, so that a feed that is started again never
    /// uses a number twice, and a reader of the old one knows that it missed something.
    #[must_use]
    pub fn new(push: Duration, now: Timestamp) -> Self {
        let part = |name, state| Part { name, state, fault: None, since: now, last_seen: None };
        let health = Health::of(vec![
            part(PartName::Postgresql, PartState::Up),
            part(PartName::Redis, PartState::Off),
            part(PartName::Collector, PartState::Up),
        ]);
        Self(Arc::new(Inner {
            push,
            frames: broadcast::channel(READER_QUEUE).0,
            state: Mutex::new(State {
                seq: u64::try_from(now.as_millisecond()).unwrap_or(0),
                remembered: VecDeque::with_capacity(REMEMBERED_EVENTS),
                system: None,
                history: History::new(LIVE_SPAN.as_secs().cast_signed()),
                application: None,
                application_history: History::new(APPLICATION_SPAN_SECONDS),
                business: None,
                database: None,
                alerts: BTreeMap::new(),
                alert_past: None,
                health,
                backup: BackupState::default(),
            }),
        }))
    }

    /// Time between two readings.
    #[must_use]
    pub fn push(&self) -> Duration {
        self.0.push
    }

    /// Keeps the numbers of PostgreSQL and Redis as the newest, beside those that are not among them.
    pub(crate) fn note_database(&self, sample: &Sample) {
        let mut state = self.state();
        let before = state.database.take().map(|before| before.points).unwrap_or_default();
        let is_new = |name: &str| sample.points.iter().any(|point| point.metric_name == name);
        // Of what comes with each of them, the absence means something, too.
        let stay =
            before.into_iter().filter(|point| point.metric_name.ends_with("_bytes") && !is_new(&point.metric_name));
        let points = sample.points.iter().cloned().chain(stay).collect();
        state.database = Some(Sample { points, ..sample.clone() });
    }

    /// The newest numbers of PostgreSQL and Redis; `None` where this process takes none.
    #[must_use]
    pub fn database(&self) -> Option<Sample> {
        self.state().database.clone()
    }

    /// Notes what is known of the backups.
    pub(crate) fn note_backup(&self, backup: BackupState) {
        self.state().backup = backup;
    }

    /// What is known of the backups.
    #[must_use]
    pub fn backup(&self) -> BackupState {
        self.state().backup.clone()
    }

    /// Numbers the event, remembers it and sends it to every subscriber.
    ///
    /// # Errors
    ///
    /// When the payload cannot be written as JSON; nothing has changed then.
    pub fn publish(&self, payload: Payload, at: Timestamp) -> Result<Frame, serde_json::Error> {
        self.send(&mut self.state(), payload, at)
    }

    // Under the lock, so that every subscriber sees the order of the numbers.
    fn send(&self, state: &mut State, payload: Payload, at: Timestamp) -> Result<Frame, serde_json::Error> {
        let event = LiveEvent { seq: state.seq + 1, payload, at };
        let text = serde_json::to_vec(&event)?;
        let frame = Frame { seq: event.seq, event: event.payload.event(), text: text.into() };
        state.seq = event.seq;
        match event.payload {
            Payload::System(system) => {
                state.history.insert(GraphPoint::from(system.as_ref()));
                state.system = Some(*system);
            }
            Payload::Application(application) => {
                state.application_history.insert(GraphPoint::from(application.as_ref()));
                state.application = Some(*application);
            }
            Payload::Business(business) => state.business = Some(*business),
            Payload::AlertNew(alert) => {
                let is_new = !state.alerts.contains_key(&alert.id);
                if let Some(past) = state.alert_past.as_mut().filter(|_| is_new) {
                    past.count(&alert);
                }
                state.alerts.insert(alert.id.clone(), *alert);
            }
            Payload::AlertChanged(alert) => {
                if state.alerts.contains_key(&alert.id) {
                    state.alerts.insert(alert.id.clone(), *alert);
                }
            }
            Payload::AlertResolved(alert) => {
                state.alerts.remove(&alert.id);
            }
            Payload::Health(health) => state.health = health,
            Payload::AnnotationChanged(_) | Payload::Hello(_) => {}
        }
        if state.remembered.len() == REMEMBERED_EVENTS {
            state.remembered.pop_front();
        }
        state.remembered.push_back(frame.clone());
        // An error means that nobody listens, which is no fault.
        let _ = self.0.frames.send(frame.clone());
        Ok(frame)
    }

    /// Adds points to the past without sending anything: what is read back from the store at start.
    pub fn remember(&self, points: impl IntoIterator<Item = GraphPoint>) {
        let mut state = self.state();
        for point in points {
            state.history.insert(point);
        }
    }

    /// The same of the application.
    pub fn remember_application(&self, points: impl IntoIterator<Item = GraphPoint>) {
        let mut state = self.state();
        for point in points {
            state.application_history.insert(point);
        }
    }

    /// Notes the alerts that fire without sending anything: what is known of them at the start.
    pub fn begin_alerts(&self, alerts: impl IntoIterator<Item = Alert>) {
        self.state().alerts = alerts.into_iter().map(|alert| (alert.id.clone(), alert)).collect();
    }

    /// Takes over the alerts that fire somewhere, where those with the ids of `before` did; sends what
    /// is another than it was.
    pub fn match_alerts(&self, alerts: Vec<Alert>, before: &[String], now: Timestamp) {
        let mut state = self.state();
        let known = state.alerts.clone();
        let is_gone = |known: &&Alert| before.contains(&known.id) && !alerts.iter().any(|alert| alert.id == known.id);
        let gone = known.values().filter(is_gone);
        let gone =
            gone.map(|alert| Payload::AlertResolved(Box::new(Alert { resolved_at: Some(now), ..alert.clone() })));
        let gone: Vec<_> = gone.collect();
        let news = alerts.into_iter().filter_map(|alert| match known.get(&alert.id) {
            None => Some(Payload::AlertNew(Box::new(alert))),
            Some(known) if *known != alert => Some(Payload::AlertChanged(Box::new(alert))),
            Some(_) => None,
        });
        for payload in gone.into_iter().chain(news) {
            if let Err(error) = self.send(&mut state, payload, now) {
                tracing::error!(%error, "an alert could not be written as json");
            }
        }
    }

    /// Notes what fired before, as PostgreSQL has it, without sending anything.
    pub fn note_alert_past(&self, past: Option<AlertPast>) {
        self.state().alert_past = past;
    }

    /// The alerts that fire, the worst first.
    #[must_use]
    pub fn alerts(&self) -> Vec<Alert> {
        ranked(&self.state().alerts)
    }

    /// Everything after `since`, where that is still remembered, and then whatever comes.
    #[must_use]
    pub fn subscribe(&self, since: Option<u64>, now: Timestamp) -> Subscription {
        let state = self.state();
        let oldest = state.remembered.front().map_or(state.seq + 1, |frame| frame.seq);
        let resumed = since.is_some_and(|since| since.saturating_add(1) >= oldest && since <= state.seq);
        let backlog = match since {
            Some(since) if resumed => state.remembered.iter().filter(|frame| frame.seq > since).cloned().collect(),
            _ => VecDeque::new(),
        };
        let hello = LiveEvent { seq: state.seq, payload: Payload::Hello(Hello { resumed }), at: now };
        Subscription { hello, backlog, frames: self.0.frames.subscribe(), feed: self.clone() }
    }

    /// The newest values, the recent past and the state of the parts.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let state = self.state();
        Snapshot {
            at: Timestamp::now(),
            seq: state.seq,
            push_seconds: self.0.push.as_secs_f64(),
            system: state.system.clone(),
            history: state.history.thinned(PAGE_STEP_SECONDS),
            look: String::new(),
            past: None,
            application: state.application.clone(),
            application_history: state.application_history.thinned(APPLICATION_STEP_SECONDS),
            application_past: None,
            compared: None,
            application_compared: None,
            marks: Marks::default(),
            business: state.business.clone(),
            alerts: ranked(&state.alerts),
            alert_past: state.alert_past,
            drawn: String::new(),
            health: state.health.clone(),
        }
    }

    /// The newest readings of all kinds.
    #[must_use]
    pub fn current(&self) -> Current {
        let state = self.state();
        Current {
            system: state.system.clone(),
            application: state.application.clone(),
            business: state.business.clone(),
        }
    }

    /// The newest reading of the host.
    #[must_use]
    pub fn system(&self) -> Option<System> {
        self.state().system.clone()
    }

    /// The state of the parts.
    #[must_use]
    pub fn health(&self) -> Health {
        self.state().health.clone()
    }

    /// Notes a sign of life of a part, or that it gave none; sends the health when its state changed.
    /// Answers whether it did.
    pub fn report(&self, name: PartName, alive: PartState, now: Timestamp) -> bool {
        self.note_part(name, alive, None, now)
    }

    /// Notes that a part cannot be used and why; sends the health when that is news. Answers whether
    /// it is.
    pub fn report_fault(&self, name: PartName, fault: PartFault, now: Timestamp) -> bool {
        self.note_part(name, PartState::Down, Some(fault), now)
    }

    fn note_part(&self, name: PartName, alive: PartState, fault: Option<PartFault>, now: Timestamp) -> bool {
        let mut state = self.state();
        let mut parts = state.health.parts.clone();
        let Some(part) = parts.iter_mut().find(|part| part.name == name) else { return false };
        let is_news = part.state != alive || part.fault != fault;
        if part.state != alive {
            part.since = now;
        }
        (part.state, part.fault) = (alive, fault);
        if alive == PartState::Up {
            part.last_seen = Some(now);
        }
        let health = Health { parts: parts.clone(), ready: Health::of(parts).ready, ..state.health.clone() };
        if !is_news {
            state.health = health;
        } else if let Err(error) = self.send(&mut state, Payload::Health(health), now) {
            tracing::error!(%error, "health could not be written as json");
        }
        is_news
    }

    /// Notes what waits for PostgreSQL and what was given up; sends the health when more was.
    pub fn report_unsaved(&self, records: u64, bytes: u64, records_given_up: u64, now: Timestamp) {
        let mut state = self.state();
        let before = state.health.unsaved.unwrap_or_default();
        let unsaved = before.next(records, bytes, records_given_up, now);
        let health = Health { unsaved: Some(unsaved), ..state.health.clone() };
        if unsaved.records_given_up == before.records_given_up {
            state.health = health;
        } else if let Err(error) = self.send(&mut state, Payload::Health(health), now) {
            tracing::error!(%error, "health could not be written as json");
        }
    }

    /// Notes why the newest file of alert rules was not taken, or that it was; sends the health when
    /// that is another.
    pub fn report_rules(&self, error: Option<Sentence>, now: Timestamp) {
        let (en, ja) = error.map(|Sentence { en, ja }| (en, ja)).unzip();
        self.report_changed(now, |health| (health.rules_error, health.rules_error_ja) = (en, ja));
    }

    /// Notes why alerts may reach nobody, or that they do; sends the health when that is another.
    pub fn report_paging(&self, error: Option<Sentence>, now: Timestamp) {
        let (en, ja) = error.map(|Sentence { en, ja }| (en, ja)).unzip();
        self.report_changed(now, |health| (health.paging_error, health.paging_error_ja) = (en, ja));
    }

    fn report_changed(&self, now: Timestamp, change: impl FnOnce(&mut Health)) {
        let mut state = self.state();
        let mut health = state.health.clone();
        change(&mut health);
        if state.health == health {
            return;
        }
        if let Err(error) = self.send(&mut state, Payload::Health(health), now) {
            tracing::error!(%error, "health could not be written as json");
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere cannot leave the state half-changed: every change above is in order.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn ranked(alerts: &BTreeMap<String, Alert>) -> Vec<Alert> {
    let mut alerts: Vec<_> = alerts.values().cloned().collect();
    alerts.sort_by_key(Alert::rank);
    alerts
}

/// One reader of the feed.
#[derive(Debug)]
pub struct Subscription {
    /// The event a websocket begins with.
    pub hello: LiveEvent,
    backlog: VecDeque<Frame>,
    frames: broadcast::Receiver<Frame>,
    feed: Feed,
}

impl Subscription {
    /// What was missed after the number asked for, all at once; [`Subscription::next`] goes on after it.
    pub fn take_backlog(&mut self) -> VecDeque<Frame> {
        std::mem::take(&mut self.backlog)
    }

    /// The next event; `None` when the feed has ended.
    ///
    /// A reader that is too slow gets the newest event next and not the ones between: it sees
    /// from the numbers that it missed some. There is never a queue to work off.
    pub async fn next(&mut self) -> Option<Frame> {
        if let Some(frame) = self.backlog.pop_front() {
            return Some(frame);
        }
        match self.frames.recv().await {
            Ok(frame) => Some(frame),
            Err(broadcast::error::RecvError::Closed) => None,
            Err(broadcast::error::RecvError::Lagged(_)) => {
                let state = self.feed.state();
                self.frames = self.frames.resubscribe();
                state.remembered.back().cloned()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUSH: Duration = Duration::from_secs(2);

    fn at(second: i64) -> Timestamp {
        Timestamp::new(second, 0).unwrap()
    }

    fn publish(feed: &Feed, second: i64) -> u64 {
        let system = System { at: at(second), cpu_usage: Some(1.0), ..System::default() };
        feed.publish(Payload::System(Box::new(system)), at(second)).unwrap().seq
    }

    fn resumed(subscription: &Subscription) -> bool {
        matches!(subscription.hello.payload, Payload::Hello(Hello { resumed: true }))
    }

    #[tokio::test]
    async fn a_reader_that_comes_back_gets_every_event_it_missed_once() {
        let feed = Feed::new(PUSH, at(0));
        let seen = publish(&feed, 1);
        let missed = [publish(&feed, 2), publish(&feed, 3)];
        let mut reader = feed.subscribe(Some(seen), at(4));
        assert!(resumed(&reader));
        let next = publish(&feed, 5);
        for seq in missed.into_iter().chain([next]) {
            assert_eq!(reader.next().await.unwrap().seq, seq);
        }
    }

    #[tokio::test]
    async fn a_reader_away_too_long_or_from_another_feed_is_told_so() {
        let feed = Feed::new(PUSH, at(0));
        let first = publish(&feed, 0);
        for second in 1..=200 {
            publish(&feed, second);
        }
        assert!(!resumed(&feed.subscribe(Some(first), at(201))));
        assert!(!resumed(&feed.subscribe(Some(u64::MAX), at(201))));
        assert!(!resumed(&feed.subscribe(None, at(201))));
        let restarted = Feed::new(PUSH, at(300));
        assert!(publish(&restarted, 301) > publish(&feed, 300));
        assert!(!resumed(&restarted.subscribe(Some(first), at(302))));
    }

    #[tokio::test]
    async fn a_slow_reader_gets_the_newest_and_no_queue() {
        let feed = Feed::new(PUSH, at(0));
        let mut reader = feed.subscribe(None, at(0));
        let newest = (1..=100).fold(0, |_, second| publish(&feed, second));
        assert_eq!(reader.next().await.unwrap().seq, newest);
        let next = publish(&feed, 101);
        assert_eq!(reader.next().await.unwrap().seq, next);
    }

    #[tokio::test]
    async fn health_is_sent_when_it_changes_and_only_then() {
        let feed = Feed::new(PUSH, at(0));
        let mut reader = feed.subscribe(None, at(0));
        feed.report(PartName::Postgresql, PartState::Up, at(1));
        feed.report(PartName::Postgresql, PartState::Down, at(2));
        feed.report(PartName::Postgresql, PartState::Down, at(3));
        let frame = reader.next().await.unwrap();
        assert_eq!(frame.event, "health");
        let health = feed.health();
        let part = health.part(PartName::Postgresql).unwrap();
        assert_eq!((part.since, part.last_seen), (at(2), Some(at(1))));
        assert!(!health.ready);
        let seq = publish(&feed, 4);
        assert_eq!(reader.next().await.unwrap().seq, seq);
    }

    #[tokio::test]
    async fn another_fault_is_news_and_no_other_beginning() {
        let feed = Feed::new(PUSH, at(0));
        let report = |fault, second| feed.report_fault(PartName::Redis, fault, at(second));
        let news = [report(PartFault::StartingUp, 1), report(PartFault::Refused, 2), report(PartFault::Refused, 3)];
        assert_eq!(news, [true, true, false]);
        let part = feed.health().part(PartName::Redis).cloned().unwrap();
        assert_eq!((part.fault, part.since), (Some(PartFault::Refused), at(1)));
        assert!(feed.report(PartName::Redis, PartState::Up, at(4)));
        assert_eq!(feed.health().part(PartName::Redis).unwrap().fault, None);
    }

    #[tokio::test]
    async fn what_is_given_up_is_sent_and_what_waits_only_noted() {
        let feed = Feed::new(PUSH, at(0));
        let mut reader = feed.subscribe(None, at(0));
        feed.report_unsaved(5, 500, 0, at(1));
        feed.report_unsaved(9, 900, 3, at(2));
        let frame = reader.next().await.unwrap();
        let event: LiveEvent = serde_json::from_slice(&frame.text).unwrap();
        let Payload::Health(health) = event.payload else { panic!("{event:?}") };
        let unsaved = health.unsaved.unwrap();
        assert_eq!((unsaved.records, unsaved.records_given_up, unsaved.since), (9, 3, Some(at(1))));
        // A part's news does not forget it.
        feed.report(PartName::Postgresql, PartState::Down, at(3));
        assert_eq!(feed.health().unsaved, Some(unsaved));
    }
}
