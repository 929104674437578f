//! What a page may load and run: its Content-Security-Policy. A page of ours has only scripts and styles of its own, and
//! what stands in the page itself carries the answer's nonce, so nothing that gets into it can run.

use http::HeaderValue;
use http::header::CONTENT_SECURITY_POLICY;
use leptos::nonce::use_nonce;
use leptos::prelude::use_context;
use leptos_axum::ResponseOptions;

use crate::assets;

/// Of answers that are no page: nothing may be loaded where one is opened by itself.
pub(crate) const NO_PAGE: HeaderValue =
    HeaderValue::from_static("default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");

/// Of pages that need no script: what gets into one cannot run.
pub(crate) const STILL: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; img-src 'self' data:; font-src 'self'; form-action 'self'; base-uri 'none'; \
     frame-ancestors 'none'",
);

/// The same with a script of ours that asks for the page again.
pub(crate) const FOLLOWED: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
     form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
);

/// Gives the page that is being drawn its policy.
pub(crate) fn of_page() {
    // A server function has no page, and so no nonce.
    let (Some(nonce), Some(response)) = (use_nonce(), use_context::<ResponseOptions>()) else { return };
    let reload = if assets::is_watched() { " ws://127.0.0.1:*" } else { "" };
    if let Ok(policy) = HeaderValue::try_from(page(&nonce, reload)) {
        response.insert_header(CONTENT_SECURITY_POLICY, policy);
    }
}

fn page(nonce: &str, reload: &str) -> String {
    format!(
        "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; style-src 'self' 'nonce-{nonce}'; \
         img-src 'self' data:; font-src 'self'; connect-src 'self'{reload}; form-action 'self'; base-uri 'self'; \
         object-src 'none'; frame-ancestors 'none'"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_unsafe_is_allowed_but_wasm() {
        let policy = page("abc", "");
        assert!(!policy.contains("unsafe-inline") && !policy.contains("'unsafe-eval'") && !policy.contains('*'));
        assert!(policy.contains("script-src 'self' 'nonce-abc' 'wasm-unsafe-eval';"), "{policy}");
        assert!(HeaderValue::try_from(policy).is_ok());
    }
}
