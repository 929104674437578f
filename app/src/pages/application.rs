//! `/application`: every graph, route and instance of the watched application.

use leptos::prelude::*;

use super::ready::ready;
use crate::panels::application_detail;
use crate::words::use_words;

/// The application's page.
#[must_use]
pub fn application_page() -> AnyView {
    ready("/application", use_words().application.application, application_detail)
}
