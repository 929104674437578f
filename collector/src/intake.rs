//! The other end of `outlet`: brings the readings of a separate collector into this process'
//! feed, through Redis and PostgreSQL at once, so that losing one of them loses nothing.

use jiff::Timestamp;

use crate::cache::Cache;
use crate::store::Store;
use crate::{Feed, LiveEvent, PartName, PartState, Payload, System};

/// Feeds the feed until the program ends.
pub(crate) async fn run(feed: Feed, store: Store, cache: Option<Cache>) {
    let mut notifications = store.notifications();
    let mut messages = match &cache {
        Some(cache) => {
            cache.messages().await.inspect_err(|error| tracing::warn!(%error, "cannot listen to redis")).ok()
        }
        None => None,
    };
    if let Some(Ok(Some(reading))) = match &cache {
        Some(cache) => Some(cache.system().await),
        None => None,
    } {
        take(&feed, reading);
    }
    loop {
        let text = tokio::select! {
            text = notifications.next() => Some(text),
            text = async {
                match &mut messages {
                    Some(messages) => messages.next().await,
                    None => std::future::pending().await,
                }
            } => text,
        };
        match text.map(|text| serde_json::from_str::<LiveEvent>(&text)) {
            Some(Ok(LiveEvent { payload: Payload::System(reading), .. })) => take(&feed, *reading),
            Some(Ok(_)) => {}
            Some(Err(error)) => tracing::warn!(%error, "a live event from outside makes no sense"),
            None => messages = None,
        }
    }
}

/// Takes a reading unless it, or a newer one, is known: it may come both ways.
fn take(feed: &Feed, reading: System) {
    if feed.newest_at().is_some_and(|newest| reading.at <= newest) {
        return;
    }
    let at = reading.at;
    match feed.publish(Payload::System(Box::new(reading)), at) {
        Ok(_) => feed.report(PartName::Collector, PartState::Up, Timestamp::now()),
        Err(error) => tracing::error!(%error, "a reading could not be written as json"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test]
    async fn a_reading_that_comes_both_ways_is_sent_once() {
        let feed = Feed::new(Duration::from_secs(2), Timestamp::UNIX_EPOCH);
        let mut reader = feed.subscribe(None, Timestamp::UNIX_EPOCH);
        let reading = |second| System { at: Timestamp::from_second(second).unwrap(), ..System::default() };
        for second in [1, 1, 2, 1] {
            take(&feed, reading(second));
        }
        let first = reader.next().await.unwrap().seq;
        assert_eq!(reader.next().await.unwrap().seq, first + 1);
        assert_eq!(feed.snapshot().seq, first + 1);
    }
}
