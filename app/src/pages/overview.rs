//! `/`: is everything all right, and what is going on?

use leptos::prelude::*;

use super::ready::ready;
use crate::panels::{alerts_panel, application_panel, business_panel, system_panel};
use crate::words::use_words;

/// The overview.
#[must_use]
pub fn overview() -> AnyView {
    ready("/", use_words().overview, || {
        view! { <div class="panels">{system_panel()} {application_panel()} {business_panel()} {alerts_panel()}</div> }
            .into_any()
    })
}
