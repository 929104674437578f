//! What a web application is asked and how fast it answers: a tower layer for any axum or hyper
//! service, with the text that Prometheus and our collector scrape.
//!
//! With axum:
//!
//! ```ignore (this crate does not know axum; server/tests/integration/layer.rs compiles these lines)
//! let metrics = HttpMetrics::default();
//! let app = app.layer(metrics.layer(|request| Some(request.get::<MatchedPath>()?.as_str())));
//! let scraped = metrics.clone();
//! let app = app.route("/metrics", get(move |headers: HeaderMap| scraped.response(&headers)));
//! axum::serve(listener, metrics.count_connections(app.into_make_service())).await?;
//! ```
//!
//! With any other tower service:
//!
//! ```
//! use collector::http::{HttpMetrics, Route};
//! use http::{HeaderMap, Request, Response};
//! use tower::{ServiceBuilder, ServiceExt};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let metrics = HttpMetrics::default();
//! let service = ServiceBuilder::new().layer(metrics.layer(|_| None)).service_fn(async |_: Request<String>| {
//!     let mut response = Response::new(String::from("soup"));
//!     response.extensions_mut().insert(Route("/recipes/{id}"));
//!     Ok::<_, std::convert::Infallible>(response)
//! });
//! drop(service.oneshot(Request::new(String::new())).await?);
//! metrics.event("recipe_viewed");
//!
//! let scraped = metrics.response(&HeaderMap::new()).await.into_body();
//! assert!(scraped.contains(r#"http_requests_total{method="GET",route="/recipes/{id}",status="200"} 1"#));
//! assert!(scraped.contains(r#"business_events_total{event="recipe_viewed"} 1"#));
//! # Ok(())
//! # }
//! ```
//!
//! | name | labels | what |
//! |---|---|---|
//! | `http_requests_total` | method, route, status | requests answered |
//! | `http_request_duration_seconds` | method, route, status | histogram: from the request's head to the end of the answer's body |
//! | `http_requests_in_flight` | | requests being answered |
//! | `http_active_connections` | | open connections, where [`HttpMetrics::count_connections`] is used |
//! | `business_events_total` | event | calls of [`HttpMetrics::event`] |
//!
//! Put the layer around all others. The route is the pattern that matched, such as `/recipes/{id}`,
//! and `unmatched` where there was none: a path is never a label. A method that is none of HTTP's
//! is `_OTHER`. A service that panics or fails counts with status 500, and a request whose client
//! went away before the answer began with 499, as nginx has it. A websocket's request ends with the
//! upgrade. Past 1,000 series new ones are of the route `other`, with the first status of their
//! class, such as 400.

mod accept;
mod answers;
mod chain;
mod connections;
mod exposition;
mod names;
mod scrape;
mod series;
mod service;

use std::sync::Arc;

use http::{Extensions, HeaderMap};
use prometheus_client::registry::Registry;

pub use connections::{Connection, CountConnections, Counted, CountedFuture};
pub use scrape::Scrape;
pub use service::{HttpLayer, HttpService, ResponseBody, ResponseFuture};

use scrape::Scrapes;
use series::{Scraped, Series};

/// The metrics of one application. Clones are the same metrics.
#[derive(Clone, Debug)]
pub struct HttpMetrics {
    series: Arc<Series>,
    scrapes: Arc<Scrapes>,
}

/// The matched route, for services that know it only when they answer: put into the extensions of
/// the response it goes before what the layer's function says.
#[derive(Clone, Copy, Debug)]
pub struct Route(pub &'static str);

impl Default for HttpMetrics {
    fn default() -> Self {
        Self::new(Registry::default())
    }
}

impl HttpMetrics {
    /// Metrics beside others of the application, which are in `registry`.
    #[must_use]
    pub fn new(mut registry: Registry) -> Self {
        let series = Arc::new(Series::default());
        registry.register_collector(Box::new(Scraped(Arc::clone(&series))));
        Self { series, scrapes: Arc::new(Scrapes::of(registry)) }
    }

    /// As [`HttpMetrics::new`], with `prefix` and an underscore before the names of the metrics of
    /// this layer, for an application that hands on metrics of others which have these names.
    #[must_use]
    pub fn with_prefix(mut registry: Registry, prefix: &str) -> Self {
        let series = Arc::new(Series::default());
        let prefixed = registry.sub_registry_with_prefix(prefix);
        prefixed.register_collector(Box::new(Scraped(Arc::clone(&series))));
        Self { series, scrapes: Arc::new(Scrapes::of(registry)) }
    }

    /// A layer that counts and times every request; `route` finds the matched route among the
    /// request's extensions. With axum: `|request| Some(request.get::<MatchedPath>()?.as_str())`.
    #[must_use]
    pub fn layer(&self, route: fn(&Extensions) -> Option<&str>) -> HttpLayer {
        HttpLayer::new(Arc::clone(&self.series), route)
    }

    /// Counts the connections for which `make_service` makes a service, as long as that lives.
    /// With axum: `axum::serve(listener, metrics.count_connections(app.into_make_service()))`.
    ///
    /// A websocket leaves its service with the upgrade: see [`HttpMetrics::connection`].
    pub fn count_connections<M>(&self, make_service: M) -> CountConnections<M> {
        CountConnections::new(make_service, Arc::clone(&self.series))
    }

    /// Counts a connection as open until the answer is dropped, such as one that has become a websocket.
    #[must_use]
    pub fn connection(&self) -> Connection {
        Connection::new(Arc::clone(&self.series))
    }

    /// Counts something the application is for, such as `recipe_created`.
    ///
    /// Names that Prometheus would not take for a label, and those past the first 100, are counted as `other`.
    pub fn event(&self, name: &str) {
        self.events(name, 1);
    }

    /// As [`HttpMetrics::event`], several at once. None at all makes the event known at zero, so
    /// that its first one is seen as an increase.
    pub fn events(&self, name: &str, count: u64) {
        self.series.count_events(name, count);
    }

    /// The answer to a scrape: OpenMetrics 1.0 where the request's `Accept` asks for it, else
    /// Prometheus' text format 0.0.4. It is written on a thread of its own, so that other requests
    /// do not wait for it.
    #[must_use]
    pub fn response(&self, request: &HeaderMap) -> Scrape {
        self.scrapes.response(request)
    }
}
