//! PostgreSQL, part by part. Statements in it are without their literals.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Connections, Growth, LockedSession, Pool, Seen, Statements};

/// All of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Postgresql {
    /// The server and the database.
    pub server: Seen<Server>,
    /// The pool of the process that answers.
    pub pool: Pool,
    /// Who is connected.
    pub sessions: Seen<Sessions>,
    /// Who waits for whom, as a tree, depth first; empty where nobody waits.
    pub locks: Seen<Vec<LockedSession>>,
    /// What takes most time.
    pub statements: Seen<Statements>,
    /// What takes most room.
    pub relations: Seen<Relations>,
    /// Who follows, or is followed.
    pub replication: Seen<Replication>,
}

/// The server and the database. What is counted is so since `counted_since`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Server {
    /// E.g. `15.18`.
    pub version: String,
    /// When it started.
    #[serde(with = "crate::rfc3339::option")]
    pub started_at: Option<Timestamp>,
    /// Whether it is a standby.
    pub is_standby: bool,
    /// The role that looks.
    pub role: String,
    /// The database.
    pub database: String,
    /// Its size on disk.
    pub database_bytes: Option<u64>,
    /// Connections that the server takes.
    pub max_connections: u64,
    /// When the statistics were last reset; `None`: never.
    #[serde(with = "crate::rfc3339::option")]
    pub counted_since: Option<Timestamp>,
    /// Transactions of the database.
    pub commits: u64,
    /// Transactions of the database.
    pub rollbacks: u64,
    /// Blocks found in PostgreSQL's memory, in percent of those read; `None` where none was.
    pub cache_hit_ratio: Option<f64>,
    /// Deadlocks that were ended.
    pub deadlocks: u64,
    /// Bytes of temporary files.
    pub temporary_bytes: u64,
    /// Transactions since the oldest row was frozen: at two thousand millions the server stops.
    pub transaction_age: u64,
    /// At this age every table is vacuumed, whatever is set.
    pub freeze_max_age: u64,
}

/// Who is connected.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Sessions {
    /// How many, by state.
    pub connections: Connections,
    /// Those at a statement or in a transaction, the oldest first.
    pub busy: Vec<Session>,
}

/// A client's session.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Session {
    /// The server's process.
    pub pid: i32,
    /// The role.
    pub user: String,
    /// Where.
    pub database: String,
    /// What the client calls itself.
    pub application: String,
    /// As `pg_stat_activity` has it.
    pub state: String,
    /// What it waits for, as `Lock:relation`; `None` where it does not wait.
    pub wait: Option<String>,
    /// Since the statement began.
    pub seconds: f64,
    /// Since the transaction began.
    pub transaction_seconds: Option<f64>,
    /// Without literals.
    pub query: String,
}

/// Tables and indexes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Relations {
    /// The largest tables, the largest first.
    pub tables: Vec<Table>,
    /// The largest indexes, the largest first.
    pub indexes: Vec<Index>,
    /// Indexes that were not used since the statistics were reset, and that keep nothing unique; the
    /// largest first.
    pub unused_indexes: Vec<Index>,
}

/// A table.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Table {
    /// With its schema.
    pub name: String,
    /// On disk, without indexes.
    pub bytes: u64,
    /// Of its indexes.
    pub index_bytes: u64,
    /// About so many; `None` before it was first analysed.
    pub rows: Option<u64>,
    /// Rows that are deleted or replaced and not yet vacuumed.
    pub dead_rows: u64,
    /// An estimate of the bytes that its rows would not need; `None` before it was first analysed, or where
    /// the role may not read it.
    pub bloat_bytes: Option<u64>,
    /// When it was last vacuumed, by hand or by itself; `None`: not since the statistics were reset.
    #[serde(with = "crate::rfc3339::option")]
    pub vacuumed_at: Option<Timestamp>,
    /// When it was last analysed.
    #[serde(with = "crate::rfc3339::option")]
    pub analyzed_at: Option<Timestamp>,
    /// Transactions since its oldest row was frozen.
    pub transaction_age: u64,
    /// Reads of the whole table.
    pub sequential_scans: u64,
    /// Reads by an index.
    pub index_scans: u64,
    /// Of the table without its indexes.
    pub growth: Growth,
}

/// An index.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Index {
    /// Its name; its schema is its table's.
    pub name: String,
    /// Its table, with its schema.
    pub table: String,
    /// On disk.
    pub bytes: u64,
    /// How often it was used.
    pub scans: u64,
    /// Its growth.
    pub growth: Growth,
}

/// Who follows this server, or whom it follows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Replication {
    /// Of a standby: seconds since what it last replayed was committed, 0 where it has all that it received.
    pub own_lag_seconds: Option<f64>,
    /// Those that follow it.
    pub standbys: Vec<Standby>,
    /// What is kept for those that may be away.
    pub slots: Vec<Slot>,
}

/// A server that follows this one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Standby {
    /// What it calls itself.
    pub name: String,
    /// From where; empty for this machine.
    pub address: String,
    /// E.g. `streaming`; `None` where it is hidden.
    pub state: Option<String>,
    /// Seconds behind.
    pub lag_seconds: Option<f64>,
    /// Bytes of the log behind.
    pub lag_bytes: Option<u64>,
}

/// A replication slot.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Slot {
    /// Its name.
    pub name: String,
    /// Whether somebody reads from it.
    pub is_active: bool,
    /// Bytes of the log that are kept for it.
    pub kept_bytes: Option<u64>,
}
