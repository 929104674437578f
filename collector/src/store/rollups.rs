//! `metrics_hourly`, `daily_summaries` and `metrics_last_24h`: what is made of the samples.
//!
//! Whoever inserts samples marks their hours (a trigger does it); an aggregation takes the marks
//! away. So every hour is aggregated, whatever was down when, and again when samples come late.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::Value;
use sqlx::PgConnection;

use super::turn::Turn;
use super::{Store, StoreError};

/// Hours aggregated in one transaction.
const HOURS_AT_ONCE: i32 = 24;

/// What an aggregation came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Aggregated {
    /// Hours that were looked at.
    pub hours: u64,
    /// Rows of `metrics_hourly` that are new or changed.
    pub rows: u64,
}

impl Store {
    /// Aggregates marked full hours, oldest first, at most a day's at once; `0` hours when there
    /// are none left. The local days that they lie in are marked to be summarised (again).
    ///
    /// # Errors
    ///
    /// Those of a turn; nothing was done then.
    pub async fn aggregate(&self, turn: &Turn, now: Timestamp, zone: &TimeZone) -> Result<Aggregated, StoreError> {
        let work = async |connection: &mut PgConnection| {
            let hours = take_marks(connection, now).await?;
            let rows = roll_up(connection, &hours).await?;
            mark_days(connection, &hours, zone).await?;
            if !hours.is_empty() {
                forget_sightings(connection).await?;
            }
            let did = format!("{} hours, {rows} rows new or changed", hours.len());
            Ok((Aggregated { hours: hours.len() as u64, rows }, did))
        };
        Ok(self.in_turn(turn, work).await?.0)
    }

    /// Number of full hours before `now` that wait to be aggregated.
    ///
    /// # Errors
    ///
    /// [`StoreError::Query`]
    pub async fn hours_waiting(&self, now: Timestamp) -> Result<u64, StoreError> {
        let hours: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM recipe_monitoring_state.hours_to_aggregate
             WHERE hour < date_trunc('hour', $1::text::timestamptz, 'UTC')",
        )
        .bind(now.to_string())
        .fetch_one(&self.pool)
        .await?;
        Ok(u64::try_from(hours).unwrap_or(0))
    }

    /// Every metric's row of the last full hour before `now`: `(metric_name, JSON)`.
    ///
    /// # Errors
    ///
    /// [`StoreError::Query`]
    pub async fn last_hour(&self, now: Timestamp) -> Result<Vec<(String, String)>, StoreError> {
        let rows = sqlx::query_as(
            "SELECT metric_name::text, json_build_object(
                 'hour', to_char(hour AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'),
                 'avg', avg_value::float8, 'min', min_value::float8, 'max', max_value::float8, 'count', count)::text
             FROM metrics_hourly
             WHERE hour = date_trunc('hour', $1::text::timestamptz, 'UTC') - INTERVAL '1 hour'",
        )
        .bind(now.to_string())
        .fetch_all(&self.pool)
        .await?;
        Ok(rows)
    }

    /// Summarises the marked local days before `today`; answers them.
    ///
    /// # Errors
    ///
    /// Those of a turn; nothing was done then.
    pub async fn summarize(&self, turn: &Turn, today: Date, zone: &TimeZone) -> Result<Vec<Date>, StoreError> {
        let work = async |connection: &mut PgConnection| {
            let days = take_days(connection, today).await?;
            for day in &days {
                summarize_day(connection, *day, zone).await?;
            }
            let did = format!("{} days", days.len());
            Ok((days, did))
        };
        Ok(self.in_turn(turn, work).await?.0)
    }

    /// Brings `metrics_last_24h` up to date.
    ///
    /// # Errors
    ///
    /// Those of a turn; nothing was done then.
    pub async fn refresh_views(&self, turn: &Turn) -> Result<(), StoreError> {
        let work = async |connection: &mut PgConnection| {
            sqlx::query("SELECT refresh_metrics_views()").execute(connection).await?;
            Ok(((), "metrics_last_24h".to_owned()))
        };
        self.in_turn(turn, work).await?;
        Ok(())
    }
}

/// The oldest marked full hours, in seconds since 1970. Inserts that are not yet committed are not
/// waited for: each comes with a mark of its own, which stays.
async fn take_marks(connection: &mut PgConnection, now: Timestamp) -> Result<Vec<i64>, StoreError> {
    let hours = sqlx::query_scalar(
        "WITH oldest AS (
             SELECT hour FROM recipe_monitoring_state.hours_to_aggregate
             WHERE hour < date_trunc('hour', $1::text::timestamptz, 'UTC') ORDER BY hour LIMIT $2
         ), taken AS (
             DELETE FROM recipe_monitoring_state.hour_marks AS mark USING oldest WHERE mark.hour = oldest.hour
             RETURNING mark.hour)
         SELECT DISTINCT extract(epoch FROM hour)::bigint FROM taken ORDER BY 1",
    )
    .bind(now.to_string())
    .bind(HOURS_AT_ONCE)
    .fetch_all(connection)
    .await?;
    Ok(hours)
}

/// Of every series all sightings but the last.
async fn forget_sightings(connection: &mut PgConnection) -> Result<(), StoreError> {
    sqlx::query(
        "DELETE FROM recipe_monitoring_state.sightings WHERE ctid IN (
             SELECT ctid FROM (
                 SELECT ctid, row_number() OVER (PARTITION BY metric_name, labels ORDER BY last_seen DESC) AS place
                 FROM recipe_monitoring_state.sightings) AS numbered
             WHERE place > 1)",
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// A statement of its own, so that it sees what was committed before the marks were taken.
async fn roll_up(connection: &mut PgConnection, hours: &[i64]) -> Result<u64, StoreError> {
    let written = sqlx::query(
        "WITH kinds AS MATERIALIZED (
             SELECT hour, metric_name, labels, labels - 'host' = '{}' AS whole, grouping(labels) AS is_metric,
                    avg(metric_value) AS avg_value, min(metric_value) AS min_value, max(metric_value) AS max_value,
                    count(*) AS count
             FROM unnest($1::bigint[]) AS hours(second)
             CROSS JOIN LATERAL (SELECT to_timestamp(second) AS hour) AS moments
             JOIN system_metrics ON timestamp >= hour AND timestamp < hour + INTERVAL '1 hour'
             GROUP BY GROUPING SETS ((hour, metric_name, labels), (hour, metric_name, labels - 'host' = '{}'))
         ), per_series AS (
             INSERT INTO recipe_monitoring_state.series_hourly AS old
                 (metric_name, labels, hour, avg_value, min_value, max_value, count)
             SELECT metric_name, labels, hour, avg_value, min_value, max_value, count FROM kinds WHERE is_metric = 0
             ON CONFLICT (metric_name, labels, hour) DO UPDATE SET avg_value = EXCLUDED.avg_value,
                 min_value = EXCLUDED.min_value, max_value = EXCLUDED.max_value, count = EXCLUDED.count
             WHERE (old.avg_value, old.min_value, old.max_value, old.count)
                 IS DISTINCT FROM (EXCLUDED.avg_value, EXCLUDED.min_value, EXCLUDED.max_value, EXCLUDED.count))
         INSERT INTO metrics_hourly AS old (hour, metric_name, avg_value, min_value, max_value, count)
         SELECT DISTINCT ON (hour, metric_name) hour, metric_name, avg_value, min_value, max_value, count
         FROM kinds WHERE is_metric = 1 ORDER BY hour, metric_name, whole DESC
         ON CONFLICT (hour, metric_name) DO UPDATE SET avg_value = EXCLUDED.avg_value,
             min_value = EXCLUDED.min_value, max_value = EXCLUDED.max_value, count = EXCLUDED.count
         WHERE (old.avg_value, old.min_value, old.max_value, old.count)
             IS DISTINCT FROM (EXCLUDED.avg_value, EXCLUDED.min_value, EXCLUDED.max_value, EXCLUDED.count)",
    )
    .bind(hours)
    .execute(connection)
    .await?;
    Ok(written.rows_affected())
}

/// Every local day that one of the hours touches: where the zone's offset is no whole hour, two.
async fn mark_days(connection: &mut PgConnection, hours: &[i64], zone: &TimeZone) -> Result<(), StoreError> {
    let day = |second: i64| Timestamp::from_second(second).ok().map(|at| zone.to_datetime(at).date().to_string());
    let days: BTreeSet<String> = hours.iter().flat_map(|hour| [day(*hour), day(*hour + 3_599)]).flatten().collect();
    sqlx::query(
        "INSERT INTO recipe_monitoring_state.days_to_summarize
         SELECT date::date FROM unnest($1::text[]) AS days(date) ORDER BY 1 ON CONFLICT DO NOTHING",
    )
    .bind(Vec::from_iter(days))
    .execute(connection)
    .await?;
    Ok(())
}

async fn take_days(connection: &mut PgConnection, today: Date) -> Result<Vec<Date>, StoreError> {
    let mut days: Vec<String> = sqlx::query_scalar(
        "DELETE FROM recipe_monitoring_state.days_to_summarize WHERE date < $1::text::date RETURNING date::text",
    )
    .bind(today.to_string())
    .fetch_all(connection)
    .await?;
    days.sort();
    Ok(days.iter().filter_map(|day| day.parse().ok()).collect())
}

/// Writes a day's summary, where it is new or has changed. A day without a sample gets none, and
/// keeps the one it had: its samples may have been cleaned up.
async fn summarize_day(connection: &mut PgConnection, day: Date, zone: &TimeZone) -> Result<(), StoreError> {
    let start = |day: Date| zone.to_timestamp(day.at(0, 0, 0, 0)).map(|start| start.to_string()).unwrap_or_default();
    let (from, to) = (start(day), start(day.tomorrow().unwrap_or(Date::MAX)));
    let metrics: Option<Value> = sqlx::query_scalar(
        "SELECT json_object_agg(metric_name, numbers ORDER BY metric_name) FROM (
             SELECT DISTINCT ON (metric_name) metric_name, json_build_object(
                 'avg', avg_value, 'min', min_value, 'max', max_value, 'p50', percentiles[1], 'p95', percentiles[2],
                 'p99', percentiles[3], 'last', last_value, 'count', count) AS numbers
             FROM (
                 SELECT metric_name, labels - 'host' = '{}' AS whole, avg(metric_value)::float8 AS avg_value,
                        min(metric_value)::float8 AS min_value, max(metric_value)::float8 AS max_value,
                        percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY metric_value::float8) AS percentiles,
                        (array_agg(metric_value::float8 ORDER BY timestamp DESC, id DESC))[1] AS last_value,
                        count(*) AS count
                 FROM system_metrics WHERE timestamp >= $1::text::timestamptz AND timestamp < $2::text::timestamptz
                 GROUP BY metric_name, whole) AS kinds
             ORDER BY metric_name, whole DESC) AS metrics",
    )
    .bind(&from)
    .bind(&to)
    .fetch_one(&mut *connection)
    .await?;
    let Some(metrics) = metrics else { return Ok(()) };
    let alerts: Value = sqlx::query_scalar(
        "SELECT json_build_object(
             'critical', count(*) FILTER (WHERE severity = 'critical'),
             'warning', count(*) FILTER (WHERE severity = 'warning'),
             'info', count(*) FILTER (WHERE severity = 'info'))
         FROM alert_history WHERE timestamp >= $1::text::timestamptz AND timestamp < $2::text::timestamptz",
    )
    .bind(&from)
    .bind(&to)
    .fetch_one(&mut *connection)
    .await?;
    let zone = zone.iana_name().unwrap_or("UTC");
    let summary =
        serde_json::json!({ "time_zone": zone, "from": from, "to": to, "metrics": metrics, "alerts": alerts });
    sqlx::query(
        "INSERT INTO daily_summaries AS old (date, summary_data) VALUES ($1::text::date, $2::text::jsonb)
         ON CONFLICT (date) DO UPDATE SET summary_data = EXCLUDED.summary_data, updated_at = now()
         WHERE old.summary_data IS DISTINCT FROM EXCLUDED.summary_data",
    )
    .bind(day.to_string())
    .bind(summary.to_string())
    .execute(connection)
    .await?;
    Ok(())
}
