//! The tower layer for `bench/layer`: what it costs in a bare tower service, and an axum
//! application with or without it to put load on.
//!
//! `layer cost <requests>` writes the nanoseconds of one request without and with the layer;
//! `layer serve bare|measured [series]` serves on a free port, beside so many series of its own.

use std::convert::Infallible;
use std::error::Error;
use std::hint::black_box;
use std::io::Write;
use std::time::Instant;

use axum::Router;
use axum::extract::{MatchedPath, Path};
use axum::routing::get;
use collector::http::HttpMetrics;
use http::{Extensions, HeaderMap, Request, Response};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;
use tower::{Layer, Service, service_fn};

const SAMPLES: usize = 20;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["cost", requests] => cost(requests.parse()?).await,
        ["serve", "bare"] => serve(app(), None).await,
        ["serve", "measured"] => serve(app(), Some(HttpMetrics::default())).await,
        ["serve", "measured", series] => serve(app(), Some(HttpMetrics::new(registry(series.parse()?)))).await,
        _ => Err("say cost <requests>, or serve bare|measured [series]".into()),
    }
}

/// A route as a router leaves it.
#[derive(Clone, Copy)]
struct Matched(&'static str);

fn matched(extensions: &Extensions) -> Option<&str> {
    Some(extensions.get::<Matched>()?.0)
}

/// The least of several samples: whatever else the machine does only ever adds to it.
async fn cost(requests: u32) -> Result<(), Box<dyn Error>> {
    let metrics = HttpMetrics::default();
    let mut bare = service_fn(answer);
    let mut measured = metrics.layer(matched).layer(service_fn(answer));
    let mut least = [f64::INFINITY; 2];
    for _ in 0..SAMPLES {
        least[0] = least[0].min(sample(&mut bare, requests).await);
        least[1] = least[1].min(sample(&mut measured, requests).await);
    }
    writeln!(std::io::stdout(), "{:.1} {:.1}", least[0], least[1])?;
    Ok(())
}

async fn answer(request: Request<()>) -> Result<Response<String>, Infallible> {
    black_box(request);
    Ok(Response::new(String::new()))
}

async fn sample<S, R>(service: &mut S, requests: u32) -> f64
where
    S: Service<Request<()>, Response = Response<R>, Error = Infallible>,
{
    let start = Instant::now();
    for _ in 0..requests {
        let mut request = Request::new(());
        request.extensions_mut().insert(Matched("/recipes/{id}"));
        let Ok(response) = service.call(request).await;
        black_box(response);
    }
    start.elapsed().as_secs_f64() * 1e9 / f64::from(requests)
}

fn app() -> Router {
    Router::new().route("/recipes/{id}", get(async |Path(id): Path<u64>| format!("{{\"id\":{id}}}")))
}

/// As many series as asked for, in one family.
fn registry(series: u32) -> Registry {
    let mut registry = Registry::default();
    let family = Family::<Vec<(&'static str, String)>, Gauge>::default();
    for i in 0..series {
        let labels = vec![("shop", format!("shop-{}", i % 100)), ("article", format!("article-{i}"))];
        family.get_or_create(&labels).set(i64::from(i));
    }
    registry.register("stock", "Articles in stock", family);
    registry
}

async fn serve(app: Router, metrics: Option<HttpMetrics>) -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    writeln!(std::io::stdout(), "http://{}/", listener.local_addr()?)?;
    let Some(metrics) = metrics else { return Ok(axum::serve(listener, app).await?) };
    let scraped = metrics.clone();
    let app = app
        .layer(metrics.layer(|request| Some(request.get::<MatchedPath>()?.as_str())))
        .route("/metrics", get(move |headers: HeaderMap| scraped.response(&headers)));
    Ok(axum::serve(listener, metrics.count_connections(app.into_make_service())).await?)
}
