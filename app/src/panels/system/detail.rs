//! Every series of the host: larger graphs, and tables per file system and interface.

use collector::{Interface, System};
use leptos::prelude::*;

use super::{cpu, load, memory, no_sample, received, sent, system_tiles};
use crate::charts::{LineGraph, Unit};
use crate::format::{self, MISSING};
use crate::live::{self, LiveStore};
use crate::widgets::{disk_mark, disk_share, host_name, part};
use crate::words::{Words, use_words};

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
            {mounts()}
            {interfaces()}
            {facts()}
        </div>
    }
    .into_any()
}

/// The file systems.
fn mounts() -> AnyView {
    let words = use_words();
    let store = expect_context::<LiveStore>();
    let table = part(move |html| {
        let mounts = live::of(store.system, |system| system.mounts.clone());
        if mounts.is_empty() {
            html.element("<p class=\"table-none\">", words.no_disks, "</p>");
            return;
        }
        html.element("<table class=\"table\"><thead><tr><th scope=\"col\">", words.mount, "</th>");
        html.element("<th scope=\"col\" class=\"share\">", words.share, "</th>");
        html.element("<th scope=\"col\">", words.used, "</th>");
        html.element("<th scope=\"col\">", words.total, "</th></tr></thead><tbody>");
        for mount in &mounts {
            html.element("<tr><th scope=\"row\" class=\"path\" title=\"", &mount.mount, "\"><span>");
            html.element("<span class=\"path-name\">", &mount.mount, "</span>");
            disk_mark(html, words, mount.disk_usage());
            html.mark("</span></th><td class=\"share\">");
            disk_share(html, mount.disk_usage());
            html.element("</td><td>", &format::size(mount.used_bytes), "</td>");
            html.element("<td>", &format::size(mount.total_bytes), "</td></tr>");
        }
        html.mark("</tbody></table>");
    });
    view! {
        <section class="panel panel-seven" aria-labelledby="mounts-title">
            <header class="panel-header"><h2 id="mounts-title">{words.disks}</h2></header>
            {table}
        </section>
    }
    .into_any()
}

/// The network interfaces, with what goes through them now.
fn interfaces() -> AnyView {
    let words = use_words();
    let store = expect_context::<LiveStore>();
    let columns = [words.interface, words.received, words.sent].map(str::to_owned);
    let table = part(move |html| {
        let rows = live::of(store.system, |system| {
            let rate = |bytes| system.per_second(bytes).map_or_else(|| MISSING.to_owned(), format::rate);
            let row = |interface: &Interface| {
                vec![interface.interface.clone(), rate(interface.network_rx), rate(interface.network_tx)]
            };
            system.interfaces.iter().map(row).collect::<Vec<_>>()
        });
        html.table("", &columns, &rows, words.no_interfaces);
    });
    view! {
        <section class="panel panel-five" aria-labelledby="interfaces-title">
            <header class="panel-header"><h2 id="interfaces-title">{words.interfaces}</h2></header>
            {table}
        </section>
    }
    .into_any()
}

/// What is left to say about the host.
fn facts() -> AnyView {
    let words = use_words();
    let store = expect_context::<LiveStore>();
    let facts = part(move |html| {
        html.mark("<dl class=\"facts\">");
        let mut fact = |name: &str, text: Option<String>| {
            html.element("<div><dt>", name, "</dt>");
            match text {
                Some(text) => html.element("<dd>", &text, "</dd></div>"),
                None => html.element("<dd title=\"", words.not_collected, "\">").text(MISSING).mark("</dd></div>"),
            };
        };
        let of =
            |read: fn(&'static Words, &System) -> Option<String>| live::of(store.system, |system| read(words, system));
        fact(words.host_name, of(|_, system| Some(system.host.clone())));
        fact(words.uptime_name, of(|words, system| Some((words.duration)(system.uptime_seconds))));
        fact(words.cores_name, of(|_, system| Some(system.cpu_count.to_string())));
        fact(&(words.load_minutes)(1), of(|_, system| system.load_average_1m.map(format::load)));
        fact(&(words.load_minutes)(5), of(|_, system| system.load_average_5m.map(format::load)));
        fact(&(words.load_minutes)(15), of(|_, system| system.load_average_15m.map(format::load)));
        html.mark("</dl>");
    });
    view! {
        <section class="panel" aria-labelledby="facts-title">
            <header class="panel-header"><h2 id="facts-title">{words.host}</h2></header>
            {facts}
        </section>
    }
    .into_any()
}
