//! The answers with one method, route and status: how many, and how long they took.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::Method;

/// Upper bounds in seconds, as OpenTelemetry recommends for `http.server.request.duration`
/// (<https://opentelemetry.io/docs/specs/semconv/http/http-metrics/>).
pub(super) const BOUNDS: [f64; 14] = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];
const BUCKETS: usize = BOUNDS.len() + 1;

/// The same in nanoseconds, for no conversion is needed then.
const BOUNDS_NANOSECONDS: [u64; BOUNDS.len()] = [
    5_000_000,
    10_000_000,
    25_000_000,
    50_000_000,
    75_000_000,
    100_000_000,
    250_000_000,
    500_000_000,
    750_000_000,
    1_000_000_000,
    2_500_000_000,
    5_000_000_000,
    7_500_000_000,
    10_000_000_000,
];

/// Methods of RFC 9110 and RFC 5789. Any other is `_OTHER`, as in OpenTelemetry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Get,
    Post,
    Put,
    Patch,
    Delete,
    Head,
    Options,
    Connect,
    Trace,
    Other,
}

impl Verb {
    pub(super) fn of(method: &Method) -> Self {
        match *method {
            Method::GET => Self::Get,
            Method::POST => Self::Post,
            Method::PUT => Self::Put,
            Method::PATCH => Self::Patch,
            Method::DELETE => Self::Delete,
            Method::HEAD => Self::Head,
            Method::OPTIONS => Self::Options,
            Method::CONNECT => Self::Connect,
            Method::TRACE => Self::Trace,
            _ => Self::Other,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
            Self::Head => "HEAD",
            Self::Options => "OPTIONS",
            Self::Connect => "CONNECT",
            Self::Trace => "TRACE",
            Self::Other => "_OTHER",
        }
    }
}

/// Counted without a lock. That needs no histogram of `prometheus-client`, whose every observation
/// takes one and whose families cannot get a new series while a scrape reads them.
#[derive(Debug)]
pub(super) struct Answers {
    pub(super) method: Verb,
    pub(super) status: u16,
    buckets: [AtomicU64; BUCKETS],
    nanoseconds: AtomicU64,
}

/// [`Answers`] at one moment.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) count: u64,
    pub(super) seconds: f64,
    /// Bound and answers in the bucket below it, not cumulative.
    pub(super) buckets: [(f64, u64); BUCKETS],
}

impl Answers {
    pub(super) fn new(method: Verb, status: u16) -> Self {
        Self { method, status, buckets: Default::default(), nanoseconds: AtomicU64::new(0) }
    }

    pub(super) fn is(&self, method: Verb, status: u16) -> bool {
        self.status == status && self.method == method
    }

    pub(super) fn count(&self, took: Duration) {
        let nanoseconds = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let bucket = BOUNDS_NANOSECONDS.iter().position(|bound| nanoseconds <= *bound).unwrap_or(BOUNDS.len());
        self.nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
        if let Some(bucket) = self.buckets.get(bucket) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn now(&self) -> Answered {
        let mut buckets = [(f64::INFINITY, 0); BUCKETS];
        for (bucket, (now, counted)) in buckets.iter_mut().zip(&self.buckets).enumerate() {
            *now = (BOUNDS.get(bucket).copied().unwrap_or(f64::INFINITY), counted.load(Ordering::Relaxed));
        }
        Answered {
            count: buckets.iter().map(|(_, count)| count).sum(),
            seconds: Duration::from_nanos(self.nanoseconds.load(Ordering::Relaxed)).as_secs_f64(),
            buckets,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_in_the_bucket_whose_bound_it_does_not_exceed() {
        for (millis, bucket) in [(0, 0), (5, 0), (6, 1), (10_000, 13), (10_001, 14), (900_000, 14)] {
            let answers = Answers::new(Verb::Get, 200);
            answers.count(Duration::from_millis(millis));
            let now = answers.now();
            assert_eq!(now.buckets.iter().position(|(_, count)| *count == 1), Some(bucket), "{millis} ms");
            assert_eq!((now.count, now.seconds), (1, Duration::from_millis(millis).as_secs_f64()));
        }
    }

    #[test]
    fn the_bounds_are_the_same_in_both_units() {
        let seconds = BOUNDS_NANOSECONDS.map(|nanoseconds| Duration::from_nanos(nanoseconds).as_secs_f64());
        assert_eq!(seconds, BOUNDS);
    }

    #[test]
    fn methods_that_are_none_of_http_are_one() {
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "CONNECT", "TRACE"] {
            assert_eq!(Verb::of(&Method::from_bytes(method.as_bytes()).unwrap()).name(), method);
        }
        for unknown in ["get", "BREW", "PROPFIND"] {
            assert_eq!(Verb::of(&Method::from_bytes(unknown.as_bytes()).unwrap()).name(), "_OTHER");
        }
    }
}
