//! Samples in `system_metrics`: nothing else knows how they lie there.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use jiff::{Timestamp, tz::TimeZone};
use sqlx::AssertSqlSafe;

use crate::{Labels, System, SystemPoint};

use super::{Store, StoreError};

/// Rows further apart than this are not two ends of one interval.
const LONGEST_INTERVAL_SECONDS: f64 = 120.0;

impl Store {
    /// Writes all numbers of the samples in one COPY, all or none. Answers the number of rows.
    ///
    /// # Errors
    ///
    /// [`StoreError::Query`]; nothing was written, unless the connection broke while PostgreSQL
    /// answered the commit.
    pub async fn save(&self, samples: &[impl AsRef<System>]) -> Result<u64, StoreError> {
        let rows: Vec<(Timestamp, String)> = samples.iter().flat_map(|sample| rows(sample.as_ref())).collect();
        if rows.is_empty() {
            return Ok(0);
        }
        let mut transaction = self.pool.begin().await?;
        for month in rows.iter().map(|(at, _)| Month::of(*at)).collect::<BTreeSet<_>>() {
            month.make_partition(&mut transaction).await?;
        }
        let mut copy = transaction
            .copy_in_raw("COPY system_metrics (timestamp, metric_name, metric_value, labels) FROM STDIN")
            .await?;
        let text: String = rows.into_iter().map(|(_, row)| row).collect();
        copy.send(text.as_bytes()).await?;
        let written = copy.finish().await?;
        transaction.commit().await?;
        Ok(written)
    }

    /// The graphed numbers of the host over the last `seconds`, oldest first.
    ///
    /// # Errors
    ///
    /// [`StoreError::Query`]
    pub async fn recent(&self, seconds: i64) -> Result<Vec<SystemPoint>, StoreError> {
        let rows: Vec<(i64, String, f64)> = sqlx::query_as(
            "SELECT (extract(epoch FROM timestamp) * 1000000)::bigint, metric_name, metric_value::float8
             FROM system_metrics
             WHERE timestamp > now() - make_interval(secs => $1)
               AND metric_name IN ('cpu_usage', 'memory_usage', 'network_rx', 'network_tx', 'load_average_1m')
               AND labels = '{}'
             ORDER BY timestamp",
        )
        .bind(u32::try_from(seconds).map_or(0.0, f64::from))
        .fetch_all(&self.pool)
        .await?;
        Ok(points(&rows))
    }
}

/// The lines of a COPY in text format, each with its time.
fn rows(sample: &System) -> impl Iterator<Item = (Timestamp, String)> {
    let at = sample.at;
    sample.points().into_iter().map(move |point| {
        let mut row = format!("{at}\t{}\t{}\t", point.metric_name, point.value);
        escape(&json(&point.labels), &mut row);
        row.push('\n');
        (at, row)
    })
}

fn json(labels: &Labels) -> String {
    let object: serde_json::Map<_, _> =
        labels.iter().map(|(name, value)| ((*name).to_owned(), value.clone().into())).collect();
    serde_json::Value::Object(object).to_string()
}

/// Escapes a value for COPY's text format
/// (<https://www.postgresql.org/docs/current/sql-copy.html>, "Text Format"). A NUL, which no
/// PostgreSQL text can hold, comes as JSON's `\u0000` and is replaced.
fn escape(value: &str, row: &mut String) {
    for character in value.replace("\\u0000", "\u{fffd}").chars() {
        match character {
            '\\' => row.push_str("\\\\"),
            '\t' => row.push_str("\\t"),
            '\n' => row.push_str("\\n"),
            '\r' => row.push_str("\\r"),
            other => row.push(other),
        }
    }
}

/// A month in UTC: one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Month {
    year: i16,
    month: i8,
}

impl Month {
    fn of(at: Timestamp) -> Self {
        let date = TimeZone::UTC.to_datetime(at);
        Self { year: date.year(), month: date.month() }
    }

    fn next(self) -> Self {
        match self.month {
            12 => Self { year: self.year + 1, month: 1 },
            month => Self { month: month + 1, ..self },
        }
    }

    /// `2026_11`
    fn name(self) -> String {
        format!("{:04}_{:02}", self.year, self.month)
    }

    /// `2026-11-01 00:00:00+00`
    fn start(self) -> String {
        format!("{:04}-{:02}-01 00:00:00+00", self.year, self.month)
    }

    /// Makes this month's partition where it is missing. Programs that do so at the same time
    /// wait for each other, since IF NOT EXISTS alone does not.
    async fn make_partition(self, connection: &mut sqlx::PgConnection) -> Result<(), StoreError> {
        let name = format!("system_metrics_{}", self.name());
        let known: bool =
            sqlx::query_scalar("SELECT to_regclass($1) IS NOT NULL").bind(&name).fetch_one(&mut *connection).await?;
        if known {
            return Ok(());
        }
        sqlx::query("SELECT pg_advisory_xact_lock(hashtext('recipe_monitoring partitions'))")
            .execute(&mut *connection)
            .await?;
        let mut statement = String::new();
        let _ = write!(
            statement,
            "CREATE TABLE IF NOT EXISTS {name} PARTITION OF system_metrics FOR VALUES FROM ('{}') TO ('{}')",
            self.start(),
            self.next().start(),
        );
        // Only numbers were put into the text.
        sqlx::query(AssertSqlSafe(statement)).execute(&mut *connection).await?;
        Ok(())
    }
}

/// Rows in the order of their time, put together again by moment.
fn points(rows: &[(i64, String, f64)]) -> Vec<SystemPoint> {
    let mut previous: Option<i64> = None;
    rows.chunk_by(|a, b| a.0 == b.0)
        .filter_map(|moment| {
            let at = moment[0].0;
            let of = |name: &str| moment.iter().find(|row| row.1 == name).map(|row| row.2);
            #[expect(clippy::cast_precision_loss, reason = "a quarter of an hour in microseconds is below 2^53")]
            let seconds = previous.replace(at).map(|before| (at - before) as f64 / 1e6);
            let seconds = seconds.filter(|seconds| *seconds <= LONGEST_INTERVAL_SECONDS);
            Some(SystemPoint {
                at: Timestamp::from_microsecond(at).ok()?,
                cpu_usage: of("cpu_usage"),
                memory_usage: of("memory_usage"),
                rx_per_second: seconds.and_then(|seconds| Some(of("network_rx")? / seconds)),
                tx_per_second: seconds.and_then(|seconds| Some(of("network_tx")? / seconds)),
                load_average_1m: of("load_average_1m"),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Mount;

    #[test]
    fn names_with_markup_tabs_and_backslashes_stay_one_row() {
        let mount = "/mnt/a\tb\\c\n<b>\"d\"".to_owned();
        let sample = System { mounts: vec![Mount { mount: mount.clone(), ..Mount::default() }], ..System::default() };
        let rows: Vec<_> = rows(&sample).map(|(_, row)| row).collect();
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0].matches('\n').count(), 1);
        let labels = rows[0].trim_end().split('\t').nth(3).unwrap().replace("\\\\", "\\");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&labels).unwrap()["mount"], mount);
    }

    #[test]
    fn a_month_ends_where_the_next_begins() {
        let month = Month::of("2026-12-31T23:59:59.999Z".parse().unwrap());
        assert_eq!(
            (month.name(), month.start(), month.next().start()),
            ("2026_12".to_owned(), "2026-12-01 00:00:00+00".to_owned(), "2027-01-01 00:00:00+00".to_owned(),)
        );
    }

    #[test]
    fn bytes_become_rates_over_the_time_since_the_row_before_and_not_over_a_gap() {
        let row = |second: i64, name: &str, value| (second * 1_000_000, name.to_owned(), value);
        let rows = [
            row(0, "network_rx", 100.0),
            row(10, "cpu_usage", 5.0),
            row(10, "network_rx", 100.0),
            row(1_000, "network_rx", 100.0),
        ];
        let points = points(&rows);
        let rates: Vec<_> = points.iter().map(|point| point.rx_per_second).collect();
        assert_eq!(rates, [None, Some(10.0), None]);
        assert_eq!(points[1].cpu_usage, Some(5.0));
    }
}
