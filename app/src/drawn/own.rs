//! What viewers make of the overview themselves: graphs of any stored series, and the form that chooses
//! panels and graphs.

use std::collections::BTreeSet;

use collector::config::{Dashboard, OwnGraph};

use super::graph::{Graph, Wanted, figures};
use super::{Reader, Sources, begin};
use crate::charts::Unit;
use crate::widgets::Html;

/// Metrics that the form offers.
const METRICS: u16 = 1_000;

/// The panel of the own graphs; nothing where there are none.
pub(super) async fn panel(html: &mut Html, reader: &Reader, sources: &Sources, own: &[OwnGraph]) {
    if own.is_empty() {
        return;
    }
    let graph = |(place, own): (usize, &OwnGraph)| Graph {
        id: format!("graph-own-{place}"),
        title: own.title.clone(),
        unit: unit(&own.unit),
        lines: own
            .wanted()
            .map(|(metric, labels)| Wanted { name: String::new(), metric, labels, per_second: false })
            .collect(),
    };
    let graphs: Vec<_> = own.iter().enumerate().map(graph).collect();
    begin(html, "own-title", reader.own.own_graphs);
    let columns: Vec<_> = own.iter().map(|own| if own.columns == 0 { 4 } else { own.columns }).collect();
    figures(html, reader, sources, &graphs, &columns).await;
    html.mark("</section>");
}

/// How the numbers of an own graph are written.
fn unit(name: &str) -> Unit {
    match name {
        "percent" => Unit::Percent,
        "bytes" => Unit::Bytes,
        "bytes_per_second" => Unit::Rate,
        "per_second" => Unit::PerSecond,
        "milliseconds" => Unit::Milliseconds,
        "load" => Unit::Load,
        _ => Unit::Count,
    }
}

/// The form that chooses panels and graphs.
pub(super) async fn form(html: &mut Html, reader: &Reader, sources: &Sources, dashboard: &Dashboard) {
    let words = reader.own;
    html.mark("<section class=\"panel customise\"><details class=\"act-more\"><summary>").text(words.customise);
    html.mark("</summary><form method=\"post\" action=\"dashboard\">");
    panels(html, reader, dashboard);
    html.element("<fieldset><legend>", words.graphs, "</legend>");
    for id in Dashboard::GRAPHS {
        html.mark("<label class=\"choice\"><input type=\"checkbox\" name=\"shown\" value=\"").mark(id);
        html.mark(if dashboard.hidden.iter().any(|hidden| hidden == id) { "\"> " } else { "\" checked> " });
        html.text(graph_name(reader, id)).mark("</label>");
    }
    html.mark("</fieldset>");
    let metrics = match sources.has_history() {
        true => sources.archive.metrics(METRICS).await.unwrap_or_default(),
        false => Vec::new(),
    };
    own_graphs(html, reader, dashboard, &metrics);
    html.element("<p class=\"act\"><button class=\"button\">", words.save, "</button> ");
    html.element("<button class=\"button\" name=\"reset\" value=\"1\">", words.reset, "</button></p>");
    html.element("<p class=\"desk-note\">", words.customise_note, "</p></form></details></section>");
}

fn panels(html: &mut Html, reader: &Reader, dashboard: &Dashboard) {
    let words = reader.own;
    html.element("<fieldset><legend>", words.panels, "</legend><table class=\"table\"><thead><tr>");
    for column in words.panel_columns {
        html.element("<th scope=\"col\">", column, "</th>");
    }
    html.mark("</tr></thead><tbody>");
    let shown: Vec<_> = dashboard.places().collect();
    let names: BTreeSet<_> = shown.iter().map(|(name, _)| *name).collect();
    let left_out = Dashboard::PANELS.into_iter().filter(|name| !names.contains(name)).map(|name| (name, 12));
    for (place, (name, columns)) in shown.iter().copied().chain(left_out).enumerate() {
        let title = panel_name(reader, name);
        html.element("<tr><th scope=\"row\">", title, "<input type=\"hidden\" name=\"panel\" value=\"");
        html.text(name).mark("\"></th><td>");
        html.element("<input type=\"number\" min=\"0\" max=\"9\" name=\"place\" aria-label=\"", title, ": ");
        let number = if names.contains(name) { place + 1 } else { 0 };
        html.element("", words.panel_columns[1], "\" value=\"").text(&number.to_string()).mark("\"></td><td>");
        width(html, "width", &format!("{title}: {}", words.panel_columns[2]), columns);
        html.mark("</td></tr>");
    }
    html.mark("</tbody></table></fieldset>");
}

fn width(html: &mut Html, field: &'static str, label: &str, chosen: u8) {
    html.mark("<select name=\"").mark(field).element("\" aria-label=\"", label, "\">");
    for columns in Dashboard::COLUMNS {
        let text = columns.to_string();
        html.element("<option value=\"", &text, if columns == chosen { "\" selected>" } else { "\">" });
        html.element("", &text, " / 12</option>");
    }
    html.mark("</select>");
}

/// A row of fields for each own graph, and one for a new one.
fn own_graphs(html: &mut Html, reader: &Reader, dashboard: &Dashboard, metrics: &[String]) {
    let words = reader.own;
    html.element("<fieldset><legend>", words.own_graphs, "</legend><datalist id=\"metrics\">");
    for metric in metrics {
        html.element("<option value=\"", metric, "\"></option>");
    }
    html.mark("</datalist>");
    let new = OwnGraph::default();
    for own in dashboard.graphs.iter().chain([&new]) {
        let [title, series, unit, width_name] = words.own_fields;
        html.element("<div class=\"act own-graph\"><label>", title, "<input name=\"title\" maxlength=\"80\" value=\"");
        html.element("", &own.title, "\"></label><label class=\"own-series\">").text(series);
        html.mark("<input name=\"series\" list=\"metrics\" placeholder=\"disk_usage{mount=&quot;/&quot;}\" value=\"");
        html.element("", &own.series.join("; "), "\"></label><label>").text(unit).mark("<select name=\"unit\">");
        for known in Dashboard::UNITS {
            html.element("<option value=\"", known, if known == own.unit { "\" selected>" } else { "\">" });
            html.text((words.unit)(known)).mark("</option>");
        }
        html.element("</select></label><label>", width_name, "");
        width(html, "columns", width_name, if own.columns == 0 { 4 } else { own.columns });
        html.mark("</label></div>");
    }
    html.element("<p class=\"desk-note\">", words.own_note, "</p></fieldset>");
}

fn panel_name(reader: &Reader, name: &str) -> &'static str {
    match name {
        "system" => reader.words.system,
        "application" => reader.words.application.application,
        "business" => reader.words.business.business,
        "alerts" => reader.words.alerts.alerts,
        "database" => reader.own.database,
        _ => reader.own.own_graphs,
    }
}

fn graph_name(reader: &Reader, id: &str) -> &'static str {
    let (words, application) = (reader.words, &reader.words.application);
    match id {
        "graph-cpu" => words.cpu_graph,
        "graph-memory" => words.memory_graph,
        "graph-network" => words.network,
        "graph-load" => words.load_graph,
        "graph-requests" => application.requests,
        "graph-errors" => application.error_rate,
        _ => application.response_time,
    }
}
