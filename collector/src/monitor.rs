//! The only fan-out: whatever a source reads goes through [`Monitor::record`] and nowhere else.

use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc;

use crate::alerting::Alerting;
use crate::buffer::{Buffer, Record};
use crate::instruments::Instruments;
use crate::sample::{Sample, admit};
use crate::{Application, Business, Feed, Frame, PartName, PartState, Payload, System, SystemWindow};

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
    /// `None` where nothing is held against rules.
    alerting: Option<Alerting>,
}

/// A reading on its way out of the process.
#[derive(Debug)]
pub struct Outgoing {
    /// The reading.
    pub reading: Payload,
    /// The same as a live event.
    pub frame: Frame,
}

/// What a source has read.
#[derive(Clone, Debug)]
pub enum Reading {
    /// The host.
    System(System),
    /// The application, and what is kept of it only once a minute, when it is due.
    Application(Application, Option<Sample>),
    /// The business metrics, and whether they are to be kept and not only shown.
    Business(Business, bool),
    /// PostgreSQL and Redis: shown when somebody looks, and kept.
    Database(Sample),
    /// That a part of ours is in another state, as the host of this name sees it.
    Parts(String),
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
        let window = Mutex::new(SystemWindow::new(sample_seconds));
        Self { feed, outlet, window, buffer, retention, instruments, alerting: None }
    }

    /// The same, that holds every reading against rules.
    #[must_use]
    pub(crate) fn alerting(self, alerting: Alerting) -> Self {
        Self { alerting: Some(alerting), ..self }
    }

    /// Takes a reading. Never waits: a part that is slow or gone misses it, and nothing else does.
    pub fn record(&self, reading: Reading) {
        self.instruments.readings.inc();
        match reading {
            Reading::System(system) => {
                let at = system.at;
                self.show(Payload::System(Box::new(system.clone())), at);
                self.feed.report(PartName::Collector, PartState::Up, at);
                self.watch(&system.sample(), None, true);
                let whole = self.window().add(system);
                if let Some(whole) = whole {
                    self.keep(whole.sample());
                }
            }
            Reading::Application(application, details) => {
                let (at, sample) = (application.at, application.sample());
                self.show(Payload::Application(Box::new(application)), at);
                self.watch(&sample, details.as_ref(), false);
                self.keep(sample);
                if let Some(details) = details {
                    self.keep(details);
                }
            }
            Reading::Business(business, keep) => {
                let (at, sample) = (business.at, business.sample());
                self.show(Payload::Business(Box::new(business)), at);
                self.watch(&sample, None, false);
                if keep {
                    self.keep(sample);
                }
            }
            Reading::Database(sample) => {
                self.watch(&sample, None, false);
                self.feed.note_database(&sample);
                self.keep(sample);
            }
            Reading::Parts(host) => self.watch(&Sample { at: Timestamp::now(), host, points: Vec::new() }, None, true),
        }
    }

    /// Holds the numbers against the rules, with those that there are beside them at this moment.
    fn watch(&self, sample: &Sample, details: Option<&Sample>, with_parts: bool) {
        if let Some(alerting) = &self.alerting {
            let points = sample.points.iter().chain(details.into_iter().flat_map(|details| &details.points));
            self.tell(alerting.observe(&sample.host, points, with_parts, sample.at));
        }
    }

    /// Sends what happened to alerts.
    pub(crate) fn tell(&self, events: Vec<Payload>) {
        events.into_iter().for_each(|event| self.show(event, Timestamp::now()));
    }

    /// Sends a reading, or what else there is to know, to whoever watches now, here and elsewhere.
    pub(crate) fn show(&self, reading: Payload, at: Timestamp) {
        match self.feed.publish(reading.clone(), at) {
            Ok(frame) => {
                if self.outlet.try_send(Outgoing { reading, frame }).is_err() {
                    self.instruments.events_not_carried.inc();
                }
            }
            Err(error) => tracing::error!(%error, "a reading could not be written as json"),
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
