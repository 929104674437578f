//! The host: tiles, graphs and disks.

mod detail;

use collector::{GraphPoint, Mount, System};
use leptos::prelude::*;

use crate::charts::{Series, Unit, line_graph, sparkline};
use crate::format::{self, MISSING};
use crate::live::{LiveStore, Subject, of};
use crate::widgets::{Shape, Tile, disk_bar, host_name, icon, part};
use crate::words::{Words, use_words};

pub use detail::system_detail;

/// File systems on the overview; the fullest are shown.
const MOUNTS_SHOWN: usize = 5;

const fn cpu(words: &Words) -> Series {
    Series {
        name: words.cpu_graph,
        color: "series-1",
        metric: "cpu_usage",
        of: Subject::Host,
        value: |point| point.cpu_usage,
    }
}

const fn memory(words: &Words) -> Series {
    Series {
        name: words.memory_graph,
        color: "series-4",
        metric: "memory_usage",
        of: Subject::Host,
        value: |point| point.memory_usage,
    }
}

const fn load(words: &Words) -> Series {
    Series {
        name: words.load_graph,
        color: "series-3",
        metric: "load_average_1m",
        of: Subject::Host,
        value: |point| point.load_average_1m,
    }
}

const fn received(words: &Words) -> Series {
    Series {
        name: words.received,
        color: "series-1",
        metric: "network_rx",
        of: Subject::Host,
        value: |point| point.rx_per_second,
    }
}

const fn sent(words: &Words) -> Series {
    Series {
        name: words.sent,
        color: "series-2",
        metric: "network_tx",
        of: Subject::Host,
        value: |point| point.tx_per_second,
    }
}

const fn network(words: &Words) -> Series {
    Series { name: words.network, color: "series-2", metric: "", of: Subject::Host, value: both_ways }
}

fn both_ways(point: &GraphPoint) -> Option<f64> {
    Some(point.rx_per_second? + point.tx_per_second?)
}

/// The host on the overview.
#[must_use]
pub fn system_panel() -> AnyView {
    let words = use_words();
    let host = host_name(expect_context());
    view! {
        <section class="panel" aria-labelledby="system-title">
            <header class="panel-header">
                <h2 id="system-title">{words.system}</h2>
                <p class="panel-host">{host}</p>
                <a href="./system" class="panel-more">{words.all_series}{icon(Shape::Right)}</a>
            </header>
            {no_sample()}
            {system_tiles()}
            <div class="graphs graphs-two">
                {line_graph("graph-cpu", words.cpu_graph, Unit::Percent, vec![cpu(words)])}
                {line_graph("graph-memory", words.memory_graph, Unit::Percent, vec![memory(words)])}
            </div>
            <div class="graphs graphs-three">
                {line_graph("graph-network", words.network, Unit::Rate, vec![received(words), sent(words)])}
                {line_graph("graph-load", words.load_graph, Unit::Load, vec![load(words)])}
                {disks()}
            </div>
        </section>
    }
    .into_any()
}

/// What to expect while there is nothing to see.
fn no_sample() -> impl IntoView {
    let store = expect_context::<LiveStore>();
    let words = use_words();
    let has_sample = Signal::derive(move || store.system.with(Option::is_some));
    view! { <p class="panel-empty" hidden=has_sample>{words.no_sample}</p> }
}

/// CPU, memory, load and network as numbers.
fn system_tiles() -> AnyView {
    let store = expect_context::<LiveStore>();
    let words = use_words();
    part(move |html| {
        let tiles =
            of(store.system, |system| Some(tiles(words, system))).unwrap_or_else(|| tiles(words, &System::default()));
        let lines = [
            (cpu(words), Unit::Percent),
            (memory(words), Unit::Percent),
            (load(words), Unit::Load),
            (network(words), Unit::Rate),
        ];
        html.mark("<ul class=\"tiles\">");
        for (tile, (series, unit)) in tiles.iter().zip(lines) {
            tile.write(html, words, &|html| sparkline(html, words, store, series, unit));
        }
        html.mark("</ul>");
    })
}

fn tiles(words: &'static Words, system: &System) -> [Tile; 4] {
    let tile = |name, reading, more| Tile { name, reading, more, level: "" };
    let [five, fifteen] = [system.load_average_5m, system.load_average_15m]
        .map(|load| load.map_or_else(|| MISSING.to_owned(), format::load));
    let both = system.rx_per_second().zip(system.tx_per_second());
    let used = system.memory_used_bytes.zip(system.memory_total_bytes);
    let one = system.load_average_1m;
    [
        tile(words.cpu, percent(system.cpu_usage), (system.cpu_count > 0).then(|| (words.cores)(system.cpu_count))),
        tile(words.memory, percent(system.memory_usage), used.map(|(used, total)| format::part_of(used, total))),
        tile(
            words.load,
            one.map(|load| (format::load(load), String::new())),
            one.map(|_| format!("{five} · {fifteen} {}", words.load_more)),
        ),
        tile(
            words.network,
            both.map(|(received, sent)| Unit::Rate.parts(received + sent)),
            both.map(|(received, sent)| format!("↓ {}\u{2002}↑ {}", format::rate(received), format::rate(sent))),
        ),
    ]
}

fn percent(value: Option<f64>) -> Option<(String, String)> {
    Some((format::percent(value?), "%".to_owned()))
}

/// The fullest file systems as bars.
fn disks() -> AnyView {
    let store = expect_context::<LiveStore>();
    let words = use_words();
    let hidden = Memo::new(move |_| of(store.system, |system| system.mounts.len()).saturating_sub(MOUNTS_SHOWN));
    let is_whole = Signal::derive(move || hidden.get() == 0);
    let more = Signal::derive(move || (words.more_disks)(hidden.get()));
    let disks = part(move |html| {
        let mounts = of(store.system, |system| fullest(&system.mounts, MOUNTS_SHOWN));
        if mounts.is_empty() {
            html.element("<p class=\"disks-none\">", words.no_disks, "</p>");
            return;
        }
        html.mark("<ul class=\"disks\">");
        mounts.iter().for_each(|mount| disk_bar(html, words, mount));
        html.mark("</ul>");
    });
    view! {
        <section class="disks-box" aria-labelledby="disks-title">
            <h3 id="disks-title">{words.disks}</h3>
            {disks}
            <a href="./system" class="disks-more" hidden=is_whole>{more} {icon(Shape::Right)}</a>
        </section>
    }
    .into_any()
}

/// The fullest of the mounts, in their usual order.
fn fullest(mounts: &[Mount], count: usize) -> Vec<Mount> {
    let is_fuller = |(other, mount): (usize, &Mount), place: usize, usage: f64| {
        mount.disk_usage() > usage || (mount.disk_usage() == usage && other < place)
    };
    let is_shown = |(place, mount): &(usize, &Mount)| {
        let usage = mount.disk_usage();
        mounts.iter().enumerate().filter(|other| is_fuller(*other, *place, usage)).count() < count
    };
    mounts.iter().enumerate().filter(is_shown).map(|(_, mount)| mount.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fullest_mounts_are_kept_in_their_order() {
        let mount = |name: &str, used| Mount {
            mount: name.into(),
            used_bytes: used,
            available_bytes: 100 - used,
            total_bytes: 100,
        };
        let mounts = [mount("/", 10), mount("/a", 90), mount("/b", 5), mount("/c", 95)];
        let names: Vec<_> = fullest(&mounts, 3).into_iter().map(|mount| mount.mount).collect();
        assert_eq!(names, ["/", "/a", "/c"]);
        assert_eq!(fullest(&mounts, 9).len(), 4);
    }
}
