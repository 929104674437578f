//! Samples and rollups read back: nothing else knows how they lie in their tables but `samples`
//! and `rollups`, which write them.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::archive::{GRAPHED, MOST_SERIES, RangeQuery};
use crate::sample::HOST_LABEL;
use crate::{Labels, RangePoint, Resolution, Stats};

use super::intervals::{intervals, intervals_of_hours};
use super::{Store, StoreError};

const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// The steps that a span is divided into, all of one length and at the same moments whatever the
/// span begins with, so that a graph does not flicker as time goes on.
#[derive(Clone, Copy, Debug)]
pub struct Steps {
    origin: Timestamp,
    microseconds: i64,
}

/// What is known of one step, or of a part of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    index: i64,
    last: Timestamp,
    min: f64,
    avg: f64,
    max: f64,
    count: u64,
}

impl Step {
    /// The time of its last sample, or the end of its hour.
    pub(crate) fn last(&self) -> Timestamp {
        self.last
    }

    /// The same of values by so many seconds.
    pub(crate) fn per(self, seconds: f64) -> Self {
        Self { min: self.min / seconds, avg: self.avg / seconds, max: self.max / seconds, ..self }
    }
}

impl Steps {
    /// At most `points` steps over the time after `from` until `to`.
    pub(crate) fn new(from: Timestamp, to: Timestamp, points: u32) -> Self {
        let span = to.as_microsecond() - from.as_microsecond();
        // One is lost to the alignment.
        let count = i64::from(points).max(2) - 1;
        let microseconds = (span + count - 1).div_euclid(count).max(1);
        let origin = match points {
            1 => from,
            _ => Timestamp::from_microsecond(from.as_microsecond().div_euclid(microseconds) * microseconds)
                .unwrap_or(from),
        };
        Self { origin, microseconds }
    }

    /// The beginning of one of them.
    pub(super) fn origin(&self) -> Timestamp {
        self.origin
    }

    /// Length of each.
    #[expect(clippy::cast_precision_loss, reason = "a step is shorter than 2^53 microseconds")]
    pub(crate) fn seconds(&self) -> f64 {
        self.microseconds as f64 / 1e6
    }

    /// A single sample as a step.
    pub(crate) fn of(&self, at: Timestamp, value: f64) -> Step {
        Step { index: self.index(at), last: at, min: value, avg: value, max: value, count: 1 }
    }

    /// The step that ends with `at` or after it.
    pub(crate) fn index(&self, at: Timestamp) -> i64 {
        (at.as_microsecond() - 1 - self.origin.as_microsecond()).div_euclid(self.microseconds)
    }

    /// The points that the found parts add up to, in the order of time.
    #[expect(clippy::cast_precision_loss, reason = "samples in one step stay far below 2^53")]
    pub(crate) fn points(&self, mut found: Vec<Step>) -> Vec<RangePoint> {
        found.sort_by_key(|step| (step.index, step.last));
        let merged = found.chunk_by(|a, b| a.index == b.index).filter_map(|parts| {
            let last = parts.last()?;
            let count: u64 = parts.iter().map(|part| part.count).sum();
            let sum: f64 = parts.iter().map(|part| part.avg * part.count as f64).sum();
            Some(RangePoint {
                at: last.last,
                min: parts.iter().map(|part| part.min).fold(f64::INFINITY, f64::min),
                avg: if parts.len() == 1 { last.avg } else { sum / count as f64 },
                max: parts.iter().map(|part| part.max).fold(f64::NEG_INFINITY, f64::max),
                count,
            })
        });
        merged.collect()
    }
}

/// What is saved of a range.
#[derive(Debug, Default)]
pub struct SavedRange {
    /// The series that match, at most [`MOST_SERIES`], in no order.
    pub(crate) series: Vec<(Labels, Vec<Step>)>,
    /// How far every spool was taken over when it was read.
    pub(crate) positions: HashMap<Uuid, u64>,
    /// Number of all series that match.
    pub(crate) matching: u64,
    /// Where it was asked for: ends of parts of each series, and the seconds between its samples.
    pub(crate) intervals: HashMap<Labels, Vec<(Timestamp, f64)>>,
}

/// `labels`, `last` in microseconds, `min`, `avg`, `max`, `count`.
type Row = (String, i64, f64, f64, f64, i64);

impl Store {
    /// What is saved of a range.
    pub(crate) async fn range(
        &self,
        query: &RangeQuery,
        resolution: Resolution,
        steps: &Steps,
        with_intervals: bool,
    ) -> Result<SavedRange, StoreError> {
        let mut transaction = self.begin_reading().await?;
        let positions = positions(&mut transaction).await?;
        let (labels, matching) = matching(&mut transaction, query).await?;
        let rows = match resolution {
            Resolution::Raw => raw(&mut transaction, query, &labels, steps).await?,
            Resolution::Hourly => {
                let mut rows = rolled_up(&mut transaction, query, &labels).await?;
                rows.extend(not_rolled_up(&mut transaction, query, &labels).await?);
                rows
            }
        };
        let found = match resolution {
            _ if !with_intervals => Vec::new(),
            Resolution::Raw => intervals(&mut transaction, query, &labels, steps).await?,
            Resolution::Hourly => intervals_of_hours(&mut transaction, query, &labels).await?,
        };
        transaction.commit().await?;
        let mut intervals: HashMap<Labels, Vec<_>> = HashMap::new();
        for (labels, end, seconds) in found {
            if let (Ok(labels), Ok(end)) = (serde_json::from_str(&labels), Timestamp::from_microsecond(end)) {
                intervals.entry(labels).or_default().push((end, seconds));
            }
        }
        let mut series: HashMap<String, Vec<Step>> = HashMap::new();
        for (labels, last, min, avg, max, count) in rows {
            let Ok(last) = Timestamp::from_microsecond(last) else { continue };
            let step = Step { index: steps.index(last), last, min, avg, max, count: u64::try_from(count).unwrap_or(0) };
            series.entry(labels).or_default().push(step);
        }
        let series =
            series.into_iter().filter_map(|(labels, steps)| Some((serde_json::from_str(&labels).ok()?, steps)));
        Ok(SavedRange { series: series.collect(), positions, matching, intervals })
    }

    /// The graphed numbers of a host after `from`: `(time, metric, value)`, and how far every
    /// spool was taken over.
    pub(crate) async fn recent(
        &self,
        from: Timestamp,
        host: &str,
    ) -> Result<(Vec<(Timestamp, String, f64)>, HashMap<Uuid, u64>), StoreError> {
        let mut transaction = self.begin_reading().await?;
        let positions = positions(&mut transaction).await?;
        let rows: Vec<(i64, String, f64)> = sqlx::query_as(
            "SELECT (extract(epoch FROM timestamp) * 1000000)::bigint, metric_name, metric_value::float8
             FROM system_metrics
             WHERE timestamp > $1::text::timestamptz AND metric_name = ANY($2)
               AND (labels = jsonb_build_object($3::text, $4::text) OR labels = '{}')
             ORDER BY timestamp",
        )
        .bind(from.to_string())
        .bind(GRAPHED.map(str::to_owned).to_vec())
        .bind(HOST_LABEL)
        .bind(host)
        .fetch_all(&mut *transaction)
        .await?;
        transaction.commit().await?;
        let rows =
            rows.into_iter().filter_map(|(at, name, value)| Some((Timestamp::from_microsecond(at).ok()?, name, value)));
        Ok((rows.collect(), positions))
    }

    /// The host last seen.
    pub(crate) async fn last_host(&self) -> Result<Option<String>, StoreError> {
        let sql = "SELECT labels ->> $1 FROM recipe_monitoring_state.series
                   WHERE metric_name = 'cpu_usage' AND labels ? $1 ORDER BY last_seen DESC LIMIT 1";
        Ok(sqlx::query_scalar(sql).bind(HOST_LABEL).fetch_optional(&self.pool).await?)
    }

    /// What `get_metric_stats` returns, of the samples after `from` until `to`, and of what `unsaved`
    /// says that there is beside them, given how far every spool was taken over: whether it stands for
    /// the whole, and its value.
    pub(crate) async fn metric_stats(
        &self,
        metric: &str,
        hours: u32,
        (from, to): (Timestamp, Timestamp),
        unsaved: impl FnOnce(&HashMap<Uuid, u64>) -> Vec<(bool, f64)>,
    ) -> Result<Stats, StoreError> {
        type Numbers = (Option<f64>, Option<f64>, Option<f64>, Option<f64>, Option<f64>, Option<f64>, Option<f64>, i64);
        let mut transaction = self.begin_reading().await?;
        // As COPY writes them, to the last digit.
        let (whole, values): (Vec<bool>, Vec<String>) = unsaved(&positions(&mut transaction).await?)
            .into_iter()
            .map(|(is_whole, value)| (is_whole, value.to_string()))
            .unzip();
        let (avg, min, max, stddev, p50, p95, p99, count): Numbers = sqlx::query_as(
            "SELECT avg(value)::float8, min(value)::float8, max(value)::float8, stddev(value)::float8,
                    percentile_cont(0.5) WITHIN GROUP (ORDER BY value::float8),
                    percentile_cont(0.95) WITHIN GROUP (ORDER BY value::float8),
                    percentile_cont(0.99) WITHIN GROUP (ORDER BY value::float8), count(*)
             FROM (
                 SELECT value, whole, bool_or(whole) OVER () AS has_whole
                 FROM (
                     SELECT metric_value AS value, labels - 'host' = '{}' AS whole FROM system_metrics
                     WHERE metric_name = $1 AND timestamp > $2::text::timestamptz AND timestamp <= $3::text::timestamptz
                     UNION ALL SELECT value::numeric, whole FROM unnest($4::text[], $5::bool[]) AS unsaved (value, whole)
                 ) AS samples
             ) AS window_of_samples
             WHERE whole = has_whole",
        )
        .bind(metric)
        .bind(from.to_string())
        .bind(to.to_string())
        .bind(values)
        .bind(whole)
        .fetch_one(&mut *transaction)
        .await?;
        transaction.commit().await?;
        let count = u64::try_from(count).unwrap_or(0);
        Ok(Stats { metric: metric.to_owned(), hours, avg, min, max, stddev, p50, p95, p99, count, complete: true })
    }

    /// Whether a sample of this metric was ever saved and is not yet forgotten.
    pub(crate) async fn is_metric(&self, metric: &str) -> Result<bool, StoreError> {
        let sql = "SELECT EXISTS (SELECT FROM recipe_monitoring_state.series WHERE metric_name = $1)
                   OR EXISTS (SELECT FROM metrics_hourly WHERE metric_name = $1)";
        Ok(sqlx::query_scalar(sql).bind(metric).fetch_one(&self.pool).await?)
    }

    /// The names of the known metrics, at most so many.
    pub(crate) async fn metrics(&self, most: u16) -> Result<Vec<String>, StoreError> {
        let sql = "SELECT DISTINCT metric_name::text FROM recipe_monitoring_state.series ORDER BY 1 LIMIT $1";
        Ok(sqlx::query_scalar(sql).bind(i64::from(most)).fetch_all(&self.pool).await?)
    }

    /// The known metric most like `metric`.
    pub(crate) async fn nearest_metric(&self, metric: &str) -> Result<Option<String>, StoreError> {
        let sql = "SELECT DISTINCT metric_name::text FROM recipe_monitoring_state.series LIMIT 10000";
        let names: Vec<String> = sqlx::query_scalar(sql).fetch_all(&self.pool).await?;
        Ok(names.into_iter().max_by(|a, b| strsim::jaro_winkler(a, metric).total_cmp(&strsim::jaro_winkler(b, metric))))
    }

    /// A transaction in which everything is as of one moment. Committed at its end: PostgreSQL counts
    /// what is rolled back, which should tell of faults.
    pub(super) async fn begin_reading(&self) -> Result<sqlx::Transaction<'static, sqlx::Postgres>, StoreError> {
        Ok(self.pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?)
    }
}

pub(super) async fn positions(connection: &mut PgConnection) -> Result<HashMap<Uuid, u64>, StoreError> {
    let rows: Vec<(Uuid, i64)> =
        sqlx::query_as("SELECT stream, position FROM recipe_monitoring_state.streams").fetch_all(connection).await?;
    Ok(rows.into_iter().map(|(stream, position)| (stream, u64::try_from(position).unwrap_or(0))).collect())
}

/// The JSON of the labels of the first series that match, and the number of all; of a whole and
/// its parts only the whole, where no part was asked for.
async fn matching(connection: &mut PgConnection, query: &RangeQuery) -> Result<(Vec<String>, u64), StoreError> {
    let asked_for_part = query.labels.keys().any(|name| name != HOST_LABEL);
    let rows: Vec<(String, i64)> = sqlx::query_as(
        "SELECT labels::text, count(*) OVER () FROM (
             SELECT labels, labels - 'host' = '{}' AS whole, bool_or(labels - 'host' = '{}') OVER () AS has_whole
             FROM recipe_monitoring_state.series WHERE metric_name = $1 AND labels @> $2::text::jsonb) AS known
         WHERE $3 OR whole = has_whole ORDER BY labels LIMIT $4",
    )
    .bind(&query.metric)
    .bind(serde_json::to_string(&query.labels).unwrap_or_default())
    .bind(asked_for_part)
    .bind(i64::from(MOST_SERIES))
    .fetch_all(connection)
    .await?;
    let all = rows.first().map_or(0, |(_, all)| u64::try_from(*all).unwrap_or(0));
    Ok((rows.into_iter().map(|(labels, _)| labels).collect(), all))
}

async fn raw(
    connection: &mut PgConnection,
    query: &RangeQuery,
    labels: &[String],
    steps: &Steps,
) -> Result<Vec<Row>, StoreError> {
    let rows = sqlx::query_as(
        "SELECT labels::text, (extract(epoch FROM max(timestamp)) * 1000000)::bigint, min(metric_value)::float8,
                avg(metric_value)::float8, max(metric_value)::float8, count(*)
         FROM system_metrics
         WHERE metric_name = $1 AND timestamp > $2::text::timestamptz AND timestamp <= $3::text::timestamptz
           AND labels = ANY($4::text[]::jsonb[])
         GROUP BY labels, date_bin(make_interval(secs => $5), timestamp - INTERVAL '1 microsecond', $6::text::timestamptz)",
    )
    .bind(&query.metric)
    .bind(query.from.to_string())
    .bind(query.to.to_string())
    .bind(labels)
    .bind(steps.seconds())
    .bind(steps.origin.to_string())
    .fetch_all(connection)
    .await?;
    Ok(rows)
}

/// Full hours within the span whose rollup lacks nothing. A metric with one whole has it in
/// `metrics_hourly`. The first hour is not full: its very beginning is outside.
async fn rolled_up(
    connection: &mut PgConnection,
    query: &RangeQuery,
    labels: &[String],
) -> Result<Vec<Row>, StoreError> {
    let of_metric = "SELECT $4[1], (extract(epoch FROM hour + INTERVAL '1 hour') * 1000000)::bigint,
                min_value::float8, avg_value::float8, max_value::float8, count::bigint
         FROM metrics_hourly AS rollup
         WHERE metric_name = $1 AND hour > $2::text::timestamptz AND hour <= $3::text::timestamptz
           AND NOT EXISTS (SELECT FROM recipe_monitoring_state.hours_to_aggregate AS mark WHERE mark.hour = rollup.hour)";
    let of_series = "SELECT labels::text, (extract(epoch FROM hour + INTERVAL '1 hour') * 1000000)::bigint,
                min_value::float8, avg_value::float8, max_value::float8, count::bigint
         FROM recipe_monitoring_state.series_hourly AS rollup
         WHERE metric_name = $1 AND hour > $2::text::timestamptz AND hour <= $3::text::timestamptz
           AND labels = ANY($4::text[]::jsonb[])
           AND NOT EXISTS (SELECT FROM recipe_monitoring_state.hours_to_aggregate AS mark WHERE mark.hour = rollup.hour)";
    let is_metric = |labels: &[String]| match labels {
        [] => query.labels.is_empty(),
        [only] => serde_json::from_str::<Labels>(only)
            .is_ok_and(|labels| query.labels.is_empty() && labels.keys().all(|name| name == HOST_LABEL)),
        _ => false,
    };
    let (sql, labels) = match labels {
        [] if is_metric(labels) => (of_metric, vec!["{}".to_owned()]),
        _ if is_metric(labels) => (of_metric, labels.to_vec()),
        _ => (of_series, labels.to_vec()),
    };
    let rows = sqlx::query_as(sql)
        .bind(&query.metric)
        .bind(query.from.to_string())
        .bind((query.to - HOUR).to_string())
        .bind(labels)
        .fetch_all(connection)
        .await?;
    Ok(rows)
}

/// The samples of hours that are marked, and of the two that the span cuts, by hour.
async fn not_rolled_up(
    connection: &mut PgConnection,
    query: &RangeQuery,
    labels: &[String],
) -> Result<Vec<Row>, StoreError> {
    let first = hour_of(query.from);
    let rows = sqlx::query_as(
        "SELECT parts.* FROM (
             SELECT mark.hour FROM recipe_monitoring_state.hours_to_aggregate AS mark
             WHERE mark.hour >= $2::text::timestamptz AND mark.hour <= $3::text::timestamptz
             UNION SELECT unnest($6::text[]::timestamptz[])
         ) AS mark
         CROSS JOIN LATERAL (
             SELECT labels::text, (extract(epoch FROM max(timestamp)) * 1000000)::bigint, min(metric_value)::float8,
                    avg(metric_value)::float8, max(metric_value)::float8, count(*)
             FROM system_metrics
             WHERE metric_name = $1 AND timestamp >= mark.hour AND timestamp < mark.hour + INTERVAL '1 hour'
               AND timestamp > $5::text::timestamptz AND timestamp <= $3::text::timestamptz
               AND labels = ANY($4::text[]::jsonb[])
             GROUP BY labels) AS parts",
    )
    .bind(&query.metric)
    .bind(first.to_string())
    .bind(query.to.to_string())
    .bind(labels)
    .bind(query.from.to_string())
    .bind(vec![first.to_string(), hour_of(query.to).to_string()])
    .fetch_all(connection)
    .await?;
    Ok(rows)
}

/// The beginning of the hour, in UTC, that this moment is in.
pub(super) fn hour_of(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second().div_euclid(3_600) * 3_600).unwrap_or(at)
}
