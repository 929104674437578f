//! Refuses what pages of other sites ask for: every change, and every websocket, which is a GET that no browser holds
//! back. A new route is guarded by being a route.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{HOST, HeaderName, ORIGIN, UPGRADE};
use http::{HeaderMap, HeaderValue, Method, StatusCode};

use crate::access::given;
use crate::endpoints::ApiError;
use crate::peer::Peer;

/// Where the request was made, says the browser: <https://www.w3.org/TR/fetch-metadata/>.
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Lets a request pass that is of a page of this site or of an `allowed` origin, or of no page at all.
pub(crate) async fn guard(State(allowed): State<Arc<[String]>>, request: Request, next: Next) -> Response {
    let is_safe = [Method::GET, Method::HEAD, Method::OPTIONS].contains(request.method());
    if is_safe && !request.headers().contains_key(UPGRADE) {
        return next.run(request).await;
    }
    let peer = request.extensions().get::<Peer>().copied().unwrap_or_default();
    // A browser says where every websocket comes from: who has a session and does not is none.
    let is_nowhere = request.headers().contains_key(UPGRADE)
        && !request.headers().contains_key(ORIGIN)
        && given(request.headers(), peer).is_some();
    if !is_nowhere && is_own(request.headers(), peer.secure, &allowed) {
        return next.run(request).await;
    }
    let message = "this request is of a page of another site: open the dashboard itself, push from a program, or name \
                   the page's origin in server.allowed_origins; behind a proxy see that it passes Host on";
    ApiError::new(StatusCode::FORBIDDEN, "foreign_origin", message, "origin").into_response()
}

/// Browsers send `Origin` with every websocket and every change; programs do not.
fn is_own(headers: &HeaderMap, is_secure: bool, allowed: &[String]) -> bool {
    let mut origins = headers.get_all(ORIGIN).into_iter();
    let Some(origin) = origins.next() else {
        return headers.get(FETCH_SITE).is_none_or(|site| site != "cross-site");
    };
    if origins.next().is_some() {
        return false;
    }
    let (Ok(origin), Some(Ok(host))) = (origin.to_str(), headers.get(HOST).map(HeaderValue::to_str)) else {
        return false;
    };
    if allowed.iter().any(|allowed| allowed == origin) {
        return true;
    }
    if headers.get(FETCH_SITE).is_some_and(|site| site == "cross-site") {
        return false;
    }
    let same = |scheme: &str, usual: &str| {
        let authority = origin.strip_prefix(scheme);
        authority.is_some_and(|authority| authority.eq_ignore_ascii_case(host.strip_suffix(usual).unwrap_or(host)))
    };
    // A page that came in the clear is not this one where this one is safe. The other way round a proxy may have been
    // between that nobody trusts.
    same("https://", ":443") || !is_secure && same("http://", ":80")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is(host: &'static str, origin: Option<&'static str>, is_secure: bool) -> bool {
        let mut headers = HeaderMap::from_iter([(HOST, HeaderValue::from_static(host))]);
        if let Some(origin) = origin {
            headers.insert(ORIGIN, HeaderValue::from_static(origin));
        }
        is_own(&headers, is_secure, &["https://allowed.example".to_owned()])
    }

    #[test]
    fn only_pages_of_this_site_and_programs_are_of_the_same_origin() {
        let host = "127.0.0.1:5001";
        assert!(is(host, None, false) && is(host, None, true));
        assert!(is(host, Some("http://127.0.0.1:5001"), false));
        assert!(is(host, Some("https://127.0.0.1:5001"), false));
        assert!(is(host, Some("https://127.0.0.1:5001"), true));
        assert!(!is(host, Some("http://127.0.0.1:5001"), true));
        assert!(is("example.com:443", Some("https://example.com"), true));
        assert!(is("example.com", Some("https://Example.com"), true));
        assert!(is(host, Some("https://allowed.example"), true));
        for foreign in [
            "http://127.0.0.1:5002",
            "http://localhost:5001",
            "http://127.0.0.1:5001.example.com",
            "http://127.0.0.1",
            "https://allowed.example.com",
            "http://allowed.example",
            "null",
            "",
            "file://",
            "127.0.0.1:5001",
        ] {
            assert!(!is(host, Some(foreign), false), "{foreign}");
        }
    }

    #[test]
    fn of_two_origins_none_is_right() {
        let mut headers = HeaderMap::from_iter([(HOST, HeaderValue::from_static("a.example"))]);
        headers.append(ORIGIN, HeaderValue::from_static("http://a.example"));
        assert!(is_own(&headers, false, &[]));
        headers.append(ORIGIN, HeaderValue::from_static("http://evil.example"));
        assert!(!is_own(&headers, false, &[]));
    }

    #[test]
    fn what_the_browser_calls_cross_site_is_foreign_even_without_an_origin() {
        let with = |site: &'static str, origin: Option<&'static str>| {
            let mut headers = HeaderMap::from_iter([(HOST, HeaderValue::from_static("a.example"))]);
            headers.insert(FETCH_SITE, HeaderValue::from_static(site));
            if let Some(origin) = origin {
                headers.insert(ORIGIN, HeaderValue::from_static(origin));
            }
            is_own(&headers, false, &["https://allowed.example".to_owned()])
        };
        assert!(!with("cross-site", None));
        assert!(with("same-origin", None) && with("none", None));
        assert!(with("cross-site", Some("https://allowed.example")));
        assert!(!with("cross-site", Some("https://a.example")));
    }
}
