//! `/system`: every series of the host.

use leptos::prelude::*;

use super::ready::ready;
use crate::panels::system_detail;
use crate::words::use_words;

/// The host's page.
#[must_use]
pub fn system_page() -> AnyView {
    ready("/system", use_words().system, system_detail)
}
