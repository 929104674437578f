//! Every series of the host: larger graphs, and tables per file system and interface.

use collector::{Interface, System};
use leptos::prelude::*;

use super::{NoSample, SystemTiles, cpu, load, memory, received, sent};
use crate::charts::{LineGraph, Unit};
use crate::format::{self, MISSING};
use crate::live::{self, LiveStore};
use crate::widgets::{DiskMark, DiskShare, Value, host_name, part};
use crate::words::use_words;

/// The host on its own page.
#[component]
pub fn SystemDetail() -> impl IntoView {
    let words = use_words();
    let host = host_name(expect_context());
    view! {
        <div class="panels">
            <section class="panel" aria-labelledby="system-title">
                <header class="panel-header">
                    <h2 id="system-title">{words.system}</h2>
                    <p class="panel-host">{host}</p>
                </header>
                <NoSample/>
                <SystemTiles/>
                <div class="graphs graphs-two graphs-large">
                    <LineGraph id="graph-cpu" title=words.cpu_graph unit=Unit::Percent series=vec![cpu(words)]/>
                    <LineGraph id="graph-memory" title=words.memory_graph unit=Unit::Percent series=vec![memory(words)]/>
                    <LineGraph id="graph-network" title=words.network unit=Unit::Rate
                        series=vec![received(words), sent(words)]/>
                    <LineGraph id="graph-load" title=words.load_graph unit=Unit::Load series=vec![load(words)]/>
                </div>
            </section>
            <Mounts/>
            <Interfaces/>
            <Facts/>
        </div>
    }
    .into_any()
}

/// The file systems.
#[component]
fn Mounts() -> impl IntoView {
    let words = use_words();
    let store = expect_context::<LiveStore>();
    let mounts = Memo::new(move |_| live::of(store.system, |system| system.mounts.clone()));
    let has_rows = Signal::derive(move || mounts.with(|mounts| !mounts.is_empty()));
    let rows = move || {
        mounts
            .get()
            .into_iter()
            .map(|mount| {
                view! {
                    <tr>
                        <th scope="row" class="path" title=mount.mount.clone()>
                            <span>
                                <span class="path-name">{mount.mount.clone()}</span>
                                <DiskMark usage=mount.disk_usage()/>
                            </span>
                        </th>
                        <td class="share"><DiskShare usage=mount.disk_usage()/></td>
                        <td>{format::size(mount.used_bytes)}</td>
                        <td>{format::size(mount.total_bytes)}</td>
                    </tr>
                }
            })
            .collect_view()
    };
    view! {
        <section class="panel panel-seven" aria-labelledby="mounts-title">
            <header class="panel-header"><h2 id="mounts-title">{words.disks}</h2></header>
            <table class="table">
                <thead>
                    <tr>
                        <th scope="col">{words.mount}</th>
                        <th scope="col" class="share">{words.share}</th>
                        <th scope="col">{words.used}</th>
                        <th scope="col">{words.total}</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
            <p class="table-none" hidden=has_rows>{words.no_disks}</p>
        </section>
    }
    .into_any()
}

/// The network interfaces, with what goes through them now.
#[component]
fn Interfaces() -> impl IntoView {
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

/// Reads one fact.
type Fact = Box<dyn Fn(&System) -> Option<String> + Send + Sync>;

/// What is left to say about the host.
#[component]
fn Facts() -> impl IntoView {
    let words = use_words();
    let store = expect_context::<LiveStore>();
    let fact = |name: String, of: Fact| {
        let text = Signal::derive(move || live::of(store.system, &of));
        view! { <div><dt>{name}</dt><dd><Value text/></dd></div> }
    };
    let load = |minutes: u32, of: fn(&System) -> Option<f64>| {
        fact((words.load_minutes)(minutes), Box::new(move |system| of(system).map(format::load)))
    };
    let name = words.host_name.to_owned();
    let uptime = words.uptime_name.to_owned();
    let cores = words.cores_name.to_owned();
    view! {
        <section class="panel" aria-labelledby="facts-title">
            <header class="panel-header"><h2 id="facts-title">{words.host}</h2></header>
            <dl class="facts">
                {fact(name, Box::new(|system| Some(system.host.clone())))}
                {fact(uptime, Box::new(|system| Some((words.duration)(system.uptime_seconds))))}
                {fact(cores, Box::new(|system| Some(system.cpu_count.to_string())))}
                {load(1, |system| system.load_average_1m)}
                {load(5, |system| system.load_average_5m)}
                {load(15, |system| system.load_average_15m)}
            </dl>
        </section>
    }
    .into_any()
}
