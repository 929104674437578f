//! `/`: is everything all right, and what is going on?

use leptos::prelude::*;

use super::ready::ready;
use crate::panels::{alerts_panel, application_panel, business_panel, system_panel};
use crate::preferences;
use crate::widgets::drawn_section;
use crate::words::use_words;

/// The overview: its panels in the viewer's order, each as wide as the viewer has it.
#[must_use]
pub fn overview() -> AnyView {
    ready("/", use_words().overview, || {
        let cell = |place: &str| {
            let (name, columns) = place.split_once('.').unwrap_or((place, "12"));
            let panel = match name {
                "system" => system_panel(),
                "application" => application_panel(),
                "business" => business_panel(),
                "alerts" => alerts_panel(),
                other => drawn_section(other.to_owned()),
            };
            view! { <div class=format!("cell cell-{columns}")>{panel}</div> }.into_any()
        };
        let panels = preferences::panels();
        view! { <div class="panels">{panels.split_whitespace().map(cell).collect_view()}</div> }.into_any()
    })
}
