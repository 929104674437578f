//! What people do about alerts: by the API in JSON, and by plain forms that work without scripts.

use std::collections::BTreeMap;

use axum::extract::rejection::{FormRejection, JsonRejection, PathRejection};
use axum::extract::{Path, State};
use axum::response::{AppendHeaders, IntoResponse, Response};
use axum::{Extension, Form, Json};
use collector::access::Caller;
use collector::alert::{Act, Alert, Desk, Silence};
use collector::{AlertDesk, DeskError, Feed, Sentence};
use http::header::LOCATION;
use http::{HeaderMap, StatusCode};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::cookie::{A_YEAR, cookie, said, told};
use super::v1::{self, ApiError, body, named};
use crate::access::Done;
use crate::description::{ErrorBody, Foreign, Invalid, Misshapen, Missing, Unavailable, Unsupported};

impl From<DeskError> for ApiError {
    fn from(error: DeskError) -> Self {
        let message = error.to_string();
        match error {
            DeskError::Refused(refusal) if refusal.is_missing => {
                Self::new(StatusCode::NOT_FOUND, "not_found", &message, &refusal.field)
            }
            DeskError::Refused(refusal) => Self::new(StatusCode::BAD_REQUEST, "invalid", &message, &refusal.field),
            DeskError::NotNow(_) => Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", &message, ""),
        }
    }
}

/// How alerting stands: rules with their values, silences, receivers.
#[utoipa::path(
    get,
    path = "/api/v1/alerting",
    tag = "alerts",
    responses((status = 200, description = "All of it", body = Desk), Unavailable),
)]
pub(crate) async fn desk(State(desk): State<AlertDesk>) -> Result<Json<Desk>, ApiError> {
    Ok(Json(desk.desk().await?))
}

/// The silences that hold.
#[utoipa::path(
    get,
    path = "/api/v1/silences",
    tag = "alerts",
    responses((status = 200, description = "Silences", body = [Silence]), Unavailable),
)]
pub(crate) async fn silences(State(desk): State<AlertDesk>) -> Result<Json<Vec<Silence>>, ApiError> {
    Ok(Json(desk.desk().await?.silences))
}

/// A new silence; without `ends_at` it holds until no such alert fires any more.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewSilence {
    /// A rule, labels or both, as in PromQL.
    #[schema(example = "HighDisk{mount=\"/\"}")]
    matchers: String,
    /// Who silences: at most 100 characters. A user who is logged in silences under the own name.
    #[serde(default)]
    author: String,
    /// Why: at most 500 characters.
    reason: String,
    /// RFC 3339, in the future.
    ends_at: Option<String>,
}

/// What was made.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Made {
    /// By which it is found.
    id: String,
}

/// Silences alerts; answers the silence's id.
#[utoipa::path(
    post,
    path = "/api/v1/silences",
    tag = "alerts",
    responses((status = 201, description = "It holds", body = Made), Invalid, Foreign, Unsupported, Misshapen, Unavailable),
)]
pub(crate) async fn silence(
    State(desk): State<AlertDesk>,
    Extension(caller): Extension<Caller>,
    new: Result<Json<NewSilence>, JsonRejection>,
) -> Result<(StatusCode, Extension<Done>, Json<Made>), ApiError> {
    let NewSilence { matchers, author, reason, ends_at } = body(new)?;
    let time = |text: String| {
        let remedy = "use a time such as 2026-11-24T03:00:00Z, or leave it out";
        text.parse().map_err(|_| ApiError::invalid("ends_at", &text, remedy))
    };
    let ends_at = ends_at.map(time).transpose()?;
    let detail =
        json!({ "matchers": matchers, "reason": reason, "ends_at": ends_at.map(|at: Timestamp| at.to_string()) });
    let id = desk.act(Act::Silence { matchers, author: caller.signs(author), reason, ends_at }).await?;
    let done = Done::to(&id, detail);
    Ok((StatusCode::CREATED, Extension(done), Json(Made { id })))
}

/// Ends a silence.
#[utoipa::path(
    delete,
    path = "/api/v1/silences/{id}",
    tag = "alerts",
    params(
        ("id" = String, Path),
    ),
    responses((status = 204, description = "Done"), Foreign, Missing, Unavailable),
)]
pub(crate) async fn end_silence(
    State(desk): State<AlertDesk>,
    silence: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, ApiError> {
    desk.act(Act::EndSilence { silence: named(silence)? }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Who looks after an alert.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Acknowledgement {
    /// Their name: at most 100 characters. A user who is logged in does it under the own name.
    #[serde(default)]
    by: String,
}

/// Somebody looks after an alert: it is repeated to nobody from now on.
#[utoipa::path(
    post,
    path = "/api/v1/alerts/{id}/acknowledge",
    tag = "alerts",
    params(
        ("id" = String, Path),
    ),
    responses((status = 204, description = "Done"), Invalid, Foreign, Missing, Unsupported, Misshapen, Unavailable),
)]
pub(crate) async fn acknowledge(
    State(desk): State<AlertDesk>,
    Extension(caller): Extension<Caller>,
    alert: Result<Path<String>, PathRejection>,
    acknowledgement: Result<Json<Acknowledgement>, JsonRejection>,
) -> Result<StatusCode, ApiError> {
    let Acknowledgement { by } = body(acknowledgement)?;
    desk.act(Act::Acknowledge { alert: named(alert)?, by: caller.signs(by) }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sends a test to a receiver, and answers when it has arrived or failed.
#[utoipa::path(
    post,
    path = "/api/v1/receivers/{name}/test",
    tag = "alerts",
    operation_id = "test_receiver",
    params(
        ("name" = String, Path, description = "As in the settings"),
    ),
    responses((status = 204, description = "Done"), Foreign, Missing, (status = 502, description = "It was not delivered", body = ErrorBody), Unavailable),
)]
pub(crate) async fn test(
    State(desk): State<AlertDesk>,
    receiver: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, ApiError> {
    match desk.test(&named(receiver)?).await {
        Ok(()) => Ok(StatusCode::NO_CONTENT),
        Err(DeskError::Refused(refusal)) if !refusal.is_missing => {
            Err(ApiError::new(StatusCode::BAD_GATEWAY, "not_delivered", &refusal.message, &refusal.field))
        }
        Err(error) => Err(error.into()),
    }
}

/// What a form of the page asks for; see [`collector::alert::Act`].
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    #[serde(rename = "do")]
    what: String,
    alert: String,
    silence: String,
    receiver: String,
    matchers: String,
    name: String,
    reason: String,
    #[serde(rename = "for")]
    lasts: String,
}

impl Asked {
    /// What the audit log is to know of it.
    fn done(&self) -> Done {
        let Self { what, alert, silence, receiver, matchers, reason, lasts, .. } = self;
        match what.as_str() {
            "acknowledge" => Done::to(alert, Value::Null).called("alert.acknowledge"),
            "end_silence" => Done::to(silence, Value::Null).called("silence.end"),
            "test" => Done::to(receiver, Value::Null).called("receiver.test"),
            "silence" => {
                let of = if alert.is_empty() { matchers } else { alert };
                Done::to(of, json!({ "reason": reason, "for": lasts })).called("silence.add")
            }
            _ => Done::nothing(),
        }
    }
}

/// How long a silence of a form may be.
const SPANS: [(&str, SignedDuration); 5] = [
    ("1h", SignedDuration::from_hours(1)),
    ("4h", SignedDuration::from_hours(4)),
    ("8h", SignedDuration::from_hours(8)),
    ("1d", SignedDuration::from_hours(24)),
    ("7d", SignedDuration::from_hours(7 * 24)),
];
/// The name that somebody gave last, for the next form.
const NAME: &str = "name";

/// `POST /alerts/act`: does it and goes back to the page, which says what became of it.
pub(crate) async fn form(
    State(desk): State<AlertDesk>,
    State(feed): State<Feed>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    asked: Result<Form<Asked>, FormRejection>,
) -> Result<Response, ApiError> {
    let mut asked = v1::form(asked)?;
    asked.name = caller.signs(asked.name);
    let name = asked.name.clone();
    let done = asked.done();
    let outcome = do_it(&desk, &feed, asked).await;
    let done = done.ok(outcome.is_ok());
    let mut cookies = Vec::new();
    match outcome {
        Ok(done) => cookies.push(told(done)),
        Err(error) => cookies.push(told(&said(&headers, &error))),
    }
    // That of a user is known.
    if caller.user().is_none() && !name.trim().is_empty() {
        cookies.push(cookie(NAME, name.trim(), A_YEAR));
    }
    Ok((StatusCode::SEE_OTHER, AppendHeaders(cookies), Extension(done), [(LOCATION, "/alerts")]).into_response())
}

/// Answers the word of what was done.
async fn do_it(desk: &AlertDesk, feed: &Feed, asked: Asked) -> Result<&'static str, DeskError> {
    let Asked { what, alert, silence, receiver, matchers, name, reason, lasts } = asked;
    let act = match what.as_str() {
        "acknowledge" => Act::Acknowledge { alert, by: name },
        "end_silence" => Act::EndSilence { silence },
        "test" => {
            desk.test(&receiver).await?;
            return Ok("tested");
        }
        "silence" => {
            let of_alert = feed.alerts().iter().find(|known| known.id == alert).map(matchers_of);
            let span = SPANS.iter().find(|(name, _)| *name == lasts);
            let ends_at = span.and_then(|(_, span)| Timestamp::now().checked_add(*span).ok());
            Act::Silence { matchers: of_alert.unwrap_or(matchers), author: name, reason, ends_at }
        }
        other => {
            return Err(DeskError::NotNow(Sentence::new(
                format!("there is nothing called {other:?} to do"),
                format!("「{other}」という操作はありません"),
            )));
        }
    };
    let done = match act {
        Act::Acknowledge { .. } => "acknowledged",
        Act::Silence { .. } => "silenced",
        Act::EndSilence { .. } => "silence_ended",
    };
    desk.act(act).await?;
    Ok(done)
}

/// The alert's rule and labels, as a silence names them.
fn matchers_of(alert: &Alert) -> String {
    let quoted = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    let labels: BTreeMap<_, _> = alert.labels.iter().map(|(name, value)| (name, value)).collect();
    let labels: Vec<_> = labels.into_iter().map(|(name, value)| format!("{name}=\"{}\"", quoted(value))).collect();
    match labels.is_empty() {
        true => alert.rule_name.clone(),
        false => format!("{}{{{}}}", alert.rule_name, labels.join(",")),
    }
}
