//! `/api`: what the API takes and answers, all of it drawn by the server.

use leptos::prelude::*;

use super::ready::ready;

/// The page of the API.
#[must_use]
pub fn api_page() -> AnyView {
    ready("/api", "API", || ().into_any())
}
