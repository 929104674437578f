//! The application's past as graphs have it.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::{Archive, RangeQuery};
use crate::sample::HOST_LABEL;
use crate::{GraphPoint, History};

/// Name of a metric and where its value goes.
type Graphed = (&'static str, fn(&mut GraphPoint, f64));

/// The metrics of an application that graphs have.
const GRAPHED: [Graphed; 6] = [
    ("http_requests_per_second", |point, value| point.requests_per_second = Some(value)),
    ("http_error_rate", |point, value| point.error_rate = Some(value)),
    ("response_time_p50", |point, value| point.p50_ms = Some(value)),
    ("response_time_p95", |point, value| point.p95_ms = Some(value)),
    ("response_time_p99", |point, value| point.p99_ms = Some(value)),
    ("active_connections", |point, value| point.active_connections = Some(value)),
];
/// Two readings of a metric within it belong together.
const SAME_MOMENT_SECONDS: i64 = 1;

impl Archive {
    /// The graphed numbers of the application over the last `seconds` in at most `points` points,
    /// as the collector on `host` has them, or else the one last seen. What cannot be read is missing.
    pub async fn application_history(&self, seconds: i64, points: u32, host: Option<&str>) -> History {
        let to = Timestamp::now();
        let from = to - SignedDuration::from_secs(seconds);
        let labels = host.map(|host| (HOST_LABEL.to_owned(), host.to_owned())).into_iter().collect();
        let query = RangeQuery { metric: String::new(), labels, from, to, points, resolution: None };
        let mut moments: BTreeMap<i64, GraphPoint> = BTreeMap::new();
        for (metric, set) in GRAPHED {
            let range = self.range(&RangeQuery { metric: metric.to_owned(), ..query.clone() }).await;
            let series = range.ok().and_then(|range| range.series.into_iter().next());
            for point in series.map(|series| series.points).unwrap_or_default() {
                let moment = point.at.as_second().div_euclid(SAME_MOMENT_SECONDS);
                let moment = moments.entry(moment).or_insert(GraphPoint { at: point.at, ..GraphPoint::default() });
                // Two decimals: what a graph can show.
                set(moment, (point.avg * 100.0).round() / 100.0);
            }
        }
        let mut history = History::new(seconds);
        moments.into_values().for_each(|point| history.insert(point));
        history
    }
}
