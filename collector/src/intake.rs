//! The other end of `outlet`: brings the readings of a separate collector into this process'
//! feed, through Redis and PostgreSQL at once, so that losing one of them loses nothing.

use std::collections::VecDeque;
use std::sync::Arc;

use jiff::Timestamp;

use crate::annotation::AnnotationChange;
use crate::cache::Cache;
use crate::monitor::Monitor;
use crate::store::Store;
use crate::{Feed, LiveEvent, PartName, PartState, Payload};

/// Readings by whose time one that comes a second time is known.
const REMEMBERED: usize = 16;

/// Feeds the feed until the program ends.
pub(crate) async fn run(feed: Feed, store: Store, cache: Option<Cache>) {
    let mut intake = Intake { feed, seen: VecDeque::new() };
    let mut notifications = store.notifications();
    let mut messages = None;
    if let Some(cache) = &cache {
        messages = cache.messages().inspect_err(|error| tracing::warn!(%error, "cannot listen to redis")).ok();
        for reading in cache.newest().await.unwrap_or_default() {
            // Kept from before: no sign that the collector lives.
            intake.take(reading);
        }
    }
    loop {
        let text = tokio::select! {
            text = notifications.next() => match text {
                Some(text) => text,
                None => {
                    intake.take(missed());
                    continue;
                }
            },
            text = async {
                match &mut messages {
                    Some(messages) => messages.next().await,
                    None => std::future::pending().await,
                }
            } => text,
        };
        match serde_json::from_str::<LiveEvent>(&text) {
            Ok(LiveEvent { payload, .. }) => {
                if matches!(payload, Payload::System(_)) {
                    intake.feed.report(PartName::Collector, PartState::Up, Timestamp::now());
                }
                intake.take(payload);
            }
            Err(error) => tracing::warn!(%error, "a live event from outside makes no sense"),
        }
    }
}

/// Brings to a collector's own feed, and from there to Redis, what the database tells of annotations,
/// until the program ends: whoever has made or removed one.
pub(crate) async fn run_annotations(monitor: Arc<Monitor>, store: Store) {
    store.opened().await;
    let mut notifications = store.notifications();
    loop {
        let change = match notifications.next().await {
            None => missed(),
            // Of other collectors, this may be anything.
            Some(text) => match serde_json::from_str::<LiveEvent>(&text) {
                Ok(LiveEvent { payload, .. }) => payload,
                Err(_) => continue,
            },
        };
        if let Payload::AnnotationChanged(AnnotationChange { at, .. }) = change {
            monitor.show(change, at);
        }
    }
}

/// While nobody listened, any annotation may have become another one.
fn missed() -> Payload {
    Payload::AnnotationChanged(AnnotationChange { id: None, at: Timestamp::now() })
}

struct Intake {
    feed: Feed,
    /// Kind, host or id, and time.
    seen: VecDeque<(&'static str, String, Timestamp)>,
}

impl Intake {
    /// Takes a reading unless it was taken already: it may come both ways. Not by being newer
    /// than the last, since a clock may be set back.
    fn take(&mut self, reading: Payload) {
        let nobody = String::new();
        let (host, at) = match &reading {
            Payload::System(system) => (&system.host, system.at),
            Payload::Application(application) => (&application.host, application.at),
            Payload::Business(business) => (&business.host, business.at),
            Payload::AlertNew(alert) => (&alert.id, alert.fired_at),
            Payload::AlertResolved(alert) => (&alert.id, alert.resolved_at.unwrap_or(alert.fired_at)),
            Payload::AnnotationChanged(change) => (change.id.as_ref().unwrap_or(&nobody), change.at),
            // Every change counts, and one that comes twice changes nothing.
            Payload::AlertChanged(alert) => {
                let at = alert.fired_at;
                if let Err(error) = self.feed.publish(reading, at) {
                    tracing::error!(%error, "a change of an alert could not be written as json");
                }
                return;
            }
            // Each process' own.
            Payload::Health(_) | Payload::Hello(_) => return,
        };
        let key = (reading.event(), host.clone(), at);
        if self.seen.contains(&key) {
            return;
        }
        if self.seen.len() == REMEMBERED {
            self.seen.pop_front();
        }
        self.seen.push_back(key);
        if let Err(error) = self.feed.publish(reading, at) {
            tracing::error!(%error, "a reading could not be written as json");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::System;
    use std::time::Duration;

    #[tokio::test]
    async fn a_reading_that_comes_both_ways_is_sent_once_also_when_the_clock_is_set_back() {
        let feed = Feed::new(Duration::from_secs(2), Timestamp::UNIX_EPOCH);
        let mut reader = feed.subscribe(None, Timestamp::UNIX_EPOCH);
        let reading = |second| {
            let at = Timestamp::from_second(second).unwrap();
            Payload::System(Box::new(System { at, ..System::default() }))
        };
        let mut intake = Intake { feed: feed.clone(), seen: VecDeque::new() };
        for second in [100, 100, 2, 100, 2] {
            intake.take(reading(second));
        }
        let first = reader.next().await.unwrap().seq;
        assert_eq!(reader.next().await.unwrap().seq, first + 1);
        assert_eq!(feed.snapshot().seq, first + 1);
    }
}
