//! The layers around every route, in the order a request meets them.

use std::sync::Arc;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use collector::config::Server;
use collector::http::HttpMetrics;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, REFERRER_POLICY, SET_COOKIE, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderMap, HeaderValue, StatusCode};
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;
use tower_http::trace::TraceLayer;

use crate::access::{Gate, guard};
use crate::peer::{self, Peer};
use crate::{origin, policy};

/// Starts of the names that hold a hash or a version of what is in the file.
const IMMUTABLE: [&str; 4] = ["/page-", "/health-", "/echarts-", "/fonts/"];
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const AN_HOUR: HeaderValue = HeaderValue::from_static("public, max-age=3600");
const ASK_AGAIN: HeaderValue = HeaderValue::from_static("no-cache, private");

/// What every answer says, whatever it is.
const ALWAYS: [(HeaderName, HeaderValue); 6] = [
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (REFERRER_POLICY, HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
    (
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static("camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"),
    ),
];

/// Puts the layers around the routes; the last one here is the first a request meets.
pub(crate) fn add(router: Router, metrics: &HttpMetrics, settings: &Server, gate: Gate) -> Router {
    let allowed: Arc<[String]> = settings.allowed_origins.clone().into();
    let trusted: Arc<[_]> = settings.trusted_proxies.clone().into();
    router
        .layer(from_fn_with_state(gate, guard))
        .layer(CompressionLayer::new().quality(CompressionLevel::Fastest))
        .layer(from_fn_with_state(allowed, origin::guard))
        .layer(from_fn_with_state(hsts(settings.hsts_days), headers))
        .layer(from_fn_with_state(trusted, peer::know))
        .layer(TraceLayer::new_for_http())
        .layer(metrics.layer(|request| Some(request.get::<MatchedPath>()?.as_str())))
}

/// For how long browsers are to come by HTTPS only.
fn hsts(days: u32) -> Option<HeaderValue> {
    let seconds = u64::from(days) * 24 * 60 * 60;
    (days > 0).then(|| HeaderValue::try_from(format!("max-age={seconds}")).ok()).flatten()
}

fn is_immutable(path: &str) -> bool {
    // What `cargo leptos watch` has built anew is named without a hash, by name and ending alone.
    let is_hashed = |name: &str| name.split('.').count() > 2;
    path.strip_prefix("/pkg/").is_some_and(is_hashed) || IMMUTABLE.iter().any(|start| path.starts_with(start))
}

/// Headers of every answer: how long it may be kept, and what browsers must not do with it.
async fn headers(State(hsts): State<Option<HeaderValue>>, request: Request, next: Next) -> Response {
    let is_secure = request.extensions().get::<Peer>().is_some_and(|peer| peer.secure);
    let path = request.uri().path().to_owned();
    let mut response = next.run(request).await;
    // An answer that confirms what a browser has says again how long that may be kept.
    let kept = if !response.status().is_success() && response.status() != StatusCode::NOT_MODIFIED {
        ASK_AGAIN
    } else if is_immutable(&path) {
        FOR_EVER
    } else if path.ends_with(".svg") || path.ends_with(".ico") {
        AN_HOUR
    } else {
        ASK_AGAIN
    };
    let headers = response.headers_mut();
    headers.entry(CACHE_CONTROL).or_insert(kept);
    headers.entry(CONTENT_SECURITY_POLICY).or_insert(policy::NO_PAGE);
    headers.extend(ALWAYS);
    if is_secure {
        headers.extend(hsts.map(|hsts| (STRICT_TRANSPORT_SECURITY, hsts)));
        secure_cookies(headers);
    }
    response
}

/// Cookies that were set where nobody could read them are not sent where somebody can.
fn secure_cookies(headers: &mut HeaderMap) {
    for cookie in headers.iter_mut().filter(|(name, _)| *name == SET_COOKIE).map(|(_, value)| value) {
        let secure = cookie.to_str().ok().map(|text| format!("{text}; Secure"));
        if let Some(secure) = secure.and_then(|text| HeaderValue::try_from(text).ok()) {
            *cookie = secure;
        }
    }
}
