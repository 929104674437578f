//! The past as the graphs of a page have it.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use jiff::Timestamp;

use super::{Archive, ArchiveError, RangeQuery, Values};
use crate::sample::HOST_LABEL;
use crate::store::Steps;
use crate::{GraphPoint, History};

/// A metric, and where in a point its value goes.
struct Graphed {
    metric: &'static str,
    values: Values,
    set: fn(&mut GraphPoint, f64),
}

const fn as_kept(metric: &'static str, set: fn(&mut GraphPoint, f64)) -> Graphed {
    Graphed { metric, values: Values::AsKept, set }
}

const fn per_second(metric: &'static str, set: fn(&mut GraphPoint, f64)) -> Graphed {
    Graphed { metric, values: Values::PerSecond, set }
}

/// Of a host: those of [`super::GRAPHED`].
const SYSTEM: [Graphed; super::GRAPHED.len()] = [
    as_kept("cpu_usage", |point, value| point.cpu_usage = Some(value)),
    as_kept("memory_usage", |point, value| point.memory_usage = Some(value)),
    per_second("network_rx", |point, value| point.rx_per_second = Some(value)),
    per_second("network_tx", |point, value| point.tx_per_second = Some(value)),
    as_kept("load_average_1m", |point, value| point.load_average_1m = Some(value)),
];

/// Of an application.
const APPLICATION: [Graphed; 6] = [
    as_kept("http_requests_per_second", |point, value| point.requests_per_second = Some(value)),
    as_kept("http_error_rate", |point, value| point.error_rate = Some(value)),
    as_kept("response_time_p50", |point, value| point.p50_ms = Some(value)),
    as_kept("response_time_p95", |point, value| point.p95_ms = Some(value)),
    as_kept("response_time_p99", |point, value| point.p99_ms = Some(value)),
    as_kept("active_connections", |point, value| point.active_connections = Some(value)),
];

impl Archive {
    /// The graphed numbers of `host`, or else of the one last seen, after the one time and until the
    /// other, in at most `points` points. What cannot be read is missing.
    pub async fn system_history(&self, span: (Timestamp, Timestamp), points: u32, host: Option<&str>) -> History {
        self.history(&SYSTEM, span, points, host).await
    }

    /// The same of the application, as the collector on `host` has them.
    pub async fn application_history(&self, span: (Timestamp, Timestamp), points: u32, host: Option<&str>) -> History {
        self.history(&APPLICATION, span, points, host).await
    }

    async fn history(
        &self,
        graphed: &[Graphed],
        (from, to): (Timestamp, Timestamp),
        points: u32,
        host: Option<&str>,
    ) -> History {
        let labels = host.map(|host| (HOST_LABEL.to_owned(), host.to_owned())).into_iter().collect();
        let query = RangeQuery { metric: String::new(), labels, from, to, points, resolution: None };
        let metrics: Vec<String> = graphed.iter().map(|graphed| graphed.metric.to_owned()).collect();
        // Once for all of them.
        let loose = &self.loose((from, to), &metrics, &query.labels).await;
        let ranges = join_all(graphed.iter().map(|graphed| {
            let query = RangeQuery { metric: graphed.metric.to_owned(), ..query.clone() };
            async move { self.join(&query, loose, graphed.values).await }
        }));
        // A value that is missing at times ends its steps earlier than the others do theirs.
        let steps = Steps::new(from, to, points);
        let mut moments: BTreeMap<i64, GraphPoint> = BTreeMap::new();
        let mut history = History::new(to.duration_since(from).as_secs()).until(to);
        for (graphed, range) in graphed.iter().zip(ranges.await) {
            let series = match range {
                Ok(range) => {
                    if !range.complete {
                        history.mark_incomplete();
                    }
                    range.series
                }
                Err(error) => {
                    if !matches!(error, ArchiveError::NoMetric { .. }) {
                        history.mark_incomplete();
                    }
                    continue;
                }
            };
            for point in series.into_iter().next().map(|series| series.points).unwrap_or_default() {
                let moment = moments.entry(steps.index(point.at)).or_default();
                moment.at = moment.at.max(point.at);
                // Two decimals: what a graph can show.
                (graphed.set)(moment, (point.avg * 100.0).round() / 100.0);
            }
        }
        moments.into_values().for_each(|point| history.insert(point));
        history
    }
}
