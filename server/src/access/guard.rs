//! The layer that every request passes: what its route takes, who sends it, and what is said where that is not enough.
//! What was changed goes into the audit log here, so that no handler can forget it.

use app::access::Frame;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use collector::AuditEntry;
use collector::access::{Caller, Scope};
use http::header::{ACCEPT, ALLOW, AUTHORIZATION, CACHE_CONTROL, CONTENT_SECURITY_POLICY, LOCATION, WWW_AUTHENTICATE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use jiff::Timestamp;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::policy::{self, Rule, Take};
use super::{Done, Gate, given};
use crate::endpoints::ApiError;
use crate::peer::Peer;
use crate::policy::STILL;

/// Says who may not, to a program (RFC 6750).
const BEARER: HeaderValue = HeaderValue::from_static("Bearer");
const WRONG_BEARER: HeaderValue = HeaderValue::from_static("Bearer error=\"invalid_token\"");

/// Guards what the router has a route for; the rest is [`guard_rest`]'s.
pub(crate) async fn guard(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    if gate.is_open()
        && let Some(why) = gate.foreign(request.headers(), request.extensions().get())
    {
        return ApiError::new(StatusCode::FORBIDDEN, "foreign_host", &why, "host").into_response();
    }
    let Some(path) = request.extensions().get::<MatchedPath>().cloned() else { return next.run(request).await };
    let Some(rule) = policy::rule(request.method(), path.as_str()) else {
        return refuse_unknown(&gate, &request.into_parts().0, path.as_str());
    };
    pass(&gate, rule, request, next).await
}

/// Guards whatever is no route and no file of the page: it shows a page, too.
pub(crate) async fn guard_rest(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    pass(&gate, Rule { take: Take::Read, action: None }, request, next).await
}

async fn pass(gate: &Gate, rule: Rule, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get().copied().unwrap_or_default();
    let caller = match caller(gate, peer, request.headers()) {
        Ok(caller) => caller,
        // A page that is open is so also to a browser whose session is over.
        Err(refusal) if rule.take != Take::Open => return refusal.into_response(),
        Err(_) => None,
    };
    if rule.take != Take::Open {
        match &caller {
            None => return unknown(gate, &request.into_parts().0),
            Some(caller) if !policy::may(caller, rule.take) => {
                return refuse(gate, caller, rule, peer, &request.into_parts().0).await;
            }
            Some(_) => {}
        }
    }
    let path = request.uri().path().to_owned();
    if let Some(caller) = &caller {
        request.extensions_mut().insert(caller.clone());
    }
    let mut response = next.run(request).await;
    if let Some(action) = rule.action {
        let done = response.extensions_mut().remove::<Done>().unwrap_or_default();
        if !done.is_nothing {
            let ok = done.ok.unwrap_or_else(|| response.status().is_success() || response.status().is_redirection());
            gate.keep(entry(action, caller.as_ref(), peer, &path, done, ok)).await;
        }
    }
    response
}

fn entry(action: &'static str, caller: Option<&Caller>, peer: Peer, path: &str, done: Done, ok: bool) -> AuditEntry {
    let text = |text: String| text.chars().take(500).collect();
    AuditEntry {
        id: AuditEntry::new_id(),
        timestamp: Timestamp::now(),
        actor: text(done.actor.or_else(|| caller.map(Caller::actor)).unwrap_or_else(|| "anonymous".to_owned())),
        role: caller.map(Caller::role).unwrap_or_default(),
        action: done.action.unwrap_or(action).to_owned(),
        object: text(done.object.unwrap_or_else(|| path.to_owned())),
        detail: if done.detail == Value::Null { json!({}) } else { done.detail },
        address: peer.address.to_string(),
        ok,
    }
}

/// A token that does not hold.
struct WrongToken;

impl IntoResponse for WrongToken {
    fn into_response(self) -> Response {
        let message = "this token is not known or has ended; make one with recipe-monitoring-collector token add";
        let error = ApiError::new(StatusCode::UNAUTHORIZED, "invalid_token", message, "authorization");
        ([(WWW_AUTHENTICATE, WRONG_BEARER)], error).into_response()
    }
}

/// Who sends the request; an error where it has a token that does not hold.
fn caller(gate: &Gate, peer: Peer, headers: &HeaderMap) -> Result<Option<Caller>, WrongToken> {
    let now = Timestamp::now();
    if let Some(token) = headers.get(AUTHORIZATION).and_then(bearer) {
        return match gate.program(token, now) {
            Some(caller) => Ok(Some(caller)),
            None if gate.is_open() => Ok(Some(Caller::Everybody)),
            None => Err(WrongToken),
        };
    }
    let user = given(headers, peer).and_then(|session| gate.user(session, now));
    let nobody = || match (gate.is_open(), gate.is_public() && !gate.awaits_first()) {
        (true, _) => Some(Caller::Everybody),
        (false, true) => Some(Caller::Public),
        (false, false) => None,
    };
    Ok(user.or_else(nobody))
}

fn bearer(value: &HeaderValue) -> Option<&str> {
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Whether a browser asks for a page, which is led to the log-in; a program is told.
fn is_for_page(request: &Parts) -> bool {
    let accepts = request.headers.get_all(ACCEPT).into_iter().filter_map(|accept| accept.to_str().ok());
    [Method::GET, Method::HEAD].contains(&request.method)
        && accepts.into_iter().any(|accept| accept.contains("text/html"))
}

/// The answer to somebody who is not logged in.
fn unknown(gate: &Gate, request: &Parts) -> Response {
    let awaits_first = gate.awaits_first();
    if is_for_page(request) {
        let target = match awaits_first {
            true => "/first-admin".to_owned(),
            false => {
                let wanted = request.uri.path_and_query().map_or("/", |wanted| wanted.as_str());
                format!("/login?next={}", utf8_percent_encode(wanted, NON_ALPHANUMERIC))
            }
        };
        return (StatusCode::SEE_OTHER, [(LOCATION, target)]).into_response();
    }
    let message = match awaits_first {
        true => {
            "nobody can log in yet: make the first admin at /first-admin with the token that the program printed, or with \
             recipe-monitoring-collector user add NAME --role admin"
        }
        false => "this needs a log-in: send Authorization: Bearer with an API token, or log in at /login",
    };
    let error = ApiError::new(StatusCode::UNAUTHORIZED, "unauthorized", message, "authorization");
    ([(WWW_AUTHENTICATE, BEARER)], error).into_response()
}

/// The answer to somebody who is logged in and may not.
async fn refuse(gate: &Gate, caller: &Caller, rule: Rule, peer: Peer, request: &Parts) -> Response {
    if *caller == Caller::Public {
        return unknown(gate, request);
    }
    if let Some(action) = rule.action {
        gate.keep(entry(action, Some(caller), peer, request.uri.path(), Done::default(), false)).await;
    }
    let role = policy::least_role(rule.take).name();
    let is_japanese = app::locale_of(&request.headers) == app::Locale::Ja && is_for_page(request);
    let why = match (caller, policy::scope_of(rule.take)) {
        (Caller::Token { name, scopes, .. }, Some(scope)) => format!(
            "this needs a token with the scope {}, and {name} has {}: make another one",
            scope.name(),
            Scope::names(scopes)
        ),
        (Caller::Token { .. }, None) => format!("this needs a user with the role {role}: no token may"),
        (caller, _) if is_japanese => {
            format!(
                "権限 {role} が必要です。{} の権限は {} です。管理者にご相談ください。",
                caller.actor(),
                caller.role()
            )
        }
        (caller, _) => {
            format!("this needs the role {role}, and {} is {}: ask an admin", caller.actor(), caller.role())
        }
    };
    if is_for_page(request) {
        let headers = &request.headers;
        let frame = Frame {
            locale: app::locale_of(headers),
            theme: app::theme_of(headers),
            style: gate.style(),
            caller: Some(caller),
            told: String::new(),
            now: Timestamp::now(),
        };
        let page = Html(app::access::refused(&frame, &why));
        let headers = [(CACHE_CONTROL, HeaderValue::from_static("no-store")), (CONTENT_SECURITY_POLICY, STILL)];
        return (StatusCode::FORBIDDEN, headers, page).into_response();
    }
    ApiError::new(StatusCode::FORBIDDEN, "forbidden", &why, "authorization").into_response()
}

/// The answer where the table has no row: the path takes another method, or nobody has said who may.
fn refuse_unknown(gate: &Gate, request: &Parts, path: &str) -> Response {
    let peer = request.extensions.get().copied().unwrap_or_default();
    match caller(gate, peer, &request.headers) {
        Err(refusal) => return refusal.into_response(),
        Ok(None) => return unknown(gate, request),
        Ok(Some(_)) => {}
    }
    let methods = policy::methods(path);
    if methods.is_empty() {
        tracing::error!(path, "a route without a row in the table of who may");
        let message = "it is not said who may do this; please report it";
        return ApiError::new(StatusCode::FORBIDDEN, "forbidden", message, "path").into_response();
    }
    let message =
        format!("{} does not take {}; the header Allow says what it takes", request.uri.path(), request.method);
    let error = ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", &message, "method");
    ([(ALLOW, methods.join(", "))], error).into_response()
}
