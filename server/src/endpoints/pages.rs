//! What is around the pages and server functions that Leptos answers.

use axum::BoxError;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use leptos::server_fn::error::SERVER_FN_ERROR_HEADER;
use tracing::Instrument as _;

use super::ApiError;

/// Longer than any error.
const MOST_BYTES: usize = 4 << 10;

/// Lets a page be drawn to its end, also when whoever asked for it has gone away: what is left of it goes on in tasks of
/// its own, which panic where the page is gone.
pub(crate) async fn finish(request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let drawing = async move {
        let (head, body) = next.run(request).await.into_parts();
        // A page comes in one piece.
        to_bytes(body, usize::MAX).await.map(|body| Response::from_parts(head, Body::from(body)))
    };
    let error: BoxError = match tokio::spawn(drawing.in_current_span()).await {
        Ok(Ok(page)) => return page,
        Ok(Err(error)) => error.into(),
        Err(error) => error.into(),
    };
    tracing::error!(path, %error, "a page could not be drawn");
    let message = "the page could not be drawn; the program's log says why";
    ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "failed", message, "").into_response()
}

/// Says what is wrong with a request that a server function does not know, where Leptos would call it a failure of ours.
pub(crate) async fn refuse(request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let response = next.run(request).await;
    if !response.status().is_server_error() || !response.headers().contains_key(SERVER_FN_ERROR_HEADER) {
        return response;
    }
    let (head, body) = response.into_parts();
    let body = to_bytes(body, MOST_BYTES).await.unwrap_or_default();
    if serde_json::from_slice(&body).is_ok_and(|error: app::error::ApiError| error == app::error::ApiError::Refused) {
        let message = format!("the body is not what {path} takes: send what the page does, as JSON");
        return ApiError::new(StatusCode::BAD_REQUEST, "invalid", &message, "body").into_response();
    }
    Response::from_parts(head, Body::from(body))
}
