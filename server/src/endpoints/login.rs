//! Log-in, log-out and the first admin: plain forms that work without scripts.

use app::access::{FirstAdmin, LogIn, first_admin as draw_first_admin, log_in as draw_log_in};
use axum::Form;
use axum::extract::rejection::{FormRejection, QueryRejection};
use axum::extract::{Query, State};
use axum::response::{AppendHeaders, IntoResponse, Response};
use http::header::{LOCATION, RETRY_AFTER, USER_AGENT, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::preferences::local_path;
use super::v1::{self, ApiError};
use super::who::{Asking, seconds, with};
use crate::access::{Attempt, Done, Gate, end_session, session_cookie};

const WRONG: HeaderValue = HeaderValue::from_static("Bearer");

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Next {
    next: String,
}

/// `GET /login`
pub(crate) async fn page(
    State(gate): State<Gate>,
    asking: Asking,
    next: Result<Query<Next>, QueryRejection>,
) -> Response {
    let next = local_path(&next.map(|Query(next)| next.next).unwrap_or_default());
    if gate.awaits_first() {
        return go_to("/first-admin");
    }
    // Whoever is logged in, or need not be.
    if gate.is_open() || asking.user().is_some() {
        return go_to(&next);
    }
    let asking = Asking { caller: None, ..asking };
    asking.page(&gate, StatusCode::OK, |frame| draw_log_in(frame, &LogIn { next, ..LogIn::default() }))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Credentials {
    name: String,
    password: String,
    next: String,
}

/// `POST /login`
pub(crate) async fn log_in(
    State(gate): State<Gate>,
    asking: Asking,
    form: Result<Form<Credentials>, FormRejection>,
) -> Result<Response, ApiError> {
    let Credentials { name, password, next } = v1::form(form)?;
    let (name, next) = (name.trim().to_owned(), local_path(&next));
    if gate.is_open() {
        return Ok(with(go_to(&next), Done::nothing()));
    }
    let old = asking.user().map(|(_, session)| session.clone());
    let asking = Asking { caller: None, ..asking };
    let failed = |status, shown: LogIn| {
        let shown = LogIn { name: name.clone(), next: next.clone(), ..shown };
        asking.page(&gate, status, |frame| draw_log_in(frame, &shown))
    };
    let done = |detail: Value| Done::to(&name, detail).by("anonymous").ok(false);
    let tried = match gate.attempt(asking.peer, &name, password).await {
        Ok(Attempt::Right) => gate.log_in(asking.peer, agent(&asking.headers), &name).await,
        Ok(Attempt::Wrong) => {
            let response = failed(StatusCode::UNAUTHORIZED, LogIn { is_wrong: true, ..LogIn::default() });
            return Ok(with(([(WWW_AUTHENTICATE, WRONG)], response).into_response(), done(Value::Null)));
        }
        Ok(Attempt::Wait(wait)) => {
            let wait = seconds(wait);
            let response = failed(StatusCode::TOO_MANY_REQUESTS, LogIn { wait: Some(wait), ..LogIn::default() });
            // What is tried meanwhile is not looked at, and would fill the log.
            return Ok(with(([(RETRY_AFTER, wait)], response).into_response(), Done::nothing()));
        }
        Err(error) => Err(error),
    };
    match tried {
        Ok(session) => {
            // The session of whoever was logged in here is over.
            if let Some(old) = old {
                let _ = gate.change(move |contents| Ok(contents.log_out(&old))).await;
            }
            let cookie = AppendHeaders([session_cookie(&session, gate.lives(), asking.peer)]);
            let response = (StatusCode::SEE_OTHER, cookie, [(LOCATION, next)]).into_response();
            Ok(with(response, Done::to(&name, Value::Null).by(&name).ok(true)))
        }
        Err(error) => {
            asking.said(&error);
            let response = failed(StatusCode::SERVICE_UNAVAILABLE, LogIn { has_failed: true, ..LogIn::default() });
            Ok(with(response, done(Value::Null)))
        }
    }
}

/// `POST /logout`
pub(crate) async fn log_out(State(gate): State<Gate>, asking: Asking) -> Result<Response, ApiError> {
    let done = match asking.user() {
        Some((name, session)) => {
            let (name, session) = (name.to_owned(), session.clone());
            let ended = gate.change(move |contents| Ok(contents.log_out(&session))).await;
            if let Err(error) = &ended {
                asking.said(error);
                let message = "the session could not be ended now; the program's log says why";
                return Err(ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", message, ""));
            }
            Done::to(&name, Value::Null).by(&name).ok(true)
        }
        None => Done::nothing(),
    };
    let target = if gate.is_public() { "/" } else { "/login" };
    let headers = AppendHeaders([end_session(asking.peer)]);
    Ok(with((StatusCode::SEE_OTHER, headers, [(LOCATION, target)]).into_response(), done))
}

/// `GET /first-admin`
pub(crate) async fn first_admin_page(State(gate): State<Gate>, asking: Asking) -> Response {
    match gate.awaits_first() {
        true => asking.page(&gate, StatusCode::OK, |frame| draw_first_admin(frame, &FirstAdmin::default())),
        false => go_to("/"),
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct First {
    token: String,
    name: String,
    password: String,
    again: String,
}

/// `POST /first-admin`
pub(crate) async fn first_admin(
    State(gate): State<Gate>,
    asking: Asking,
    form: Result<Form<First>, FormRejection>,
) -> Result<Response, ApiError> {
    let First { token, name, password, again } = v1::form(form)?;
    let name = name.trim().to_owned();
    if !gate.awaits_first() {
        return Ok(with(go_to("/"), Done::nothing()));
    }
    let failed = |status, shown: FirstAdmin| {
        let shown = FirstAdmin { name: name.clone(), ..shown };
        asking.page(&gate, status, |frame| draw_first_admin(frame, &shown))
    };
    let done = || Done::to(&name, json!({ "role": "admin", "first": true })).by("anonymous");
    match gate.attempt_first(asking.peer, token.trim()) {
        Attempt::Right => {}
        Attempt::Wrong => {
            let shown = FirstAdmin { is_wrong_token: true, ..FirstAdmin::default() };
            return Ok(with(failed(StatusCode::FORBIDDEN, shown), done().ok(false)));
        }
        Attempt::Wait(wait) => {
            let wait = seconds(wait);
            let response =
                failed(StatusCode::TOO_MANY_REQUESTS, FirstAdmin { wait: Some(wait), ..FirstAdmin::default() });
            return Ok(with(([(RETRY_AFTER, wait)], response).into_response(), Done::nothing()));
        }
    }
    if password != again {
        let shown = FirstAdmin { is_not_the_same: true, ..FirstAdmin::default() };
        return Ok(with(failed(StatusCode::BAD_REQUEST, shown), Done::nothing()));
    }
    let made = match gate.make_first(&name, password).await {
        Ok(()) => gate.log_in(asking.peer, agent(&asking.headers), &name).await,
        Err(error) => Err(error),
    };
    match made {
        Ok(session) => {
            let cookie = AppendHeaders([session_cookie(&session, gate.lives(), asking.peer)]);
            let response = (StatusCode::SEE_OTHER, cookie, [(LOCATION, "/")]).into_response();
            Ok(with(response, done().ok(true)))
        }
        Err(error) => {
            let said = asking.said(&error);
            let status = if said.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::SERVICE_UNAVAILABLE };
            let (has_failed, said) = (said.is_none(), said.unwrap_or_default());
            let shown = match error.field() {
                "password" => FirstAdmin { password_error: said, ..FirstAdmin::default() },
                _ => FirstAdmin { name_error: said, has_failed, ..FirstAdmin::default() },
            };
            Ok(with(failed(status, shown), done().ok(false)))
        }
    }
}

fn go_to(path: &str) -> Response {
    (StatusCode::SEE_OTHER, [(LOCATION, path)]).into_response()
}

fn agent(headers: &HeaderMap) -> &str {
    headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default()
}
