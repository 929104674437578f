//! What the server alone draws of a page.

#[cfg(feature = "ssr")]
use collector::Marks;
#[cfg(feature = "ssr")]
use leptos::prelude::*;
#[cfg(feature = "ssr")]
use leptos::server_fn::codec::Json;

use crate::error::ApiError;

/// That of a page, as markup: `POST /api/drawn`.
///
/// # Errors
///
/// In the browser, when the server cannot be reached or does not answer.
#[cfg(feature = "ssr")]
#[server(name = GetDrawn, prefix = "/api", endpoint = "drawn", input = Json)]
pub async fn drawn(
    /// The page's path.
    path: String,
    /// What its address has after the `?`.
    search: String,
    /// The viewer's zone in minutes east of UTC; `None`: UTC.
    minutes_east: Option<i32>,
) -> Result<String, ApiError> {
    // On the heap, for a resource hands its future on by value.
    Box::pin(crate::drawn::page(&path, search, minutes_east, None)).await
}

/// The same, asked of the server.
///
/// # Errors
///
/// When the server cannot be reached or does not answer.
#[cfg(not(feature = "ssr"))]
pub async fn drawn(path: String, search: String, minutes_east: Option<i32>) -> Result<String, ApiError> {
    let minutes = minutes_east.map_or_else(|| "null".to_owned(), |minutes| minutes.to_string());
    let search = crate::browser::quoted(&search);
    // A path of ours needs no escaping.
    let body = format!("{{\"path\":\"{path}\",\"search\":{search},\"minutes_east\":{minutes}}}");
    super::ask("api/drawn", body).await
}

/// The same for the page that is being drawn, whose graphs have these marks.
#[cfg(feature = "ssr")]
pub(super) async fn of_request(marks: Marks) -> String {
    let Some(uri) = use_context::<http::request::Parts>().map(|parts| parts.uri) else { return String::new() };
    let search = uri.query().unwrap_or_default().to_owned();
    Box::pin(crate::drawn::page(uri.path(), search, None, Some(marks))).await.unwrap_or_default()
}
