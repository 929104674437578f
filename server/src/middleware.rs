//! The layers around every route, in the order a request meets them.

use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use collector::http::HttpMetrics;
use http::header::{CACHE_CONTROL, HOST, ORIGIN, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS};
use http::{HeaderMap, HeaderValue, StatusCode};
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;
use tower_http::trace::TraceLayer;

/// Files whose name holds a hash or a version of what is in them.
const IMMUTABLE: [&str; 4] = ["/pkg/", "/page-", "/echarts-", "/fonts/"];
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const AN_HOUR: HeaderValue = HeaderValue::from_static("public, max-age=3600");
const ASK_AGAIN: HeaderValue = HeaderValue::from_static("no-cache, private");

/// Puts the layers around the routes; the last one here is the first a request meets.
pub(crate) fn add(router: Router, metrics: &HttpMetrics) -> Router {
    router
        .layer(CompressionLayer::new().quality(CompressionLevel::Fastest))
        .layer(from_fn(headers))
        .layer(TraceLayer::new_for_http())
        .layer(metrics.layer(|request| Some(request.get::<MatchedPath>()?.as_str())))
}

/// Headers of every answer: how long it may be kept, and what browsers must not do with it.
async fn headers(request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let mut response = next.run(request).await;
    // An answer that confirms what a browser has says again how long that may be kept.
    let kept = if !response.status().is_success() && response.status() != StatusCode::NOT_MODIFIED {
        ASK_AGAIN
    } else if IMMUTABLE.iter().any(|start| path.starts_with(start)) {
        FOR_EVER
    } else if path.ends_with(".svg") || path.ends_with(".ico") {
        AN_HOUR
    } else {
        ASK_AGAIN
    };
    let headers = response.headers_mut();
    headers.entry(CACHE_CONTROL).or_insert(kept);
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    response
}

/// Whether a request comes from a page of this very site, or from no page at all.
///
/// Browsers send `Origin` with every websocket and every POST; programs do not.
pub(crate) fn is_same_origin(headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(ORIGIN) else { return true };
    let (Ok(origin), Some(Ok(host))) = (origin.to_str(), headers.get(HOST).map(HeaderValue::to_str)) else {
        return false;
    };
    let authority = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    authority.is_some_and(|authority| authority.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pages_of_this_site_and_programs_are_of_the_same_origin() {
        let is = |origin: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, HeaderValue::from_static("127.0.0.1:5001"));
            if let Some(origin) = origin {
                headers.insert(ORIGIN, HeaderValue::from_static(origin));
            }
            is_same_origin(&headers)
        };
        assert!(is(None));
        assert!(is(Some("http://127.0.0.1:5001")));
        assert!(is(Some("https://127.0.0.1:5001")));
        for foreign in [
            "http://127.0.0.1:5002",
            "http://localhost:5001",
            "http://127.0.0.1:5001.example.com",
            "http://127.0.0.1",
            "null",
            "",
            "file://",
            "127.0.0.1:5001",
        ] {
            assert!(!is(Some(foreign)), "{foreign}");
        }
    }
}
