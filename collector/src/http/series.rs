//! All series of one application, and how a scraper reads them.

use std::fmt;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;

use super::answers::{Answered, Answers};
use super::names::{Chain, Named, Names};

/// Series of one metric; further routes are `other`, which has one for each method and class of status.
const MOST_SERIES: usize = 1_000;
const MOST_EVENTS: usize = 100;
const LONGEST_ROUTE: usize = 200;
const LONGEST_EVENT: usize = 100;
const OTHER: &str = "other";
const UNMATCHED: &str = "unmatched";

/// The series of one route: few, one for each method and status that was seen.
pub(super) type Route = Named<Chain<Arc<Answers>>>;
type Event = Named<AtomicU64>;

/// The series of one application. Nothing that counts takes a lock, but for the first of a series.
#[derive(Debug)]
pub(super) struct Series {
    routes: Names<Chain<Arc<Answers>>>,
    /// Where requests go whose route has no place any more.
    other: Arc<Route>,
    /// Series there are, but for those of `other`.
    count: AtomicUsize,
    adding: Mutex<()>,
    pub(super) in_flight: AtomicI64,
    pub(super) connections: AtomicI64,
    events: Names<AtomicU64>,
    other_events: Arc<Event>,
}

impl Default for Series {
    fn default() -> Self {
        Self {
            routes: Names::new(MOST_SERIES),
            other: Route::new(OTHER),
            count: AtomicUsize::new(0),
            adding: Mutex::new(()),
            in_flight: AtomicI64::new(0),
            connections: AtomicI64::new(0),
            events: Names::new(MOST_EVENTS),
            other_events: Event::new(OTHER),
        }
    }
}

impl Series {
    /// The series of a route, made where it is new and there is room.
    pub(super) fn route(&self, route: Option<&str>) -> Arc<Route> {
        let route = route.unwrap_or(UNMATCHED);
        let may_be_new = route.len() <= LONGEST_ROUTE && route != OTHER;
        Arc::clone(may_be_new.then(|| self.routes.get_or_add(route)).flatten().unwrap_or(&self.other))
    }

    /// Counts one answered request.
    pub(super) fn answered(&self, route: &Route, method: &'static str, status: u16, took: Duration) {
        match route.value.iter().find(|answers| answers.is(method, status)) {
            Some(answers) => answers.count(took),
            None => self.first_or_other(route, method, status).count(took),
        }
    }

    fn first_or_other(&self, route: &Route, method: &'static str, status: u16) -> Arc<Answers> {
        if !std::ptr::eq(route, &raw const *self.other) && self.count.load(Ordering::Relaxed) < MOST_SERIES {
            let _adding = self.adding.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(known) = route.value.iter().find(|answers| answers.is(method, status)) {
                return Arc::clone(known);
            }
            if self.count.fetch_add(1, Ordering::Relaxed) < MOST_SERIES {
                return new_answers(route, method, status);
            }
        }
        let class = status / 100 * 100;
        let find = || self.other.value.iter().find(|answers| answers.is(method, class)).map(Arc::clone);
        find().unwrap_or_else(|| {
            let _adding = self.adding.lock().unwrap_or_else(PoisonError::into_inner);
            find().unwrap_or_else(|| new_answers(&self.other, method, class))
        })
    }

    pub(super) fn count_events(&self, name: &str, count: u64) {
        let event = is_event(name).then(|| self.events.get_or_add(name)).flatten();
        event.unwrap_or(&self.other_events).value.fetch_add(count, Ordering::Relaxed);
    }
}

fn new_answers(route: &Route, method: &'static str, status: u16) -> Arc<Answers> {
    let new = Arc::new(Answers::new(method, status));
    route.value.push(Arc::clone(&new));
    new
}

/// Whether a name is one that Prometheus could have for a label, and not overlong.
fn is_event(name: &str) -> bool {
    let of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let is_name = name.chars().all(of_name) && name.starts_with(|c: char| !c.is_ascii_digit());
    is_name && name.len() <= LONGEST_EVENT && name != OTHER
}

/// What a registry reads of the series at a scrape.
#[derive(Debug)]
pub(super) struct Scraped(pub(super) Arc<Series>);

impl Collector for Scraped {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        self.encode_requests(&mut encoder)?;
        let gauges = [
            ("http_requests_in_flight", "Requests being answered", &self.0.in_flight),
            ("http_active_connections", "Open connections", &self.0.connections),
        ];
        for (name, help, gauge) in gauges {
            let metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            ConstGauge::new(gauge.load(Ordering::Relaxed)).encode(metric)?;
        }
        self.encode_events(&mut encoder)
    }
}

impl Scraped {
    /// Both families from one reading, so that they agree.
    fn encode_requests(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let routes = self.0.routes.sorted().into_iter().chain([&*self.0.other]);
        let read = |answers: &Arc<Answers>| (answers.method, answers.status.to_string(), answers.now());
        let answers = routes.flat_map(|route| route.value.iter().map(move |answers| (&*route.name, read(answers))));
        let all: Vec<(&str, (&str, String, Answered))> = answers.filter(|(_, (_, _, now))| now.count > 0).collect();
        if all.is_empty() {
            return Ok(());
        }
        let labels = |route, method, status| [("method", method), ("route", route), ("status", status)];

        let help = "Requests answered";
        let mut metric = encoder.encode_descriptor("http_requests", help, None, MetricType::Counter)?;
        for (route, (method, status, now)) in &all {
            ConstCounter::new(now.count).encode(metric.encode_family(&labels(*route, *method, status.as_str()))?)?;
        }
        let help = "Time from a request's head to the end of its answer";
        let seconds = Unit::Seconds;
        let name = "http_request_duration";
        let mut metric = encoder.encode_descriptor(name, help, Some(&seconds), MetricType::Histogram)?;
        for (route, (method, status, now)) in &all {
            let labels = labels(*route, *method, status.as_str());
            let mut metric = metric.encode_family(&labels)?;
            metric.encode_histogram::<[(&str, &str); 0]>(now.seconds, now.count, &now.buckets, None)?;
        }
        Ok(())
    }

    fn encode_events(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let mut events = self.0.events.sorted();
        // Only where there is one: its zero would say nothing.
        events.extend(Some(&*self.0.other_events).filter(|other| other.value.load(Ordering::Relaxed) > 0));
        if events.is_empty() {
            return Ok(());
        }
        let help = "What the application is for, by event";
        let mut metric = encoder.encode_descriptor("business_events", help, None, MetricType::Counter)?;
        for event in events {
            let count = ConstCounter::new(event.value.load(Ordering::Relaxed));
            count.encode(metric.encode_family(&[("event", &*event.name)])?)?;
        }
        Ok(())
    }
}
