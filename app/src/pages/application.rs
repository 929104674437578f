//! `/application`: every graph, route and instance of the watched application.

use leptos::prelude::*;

use super::ready::Ready;
use crate::panels::ApplicationDetail;
use crate::words::use_words;

/// The application's page.
#[component]
pub fn ApplicationPage() -> impl IntoView {
    view! {
        <Ready title=use_words().application.application>
            <ApplicationDetail/>
        </Ready>
    }
}
