//! The history of each file system and each interface of the host.

use collector::{HOST_LABEL, Labels, System};

use super::graph::{Graph, Wanted, graphs};
use super::{Reader, Sources, begin, marks};
use crate::charts::Unit;
use crate::widgets::Html;

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
    begin(html, "parts-title", reader.desk.each_part);
    let marks = marks(feed, archive, reader.look.span(reader.now)).await;
    graphs(html, reader, archive, &marks, "graphs-three", &all).await;
    html.mark("</section>");
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
