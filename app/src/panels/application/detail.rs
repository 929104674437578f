//! The application on its own page: larger graphs, every route and instance of a reading.

use leptos::prelude::*;

use super::{graphs, instances, is_connected, names, notices, routes, tiles};
use crate::live::LiveStore;
use crate::widgets::{part, when};
use crate::words::use_words;

/// The page's content.
#[must_use]
pub fn application_detail() -> AnyView {
    let words = use_words();
    let store = expect_context::<LiveStore>();
    let is_connected = is_connected(store);
    let content = move || {
        view! {
            {tiles::tiles(words, store)}
            <div class="graphs graphs-three graphs-large graphs-five">{graphs(words, store, true)}</div>
        }
        .into_any()
    };
    let details = part(move |html| {
        if is_connected.get() {
            html.mark("<section class=\"panel\"><div class=\"graphs graphs-two graphs-routes\">");
            routes::write(html, words, store, usize::MAX);
            html.mark("</div></section><section class=\"panel\" aria-labelledby=\"instances-title\">");
            html.mark("<header class=\"panel-header\"><h2 id=\"instances-title\">");
            html.text(words.application.instances).mark("</h2></header>");
            instances(html, words, store, true);
            html.mark("</section>");
        }
    });
    view! {
        <div class="panels">
            <section class="panel" aria-labelledby="application-title">
                <header class="panel-header">
                    <h2 id="application-title">{words.application.application}</h2>
                    <p class="panel-host">{names(store)}</p>
                </header>
                {notices(words, store)}
                {when(is_connected, Box::new(content))}
            </section>
            {details}
        </div>
    }
    .into_any()
}
