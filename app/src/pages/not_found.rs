//! Any other address.

use leptos::prelude::*;
use leptos_meta::Title;

use crate::widgets::NAME;
use crate::words::use_words;

/// The page for an address that has none, with status 404.
#[component]
pub fn NotFound() -> impl IntoView {
    let words = use_words();
    answer_not_found();
    view! {
        <Title text=format!("{} · {NAME}", words.not_found.trim_end_matches(['.', '。']))/>
        <section class="message">
            <p class="message-code" aria-hidden="true">"404"</p>
            <h1>{words.not_found}</h1>
            <p>{words.not_found_more}</p>
            <a class="button" href="./">{words.to_overview}</a>
        </section>
    }
}

#[cfg(feature = "ssr")]
fn answer_not_found() {
    if let Some(response) = use_context::<leptos_axum::ResponseOptions>() {
        response.set_status(http::StatusCode::NOT_FOUND);
    }
}

#[cfg(not(feature = "ssr"))]
fn answer_not_found() {}
