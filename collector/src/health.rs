//! Which of our own parts answer. How that is found out belongs to whoever talks to the part.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The state of every part, as `/readyz` answers it and the live feed sends it on a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// Samples arrive and can be kept. Redis is a cache: without it the system is still ready.
    pub ready: bool,
    /// Always in the same order: PostgreSQL, Redis, collector.
    pub parts: Vec<Part>,
}

impl Health {
    /// The health that these parts add up to.
    #[must_use]
    pub fn of(parts: Vec<Part>) -> Self {
        let ready = parts.iter().all(|part| part.name == PartName::Redis || part.state == PartState::Up);
        Self { ready, parts }
    }

    /// The part of this name.
    #[must_use]
    pub fn part(&self, name: PartName) -> Option<&Part> {
        self.parts.iter().find(|part| part.name == name)
    }
}

/// One part of the system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Which.
    pub name: PartName,
    /// Its state now.
    pub state: PartState,
    /// When it came into this state.
    #[serde(with = "crate::rfc3339")]
    pub since: Timestamp,
    /// When it last gave a sign of life; `None` if it never has.
    #[serde(with = "crate::rfc3339::option", default)]
    pub last_seen: Option<Timestamp>,
}

/// Names of the parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
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
        Part { name, state, since: Timestamp::UNIX_EPOCH, last_seen: None }
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
}
