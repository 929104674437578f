//! The host on a page of its own: larger graphs. What the server draws below has each file system and interface.

use leptos::prelude::*;

use super::{cpu, load, memory, no_sample, received, sent, system_tiles};
use crate::charts::{LineGraph, Unit};
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
                    <LineGraph id="graph-cpu" title=words.cpu_graph unit=Unit::Percent series=vec![cpu(words)]/>
                    <LineGraph id="graph-memory" title=words.memory_graph unit=Unit::Percent series=vec![memory(words)]/>
                    <LineGraph id="graph-network" title=words.network unit=Unit::Rate
                        series=vec![received(words), sent(words)]/>
                    <LineGraph id="graph-load" title=words.load_graph unit=Unit::Load series=vec![load(words)]/>
                </div>
            </section>
        </div>
    }
    .into_any()
}
