//! What the page knows, as signals, and how events change it. Panels read these signals; nothing
//! but `connection` talks to the server about them.

pub mod backoff;
#[cfg_attr(feature = "hydrate", path = "live/connection.rs")]
#[cfg_attr(not(feature = "hydrate"), path = "live/no_connection.rs")]
mod connection;
pub mod frame;
mod verdict;

use collector::{Health, History, LiveEvent, PartName, PartState, Payload, Snapshot, System, SystemPoint};
use jiff::Timestamp;
use leptos::prelude::*;

pub use connection::connect;
pub use verdict::{Severity, Verdict};

use crate::format::{self, Zone};
use crate::range::Range;

/// Seconds of the past on a page.
pub const SPAN_SECONDS: i64 = 15 * 60;

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
    /// The host's last 15 minutes.
    pub history: RwSignal<History>,
    /// How far back the graphs look.
    pub range: Signal<Range>,
    /// The host's past as far back, where that is further than `history`.
    pub past: RwSignal<Option<History>>,
    /// The state of the parts.
    pub health: RwSignal<Option<Health>>,
    /// The server's clock, moved on every second in the browser.
    pub now: RwSignal<Timestamp>,
    /// The zone to show times in.
    pub zone: RwSignal<Zone>,
    /// Seconds between two readings.
    pub push_seconds: RwSignal<f64>,
    /// Number of the newest event seen, and of the newest that said something about the health.
    seen: StoredValue<(u64, u64)>,
}

/// What an event leaves to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing.
    Nothing,
    /// Events were missed: a snapshot is needed to fill the hole.
    Snapshot,
}

impl LiveStore {
    /// A store that knows nothing, of a page that looks back over `range`.
    #[must_use]
    pub fn new(range: Signal<Range>) -> Self {
        Self {
            loaded: RwSignal::new(false),
            link: RwSignal::new(Link::None),
            system: RwSignal::new(None),
            history: RwSignal::new(History::new(SPAN_SECONDS)),
            range,
            past: RwSignal::new(None),
            health: RwSignal::new(None),
            now: RwSignal::new(Timestamp::UNIX_EPOCH),
            zone: RwSignal::new(Zone::Utc),
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
        let (seq, health_seq) = self.seen.get_value();
        if snapshot.seq >= health_seq {
            self.health.set(Some(snapshot.health.clone()));
        }
        self.seen.set_value((seq.max(snapshot.seq), health_seq.max(snapshot.seq)));
        self.push_seconds.set(snapshot.push_seconds);
        let newest = self.system.with_untracked(|known| known.as_ref().map(|system| system.at));
        if let Some(system) = &snapshot.system
            && newest.is_none_or(|newest| system.at > newest)
        {
            self.system.set(Some(system.clone()));
        }
        // An answer to what was asked for before the range was changed is none.
        let seconds = self.range.get_untracked().seconds();
        if let Some(past) = snapshot.past.as_ref().filter(|past| past.span_seconds() == seconds) {
            self.past.set(Some(past.clone()));
        }
        if self.loaded.get_untracked() {
            self.history.update(|history| history.merge(&snapshot.history));
        } else {
            self.history.set(snapshot.history.clone());
            self.now.set(snapshot.at);
            self.loaded.set(true);
        }
    }

    /// Reads the past that the graphs show.
    pub fn with_viewed<T>(self, read: impl FnOnce(&History) -> T) -> T {
        self.past.with(|past| match past {
            Some(past) => read(past),
            None => self.history.with(read),
        })
    }

    /// Takes in an event of the feed.
    pub fn apply(self, event: LiveEvent) -> Next {
        let (seq, health_seq) = self.seen.get_value();
        let next = match &event.payload {
            // What follows a resumed greeting closes the gap itself.
            Payload::Hello(hello) if hello.resumed || event.seq == seq => Next::Nothing,
            Payload::Hello(_) => Next::Snapshot,
            _ if event.seq > seq + 1 => Next::Snapshot,
            _ => Next::Nothing,
        };
        match event.payload {
            // The greeting repeats the number of an event that may still have to come.
            Payload::Hello(hello) if hello.resumed => return next,
            Payload::Hello(_) => {}
            Payload::System(system) => {
                let point = SystemPoint::from(system.as_ref());
                if self.system.with_untracked(|known| known.as_ref().is_none_or(|known| system.at > known.at)) {
                    self.system.set(Some(*system));
                }
                self.history.update(|history| history.insert(point));
            }
            Payload::Health(health) if event.seq >= health_seq => {
                self.health.set(Some(health));
                self.seen.set_value((seq, event.seq));
            }
            Payload::Health(_) | Payload::Application(_) | Payload::Business(_) => {}
        }
        self.seen.update_value(|seen| seen.0 = seen.0.max(event.seq));
        next
    }

    /// Age of the newest reading in seconds, never below 0.
    #[must_use]
    pub fn age_seconds(self) -> Option<u64> {
        let at = self.system.with(|system| system.as_ref().map(|system| system.at))?;
        let age = self.now.get().duration_since(at);
        Some(u64::try_from(age.as_secs()).unwrap_or(0))
    }

    /// Whether the newest reading is older than it should be.
    #[must_use]
    pub fn is_stale(self) -> bool {
        let at = self.system.with(|system| system.as_ref().map(|system| system.at));
        let limit = self.push_seconds.get() * 3_000.0 + 2_000.0;
        at.is_some_and(|at| format::milliseconds(self.now.get()) - format::milliseconds(at) > limit)
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
            postgresql_down: since(PartName::Postgresql, PartState::Down),
            redis_down: since(PartName::Redis, PartState::Down),
        })
    }
}

#[cfg(test)]
mod tests {
    use collector::Hello;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::new(second, 0).unwrap()
    }

    fn reading(second: i64) -> System {
        System { at: at(second), cpu_usage: Some(1.0), ..System::default() }
    }

    fn event(seq: u64, second: i64) -> LiveEvent {
        LiveEvent { seq, at: at(second), payload: Payload::System(Box::new(reading(second))) }
    }

    fn snapshot(seq: u64, seconds: std::ops::Range<i64>) -> Snapshot {
        let mut history = History::new(SPAN_SECONDS);
        seconds.clone().for_each(|second| history.insert(SystemPoint::from(&reading(second))));
        Snapshot {
            at: at(seconds.end),
            seq,
            push_seconds: 1.0,
            system: seconds.last().map(reading),
            history,
            past: None,
            application: None,
            application_history: History::new(3_600),
            application_past: None,
            business: None,
            health: Health::of(Vec::new()),
        }
    }

    fn with_store(test: impl FnOnce(LiveStore)) {
        Owner::new().with(|| test(LiveStore::new(Signal::stored(Range::Hour))));
    }

    #[test]
    fn events_in_a_row_need_nothing_and_a_jump_needs_a_snapshot() {
        with_store(|store| {
            store.seed(&snapshot(10, 0..10));
            assert_eq!(store.apply(event(11, 10)), Next::Nothing);
            assert_eq!(store.apply(event(11, 10)), Next::Nothing);
            assert_eq!(store.apply(event(14, 13)), Next::Snapshot);
            store.seed(&snapshot(15, 0..15));
            assert_eq!(store.seq(), 15);
            assert_eq!(store.history.with_untracked(|history| history.points().len()), 15);
        });
    }

    #[test]
    fn the_past_of_another_range_is_not_shown() {
        with_store(|store| {
            for (seconds, shown) in [(86_400, SPAN_SECONDS), (3_600, 3_600)] {
                store.seed(&Snapshot { past: Some(History::new(seconds)), ..snapshot(10, 0..10) });
                assert_eq!(store.with_viewed(History::span_seconds), shown);
            }
        });
    }

    #[test]
    fn an_old_snapshot_takes_nothing_back() {
        with_store(|store| {
            store.seed(&snapshot(10, 0..10));
            store.apply(event(11, 50));
            store.seed(&snapshot(9, 0..9));
            assert_eq!(store.seq(), 11);
            assert_eq!(store.system.with_untracked(|system| system.as_ref().unwrap().at), at(50));
        });
    }

    #[test]
    fn a_greeting_that_could_not_resume_needs_a_snapshot() {
        let hello = |seq, resumed| LiveEvent { seq, at: at(0), payload: Payload::Hello(Hello { resumed }) };
        with_store(|store| {
            store.seed(&snapshot(10, 0..10));
            assert_eq!(store.apply(hello(13, true)), Next::Nothing);
            assert_eq!(store.apply(event(11, 11)), Next::Nothing, "the backlog follows the greeting");
            assert_eq!(store.apply(hello(11, false)), Next::Nothing, "nothing was missed");
            assert_eq!(store.apply(hello(900, false)), Next::Snapshot);
            assert_eq!(store.apply(event(901, 12)), Next::Nothing);
        });
    }

    #[test]
    fn a_reading_is_stale_after_three_pushes_and_two_seconds() {
        with_store(|store| {
            store.seed(&snapshot(10, 0..10));
            for (now, stale) in [(10, false), (14, false), (15, true)] {
                store.now.set(at(now));
                assert_eq!(store.is_stale(), stale, "{now}");
            }
        });
    }
}
