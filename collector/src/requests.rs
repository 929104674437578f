//! What an application's series say of its requests: which of them count requests, time them and
//! count connections, and what that was over the last minute. Nothing here reads or keeps
//! anything; time is an argument.
//!
//! [`Window`] is fed with what every instance exposes and answers the reading of them all.

mod durations;
mod increase;
mod names;
mod quantile;
mod ranking;
mod recognition;
mod routes;
mod window;

pub use quantile::histogram_quantile;
pub use window::{InstanceName, TooManyInstances, Window};

/// How an application calls its metrics where the known names do not fit; empty is as known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// The counter of requests, or a histogram of them.
    pub requests: String,
    /// The histogram of durations.
    pub durations: String,
    /// Unit of that histogram.
    pub unit: Unit,
    /// The gauge of open connections.
    pub connections: String,
    /// Label with the request's method.
    pub method: String,
    /// Label with the matched route.
    pub route: String,
    /// Label with the answer's status.
    pub status: String,
    /// Answers with this status and above have failed.
    pub failed_from: u16,
}

impl Default for Mapping {
    fn default() -> Self {
        Self {
            requests: String::new(),
            durations: String::new(),
            unit: Unit::default(),
            connections: String::new(),
            method: String::new(),
            route: String::new(),
            status: String::new(),
            failed_from: 500,
        }
    }
}

/// Units of durations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unit {
    /// Seconds.
    #[default]
    Seconds,
    /// Milliseconds.
    Milliseconds,
}

impl Unit {
    fn seconds(self, duration: f64) -> f64 {
        match self {
            Self::Seconds => duration,
            Self::Milliseconds => duration / 1_000.0,
        }
    }
}
