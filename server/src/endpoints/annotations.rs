//! Annotations: by the API in JSON, and by a plain form that works without scripts.

use std::collections::BTreeMap;

use axum::extract::rejection::{FormRejection, JsonRejection, PathRejection};
use axum::extract::{Path, Query, State};
use axum::response::{AppendHeaders, IntoResponse, Response};
use axum::{Extension, Form, Json};
use collector::access::Caller;
use collector::annotation::{Annotation, Draft, DraftError};
use collector::{AnnotateError, AnnotationQuery, Archive, Sentence};
use http::header::LOCATION;
use http::{HeaderMap, StatusCode};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

use super::cookie::{A_YEAR, TOLD_SECONDS, cookie, said};
use super::preferences::local_path;
use super::v1::{self, ApiError, Parameters, body, named};
use crate::access::Done;
use crate::description::{Foreign, Invalid, Misshapen, Missing, Unavailable, Unsupported};

/// Annotations where no number is given, and at the most.
const ANNOTATIONS: u16 = 100;
const MOST_ANNOTATIONS: u16 = 1_000;

impl From<AnnotateError> for ApiError {
    fn from(error: AnnotateError) -> Self {
        let message = error.to_string();
        match error {
            AnnotateError::Invalid(error) => Self::new(StatusCode::BAD_REQUEST, "invalid", &message, error.field),
            AnnotateError::Unknown { .. } => Self::new(StatusCode::NOT_FOUND, "not_found", &message, "id"),
            AnnotateError::Store(_) => Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", &message, ""),
        }
    }
}

/// Marks something and answers it; 200 where its id was known, which changes nothing.
#[utoipa::path(
    post,
    path = "/api/v1/annotations",
    tag = "annotations",
    operation_id = "annotate",
    responses((status = 201, description = "It is marked", body = Annotation), (status = 200, description = "It was marked before", body = Annotation), Invalid, Foreign, Unsupported, Misshapen, Unavailable),
)]
pub(crate) async fn mark(
    State(archive): State<Archive>,
    Extension(caller): Extension<Caller>,
    draft: Result<Json<Draft>, JsonRejection>,
) -> Result<(StatusCode, Extension<Done>, Json<Annotation>), ApiError> {
    let draft = body(draft)?;
    let marked = archive.annotate(Draft { created_by: caller.signs(draft.created_by), ..draft }).await?;
    let done = Done::to(&marked.annotation.id, json!({ "text": marked.annotation.text }));
    let done = if marked.is_new { done } else { Done::nothing() };
    let status = if marked.is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Extension(done), Json(marked.annotation)))
}

/// Annotations, those that begin last first: of which some part lies between the times.
#[utoipa::path(
    get,
    path = "/api/v1/annotations",
    tag = "annotations",
    operation_id = "annotations",
    params(
        ("from" = Option<String>, Query, description = "RFC 3339, or seconds since 1970"),
        ("to" = Option<String>, Query, description = "The same"),
        ("tag" = Option<String>, Query, description = "Those that have it"),
        ("limit" = Option<u16>, Query, minimum = 1, maximum = 1000, description = "By default 100"),
    ),
    responses((status = 200, description = "Annotations", body = [Annotation]), Invalid, Unavailable),
)]
pub(crate) async fn list(
    State(archive): State<Archive>,
    Query(parameters): Query<BTreeMap<String, String>>,
) -> Result<Json<Vec<Annotation>>, ApiError> {
    let parameters = Parameters::of(parameters, &["from", "to", "tag", "limit"])?;
    let query = AnnotationQuery {
        from: parameters.time("from")?,
        to: parameters.time("to")?,
        tag: parameters.text("tag").map(str::to_owned),
        limit: parameters.limit(ANNOTATIONS, MOST_ANNOTATIONS)?,
    };
    Ok(Json(archive.find_annotations(&query).await?))
}

/// Removes an annotation.
#[utoipa::path(
    delete,
    path = "/api/v1/annotations/{id}",
    tag = "annotations",
    operation_id = "remove_annotation",
    params(
        ("id" = String, Path),
    ),
    responses((status = 204, description = "Done"), Foreign, Missing, Unavailable),
)]
pub(crate) async fn remove(
    State(archive): State<Archive>,
    id: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, ApiError> {
    archive.remove_annotation(&named(id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What a form of the page asks for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    #[serde(rename = "do")]
    what: String,
    id: String,
    text: String,
    /// With commas between them.
    tags: String,
    /// Minutes; empty for none.
    ago: String,
    name: String,
    #[serde(rename = "return")]
    back: String,
}

/// The place of the form on its page.
const PLACE: &str = "#annotations";

/// `POST /annotations`: does it and goes back to the page, which says what became of it.
pub(crate) async fn form(
    State(archive): State<Archive>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    asked: Result<Form<Asked>, FormRejection>,
) -> Result<Response, ApiError> {
    let mut asked = v1::form(asked)?;
    asked.name = caller.signs(asked.name);
    let done = match asked.what.as_str() {
        "remove" => Done::to(&asked.id, Value::Null).called("annotation.remove"),
        _ => Done::to("", json!({ "text": asked.text })).called("annotation.add"),
    };
    let (name, back) = (asked.name.trim().to_owned(), local_path(&asked.back));
    let outcome = do_it(&archive, asked).await;
    let done = done.ok(outcome.is_ok());
    let told = match outcome {
        Ok(done) => done.to_owned(),
        Err(error) => said(&headers, &error),
    };
    let mut cookies = vec![cookie(app::ANNOTATIONS_TOLD, &told, TOLD_SECONDS)];
    // That of a user is known.
    if caller.user().is_none() && !name.is_empty() {
        cookies.push(cookie("name", &name, A_YEAR));
    }
    let page = back.split('#').next().unwrap_or_default();
    let place = [(LOCATION, format!("{page}{PLACE}"))];
    Ok((StatusCode::SEE_OTHER, AppendHeaders(cookies), Extension(done), place).into_response())
}

/// Answers the word of what was done.
async fn do_it(archive: &Archive, asked: Asked) -> Result<&'static str, AnnotateError> {
    let Asked { what, id, text, tags, ago, name, .. } = asked;
    if what == "remove" {
        archive.remove_annotation(&id).await?;
        return Ok("removed");
    }
    let tags = tags.split([',', '、']).map(str::trim).filter(|tag| !tag.is_empty()).map(str::to_owned);
    let draft = Draft { at: before(&ago)?, text, tags: tags.collect(), created_by: name, ..Draft::default() };
    archive.annotate(draft).await?;
    Ok("marked")
}

/// The time so many minutes ago.
fn before(minutes: &str) -> Result<Option<String>, DraftError> {
    let minutes = minutes.trim();
    if minutes.is_empty() || minutes == "0" {
        return Ok(None);
    }
    let at = minutes
        .parse()
        .ok()
        .and_then(|minutes: u32| Timestamp::now().checked_sub(SignedDuration::from_mins(minutes.into())).ok());
    match at {
        Some(at) => Ok(Some(at.to_string())),
        None => Err(DraftError {
            field: "ago",
            value: minutes.chars().take(100).collect(),
            remedy: Sentence::new(
                "write a whole number of minutes, 0 for now",
                "分を整数で書いてください。今のことであれば 0 です",
            ),
        }),
    }
}
