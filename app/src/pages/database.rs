//! `/database`: how PostgreSQL and Redis stand, all of it drawn by the server.

use leptos::prelude::*;

use super::ready::ready;
use crate::words::use_words;

/// The page of the databases.
#[must_use]
pub fn database_page() -> AnyView {
    ready("/database", use_words().database, || ().into_any())
}
