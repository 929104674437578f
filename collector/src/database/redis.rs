//! Redis, part by part.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Seen;

/// All of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Redis {
    /// The server.
    pub server: Seen<RedisServer>,
    /// The slowest of its newest slow commands first.
    pub slow_log: Seen<Vec<SlowCommand>>,
}

/// What `INFO` says; what is counted is so since its start.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RedisServer {
    /// E.g. `7.0.15`.
    pub version: String,
    /// `master` or `slave`, in Redis' words.
    pub role: String,
    /// Since it started.
    pub uptime_seconds: u64,
    /// How long its answer took.
    pub answer_ms: f64,
    /// Memory that it has allocated.
    pub memory_used_bytes: u64,
    /// The most of it since its start.
    pub memory_peak_bytes: u64,
    /// Where it begins to drop keys or to refuse writes; 0: nowhere.
    pub memory_limit_bytes: u64,
    /// What it does then, e.g. `noeviction`.
    pub eviction_policy: String,
    /// Keys in all its databases.
    pub keys: u64,
    /// Connections of clients.
    pub connected_clients: u64,
    /// Those that wait for something, as with `BLPOP`.
    pub blocked_clients: u64,
    /// Lookups that found a key, in percent of all; `None` where there was none.
    pub hit_ratio: Option<f64>,
    /// Keys that were dropped for lack of memory.
    pub evicted_keys: u64,
    /// Keys that were dropped as their time was over.
    pub expired_keys: u64,
    /// Commands.
    pub commands: u64,
    /// Connections that were refused, for there were too many.
    pub rejected_connections: u64,
}

/// An entry of Redis' slow log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SlowCommand {
    /// When it ran.
    #[serde(with = "crate::rfc3339")]
    pub at: Timestamp,
    /// How long, without waiting.
    pub milliseconds: f64,
    /// Its name, the part of its key before the first colon, and for what follows `…`: keys and values
    /// may be secret.
    pub command: String,
}
