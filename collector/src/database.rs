//! What a look into PostgreSQL and Redis shows: `/api/v1/database`, and the page `/database`. How it
//! is read belongs to `store` and `cache`, what of it has a history to `sample::database`.

mod growth;
mod locks;
mod obstacle;
mod postgresql;
mod redis;
mod statements;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use growth::Growth;
pub use locks::{LockedSession, lock_tree};
pub use obstacle::{Obstacle, ObstacleKind, Seen};
pub use postgresql::{Index, Postgresql, Relations, Replication, Server, Session, Sessions, Slot, Standby, Table};
pub use redis::{Redis, RedisServer, SlowCommand};
pub use statements::{Change, Count, Statement, Statements, change};

pub use crate::sample::{Connections, Pool, hit_ratio};

/// All of it at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Look {
    /// When it was read.
    #[serde(with = "crate::rfc3339")]
    pub at: Timestamp,
    /// The history's server.
    pub postgresql: Postgresql,
    /// The cache's.
    pub redis: Redis,
}
