//! The host's newest values and recent past.

use collector::Snapshot;
use leptos::prelude::*;
use leptos::server_fn::codec::GetUrl;

use crate::error::ApiError;

/// All that a page needs to be drawn, as JSON text: `GET /api/snapshot`.
///
/// As text, because the page reads the live events from text too: one reader for both is a tenth
/// less to load.
///
/// # Errors
///
/// In the browser, when the server cannot be reached or does not answer.
#[server(name = GetSnapshot, prefix = "/api", endpoint = "snapshot", input = GetUrl)]
pub async fn snapshot() -> Result<String, ApiError> {
    let feed = use_context::<collector::Feed>().ok_or(ApiError::Failed)?;
    serde_json::to_string(&feed.snapshot()).map_err(|_| ApiError::Failed)
}

/// Reads what [`snapshot`] answers.
///
/// # Errors
///
/// [`ApiError::Failed`] when it is no snapshot.
pub fn read(text: &str) -> Result<Snapshot, ApiError> {
    serde_json::from_str(text).map_err(|_| ApiError::Failed)
}
