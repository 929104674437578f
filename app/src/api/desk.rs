//! The desk of the alerts, as the server draws it.

#[cfg(feature = "ssr")]
use leptos::prelude::*;
#[cfg(feature = "ssr")]
use leptos::server_fn::codec::Json;

use crate::error::ApiError;

/// The page with it.
#[cfg(feature = "ssr")]
const PAGE: &str = "/alerts";

/// Receivers, silences, rules and history, as markup: `POST /api/desk`.
///
/// # Errors
///
/// In the browser, when the server cannot be reached or does not answer.
#[cfg(feature = "ssr")]
#[server(name = GetDesk, prefix = "/api", endpoint = "desk", input = Json)]
pub async fn desk(
    /// Of the page's address: which of the history is shown.
    search: String,
    /// The viewer's zone in minutes east of UTC; `None`: UTC.
    minutes_east: Option<i32>,
) -> Result<String, ApiError> {
    let desk = use_context::<collector::AlertDesk>().ok_or(ApiError::Failed)?;
    let archive = use_context::<collector::Archive>().ok_or(ApiError::Failed)?;
    let feed = use_context::<collector::Feed>().ok_or(ApiError::Failed)?;
    // On the heap, for a resource hands its future on by value.
    Ok(Box::pin(crate::desk::state((&desk, &archive, &feed), &search, minutes_east)).await)
}

/// The same, asked of the server.
///
/// # Errors
///
/// When the server cannot be reached or does not answer.
#[cfg(not(feature = "ssr"))]
pub async fn desk(search: String, minutes_east: Option<i32>) -> Result<String, ApiError> {
    let minutes = minutes_east.map_or_else(|| "null".to_owned(), |minutes| minutes.to_string());
    let search = crate::browser::quoted(&search);
    super::ask("/api/desk", format!("{{\"search\":{search},\"minutes_east\":{minutes}}}")).await
}

/// The desk for the page that is being drawn; empty for all but that of the alerts.
#[cfg(feature = "ssr")]
pub(super) async fn of_page() -> String {
    let Some(parts) = use_context::<http::request::Parts>().filter(|parts| parts.uri.path() == PAGE) else {
        return String::new();
    };
    desk(parts.uri.query().unwrap_or_default().to_owned(), None).await.unwrap_or_default()
}
