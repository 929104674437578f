//! Whether our own parts answer, asked every two seconds; each probe times out by itself.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::alerting::AlertDesk;
use crate::buffer::Buffer;
use crate::cache::Cache;
use crate::instruments::Instruments;
use crate::store::Store;
use crate::{Feed, PartName, PartState};

const INTERVAL: Duration = Duration::from_secs(2);
/// What fires now is added without asking.
const ALERT_PAST: Duration = Duration::from_secs(60);
/// An answer that takes longer counts as none.
const TIMEOUT: Duration = Duration::from_secs(2);
/// Readings that may be missed before the collector counts as down.
const MISSED: f64 = 3.0;

/// Watches PostgreSQL for ever.
pub(crate) async fn watch_store(feed: Feed, store: Store) {
    let mut part = Watched { feed, name: PartName::Postgresql, state: None };
    loop {
        let answer = match tokio::time::timeout(TIMEOUT, store.ping()).await {
            Ok(answer) => answer.map_err(|error| error.to_string()),
            Err(_) => Err(format!("no answer within {TIMEOUT:?}")),
        };
        part.note(answer);
        tokio::time::sleep(INTERVAL).await;
    }
}

/// Watches Redis for ever.
pub(crate) async fn watch_cache(feed: Feed, cache: Cache) {
    let mut part = Watched { feed, name: PartName::Redis, state: None };
    cache.connected().await;
    loop {
        part.note(cache.ping().await.map_err(|error| error.to_string()));
        tokio::time::sleep(INTERVAL).await;
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

/// Keeps what fired before, for ever.
pub(crate) async fn watch_alert_past(feed: Feed, store: Store) {
    loop {
        let past = tokio::time::timeout(TIMEOUT, store.alert_past()).await.ok().and_then(Result::ok);
        let is_known = past.is_some();
        feed.note_alert_past(past);
        tokio::time::sleep(if is_known { ALERT_PAST } else { INTERVAL }).await;
    }
}

/// Brings what is wrong with alerting to a dashboard whose collector is another process, for ever.
pub(crate) async fn watch_desk(feed: Feed, desk: AlertDesk) {
    loop {
        // Where nobody answers, the collector is down, which is said.
        if let Ok(desk) = desk.desk().await {
            let now = Timestamp::now();
            feed.report_rules(desk.rules_error, now);
            feed.report_paging(desk.paging_error, now);
        }
        tokio::time::sleep(INTERVAL).await;
    }
}

struct Watched {
    feed: Feed,
    name: PartName,
    state: Option<PartState>,
}

impl Watched {
    fn note(&mut self, answer: Result<(), String>) {
        let now = if answer.is_ok() { PartState::Up } else { PartState::Down };
        if self.state.replace(now) != Some(now) {
            match answer {
                Ok(()) => tracing::info!(part = ?self.name, "answers"),
                Err(reason) => tracing::error!(part = ?self.name, reason, "does not answer"),
            }
        }
        self.feed.report(self.name, now, Timestamp::now());
    }
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
