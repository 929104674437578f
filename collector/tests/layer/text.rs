//! What a scraper gets.

use std::convert::Infallible;
use std::fmt;

use collector::http::HttpMetrics;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::Full;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::metrics::exemplar::CounterWithExemplar;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use tower::{Layer, ServiceExt, service_fn};

use crate::helpers::{OPEN_METRICS, matched, promtool, request, scrape};

async fn ask(metrics: &HttpMetrics) {
    let service = metrics
        .layer(matched)
        .layer(service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(Full::<&'static [u8]>::default()))));
    drop(service.oneshot(request("GET", Some("/with \"quotes\" # {and}"))).await.unwrap());
    metrics.event("recipe_created");
}

/// A registry with everything in it that the two forms write differently.
fn everything() -> Registry {
    let mut registry = Registry::default();
    let counter = CounterWithExemplar::<Vec<(String, String)>>::default();
    counter.inc_by(1, Some(vec![("trace_id".to_owned(), "7".to_owned())]), None);
    registry.register("soups", "Soups", counter);
    registry.register("build", "What this is", Info::new(vec![("version", "1")]));
    registry.register("temperature_celsius", "How hot", Gauge::<i64>::default());
    registry
}

#[tokio::test]
async fn prometheus_own_tool_finds_nothing_wrong_with_the_text() {
    let metrics = HttpMetrics::new(everything());
    ask(&metrics).await;
    let text = scrape(&metrics, "").await;
    assert_eq!(promtool(&text), "", "{text}");
    // It would find something.
    assert!(!promtool("# TYPE a counter\na 1\na 2\n").is_empty());
    for line in [
        "# TYPE soups_total counter\nsoups_total 1\n",
        "# TYPE build_info gauge\nbuild_info{version=\"1\"} 1\n",
        "# TYPE http_requests_total counter\nhttp_requests_total{method=\"GET\",route=\"/with \\\"quotes\\\" # {and}\",status=\"200\"} 1\n",
        "# TYPE http_request_duration_seconds histogram\n",
        "# TYPE http_requests_in_flight gauge\nhttp_requests_in_flight 0\n",
        "# TYPE business_events_total counter\nbusiness_events_total{event=\"recipe_created\"} 1\n",
        "http_request_duration_seconds_bucket{le=\"0.075\",method=",
        "http_request_duration_seconds_bucket{le=\"+Inf\",method=",
    ] {
        assert!(text.contains(line), "{line} is not in {text}");
    }
}

#[tokio::test]
async fn openmetrics_comes_to_those_who_ask_with_exemplars_units_and_an_end() {
    let metrics = HttpMetrics::new(everything());
    ask(&metrics).await;
    let mut headers = HeaderMap::new();
    headers.insert("accept", OPEN_METRICS.parse().unwrap());
    let response = metrics.response(&headers).await;
    assert_eq!(response.headers()["content-type"], "application/openmetrics-text; version=1.0.0; charset=utf-8");
    assert_eq!(response.headers()["vary"], "accept");
    let text = response.into_body();
    for line in [
        "# TYPE http_requests counter\n",
        "# UNIT http_request_duration_seconds seconds\n",
        "soups_total 1 # {trace_id=\"7\"} 1",
        "# TYPE build info\n",
    ] {
        assert!(text.contains(line), "{line} is not in {text}");
    }
    assert!(text.ends_with("# EOF\n"));
    assert_eq!(text.matches("# EOF").count(), 1);
}

#[tokio::test]
async fn before_the_first_request_there_is_no_series_of_requests() {
    let text = scrape(&HttpMetrics::default(), "").await;
    assert_eq!(promtool(&text), "");
    assert!(!text.contains("http_requests_total") && !text.contains("business_events"), "{text}");
    assert!(text.contains("\nhttp_requests_in_flight 0\n"));
}

#[tokio::test]
async fn a_prefix_is_for_the_layer_and_not_for_what_else_is_in_the_registry() {
    let metrics = HttpMetrics::with_prefix(everything(), "kitchen");
    ask(&metrics).await;
    let text = scrape(&metrics, "").await;
    assert_eq!(promtool(&text), "");
    assert!(text.contains("\nkitchen_http_requests_total{") && text.contains("\nsoups_total 1"), "{text}");
    assert!(!text.contains("\nhttp_"));
}

/// A collector of an application that has gone wrong.
#[derive(Debug)]
struct Broken {
    panics: bool,
}

impl Collector for Broken {
    fn encode(&self, _: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        assert!(!self.panics, "on purpose");
        Err(fmt::Error)
    }
}

#[tokio::test]
async fn a_collector_that_fails_or_panics_is_a_500_each_time_and_holds_up_nobody() {
    for panics in [false, true] {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Broken { panics }));
        let metrics = HttpMetrics::new(registry);
        for _ in 0..2 {
            let response = metrics.response(&HeaderMap::new()).await;
            assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
            assert!(response.body().starts_with("a collector of this application failed"));
        }
    }
}

#[tokio::test(flavor = "current_thread")]
async fn many_scrapes_at_once_each_get_their_answer_also_when_some_go_away() {
    let metrics = HttpMetrics::default();
    ask(&metrics).await;
    for _ in 0..50 {
        let (text, headers) =
            (HeaderMap::new(), HeaderMap::from_iter([(http::header::ACCEPT, OPEN_METRICS.parse().unwrap())]));
        drop(metrics.response(&text));
        let (a, b) = tokio::join!(metrics.response(&headers), metrics.response(&text));
        assert!(a.body().ends_with("# EOF\n") && !b.body().contains("# EOF"));
    }
}
