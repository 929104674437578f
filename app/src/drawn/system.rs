//! The history of each file system and each interface of the host.

use collector::{HOST_LABEL, Interface, Labels, System};

use super::graph::{Graph, Wanted, graphs};
use super::{Reader, Sources, begin, begin_part, facts};
use crate::charts::Unit;
use crate::format::{self, MISSING};
use crate::widgets::{Html, disk_mark, disk_share};

/// A panel with a graph of the file systems, and two of the interfaces.
pub(super) async fn sections(html: &mut Html, reader: &Reader, sources: &Sources) {
    let Some(system) = sources.feed.system() else { return };
    let words = reader.words;
    let mounts = system.mounts.iter().map(|mount| mount.mount.as_str()).collect::<Vec<_>>();
    let interfaces = system.interfaces.iter().map(|interface| interface.interface.as_str()).collect::<Vec<_>>();
    let parts = |metric, label, names: &[&str]| names.iter().map(|name| part(&system, metric, (label, name))).collect();
    let graph = |id: &str, title: String, unit, lines| Graph { id: id.to_owned(), title, unit, lines };
    let all = [
        graph("graph-mounts", words.disks.to_owned(), Unit::Percent, parts("disk_usage", "mount", &mounts)),
        graph(
            "graph-rx",
            format!("{} · {}", words.interfaces, words.received),
            Unit::Rate,
            parts("network_rx", "interface", &interfaces),
        ),
        graph(
            "graph-tx",
            format!("{} · {}", words.interfaces, words.sent),
            Unit::Rate,
            parts("network_tx", "interface", &interfaces),
        ),
    ];
    mount_table(html, reader, &system);
    interface_table(html, reader, &system);
    begin(html, "parts-title", reader.own.each_part);
    graphs(html, reader, sources, "graphs-three", &all).await;
    html.mark("</section>");
    about(html, reader, &system);
}

/// The series of one file system or interface.
fn part(system: &System, metric: &str, (label, name): (&str, &&str)) -> Wanted {
    let labels = [(HOST_LABEL, system.host.as_str()), (label, name)];
    Wanted {
        name: (*name).to_owned(),
        metric: metric.to_owned(),
        labels: labels.map(|(name, value)| (name.to_owned(), value.to_owned())).into_iter().collect::<Labels>(),
        per_second: label == "interface",
    }
}

/// The file systems, and how full each is.
fn mount_table(html: &mut Html, reader: &Reader, system: &System) {
    begin_part(html, "panel-seven", "mounts-title", reader.words.disks);
    if system.mounts.is_empty() {
        html.element("<p class=\"table-none\">", reader.words.no_disks, "</p></section>");
        return;
    }
    html.element("<table class=\"table\"><thead><tr><th scope=\"col\">", reader.own.mount, "</th>");
    html.element("<th scope=\"col\" class=\"share\">", reader.own.share, "</th>");
    html.element("<th scope=\"col\">", reader.own.used, "</th>");
    html.element("<th scope=\"col\">", reader.own.total, "</th></tr></thead><tbody>");
    for mount in &system.mounts {
        html.element("<tr><th scope=\"row\" class=\"path\" title=\"", &mount.mount, "\"><span>");
        html.element("<span class=\"path-name\">", &mount.mount, "</span>");
        disk_mark(html, reader.words, mount.disk_usage());
        html.mark("</span></th><td class=\"share\">");
        disk_share(html, mount.disk_usage());
        html.element("</td><td>", &format::size(mount.used_bytes), "</td>");
        html.element("<td>", &format::size(mount.total_bytes), "</td></tr>");
    }
    html.mark("</tbody></table></section>");
}

/// The network interfaces, with what goes through them now.
fn interface_table(html: &mut Html, reader: &Reader, system: &System) {
    begin_part(html, "panel-five", "interfaces-title", reader.words.interfaces);
    let columns = [reader.own.interface, reader.words.received, reader.words.sent].map(str::to_owned);
    let rate = |bytes| system.per_second(bytes).map_or_else(|| MISSING.to_owned(), format::rate);
    let row = |interface: &Interface| {
        vec![interface.interface.clone(), rate(interface.network_rx), rate(interface.network_tx)]
    };
    let rows: Vec<_> = system.interfaces.iter().map(row).collect();
    html.table("", &columns, &rows, reader.own.no_interfaces);
    html.mark("</section>");
}

/// What is left to say about the host.
fn about(html: &mut Html, reader: &Reader, system: &System) {
    begin(html, "facts-title", reader.words.host);
    let load = |load: Option<f64>| load.map(format::load);
    let minutes = [1, 5, 15].map(reader.own.load_minutes);
    let known = [
        (reader.own.host_name, Some(system.host.clone())),
        (reader.own.uptime_name, Some((reader.words.duration)(system.uptime_seconds))),
        (reader.own.cores_name, Some(system.cpu_count.to_string())),
        (&minutes[0], load(system.load_average_1m)),
        (&minutes[1], load(system.load_average_5m)),
        (&minutes[2], load(system.load_average_15m)),
    ];
    facts(html, reader, &known);
    html.mark("</section>");
}
