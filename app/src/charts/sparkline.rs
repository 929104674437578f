//! The recent past at a glance: a line without axes, between its own lowest and highest value.

use collector::History;
use leptos::prelude::Get;

use super::chart::Name;
use super::figure::until_now;
use super::plot::point;
use super::series::{Dot, Series, extremes};
use super::unit::Unit;
use crate::format;
use crate::live::LiveStore;
use crate::range::Range;
use crate::widgets::Html;
use crate::words::Words;

/// The box, as in the markup below.
const WIDTH: f64 = 200.0;
const HEIGHT: f64 = 28.0;
/// Room above and below for the width of the stroke.
const MARGIN: f64 = 2.0;

/// Writes a line without axes.
pub fn sparkline(html: &mut Html, words: &Words, store: LiveStore, series: Series, unit: Unit) {
    store.past(series.of).with_recent(|history| {
        let dots = series.few_dots(history, store.push_seconds.get());
        let over = until_now(words, Range::of_seconds(history.span_seconds()));
        write_sparkline(html, words, (series.name, series.color), (&dots, span(history)), unit, &over);
    });
}

/// Writes these dots between the left and the right end of a line without axes, which is `over` some time.
pub fn write_sparkline(
    html: &mut Html,
    words: &Words,
    name: Name<'_>,
    (dots, span): (&[Dot], (f64, f64)),
    unit: Unit,
    over: &str,
) {
    let (name, color) = name;
    let label = match extremes(dots) {
        Some([newest, low, high]) => {
            (words.graph_summary)(name, &unit.text(newest), &unit.text(low), &unit.text(high), over)
        }
        None => (words.graph_empty)(name, over),
    };
    html.element("<svg class=\"sparkline\" role=\"img\" aria-label=\"", &label, "\"");
    html.mark(" viewBox=\"0 0 200 28\" preserveAspectRatio=\"none\"><path class=\"").mark(color);
    html.element("\" d=\"", &path(dots, span, unit.calm()), "\"/></svg>");
}

/// Left and right end of the line in milliseconds.
fn span(history: &History) -> (f64, f64) {
    let to = history.newest().map_or(0.0, |point| format::milliseconds(point.at));
    let seconds = i32::try_from(history.span_seconds()).unwrap_or(i32::MAX);
    (to - f64::from(seconds) * 1_000.0, to)
}

fn path(dots: &[Dot], (from, to): (f64, f64), calm: f64) -> String {
    let Some([_, low, high]) = extremes(dots) else { return String::new() };
    let range = (high - low).max(calm);
    let bottom = (f64::midpoint(low, high) - range / 2.0).max(0.0);
    let mut path = String::with_capacity(dots.len() * 11);
    for run in dots.split(|dot| dot.1.is_none()) {
        let mut command = 'M';
        for (at, value) in run.iter().filter_map(|dot| Some((dot.0, dot.1?))) {
            let x = (at - from) / (to - from) * WIDTH;
            let y = HEIGHT - MARGIN - (value - bottom) / range * (HEIGHT - 2.0 * MARGIN);
            point(&mut path, command, x, y);
            command = 'L';
        }
        if run.len() == 1 {
            path.push_str("h1");
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_is_at_the_bottom_the_highest_on_top_and_a_gap_is_a_gap() {
        let dots = [(0.0, Some(20.0)), (50.0, Some(60.0)), (70.0, None), (100.0, Some(40.0))];
        assert_eq!(path(&dots, (0.0, 100.0), 10.0), "M0.0 26.0L100.0 2.0M200.0 14.0h1");
    }

    #[test]
    fn a_calm_line_is_flat_and_an_idle_one_at_the_bottom() {
        assert_eq!(path(&[(0.0, Some(50.0)), (100.0, Some(50.0))], (0.0, 100.0), 10.0), "M0.0 14.0L200.0 14.0");
        assert_eq!(path(&[(0.0, Some(0.0)), (100.0, Some(0.0))], (0.0, 100.0), 10.0), "M0.0 26.0L200.0 26.0");
        assert_eq!(path(&[(0.0, None)], (0.0, 100.0), 10.0), "");
    }
}
