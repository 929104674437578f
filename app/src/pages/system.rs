//! `/system`: every series of the host.

use leptos::prelude::*;

use super::ready::Ready;
use crate::panels::SystemDetail;
use crate::words::use_words;

/// The host's page.
#[component]
pub fn SystemPage() -> impl IntoView {
    view! {
        <Ready title=use_words().system>
            <SystemDetail/>
        </Ready>
    }
}
