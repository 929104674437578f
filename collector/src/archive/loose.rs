//! What is not yet saved of some metrics, as it waits beside PostgreSQL.

use std::collections::HashMap;

use jiff::Timestamp;
use uuid::Uuid;

use crate::Labels;
use crate::sample::{HOST_LABEL, Sample};

/// Values by series. As small as can be, for there may be a million.
#[derive(Debug, Default)]
pub(super) struct Loose {
    metrics: Vec<String>,
    labels: Labels,
    /// Metric and labels.
    series: Vec<(String, Labels)>,
    indexes: HashMap<(String, Labels), usize>,
    values: Vec<Value>,
    /// Names of the wanted metrics that are there at all, whatever their labels.
    known: Vec<String>,
}

/// One value that is not yet saved.
#[derive(Clone, Copy, Debug)]
struct Value {
    stream: Uuid,
    seq: u64,
    at: Timestamp,
    series: usize,
    value: f64,
}

impl Loose {
    /// Nothing yet of these metrics' series that have these labels.
    pub(super) fn of(metrics: &[String], labels: &Labels) -> Self {
        Self { metrics: metrics.to_vec(), labels: labels.clone(), ..Self::default() }
    }

    /// Adds what is wanted of a sample.
    pub(super) fn add(&mut self, stream: Uuid, seq: u64, sample: &Sample) {
        for point in sample.points.iter().filter(|point| self.metrics.iter().any(|name| *name == point.metric_name)) {
            if !self.known.iter().any(|name| *name == point.metric_name) {
                self.known.push(point.metric_name.to_string());
            }
            let mut labels = point.labels.clone();
            labels.insert(HOST_LABEL.to_owned(), sample.host.clone());
            if !self.labels.iter().all(|(name, value)| labels.get(name) == Some(value)) {
                continue;
            }
            let series = (point.metric_name.to_string(), labels);
            let series = *self.indexes.entry(series).or_insert_with_key(|series| {
                self.series.push(series.clone());
                self.series.len() - 1
            });
            self.values.push(Value { stream, seq, at: sample.at, series, value: point.value });
        }
    }

    /// Whether the metric is there at all, whatever its labels.
    pub(super) fn knows(&self, metric: &str) -> bool {
        self.known.iter().any(|name| name == metric)
    }

    /// Name, labels, time and value of all that PostgreSQL does not have, where it has taken over
    /// every stream until these positions.
    pub(super) fn beyond(
        &self,
        positions: &HashMap<Uuid, u64>,
    ) -> impl Iterator<Item = (&str, &Labels, Timestamp, f64)> {
        let is_unsaved = |value: &&Value| positions.get(&value.stream).is_none_or(|position| value.seq > *position);
        self.values.iter().filter(is_unsaved).map(|value| {
            let (metric, labels) = &self.series[value.series];
            (metric.as_str(), labels, value.at, value.value)
        })
    }

    /// The host whose value came last.
    pub(super) fn last_host(&self) -> Option<&str> {
        let last = self.values.iter().max_by_key(|value| value.at)?;
        self.series[last.series].1.get(HOST_LABEL).map(String::as_str)
    }
}
