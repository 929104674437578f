//! Which of our own parts answer. How that is found out belongs to whoever talks to the part.

mod fault;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use fault::PartFault;

/// The state of every part, as `/readyz` answers it and the live feed sends it on a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Health {
    /// Samples arrive and can be kept. Redis is a cache: without it the system is still ready.
    pub ready: bool,
    /// Always in the same order: PostgreSQL, Redis, collector.
    pub parts: Vec<Part>,
    /// What waits for PostgreSQL; `None` where this process takes no samples.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unsaved: Option<Backlog>,
    /// Why the newest file of alert rules was not taken; those before it still hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules_error: Option<String>,
    /// The same in Japanese.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules_error_ja: Option<String>,
    /// Why alerts may reach nobody: a receiver that takes no message, or a fire drill that failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paging_error: Option<String>,
    /// The same in Japanese.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paging_error_ja: Option<String>,
}

/// What was sampled and is not yet in PostgreSQL.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Backlog {
    /// Samples and snapshots that wait.
    pub records: u64,
    /// What they take up on disk.
    pub bytes: u64,
    /// Since when there has always been something that waits; `None` while nothing does.
    #[serde(with = "crate::rfc3339::option", default)]
    pub since: Option<Timestamp>,
    /// Samples and snapshots that are lost, since the start, because there was no room for them.
    pub records_given_up: u64,
    /// When the last of them was given up.
    #[serde(with = "crate::rfc3339::option", default)]
    pub given_up_at: Option<Timestamp>,
}

impl Backlog {
    /// The backlog at `now`, when so much waits and so much was given up since the start.
    #[must_use]
    pub fn next(self, records: u64, bytes: u64, records_given_up: u64, now: Timestamp) -> Self {
        let since = (records > 0).then(|| self.since.unwrap_or(now));
        let given_up_at = if records_given_up > self.records_given_up { Some(now) } else { self.given_up_at };
        Self { records, bytes, since, records_given_up, given_up_at }
    }
}

impl Health {
    /// The health that these parts add up to.
    #[must_use]
    pub fn of(parts: Vec<Part>) -> Self {
        let ready = parts.iter().all(|part| part.name == PartName::Redis || part.state == PartState::Up);
        Self {
            ready,
            parts,
            unsaved: None,
            rules_error: None,
            rules_error_ja: None,
            paging_error: None,
            paging_error_ja: None,
        }
    }

    /// The part of this name.
    #[must_use]
    pub fn part(&self, name: PartName) -> Option<&Part> {
        self.parts.iter().find(|part| part.name == name)
    }

    /// Whether the part of this name is there and up.
    #[must_use]
    pub fn is_up(&self, name: PartName) -> bool {
        self.part(name).is_some_and(|part| part.state == PartState::Up)
    }

    /// Whether it answers what it is asked about itself: see [`Part::answers`].
    #[must_use]
    pub fn answers(&self, name: PartName) -> bool {
        self.part(name).is_some_and(Part::answers)
    }
}

/// One part of the system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Part {
    /// Which.
    pub name: PartName,
    /// Its state now.
    pub state: PartState,
    /// What is wrong with it; `None` unless it is down, or where that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<PartFault>,
    /// When it came into this state.
    #[serde(with = "crate::rfc3339")]
    pub since: Timestamp,
    /// When it last gave a sign of life; `None` if it never has.
    #[serde(with = "crate::rfc3339::option", default)]
    pub last_seen: Option<Timestamp>,
}

impl Part {
    /// Whether it answers what it is asked about itself.
    #[must_use]
    pub fn answers(&self) -> bool {
        self.state == PartState::Up || self.fault.is_some_and(PartFault::still_answers)
    }
}

/// Names of the parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum PartName {
    /// The history.
    Postgresql,
    /// The hot values.
    Redis,
    /// Whatever takes the samples, in this process or another.
    Collector,
}

impl PartName {
    /// As in JSON and in `/metrics`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Postgresql => "postgresql",
            Self::Redis => "redis",
            Self::Collector => "collector",
        }
    }
}

/// What a part can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum PartState {
    /// It answers.
    Up,
    /// It should answer and does not.
    Down,
    /// It is switched off, or there is none to be had on this machine.
    Off,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(name: PartName, state: PartState) -> Part {
        Part { name, state, fault: None, since: Timestamp::UNIX_EPOCH, last_seen: None }
    }

    #[test]
    fn ready_needs_postgresql_and_samples_but_not_redis() {
        use PartName::{Collector, Postgresql, Redis};
        use PartState::{Down, Off, Up};
        for (postgresql, redis, collector, ready) in [
            (Up, Up, Up, true),
            (Up, Down, Up, true),
            (Up, Off, Up, true),
            (Down, Up, Up, false),
            (Up, Up, Down, false),
        ] {
            let parts = vec![part(Postgresql, postgresql), part(Redis, redis), part(Collector, collector)];
            assert_eq!(Health::of(parts).ready, ready, "{postgresql:?} {redis:?} {collector:?}");
        }
    }

    #[test]
    fn a_backlog_knows_since_when_it_waits_and_when_something_was_lost() {
        let at = |second| Timestamp::new(second, 0).unwrap();
        let waiting = Backlog::default().next(3, 100, 0, at(10)).next(9, 300, 0, at(20));
        assert_eq!((waiting.since, waiting.given_up_at), (Some(at(10)), None));
        let lost = waiting.next(9, 300, 5, at(30)).next(9, 300, 5, at(40));
        assert_eq!((lost.records_given_up, lost.given_up_at), (5, Some(at(30))));
        let saved = lost.next(0, 0, 5, at(50));
        assert_eq!((saved.since, saved.given_up_at), (None, Some(at(30))));
        assert_eq!(saved.next(1, 10, 5, at(60)).since, Some(at(60)));
    }

    #[test]
    fn a_health_without_a_backlog_is_read_as_before() {
        let health: Health = serde_json::from_str(r#"{"ready":true,"parts":[]}"#).unwrap();
        assert_eq!(health, Health::of(Vec::new()));
    }
}
