//! The alerts of this collector. Every reading is held against the rules; what is pending and
//! firing survives in the data directory; what happens goes to the log, to the spool on its way
//! into `alert_history`, to the live feed and to the receivers.
//!
//! ```text
//! Monitor::record -> Engine -> journal, then spool -> alert_history
//!                           -> log, live feed
//!                           -> Dispatch -> receivers
//! ```
//!
//! A firing is in the journal before it is in the spool or on its way to a receiver, and goes there
//! again after a crash between the two: PostgreSQL knows its id, and receivers their message's key.

mod act;
mod claims;
mod delivery;
mod desk;
mod front;
mod hush;
mod journal;

use std::cell::LazyCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use uuid::Uuid;

use crate::alert::{Action, Alert, AlertRecord, Heartbeat, Severity, Transition, shifted};
use crate::buffer::{Buffer, Record};
use crate::config::{Notify, Settings};
use crate::notify::{Dispatch, Flaps, Router};
use crate::rules::{
    AlertKey, Change, Engine, FIRE_DRILL, FIRE_DRILL_METRIC, PART_UP, Reason, Rule, Rules, RulesError, Scope, Value,
};
use crate::sample::{HOST_LABEL, Labels, Point};
use crate::top::Top;
use crate::{Feed, PartState, Payload, Sentence};

use hush::Hush;
use journal::{Contents, Journal, Kept};

use act::ActError;
pub(crate) use front::Front;
pub use front::{AlertDesk, DeskError, Refusal};

/// A clock that is off by less was not set, but is late.
const SET: SignedDuration = SignedDuration::from_secs(2);
/// How often it is looked whether the file of rules is another one.
const LOOK: Duration = Duration::from_secs(2);

/// The alerts. Clones are the same ones.
#[derive(Clone, Debug)]
pub(crate) struct Alerting(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    rules_file: PathBuf,
    notify: Notify,
    router: Router,
    /// Of quiet hours.
    zone: TimeZone,
    buffer: Buffer,
    feed: Feed,
    top: Top,
    /// Time since the start, by a clock that does not jump.
    steady: Steady,
    state: Mutex<State>,
    /// That there may be a message to send, or an alert to claim.
    outbox: watch::Sender<()>,
    /// Whether somebody claims what fires.
    is_claiming: AtomicBool,
}

/// A clock that does not jump; in tests, one that is handed in.
struct Steady(Box<dyn Fn() -> SignedDuration + Send + Sync>);

impl Steady {
    fn since(start: Instant) -> Self {
        Self(Box::new(move || SignedDuration::try_from(start.elapsed()).unwrap_or_default()))
    }

    fn elapsed(&self) -> SignedDuration {
        (self.0)()
    }
}

impl std::fmt::Debug for Steady {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Steady").field(&self.elapsed()).finish()
    }
}

#[derive(Debug)]
struct State {
    engine: Engine,
    journal: Journal,
    /// Of what is not inactive: its id, and what was said of it once it fires.
    told: BTreeMap<AlertKey, (String, Option<Alert>)>,
    /// Records with their number in the spool, which may not be there yet.
    unsaved: Vec<(u64, AlertRecord)>,
    /// The time that it was when the program started, by the clock as it is set now.
    epoch: Option<Timestamp>,
    dispatch: Dispatch,
    flaps: Flaps,
    hush: Hush,
    drilled_at: Option<Timestamp>,
    heartbeat: Option<Heartbeat>,
    /// This collector's name among others on the database.
    collector: String,
}

impl Alerting {
    /// The alerts by the rules of a file, with what was pending, firing and on its way when the last
    /// collector on this data directory ended.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or is not valid.
    pub(crate) fn open(
        settings: &Settings,
        data_dir: &Path,
        buffer: Buffer,
        feed: Feed,
        top: Top,
    ) -> Result<Self, RulesError> {
        Self::open_by(Steady::since(Instant::now()), settings, data_dir, buffer, (feed, top))
    }

    fn open_by(
        steady: Steady,
        settings: &Settings,
        data_dir: &Path,
        buffer: Buffer,
        (feed, top): (Feed, Top),
    ) -> Result<Self, RulesError> {
        let (rules_file, notify) = (&settings.alerts.rules, &settings.notify);
        let rules = Rules::load(rules_file)?;
        let (journal, contents) = Journal::open(data_dir);
        let told = contents.active.iter().map(|kept| (kept.key(), (kept.id.clone(), kept.alert.clone()))).collect();
        let mut engine = Engine::new(Rules::default(), contents.states());
        let changes = engine.set_rules(rules.with_fire_drill());
        let router = Router::new(notify);
        let mut dispatch = contents.dispatch;
        let receivers: Vec<_> = notify.receivers.keys().cloned().collect();
        let now = Timestamp::now();
        dispatch.go_on(&router, &receivers, now);
        let mut flaps = contents.flaps;
        flaps.clamp(now);
        let state = State {
            engine,
            journal,
            told,
            unsaved: Vec::new(),
            epoch: None,
            dispatch,
            flaps,
            hush: Hush::new(contents.silences),
            drilled_at: contents.drilled_at.min(Some(now)),
            heartbeat: None,
            collector: Some(contents.collector)
                .filter(|name| !name.is_empty())
                .unwrap_or_else(|| Uuid::now_v7().to_string()),
        };
        let alerting = Self(Arc::new(Inner {
            rules_file: rules_file.clone(),
            notify: notify.clone(),
            router,
            zone: settings.schedule.zone(),
            buffer,
            feed: feed.clone(),
            top,
            steady,
            state: Mutex::new(state),
            outbox: watch::Sender::new(()),
            is_claiming: AtomicBool::new(false),
        }));
        let mut state = alerting.lock();
        // They may have been kept, or not.
        alerting.push(&mut state, contents.unsaved);
        // What fired under rules that are gone is over. Nobody listens yet.
        alerting.tell(&mut state, changes, now);
        alerting.tell_new_receivers(&mut state, now);
        feed.report_paging(alerting.paging_error(&state), now);
        feed.begin_alerts(state.told.values().filter_map(|(_, alert)| alert.clone()));
        drop(state);
        Ok(alerting)
    }

    /// What fires already goes to receivers that the settings have since then, too.
    fn tell_new_receivers(&self, state: &mut State, now: Timestamp) {
        let State { engine, told, dispatch, .. } = state;
        let is_claimed = !self.0.is_claiming.load(Ordering::Relaxed);
        for alert in told.values().filter_map(|(_, alert)| alert.as_ref()).filter(|alert| alert.rule_name != FIRE_DRILL)
        {
            let rule = engine.rules().get(&alert.rule_name);
            if rule.is_some_and(|rule| rule.action == Action::Notify) {
                dispatch.goes_on(alert, &self.0.router, now, is_claimed);
            }
        }
    }

    /// Holds the points of a reading against the rules, and with a reading of the host whether our
    /// parts answer. Answers what is to be told, in order.
    pub(crate) fn observe<'a>(
        &self,
        host: &str,
        points: impl IntoIterator<Item = &'a Point>,
        with_parts: bool,
        now: Timestamp,
    ) -> Vec<Payload> {
        let mut state = self.lock();
        self.follow_clock(&mut state, now);
        let mut all: Vec<(&str, Labels, f64)> = points
            .into_iter()
            .map(|point| {
                let mut labels = point.labels.clone();
                labels.insert(HOST_LABEL.to_owned(), host.to_owned());
                (point.metric_name.as_ref(), labels, point.value)
            })
            .collect();
        if with_parts {
            let parts = self.0.feed.health().parts;
            let parts = parts.iter().filter(|part| part.state != PartState::Off);
            all.extend(parts.map(|part| {
                let labels = [("part", part.name.name()), (HOST_LABEL, host)];
                let labels = labels.map(|(name, value)| (name.to_owned(), value.to_owned()));
                (PART_UP, labels.into(), if part.state == PartState::Up { 1.0 } else { 0.0 })
            }));
        }
        let backup = match with_parts {
            true => self.0.feed.backup().points(now),
            false => Vec::new(),
        };
        all.extend(backup.iter().map(|point| {
            let labels = [(HOST_LABEL.to_owned(), host.to_owned())];
            (point.metric_name.as_ref(), labels.into(), point.value)
        }));
        if with_parts && self.0.router.has_receivers() {
            let labels = [(HOST_LABEL.to_owned(), host.to_owned())];
            all.push((FIRE_DRILL_METRIC, labels.into(), if self.begins_drill(&mut state, now) { 1.0 } else { 0.0 }));
        }
        let values = || all.iter().map(|(metric, labels, value)| Value { metric, labels, value: *value });
        let scope = Scope::of(values());
        let changes = state.engine.evaluate(values(), |metric, labels| scope.speaks_of(metric, labels), now);
        self.tell(&mut state, changes, now)
    }

    /// Moves what has begun with the clock, when that is set.
    fn follow_clock(&self, state: &mut State, now: Timestamp) {
        let Ok(epoch) = now.checked_sub(self.0.steady.elapsed()) else { return };
        let by = epoch.duration_since(*state.epoch.get_or_insert(epoch));
        if by.abs() < SET {
            return;
        }
        tracing::warn!(seconds = by.as_secs_f64(), "the clock was set; what is pending and firing goes on");
        state.epoch = Some(epoch);
        state.engine.shift(by);
        for alert in state.told.values_mut().filter_map(|(_, alert)| alert.as_mut()) {
            (alert.active_at, alert.fired_at) = (shifted(alert.active_at, by), shifted(alert.fired_at, by));
        }
        state.dispatch.shift(by);
        state.flaps.shift(by);
        state.drilled_at = state.drilled_at.map(|at| shifted(at, by));
        self.write(state);
    }

    /// Whether a fire drill begins now.
    fn begins_drill(&self, state: &mut State, now: Timestamp) -> bool {
        let every = SignedDuration::try_from(self.0.notify.fire_drill).unwrap_or_default();
        let is_due = state.drilled_at.is_none_or(|last| now.duration_since(last) >= every);
        let begins = is_due && every.is_positive();
        if begins {
            state.drilled_at = Some(now);
        }
        begins
    }

    /// Makes alerts of changes: into the journal first, then into the spool and the log. Answers
    /// what is to be told.
    fn tell(&self, state: &mut State, changes: Vec<Change>, now: Timestamp) -> Vec<Payload> {
        if changes.is_empty() {
            return Vec::new();
        }
        let (mut records, mut events) = (Vec::new(), Vec::new());
        // One for all that fires at this moment.
        let snapshot = LazyCell::new(|| self.0.top.moment(&self.0.feed.current()));
        let mut new = Vec::new();
        for change in changes {
            let (id, alert) = state.told.remove(&change.key).unwrap_or_else(|| (Uuid::now_v7().to_string(), None));
            let rule = state.engine.rules().get(&change.key.rule);
            match change.transition {
                Transition::Pending => drop(state.told.insert(change.key, (id, None))),
                Transition::Dropped => {}
                Transition::Firing => {
                    let Some(rule) = rule else { continue };
                    let alert = fire(rule, &change, &self.reason(&change.key), id.clone(), now);
                    let is_told = rule.action == Action::Notify;
                    state.flaps.note(&alert.series(), now, self.flap_window());
                    state.told.insert(change.key.clone(), (id, Some(alert)));
                    new.push((change.key, is_told));
                }
                Transition::Resolved => {
                    let Some(alert) = alert else { continue };
                    let alert = Alert { resolved_at: Some(now.max(alert.fired_at)), ..alert };
                    let (rule, labels) = (&alert.rule_name, labels(&alert.labels));
                    tracing::info!(rule, labels, id = alert.id, message = "alert resolved");
                    // A drill has done what it is for when it is heard of.
                    if alert.rule_name != FIRE_DRILL {
                        state.dispatch.is_over(&alert, now);
                    }
                    records.push(AlertRecord { alert: alert.clone(), snapshot: serde_json::Value::Null });
                    events.push(Payload::AlertResolved(Box::new(alert)));
                }
            }
        }
        let changed = self.hush(state, now);
        for (key, is_told) in new {
            let Some((_, Some(alert))) = state.told.get(&key) else { continue };
            say(alert);
            records.push(AlertRecord { alert: alert.clone(), snapshot: snapshot.clone() });
            events.push(Payload::AlertNew(Box::new(alert.clone())));
            if alert.rule_name == FIRE_DRILL {
                // Each collector has its own.
                state.dispatch.fires(alert, self.0.router.every_way(alert), now, true);
            } else if is_told {
                let is_claimed = !self.0.is_claiming.load(Ordering::Relaxed);
                state.dispatch.fires(alert, self.0.router.ways(alert), now, is_claimed);
            }
        }
        let is_new =
            |alert: &Alert| events.iter().any(|event| matches!(event, Payload::AlertNew(new) if new.id == alert.id));
        let changed: Vec<_> = changed.into_iter().filter(|alert| !is_new(alert)).collect();
        events.extend(changed.into_iter().map(|alert| Payload::AlertChanged(Box::new(alert))));
        state.dispatch.flush(now, self.0.zone.to_datetime(now));
        self.push(state, records);
        self.0.outbox.send_replace(());
        events
    }

    /// Why the part is down that an alert is of; of any other, nothing.
    fn reason(&self, key: &AlertKey) -> Reason {
        let health = self.0.feed.health();
        let part = health.parts.iter().find(|part| key.labels.get("part").is_some_and(|name| name == part.name.name()));
        part.and_then(|part| part.fault).map(Reason::of).unwrap_or_default()
    }

    /// Journal first, then the spool.
    fn push(&self, state: &mut State, records: Vec<AlertRecord>) {
        // Their number is not known yet.
        state.unsaved.extend(records.iter().map(|record| (u64::MAX, record.clone())));
        self.write(state);
        let from = state.unsaved.len() - records.len();
        for ((seq, _), record) in state.unsaved[from..].iter_mut().zip(records) {
            *seq = self.0.buffer.push(Record::Alert(Box::new(record)));
        }
    }

    /// Into the journal, with what may not be in the spool yet.
    fn write(&self, state: &mut State) {
        let kept = self.0.buffer.last_kept();
        state.unsaved.retain(|(seq, _)| *seq > kept);
        let kept = |(key, active): (&AlertKey, _)| {
            let (id, alert) = state.told.get(key)?;
            Some(Kept::new(key, active, id, alert.as_ref()))
        };
        let active = state.engine.active().iter().filter_map(kept).collect();
        let unsaved = state.unsaved.iter().map(|(_, record)| record.clone()).collect();
        state.journal.write(&Contents {
            dispatch: state.dispatch.clone(),
            flaps: state.flaps.clone(),
            silences: state.hush.silences(),
            drilled_at: state.drilled_at,
            collector: state.collector.clone(),
            ..Contents::new(active, unsaved)
        });
    }

    /// Reads the file of rules anew. One that is not valid leaves the rules as they are.
    fn reload(&self) -> Vec<Payload> {
        let loaded = Rules::load(&self.0.rules_file);
        let mut state = self.lock();
        match loaded {
            Ok(rules) => {
                tracing::info!(rules = rules.iter().count(), path = %self.0.rules_file.display(), "alert rules read");
                self.0.feed.report_rules(None, Timestamp::now());
                let changes = state.engine.set_rules(rules.with_fire_drill());
                self.tell_new_receivers(&mut state, Timestamp::now());
                self.tell(&mut state, changes, Timestamp::now())
            }
            Err(error) => {
                tracing::error!(%error, "the alert rules stay as they were");
                self.0.feed.report_rules(Some(Sentence::of(&error)), Timestamp::now());
                Vec::new()
            }
        }
    }

    /// Reads the rules anew whenever their file is another one, or `asked`; for ever. Gives what is
    /// to be told to `tell`.
    pub(crate) async fn watch_rules(self, mut asked: impl AsyncFnMut(), tell: impl Fn(Vec<Payload>)) {
        let mut last = mark(&self.0.rules_file);
        loop {
            let is_asked = tokio::time::timeout(LOOK, asked()).await.is_ok();
            let now = mark(&self.0.rules_file);
            if is_asked || now != last {
                last = now;
                tell(self.reload());
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn fire(rule: &Rule, change: &Change, reason: &Reason, id: String, now: Timestamp) -> Alert {
    let threshold = rule.expression.threshold();
    let message = |template: &crate::rules::Template, reason| {
        template.fill_with(reason, change.value, threshold, &change.key.labels)
    };
    Alert {
        id,
        rule_name: rule.name.clone(),
        severity: rule.severity,
        category: rule.category.clone(),
        message: message(&rule.summary, reason.en),
        message_ja: message(&rule.summary_ja, reason.ja),
        labels: change.key.labels.clone().into_iter().collect(),
        value: change.value,
        threshold,
        active_at: change.state.active_at,
        fired_at: change.state.fired_at.unwrap_or(now),
        resolved_at: None,
        runbook_url: rule.runbook_url.clone(),
        quiet: None,
        acknowledged: None,
    }
}

fn say(alert: &Alert) {
    let Alert { rule_name: rule, severity, message, id, .. } = alert;
    let (severity, labels) = (severity.name(), labels(&alert.labels));
    match alert.severity {
        Severity::Critical => tracing::error!(rule, severity, labels, id, alert = message, "alert"),
        Severity::Warning => tracing::warn!(rule, severity, labels, id, alert = message, "alert"),
        Severity::Info => tracing::info!(rule, severity, labels, id, alert = message, "alert"),
    }
}

fn labels(labels: &[(String, String)]) -> String {
    labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect::<Vec<_>>().join(",")
}

/// By which one file is known from another in its place.
fn mark(path: &Path) -> Option<(SystemTime, u64)> {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

#[cfg(test)]
mod tests;
