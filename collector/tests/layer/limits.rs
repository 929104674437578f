//! What nobody may make grow without end.

use std::convert::Infallible;

use collector::http::HttpMetrics;
use http::{Request, Response};
use http_body_util::Full;
use tower::{Layer, ServiceExt, service_fn};

use crate::helpers::{matched, request, requests, scrape, value};

async fn ask(metrics: &HttpMetrics, method: &str, route: &str, status: u16) {
    let service = metrics.layer(matched).layer(service_fn(async |_: Request<()>| {
        Ok::<_, Infallible>(Response::builder().status(status).body(Full::<&'static [u8]>::default()).unwrap())
    }));
    drop(service.oneshot(request(method, Some(route))).await.unwrap());
}

fn lines(text: &str, start: &str) -> usize {
    text.lines().filter(|line| line.starts_with(start)).count()
}

#[tokio::test]
async fn past_a_thousand_series_new_ones_are_other_and_the_known_ones_count_on() {
    let metrics = HttpMetrics::default();
    for i in 0..1_500 {
        ask(&metrics, "GET", &format!("/{i}"), 200).await;
    }
    ask(&metrics, "GET", "/7", 200).await;
    // A known route with a new status has no room either.
    ask(&metrics, "GET", "/7", 503).await;
    assert_eq!(requests(&metrics, "GET", "/7", 200).await, 2.0);
    assert_eq!(requests(&metrics, "GET", "/999", 200).await, 1.0);
    assert_eq!(requests(&metrics, "GET", "other", 200).await, 500.0);
    assert_eq!(requests(&metrics, "GET", "other", 500).await, 1.0);
    // And `other` itself is bounded, by its methods and classes of status.
    for status in 100..1_000 {
        for method in ["GET", "POST", "BREW"] {
            ask(&metrics, method, "/new", status).await;
        }
    }
    assert_eq!(requests(&metrics, "_OTHER", "other", 400).await, 100.0);
    let text = scrape(&metrics, "").await;
    assert_eq!(lines(&text, "http_requests_total{"), 1_000 + 3 * 9);
    assert_eq!(lines(&text, "http_request_duration_seconds_count{"), 1_000 + 3 * 9);
}

#[tokio::test]
async fn statuses_of_one_route_are_limited_too_and_overlong_routes_are_other() {
    let metrics = HttpMetrics::default();
    for status in 100..1_000 {
        for method in ["GET", "POST"] {
            ask(&metrics, method, "/odd", status).await;
        }
    }
    let text = scrape(&metrics, "").await;
    assert_eq!(lines(&text, "http_requests_total{"), 1_000 + 2 * 4);
    let overlong = "/long".repeat(50);
    ask(&metrics, "GET", &overlong, 200).await;
    ask(&metrics, "GET", "other", 200).await;
    assert!(!scrape(&metrics, "").await.contains(&overlong));
    assert_eq!(requests(&metrics, "GET", "other", 200).await, 2.0);
}

#[tokio::test]
async fn events_are_a_hundred_and_then_other_and_odd_names_are_other_at_once() {
    let metrics = HttpMetrics::default();
    metrics.events("known_at_zero", 0);
    assert_eq!(value(&metrics, "business_events_total{event=\"known_at_zero\"}").await, Some(0.0));
    assert_eq!(value(&metrics, "business_events_total{event=\"other\"}").await, None);
    for i in 1..150 {
        metrics.events(&format!("event_{i}"), 2);
    }
    metrics.events("event_1", 3);
    let event = async |name: &str| value(&metrics, &format!("business_events_total{{event=\"{name}\"}}")).await;
    assert_eq!(
        (event("event_1").await, event("event_99").await, event("event_100").await),
        (Some(5.0), Some(2.0), None)
    );
    assert_eq!(event("other").await, Some(100.0));
    for odd in ["", "with space", "ünïcode", "9lives", "other", "quote\"", "line\nbreak", &"x".repeat(101)] {
        metrics.event(odd);
    }
    assert_eq!(event("other").await, Some(108.0));
    assert_eq!(lines(&scrape(&metrics, "").await, "business_events_total{"), 101);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn requests_from_many_threads_at_once_are_all_counted() {
    let metrics = HttpMetrics::default();
    let tasks = (0..8).map(|_| {
        let metrics = metrics.clone();
        tokio::spawn(async move {
            for i in 0..1_000 {
                ask(&metrics, "GET", &format!("/{}", i % 200), 200 + i % 7).await;
                metrics.event("asked");
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    let text = scrape(&metrics, "").await;
    let counts = text.lines().filter(|line| line.starts_with("http_requests_total{"));
    let counts: Vec<u64> = counts.map(|line| line.rsplit(' ').next().unwrap().parse().unwrap()).collect();
    assert_eq!(counts.iter().sum::<u64>(), 8_000);
    // No two of the thousand have both the same route and the same status, so each is a series.
    assert_eq!(lines(&text, "http_requests_total{"), 1_000);
    assert_eq!(value(&metrics, "business_events_total{event=\"asked\"}").await, Some(8_000.0));
}
