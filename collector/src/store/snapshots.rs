//! Snapshots on their way into `metrics_raw`: one row a moment, kind and host, whoever brings it
//! how often.

use std::time::Instant;

use sqlx::PgConnection;

use crate::sample::RawSnapshot;
use crate::schedule::Job;

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
    let data = |snapshot: &&RawSnapshot| without_nul(&snapshot.data.to_string());
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

/// JSON in which a NUL, which no PostgreSQL text can hold, is replaced: it comes as `\u0000`.
fn without_nul(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        text.push_str(before);
        if let Some(after) = escape.strip_prefix("\\u0000") {
            text.push('\u{fffd}');
            rest = after;
        } else {
            // What follows a backslash is one of the letters of ASCII.
            let (escape, after) = escape.split_at_checked(2).unwrap_or((escape, ""));
            text.push_str(escape);
            rest = after;
        }
    }
    text + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nul_is_replaced_and_a_backslash_before_the_same_letters_is_not() {
        let value = serde_json::json!({ "a\u{0}": "\\u0000 \u{0}\u{0}", "b": "レシピ\\" });
        let json = without_nul(&value.to_string());
        let read: serde_json::Value = serde_json::from_str(&json).unwrap();
        let expected = serde_json::json!({ "a\u{fffd}": "\\u0000 \u{fffd}\u{fffd}", "b": "レシピ\\" });
        assert_eq!(read, expected);
    }
}
