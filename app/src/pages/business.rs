//! `/business`: every business metric.

use leptos::prelude::*;

use super::ready::Ready;
use crate::panels::BusinessDetail;
use crate::words::use_words;

/// The page of the business metrics.
#[component]
pub fn BusinessPage() -> impl IntoView {
    view! {
        <Ready title=use_words().business.business>
            <BusinessDetail/>
        </Ready>
    }
}
