//! Snapshots on their way into `metrics_raw`: one row a moment, kind and host, whoever brings it
//! how often.

use std::time::Instant;

use sqlx::PgConnection;

use crate::sample::RawSnapshot;
use crate::schedule::Job;

use super::samples::without_nul;
use super::turn::{Right, Turn, note_run};
use super::{Store, StoreError};

impl Store {
    /// Writes snapshots that were taken by hand, all or none; those that are there already stay as
    /// they are. Answers the number of new rows.
    ///
    /// # Errors
    ///
    /// [`StoreError::Query`]
    pub async fn add_snapshots(&self, snapshots: &[RawSnapshot], host: &str) -> Result<u64, StoreError> {
        let started = Instant::now();
        let mut transaction = self.pool.begin().await?;
        let rows = add(&mut transaction, &Vec::from_iter(snapshots)).await?;
        if let Some(last) = snapshots.iter().map(|snapshot| snapshot.at).max() {
            let turn = Turn::new(Job::Collect, last, host, Right::Command);
            note_run(&mut transaction, &turn, started.elapsed().as_secs_f64(), "a snapshot of each kind").await?;
        }
        transaction.commit().await?;
        Ok(rows)
    }
}

/// Writes what is not there yet; answers the number of rows. Those without a `host` are of nobody
/// and always new.
pub(super) async fn add(connection: &mut PgConnection, snapshots: &[&RawSnapshot]) -> Result<u64, StoreError> {
    if snapshots.is_empty() {
        return Ok(0);
    }
    let data = |snapshot: &&RawSnapshot| without_nul(snapshot.data.clone()).to_string();
    let written = sqlx::query(
        "INSERT INTO metrics_raw (timestamp, metric_type, data)
         SELECT timestamp::timestamptz, metric_type, data::jsonb
         FROM unnest($1::text[], $2::text[], $3::text[]) AS taken(timestamp, metric_type, data)
         ON CONFLICT DO NOTHING",
    )
    .bind(snapshots.iter().map(|snapshot| snapshot.at.to_string()).collect::<Vec<_>>())
    .bind(snapshots.iter().map(|snapshot| snapshot.metric_type.name().to_owned()).collect::<Vec<_>>())
    .bind(snapshots.iter().map(data).collect::<Vec<_>>())
    .execute(connection)
    .await?;
    Ok(written.rows_affected())
}
