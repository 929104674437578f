//! What the page knows, as signals, and how events change it. Panels read these signals; nothing
//! but `connection` talks to the server about them.

pub mod backoff;
#[cfg_attr(feature = "hydrate", path = "live/connection.rs")]
#[cfg_attr(not(feature = "hydrate"), path = "live/no_connection.rs")]
mod connection;
pub mod frame;
mod past;
mod verdict;

use collector::alert::{Alert, AlertPast};
use collector::{
    APPLICATION_SPAN_SECONDS, Application, Business, GraphPoint, Health, LiveEvent, Marks, PartName, PartState,
    Payload, Snapshot, System,
};
use jiff::Timestamp;
use leptos::prelude::*;

pub use connection::connect;
pub use past::{Past, Subject};
pub use verdict::{Severity, Verdict};

use crate::format::{self, Zone};
use crate::locale::Locale;
use crate::range::{Look, Range};

/// Seconds of the past on a page.
pub const SPAN_SECONDS: i64 = 15 * 60;
/// A reading of the application is of its last minute, and is taken every few seconds.
const APPLICATION_LASTS_SECONDS: f64 = 90.0;
/// One of the business metrics is taken every minute.
const BUSINESS_LASTS_SECONDS: f64 = 200.0;

/// The page's link to the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Link {
    /// There is none (yet): the page shows what it was delivered with.
    #[default]
    None,
    /// Events arrive as they happen.
    Live,
    /// There was one until then.
    Lost(Timestamp),
}

/// Everything live on a page. One per page, in context; a copy is the same store.
#[derive(Clone, Copy, Debug)]
pub struct LiveStore {
    /// Whether anything was ever learned from the server.
    pub loaded: RwSignal<bool>,
    /// The link to the server.
    pub link: RwSignal<Link>,
    /// The newest reading of the host.
    pub system: RwSignal<Option<System>>,
    /// The host's last 15 minutes, and more where the range is longer.
    host_past: Past,
    /// The newest reading of the application.
    pub application: RwSignal<Option<Application>>,
    /// The application's last hour, and more where the range is longer.
    application_past: Past,
    /// The newest reading of the business metrics.
    pub business: RwSignal<Option<Business>>,
    /// What fires, and what did.
    pub alerts: RwSignal<Alerts>,
    /// What of the past the graphs show.
    pub look: Signal<Look>,
    /// What they show besides their lines.
    pub marks: RwSignal<Marks>,
    /// The state of the parts.
    pub health: RwSignal<Option<Health>>,
    /// The server's clock, moved on every second in the browser.
    pub now: RwSignal<Timestamp>,
    /// What the server draws of the page, as markup.
    pub drawn: RwSignal<String>,
    /// The zone to show times in.
    pub zone: RwSignal<Zone>,
    /// The language of the page.
    pub locale: Locale,
    /// Seconds between two readings.
    pub push_seconds: RwSignal<f64>,
    /// Number of the newest event seen, and of the newest that said something of health or alerts.
    seen: StoredValue<(u64, u64)>,
}

/// What fires, and what did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Alerts {
    /// Those that fire, the worst first.
    pub active: Vec<Alert>,
    /// What fired before; `None` where that is not known.
    pub past: Option<AlertPast>,
    /// How often any of it has changed.
    pub changes: usize,
}

/// What an event leaves to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing.
    Nothing,
    /// Events were missed: a snapshot is needed to fill the hole.
    Snapshot,
    /// What only a snapshot has is another: one is needed with the next second.
    Soon,
}

impl LiveStore {
    /// A store that knows nothing, of a page in this language whose graphs show `look`.
    #[must_use]
    pub fn new(look: Signal<Look>, locale: Locale) -> Self {
        Self {
            loaded: RwSignal::new(false),
            link: RwSignal::new(Link::None),
            system: RwSignal::new(None),
            host_past: Past::new(SPAN_SECONDS),
            application: RwSignal::new(None),
            application_past: Past::new(APPLICATION_SPAN_SECONDS),
            business: RwSignal::new(None),
            alerts: RwSignal::new(Alerts::default()),
            look,
            marks: RwSignal::new(Marks::default()),
            health: RwSignal::new(None),
            now: RwSignal::new(Timestamp::UNIX_EPOCH),
            drawn: RwSignal::new(String::new()),
            zone: RwSignal::new(Zone::Utc),
            locale,
            push_seconds: RwSignal::new(2.0),
            seen: StoredValue::new((0, 0)),
        }
    }

    /// The number to resume the feed after.
    #[must_use]
    pub fn seq(self) -> u64 {
        self.seen.get_value().0
    }

    /// Takes in a snapshot: the first one as it is, a later one only where it knows more.
    pub fn seed(self, snapshot: &Snapshot) {
        let (seq, state_seq) = self.seen.get_value();
        if snapshot.seq >= state_seq {
            self.health.set(Some(snapshot.health.clone()));
            self.alerts.update(|alerts| {
                (alerts.active, alerts.past) = (snapshot.alerts.clone(), snapshot.alert_past);
                alerts.changes += 1;
            });
        }
        if !snapshot.drawn.is_empty() {
            self.drawn.set(snapshot.drawn.clone());
        }
        self.seen.set_value((seq.max(snapshot.seq), state_seq.max(snapshot.seq)));
        self.push_seconds.set(snapshot.push_seconds);
        if let Some(system) = &snapshot.system {
            take(self.system, system.clone(), |system| system.at);
        }
        if let Some(application) = &snapshot.application {
            take(self.application, application.clone(), |application| application.at);
        }
        if let Some(business) = &snapshot.business {
            take(self.business, business.clone(), |business| business.at);
        }
        self.host_past.seed(&snapshot.history);
        self.application_past.seed(&snapshot.application_history);
        // Else it is the answer to what was asked for before the viewer looked at something else.
        if self.look.get_untracked().search() == snapshot.look {
            self.host_past.look_back(snapshot.past.as_ref(), snapshot.compared.as_ref());
            self.application_past.look_back(snapshot.application_past.as_ref(), snapshot.application_compared.as_ref());
            self.marks.set(snapshot.marks.clone());
        }
        if !self.loaded.get_untracked() {
            self.now.set(snapshot.at);
            self.loaded.set(true);
        }
    }

    /// The past of one or the other.
    #[must_use]
    pub fn past(self, of: Subject) -> Past {
        match of {
            Subject::Host => self.host_past,
            Subject::Application => self.application_past,
        }
    }

    /// The end of the time that live graphs show: with no reading for a while it is now, so that the
    /// gap is seen to grow.
    #[must_use]
    pub fn end(self) -> Option<Timestamp> {
        let is_old = self.look.with(|look| look.range == Range::Live) && self.is_stale();
        is_old.then(|| self.now.get())
    }

    /// Whether PostgreSQL had its say in the longer pasts that are shown.
    #[must_use]
    pub fn is_past_complete(self) -> bool {
        self.host_past.is_complete() && self.application_past.is_complete()
    }

    /// Takes in an event of the feed.
    pub fn apply(self, event: LiveEvent) -> Next {
        let (seq, state_seq) = self.seen.get_value();
        let mut next = match &event.payload {
            // What follows a resumed greeting closes the gap itself.
            Payload::Hello(hello) if hello.resumed || event.seq == seq => Next::Nothing,
            Payload::Hello(_) => Next::Snapshot,
            Payload::AnnotationChanged(_) => Next::Soon,
            _ if event.seq > seq + 1 => Next::Snapshot,
            _ => Next::Nothing,
        };
        let is_state = !matches!(
            event.payload,
            Payload::Hello(_)
                | Payload::System(_)
                | Payload::Application(_)
                | Payload::Business(_)
                | Payload::AnnotationChanged(_)
        );
        match event.payload {
            // The greeting repeats the number of an event that may still have to come.
            Payload::Hello(hello) if hello.resumed => return next,
            Payload::Hello(_) | Payload::AnnotationChanged(_) => {}
            Payload::System(system) => {
                self.host_past.insert(GraphPoint::from(system.as_ref()));
                take(self.system, *system, |system| system.at);
            }
            Payload::Application(application) => {
                self.application_past.insert(GraphPoint::from(application.as_ref()));
                take(self.application, *application, |application| application.at);
            }
            Payload::Business(business) => take(self.business, *business, |business| business.at),
            _ if event.seq < state_seq => {}
            // One that is over since does not come back.
            Payload::AlertChanged(alert) if !self.fires(&alert.id) => {}
            Payload::AlertChanged(alert) => self.set_alert(*alert),
            Payload::AlertNew(alert) | Payload::AlertResolved(alert) => {
                self.set_alert(*alert);
                // The graphs show it too.
                next = Next::Snapshot;
            }
            Payload::Health(health) => self.health.set(Some(health)),
        }
        self.seen.set_value((seq.max(event.seq), if is_state { state_seq.max(event.seq) } else { state_seq }));
        next
    }

    fn fires(self, id: &str) -> bool {
        self.alerts.with_untracked(|alerts| alerts.active.iter().any(|alert| alert.id == id))
    }

    /// An alert fires, or is over.
    fn set_alert(self, alert: Alert) {
        let fires = alert.resolved_at.is_none();
        self.alerts.update(|Alerts { active, past, changes }| {
            *changes += 1;
            let is_new = !active.iter().any(|known| known.id == alert.id);
            if let Some(past) = past.as_mut().filter(|_| fires && is_new) {
                past.count(&alert);
            }
            active.retain(|known| known.id != alert.id);
            if fires {
                let place = active.iter().position(|known| alert.rank() < known.rank());
                active.insert(place.unwrap_or(active.len()), alert);
            }
        });
    }

    /// Whether the page is in Japanese.
    #[must_use]
    pub fn is_japanese(self) -> bool {
        self.locale == Locale::Ja
    }

    /// What of both is for this page; before a collector said it in Japanese, it was in English alone.
    #[must_use]
    // In the page's WASM once.
    #[inline(never)]
    pub fn said(self, en: &Option<String>, ja: &Option<String>) -> Option<String> {
        if self.is_japanese() && ja.is_some() { ja.clone() } else { en.clone() }
    }

    /// Age of the newest reading in seconds, never below 0.
    #[must_use]
    pub fn age_seconds(self) -> Option<u64> {
        let at = of(self.system, |system| Some(system.at))?;
        let age = self.now.get().duration_since(at);
        Some(u64::try_from(age.as_secs()).unwrap_or(0))
    }

    /// Whether the newest reading is older than it should be.
    #[must_use]
    pub fn is_stale(self) -> bool {
        let at = of(self.system, |system| Some(system.at));
        self.is_older(at, self.push_seconds.get() * 3.0 + 2.0)
    }

    /// When the newest reading of the application was, where that is longer ago than it should be.
    #[must_use]
    pub fn stale_application(self) -> Option<Timestamp> {
        let at = of(self.application, |application| Some(application.at));
        at.filter(|_| self.is_older(at, APPLICATION_LASTS_SECONDS))
    }

    /// The same of the business metrics.
    #[must_use]
    pub fn stale_business(self) -> Option<Timestamp> {
        let at = of(self.business, |business| Some(business.at));
        at.filter(|_| self.is_older(at, BUSINESS_LASTS_SECONDS))
    }

    fn is_older(self, at: Option<Timestamp>, seconds: f64) -> bool {
        at.is_some_and(|at| format::milliseconds(self.now.get()) - format::milliseconds(at) > seconds * 1_000.0)
    }

    /// What to say about it all.
    #[must_use]
    pub fn verdict(self) -> Verdict {
        let since = |name, state| {
            self.health.with(|health| {
                let part = health.as_ref()?.part(name).filter(|part| part.state == state)?;
                Some(part.since)
            })
        };
        Verdict::of(&verdict::Known {
            link: self.link.get(),
            now: self.now.get(),
            age_seconds: self.age_seconds(),
            stale: self.is_stale(),
            collector_down: since(PartName::Collector, PartState::Down),
            given_up: self.health.with(|health| {
                let unsaved = health.as_ref()?.unsaved?;
                Some((unsaved.records_given_up, unsaved.given_up_at?))
            }),
            postgresql_down: since(PartName::Postgresql, PartState::Down),
            paging_error: of(self.health, |health| self.said(&health.paging_error, &health.paging_error_ja)),
            application_down: of(self.application, |application| {
                // One that never answered may not be there yet.
                let instances = application.instances.iter().filter(|instance| instance.last_seen.is_some());
                (instances.clone().filter(|instance| !instance.up).count(), instances.count())
            }),
            redis_down: since(PartName::Redis, PartState::Down),
            alert: self.alerts.with(|Alerts { active, .. }| {
                // What is meant to be quiet is no news here.
                let is_loud = |alert: &&Alert| {
                    !matches!(&alert.quiet, Some(quiet) if quiet.why != collector::alert::QuietBy::Flapping)
                };
                let worst = active.iter().find(is_loud)?;
                let message = if self.is_japanese() { &worst.message_ja } else { &worst.message };
                Some(verdict::Worst {
                    severity: worst.severity,
                    rule: worst.rule_name.clone(),
                    message: message.clone(),
                    since: worst.fired_at,
                    others: active.iter().filter(is_loud).count() - 1,
                })
            }),
        })
    }
}

/// What a reading says, the default where there is none.
pub fn of<R: Send + Sync + 'static, T: Default>(reading: RwSignal<Option<R>>, read: impl FnOnce(&R) -> T) -> T {
    let (mut read, mut said) = (Some(read), T::default());
    with(reading, &mut |reading| {
        if let Some(read) = read.take() {
            said = read(reading);
        }
    });
    said
}

// Apart from the above, for it is the larger part, and this one is in the page once for each kind.
fn with<R: Send + Sync + 'static>(reading: RwSignal<Option<R>>, read: &mut dyn FnMut(&R)) {
    reading.with(|reading| {
        if let Some(reading) = reading {
            read(reading);
        }
    });
}

/// Keeps a reading, unless a newer one is known.
fn take<T: Send + Sync + 'static>(known: RwSignal<Option<T>>, reading: T, at: fn(&T) -> Timestamp) {
    if known.with_untracked(|known| known.as_ref().is_none_or(|known| at(&reading) > at(known))) {
        known.set(Some(reading));
    }
}

#[cfg(test)]
mod tests;
