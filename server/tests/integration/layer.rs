//! The tower layer in an axum application, as `collector::http` says it is put there.

use std::future::pending;
use std::net::SocketAddr;

use axum::Router;
use axum::extract::MatchedPath;
use axum::extract::ws::WebSocketUpgrade;
use axum::routing::{any, get, post};
use collector::http::HttpMetrics;
use http::HeaderMap;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::connect_async;

use crate::helpers::{ask, until};

/// An application that answers in every way, or not at all.
async fn start(metrics: &HttpMetrics) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = Router::new()
        .route("/recipes/{id}", get(async || "soup"))
        .nest("/users", Router::new().route("/{name}/recipes", post(async || "thanks")))
        .route("/panics", get(async || -> &'static str { panic!("on purpose") }))
        .route("/never", get(async || pending::<()>().await))
        .route(
            "/live",
            any(async |upgrade: WebSocketUpgrade| {
                upgrade.on_upgrade(async |mut socket| while let Some(Ok(_)) = socket.recv().await {})
            }),
        )
        .fallback(async || (http::StatusCode::NOT_FOUND, "nothing"));

    let metrics = metrics.clone();
    let app = app.layer(metrics.layer(|request| Some(request.get::<MatchedPath>()?.as_str())));
    let scraped = metrics.clone();
    let app = app.route("/metrics", get(move |headers: HeaderMap| scraped.response(&headers)));
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, metrics.count_connections(app)).await });
    address.to_string()
}

/// The value of a series now, 0 where there is none.
async fn value(metrics: &HttpMetrics, series: &str) -> f64 {
    let text = metrics.response(&HeaderMap::new()).await.into_body();
    let value = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    value.map_or(0.0, |value| value.parse().unwrap())
}

async fn until_value(metrics: &HttpMetrics, series: &str, expected: f64) {
    let what = format!("{series} is {expected}");
    until(&what, async || (value(metrics, series).await == expected).then_some(())).await;
}

fn requests(method: &str, route: &str, status: u16) -> String {
    format!("http_requests_total{{method=\"{method}\",route=\"{route}\",status=\"{status}\"}}")
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_count_by_the_pattern_that_matched_also_in_nested_routers() {
    let metrics = HttpMetrics::default();
    let host = start(&metrics).await;
    for (line, method, route, status) in [
        ("GET /recipes/1", "GET", "/recipes/{id}", 200),
        ("GET /recipes/2?a=b", "GET", "/recipes/{id}", 200),
        ("HEAD /recipes/3", "HEAD", "/recipes/{id}", 200),
        ("POST /users/mei/recipes", "POST", "/users/{name}/recipes", 200),
        ("DELETE /recipes/1", "DELETE", "/recipes/{id}", 405),
        ("GET /no/such/page", "GET", "unmatched", 404),
        ("BREW /no/such/page", "_OTHER", "unmatched", 404),
    ] {
        let before = value(&metrics, &requests(method, route, status)).await;
        assert_eq!(ask(&host, line, &[], "").await.status, status, "{line}");
        until_value(&metrics, &requests(method, route, status), before + 1.0).await;
    }
    until_value(&metrics, "http_requests_in_flight", 0.0).await;
    until_value(&metrics, "http_active_connections", 0.0).await;
    let scraped = ask(&host, "GET /metrics", &["Accept: application/openmetrics-text; version=1.0.0"], "").await;
    assert!(scraped.headers.contains("content-type: application/openmetrics-text; version=1.0.0"), "{scraped:?}");
    assert!(scraped.body.ends_with("# EOF\n") && !scraped.body.contains("/mei/") && !scraped.body.contains("no/such"));
    // The request for it is on an open connection, and is none of the layer's.
    assert!(scraped.body.contains("\nhttp_active_connections 1\n"), "{}", scraped.body);
    assert!(scraped.body.contains("\nhttp_requests_in_flight 0\n"), "{}", scraped.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_that_panics_and_a_client_that_goes_away_are_counted_and_not_in_flight() {
    let metrics = HttpMetrics::default();
    let host = start(&metrics).await;
    let mut panics = TcpStream::connect(&host).await.unwrap();
    panics.write_all(b"GET /panics HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    until_value(&metrics, &requests("GET", "/panics", 500), 1.0).await;
    let mut leaves = TcpStream::connect(&host).await.unwrap();
    leaves.write_all(b"GET /never HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    until_value(&metrics, "http_requests_in_flight", 1.0).await;
    drop(leaves);
    until_value(&metrics, &requests("GET", "/never", 499), 1.0).await;
    assert_eq!(value(&metrics, "http_requests_in_flight").await, 0.0);
    until_value(&metrics, "http_active_connections", 0.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_request_of_a_websocket_ends_with_its_upgrade() {
    let metrics = HttpMetrics::default();
    let host = start(&metrics).await;
    let (socket, _) = connect_async(format!("ws://{host}/live")).await.unwrap();
    until_value(&metrics, &requests("GET", "/live", 101), 1.0).await;
    assert_eq!(value(&metrics, "http_requests_in_flight").await, 0.0);
    drop(socket);
}
