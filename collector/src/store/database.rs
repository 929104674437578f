//! What PostgreSQL says of itself: a few numbers, often, for the history, and all of it when somebody
//! looks. Nothing here waits for long: for no lock longer than half a second.

mod look;
mod relations;
mod replication;
mod sessions;
mod statements;

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::FutureExt;
use sqlx::types::Json;
use sqlx::{AssertSqlSafe, FromRow};

use super::link::is_last_word;
use super::{Link, Store};
use crate::database::{Connections, Obstacle, ObstacleKind, Pool};
use crate::sample::PostgresqlReading;

pub(crate) use look::{Looker, nothing};
use relations::Sizes;
pub(super) use statements::missing_lines;

/// For a connection of the sampling, and of a look.
const LIMITS: &str = "SET statement_timeout = '2s'; SET lock_timeout = '500ms'; SET jit = off";
/// How long the sampling waits for an answer.
const NUMBERS: Duration = Duration::from_secs(1);
/// How long for the sizes and the counts of each hour.
const HOURLY: Duration = Duration::from_secs(5);

/// Asks for the numbers of the history, over a connection of its own.
#[derive(Debug)]
pub(crate) struct Numbers(Link);

#[derive(FromRow)]
struct Row {
    xact_commit: i64,
    xact_rollback: i64,
    blks_hit: i64,
    blks_read: i64,
    active: i64,
    idle: i64,
    idle_in_transaction: i64,
    waiting: i64,
    hidden: i64,
    longest: Option<f64>,
    locks: i64,
    bytes: Option<i64>,
    lag: Option<Json<BTreeMap<String, Option<f64>>>>,
}

/// Clients by what they are at, `waiting` apart from `active`. What is hidden has no `backend_type` and
/// is a client where it has a database.
pub(super) const CONNECTIONS: &str = "
    count(*) FILTER (WHERE state NOT LIKE 'idle%' AND wait_event_type IS DISTINCT FROM 'Lock') AS active,
    count(*) FILTER (WHERE state = 'idle') AS idle,
    count(*) FILTER (WHERE state LIKE 'idle in transaction%') AS idle_in_transaction,
    count(*) FILTER (WHERE state NOT LIKE 'idle%' AND wait_event_type = 'Lock') AS waiting,
    count(*) FILTER (WHERE state IS NULL) AS hidden";
pub(super) const CLIENTS: &str = "
    FROM pg_stat_activity WHERE (backend_type = 'client backend' AND state IS NOT NULL AND pid <> pg_backend_pid()
                                 OR backend_type IS NULL AND datid IS NOT NULL AND usesysid IS NOT NULL)";

impl Numbers {
    pub(crate) fn new(store: Store) -> Self {
        Self(Link::new(store, LIMITS))
    }

    /// How our pool stands.
    pub(crate) fn pool(&self) -> Pool {
        self.0.pool()
    }

    /// The numbers now, with the size of the database where that is wanted; a second later at the most.
    pub(crate) async fn read(&mut self, with_size: bool) -> Result<PostgresqlReading, String> {
        let sql = format!(
            "SELECT xact_commit, xact_rollback, blks_hit, blks_read, clients.*,
                    (SELECT count(*) FROM pg_locks WHERE NOT granted) AS locks,
                    CASE WHEN $1 THEN pg_database_size(datid) END AS bytes,
                    CASE WHEN pg_is_in_recovery() THEN
                        jsonb_build_object('', CASE WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0
                            ELSE greatest(extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()), 0) END)
                    ELSE (SELECT jsonb_object_agg(name, lag) FROM (
                        SELECT coalesce(nullif(application_name, ''), 'standby') AS name,
                               max(CASE WHEN replay_lsn = sent_lsn THEN 0 ELSE extract(epoch FROM replay_lag) END) AS lag
                        FROM pg_stat_replication WHERE state IS NOT NULL GROUP BY 1) AS standbys) END AS lag
             FROM pg_stat_database CROSS JOIN LATERAL (
                 SELECT {CONNECTIONS}, max(extract(epoch FROM clock_timestamp() - xact_start))::float8 AS longest {CLIENTS}
             ) AS clients
             WHERE datname = current_database()"
        );
        let ask = self.0.with(move |connection| {
            sqlx::query_as(AssertSqlSafe(sql.clone())).bind(with_size).fetch_one(connection).boxed()
        });
        let row: Row = in_time(NUMBERS, ask).await?;
        Ok(PostgresqlReading {
            connections: connections([row.active, row.idle, row.idle_in_transaction, row.waiting, row.hidden]),
            longest_transaction_seconds: row.longest,
            commits: unsigned(row.xact_commit),
            rollbacks: unsigned(row.xact_rollback),
            block_hits: unsigned(row.blks_hit),
            block_reads: unsigned(row.blks_read),
            locks_waiting: unsigned(row.locks),
            database_bytes: row.bytes.map(unsigned),
            replication_lag: row
                .lag
                .map(|Json(lag)| lag.into_iter().filter_map(|(name, lag)| Some((name, lag?))).collect())
                .unwrap_or_default(),
        })
    }

    /// The sizes of the largest tables and indexes.
    pub(crate) async fn sizes(&mut self) -> Result<Sizes, String> {
        in_time(HOURLY, self.0.with(|connection| relations::sizes(connection).boxed())).await
    }

    /// Keeps what has been counted of the statements that take most time, once an hour whoever does it.
    pub(crate) async fn keep_statement_counts(&mut self) -> Result<(), String> {
        in_time(HOURLY, self.0.with(|connection| statements::keep_counts(connection).boxed())).await
    }
}

async fn in_time<T>(limit: Duration, work: impl Future<Output = sqlx::Result<T>>) -> Result<T, String> {
    match tokio::time::timeout(limit, work).await {
        Ok(answer) => answer.map_err(|error| error.to_string()),
        Err(_) => Err(format!("no answer within {limit:?}")),
    }
}

fn connections([active, idle, idle_in_transaction, waiting, hidden]: [i64; 5]) -> Connections {
    Connections {
        active: unsigned(active),
        idle: unsigned(idle),
        idle_in_transaction: unsigned(idle_in_transaction),
        waiting: unsigned(waiting),
        hidden: unsigned(hidden),
    }
}

fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

/// What an error of a statement means for whoever wants its answer; `grant` is what may be missing.
fn obstacle(error: &sqlx::Error, grant: &str) -> Obstacle {
    let code = error.as_database_error().and_then(|error| error.code()).unwrap_or_default();
    match &*code {
        "42501" => Obstacle::permission(vec![grant.to_owned()]),
        "57014" => Obstacle::of(ObstacleKind::TooSlow),
        "55P03" => Obstacle::of(ObstacleKind::Locked),
        "" => Obstacle::of(ObstacleKind::Away),
        code if is_last_word(code) => Obstacle::of(ObstacleKind::Away),
        _ => {
            tracing::warn!(%error, "a part of PostgreSQL's state was not read");
            Obstacle::of(ObstacleKind::Failed)
        }
    }
}
