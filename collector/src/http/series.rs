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

use super::answers::{Answered, Answers, Verb};
use super::chain::Chain;
use super::names::Names;

/// Series of one metric; further routes are `other`, which has one for each method and class of status.
const MOST_SERIES: usize = 1_000;
const MOST_EVENTS: usize = 100;
const LONGEST_ROUTE: usize = 200;
const LONGEST_EVENT: usize = 100;
const OTHER: &str = "other";
const UNMATCHED: &str = "unmatched";

/// A route, as its place among all; `None` is `other`, where requests go whose route has no place any more.
pub(super) type Route = Option<usize>;

/// The series of one application. Nothing that counts takes a lock, but for the first of a series.
#[derive(Debug)]
pub(super) struct Series {
    /// Of each route few, one for each method and status that was seen.
    routes: Names<Chain<Answers>>,
    other: Chain<Answers>,
    /// Series there are, but for those of `other`.
    count: AtomicUsize,
    adding: Mutex<()>,
    pub(super) in_flight: AtomicI64,
    pub(super) connections: AtomicI64,
    events: Names<AtomicU64>,
    other_events: AtomicU64,
}

impl Default for Series {
    fn default() -> Self {
        Self {
            routes: Names::new(MOST_SERIES),
            other: Chain::default(),
            count: AtomicUsize::new(0),
            adding: Mutex::new(()),
            in_flight: AtomicI64::new(0),
            connections: AtomicI64::new(0),
            events: Names::new(MOST_EVENTS),
            other_events: AtomicU64::new(0),
        }
    }
}

impl Series {
    /// The place of a route, made where it is new and there is room.
    pub(super) fn route(&self, route: Option<&str>) -> Route {
        let route = route.unwrap_or(UNMATCHED);
        if route.len() <= LONGEST_ROUTE && route != OTHER { self.routes.place(route) } else { None }
    }

    /// Counts one answered request.
    pub(super) fn answered(&self, route: Route, method: Verb, status: u16, took: Duration) {
        let of_route = route.and_then(|place| self.routes.at(place)).map(|named| &named.value);
        let known = of_route.and_then(|route| route.iter().find(|answers| answers.is(method, status)));
        let own = known.or_else(|| self.first(of_route?, method, status, true));
        // The first status of the class, so that they are few.
        if let Some(answers) = own.or_else(|| self.first(&self.other, method, status / 100 * 100, false)) {
            answers.count(took);
        }
    }

    /// What is there of a method and status by now, made where there is room.
    #[cold]
    fn first<'a>(&self, of: &'a Chain<Answers>, method: Verb, status: u16, limited: bool) -> Option<&'a Answers> {
        // Who sees that it is full sees all that fills it.
        let is_full = || limited && self.count.load(Ordering::Acquire) >= MOST_SERIES;
        let find = || of.iter().find(|answers| answers.is(method, status));
        if is_full() {
            return find();
        }
        find().or_else(|| {
            let _adding = self.adding.lock().unwrap_or_else(PoisonError::into_inner);
            if find().is_none() && !is_full() {
                of.push(Answers::new(method, status));
                self.count.fetch_add(usize::from(limited), Ordering::Release);
            }
            find()
        })
    }

    pub(super) fn count_events(&self, name: &str, count: u64) {
        let place = if is_event(name) { self.events.place(name) } else { None };
        let event = place.and_then(|place| self.events.at(place)).map_or(&self.other_events, |event| &event.value);
        event.fetch_add(count, Ordering::Relaxed);
    }
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
        let routes = self.0.routes.sorted().into_iter().map(|route| (&*route.name, &route.value));
        let read = |answers: &Answers| (answers.method.name(), answers.status.to_string(), answers.now());
        let routes = routes.chain([(OTHER, &self.0.other)]);
        let answers = routes.flat_map(|(name, route)| route.iter().map(move |answers| (name, read(answers))));
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
        let events = self.0.events.sorted().into_iter().map(|event| (&*event.name, &event.value));
        let mut events: Vec<_> = events.map(|(name, count)| (name, count.load(Ordering::Relaxed))).collect();
        let other = self.0.other_events.load(Ordering::Relaxed);
        // Only where there is one: its zero would say nothing.
        events.extend((other > 0).then_some((OTHER, other)));
        if events.is_empty() {
            return Ok(());
        }
        let help = "What the application is for, by event";
        let mut metric = encoder.encode_descriptor("business_events", help, None, MetricType::Counter)?;
        for (name, count) in events {
            ConstCounter::new(count).encode(metric.encode_family(&[("event", name)])?)?;
        }
        Ok(())
    }
}
