//! The dashboard under a path of a larger site: `server.base_path`. Inside, everything is at the top: requests lose the
//! base path here, redirects and cookies get it, and pages only have links that are relative.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use http::header::{LOCATION, SET_COOKIE};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, StatusCode, Uri};

use crate::endpoints::ApiError;

/// What is before every path; empty where the dashboard is at the top. Without a slash at the end.
#[derive(Clone, Debug)]
pub(crate) struct BasePath(std::sync::Arc<str>);

impl BasePath {
    pub(crate) fn new(path: &str) -> Self {
        Self(path.into())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The same address inside; `None` where it is not under the base path.
    fn inside(&self, uri: &Uri) -> Option<Uri> {
        let path = uri.path_and_query()?.as_str().strip_prefix(&*self.0).filter(|path| path.starts_with('/'))?;
        let mut parts = uri.clone().into_parts();
        parts.path_and_query = Some(path.parse::<PathAndQuery>().ok()?);
        Uri::from_parts(parts).ok()
    }

    /// Redirects and cookies as the world outside sees them.
    fn outside(&self, headers: &mut HeaderMap) {
        if let Some(location) = headers.get(LOCATION).and_then(|location| location.to_str().ok())
            && location.starts_with('/')
            && !location.starts_with("//")
            && let Ok(location) = HeaderValue::try_from(format!("{}{location}", self.0))
        {
            headers.insert(LOCATION, location);
        }
        let cookies = headers.iter_mut().filter(|(name, _)| *name == SET_COOKIE).map(|(_, value)| value);
        // Browsers take one with this prefix for all of the host, and for nothing less.
        for cookie in cookies.filter(|cookie| !cookie.as_bytes().starts_with(b"__Host-")) {
            let under = cookie.to_str().ok().map(|text| text.replacen("; Path=/", &format!("; Path={}/", self.0), 1));
            if let Some(under) = under.and_then(|text| HeaderValue::try_from(text).ok()) {
                *cookie = under;
            }
        }
    }
}

/// Leads into the dashboard, and what goes out back under the base path.
pub(crate) async fn under(State(base): State<BasePath>, mut request: Request, next: Next) -> Response {
    // "GET planted.txt", "CONNECT example.com:443", "OPTIONS *": nothing that a site has.
    if !request.uri().path_and_query().is_some_and(|target| target.as_str().starts_with('/')) {
        let message = "the request's target is no path: begin it with /";
        return ApiError::new(StatusCode::BAD_REQUEST, "invalid", message, "path").into_response();
    }
    if base.0.is_empty() {
        return next.run(request).await;
    }
    let Some(inside) = base.inside(request.uri()) else {
        // Also without the slash at its end, from where links that are relative would lead beside it.
        return if matches!(request.uri().path().strip_prefix(&*base.0), Some("")) || request.uri().path() == "/" {
            Redirect::temporary(&format!("{}/", base.0)).into_response()
        } else {
            let message = format!("the dashboard is at {}/", base.0);
            ApiError::new(StatusCode::NOT_FOUND, "not_found", &message, "").into_response()
        };
    };
    *request.uri_mut() = inside;
    let mut response = next.run(request).await;
    base.outside(response.headers_mut());
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_under_the_base_path_leads_inside() {
        let base = BasePath::new("/a/b");
        for (outside, inside) in [
            ("/a/b/", Some("/")),
            ("/a/b/system?range=1h", Some("/system?range=1h")),
            ("/a/b//x", Some("//x")),
            ("/a/b", None),
            ("/a/b?x=1", None),
            ("/a/bc", None),
            ("/system", None),
            ("/", None),
        ] {
            let found = base.inside(&outside.parse().unwrap()).map(|uri| uri.to_string());
            assert_eq!(found.as_deref(), inside, "{outside}");
        }
    }

    #[test]
    fn redirects_and_cookies_go_out_under_it() {
        let mut headers = HeaderMap::new();
        headers.insert(LOCATION, HeaderValue::from_static("/alerts?rule=x"));
        headers.append(SET_COOKIE, HeaderValue::from_static("a=1; Path=/; HttpOnly"));
        headers.append(SET_COOKIE, HeaderValue::from_static("b=2; Max-Age=0; Path=/"));
        headers.append(SET_COOKIE, HeaderValue::from_static("__Host-c=3; Path=/"));
        BasePath::new("/m").outside(&mut headers);
        assert_eq!(headers[LOCATION], "/m/alerts?rule=x");
        let cookies: Vec<_> = headers.get_all(SET_COOKIE).iter().collect();
        assert_eq!(cookies, ["a=1; Path=/m/; HttpOnly", "b=2; Max-Age=0; Path=/m/", "__Host-c=3; Path=/"]);
        for elsewhere in ["https://example.com/", "//example.com/"] {
            let mut headers = HeaderMap::from_iter([(LOCATION, HeaderValue::from_static(elsewhere))]);
            BasePath::new("/m").outside(&mut headers);
            assert_eq!(headers[LOCATION], elsewhere);
        }
    }
}
