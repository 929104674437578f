//! Where what is pushed goes: to the collector, in this process or beside it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use collector::{Counting, Event, Running, Settings, Taken};
use prometheus_client::registry::Registry;

use super::{EventSink, Ingest, NotKept, Taker};

impl Ingest {
    /// Hands what is pushed to the collector of this process, or where that only shows, to the
    /// separate one.
    pub(crate) fn of(settings: &Settings, running: &Running, registry: &mut Registry) -> Self {
        let taker = match running.watched() {
            Some(watched) => Taker::Here {
                receiver: Arc::new(watched.receiver(settings.application.series_limit, registry)),
                sink: Arc::new(Counted(running.counting().cloned())),
            },
            None => Taker::There(Running::relay(settings)),
        };
        Self::new(settings, taker, settings.schedule.retention())
    }
}

/// Business events are counted.
struct Counted(Option<Counting>);

impl EventSink for Counted {
    fn keep(&self, events: Vec<Event>) -> Pin<Box<dyn Future<Output = Result<Taken, NotKept>> + Send + '_>> {
        Box::pin(async move {
            let counting = self.0.as_ref().ok_or_else(|| NotKept(Taken::OFF.to_owned()))?;
            Ok(counting.take(events).await)
        })
    }
}
