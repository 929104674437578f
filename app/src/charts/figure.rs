//! The parts of a graph as markup: whoever puts them together, they look the same.

use collector::alert::Severity;
use collector::{Limit, Marks, Span};
use jiff::Timestamp;

use super::chart::Name;
use super::plot::{PIECES, Plot, Threshold};
use super::unit::Unit;
use crate::format::{self, Zone};
use crate::range::{Look, Range};
use crate::widgets::Html;
use crate::words::Words;

/// Where the marks of the value axis are, from the top.
const VALUE_MARKS: [&str; 3] = ["0%", "50%", "100%"];

/// The lines and the marks of the time axis as SVG: a path for each [`piece`](Plot::piece) of a line, and all of them
/// moved to the left.
pub fn write_lines(html: &mut Html, names: &[Name<'_>], plot: &Plot, zone: Zone) {
    begin_plot(html).mark("<path class=\"graph-grid\" d=\"M0 0H1000M0 50H1000M0 100H1000\"/>");
    html.element("<g transform=\"translate(-", &format::fixed(plot.moved(), 2), ")\">");
    pieces(names, plot, &[], &mut |_, kind, color, path| write_path(html, kind, color, path));
    html.element("</g></svg><svg class=\"graph-times\"><svg x=\"-", &share(plot.moved() / 1_000.0), "\">");
    html.raw(&time_marks(plot, zone));
    html.mark("</svg></svg>");
}

/// The marks of the time axis.
pub fn time_marks(plot: &Plot, zone: Zone) -> String {
    let mut html = Html::default();
    for (_, at) in plot.time_marks(zone) {
        let place = share(plot.x(at) / 1_000.0);
        html.element("<text x=\"", &place, "\" y=\"50%\">").text(&mark_text(plot, at, zone)).mark("</text>");
    }
    html.into_string()
}

fn begin_plot(html: &mut Html) -> &mut Html {
    html.mark("<svg class=\"graph-plot\" viewBox=\"0 0 1000 100\" preserveAspectRatio=\"none\">")
}

/// Hands over the paths of pieces, each with its place among them all, unless their digests are `known`; answers all digests.
pub fn pieces(
    names: &[Name<'_>],
    plot: &Plot,
    known: &[u64],
    write: &mut dyn FnMut(usize, &'static str, &'static str, &str),
) -> Vec<u64> {
    let (mut digests, mut at) = (Vec::new(), 0);
    for (kind, lines) in [("compared ", &plot.compared), ("", &plot.lines)] {
        for ((_, color), dots) in names.iter().zip(lines) {
            for place in 0..PIECES {
                let piece = plot.piece(dots, place);
                let digest = plot.digest(piece);
                let has_area = kind.is_empty() && lines.len() == 1;
                if known.get(digests.len()) != Some(&digest) {
                    let [line, area] = plot.paths(piece);
                    if has_area {
                        write(at, "area ", color, &area);
                    }
                    write(at + usize::from(has_area), kind, color, &line);
                }
                at += 1 + usize::from(has_area);
                digests.push(digest);
            }
        }
    }
    digests
}

/// The value axis and thresholds as SVG.
pub fn write_axes(html: &mut Html, plot: &Plot) {
    if !plot.thresholds.is_empty() {
        begin_plot(html);
        for (value, severity) in &plot.thresholds {
            write_path(html, "threshold ", severity, &plot.threshold_path(*value));
        }
        html.mark("</svg>");
    }
    html.mark("<svg class=\"graph-values\">");
    for (place, mark) in VALUE_MARKS.into_iter().zip(plot.value_marks()) {
        html.element("<text x=\"100%\" y=\"", place, "\">").text(&mark).mark("</text>");
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
