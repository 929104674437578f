//! The host on a page of its own: larger graphs. What the server draws below has each file system and interface.

use leptos::prelude::*;

use super::{cpu, load, memory, no_sample, received, sent, system_tiles};
use crate::charts::{Unit, line_graph};
use crate::widgets::host_name;
use crate::words::use_words;

/// The host on its own page.
#[must_use]
pub fn system_detail() -> AnyView {
    let words = use_words();
    let host = host_name(expect_context());
    view! {
        <div class="panels">
            <section class="panel" aria-labelledby="system-title">
                <header class="panel-header">
                    <h2 id="system-title">{words.system}</h2>
                    <p class="panel-host">{host}</p>
                </header>
                {no_sample()}
                {system_tiles()}
                <div class="graphs graphs-two graphs-large">
                    {line_graph("graph-cpu", words.cpu_graph, Unit::Percent, vec![cpu(words)])}
                    {line_graph("graph-memory", words.memory_graph, Unit::Percent, vec![memory(words)])}
                    {line_graph("graph-network", words.network, Unit::Rate, vec![received(words), sent(words)])}
                    {line_graph("graph-load", words.load_graph, Unit::Load, vec![load(words)])}
                </div>
            </section>
        </div>
    }
    .into_any()
}
