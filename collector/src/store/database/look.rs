//! All parts, one after another on one connection.

use std::time::Duration;

use futures_util::FutureExt;
use jiff::Timestamp;
use sqlx::{FromRow, PgConnection};

use super::{LIMITS, obstacle, relations, replication, sessions, statements, unsigned};
use crate::database::{Obstacle, ObstacleKind, Pool, Postgresql, Seen, Server, hit_ratio};
use crate::store::{Link, Store};

/// How long all of it may take; what was not read then is missing.
const ALL: Duration = Duration::from_secs(4);

/// Looks into PostgreSQL, over a connection of its own.
#[derive(Debug)]
pub(crate) struct Looker(Link);

#[derive(FromRow)]
struct Row {
    version: String,
    started_at: Option<i64>,
    is_standby: bool,
    role: String,
    database: String,
    bytes: Option<i64>,
    max_connections: i64,
    counted_since: Option<i64>,
    xact_commit: i64,
    xact_rollback: i64,
    blks_hit: i64,
    blks_read: i64,
    deadlocks: i64,
    temp_bytes: i64,
    transaction_age: i64,
    freeze_max_age: i64,
}

impl Looker {
    pub(crate) fn new(store: Store) -> Self {
        Self(Link::new(store, LIMITS))
    }

    /// How the pool of this process stands.
    pub(crate) fn pool(&self) -> Pool {
        self.0.pool()
    }

    /// Ends the connection.
    pub(crate) async fn close(&mut self) {
        self.0.close().await;
    }

    /// All that can be seen, four seconds later at the most. Growth of tables is not known here.
    pub(crate) async fn look(&mut self, now: Timestamp) -> Postgresql {
        let mut seen = nothing(self.pool(), ObstacleKind::TooSlow);
        let mut grant = "GRANT pg_monitor TO CURRENT_USER;".to_owned();
        let link = &mut self.0;
        let all = async {
            match link.with(|connection| server(connection).boxed()).await {
                Ok((server, role)) => {
                    grant = format!("GRANT pg_monitor TO {role};");
                    seen.server = Seen::all(server);
                }
                Err(error) => {
                    let obstacle = obstacle(&error, &grant);
                    if obstacle.kind == ObstacleKind::Away {
                        seen = nothing(seen.pool, ObstacleKind::Away);
                        return;
                    }
                    seen.server = Seen::nothing(obstacle);
                }
            }
            let stats = grant.replace("pg_monitor", "pg_read_all_stats");
            seen.sessions =
                part(link.with(|connection| sessions::sessions(connection).boxed()).await, &stats, sessions::hidden);
            seen.locks = part(link.with(|connection| sessions::locks(connection).boxed()).await, &stats, |locks| {
                sessions::is_hidden(locks)
            });
            seen.statements = match link.with(move |connection| statements::statements(connection, now).boxed()).await {
                Ok(Ok(found)) => {
                    let is_hidden = found.statements.iter().any(|statement| statement.query.is_none());
                    Seen::with(found, is_hidden.then(|| Obstacle::permission(vec![stats.clone()])))
                }
                Ok(Err(obstacle)) => Seen::nothing(obstacle),
                Err(error) => Seen::nothing(obstacle(&error, &stats)),
            };
            seen.relations = match link.with(|connection| relations::relations(connection).boxed()).await {
                Ok((found, grants)) => {
                    let obstacle = (!grants.is_empty()).then(|| Obstacle::permission(grants));
                    Seen::with(found, obstacle)
                }
                Err(error) => Seen::nothing(obstacle(&error, &stats)),
            };
            seen.replication = part(
                link.with(|connection| replication::replication(connection).boxed()).await,
                &stats,
                replication::is_hidden,
            );
        };
        let _ = tokio::time::timeout(ALL, all).await;
        seen.pool = self.pool();
        seen
    }
}

/// What is known of a PostgreSQL that is not asked.
pub(crate) fn nothing(pool: Pool, why: ObstacleKind) -> Postgresql {
    Postgresql {
        server: Seen::nothing(Obstacle::of(why)),
        pool,
        sessions: Seen::nothing(Obstacle::of(why)),
        locks: Seen::nothing(Obstacle::of(why)),
        statements: Seen::nothing(Obstacle::of(why)),
        relations: Seen::nothing(Obstacle::of(why)),
        replication: Seen::nothing(Obstacle::of(why)),
    }
}

fn part<T>(answer: sqlx::Result<T>, grant: &str, is_hidden: impl Fn(&T) -> bool) -> Seen<T> {
    match answer {
        Ok(value) => {
            let hidden = is_hidden(&value);
            Seen::with(value, hidden.then(|| Obstacle::permission(vec![grant.to_owned()])))
        }
        Err(error) => Seen::nothing(obstacle(&error, grant)),
    }
}

/// The server, and the role as it is written in SQL.
async fn server(connection: &mut PgConnection) -> sqlx::Result<(Server, String)> {
    let row: Row = sqlx::query_as(
        "SELECT split_part(current_setting('server_version'), ' ', 1) AS version,
                (extract(epoch FROM pg_postmaster_start_time()) * 1000)::bigint AS started_at,
                pg_is_in_recovery() AS is_standby, quote_ident(current_user) AS role, datname::text AS database,
                CASE WHEN has_database_privilege(datid, 'CONNECT') THEN pg_database_size(datid) END AS bytes,
                current_setting('max_connections')::bigint AS max_connections,
                (extract(epoch FROM stats_reset) * 1000)::bigint AS counted_since,
                xact_commit, xact_rollback, blks_hit, blks_read, deadlocks, temp_bytes,
                (SELECT age(datfrozenxid)::bigint FROM pg_database WHERE oid = datid) AS transaction_age,
                current_setting('autovacuum_freeze_max_age')::bigint AS freeze_max_age
         FROM pg_stat_database WHERE datname = current_database()",
    )
    .fetch_one(connection)
    .await?;
    let server = Server {
        version: row.version,
        started_at: timestamp(row.started_at),
        is_standby: row.is_standby,
        role: row.role.clone(),
        database: row.database,
        database_bytes: row.bytes.map(unsigned),
        max_connections: unsigned(row.max_connections),
        counted_since: timestamp(row.counted_since),
        commits: unsigned(row.xact_commit),
        rollbacks: unsigned(row.xact_rollback),
        cache_hit_ratio: hit_ratio(unsigned(row.blks_hit), unsigned(row.blks_read)),
        deadlocks: unsigned(row.deadlocks),
        temporary_bytes: unsigned(row.temp_bytes),
        transaction_age: unsigned(row.transaction_age),
        freeze_max_age: unsigned(row.freeze_max_age),
    };
    Ok((server, row.role))
}

pub(super) fn timestamp(milliseconds: Option<i64>) -> Option<Timestamp> {
    Timestamp::from_millisecond(milliseconds?).ok()
}
