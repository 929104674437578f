//! Errors as JSON: `{"error":{"code","message","field"}}`.

use std::io::Write;

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::json;

/// An answer that is none of what was asked for.
#[derive(Debug)]
pub struct ApiError {
    status: StatusCode,
    code: &'static str,
    message: String,
    field: &'static str,
}

impl ApiError {
    fn new(status: StatusCode, code: &'static str, field: &'static str, message: &str) -> Self {
        Self { status, code, message: message.to_owned(), field }
    }

    pub fn invalid(field: &'static str, message: &str) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", field, message)
    }

    /// What could not even be read, with the status that says why.
    pub fn unreadable(status: StatusCode, message: &str) -> Self {
        Self::new(status, "unreadable", "body", message)
    }

    pub fn not_found(field: &'static str, message: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", field, message)
    }

    pub fn taken(field: &'static str, message: &str) -> Self {
        Self::new(StatusCode::CONFLICT, "taken", field, message)
    }

    pub fn wrong_method() -> Self {
        let message = "this path does not take the method; the header Allow says what it takes";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "method", message)
    }

    pub fn broken() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "", "something went wrong; try again later")
    }
}

impl From<sqlx::Error> for ApiError {
    fn from(error: sqlx::Error) -> Self {
        let _ = writeln!(std::io::stderr(), "recipe_api: {error}");
        match error {
            sqlx::Error::PoolTimedOut | sqlx::Error::Io(_) | sqlx::Error::PoolClosed => {
                let message = "the database does not answer; try again later";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "", message)
            }
            _ => Self::broken(),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let error = json!({ "error": { "code": self.code, "message": self.message, "field": self.field } });
        (self.status, Json(error)).into_response()
    }
}
