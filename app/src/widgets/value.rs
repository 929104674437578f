//! A reading, or the dash that stands for a missing one: never a 0.

use leptos::prelude::*;

use crate::format::MISSING;
use crate::words::use_words;

/// A text, or a dash whose title says that there was no reading.
#[component]
pub fn Value(
    /// What was read.
    #[prop(into)]
    text: Signal<Option<String>>,
) -> impl IntoView {
    let words = use_words();
    let shown = Signal::derive(move || text.get().unwrap_or_else(|| MISSING.to_owned()));
    let missing = Signal::derive(move || text.with(Option::is_none).then(|| words.not_collected.to_owned()));
    view! { <span class="value" title=missing>{shown}</span> }
}
