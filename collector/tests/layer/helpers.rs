//! Requests to ask with, and the scraped text to look at.

use std::io::Write as _;
use std::process::{Command, Stdio};

use collector::http::HttpMetrics;
use http::header::ACCEPT;
use http::{Extensions, HeaderMap, HeaderValue, Request};

pub const OPEN_METRICS: &str = "application/openmetrics-text;version=1.0.0";

/// The pattern that matched, as a router would leave it.
#[derive(Clone)]
pub struct Matched(pub String);

pub fn matched(extensions: &Extensions) -> Option<&str> {
    Some(extensions.get::<Matched>()?.0.as_str())
}

pub fn request(method: &str, route: Option<&str>) -> Request<()> {
    let mut request = Request::builder().method(method).uri("/a/raw/path?with=query").body(()).unwrap();
    if let Some(route) = route {
        request.extensions_mut().insert(Matched(route.to_owned()));
    }
    request
}

pub async fn scrape(metrics: &HttpMetrics, accept: &'static str) -> String {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static(accept));
    metrics.response(&headers).await.into_body()
}

/// The value of a series, by its name and labels as written.
pub async fn value(metrics: &HttpMetrics, series: &str) -> Option<f64> {
    let text = scrape(metrics, "").await;
    let value = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    value.map(|value| value.parse().unwrap())
}

pub async fn requests(metrics: &HttpMetrics, method: &str, route: &str, status: u16) -> f64 {
    let labels = format!("{{method=\"{method}\",route=\"{route}\",status=\"{status}\"}}");
    let requests = value(metrics, &format!("http_requests_total{labels}")).await;
    let timed = value(metrics, &format!("http_request_duration_seconds_count{labels}")).await;
    assert_eq!(requests, timed, "each request is counted and timed");
    requests.unwrap_or(0.0)
}

pub async fn in_flight(metrics: &HttpMetrics) -> f64 {
    value(metrics, "http_requests_in_flight").await.unwrap()
}

/// What Prometheus' own tool finds wrong with a text.
pub fn promtool(text: &str) -> String {
    let mut promtool = Command::new("promtool");
    promtool.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // It is a part of Debian's package prometheus.
    let mut child = promtool.spawn().unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if output.status.success() { said } else { format!("{}: {said}", output.status) }
}
