//! Where what is pushed goes: to the collector in this process.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use collector::otlp::Receiver;
use collector::requests::InstanceName;
use collector::{Counting, Event, Running, Settings};
use prometheus_client::registry::Registry;

use super::{EventSink, Ingest, Kept, NotKept};

impl Ingest {
    /// Hands what is pushed to the collector of this process; `None` where a separate one takes
    /// the samples.
    pub(crate) fn of(settings: &Settings, running: &Running, registry: &mut Registry) -> Option<Self> {
        let (watched, counting) = (running.watched()?.clone(), running.counting().cloned());
        let receiver = Receiver::new(settings.application.series_limit, registry, move |pusher, exposition| {
            let name = InstanceName { job: pusher.job.clone(), instance: pusher.instance.clone(), pushes: true };
            if let Err(error) = watched.observe(&name, &exposition) {
                tracing::warn!(job = name.job, instance = name.instance, %error, "what was pushed is left out");
            }
        });
        let sink = Arc::new(Counted(counting));
        Some(Self::new(settings, Arc::new(receiver), sink, settings.schedule.retention()))
    }
}

/// Business events are counted.
struct Counted(Option<Counting>);

impl EventSink for Counted {
    fn keep(&self, events: Vec<Event>) -> Pin<Box<dyn Future<Output = Result<Kept, NotKept>> + Send + '_>> {
        Box::pin(async move {
            let off = || NotKept("business events are switched off; set business.enabled to true".to_owned());
            let taken = self.0.as_ref().ok_or_else(off)?.take(events).await;
            Ok(Kept { accepted: taken.accepted, repeated: taken.repeated })
        })
    }
}
