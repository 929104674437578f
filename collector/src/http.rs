//! What a web application is asked and how fast it answers: a tower layer for any axum or hyper
//! service, with the text that Prometheus and our collector scrape.
//!
//! ```
//! use collector::http::HttpMetrics;
//! # use http::{HeaderMap, Response};
//!
//! let metrics = HttpMetrics::default();
//! // let app = app.layer(metrics.layer(|request| Some(request.get::<MatchedPath>()?.as_str())));
//! // let app = app.route("/metrics", get(move |headers: HeaderMap| async move { metrics.response(&headers) }));
//! metrics.event("recipe_created");
//! let response = metrics.response(&HeaderMap::new());
//! assert!(response.body().contains("business_events_total{event=\"recipe_created\"} 1"));
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
//! A request whose client went away before the answer began counts with status 499, as nginx has
//! it. The route is the pattern that matched, such as `/recipes/{id}`, and `unmatched` where there
//! was none: a path is never a label. Past 1,000 series new routes share the route `other`.

mod connections;
mod exposition;
mod series;
mod service;

use std::sync::Arc;

use http::{Extensions, HeaderMap, Response};
use prometheus_client::registry::Registry;

pub use connections::{CountConnections, Counted};
pub use service::{HttpLayer, HttpService, ResponseBody};

use series::Series;

/// The metrics of one application. Clones are the same metrics.
#[derive(Clone, Debug)]
pub struct HttpMetrics {
    series: Arc<Series>,
    registry: Arc<Registry>,
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
        let series = Arc::new(Series::register(&mut registry));
        Self { series, registry: Arc::new(registry) }
    }

    /// A layer that counts and times every request; `route` finds the matched route among the
    /// request's extensions. With axum: `|request| Some(request.get::<MatchedPath>()?.as_str())`.
    #[must_use]
    pub fn layer(&self, route: fn(&Extensions) -> Option<&str>) -> HttpLayer {
        HttpLayer::new(Arc::clone(&self.series), route)
    }

    /// Counts the connections for which `make_service` makes a service, as long as that lives.
    /// With axum: `axum::serve(listener, metrics.count_connections(app.into_make_service()))`.
    pub fn count_connections<M>(&self, make_service: M) -> CountConnections<M> {
        CountConnections::new(make_service, self.series.connections.clone())
    }

    /// Counts something the application is for, such as `recipe_created`.
    ///
    /// Names that are none of Prometheus', and those past the first 100, are counted as `other`.
    pub fn event(&self, name: &str) {
        self.events(name, 1);
    }

    /// As [`HttpMetrics::event`], several at once.
    pub fn events(&self, name: &str, count: u64) {
        self.series.count_events(name, count);
    }

    /// The answer to a scrape: OpenMetrics 1.0 where the request's `Accept` asks for it, else
    /// Prometheus' text format 0.0.4.
    #[must_use]
    pub fn response(&self, request: &HeaderMap) -> Response<String> {
        exposition::response(&self.registry, request)
    }
}
