//! What the pages of who may have in common.

use app::access::Frame;
use axum::extract::FromRequestParts;
use axum::response::{Html, IntoResponse, Response};
use collector::access::{AccessError, Caller};
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode};
use jiff::{SignedDuration, Timestamp};

use super::cookie::{TOLD_SECONDS, cookie, said};
use crate::access::{Done, Gate};
use crate::peer::Peer;
use crate::policy::STILL;

/// Brings the next of these pages what became of a form.
const TOLD: &str = "told_access";

const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// Who asks, from where.
#[derive(Debug)]
pub(crate) struct Asking {
    pub(super) headers: HeaderMap,
    pub(super) peer: Peer,
    pub(super) caller: Option<Caller>,
}

impl<S: Sync> FromRequestParts<S> for Asking {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let extensions = &parts.extensions;
        Ok(Self {
            headers: parts.headers.clone(),
            peer: extensions.get().copied().unwrap_or_default(),
            caller: extensions.get().cloned(),
        })
    }
}

impl Asking {
    /// A page for whoever asks, to be kept nowhere.
    pub(super) fn page(&self, gate: &Gate, status: StatusCode, draw: impl FnOnce(&Frame<'_>) -> String) -> Response {
        self.page_under(STILL, gate, status, draw)
    }

    /// The same under another policy of what it may load.
    pub(super) fn page_under(
        &self,
        policy: HeaderValue,
        gate: &Gate,
        status: StatusCode,
        draw: impl FnOnce(&Frame<'_>) -> String,
    ) -> Response {
        let frame = Frame {
            locale: app::locale_of(&self.headers),
            theme: app::theme_of(&self.headers),
            style: gate.style(),
            caller: self.caller.as_ref(),
            told: app::kept_of(&self.headers, TOLD),
            now: Timestamp::now(),
        };
        let headers = [(CACHE_CONTROL, NO_STORE), (CONTENT_SECURITY_POLICY, policy)];
        (status, headers, Html(draw(&frame))).into_response()
    }

    /// The user who asks, and the session.
    pub(super) fn user(&self) -> Option<(&str, &collector::access::Digest)> {
        match &self.caller {
            Some(Caller::User { name, session, .. }) => Some((name, session)),
            _ => None,
        }
    }

    /// As the audit log names whoever asks.
    pub(super) fn actor(&self) -> String {
        self.caller.as_ref().map_or_else(|| "anonymous".to_owned(), Caller::actor)
    }

    /// An error in the language of whoever asks; what is wrong with this machine is only in its log.
    pub(super) fn said(&self, error: &AccessError) -> Option<String> {
        if error.is_of_caller() {
            return Some(said(&self.headers, error));
        }
        tracing::error!(%error, "users, sessions or tokens cannot be changed");
        None
    }
}

/// Brings the next page the word of what was done.
pub(super) fn told(word: &str) -> (http::HeaderName, String) {
    cookie(TOLD, word, TOLD_SECONDS)
}

/// Whole seconds to wait, at least one.
pub(super) fn seconds(wait: SignedDuration) -> u64 {
    u64::try_from(wait.as_secs()).unwrap_or(0).saturating_add(1)
}

/// An answer with what the audit log is to know of it.
pub(super) fn with(mut response: Response, done: Done) -> Response {
    response.extensions_mut().insert(done);
    response
}
