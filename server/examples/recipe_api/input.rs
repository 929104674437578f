//! What came with a request, checked before anything is done with it.

use axum::Json;
use axum::extract::rejection::JsonRejection;

use crate::error::ApiError;

/// A JSON body, or why it could not be read.
pub type Body<T> = Result<Json<T>, JsonRejection>;

pub fn read<T>(body: Body<T>) -> Result<T, ApiError> {
    body.map(|Json(body)| body).map_err(|error| ApiError::unreadable(error.status(), &error.body_text()))
}

/// A text without blanks around it, not empty, not longer than so many characters, which PostgreSQL can keep.
pub fn text(field: &'static str, text: &str, most: usize) -> Result<String, ApiError> {
    let text = text.trim();
    let allowed = |c: char| !c.is_control() || c == '\n' || c == '\t';
    match text.chars().count() {
        0 => Err(ApiError::invalid(field, &format!("{field} is empty"))),
        length if length > most => {
            Err(ApiError::invalid(field, &format!("{field} has {length} characters; {most} are the most")))
        }
        _ if !text.chars().all(allowed) => Err(ApiError::invalid(field, &format!("{field} has control characters"))),
        _ => Ok(text.to_owned()),
    }
}
