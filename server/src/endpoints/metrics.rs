//! `/metrics`: our own health and the newest value of every series, for Prometheus.

use std::fmt;

use axum::extract::State;
use collector::backup;
use collector::http::{HttpMetrics, Scrape};
use collector::rules::PART_UP;
use collector::{APPLICATION_METRICS, DATABASE_METRICS, Feed, HOST_LABEL, PartState, Point, SYSTEM_METRICS};
use http::HeaderMap;
use jiff::{SignedDuration, Timestamp};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

/// Enters what is read at scrape time.
pub(crate) fn register(registry: &mut Registry, feed: &Feed) {
    registry.register_collector(Box::new(Newest(feed.clone())));
}

/// The metrics, as OpenMetrics 1.0 where asked for and as Prometheus' own text otherwise.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "operation",
    responses((status = 200, description = "Prometheus' text 0.0.4, or OpenMetrics 1.0 by the header Accept", content_type = "text/plain", body = String)),
)]
pub(crate) fn metrics(State(metrics): State<HttpMetrics>, headers: HeaderMap) -> Scrape {
    metrics.response(&headers)
}

/// The newest values and the state of our parts.
#[derive(Debug)]
struct Newest(Feed);

impl Collector for Newest {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let current = self.0.current();
        let is_fresh = |at| Timestamp::now().duration_since(at) < STALE;
        if let Some(system) = current.system.filter(|system| is_fresh(system.at)) {
            let sample = system.sample();
            encode(&mut encoder, &SYSTEM_METRICS, &sample.host, &sample.points)?;
        }
        if let Some(application) = current.application.filter(|application| is_fresh(application.at)) {
            let mut points = application.sample().points;
            points.extend(application.details(&[]).points);
            // Prometheus has an `up` of its own for everything that it scrapes, and that is us.
            for point in points.iter_mut().filter(|point| point.metric_name == "up") {
                point.metric_name = INSTANCE_UP.0.into();
            }
            encode(&mut encoder, &APPLICATION_METRICS, &application.host, &points)?;
            encode(&mut encoder, &[INSTANCE_UP], &application.host, &points)?;
        }
        if let Some(business) = current.business {
            let sample = business.sample();
            for metric in &business.metrics {
                encode(&mut encoder, &[(metric.name.as_str(), &metric.title_en)], &sample.host, &sample.points)?;
            }
        }
        if let Some(database) = self.0.database().filter(|database| is_fresh(database.at)) {
            encode(&mut encoder, &DATABASE_METRICS, &database.host, &database.points)?;
        }
        let points = self.0.backup().points(Timestamp::now());
        for (name, help) in backup::POINTS {
            let known = points.iter().filter(|point| point.metric_name == name);
            for point in known {
                let metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
                ConstGauge::new(point.value).encode(metric)?;
            }
        }
        let help = "Whether a part of the monitoring answers: 1 yes, 0 no, absent where there is none";
        let mut metric = encoder.encode_descriptor(PART_UP, help, None, MetricType::Gauge)?;
        for part in self.0.health().parts.iter().filter(|part| part.state != PartState::Off) {
            let up = i64::from(part.state == PartState::Up);
            ConstGauge::new(up).encode(metric.encode_family(&[("part", part.name.name())])?)?;
        }
        Ok(())
    }
}

/// A reading of the host or of the application that is older is no newest value, but what a
/// collector said before it died. As long as Prometheus itself takes a value for the newest.
const STALE: SignedDuration = SignedDuration::from_mins(5);

/// Whether an instance of the application answers.
const INSTANCE_UP: (&str, &str) =
    ("recipe_monitoring_instance_up", "Whether an instance of the application answers: 1 yes, 0 no");

/// Writes the points of each metric that there are, as a counter where its name says so.
fn encode(
    encoder: &mut DescriptorEncoder<'_>,
    metrics: &[(&str, &str)],
    host: &str,
    points: &[Point],
) -> Result<(), fmt::Error> {
    for (name, help) in metrics {
        let mut points = points.iter().filter(|point| point.metric_name == *name).peekable();
        if points.peek().is_none() {
            continue;
        }
        let counter = name.strip_suffix("_total");
        let kind = if counter.is_some() { MetricType::Counter } else { MetricType::Gauge };
        let mut metric = encoder.encode_descriptor(counter.unwrap_or(name), help, None, kind)?;
        for point in points {
            let host = [(HOST_LABEL, host)];
            let others = point.labels.iter().map(|(name, value)| (name.as_str(), value.as_str()));
            let labels: Vec<_> = host.into_iter().chain(others).collect();
            let place = metric.encode_family(&labels)?;
            match kind {
                MetricType::Counter => ConstCounter::new(point.value).encode(place)?,
                _ => ConstGauge::new(point.value).encode(place)?,
            }
        }
    }
    Ok(())
}
