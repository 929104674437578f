//! What applications push by OTLP/HTTP: <https://opentelemetry.io/docs/specs/otlp/#otlphttp>.
//!
//! Every push of an instance becomes an [`Exposition`] of all its series, with the names and
//! labels that Prometheus would give them, counters and histograms cumulative. When a process
//! begins anew under the name of another, all of its counters count from 0, and it says so by
//! the time it started.

mod answer;
mod exponential;
mod instances;
mod json;
mod naming;
mod point;
mod protobuf;
mod stream;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use opentelemetry_proto::tonic::common::v1::KeyValue;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

pub use answer::{Accepted, status};
use instances::{Arriving, Instances};
pub use point::Reason;
use point::{Metric, Point, Shape};
use stream::{Mode, Taken};

use crate::sample::{AHEAD, LABELS, is_label_name, is_metric_name};
use crate::{Exposition, Labels};

/// Older points say nothing about now.
const OLDEST: SignedDuration = SignedDuration::from_hours(1);
/// What an application is called that does not say it.
const UNKNOWN: &str = "unknown_service";
/// The label of what in the application measured a series.
const SCOPE_LABEL: &str = "otel_scope_name";

/// In what a request is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `application/x-protobuf`
    Protobuf,
    /// `application/json`
    Json,
}

/// Who pushed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pusher {
    /// `service.name`, after `service.namespace` and a slash where there is one.
    pub job: String,
    /// `service.instance.id`, or what else tells processes apart: `host.name` and `process.pid`.
    pub instance: String,
}

/// Why nothing of a request was taken.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum OtlpError {
    /// It is not what its format asks for.
    #[error("the request is not OTLP in {format}: {reason}; send an ExportMetricsServiceRequest")]
    Malformed {
        /// The format.
        format: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// A resource is too large.
    #[error("a resource has more attributes than 32 KiB can hold; send fewer")]
    Resource,
}

/// One data point as it lies in the request.
#[derive(Clone, Copy, Debug)]
enum Leaf<'a> {
    Protobuf(&'a [u8]),
    Json(&'a str),
}

/// Who is shown what a request holds, in the order of what is in what.
trait Visit<'a> {
    fn resource(&mut self, attributes: Vec<KeyValue>);
    fn scope(&mut self, name: &str);
    fn metric(&mut self, metric: Metric<'a>);
    fn point(&mut self, leaf: Leaf<'a>);
}

fn walk<'a>(body: &'a [u8], format: Format, visit: &mut impl Visit<'a>) -> Result<(), OtlpError> {
    match format {
        Format::Protobuf => protobuf::walk(body, visit),
        Format::Json => json::walk(body, visit),
    }
}

/// Who is handed the expositions.
type Hand = Box<dyn Fn(&Pusher, Exposition) + Send + Sync>;

/// Takes pushes, and hands on what each instance exposes after each.
pub struct Receiver {
    instances: Mutex<Instances>,
    hand: Hand,
    counted: Counted,
}

impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").finish_non_exhaustive()
    }
}

impl Receiver {
    /// An instance that has not pushed for so long is forgotten; its counters begin anew then.
    pub const FORGOTTEN: SignedDuration = instances::FORGOTTEN;

    /// A receiver of at most `series_limit` series of an instance, that counts in `registry`.
    ///
    /// `hand` is called with one exposition after the other, in the order of the pushes. Others
    /// wait meanwhile, so that there is never more than one in memory: it should take what it
    /// needs, and return.
    pub fn new(
        series_limit: usize,
        registry: &mut Registry,
        hand: impl Fn(&Pusher, Exposition) + Send + Sync + 'static,
    ) -> Self {
        let instances = Mutex::new(Instances::new(series_limit, Timestamp::now()));
        Self { instances, hand: Box::new(hand), counted: Counted::register(registry) }
    }

    /// Takes a request of an application, decompressed.
    ///
    /// It works for as long as the request is large: not on a thread that others wait for.
    ///
    /// # Errors
    ///
    /// When the request cannot be read; then nothing of it is taken. A data point that cannot be
    /// is left out alone, and counted in the answer.
    pub fn receive(&self, body: &[u8], format: Format, now: Timestamp) -> Result<Accepted, OtlpError> {
        // The first time only for what is around the points: half a request must change nothing.
        walk(body, format, &mut Nothing)?;
        let mut instances = self.instances.lock().unwrap_or_else(PoisonError::into_inner);
        instances.forget(now);
        let mut taking = Taking::new(&mut instances, now);
        let walked = walk(body, format, &mut taking);
        let Taking { accepted, pushed, .. } = taking;
        for pusher in pushed {
            if let Some(exposition) = instances.expose(&pusher, now) {
                (self.hand)(&pusher, exposition);
            }
        }
        self.counted.count(&accepted, &instances);
        walked.map(|()| accepted)
    }
}

/// Shown something, it does nothing.
struct Nothing;

impl<'a> Visit<'a> for Nothing {
    fn resource(&mut self, _: Vec<KeyValue>) {}
    fn scope(&mut self, _: &str) {}
    fn metric(&mut self, _: Metric<'a>) {}
    fn point(&mut self, _: Leaf<'a>) {}
}

/// Shown a point, it takes it.
struct Taking<'i> {
    instances: &'i mut Instances,
    now: Timestamp,
    accepted: Accepted,
    pushed: BTreeSet<Pusher>,
    pusher: Pusher,
    scope: String,
    name: String,
    shape: Shape,
    monotonic: bool,
    mode: Result<Mode, Reason>,
}

impl<'i> Taking<'i> {
    fn new(instances: &'i mut Instances, now: Timestamp) -> Self {
        Self {
            instances,
            now,
            accepted: Accepted::default(),
            pushed: BTreeSet::new(),
            pusher: Pusher { job: UNKNOWN.to_owned(), instance: String::new() },
            scope: String::new(),
            name: String::new(),
            shape: Shape::Summary,
            monotonic: false,
            mode: Err(Reason::malformed),
        }
    }

    fn take(&mut self, leaf: Leaf<'_>) -> Result<Taken, Reason> {
        let mode = self.mode?;
        let Point { attributes, start, time, amount } = match leaf {
            Leaf::Protobuf(bytes) => protobuf::point(bytes, self.shape)?,
            Leaf::Json(text) => json::point(text, self.shape)?,
        };
        let at = Timestamp::from_nanosecond(i128::from(time)).map_err(|_| Reason::in_future)?;
        let age = self.now.duration_since(at);
        if age < -AHEAD {
            return Err(Reason::in_future);
        }
        if age > OLDEST {
            return Err(Reason::too_old);
        }
        let labels = self.labels(attributes)?;
        let arriving =
            Arriving { name: &self.name, labels: &labels, mode, monotonic: self.monotonic, start, time, amount };
        let taken = self.instances.take(&self.pusher, arriving, self.now)?;
        if !self.pushed.contains(&self.pusher) {
            self.pushed.insert(self.pusher.clone());
        }
        Ok(taken)
    }

    fn labels(&mut self, attributes: Vec<KeyValue>) -> Result<Labels, Reason> {
        let mut labels = naming::labels(attributes);
        if labels.len() > LABELS || !labels.keys().all(|name| is_label_name(name)) {
            return Err(Reason::labels);
        }
        let mut cut = false;
        for value in labels.values_mut() {
            cut |= instances::cut(value);
        }
        if cut {
            *self.accepted.refused.entry(Reason::label_cut).or_default() += 1;
        }
        if !self.scope.is_empty() {
            labels.entry(SCOPE_LABEL.to_owned()).or_insert_with(|| self.scope.clone());
        }
        Ok(labels)
    }
}

impl<'a> Visit<'a> for Taking<'_> {
    fn resource(&mut self, attributes: Vec<KeyValue>) {
        let text = |key: &str| {
            let attribute = attributes.iter().find(|attribute| attribute.key == key);
            let value = attribute.and_then(|attribute| attribute.value.clone()?.value);
            let mut text = value.map(naming::text).unwrap_or_default();
            instances::cut(&mut text);
            Some(text).filter(|text| !text.is_empty())
        };
        let name = text("service.name").unwrap_or_else(|| UNKNOWN.to_owned());
        let job = text("service.namespace").map_or_else(|| name.clone(), |namespace| format!("{namespace}/{name}"));
        let process = || {
            let parts: Vec<_> = ["host.name", "process.pid"].into_iter().filter_map(text).collect();
            parts.join(":")
        };
        let instance = text("service.instance.id").unwrap_or_else(process);
        self.pusher = Pusher { job, instance };
    }

    fn scope(&mut self, name: &str) {
        name.clone_into(&mut self.scope);
        instances::cut(&mut self.scope);
    }

    fn metric(&mut self, metric: Metric<'a>) {
        self.name = naming::metric_name(&metric);
        (self.shape, self.monotonic) = (metric.shape, metric.shape == Shape::Sum && metric.monotonic);
        self.mode = Mode::of(metric.shape, metric.temporality, metric.monotonic);
        if self.mode.is_ok() && !is_metric_name(&self.name) {
            self.mode = Err(Reason::name);
        }
    }

    fn point(&mut self, leaf: Leaf<'a>) {
        match self.take(leaf) {
            Ok(Taken::Counted | Taken::Anew(_)) => self.accepted.points += 1,
            Ok(Taken::Repeated) => self.accepted.repeated += 1,
            Err(reason) => *self.accepted.refused.entry(reason).or_default() += 1,
        }
    }
}

/// What is counted about pushes.
#[derive(Clone, Debug, Default)]
struct Counted {
    points: Counter,
    repeated: Counter,
    refused: Family<ReasonLabels, Counter>,
    instances: Gauge,
    series: Gauge,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabels {
    reason: Reason,
}

impl Counted {
    fn register(registry: &mut Registry) -> Self {
        let counted = Self::default();
        let r = registry.sub_registry_with_prefix("recipe_monitoring_otlp");
        r.register("points", "Data points taken", counted.points.clone());
        r.register("points_repeated", "Data points dropped because they were known", counted.repeated.clone());
        r.register("points_refused", "Data points left out or cut, by reason", counted.refused.clone());
        r.register("instances", "Instances that push", counted.instances.clone());
        r.register("series", "Series of all instances that push", counted.series.clone());
        for reason in Reason::ALL {
            // So that each is there from the beginning, as 0.
            drop(counted.refused.get_or_create(&ReasonLabels { reason }));
        }
        counted
    }

    fn count(&self, accepted: &Accepted, instances: &Instances) {
        self.points.inc_by(accepted.points);
        self.repeated.inc_by(accepted.repeated);
        for (reason, points) in &accepted.refused {
            self.refused.get_or_create(&ReasonLabels { reason: *reason }).inc_by(*points);
        }
        let (number, series) = instances.counts();
        let gauge = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        self.instances.set(gauge(number));
        self.series.set(gauge(series));
    }
}

#[cfg(test)]
mod tests;
