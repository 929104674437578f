//! The watched application: whatever its instances expose, scraped or pushed, goes into one window,
//! and a reading of that goes to the monitor at its time.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use prometheus_client::registry::Registry;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior};

use super::otlp::Receiver;
use super::scrape::{ScrapeError, instance_name, scrape_again};
use super::whole_milliseconds;
use crate::business::Counting;
use crate::config;
use crate::exposition::Parsed;
use crate::instruments::Instruments;
use crate::monitor::{Monitor, Reading};
use crate::requests::{InstanceName, TooManyInstances, Window};
use crate::top::{PLACES, Top};
use crate::{Exposition, Sample, Sentence};

/// What a scrape brings within so long is in the reading of the same tick, and no alert waits for the next one.
const SOON: Duration = Duration::from_millis(200);
/// How often the busiest routes are noted.
const BUSIEST: Duration = Duration::from_secs(10);
/// What is over the last minute is kept once a minute: more often it would be the same again.
const DETAILS: Duration = Duration::from_secs(60);

/// The application's instances. Clones are the same ones.
#[derive(Clone, Debug)]
pub struct Watched(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    window: Mutex<Window>,
    counting: Option<Counting>,
    instruments: Instruments,
}

impl Watched {
    /// The instances of the application of these settings, whose counters `counting` looks at too.
    #[must_use]
    pub(crate) fn new(settings: &config::Application, counting: Option<Counting>, instruments: Instruments) -> Self {
        let mut window = Window::new(settings.mapping());
        settings.targets.iter().for_each(|target| window.expect(&instance_name(target)));
        Self(Arc::new(Inner { window: Mutex::new(window), counting, instruments }))
    }

    /// Takes all that an instance exposed at one moment.
    ///
    /// # Errors
    ///
    /// When it pushes, is new, and too many push.
    pub fn observe(&self, name: &InstanceName, exposition: &Exposition) -> Result<(), TooManyInstances> {
        self.window().observe(name, exposition)?;
        if let Some(counting) = &self.0.counting {
            counting.look(&format!("{}/{}", name.job, name.instance), exposition);
        }
        Ok(())
    }

    /// Takes pushes by OTLP, of at most `series_limit` series of an instance.
    #[must_use]
    pub fn receiver(&self, series_limit: usize, registry: &mut Registry) -> Receiver {
        let watched = self.clone();
        Receiver::new(series_limit, registry, move |pusher, exposition| {
            let name = InstanceName { job: pusher.job.clone(), instance: pusher.instance.clone(), pushes: true };
            if let Err(error) = watched.observe(&name, &exposition) {
                tracing::warn!(job = name.job, instance = name.instance, %error, "what was pushed is left out");
            }
        })
    }

    /// Takes the outcome of a scrape.
    fn scraped(&self, name: &InstanceName, outcome: Result<Parsed, ScrapeError>) {
        let succeeded = outcome.is_ok();
        self.0.instruments.scraped(succeeded);
        let parsed = match outcome {
            Ok(parsed) => parsed,
            Err(error) => {
                tracing::debug!(job = name.job, instance = name.instance, %error, "the application was not scraped");
                return self.window().fail(name, Sentence::of(&error));
            }
        };
        for (reason, count) in parsed.left_out.by_reason() {
            self.0.instruments.leave_out(reason, count);
        }
        let left_out = parsed.left_out.total();
        if left_out > 0 {
            tracing::warn!(job = name.job, instance = name.instance, left_out, "series over the limits were left out");
        }
        if let Err(error) = self.observe(name, &parsed.exposition) {
            self.window().fail(name, Sentence::of(&error));
        }
    }

    fn window(&self) -> MutexGuard<'_, Window> {
        self.0.window.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Scrapes the targets and gives the monitor a reading every `interval`, and now and then the
/// busiest routes to `top`, for ever.
pub(crate) async fn watch_application(
    watched: Watched,
    settings: config::Application,
    interval: Duration,
    monitor: Arc<Monitor>,
    top: Top,
    host: String,
) {
    let (limits, body) = (settings.limits(), settings.body_limit_bytes());
    // Targets that are not being scraped, each with its scraper.
    let mut idle: Vec<_> = settings.targets.iter().map(|target| (target.clone(), None)).collect();
    let mut scrapes = JoinSet::new();
    let mut ticks = tokio::time::interval(interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut detailed = Instant::now();
    let mut noted: Option<Instant> = None;
    loop {
        ticks.tick().await;
        while let Some(ended) = scrapes.try_join_next() {
            idle.extend(ended.ok());
        }
        // A scrape that takes longer than the interval puts the next one off.
        for (target, mut scraper) in idle.drain(..) {
            let watched = watched.clone();
            scrapes.spawn(async move {
                let outcome = scrape_again(&mut scraper, &target, limits, body).await;
                watched.scraped(&instance_name(&target), outcome);
                (target, scraper)
            });
        }
        let all = async {
            while let Some(ended) = scrapes.join_next().await {
                idle.extend(ended.ok());
            }
        };
        let _ = tokio::time::timeout(SOON, all).await;
        let (reading, details) = {
            let mut window = watched.window();
            let reading = window.read(whole_milliseconds(Timestamp::now()), &host);
            if !reading.instances.is_empty() && noted.is_none_or(|noted| noted.elapsed() >= BUSIEST) {
                let busiest = window.busiest(reading.at, PLACES);
                // Soon after the start there is none yet.
                noted = Some(Instant::now()).filter(|_| !busiest.is_empty());
                top.note_routes(busiest, reading.at);
            }
            let is_due = detailed.elapsed() >= DETAILS;
            let details: Option<Sample> = is_due.then(|| reading.details(&window.counted()));
            (reading, details)
        };
        if details.is_some() {
            detailed = Instant::now();
        }
        // Nothing is scraped and nothing has pushed: there is no application.
        if !reading.instances.is_empty() {
            monitor.record(Reading::Application(reading, details));
        }
    }
}
