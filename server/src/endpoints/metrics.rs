//! `/metrics`: our own health and the newest value of every series, for Prometheus.

use std::fmt;

use axum::extract::State;
use collector::http::{HttpMetrics, Scrape};
use collector::{Feed, HOST_LABEL, PartState, SYSTEM_METRICS};
use http::HeaderMap;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

/// Enters what is read at scrape time.
pub(crate) fn register(registry: &mut Registry, feed: &Feed) {
    registry.register_collector(Box::new(Newest(feed.clone())));
    registry.register_collector(Box::new(Process));
}

/// The metrics, as OpenMetrics 1.0 where asked for and as Prometheus' own text otherwise.
pub(crate) fn metrics(State(metrics): State<HttpMetrics>, headers: HeaderMap) -> Scrape {
    metrics.response(&headers)
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
