//! The parts of a graph as markup: whoever puts them together, they look the same.

use collector::alert::Severity;
use collector::{Limit, Marks, Span};
use jiff::Timestamp;

use super::chart::Name;
use super::plot::{Plot, Threshold};
use super::unit::Unit;
use crate::format::{self, Zone};
use crate::range::{Look, Range};
use crate::widgets::Html;
use crate::words::Words;

/// Where the marks of the value axis are, from the top.
const VALUE_MARKS: [&str; 3] = ["0%", "50%", "100%"];

/// The graph as SVG.
pub fn write_plot(html: &mut Html, names: &[Name<'_>], plot: &Plot, zone: Zone) {
    html.mark("<svg class=\"graph-values\">");
    for (place, mark) in VALUE_MARKS.into_iter().zip(plot.value_marks()) {
        html.element("<text x=\"100%\" y=\"", place, "\">").text(&mark).mark("</text>");
    }
    html.mark("</svg><svg class=\"graph-plot\" viewBox=\"0 0 1000 100\" preserveAspectRatio=\"none\">");
    html.mark("<path class=\"graph-grid\" d=\"M0 0H1000M0 50H1000M0 100H1000\"/>");
    for ((_, color), dots) in names.iter().zip(&plot.compared) {
        write_path(html, "compared ", color, &plot.paths(dots)[0]);
    }
    for ((_, color), dots) in names.iter().zip(&plot.lines) {
        let [line, area] = plot.paths(dots);
        if plot.lines.len() == 1 {
            write_path(html, "area ", color, &area);
        }
        write_path(html, "", color, &line);
    }
    for (value, severity) in &plot.thresholds {
        write_path(html, "threshold ", severity, &plot.threshold_path(*value));
    }
    html.mark("</svg><svg class=\"graph-times\">");
    for (place, at) in plot.time_marks(zone) {
        html.element("<text x=\"", &share(place), "\" y=\"50%\">").text(&mark_text(plot, at, zone)).mark("</text>");
    }
    html.mark("</svg>");
}

fn write_path(html: &mut Html, kind: &'static str, color: &'static str, path: &str) {
    html.mark("<path d=\"").raw(path);
    html.mark("\" class=\"").mark(kind).mark(color).mark("\"/>");
}

/// What the lines are called, where there is more than one.
pub fn write_legend(html: &mut Html, names: &[Name<'_>], unit: Unit, plot: &Plot) {
    if names.len() < 2 {
        return;
    }
    html.mark("<ul class=\"legend\">");
    for ((name, color), extremes) in names.iter().zip(&plot.extremes) {
        let newest = extremes.map(|[newest, ..]| unit.text(newest)).unwrap_or_default();
        html.mark("<li><svg class=\"legend-mark\" viewBox=\"0 0 12 4\" aria-hidden=\"true\"><path class=\"");
        html.mark(color).mark("\" d=\"M2 2H10\"/></svg>").element("<span>", name, "</span>");
        html.element(" <b>", &newest, "</b></li>");
    }
    html.mark("</ul>");
}

/// The buttons of a graph on a canvas; frontend/echarts does what they say.
pub fn write_tools(html: &mut Html, words: &Words, title: &str) {
    html.mark("<span class=\"graph-tools\">");
    for (tool, name) in [("table", words.as_table), ("csv", words.as_csv)] {
        html.mark("<button type=\"button\" data-tool=\"").mark(tool);
        html.element("\" data-time=\"", words.time_column, "\" aria-label=\"")
            .text(name)
            .mark(": ")
            .element("", title, "\">")
            .text(name)
            .mark("</button>");
    }
    html.mark("</span>");
}

/// When alerts of these metrics fired, and what people noted, behind the lines.
pub fn write_marks(html: &mut Html, plot: &Plot, marks: &Marks, is_of: &dyn Fn(&str) -> bool) {
    let is_shown = |span: &&Span| span.metric.is_empty() || is_of(&span.metric);
    for span in marks.spans.iter().filter(is_shown) {
        let (from, to) = (format::milliseconds(span.from), span.to.map(format::milliseconds));
        let is_moment = span.severity.is_none() && to.is_none();
        let [left, right] = [from, if is_moment { from } else { to.unwrap_or(plot.time.1) }].map(|at| plot.place(at));
        if right < 0.0 || left > 1.0 {
            continue;
        }
        let left = left.max(0.0);
        html.element("<rect x=\"", &share(left), "\" height=\"100%\" width=\"");
        if is_moment {
            html.mark("2")
        } else {
            html.text(&share(right.min(1.0) - left))
        };
        html.element("\" data-from=\"", &format::fixed(from, 0), "\" data-to=\"");
        html.text(&to.map(|to| format::fixed(to, 0)).unwrap_or_default());
        html.mark("\" class=\"").mark(span.severity.map_or("note", severity));
        html.element("\"><title>", &span.text, "</title></rect>");
    }
}

/// The thresholds of these metrics.
#[must_use]
pub fn thresholds(marks: &Marks, is_of: &dyn Fn(&str) -> bool) -> Vec<Threshold> {
    let is_shown = |limit: &&Limit| is_of(&limit.metric);
    marks.limits.iter().filter(is_shown).map(|limit| (limit.value, severity(limit.severity))).collect()
}

/// The custom property with a severity's colour.
fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "critical",
        Severity::Warning => "warning",
        Severity::Info => "info",
    }
}

/// What the graph says, in words.
#[must_use]
pub fn summary(words: &Words, title: &str, unit: Unit, names: &[Name<'_>], plot: &Plot, over: &str) -> String {
    let mut text = String::new();
    for ((name, _), extremes) in names.iter().zip(&plot.extremes) {
        let Some([newest, low, high]) = *extremes else { continue };
        if !text.is_empty() {
            text.push_str(". ");
        }
        let name = if names.len() > 1 { format!("{title}, {name}") } else { title.to_owned() };
        text.push_str(&(words.graph_summary)(&name, &unit.text(newest), &unit.text(low), &unit.text(high), over));
    }
    if text.is_empty() { (words.graph_empty)(title, over) } else { text }
}

/// How far back graphs go, in words.
#[must_use]
pub fn over(words: &Words, look: Look, zone: Zone, now: Timestamp) -> String {
    match look.range {
        Range::Between(from, to) => {
            let [from, to] = [from, to].map(format::second);
            format!("{} – {}", zone.moment(from, now), zone.moment(to, now))
        }
        range => until_now(words, range),
    }
}

/// A range that ends now, in words.
#[must_use]
pub fn until_now(words: &Words, range: Range) -> String {
    (words.last)(if range == Range::Live { words.quarter_hour } else { (words.range)(range) })
}

fn mark_text(plot: &Plot, milliseconds: f64, zone: Zone) -> String {
    let at = format::timestamp(milliseconds);
    if plot.marks_days() { zone.day(at) } else { zone.minute(at) }
}

fn share(share: f64) -> String {
    format!("{}%", format::fixed(share * 100.0, 2))
}
