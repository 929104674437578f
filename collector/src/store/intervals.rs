//! How far apart the samples of a series lie, which nobody has written down: what is counted over a
//! sample is a rate only by that.

use sqlx::PgConnection;

use crate::archive::RangeQuery;

use super::StoreError;
use super::range::{Steps, hour_of};

/// By step, its end and the seconds between two samples: the middle one of the distances to the
/// sample before, the lower of two, so that one gap does not matter.
pub(super) async fn intervals(
    connection: &mut PgConnection,
    query: &RangeQuery,
    labels: &[String],
    steps: &Steps,
) -> Result<Vec<(String, i64, f64)>, StoreError> {
    let rows = sqlx::query_as(
        "SELECT labels::text, (extract(epoch FROM max(timestamp)) * 1000000)::bigint,
                percentile_disc(0.5) WITHIN GROUP (ORDER BY seconds)
         FROM (
             SELECT labels, timestamp, extract(epoch FROM timestamp - lag(timestamp)
                        OVER (PARTITION BY labels ORDER BY timestamp))::float8 AS seconds
             FROM system_metrics
             WHERE metric_name = $1 AND timestamp > $2::text::timestamptz AND timestamp <= $3::text::timestamptz
               AND labels = ANY($4::text[]::jsonb[])
         ) AS distances
         WHERE seconds > 0
         GROUP BY labels, date_bin(make_interval(secs => $5), timestamp - INTERVAL '1 microsecond', $6::text::timestamptz)",
    )
    .bind(&query.metric)
    .bind(query.from.to_string())
    .bind(query.to.to_string())
    .bind(labels)
    .bind(steps.seconds())
    .bind(steps.origin().to_string())
    .fetch_all(connection)
    .await?;
    Ok(rows)
}

/// The same by hour, from the first samples in each: rollups do not say how long a sample is.
pub(super) async fn intervals_of_hours(
    connection: &mut PgConnection,
    query: &RangeQuery,
    labels: &[String],
) -> Result<Vec<(String, i64, f64)>, StoreError> {
    let rows = sqlx::query_as(
        "SELECT series.labels, (extract(epoch FROM hour + INTERVAL '1 hour') * 1000000)::bigint, seconds
         FROM unnest($4::text[]) AS series (labels)
         CROSS JOIN generate_series($2::text::timestamptz, $3::text::timestamptz, INTERVAL '1 hour') AS hours (hour)
         CROSS JOIN LATERAL (
             SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY seconds) AS seconds
             FROM (
                 SELECT extract(epoch FROM timestamp - lag(timestamp) OVER (ORDER BY timestamp))::float8 AS seconds
                 FROM (
                     SELECT timestamp FROM system_metrics
                     WHERE metric_name = $1 AND timestamp >= hour AND timestamp < hour + INTERVAL '1 hour'
                       AND labels = series.labels::jsonb
                     ORDER BY timestamp LIMIT 4
                 ) AS first
             ) AS distances
             WHERE seconds > 0
         ) AS middle
         WHERE seconds IS NOT NULL",
    )
    .bind(&query.metric)
    .bind(hour_of(query.from).to_string())
    .bind(query.to.to_string())
    .bind(labels)
    .fetch_all(connection)
    .await?;
    Ok(rows)
}
