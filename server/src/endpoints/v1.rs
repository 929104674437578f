//! `/api/v1`: the newest values and the history, and how errors look.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::rejection::{FormRejection, JsonRejection, PathRejection};
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use axum::{Form, Json};
use collector::alert::{Alert, Severity};
use collector::database::Look;
use collector::{
    AlertQuery, Archive, ArchiveError, Current, DatabaseDesk, Feed, Labels, Range, RangeQuery, Resolution, Stats,
};
use http::{Method, StatusCode, Uri};
use jiff::{SignedDuration, Timestamp};

use crate::description::{ErrorBody, Invalid, Missing, Problem, Unavailable};

/// Length of a range where no beginning is given.
const SPAN: SignedDuration = SignedDuration::from_hours(1);
/// Points where no number is given: about one for each pixel of a graph.
const POINTS: u32 = 800;
const HOURS: u32 = 24;
/// Alerts where no number is given, and at the most.
const ALERTS: u16 = 100;
const MOST_ALERTS: u16 = 1_000;

/// An error of the API: `{"error":{"code","message","field"}}`.
#[derive(Debug)]
pub(crate) struct ApiError {
    status: StatusCode,
    problem: Problem,
}

impl ApiError {
    pub(crate) fn new(status: StatusCode, code: &'static str, message: &str, field: &str) -> Self {
        Self { status, problem: Problem { code, message: message.to_owned(), field: field.to_owned() } }
    }

    pub(crate) fn invalid(field: &str, value: &str, remedy: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid", &format!("{field} is '{value}': {remedy}"), field)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        (self.status, Json(ErrorBody::from(self.problem))).into_response()
    }
}

impl From<ArchiveError> for ApiError {
    fn from(error: ArchiveError) -> Self {
        let message = error.to_string();
        match error {
            ArchiveError::Invalid { field, .. } => Self::new(StatusCode::BAD_REQUEST, "invalid", &message, field),
            ArchiveError::NoMetric { .. } => Self::new(StatusCode::NOT_FOUND, "no_such_metric", &message, "metric"),
            ArchiveError::Store(error) => {
                tracing::warn!(%error, "the history cannot be read");
                let message = "PostgreSQL does not answer, so there is no history now; /readyz says more";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", message, "")
            }
        }
    }
}

/// What a request has as its body.
pub(super) fn body<T>(body: Result<Json<T>, JsonRejection>) -> Result<T, ApiError> {
    body.map(|Json(body)| body)
        .map_err(|rejection| ApiError::new(rejection.status(), "invalid", &rejection.body_text(), "body"))
}

/// What stands in the place of a name in a request's path.
pub(super) fn named(path: Result<Path<String>, PathRejection>) -> Result<String, ApiError> {
    path.map(|Path(name)| name)
        .map_err(|rejection| ApiError::new(rejection.status(), "invalid", &rejection.body_text(), "path"))
}

/// What a form of a page of ours was filled in with.
pub(super) fn form<T>(form: Result<Form<T>, FormRejection>) -> Result<T, ApiError> {
    form.map(|Form(form)| form)
        .map_err(|rejection| ApiError::new(rejection.status(), "invalid", &rejection.body_text(), "form"))
}

/// The newest values of all kinds.
#[utoipa::path(
    get,
    path = "/api/v1/current",
    tag = "values",
    responses((status = 200, description = "The newest values", body = Current)),
)]
pub(crate) async fn current(State(feed): State<Feed>) -> Json<Current> {
    Json(feed.current())
}

/// One metric over a span of time.
#[utoipa::path(
    get,
    path = "/api/v1/range",
    tag = "history",
    params(
        ("metric" = String, Query, description = "Its name, such as cpu_usage"),
        ("labels" = Option<String>, Query, description = r#"A JSON object of texts, such as {"mount":"/"}; series that have them all"#),
        ("from" = Option<String>, Query, description = "RFC 3339, or seconds since 1970; by default an hour before `to`"),
        ("to" = Option<String>, Query, description = "The same; by default now"),
        ("points" = Option<u32>, Query, description = "At the most so many of a series; by default 800"),
        ("resolution" = Option<Resolution>, Query, description = "By default what suits the length"),
    ),
    responses((status = 200, description = "The series that match", body = Range), Invalid, Missing, Unavailable),
)]
pub(crate) async fn range(
    State(archive): State<Archive>,
    Query(parameters): Query<BTreeMap<String, String>>,
) -> Result<Json<Range>, ApiError> {
    let parameters = Parameters::of(parameters, &["metric", "labels", "from", "to", "points", "resolution"])?;
    let to = parameters.time("to")?.unwrap_or_else(Timestamp::now);
    let query = RangeQuery {
        metric: parameters.text("metric").unwrap_or_default().to_owned(),
        labels: parameters.labels()?,
        from: parameters.time("from")?.unwrap_or_else(|| to.checked_sub(SPAN).unwrap_or(Timestamp::MIN)),
        to,
        points: parameters.number("points")?.unwrap_or(POINTS),
        resolution: match parameters.text("resolution") {
            None => None,
            Some("raw") => Some(Resolution::Raw),
            Some("hourly") => Some(Resolution::Hourly),
            Some(other) => return Err(ApiError::invalid("resolution", other, "use raw or hourly, or leave it out")),
        },
    };
    Ok(Json(archive.range(&query).await?))
}

/// Numbers of one metric over the last hours.
#[utoipa::path(
    get,
    path = "/api/v1/stats",
    tag = "history",
    params(
        ("metric" = String, Query, description = "Its name, such as cpu_usage"),
        ("hours" = Option<u32>, Query, description = "Until now; by default 24"),
    ),
    responses((status = 200, description = "Its numbers", body = Stats), Invalid, Missing, Unavailable),
)]
pub(crate) async fn stats(
    State(archive): State<Archive>,
    Query(parameters): Query<BTreeMap<String, String>>,
) -> Result<Json<Stats>, ApiError> {
    let parameters = Parameters::of(parameters, &["metric", "hours"])?;
    let hours = parameters.number("hours")?.unwrap_or(HOURS);
    Ok(Json(archive.stats(parameters.text("metric").unwrap_or_default(), hours).await?))
}

/// The alerts that fire, the worst first.
#[utoipa::path(
    get,
    path = "/api/v1/alerts",
    tag = "alerts",
    responses((status = 200, description = "Alerts", body = [Alert])),
)]
pub(crate) async fn alerts(State(feed): State<Feed>) -> Json<Vec<Alert>> {
    Json(feed.alerts())
}

/// Alerts of the past, the newest first.
#[utoipa::path(
    get,
    path = "/api/v1/alerts/history",
    tag = "alerts",
    params(
        ("rule_name" = Option<String>, Query, description = "Name of the rule"),
        ("severity" = Option<Severity>, Query),
        ("from" = Option<String>, Query, description = "Fired since; RFC 3339, or seconds since 1970"),
        ("to" = Option<String>, Query, description = "Fired until; the same"),
        ("limit" = Option<u16>, Query, minimum = 1, maximum = 1000, description = "By default 100"),
    ),
    responses((status = 200, description = "Alerts", body = [Alert]), Invalid, Unavailable),
)]
pub(crate) async fn alert_history(
    State(archive): State<Archive>,
    Query(parameters): Query<BTreeMap<String, String>>,
) -> Result<Json<Vec<Alert>>, ApiError> {
    let parameters = Parameters::of(parameters, &["rule_name", "severity", "from", "to", "limit"])?;
    let severity = match parameters.text("severity") {
        None => None,
        Some(name) => Some(
            Severity::of_name(name)
                .ok_or_else(|| ApiError::invalid("severity", name, "use critical, warning or info"))?,
        ),
    };
    let query = AlertQuery {
        from: parameters.time("from")?,
        to: parameters.time("to")?,
        rule_name: parameters.text("rule_name").map(str::to_owned),
        severity,
        limit: parameters.limit(ALERTS, MOST_ALERTS)?,
    };
    Ok(Json(archive.alerts(&query).await?))
}

/// How PostgreSQL and Redis stand, and why what cannot be seen cannot; at most five seconds old.
#[utoipa::path(
    get,
    path = "/api/v1/database",
    tag = "values",
    responses((status = 200, description = "What was seen, at most five seconds ago", body = Look)),
)]
pub(crate) async fn database(State(database): State<DatabaseDesk>) -> Json<Arc<Look>> {
    Json(database.look().await)
}

/// Everything under `/api` that is not there.
pub(crate) async fn unknown(uri: Uri) -> ApiError {
    let message = format!("there is nothing at {}", uri.path());
    ApiError::new(StatusCode::NOT_FOUND, "not_found", &message, "path")
}

/// A method that the path does not know.
pub(crate) async fn wrong_method(method: Method, uri: Uri) -> ApiError {
    let message = format!("{} does not take {method}; the header Allow says what it takes", uri.path());
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", &message, "method")
}

/// The parameters of a question. An empty one is one that was not given.
pub(super) struct Parameters(BTreeMap<String, String>);

impl Parameters {
    pub(super) fn of(given: BTreeMap<String, String>, known: &[&str]) -> Result<Self, ApiError> {
        match given.iter().find(|(name, _)| !known.contains(&name.as_str())) {
            Some((name, value)) => {
                Err(ApiError::invalid(name, value, &format!("there is no such parameter; use {}", known.join(", "))))
            }
            None => Ok(Self(given)),
        }
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    fn number(&self, name: &str) -> Result<Option<u32>, ApiError> {
        let number = self.text(name).map(|text| text.parse().map_err(|_| text));
        number.transpose().map_err(|text| ApiError::invalid(name, text, "use a whole number"))
    }

    /// How many are wanted at the most.
    pub(super) fn limit(&self, usual: u16, most: u16) -> Result<u16, ApiError> {
        let limit = self.number("limit")?.unwrap_or(usual.into());
        let in_range = u16::try_from(limit).ok().filter(|limit| (1..=most).contains(limit));
        in_range.ok_or_else(|| ApiError::invalid("limit", &limit.to_string(), &format!("use 1 to {most}")))
    }

    pub(super) fn time(&self, name: &str) -> Result<Option<Timestamp>, ApiError> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let seconds = || Timestamp::from_second(text.parse().ok()?).ok();
        let time = text.parse().ok().or_else(seconds);
        let remedy = "use a time such as 2026-11-24T03:00:00Z, or seconds since 1970";
        time.map(Some).ok_or_else(|| ApiError::invalid(name, text, remedy))
    }

    fn labels(&self) -> Result<Labels, ApiError> {
        let Some(text) = self.text("labels") else { return Ok(Labels::new()) };
        let remedy = r#"use a JSON object of texts, such as {"mount":"/"}"#;
        serde_json::from_str(text).map_err(|_| ApiError::invalid("labels", text, remedy))
    }
}
