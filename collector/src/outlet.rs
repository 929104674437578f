//! Takes readings out of the process: through Redis, or through PostgreSQL where Redis is away or
//! nobody listens there.

use tokio::sync::mpsc;

use crate::cache::Cache;
use crate::instruments::Instruments;
use crate::monitor::Outgoing;
use crate::store::Store;
use crate::{Feed, Payload};

/// Readings that may wait to be taken out; past it they are left to the next.
pub(crate) const QUEUE: usize = 8;

/// What readings go out through.
#[derive(Debug)]
pub(crate) struct Outlet {
    pub(crate) feed: Feed,
    pub(crate) cache: Option<Cache>,
    /// Also by NOTIFY; off where the dashboard is this very process.
    pub(crate) notify: Option<Store>,
    pub(crate) instruments: Instruments,
}

impl Outlet {
    /// Takes out what comes until there is no more.
    pub(crate) async fn run(self, mut outgoing: mpsc::Receiver<Outgoing>) {
        while let Some(outgoing) = outgoing.recv().await {
            let readers = match &self.cache {
                Some(cache) => {
                    let put =
                        cache.put(&outgoing.reading, &self.feed.current(), &self.feed.alerts(), &outgoing.frame).await;
                    put.unwrap_or_else(|error| {
                        tracing::debug!(%error, "redis did not take a reading");
                        0
                    })
                }
                None => 0,
            };
            // What came by NOTIFY is known to all who listen there.
            let is_new = !matches!(outgoing.reading, Payload::AnnotationChanged(_));
            if let (0, true, Some(store)) = (readers, is_new, &self.notify)
                && let Err(error) = store.notify(&outgoing.frame).await
            {
                self.instruments.events_not_carried.inc();
                tracing::debug!(%error, "postgresql did not take a reading");
            }
        }
    }
}
