//! `/`: is everything all right, and what is going on?

use leptos::prelude::*;

use super::ready::Ready;
use crate::panels::{ApplicationPanel, BusinessPanel, SystemPanel};
use crate::words::use_words;

/// The overview.
#[component]
pub fn Overview() -> impl IntoView {
    view! {
        <Ready title=use_words().overview>
            <div class="panels"><SystemPanel/><ApplicationPanel/><BusinessPanel/></div>
        </Ready>
    }
}
