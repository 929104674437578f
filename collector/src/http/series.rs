//! The series behind the layer. A request costs a look-up of its route and of its method and
//! status, both in memory of its own; label sets are built once for each series.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use http::Method;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// Upper bounds in seconds, as OpenTelemetry recommends for `http.server.request.duration`
/// (<https://opentelemetry.io/docs/specs/semconv/http/http-metrics/>).
pub(super) const BOUNDS: [f64; 14] = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];
/// Series of one metric; further routes are `other`.
const MOST_SERIES: usize = 1_000;
const MOST_EVENTS: usize = 100;
const EVENT_CHARACTERS: usize = 100;
const OTHER: &str = "other";
const UNMATCHED: &str = "unmatched";

/// Methods of RFC 9110 and RFC 5789. Any other is `_OTHER`, as in OpenTelemetry.
const METHODS: [Method; 9] = [
    Method::GET,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
    Method::HEAD,
    Method::OPTIONS,
    Method::CONNECT,
    Method::TRACE,
];
const OTHER_METHOD: &str = "_OTHER";

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    method: &'static str,
    route: Arc<str>,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct EventLabels {
    event: String,
}

/// All series of one application.
#[derive(Debug)]
pub(super) struct Series {
    requests: Family<RequestLabels, Counter>,
    durations: Family<RequestLabels, Histogram, fn() -> Histogram>,
    pub(super) in_flight: Gauge,
    pub(super) connections: Gauge,
    events: Family<EventLabels, Counter>,
    event_handles: RwLock<HashMap<String, Counter>>,
    routes: RwLock<HashMap<Arc<str>, Arc<RouteSeries>>>,
    /// Where requests go whose route has no place any more.
    other: Arc<RouteSeries>,
    /// Series there are, but for those of `other`.
    count: AtomicUsize,
}

/// The series of one route.
#[derive(Debug)]
pub(super) struct RouteSeries {
    route: Arc<str>,
    /// Few: those of the methods and statuses that were seen.
    handles: RwLock<Vec<(MethodIndex, u16, Handles)>>,
}

#[derive(Clone, Debug)]
struct Handles {
    requests: Counter,
    duration: Histogram,
}

/// Place in [`METHODS`]; one further for any other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MethodIndex(usize);

impl MethodIndex {
    pub(super) fn of(method: &Method) -> Self {
        Self(METHODS.iter().position(|known| known == method).unwrap_or(METHODS.len()))
    }

    fn name(self) -> &'static str {
        const NAMES: [&str; 9] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "CONNECT", "TRACE"];
        NAMES.get(self.0).copied().unwrap_or(OTHER_METHOD)
    }
}

impl RouteSeries {
    fn new(route: &str) -> Arc<Self> {
        Arc::new(Self { route: route.into(), handles: RwLock::default() })
    }

    fn handles(&self, method: MethodIndex, status: u16) -> Option<Handles> {
        let handles = self.handles.read().unwrap_or_else(PoisonError::into_inner);
        let known = handles.iter().find(|(of_method, of_status, _)| (*of_method, *of_status) == (method, status));
        known.map(|(_, _, handles)| handles.clone())
    }
}

impl Series {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let series = Self {
            requests: Family::default(),
            durations: Family::new_with_constructor(|| Histogram::new(BOUNDS)),
            in_flight: Gauge::default(),
            connections: Gauge::default(),
            events: Family::default(),
            event_handles: RwLock::default(),
            routes: RwLock::default(),
            other: RouteSeries::new(OTHER),
            count: AtomicUsize::new(0),
        };
        registry.register("http_requests", "Requests answered", series.requests.clone());
        let help = "Time from a request's head to the end of its answer";
        registry.register_with_unit("http_request_duration", help, Unit::Seconds, series.durations.clone());
        registry.register("http_requests_in_flight", "Requests being answered", series.in_flight.clone());
        registry.register("http_active_connections", "Open connections", series.connections.clone());
        registry.register("business_events", "What the application is for, by event", series.events.clone());
        series
    }

    /// The series of a route, made where it is new and there is room.
    pub(super) fn route(&self, route: Option<&str>) -> Arc<RouteSeries> {
        let route = route.unwrap_or(UNMATCHED);
        let known = self.routes.read().unwrap_or_else(PoisonError::into_inner).get(route).cloned();
        known.unwrap_or_else(|| self.new_route(route))
    }

    fn new_route(&self, route: &str) -> Arc<RouteSeries> {
        let mut routes = self.routes.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = routes.get(route) {
            return Arc::clone(known);
        }
        if routes.len() >= MOST_SERIES {
            return Arc::clone(&self.other);
        }
        let new = RouteSeries::new(route);
        routes.insert(Arc::clone(&new.route), Arc::clone(&new));
        new
    }

    /// Counts one answered request.
    pub(super) fn answered(&self, route: &RouteSeries, method: MethodIndex, status: u16, took: Duration) {
        let handles = route.handles(method, status).unwrap_or_else(|| self.new_handles(route, method, status));
        handles.requests.inc();
        handles.duration.observe(took.as_secs_f64());
    }

    fn new_handles(&self, route: &RouteSeries, method: MethodIndex, status: u16) -> Handles {
        let is_other = std::ptr::eq(route, &raw const *self.other);
        if !is_other && self.count.fetch_add(1, Ordering::Relaxed) >= MOST_SERIES {
            self.count.fetch_sub(1, Ordering::Relaxed);
            let other = self.other.handles(method, status);
            return other.unwrap_or_else(|| self.new_handles(&self.other, method, status));
        }
        let mut known = route.handles.write().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, _, handles)) = known.iter().find(|entry| (entry.0, entry.1) == (method, status)) {
            if !is_other {
                self.count.fetch_sub(1, Ordering::Relaxed);
            }
            return handles.clone();
        }
        let labels = RequestLabels { method: method.name(), route: Arc::clone(&route.route), status };
        let handles = Handles {
            requests: self.requests.get_or_create_owned(&labels),
            duration: self.durations.get_or_create_owned(&labels),
        };
        known.push((method, status, handles.clone()));
        handles
    }

    pub(super) fn count_events(&self, name: &str, count: u64) {
        let known = self.event_handles.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned();
        known.unwrap_or_else(|| self.new_event(name)).inc_by(count);
    }

    fn new_event(&self, name: &str) -> Counter {
        let of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let is_name = !name.is_empty() && name.len() <= EVENT_CHARACTERS && name.chars().all(of_name);
        let mut handles = self.event_handles.write().unwrap_or_else(PoisonError::into_inner);
        let event = if is_name && handles.len() < MOST_EVENTS { name } else { OTHER };
        let handle = handles.entry(event.to_owned());
        handle.or_insert_with(|| self.events.get_or_create_owned(&EventLabels { event: event.to_owned() })).clone()
    }
}
