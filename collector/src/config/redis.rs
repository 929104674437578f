//! Redis.

use serde::{Deserialize, Serialize};

use super::error::Invalid;
use super::secret::Secret;

/// `[redis]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Redis {
    /// False: run without Redis.
    pub enabled: bool,
    /// `redis://:password@host:port/database`, `rediss://` for TLS, `redis-cluster://` for a
    /// cluster. Empty: a private server in the data directory. `REDIS_URL` is honoured too.
    pub url: Secret,
    /// Used where the URL has none. `REDIS_PASSWORD` is honoured too.
    pub password: Secret,
}

impl Default for Redis {
    fn default() -> Self {
        Self { enabled: true, url: Secret::default(), password: Secret::default() }
    }
}

impl Redis {
    pub(super) fn check(&self) -> Result<(), Invalid> {
        match self.url.expose().map(fred::types::config::Config::from_url) {
            Some(Err(_)) => Err(Invalid::new(
                "redis.url",
                "(secret)",
                "use the form redis://:password@host:6379/0, with rediss:// for TLS",
            )),
            _ => Ok(()),
        }
    }
}
