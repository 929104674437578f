//! A graph with axes. The SVG and the canvas that takes its place draw the same [`Plot`] into the
//! same box, so nothing moves when one follows the other.

use collector::History;
use leptos::html::Div;
use leptos::prelude::*;

use super::echarts;
use super::plot::{Plot, Threshold};
use super::series::Series;
use super::unit::Unit;
use crate::format::{self, Zone};
use crate::live::{LiveStore, Subject};
use crate::range::Range;
use crate::widgets::{Html, part};
use crate::words::{Words, use_words};

/// Where the marks of the value axis are, from the top.
const VALUE_MARKS: [&str; 3] = ["0%", "50%", "100%"];

/// Lines over the page's range.
#[component]
pub fn LineGraph(
    /// Unique on the page.
    id: &'static str,
    /// What it shows, in the viewer's language.
    title: &'static str,
    /// What its numbers are.
    unit: Unit,
    /// Its lines; one alone needs no legend and is filled.
    series: Vec<Series>,
    /// The rules' thresholds for it.
    #[prop(optional)]
    thresholds: &'static [Threshold],
) -> impl IntoView {
    let store = expect_context::<LiveStore>();
    let words = use_words();
    let past = store.past(series.first().map_or(Subject::Host, |series| series.of));
    let lines = series.clone();
    let plot = Memo::new(move |_| {
        past.with_viewed(|history| Plot::of(&lines, unit, thresholds, history, store.push_seconds.get()))
    });
    let canvas = NodeRef::<Div>::new();
    let drawn = RwSignal::new(false);
    echarts::draw(id, canvas, plot, series.clone(), drawn);

    let label = {
        let series = series.clone();
        Signal::derive(move || {
            let over = past.with_viewed(|history| over(words, history));
            plot.with(|plot| summary(words, title, unit, &series, plot, over))
        })
    };
    let unit_name = Signal::derive(move || plot.with(|plot| plot.unit.clone()));
    let has_points = Signal::derive(move || plot.with(|plot| !plot.is_empty()));
    let lines = series.clone();
    let legend = move |html: &mut Html| {
        if lines.len() > 1 {
            plot.with(|plot| write_legend(html, &lines, unit, plot));
        }
    };
    // Once something else has drawn the graph, this one is not seen.
    let drawing = move |html: &mut Html| {
        if !drawn.get() {
            plot.with(|plot| write_plot(html, &series, plot, store.zone.get()));
        }
    };
    view! {
        <figure class="graph">
            <figcaption class="graph-title">
                <h3>{title}</h3>
                <span class="graph-unit">{unit_name}</span>
                {part(legend)}
            </figcaption>
            <div class="graph-box" class:drawn=drawn role="img" aria-label=label>
                <div class="graph-static" aria-hidden="true">{part(drawing)}</div>
                <div class="graph-canvas" id=id node_ref=canvas></div>
                <p class="graph-none" hidden=has_points>{words.no_points}</p>
            </div>
        </figure>
    }
    .into_any()
}

/// The graph as SVG.
fn write_plot(html: &mut Html, series: &[Series], plot: &Plot, zone: Zone) {
    html.mark("<svg class=\"graph-values\">");
    for (place, mark) in VALUE_MARKS.into_iter().zip(plot.value_marks()) {
        html.element("<text x=\"100%\" y=\"", place, "\">").text(&mark).mark("</text>");
    }
    html.mark("</svg><svg class=\"graph-plot\" viewBox=\"0 0 1000 100\" preserveAspectRatio=\"none\">");
    html.mark("<path class=\"graph-grid\" d=\"M0 0H1000M0 50H1000M0 100H1000\"/>");
    for (series, dots) in series.iter().zip(&plot.lines) {
        if plot.lines.len() == 1 {
            html.element("<path d=\"", &plot.path(dots, true), "\" class=\"area ").mark(series.color).mark("\"/>");
        }
        html.element("<path d=\"", &plot.path(dots, false), "\" class=\"").mark(series.color).mark("\"/>");
    }
    for (value, severity) in &plot.thresholds {
        html.element("<path d=\"", &plot.threshold_path(*value), "\" class=\"threshold ").mark(severity).mark("\"/>");
    }
    html.mark("</svg><svg class=\"graph-times\">");
    for (place, at) in plot.time_marks(zone) {
        html.element("<text x=\"", &share(place), "\" y=\"50%\">").text(&mark_text(plot, at, zone)).mark("</text>");
    }
    html.mark("</svg>");
}

fn write_legend(html: &mut Html, series: &[Series], unit: Unit, plot: &Plot) {
    html.mark("<ul class=\"legend\">");
    for (series, extremes) in series.iter().zip(&plot.extremes) {
        let newest = extremes.map(|[newest, ..]| unit.text(newest)).unwrap_or_default();
        html.mark("<li><svg class=\"legend-mark\" viewBox=\"0 0 12 4\" aria-hidden=\"true\"><path class=\"");
        html.mark(series.color).mark("\" d=\"M2 2H10\"/></svg>").text(series.name);
        html.element(" <b>", &newest, "</b></li>");
    }
    html.mark("</ul>");
}

fn summary(words: &Words, title: &str, unit: Unit, series: &[Series], plot: &Plot, over: &str) -> String {
    if plot.is_empty() {
        return (words.graph_empty)(title, over);
    }
    let mut text = String::new();
    for (series, extremes) in series.iter().zip(&plot.extremes) {
        let Some([newest, low, high]) = *extremes else { continue };
        if !text.is_empty() {
            text.push_str(". ");
        }
        let name = if plot.lines.len() > 1 { format!("{title}, {}", series.name) } else { title.to_owned() };
        text.push_str(&(words.graph_summary)(&name, &unit.text(newest), &unit.text(low), &unit.text(high), over));
    }
    text
}

/// How far back a history goes, in words.
#[must_use]
pub fn over(words: &Words, history: &History) -> &'static str {
    match Range::of_seconds(history.span_seconds()) {
        Range::Live => words.quarter_hour,
        range => (words.range)(range),
    }
}

fn mark_text(plot: &Plot, milliseconds: f64, zone: Zone) -> String {
    let at = format::timestamp(milliseconds);
    if plot.marks_days() { zone.day(at) } else { zone.minute(at) }
}

fn share(share: f64) -> String {
    format!("{}%", format::fixed(share * 100.0, 2))
}
