//! Waits for the snapshot, gives it to the page's store and then shows the page: on the server
//! before the first byte, so that the page is whole without any script.

use leptos::prelude::*;

use crate::api::system::read;
use crate::browser;
use crate::error::ApiError;
use crate::live::LiveStore;
use crate::widgets::{Shape, drawn, icon, parts, verdict_strip, window_icon, window_title};
use crate::words::use_words;
use leptos_meta::Title;

/// The one resource of a page.
#[derive(Clone, Copy)]
pub struct SnapshotResource(pub Resource<Result<String, ApiError>>);

/// Verdict, content and parts of the page with this path and title, or why there is nothing to show.
///
/// No component, and the content no closure: each page would be a copy of all this.
pub fn ready(path: &'static str, title: &'static str, content: fn() -> AnyView) -> AnyView {
    let SnapshotResource(resource) = expect_context::<SnapshotResource>();
    let store = expect_context::<LiveStore>();
    let words = use_words();
    // Not as a signal in the Title itself: the server reads that one after the page's signals are gone.
    Effect::new(move |_| {
        if store.loaded.get() {
            browser::set_head(&window_title(store, title), window_icon(store));
        }
    });
    let page = move || {
        Suspend::new(async move {
            let text = resource.await;
            // Once on the server, which draws a page more than once and with several threads: who reads a signal while it
            // is written is told that it has gone.
            let is_known = cfg!(feature = "ssr") && store.loaded.get_untracked();
            let seeded =
                if is_known { Ok(()) } else { text.and_then(|text| read(&text)).map(|snapshot| store.seed(&snapshot)) };
            let error = seeded.err().unwrap_or(ApiError::Failed);
            // Untracked: the page around it would be drawn anew with every tick.
            let window_title = move || browser::title(&untrack(|| window_title(store, title)));
            view! {
                <Show when=move || store.loaded.get() fallback=move || failure(error)>
                    <Title text=window_title()/>
                    {verdict_strip()}
                    <p class="panel-notice" hidden=move || store.is_past_complete()>{words.past_incomplete}</p>
                    {content()}
                    {drawn(path)}
                    <footer class="footer">{parts()} <a href="./api">"API"</a></footer>
                </Show>
            }
        })
    };
    view! {
        <h1 class="visually-hidden">{title}</h1>
        <Suspense fallback=skeleton>{page}</Suspense>
    }
    .into_any()
}

/// The place of what is to come, only ever seen when the browser itself asks for the snapshot.
fn skeleton() -> impl IntoView {
    view! {
        <div class="skeleton skeleton-strip"></div>
        <div class="skeleton skeleton-panel"></div>
    }
}

/// A sentence and a way out.
fn failure(error: ApiError) -> AnyView {
    let words = use_words();
    view! {
        <section class="message" role="alert">
            <span class="message-icon">{icon(Shape::Exclamation)}</span>
            <h2>{(words.error)(error)}</h2>
            <p>{words.error_more}</p>
            <a class="button" href="" rel="external">{words.retry}</a>
        </section>
    }
    .into_any()
}
