//! Whether our own parts can be used, asked every second; each probe times out by itself.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use tokio::time::{Interval, MissedTickBehavior};

use crate::alerting::AlertDesk;
use crate::backup::Looking;
use crate::buffer::Buffer;
use crate::cache::{Cache, CacheProbe};
use crate::failure::Failure;
use crate::instruments::{Instruments, PartInstruments};
use crate::store::{Store, StoreProbe};
use crate::{Feed, PartFault, PartName, PartState, Sentence};

/// Between two probes of a part.
const PROBE: Duration = Duration::from_secs(1);
const INTERVAL: Duration = Duration::from_secs(2);
/// What fires now is added without asking.
const ALERT_PAST: Duration = Duration::from_secs(60);
/// Between two looks at the backups.
const BACKUP: Duration = Duration::from_secs(10);
/// An answer that takes longer counts as none.
const TIMEOUT: Duration = Duration::from_secs(2);
/// Readings that may be missed before the collector counts as down.
const MISSED: f64 = 3.0;

/// Watches PostgreSQL for ever. `on_news` is called when its state or fault is another one.
pub(crate) async fn watch_store(feed: Feed, store: Store, instruments: PartInstruments, on_news: impl Fn()) {
    let mut part = Watched { feed, name: PartName::Postgresql, instruments, on_news, fault: None };
    let mut probe = StoreProbe::new(store);
    let mut ticks = every(PROBE);
    loop {
        ticks.tick().await;
        let begun = Instant::now();
        let answer = probe.ask().await;
        part.note(answer, begun.elapsed());
    }
}

/// Watches Redis for ever. `on_news` is called when its state or fault is another one.
pub(crate) async fn watch_cache(feed: Feed, cache: Cache, instruments: PartInstruments, on_news: impl Fn()) {
    let mut part = Watched { feed, name: PartName::Redis, instruments, on_news, fault: None };
    let mut probe = CacheProbe::new(cache);
    let mut ticks = every(PROBE);
    loop {
        ticks.tick().await;
        let begun = Instant::now();
        let answer = probe.ask().await;
        part.note(answer, begun.elapsed());
    }
}

/// Watches for ever what waits for PostgreSQL.
pub(crate) async fn watch_unsaved(feed: Feed, buffer: Buffer, instruments: Instruments) {
    loop {
        // Of the gauges: the spool itself may be waiting for its disk.
        let bytes = u64::try_from(instruments.spool_bytes.get()).unwrap_or(0);
        let on_disk = u64::try_from(instruments.unsaved_records.get()).unwrap_or(0);
        let records = on_disk + buffer.waiting_for_disk();
        feed.report_unsaved(records, bytes, instruments.records_given_up.get(), Timestamp::now());
        tokio::time::sleep(INTERVAL).await;
    }
}

/// Keeps what is known of the backups, for ever.
pub(crate) async fn watch_backup(feed: Feed, looking: Looking) {
    loop {
        feed.note_backup(looking.look(feed.backup()).await);
        tokio::time::sleep(BACKUP).await;
    }
}

/// Keeps what fired before, for ever.
pub(crate) async fn watch_alert_past(feed: Feed, store: Store) {
    loop {
        let past = tokio::time::timeout(TIMEOUT, store.alert_past()).await.ok().and_then(Result::ok);
        let is_known = past.is_some();
        feed.note_alert_past(past);
        tokio::time::sleep(if is_known { ALERT_PAST } else { INTERVAL }).await;
    }
}

/// Brings the alerts, and what is wrong with alerting, to a dashboard whose collector is another
/// process, for ever: also while both stores are away that it hears of them through.
pub(crate) async fn watch_desk(feed: Feed, desk: AlertDesk) {
    // Alerts of other collectors on the database are none of its business.
    let mut before = Vec::new();
    loop {
        // Where nobody answers, the collector is down, which is said.
        if let Ok(desk) = desk.desk().await {
            let now = Timestamp::now();
            let kept = |en: Option<String>, ja: Option<String>| Some(Sentence::kept(en?, ja.unwrap_or_default()));
            feed.report_rules(kept(desk.rules_error, desk.rules_error_ja), now);
            feed.report_paging(kept(desk.paging_error, desk.paging_error_ja), now);
            let ids = desk.alerts.iter().map(|alert| alert.id.clone()).collect();
            feed.match_alerts(desk.alerts, &before, now);
            before = ids;
        }
        tokio::time::sleep(INTERVAL).await;
    }
}

struct Watched<F> {
    feed: Feed,
    name: PartName,
    instruments: PartInstruments,
    on_news: F,
    /// Of the last answer, once there is one.
    fault: Option<Result<(), PartFault>>,
}

impl<F: Fn()> Watched<F> {
    fn note(&mut self, answer: Result<(), Failure>, took: Duration) {
        self.instruments.answered(self.name, answer.is_ok().then_some(took));
        let (now, fault) = (Timestamp::now(), answer.as_ref().copied().map_err(|failure| failure.fault));
        if self.fault.replace(fault) != Some(fault) {
            match &answer {
                Ok(()) => tracing::info!(part = ?self.name, "answers"),
                Err(Failure { fault, reason }) => {
                    tracing::error!(part = ?self.name, fault = fault.name(), reason, "does not answer");
                }
            }
        }
        let is_news = match fault {
            Ok(()) => self.feed.report(self.name, PartState::Up, now),
            Err(fault) => self.feed.report_fault(self.name, fault, now),
        };
        if is_news {
            (self.on_news)();
        }
    }
}

/// Ticks that come later after one that took longer.
fn every(period: Duration) -> Interval {
    let mut ticks = tokio::time::interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

/// Watches for ever whether readings still come in.
pub(crate) async fn watch_readings(feed: Feed) {
    loop {
        tokio::time::sleep(INTERVAL).await;
        let now = Timestamp::now();
        // By this process' own clock: the collector's may be another host's. But how often there
        // is a reading is the collector's own setting.
        let seconds = feed.system().map_or(0.0, |system| system.interval_seconds).max(feed.push().as_secs_f64());
        let limit = SignedDuration::try_from_secs_f64(seconds * MISSED).unwrap_or(SignedDuration::MAX);
        let heard = feed.health().part(PartName::Collector).map(|part| part.last_seen.unwrap_or(part.since));
        if heard.is_none_or(|heard| now.duration_since(heard) > limit) {
            feed.report(PartName::Collector, PartState::Down, now);
        }
    }
}
