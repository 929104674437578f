//! The only fan-out: whatever a source reads goes through [`Monitor::record`] and nowhere else.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc;

use crate::buffer::Buffer;
use crate::instruments::Instruments;
use crate::{Feed, Frame, PartName, PartState, Payload, System, SystemWindow};

/// Hands readings on: to the live feed, to the hot cache, and as samples to the buffer.
#[derive(Debug)]
pub struct Monitor {
    feed: Feed,
    outlet: mpsc::Sender<Outgoing>,
    window: Mutex<SystemWindow>,
    buffer: Arc<Buffer>,
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
        buffer: Arc<Buffer>,
        instruments: Instruments,
    ) -> Self {
        Self { feed, outlet, window: Mutex::new(SystemWindow::new(sample_seconds)), buffer, instruments }
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
        let sample = self.window().add(reading);
        self.keep(sample);
    }

    /// Keeps what has been read but is not a whole sample yet; for the end of the program.
    pub fn finish(&self) {
        let rest = self.window().take();
        self.keep(rest);
    }

    fn keep(&self, sample: Option<System>) {
        let Some(sample) = sample else { return };
        self.instruments.samples.inc();
        let given_up = self.buffer.push(sample);
        if given_up > 0 {
            self.instruments.samples_given_up.inc_by(given_up);
            tracing::error!(given_up, "the buffer is full: the oldest samples were lost");
        }
        self.instruments.buffered.set(i64::try_from(self.buffer.len()).unwrap_or(i64::MAX));
    }

    fn window(&self) -> std::sync::MutexGuard<'_, SystemWindow> {
        self.window.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
