//! The only fan-out: whatever a source reads goes through [`Monitor::record`] and nowhere else.

use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc;

use crate::buffer::{Buffer, Record};
use crate::instruments::Instruments;
use crate::sample::{Sample, admit};
use crate::{Feed, Frame, PartName, PartState, Payload, System, SystemWindow};

/// Hands readings on: to the live feed, to the hot cache, and as samples to the buffer.
#[derive(Debug)]
pub struct Monitor {
    feed: Feed,
    outlet: mpsc::Sender<Outgoing>,
    window: Mutex<SystemWindow>,
    buffer: Buffer,
    /// Nothing older comes in.
    retention: SignedDuration,
    instruments: Instruments,
}

/// A reading on its way out of the process.
#[derive(Debug)]
pub struct Outgoing {
    /// The reading.
    pub reading: System,
    /// The same as a live event.
    pub frame: Frame,
}

impl Monitor {
    /// A monitor that makes a sample of every `sample_seconds` of readings.
    #[must_use]
    pub fn new(
        feed: Feed,
        outlet: mpsc::Sender<Outgoing>,
        sample_seconds: f64,
        buffer: Buffer,
        retention: SignedDuration,
        instruments: Instruments,
    ) -> Self {
        Self { feed, outlet, window: Mutex::new(SystemWindow::new(sample_seconds)), buffer, retention, instruments }
    }

    /// Takes a reading. Never waits: a part that is slow or gone misses it, and nothing else does.
    pub fn record(&self, reading: System) {
        self.instruments.readings.inc();
        let at = reading.at;
        match self.feed.publish(Payload::System(Box::new(reading.clone())), at) {
            Ok(frame) => {
                if self.outlet.try_send(Outgoing { reading: reading.clone(), frame }).is_err() {
                    self.instruments.events_not_carried.inc();
                }
            }
            Err(error) => tracing::error!(%error, "a reading could not be written as json"),
        }
        self.feed.report(PartName::Collector, PartState::Up, at);
        let whole = self.window().add(reading);
        if let Some(whole) = whole {
            self.keep(whole.sample());
        }
    }

    /// Keeps what has been read but is not a whole sample yet; for the end of the program.
    pub fn finish(&self) {
        let rest = self.window().take();
        if let Some(rest) = rest {
            self.keep(rest.sample());
        }
    }

    /// Keeps what of a sample may come in.
    fn keep(&self, mut sample: Sample) {
        admit(&mut sample, Timestamp::now(), self.retention, |refusal| self.instruments.refuse(refusal, 1));
        if !sample.points.is_empty() {
            self.instruments.samples.inc();
            self.buffer.push(Record::Sample(sample));
        }
    }

    fn window(&self) -> std::sync::MutexGuard<'_, SystemWindow> {
        self.window.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
