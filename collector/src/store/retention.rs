//! Partitions made ahead of time, and what is old cleaned up.

use jiff::{SignedDuration, Timestamp, ToSpan, tz::TimeZone};
use sqlx::PgConnection;

use super::business::delete_events_before;
use super::turn::Turn;
use super::{Store, StoreError};

/// What making partitions came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Partitioned {
    /// Partitions that are new.
    pub made: u64,
    /// Rows that others had written into months without one.
    pub moved: u64,
}

impl Store {
    /// Makes the partitions of this month and of `ahead` more, and of every month that the default
    /// partition has rows of, which move there.
    ///
    /// # Errors
    ///
    /// Those of a turn; nothing was done then.
    pub async fn make_partitions(&self, turn: &Turn, now: Timestamp, ahead: u32) -> Result<Partitioned, StoreError> {
        let work = async |connection: &mut PgConnection| {
            let done = make_partitions(connection, now, ahead).await?;
            let did = match done.moved {
                0 => format!("{} partitions made", done.made),
                moved => format!("{} partitions made, {moved} rows moved out of the default partition", done.made),
            };
            Ok((done, did))
        };
        Ok(self.in_turn(turn, work).await?.0)
    }

    /// Deletes what is older than `kept` before `now`; answers `(table, rows)`.
    ///
    /// # Errors
    ///
    /// Those of a turn; nothing was done then.
    pub async fn clean_up(
        &self,
        turn: &Turn,
        now: Timestamp,
        kept: SignedDuration,
    ) -> Result<Vec<(String, i64)>, StoreError> {
        let work = async |connection: &mut PgConnection| {
            // First, as a save has it, so that neither waits for what the other has.
            delete_events_before(connection, now - kept).await?;
            let deleted: Vec<(String, i64)> = sqlx::query_as(
                "SELECT table_name, deleted_count FROM recipe_monitoring_state.delete_before($1::text::timestamptz)",
            )
            .bind((now - kept).to_string())
            .fetch_all(connection)
            .await?;
            let did: Vec<_> = deleted.iter().map(|(table, rows)| format!("{table} {rows}")).collect();
            Ok((deleted, format!("rows deleted: {}", did.join(", "))))
        };
        Ok(self.in_turn(turn, work).await?.0)
    }

    /// Rows in the default partition, where there should be none; at most 1,000 are counted.
    ///
    /// # Errors
    ///
    /// [`StoreError::Query`]
    pub async fn default_partition_rows(&self) -> Result<i64, StoreError> {
        let sql = "SELECT count(*) FROM (SELECT FROM system_metrics_default LIMIT 1000) AS strays";
        Ok(sqlx::query_scalar(sql).fetch_one(&self.pool).await?)
    }
}

async fn make_partitions(connection: &mut PgConnection, now: Timestamp, ahead: u32) -> Result<Partitioned, StoreError> {
    // Before the default partition is read, as a save that makes a partition does: else each would
    // wait for what the other has.
    sqlx::query("LOCK TABLE system_metrics IN SHARE UPDATE EXCLUSIVE MODE").execute(&mut *connection).await?;
    let today = TimeZone::UTC.to_datetime(now).date().first_of_month();
    let ahead = (0..=ahead).filter_map(|months| today.checked_add(i64::from(months).months()).ok());
    let mut months: Vec<String> = ahead.map(|month| format!("{month} 00:00:00+00")).collect();
    let strays: Vec<String> = sqlx::query_scalar(
        "SELECT DISTINCT date_trunc('month', timestamp, 'UTC')::text FROM system_metrics_default
         WHERE isfinite(timestamp) ORDER BY 1",
    )
    .fetch_all(&mut *connection)
    .await?;
    months.extend(strays);
    let mut done = Partitioned::default();
    for month in months {
        let moved: Option<i64> =
            sqlx::query_scalar("SELECT recipe_monitoring_state.partition_month($1::text::timestamptz)")
                .bind(month)
                .fetch_one(&mut *connection)
                .await?;
        if let Some(moved) = moved {
            done.made += 1;
            done.moved += u64::try_from(moved).unwrap_or(0);
        }
    }
    Ok(done)
}
