//! Saved samples once more, in the order of their time.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

use crate::Labels;

use super::{Store, StoreError};

/// Samples are read by the hour, so that memory is that of an hour.
const PART: SignedDuration = SignedDuration::from_hours(1);

/// Samples of one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Moment {
    /// When.
    pub at: Timestamp,
    /// Name of the metric, labels and value of each.
    pub points: Vec<(String, Labels, f64)>,
}

impl Store {
    /// Gives `each` moment after `from` until `to` that has samples of these metrics, the oldest first.
    ///
    /// # Errors
    ///
    /// [`StoreError::Query`]
    pub async fn replay(
        &self,
        metrics: &[String],
        (from, to): (Timestamp, Timestamp),
        mut each: impl FnMut(Moment),
    ) -> Result<(), StoreError> {
        // The same few over and over.
        let mut known: HashMap<String, Labels> = HashMap::new();
        let mut start = from;
        while start < to {
            let end = start.checked_add(PART).map_or(to, |end| end.min(to));
            let rows: Vec<(i64, String, String, f64)> = sqlx::query_as(
                "SELECT (extract(epoch FROM timestamp) * 1000000)::bigint, metric_name, labels::text, metric_value::float8
                 FROM system_metrics
                 WHERE metric_name = ANY($1) AND timestamp > $2::text::timestamptz AND timestamp <= $3::text::timestamptz
                 ORDER BY timestamp",
            )
            .bind(metrics)
            .bind(start.to_string())
            .bind(end.to_string())
            .fetch_all(&self.pool)
            .await?;
            for rows in rows.chunk_by(|a, b| a.0 == b.0) {
                let Ok(at) = Timestamp::from_microsecond(rows[0].0) else { continue };
                let mut point = |(_, metric, labels, value): &(i64, String, String, f64)| {
                    let labels = match known.get(labels) {
                        Some(known) => known.clone(),
                        None => {
                            let read: Labels = serde_json::from_str(labels).ok()?;
                            known.insert(labels.clone(), read.clone());
                            read
                        }
                    };
                    Some((metric.clone(), labels, *value))
                };
                each(Moment { at, points: rows.iter().filter_map(&mut point).collect() });
            }
            start = end;
        }
        Ok(())
    }
}
