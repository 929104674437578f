//! PostgreSQL.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::error::Invalid;
use super::secret::Secret;

/// `[database]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Database {
    /// `postgres://user:password@host:port/database?sslmode=verify-full`. Empty: a private server
    /// in the data directory. `DATABASE_URL` is honoured too.
    pub url: Secret,
    /// Connections kept open.
    pub pool_min: u32,
    /// Connections at the most, beside the one that finds out whether PostgreSQL can be used.
    pub pool_max: u32,
    /// An idle connection over `pool_min` is closed after this time.
    #[serde(with = "super::load::duration")]
    pub idle_timeout: Duration,
    /// How long a connection may take to be had before PostgreSQL counts as not answering.
    #[serde(with = "super::load::duration")]
    pub connect_timeout: Duration,
    /// Whether PostgreSQL itself, our connections to it and Redis are sampled, as often as the host is.
    pub watch: bool,
}

impl Default for Database {
    fn default() -> Self {
        Self {
            url: Secret::default(),
            pool_min: 10,
            pool_max: 50,
            idle_timeout: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(5),
            watch: true,
        }
    }
}

impl Database {
    pub(super) fn check(&self) -> Result<(), Invalid> {
        if self.pool_max == 0 || self.pool_max < self.pool_min {
            return Err(Invalid::new(
                "database.pool_max",
                self.pool_max,
                format!("use at least database.pool_min, which is {}, and at least 1", self.pool_min),
            ));
        }
        Invalid::unless_between("database.connect_timeout", self.connect_timeout, 1, 300)?;
        Invalid::unless_between("database.idle_timeout", self.idle_timeout, 1, 86_400)
    }
}
