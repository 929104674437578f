//! Who is connected, and who waits for whom.

use sqlx::{AssertSqlSafe, FromRow, PgConnection};

use super::{CLIENTS, CONNECTIONS, connections};
use crate::database::{LockedSession, Session, Sessions, lock_tree};
use crate::store::literals::{LONGEST_TEXT, without_literals};

/// Sessions that are shown at the most.
const BUSY: i64 = 30;
/// Sessions that wait, of which it is asked at the most for whom.
const WAITING: i64 = 200;

#[derive(FromRow)]
struct Busy {
    pid: i32,
    user: String,
    database: String,
    application: String,
    state: String,
    wait: Option<String>,
    seconds: Option<f64>,
    transaction_seconds: Option<f64>,
    query: String,
}

#[derive(FromRow)]
struct Locked {
    pid: i32,
    blocked_by: Vec<i32>,
    user: String,
    database: String,
    application: String,
    state: Option<String>,
    lock: Option<String>,
    mode: Option<String>,
    seconds: Option<f64>,
    query: Option<String>,
}

pub(super) async fn sessions(connection: &mut PgConnection) -> sqlx::Result<Sessions> {
    let sql = format!("SELECT {CONNECTIONS} {CLIENTS}");
    let (active, idle, idle_in_transaction, waiting, hidden) =
        sqlx::query_as(AssertSqlSafe(sql)).fetch_one(&mut *connection).await?;
    let busy: Vec<Busy> = sqlx::query_as(
        "SELECT pid, coalesce(usename::text, '') AS user, coalesce(datname::text, '') AS database,
                coalesce(application_name, '') AS application, state, wait_event_type || ':' || wait_event AS wait,
                extract(epoch FROM clock_timestamp() - query_start)::float8 AS seconds,
                extract(epoch FROM clock_timestamp() - xact_start)::float8 AS transaction_seconds, query
         FROM pg_stat_activity
         WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND state <> 'idle'
         ORDER BY coalesce(xact_start, query_start) LIMIT $1",
    )
    .bind(BUSY)
    .fetch_all(connection)
    .await?;
    let session = |busy: Busy| Session {
        pid: busy.pid,
        user: busy.user,
        database: busy.database,
        application: busy.application,
        state: busy.state,
        wait: busy.wait,
        seconds: busy.seconds.unwrap_or(0.0).max(0.0),
        transaction_seconds: busy.transaction_seconds.map(|seconds| seconds.max(0.0)),
        query: without_literals(&busy.query, LONGEST_TEXT),
    };
    Ok(Sessions {
        connections: connections([active, idle, idle_in_transaction, waiting, hidden]),
        busy: busy.into_iter().map(session).collect(),
    })
}

/// Whether some are not shown.
pub(super) fn hidden(sessions: &Sessions) -> bool {
    sessions.connections.hidden > 0
}

/// Sessions that wait and those that they wait for. A name of a table may be asked for without any
/// right or lock.
pub(super) async fn locks(connection: &mut PgConnection) -> sqlx::Result<Vec<LockedSession>> {
    let locked: Vec<Locked> = sqlx::query_as(
        "WITH waits AS MATERIALIZED (
             SELECT DISTINCT ON (pid) pid, locktype, mode, relation, database, waitstart
             FROM pg_locks WHERE NOT granted ORDER BY pid LIMIT $1),
         blocked AS MATERIALIZED (SELECT *, pg_blocking_pids(pid) AS blockers FROM waits),
         involved AS (SELECT pid FROM blocked UNION SELECT unnest(blockers) FROM blocked)
         SELECT involved.pid, coalesce(blockers, '{}') AS blocked_by, coalesce(usename::text, '') AS user,
                coalesce(datname::text, '') AS database, coalesce(application_name, '') AS application, state,
                locktype || coalesce(' ' || (
                    SELECT nspname || '.' || relname FROM pg_class JOIN pg_namespace AS space ON space.oid = relnamespace
                    WHERE pg_class.oid = relation AND blocked.database IN (0, activity.datid)), '') AS lock,
                mode, extract(epoch FROM clock_timestamp() - CASE WHEN blocked.pid IS NULL THEN xact_start ELSE waitstart END)::float8 AS seconds,
                nullif(query, '<insufficient privilege>') AS query
         FROM involved LEFT JOIN blocked USING (pid) LEFT JOIN pg_stat_activity AS activity USING (pid)",
    )
    .bind(WAITING)
    .fetch_all(connection)
    .await?;
    let session = |locked: Locked| LockedSession {
        pid: locked.pid,
        blocked_by: locked.blocked_by,
        user: locked.user,
        database: locked.database,
        application: locked.application,
        state: locked.state,
        lock: locked.lock,
        mode: locked.mode,
        seconds: locked.seconds.map(|seconds| seconds.max(0.0)),
        query: locked.query.map(|query| without_literals(&query, LONGEST_TEXT)),
        ..LockedSession::default()
    };
    Ok(lock_tree(locked.into_iter().map(session).collect()))
}

/// Whether it is not shown what some are at.
pub(super) fn is_hidden(locks: &[LockedSession]) -> bool {
    locks.iter().any(|session| session.pid != 0 && session.query.is_none())
}
