//! Records on their way into `system_metrics` (and, through `snapshots`, `metrics_raw`): nothing
//! else knows how samples lie there but `range`, which reads them.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Instant;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;
use sqlx::pool::PoolConnection;
use sqlx::{Connection, PgConnection, Postgres};

use crate::buffer::{Batch, Entry, Record};
use crate::sample::{HOST_LABEL, Labels, RawSnapshot, Sample};
use crate::schedule::Job;

use super::alerts::write_alerts;
use super::business::write_events;
use super::turn::{Right, Turn, note_run};
use super::{Store, StoreError, snapshots};

/// Text is handed to a COPY in pieces of this size.
const PIECE_BYTES: usize = 128 << 10;
/// A number nearer to 0 is none that an average can be made of; the table refuses it.
const SMALLEST: f64 = 1e-300;
/// A transaction whose client is silent for longer is ended by the server, so that a collector
/// that is paused holds up no other.
const LONGEST_SILENCE: &str = "SET LOCAL idle_in_transaction_session_timeout = '10s'";

/// What became of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Saved {
    /// Records taken over now.
    pub records: u64,
    /// Rows written for them.
    pub rows: u64,
    /// Records that PostgreSQL will never take, left out.
    pub refused: u64,
}

impl Store {
    /// Takes over the records of a batch, all or none, and remembers how far in the transaction
    /// that does so: a record that comes a second time is known by its number and left out.
    ///
    /// A record that PostgreSQL refuses for what it holds is left out too, so that it holds up no
    /// other.
    ///
    /// # Errors
    ///
    /// [`StoreError::Away`], or [`StoreError::Query`]: whether the batch arrived may be unknown then,
    /// and asking again is right in either case.
    pub async fn save(&self, batch: &Batch, host: &str) -> Result<Saved, StoreError> {
        if !self.is_open() {
            return Err(StoreError::Away);
        }
        match self.save_entries(batch, &batch.entries, host).await {
            Err(error) if is_refusal(&error) => {}
            outcome => return outcome,
        }
        let mut total = Saved::default();
        for entry in &batch.entries {
            let saved = match self.save_entries(batch, std::slice::from_ref(entry), host).await {
                Err(error) if is_refusal(&error) => {
                    tracing::error!(%error, stream = %batch.stream, seq = entry.seq, "postgresql refuses a record");
                    Saved { refused: 1, ..Saved::default() }
                }
                outcome => outcome?,
            };
            total.records += saved.records;
            total.rows += saved.rows;
            total.refused += saved.refused;
        }
        Ok(total)
    }

    async fn save_entries(&self, batch: &Batch, entries: &[Entry], host: &str) -> Result<Saved, StoreError> {
        let started = Instant::now();
        let mut work = Work { connection: self.pool.acquire().await?, is_done: false };
        let mut transaction = work.connection.begin().await?;
        sqlx::query(LONGEST_SILENCE).execute(&mut *transaction).await?;
        let position: i64 = sqlx::query_scalar(
            "INSERT INTO recipe_monitoring_state.streams AS known (stream, host, position) VALUES ($1, $2, 0)
             ON CONFLICT (stream) DO UPDATE SET host = EXCLUDED.host RETURNING position",
        )
        .bind(batch.stream)
        .bind(host)
        .fetch_one(&mut *transaction)
        .await?;
        let mut position = u64::try_from(position).unwrap_or(0);
        // Also against a record that lies twice in the spool.
        let mut new: Vec<&Entry> = Vec::with_capacity(entries.len());
        for entry in entries {
            if entry.seq > position {
                position = entry.seq;
                new.push(entry);
            }
        }
        if new.is_empty() {
            transaction.rollback().await?;
            work.is_done = true;
            return Ok(Saved::default());
        }
        let rows = write(&mut transaction, &new).await?;
        note_runs(&mut transaction, &new, host, started).await?;
        sqlx::query("UPDATE recipe_monitoring_state.streams SET position = $2, updated_at = now() WHERE stream = $1")
            .bind(batch.stream)
            .bind(i64::try_from(position).unwrap_or(i64::MAX))
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        work.is_done = true;
        Ok(Saved { records: new.len() as u64, rows, refused: 0 })
    }
}

/// A connection that is closed unless the work on it was done: who gives up in the middle of a COPY
/// leaves answers on it that the next one would take for its own.
struct Work {
    connection: PoolConnection<Postgres>,
    is_done: bool,
}

impl Drop for Work {
    fn drop(&mut self) {
        if !self.is_done {
            self.connection.close_on_drop();
        }
    }
}

/// The jobs save and, by the snapshots that it left, collect.
async fn note_runs(
    connection: &mut PgConnection,
    entries: &[&Entry],
    host: &str,
    started: Instant,
) -> Result<(), StoreError> {
    let seconds = started.elapsed().as_secs_f64();
    let turn = |job: Job, scheduled_for| Turn::new(job, scheduled_for, host, Right::Command);
    let did = format!("{} records", entries.len());
    note_run(connection, &turn(Job::Save, Timestamp::now()), seconds, &did).await?;
    let last = taken_snapshots(entries).iter().map(|snapshot| snapshot.at).max();
    if let Some(last) = last {
        note_run(connection, &turn(Job::Collect, last), 0.0, "a snapshot of each kind").await?;
    }
    Ok(())
}

/// Whether it is the data itself that PostgreSQL does not take: classes 22 (data exception) and
/// 23 (integrity constraint violation), and 54000, too long for an index, of
/// <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
fn is_refusal(error: &StoreError) -> bool {
    let StoreError::Query(sqlx::Error::Database(error)) = error else { return false };
    error.code().is_some_and(|code| code.starts_with("22") || code.starts_with("23") || code == "54000")
}

async fn write(connection: &mut PgConnection, entries: &[&Entry]) -> Result<u64, StoreError> {
    let samples = samples(entries);
    let months: BTreeSet<_> = samples.iter().map(|sample| month(sample.at)).collect();
    for (year, month) in months {
        sqlx::query("SELECT recipe_monitoring_state.make_partition(make_timestamptz($1, $2, 1, 0, 0, 0, 'UTC'))")
            .bind(i32::from(year))
            .bind(i32::from(month))
            .execute(&mut *connection)
            .await?;
    }
    let other_rows =
        snapshots::add(connection, &taken_snapshots(entries)).await? + write_events(connection, entries).await?;
    let other_rows = other_rows + write_alerts(connection, entries).await?;
    let into_metrics = "COPY system_metrics (timestamp, metric_name, metric_value, labels) FROM STDIN";
    Ok(other_rows + copy(connection, into_metrics, &samples, sample_lines).await?)
}

fn samples<'a>(entries: &[&'a Entry]) -> Vec<&'a Sample> {
    let of = |entry: &&'a Entry| match &entry.record {
        Record::Sample(sample) => Some(sample),
        _ => None,
    };
    entries.iter().filter_map(of).collect()
}

fn taken_snapshots<'a>(entries: &[&'a Entry]) -> Vec<&'a RawSnapshot> {
    let of = |entry: &&'a Entry| match &entry.record {
        Record::Snapshot(snapshot) => Some(snapshot),
        _ => None,
    };
    entries.iter().filter_map(of).collect()
}

/// Year and month in UTC.
fn month(at: Timestamp) -> (i16, i8) {
    let date = TimeZone::UTC.to_datetime(at);
    (date.year(), date.month())
}

/// Writes items as lines of COPY's text format; answers the number of rows.
async fn copy<T>(
    connection: &mut PgConnection,
    statement: &'static str,
    items: &[&T],
    lines: fn(&T, &mut String),
) -> Result<u64, StoreError> {
    if items.is_empty() {
        return Ok(0);
    }
    let mut copy = connection.copy_in_raw(statement).await?;
    let mut text = String::with_capacity(PIECE_BYTES + 4096);
    for item in items {
        lines(item, &mut text);
        if text.len() >= PIECE_BYTES {
            copy.send(text.as_bytes()).await?;
            text.clear();
        }
    }
    copy.send(text.as_bytes()).await?;
    Ok(copy.finish().await?)
}

fn sample_lines(sample: &Sample, text: &mut String) {
    let at = sample.at.to_string();
    for point in &sample.points {
        let value = if point.value.abs() < SMALLEST { 0.0 } else { point.value };
        let _ = write!(text, "{at}\t{}\t{value}\t", point.metric_name);
        let mut labels: Labels =
            point.labels.iter().map(|(name, value)| (replace_nul(name), replace_nul(value))).collect();
        labels.insert(HOST_LABEL.to_owned(), replace_nul(&sample.host));
        escape(&serde_json::to_string(&labels).unwrap_or_default(), text);
        text.push('\n');
    }
}

/// The same JSON without the character NUL, which no PostgreSQL text can hold: neither as itself
/// nor as JSON's `\u0000`.
pub(super) fn without_nul(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(replace_nul(&text)),
        Value::Array(items) => items.into_iter().map(without_nul).collect(),
        Value::Object(fields) => {
            fields.into_iter().map(|(name, value)| (replace_nul(&name), without_nul(value))).collect()
        }
        other => other,
    }
}

pub(super) fn replace_nul(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// Escapes a value for COPY's text format
/// (<https://www.postgresql.org/docs/current/sql-copy.html>, "Text Format").
fn escape(value: &str, text: &mut String) {
    for character in value.chars() {
        match character {
            '\\' => text.push_str("\\\\"),
            '\t' => text.push_str("\\t"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            other => text.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::Point;

    #[test]
    fn names_with_markup_tabs_and_backslashes_stay_one_row() {
        let mount = "/mnt/a\tb\\c\n<b>\"d\"".to_owned();
        let labels = Labels::from([("mount".to_owned(), mount.clone())]);
        let point = Point { metric_name: "disk_usage".into(), value: 0.1 + 0.2, labels };
        let sample = Sample { at: Timestamp::UNIX_EPOCH, host: "web\u{0}1".to_owned(), points: vec![point] };
        let mut text = String::new();
        sample_lines(&sample, &mut text);
        assert_eq!(text.matches('\n').count(), 1);
        let fields: Vec<_> = text.trim_end().split('\t').collect();
        assert_eq!(fields[..3], ["1970-01-01T00:00:00Z", "disk_usage", "0.30000000000000004"]);
        let labels: Labels = serde_json::from_str(&fields[3].replace("\\\\", "\\")).unwrap();
        assert_eq!((labels["mount"].as_str(), labels["host"].as_str()), (mount.as_str(), "web\u{fffd}1"));
    }

    /// What a line says of a label, read back as COPY and JSON would.
    fn labels_of(labels: &Labels) -> Labels {
        let point = Point { metric_name: "disk_usage".into(), value: 1.0, labels: labels.clone() };
        let sample = Sample { at: Timestamp::UNIX_EPOCH, host: "web".to_owned(), points: vec![point] };
        let mut text = String::new();
        sample_lines(&sample, &mut text);
        let field = text.trim_end().split('\t').nth(3).unwrap();
        serde_json::from_str(&field.replace("\\\\", "\\")).unwrap()
    }

    #[test]
    fn a_label_that_spells_nul_with_a_backslash_is_kept_and_nul_itself_replaced() {
        for (value, kept) in [
            ("C:\\u0000", "C:\\u0000"),
            ("\\\\u0000\\", "\\\\u0000\\"),
            ("\0", "\u{fffd}"),
            ("\\\0u0000", "\\\u{fffd}u0000"),
        ] {
            let labels = labels_of(&Labels::from([("mount".to_owned(), value.to_owned())]));
            assert_eq!(labels["mount"], kept);
        }
        let data = serde_json::json!({ "a\0": ["\0", { "b": "\\u0000" }], "n": 1 });
        let expected = serde_json::json!({ "a\u{fffd}": ["\u{fffd}", { "b": "\\u0000" }], "n": 1 });
        assert_eq!(without_nul(data), expected);
    }
}
