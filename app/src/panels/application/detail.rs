//! The application on its own page: larger graphs, every route and instance of a reading.

use leptos::prelude::*;

use super::{connect, connections, graphs, instances, is_connected, names, notices, of, routes, tiles};
use crate::charts::{LineGraph, Unit};
use crate::format;
use crate::live::LiveStore;
use crate::words::use_words;

/// The page's content.
#[component]
pub fn ApplicationDetail() -> impl IntoView {
    let words = use_words();
    let store = expect_context::<LiveStore>();
    let is_connected = is_connected(store);
    let all = Memo::new(move |_| of(store, |application| application.instances.clone()));
    let left_out = Signal::derive(move || {
        let count = of(store, |application| u32::try_from(application.routes_left_out).unwrap_or(u32::MAX));
        if count == 0 { String::new() } else { (words.application.left_out)(&format::count(f64::from(count))) }
    });
    let content = move || {
        if !is_connected.get() {
            return view! { <section class="panel">{connect::connect(words, store)}</section> }.into_any();
        }
        view! {
            <section class="panel" aria-labelledby="application-title">
                <header class="panel-header">
                    <h2 id="application-title">{words.application.application}</h2>
                    <p class="panel-host">{names(store)}</p>
                </header>
                {notices(words, store)}
                {tiles::tiles(words, store)}
                <div class="graphs graphs-two graphs-large">
                    {graphs(words, store)}
                    <LineGraph id="graph-connections" title=words.application.active_connections unit=Unit::Count
                        series=vec![connections(words)]/>
                </div>
            </section>
            <section class="panel panel-seven">
                {routes::slowest(words, store, usize::MAX)}
                <p class="table-none">{left_out}</p>
            </section>
            <section class="panel panel-five">{routes::failing(words, store, usize::MAX)}</section>
            <section class="panel" aria-labelledby="instances-title">
                <header class="panel-header"><h2 id="instances-title">{words.application.instances}</h2></header>
                {instances(words, store, all)}
            </section>
        }
        .into_any()
    };
    view! { <div class="panels">{content}</div> }.into_any()
}
