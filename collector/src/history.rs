//! The recent past of the host, or of the application, in few numbers: what a sparkline or a graph
//! needs, in the server for the first page and in the browser for as long as the page lives.

use std::collections::VecDeque;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Application, System};

/// The graphed numbers of one moment: of the host or of the application, each in a history of its
/// own, for they are read at other moments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GraphPoint {
    /// When.
    #[serde(with = "crate::rfc3339")]
    pub at: Timestamp,
    /// % 0-100.
    #[serde(rename = "cpu", default, skip_serializing_if = "Option::is_none")]
    pub cpu_usage: Option<f64>,
    /// % 0-100.
    #[serde(rename = "mem", default, skip_serializing_if = "Option::is_none")]
    pub memory_usage: Option<f64>,
    /// Bytes per second.
    #[serde(rename = "rx", default, skip_serializing_if = "Option::is_none")]
    pub rx_per_second: Option<f64>,
    /// Bytes per second.
    #[serde(rename = "tx", default, skip_serializing_if = "Option::is_none")]
    pub tx_per_second: Option<f64>,
    /// The kernel's load average over one minute.
    #[serde(rename = "load", default, skip_serializing_if = "Option::is_none")]
    pub load_average_1m: Option<f64>,
    /// Requests answered, cumulative.
    #[serde(rename = "req", default, skip_serializing_if = "Option::is_none")]
    pub requests_total: Option<f64>,
    /// Requests answered per second.
    #[serde(rename = "rps", default, skip_serializing_if = "Option::is_none")]
    pub requests_per_second: Option<f64>,
    /// Failed share of the requests, % 0-100.
    #[serde(rename = "err", default, skip_serializing_if = "Option::is_none")]
    pub error_rate: Option<f64>,
    /// ms.
    #[serde(rename = "p50", default, skip_serializing_if = "Option::is_none")]
    pub p50_ms: Option<f64>,
    /// ms.
    #[serde(rename = "p95", default, skip_serializing_if = "Option::is_none")]
    pub p95_ms: Option<f64>,
    /// ms.
    #[serde(rename = "p99", default, skip_serializing_if = "Option::is_none")]
    pub p99_ms: Option<f64>,
    /// Open connections.
    #[serde(rename = "conn", default, skip_serializing_if = "Option::is_none")]
    pub active_connections: Option<f64>,
}

impl From<&System> for GraphPoint {
    fn from(system: &System) -> Self {
        Self {
            at: system.at,
            cpu_usage: system.cpu_usage,
            memory_usage: system.memory_usage,
            rx_per_second: system.rx_per_second(),
            tx_per_second: system.tx_per_second(),
            load_average_1m: system.load_average_1m,
            ..Self::default()
        }
    }
}

impl From<&Application> for GraphPoint {
    fn from(application: &Application) -> Self {
        let total = &application.total;
        Self {
            at: application.at,
            requests_total: application.http_requests_total,
            requests_per_second: total.per_second,
            error_rate: total.error_rate,
            p50_ms: total.p50_ms,
            p95_ms: total.p95_ms,
            p99_ms: total.p99_ms,
            active_connections: application.active_connections,
            ..Self::default()
        }
    }
}

/// Points of one host, or of its application, in the order of their time, each moment once, none
/// older than a span before the newest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// Seconds kept.
    span_seconds: i64,
    points: VecDeque<GraphPoint>,
    /// Whether a part of it could not be read.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    incomplete: bool,
    /// The end of the span, where that is not the newest point.
    #[serde(default, with = "crate::rfc3339::option", skip_serializing_if = "Option::is_none")]
    end: Option<Timestamp>,
}

impl History {
    /// An empty history that keeps `span_seconds` before its newest point.
    #[must_use]
    pub fn new(span_seconds: i64) -> Self {
        Self { span_seconds, points: VecDeque::new(), incomplete: false, end: None }
    }

    /// Adds a point where its time puts it; a second point of the same moment is ignored.
    /// Points older than the span are forgotten.
    pub fn insert(&mut self, point: GraphPoint) {
        let position = self.points.partition_point(|known| known.at < point.at);
        if self.points.get(position).is_none_or(|known| known.at != point.at) {
            self.points.insert(position, point);
        }
        if let Some(newest) = self.points.back() {
            let oldest = newest.at.as_millisecond() - self.span_seconds * 1_000;
            while self.points.front().is_some_and(|point| point.at.as_millisecond() < oldest) {
                self.points.pop_front();
            }
        }
    }

    /// Adds all points of `other`.
    pub fn merge(&mut self, other: &Self) {
        for point in &other.points {
            self.insert(*point);
        }
    }

    /// The points, oldest first.
    pub fn points(&self) -> impl DoubleEndedIterator<Item = &GraphPoint> + ExactSizeIterator {
        self.points.iter()
    }

    /// The newest point.
    #[must_use]
    pub fn newest(&self) -> Option<&GraphPoint> {
        self.points.back()
    }

    /// The end of the span: where it was read up to, or else the newest point.
    #[must_use]
    pub fn end(&self) -> Option<Timestamp> {
        self.end.or_else(|| self.newest().map(|point| point.at))
    }

    /// The same history, read up to this moment, whenever its newest point is.
    #[must_use]
    pub fn until(self, end: Timestamp) -> Self {
        Self { end: Some(end), ..self }
    }

    /// The same points so many seconds later: a past to be seen beside what came after it.
    #[must_use]
    pub fn later(mut self, seconds: i64) -> Self {
        let shift = jiff::SignedDuration::from_secs(seconds);
        let shifted = |at: Timestamp| at.checked_add(shift).unwrap_or(at);
        self.points.iter_mut().for_each(|point| point.at = shifted(point.at));
        Self { end: self.end.map(shifted), ..self }
    }

    /// Seconds kept before the newest point.
    #[must_use]
    pub fn span_seconds(&self) -> i64 {
        self.span_seconds
    }

    /// The points of the newest part of it, oldest first: `seconds` before the newest point.
    pub fn newest_points(&self, seconds: i64) -> impl Iterator<Item = &GraphPoint> {
        let oldest = self.newest().map_or(0, |newest| newest.at.as_millisecond() - seconds * 1_000);
        self.points.range(self.points.partition_point(|point| point.at.as_millisecond() < oldest)..)
    }

    /// Notes that a part of it could not be read, because PostgreSQL does not answer.
    pub fn mark_incomplete(&mut self) {
        self.incomplete = true;
    }

    /// False where a part of it could not be read, because PostgreSQL does not answer.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        !self.incomplete
    }

    /// The same past in at most one point per `step_seconds`, each the mean of the points in its
    /// step, at the time of the last of them. Steps without a point stay without one.
    #[must_use]
    pub fn thinned(&self, step_seconds: i64) -> Self {
        let step = |point: &GraphPoint| point.at.as_second().div_euclid(step_seconds.max(1));
        let points: Vec<_> = self.points.iter().copied().collect();
        let points = points.chunk_by(|a, b| step(a) == step(b)).map(mean).collect();
        Self { span_seconds: self.span_seconds, points, incomplete: self.incomplete, end: self.end }
    }
}

fn mean(points: &[GraphPoint]) -> GraphPoint {
    let of = |value: fn(&GraphPoint) -> Option<f64>| {
        let (sum, count) =
            points.iter().filter_map(value).fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
        // Two decimals: what a graph can show, in a third of the bytes.
        (count > 0.0).then(|| (sum / count * 100.0_f64).round() / 100.0)
    };
    GraphPoint {
        at: points.last().map(|point| point.at).unwrap_or_default(),
        cpu_usage: of(|point| point.cpu_usage),
        memory_usage: of(|point| point.memory_usage),
        rx_per_second: of(|point| point.rx_per_second),
        tx_per_second: of(|point| point.tx_per_second),
        load_average_1m: of(|point| point.load_average_1m),
        // The newest, for it only grows.
        requests_total: points.iter().rev().find_map(|point| point.requests_total),
        requests_per_second: of(|point| point.requests_per_second),
        error_rate: of(|point| point.error_rate),
        p50_ms: of(|point| point.p50_ms),
        p95_ms: of(|point| point.p95_ms),
        p99_ms: of(|point| point.p99_ms),
        active_connections: of(|point| point.active_connections),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(second: i64, cpu: f64) -> GraphPoint {
        GraphPoint { at: Timestamp::new(second, 0).unwrap(), cpu_usage: Some(cpu), ..GraphPoint::default() }
    }

    fn seconds(history: &History) -> Vec<i64> {
        history.points().map(|point| point.at.as_second()).collect()
    }

    #[test]
    fn late_and_repeated_points_end_up_in_order_and_once() {
        let mut history = History::new(100);
        for second in [10, 30, 20, 30, 10] {
            history.insert(point(second, 1.0));
        }
        assert_eq!(seconds(&history), [10, 20, 30]);
    }

    #[test]
    fn only_the_span_before_the_newest_is_kept() {
        let mut history = History::new(60);
        for second in 0..200 {
            history.insert(point(second, 1.0));
        }
        history.insert(point(100, 1.0));
        assert_eq!(seconds(&history), (139..200).collect::<Vec<_>>());
    }

    #[test]
    fn thinning_averages_and_keeps_gaps() {
        let mut history = History::new(1000);
        for (second, cpu) in [(0, 1.0), (4, 3.0), (11, 5.0), (40, 9.0)] {
            history.insert(point(second, cpu));
        }
        let thin = history.thinned(10);
        assert_eq!(seconds(&thin), [4, 11, 40]);
        assert_eq!(thin.points().next().unwrap().cpu_usage, Some(2.0));
    }

    #[test]
    fn it_ends_where_it_was_read_up_to_and_can_be_seen_later() {
        let mut history = History::new(100);
        history.insert(point(50, 1.0));
        let second = |second| Timestamp::new(second, 0).ok();
        assert_eq!(history.end(), second(50));
        let later = history.until(second(80).unwrap()).later(1_000);
        assert_eq!((later.end(), seconds(&later)), (second(1_080), vec![1_050]));
        let text = serde_json::to_string(&later).unwrap();
        assert_eq!(serde_json::from_str::<History>(&text).unwrap(), later);
    }

    #[test]
    fn a_past_says_whether_something_is_missing_and_one_without_a_word_is_whole() {
        let mut history: History = serde_json::from_str(r#"{"span_seconds":60,"points":[]}"#).unwrap();
        assert!(history.is_complete());
        assert!(!serde_json::to_string(&history).unwrap().contains("incomplete"));
        history.mark_incomplete();
        let text = serde_json::to_string(&history.thinned(10)).unwrap();
        assert!(!serde_json::from_str::<History>(&text).unwrap().is_complete());
    }
}
