//! A graph with axes. The SVG and the canvas that takes its place draw the same [`Plot`] into the
//! same box, so nothing moves when one follows the other.

use collector::History;
use leptos::html::Div;
use leptos::prelude::*;

use super::chart::{self, Name};
use super::echarts;
use super::figure::{
    over, pieces, summary, thresholds, time_marks, write_axes, write_legend, write_lines, write_marks, write_tools,
};
use super::plot::Plot;
use super::series::Series;
use super::unit::Unit;
use crate::format;
use crate::live::{LiveStore, Subject};
use crate::preferences;
use crate::widgets::{Html, part};
use crate::words::use_words;

/// Lines over the page's range, with an id that is unique on the page and a title in the viewer's language. One line alone
/// needs no legend and is filled.
pub fn line_graph(id: &'static str, title: &'static str, unit: Unit, series: Vec<Series>) -> AnyView {
    if preferences::hidden().split_whitespace().any(|hidden| hidden == id) {
        return ().into_any();
    }
    let store = expect_context::<LiveStore>();
    let words = use_words();
    let past = store.past(series.first().map_or(Subject::Host, |series| series.of));
    let lines = StoredValue::new(series);
    let names =
        move || lines.with_value(|lines| lines.iter().map(|line| (line.name, line.color)).collect::<Vec<Name>>());
    let is_of = move |metric: &str| lines.with_value(|lines| lines.iter().any(|line| line.metric == metric));
    let plot = Memo::new(move |_| {
        let push_seconds = store.push_seconds.get();
        let dots = |history: &History, seconds| -> Vec<_> {
            lines.with_value(|lines| lines.iter().map(|line| line.dots(history, seconds, push_seconds)).collect())
        };
        let thresholds = store.marks.with(|marks| thresholds(marks, &is_of));
        let compared = past
            .with_compared(|history| history.map(|history| dots(history, history.span_seconds())).unwrap_or_default());
        past.with_viewed(|history, seconds| {
            let end = store.end().or(history.end()).map_or(0.0, format::milliseconds);
            let span = f64::from(i32::try_from(seconds).unwrap_or(i32::MAX)) * 1_000.0;
            Plot::of(dots(history, seconds), compared, unit, &thresholds, (end - span, end))
        })
    });
    let canvas = NodeRef::<Div>::new();
    let drawn = RwSignal::new(false);
    let compared = move || (words.compared)(store.look.get().compare);
    echarts::keep(
        canvas,
        move || plot.track(),
        move |known| {
            plot.with(|plot| {
                let mut moves = format!("{}\n{}", format::fixed(plot.moved(), 2), time_marks(plot, store.zone.get()));
                let digests = pieces(&names(), plot, known, &mut |place, _, _, path| {
                    moves.push_str(&format!("\n{place} {path}"));
                });
                (moves, digests)
            })
        },
        move || plot.with(|plot| chart::option(plot, &names(), compared(), store.zone.get())),
        drawn,
    );
    let label = Signal::derive(move || {
        let over = over(words, store.look.get(), store.zone.get(), store.now.get_untracked());
        plot.with(|plot| summary(words, title, unit, &names(), plot, &over))
    });
    let unit_name = Signal::derive(move || plot.with(|plot| plot.unit.clone()));
    let has_points = Signal::derive(move || plot.with(|plot| !plot.is_empty()));
    let legend = move |html: &mut Html| plot.with(|plot| write_legend(html, &names(), unit, plot));
    let tools = move |html: &mut Html| write_tools(html, words, title);
    let marks = move |html: &mut Html| {
        html.mark("<svg class=\"graph-marks\" aria-hidden=\"true\">");
        plot.with(|plot| store.marks.with(|marks| write_marks(html, plot, marks, &is_of)));
        html.mark("</svg>");
    };
    // Once something else has drawn the graph, this one is not seen; and where it only goes on, `keep` moves what is there.
    let drawing = move |html: &mut Html| {
        past.with_compared(|_| ());
        if !drawn.get() {
            plot.with_untracked(|plot| write_lines(html, &names(), plot, store.zone.get()));
        }
    };
    let axes = move |html: &mut Html| {
        if !drawn.get() {
            plot.with(|plot| write_axes(html, plot));
        }
    };
    view! {
        <figure class="graph">
            <figcaption class="graph-title">
                <h3>{title}</h3>
                <span class="graph-unit">{unit_name}</span>
                {part(tools)}
                {part(legend)}
            </figcaption>
            <div class="graph-box" class:drawn=drawn role="img" aria-label=label>
                {part(marks)}
                <div class="graph-static" aria-hidden="true">{part(drawing)}{part(axes)}</div>
                <div class="graph-canvas" id=id node_ref=canvas></div>
                <p class="graph-none" hidden=has_points>{words.no_points}</p>
            </div>
        </figure>
    }
    .into_any()
}
