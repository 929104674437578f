//! `/api/v1`: the newest values, and how errors look.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use collector::{Current, Feed};
use http::{StatusCode, Uri};
use serde_json::json;

/// An error of the API: `{"error":{"code","message","field"}}`.
#[derive(Debug)]
pub(crate) struct ApiError {
    status: StatusCode,
    code: &'static str,
    message: String,
    field: String,
}

impl ApiError {
    pub(crate) fn new(status: StatusCode, code: &'static str, message: &str, field: &str) -> Self {
        Self { status, code, message: message.to_owned(), field: field.to_owned() }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let error = json!({ "error": { "code": self.code, "message": self.message, "field": self.field } });
        (self.status, Json(error)).into_response()
    }
}

/// The newest values of all kinds.
pub(crate) async fn current(State(feed): State<Feed>) -> Json<Current> {
    Json(Current { system: feed.system() })
}

/// Everything under `/api` that is not there.
pub(crate) async fn unknown(uri: Uri) -> ApiError {
    let message = format!("there is nothing at {}", uri.path());
    ApiError::new(StatusCode::NOT_FOUND, "not_found", &message, "path")
}
