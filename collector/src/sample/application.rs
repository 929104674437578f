//! The watched application's requests.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Labels, Point, Sample};

/// Name and meaning of every metric of the application.
pub const APPLICATION_METRICS: [(&str, &str); 9] = [
    ("http_requests_total", "Requests answered since the collector started or first saw the application"),
    ("http_requests_per_second", "Requests answered per second, over the last minute"),
    ("http_error_rate", "Failed share of the requests of the last minute, in percent"),
    ("response_time_p50", "Half of the requests of the last minute were answered in so many milliseconds"),
    ("response_time_p95", "95 % of the requests of the last minute were answered in so many milliseconds"),
    ("response_time_p99", "99 % of the requests of the last minute were answered in so many milliseconds"),
    ("active_connections", "Open connections"),
    (
        "http_request_duration_seconds_bucket",
        "Requests answered in up to le seconds, cumulative as http_requests_total",
    ),
    ("up", "Whether an instance of the application answers: 1 yes, 0 no"),
];

/// One reading of the application: what its instances together did over the last minute.
///
/// A number that is not known is `None` and never 0: there is no share of failed requests where
/// there were no requests.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Application {
    /// The end of the time this reading covers.
    #[serde(with = "crate::rfc3339")]
    pub at: Timestamp,
    /// Name of the collector's host.
    pub host: String,
    /// Seconds that rates and percentiles are over: 60, or less soon after a start.
    pub window_seconds: f64,
    /// Every instance that is scraped or has pushed, in the order of their names.
    pub instances: Vec<Instance>,
    /// All routes together.
    pub total: Requests,
    /// Requests answered since the collector started or first saw the application.
    pub http_requests_total: Option<f64>,
    /// Open connections.
    pub active_connections: Option<f64>,
    /// Requests of the window by duration: upper bound in seconds (absent for the last, which has
    /// none) and how many took more than the bound before and up to this one.
    pub durations: Vec<DurationBucket>,
    /// The slowest and the most failing routes, at most [`Application::MOST_ROUTES`], slowest first.
    pub routes: Vec<Route>,
    /// Routes that are not among them.
    pub routes_left_out: u64,
}

impl Application {
    /// Routes in one reading.
    pub const MOST_ROUTES: usize = 20;

    /// Whether any instance has ever answered or pushed.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.instances.iter().any(|instance| instance.last_seen.is_some())
    }

    /// The sample that is kept of this reading every time: the numbers of the whole, and `up` of
    /// every instance.
    #[must_use]
    pub fn sample(&self) -> Sample {
        let whole = [
            ("http_requests_total", self.http_requests_total),
            ("http_requests_per_second", self.total.per_second),
            ("http_error_rate", self.total.error_rate),
            ("response_time_p50", self.total.p50_ms),
            ("response_time_p95", self.total.p95_ms),
            ("response_time_p99", self.total.p99_ms),
            ("active_connections", self.active_connections),
        ];
        let whole = whole.into_iter().filter_map(|(name, value)| Some(point(name, &[], value?)));
        // An instance that never answered is not there yet: nobody has connected the application.
        let seen = self.instances.iter().filter(|instance| instance.last_seen.is_some());
        let up = seen.map(|instance| {
            let labels = [("job", instance.job.as_str()), ("instance", instance.instance.as_str())];
            point("up", &labels, if instance.up { 1.0 } else { 0.0 })
        });
        Sample { at: self.at, host: self.host.clone(), points: whole.chain(up).collect() }
    }

    /// What is kept besides once a minute, for it is over the last one: the numbers of each route,
    /// and the requests by duration, where `counted` are those of all time.
    #[must_use]
    pub fn details(&self, counted: &[(f64, f64)]) -> Sample {
        let routes = self.routes.iter().flat_map(|route| {
            let numbers = [
                ("http_requests_per_second", route.requests.per_second),
                ("http_error_rate", route.requests.error_rate),
                ("response_time_p50", route.requests.p50_ms),
                ("response_time_p95", route.requests.p95_ms),
                ("response_time_p99", route.requests.p99_ms),
            ];
            let labels = [("method", route.method.as_str()), ("route", route.route.as_str())];
            numbers.into_iter().filter_map(move |(name, value)| Some(point(name, &labels, value?)))
        });
        let buckets = counted.iter().map(|(bound, count)| {
            let le = if bound.is_finite() { bound.to_string() } else { "+Inf".to_owned() };
            point("http_request_duration_seconds_bucket", &[("le", &le)], *count)
        });
        Sample { at: self.at, host: self.host.clone(), points: routes.chain(buckets).collect() }
    }
}

fn point(name: &'static str, labels: &[(&str, &str)], value: f64) -> Point {
    let labels: Labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Point { metric_name: name.into(), value, labels }
}

/// One instance of the application.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Instance {
    /// What it is an instance of: `job` of the target, `service.name` where it pushes.
    pub job: String,
    /// Host and port of the target, `service.instance.id` where it pushes.
    pub instance: String,
    /// Whether it pushes by itself and is not scraped.
    pub pushes: bool,
    /// Whether it answers: the newest scrape succeeded, or the newest push is not too old.
    pub up: bool,
    /// When it last answered or pushed; `None` if it never has.
    #[serde(with = "crate::rfc3339::option", default)]
    pub last_seen: Option<Timestamp>,
    /// Why it is not up, in a sentence with the remedy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The same in Japanese.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_ja: Option<String>,
    /// Series it exposes.
    pub series: u64,
}

/// What was answered over the window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Requests {
    /// Requests answered per second; 0 where none came, `None` where that is not known.
    pub per_second: Option<f64>,
    /// Failed share, % 0-100; `None` without a request.
    pub error_rate: Option<f64>,
    /// Median of the durations, in ms; `None` without a request.
    pub p50_ms: Option<f64>,
    /// 95th percentile, in ms.
    pub p95_ms: Option<f64>,
    /// 99th percentile, in ms.
    pub p99_ms: Option<f64>,
}

/// What was answered on one route over the window.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(from = "FlatRoute")]
pub struct Route {
    /// As the application names it, e.g. `GET`.
    pub method: String,
    /// The pattern that matched, e.g. `/recipes/{id}`.
    pub route: String,
    /// The numbers.
    #[serde(flatten)]
    pub requests: Requests,
}

/// A [`Route`] as it is read. Not by `flatten`, which keeps whatever it reads in between, and the
/// code for all of that would be in every page.
#[derive(Deserialize)]
struct FlatRoute {
    method: String,
    route: String,
    per_second: Option<f64>,
    error_rate: Option<f64>,
    p50_ms: Option<f64>,
    p95_ms: Option<f64>,
    p99_ms: Option<f64>,
}

impl From<FlatRoute> for Route {
    fn from(flat: FlatRoute) -> Self {
        let FlatRoute { method, route, per_second, error_rate, p50_ms, p95_ms, p99_ms } = flat;
        Self { method, route, requests: Requests { per_second, error_rate, p50_ms, p95_ms, p99_ms } }
    }
}

/// Requests of one size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DurationBucket {
    /// Upper bound in seconds; `None` for the last bucket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub le: Option<f64>,
    /// Requests.
    pub count: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_has_no_point_and_up_says_which() {
        let instance = |name: &str, up, last_seen| Instance {
            job: "app".into(),
            instance: name.into(),
            up,
            last_seen,
            ..Instance::default()
        };
        let reading = Application {
            instances: vec![
                instance("a:1", true, Some(Timestamp::UNIX_EPOCH)),
                instance("b:1", false, Some(Timestamp::UNIX_EPOCH)),
                instance("never:1", false, None),
            ],
            total: Requests { per_second: Some(0.0), ..Requests::default() },
            ..Application::default()
        };
        let sample = reading.sample();
        let numbers: Vec<_> = sample.points.iter().map(|point| (point.metric_name.as_ref(), point.value)).collect();
        assert_eq!(numbers, [("http_requests_per_second", 0.0), ("up", 1.0), ("up", 0.0)]);
        assert_eq!(sample.points[1].labels["instance"], "a:1");
        assert!(
            sample.points.iter().all(|point| APPLICATION_METRICS.iter().any(|(name, _)| *name == point.metric_name))
        );
    }

    #[test]
    fn details_have_each_route_and_cumulative_buckets() {
        let requests = Requests { per_second: Some(2.0), p95_ms: Some(80.0), ..Requests::default() };
        let route = Route { method: "GET".into(), route: "/recipes/{id}".into(), requests };
        let reading = Application { routes: vec![route], ..Application::default() };
        let points = reading.details(&[(0.1, 3.0), (f64::INFINITY, 5.0)]).points;
        let numbers: Vec<_> = points.iter().map(|point| (point.metric_name.as_ref(), point.value)).collect();
        let bucket = "http_request_duration_seconds_bucket";
        assert_eq!(
            numbers,
            [("http_requests_per_second", 2.0), ("response_time_p95", 80.0), (bucket, 3.0), (bucket, 5.0)]
        );
        assert_eq!(points[0].labels["route"], "/recipes/{id}");
        assert_eq!((points[2].labels["le"].as_str(), points[3].labels["le"].as_str()), ("0.1", "+Inf"));
    }
}
