//! `/metrics`: our own health and the newest value of every series, for Prometheus.

use std::collections::HashSet;
use std::fmt::{self, Write as _};
use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use collector::{Feed, HOST_LABEL, PartState, SYSTEM_METRICS};
use http::header::{ACCEPT, CONTENT_TYPE, VARY};
use http::{HeaderMap, StatusCode};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Enters what is read at scrape time.
pub(crate) fn register(registry: &mut Registry, feed: &Feed) {
    registry.register_collector(Box::new(Newest(feed.clone())));
    registry.register_collector(Box::new(Process));
}

/// The metrics, as OpenMetrics 1.0 where asked for and as Prometheus' own text otherwise.
pub(crate) async fn metrics(State(registry): State<Arc<Registry>>, headers: HeaderMap) -> Response {
    let mut text = String::new();
    if encode(&mut text, &registry).is_err() {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    let accepts = |format: &str| {
        let accept = headers.get_all(ACCEPT);
        accept.iter().any(|value| value.to_str().is_ok_and(|value| value.contains(format)))
    };
    if accepts("application/openmetrics-text") {
        ([(CONTENT_TYPE, OPEN_METRICS), (VARY, "accept")], text).into_response()
    } else {
        ([(CONTENT_TYPE, PROMETHEUS), (VARY, "accept")], prometheus_text(&text)).into_response()
    }
}

/// OpenMetrics as Prometheus' text format 0.0.4: there a counter's family has the name of its
/// samples, with `_total`, and there is neither UNIT nor EOF.
/// <https://github.com/prometheus/docs/blob/main/docs/instrumenting/exposition_formats.md>
fn prometheus_text(open_metrics: &str) -> String {
    let counters: HashSet<_> =
        open_metrics.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.strip_suffix(" counter")).collect();
    let mut text = String::with_capacity(open_metrics.len());
    for line in open_metrics.lines().filter(|line| *line != "# EOF" && !line.starts_with("# UNIT ")) {
        let mut words = line.splitn(4, ' ');
        match (words.next(), words.next(), words.next(), words.next()) {
            (Some("#"), Some(keyword), Some(name), Some(rest)) if counters.contains(name) => {
                let _ = writeln!(text, "# {keyword} {name}_total {rest}");
            }
            _ => {
                text.push_str(line);
                text.push('\n');
            }
        }
    }
    text
}

/// The newest values and the state of our parts.
#[derive(Debug)]
struct Newest(Feed);

impl Collector for Newest {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        if let Some(system) = self.0.system() {
            let sample = system.sample();
            for (name, help) in SYSTEM_METRICS {
                let mut points = sample.points.iter().filter(|point| point.metric_name == name).peekable();
                if points.peek().is_none() {
                    continue;
                }
                let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
                for point in points {
                    let host = [(HOST_LABEL, sample.host.as_str())];
                    let others = point.labels.iter().map(|(name, value)| (name.as_str(), value.as_str()));
                    let labels: Vec<_> = host.into_iter().chain(others).collect();
                    ConstGauge::new(point.value).encode(metric.encode_family(&labels)?)?;
                }
            }
        }
        let help = "Whether a part of the monitoring answers: 1 yes, 0 no, absent where there is none";
        let mut metric = encoder.encode_descriptor("recipe_monitoring_part_up", help, None, MetricType::Gauge)?;
        for part in self.0.health().parts.iter().filter(|part| part.state != PartState::Off) {
            let up = i64::from(part.state == PartState::Up);
            ConstGauge::new(up).encode(metric.encode_family(&[("part", part.name.name())])?)?;
        }
        Ok(())
    }
}

/// This process, under the names every Prometheus client library uses.
#[derive(Debug)]
struct Process;

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let usage = collector::process_usage();
        if let Some(bytes) = usage.resident_bytes {
            let help = "Resident memory size in bytes";
            let metric = encoder.encode_descriptor("process_resident_memory_bytes", help, None, MetricType::Gauge)?;
            ConstGauge::new(i64::try_from(bytes).unwrap_or(i64::MAX)).encode(metric)?;
        }
        if let Some(seconds) = usage.cpu_seconds {
            let help = "Total user and system CPU time spent in seconds";
            let metric = encoder.encode_descriptor("process_cpu_seconds", help, None, MetricType::Counter)?;
            ConstCounter::new(seconds).encode(metric)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_get_the_name_of_their_samples_and_gauges_stay() {
        let open_metrics = "# HELP a_b Counts.\n# TYPE a_b counter\n# UNIT a_b bytes\na_b_total 1\n\
                            # HELP g Is.\n# TYPE g gauge\ng{x=\"# TYPE a_b counter\"} 2\n# EOF\n";
        let expected = "# HELP a_b_total Counts.\n# TYPE a_b_total counter\na_b_total 1\n\
                        # HELP g Is.\n# TYPE g gauge\ng{x=\"# TYPE a_b counter\"} 2\n";
        assert_eq!(prometheus_text(open_metrics), expected);
    }
}
