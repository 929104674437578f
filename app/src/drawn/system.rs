//! The history of each file system and each interface of the host.

use collector::{HOST_LABEL, Interface, Labels, System};

use super::graph::{Graph, Wanted, graphs};
use super::{Reader, Sources, begin, marks};
use crate::charts::Unit;
use crate::format::{self, MISSING};
use crate::widgets::{Html, disk_mark, disk_share};

/// A panel with a graph of the file systems, and two of the interfaces.
pub(super) async fn sections(html: &mut Html, reader: &Reader, Sources { archive, feed, .. }: &Sources) {
    let Some(system) = feed.system() else { return };
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
    begin(html, "parts-title", reader.desk.each_part);
    let marks = marks(feed, archive, reader.look.span(reader.now)).await;
    graphs(html, reader, archive, &marks, "graphs-three", &all).await;
    html.mark("</section>");
    facts(html, reader, &system);
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

/// The beginning of a panel of this width.
fn begin_part(html: &mut Html, class: &'static str, id: &'static str, title: &str) {
    html.mark("<section class=\"panel ").mark(class).mark("\" aria-labelledby=\"").mark(id);
    html.mark("\"><header class=\"panel-header\"><h2 id=\"").mark(id).element("\">", title, "</h2></header>");
}

/// The file systems, and how full each is.
fn mount_table(html: &mut Html, reader: &Reader, system: &System) {
    begin_part(html, "panel-seven", "mounts-title", reader.words.disks);
    if system.mounts.is_empty() {
        html.element("<p class=\"table-none\">", reader.words.no_disks, "</p></section>");
        return;
    }
    html.element("<table class=\"table\"><thead><tr><th scope=\"col\">", reader.desk.mount, "</th>");
    html.element("<th scope=\"col\" class=\"share\">", reader.desk.share, "</th>");
    html.element("<th scope=\"col\">", reader.desk.used, "</th>");
    html.element("<th scope=\"col\">", reader.desk.total, "</th></tr></thead><tbody>");
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
    let columns = [reader.desk.interface, reader.words.received, reader.words.sent].map(str::to_owned);
    let rate = |bytes| system.per_second(bytes).map_or_else(|| MISSING.to_owned(), format::rate);
    let row = |interface: &Interface| {
        vec![interface.interface.clone(), rate(interface.network_rx), rate(interface.network_tx)]
    };
    let rows: Vec<_> = system.interfaces.iter().map(row).collect();
    html.table("", &columns, &rows, reader.desk.no_interfaces);
    html.mark("</section>");
}

/// What is left to say about the host.
fn facts(html: &mut Html, reader: &Reader, system: &System) {
    begin(html, "facts-title", reader.words.host);
    html.mark("<dl class=\"facts\">");
    let load = |load: Option<f64>| load.map(format::load);
    let minutes = reader.desk.load_minutes;
    let facts = [
        (reader.desk.host_name.to_owned(), Some(system.host.clone())),
        (reader.desk.uptime_name.to_owned(), Some((reader.words.duration)(system.uptime_seconds))),
        (reader.desk.cores_name.to_owned(), Some(system.cpu_count.to_string())),
        (minutes(1), load(system.load_average_1m)),
        (minutes(5), load(system.load_average_5m)),
        (minutes(15), load(system.load_average_15m)),
    ];
    for (name, text) in facts {
        html.element("<div><dt>", &name, "</dt>");
        match text {
            Some(text) => html.element("<dd>", &text, "</dd></div>"),
            None => html.element("<dd title=\"", reader.words.not_collected, "\">").text(MISSING).mark("</dd></div>"),
        };
    }
    html.mark("</dl></section>");
}
