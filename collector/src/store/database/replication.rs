//! Who follows the server, or whom it follows.

use sqlx::{FromRow, PgConnection};

use super::unsigned;
use crate::database::{Replication, Slot, Standby};

#[derive(FromRow)]
struct StandbyRow {
    name: String,
    address: String,
    state: Option<String>,
    lag_seconds: Option<f64>,
    lag_bytes: Option<i64>,
}

/// Where this server's log is: of a standby what it replayed.
const POSITION: &str = "CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END";

pub(super) async fn replication(connection: &mut PgConnection) -> sqlx::Result<Replication> {
    let own_lag_seconds = sqlx::query_scalar(
        "SELECT CASE WHEN NOT pg_is_in_recovery() THEN NULL
                     WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0
                     ELSE greatest(extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()), 0)
                END::float8",
    )
    .fetch_one(&mut *connection)
    .await?;
    let sql = format!(
        "SELECT coalesce(application_name, '') AS name, coalesce(host(client_addr), '') AS address, state,
                CASE WHEN replay_lsn = sent_lsn THEN 0 ELSE extract(epoch FROM replay_lag) END::float8 AS lag_seconds,
                pg_wal_lsn_diff({POSITION}, replay_lsn)::bigint AS lag_bytes
         FROM pg_stat_replication ORDER BY 1, 2 LIMIT 50"
    );
    let standbys: Vec<StandbyRow> = sqlx::query_as(sqlx::AssertSqlSafe(sql)).fetch_all(&mut *connection).await?;
    let sql = format!(
        "SELECT slot_name::text, active, pg_wal_lsn_diff({POSITION}, restart_lsn)::bigint
         FROM pg_replication_slots ORDER BY 1 LIMIT 50"
    );
    let slots: Vec<(String, bool, Option<i64>)> =
        sqlx::query_as(sqlx::AssertSqlSafe(sql)).fetch_all(connection).await?;
    let standby = |row: StandbyRow| Standby {
        name: row.name,
        address: row.address,
        state: row.state,
        lag_seconds: row.lag_seconds,
        lag_bytes: row.lag_bytes.map(unsigned),
    };
    let slot =
        |(name, is_active, kept): (String, bool, Option<i64>)| Slot { name, is_active, kept_bytes: kept.map(unsigned) };
    Ok(Replication {
        own_lag_seconds,
        standbys: standbys.into_iter().map(standby).collect(),
        slots: slots.into_iter().map(slot).collect(),
    })
}

/// Whether it is not shown how far some are.
pub(super) fn is_hidden(replication: &Replication) -> bool {
    replication.standbys.iter().any(|standby| standby.state.is_none())
}
