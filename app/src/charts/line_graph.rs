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
    let legend = (series.len() > 1).then(|| legend(&series, unit, plot));
    view! {
        <figure class="graph">
            <figcaption class="graph-title">
                <h3>{title}</h3>
                <span class="graph-unit">{unit_name}</span>
                {legend}
            </figcaption>
            <div class="graph-box" class:drawn=drawn role="img" aria-label=label>
                <StaticGraph series thresholds plot drawn/>
                <div class="graph-canvas" id=id node_ref=canvas></div>
                <p class="graph-none" hidden=has_points>{words.no_points}</p>
            </div>
        </figure>
    }
    .into_any()
}

/// The graph as SVG. Once something else has drawn it, it is neither seen nor kept up to date.
#[component]
fn StaticGraph(
    series: Vec<Series>,
    thresholds: &'static [Threshold],
    plot: Memo<Plot>,
    drawn: RwSignal<bool>,
) -> impl IntoView {
    let store = expect_context::<LiveStore>();
    let of = move |read: Box<dyn Fn(&Plot) -> String + Send + Sync>| {
        Signal::derive(move || if drawn.get() { String::new() } else { plot.with(&read) })
    };
    let path = |index: usize, closed: bool| {
        of(Box::new(move |plot| plot.lines.get(index).map(|dots| plot.path(dots, closed)).unwrap_or_default()))
    };
    let value_marks = [0, 1, 2].map(|index| {
        let text = of(Box::new(move |plot| plot.value_marks()[index].clone()));
        view! { <text x="100%" y=VALUE_MARKS[index]>{text}</text> }
    });
    let time_marks = [0, 1, 2, 3, 4].map(|index| {
        let place = of(Box::new(move |plot| {
            plot.time_marks(store.zone.get()).get(index).map(|mark| share(mark.0)).unwrap_or_default()
        }));
        let text = of(Box::new(move |plot| {
            let zone = store.zone.get();
            plot.time_marks(zone).get(index).map(|mark| mark_text(plot, mark.1, zone)).unwrap_or_default()
        }));
        view! { <text x=place y="50%">{text}</text> }
    });
    let area = (series.len() == 1)
        .then(|| series.first().map(|series| view! { <path class=format!("{} area", series.color) d=path(0, true)/> }));
    let lines = series.iter().enumerate().map(|(index, series)| {
        view! { <path class=series.color.to_owned() d=path(index, false)/> }
    });
    let thresholds = thresholds.iter().map(|(_, severity)| {
        let path = of(Box::new(move |plot| plot.threshold_path(severity)));
        view! { <path class=format!("threshold {severity}") d=path/> }
    });
    view! {
        <div class="graph-static" aria-hidden="true">
            <svg class="graph-values">{value_marks}</svg>
            <svg class="graph-plot" viewBox="0 0 1000 100" preserveAspectRatio="none">
                <path class="graph-grid" d="M0 0H1000M0 50H1000M0 100H1000"/>
                {area}
                {lines.collect_view()}
                {thresholds.collect_view()}
            </svg>
            <svg class="graph-times">{time_marks}</svg>
        </div>
    }
    .into_any()
}

fn legend(series: &[Series], unit: Unit, plot: Memo<Plot>) -> impl IntoView + use<> {
    let entries = series.iter().enumerate().map(|(index, series)| {
        let newest = Signal::derive(move || {
            let newest = plot.with(|plot| plot.extremes.get(index).copied().flatten());
            newest.map(|[newest, ..]| unit.text(newest)).unwrap_or_default()
        });
        view! {
            <li>
                <svg class="legend-mark" viewBox="0 0 12 4" aria-hidden="true">
                    <path class=series.color.to_owned() d="M2 2H10"/>
                </svg>
                {series.name}
                <b>{newest}</b>
            </li>
        }
    });
    view! { <ul class="legend">{entries.collect_view()}</ul> }
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
    format!("{:.2}%", share * 100.0)
}
