//! The last 15 minutes at a glance: a line without axes, between its own lowest and highest value.

use collector::History;
use leptos::prelude::*;

use super::series::{Dot, Series, extremes};
use crate::charts::Unit;
use crate::format;
use crate::live::LiveStore;
use crate::words::use_words;

/// Seconds a dot stands for: more dots than pixels would only cost bytes.
const STEP_SECONDS: i64 = 15;
const WIDTH: f64 = 200.0;
const HEIGHT: f64 = 28.0;
/// Room above and below for the width of the stroke.
const MARGIN: f64 = 2.0;

/// A line without axes.
#[component]
pub fn Sparkline(
    /// What it shows.
    series: Series,
    /// What its numbers are.
    unit: Unit,
) -> impl IntoView {
    let store = expect_context::<LiveStore>();
    let words = use_words();
    let dots = Memo::new(move |_| {
        store.history.with(|history| series.dots(&history.thinned(STEP_SECONDS), store.push_seconds.get()))
    });
    let label = Signal::derive(move || match dots.with(|dots| extremes(dots)) {
        Some([newest, low, high]) => (words.graph_summary)(
            series.name,
            &unit.text(newest),
            &unit.text(low),
            &unit.text(high),
            words.quarter_hour,
        ),
        None => (words.graph_empty)(series.name, words.quarter_hour),
    });
    let line = Signal::derive(move || dots.with(|dots| path(dots, span(store), calm(unit))));
    let viewbox = format!("0 0 {WIDTH} {HEIGHT}");
    view! {
        <svg class="sparkline" role="img" aria-label=label viewBox=viewbox preserveAspectRatio="none">
            <path class=series.color d=line/>
        </svg>
    }
}

/// Left and right end of the line in milliseconds.
fn span(store: LiveStore) -> (f64, f64) {
    store.history.with(|history: &History| {
        let to = history.newest().map_or(0.0, |point| format::milliseconds(point.at));
        let seconds = i32::try_from(history.span_seconds()).unwrap_or(i32::MAX);
        (to - f64::from(seconds) * 1_000.0, to)
    })
}

/// The least difference of lowest and highest value that fills the height: a calm host should
/// look calm.
fn calm(unit: Unit) -> f64 {
    match unit {
        Unit::Percent => 12.0,
        Unit::Rate => 4_096.0,
        Unit::Load => 0.4,
    }
}

fn path(dots: &[Dot], (from, to): (f64, f64), calm: f64) -> String {
    use std::fmt::Write;

    let Some([_, low, high]) = extremes(dots) else { return String::new() };
    let range = (high - low).max(calm);
    let bottom = (f64::midpoint(low, high) - range / 2.0).max(0.0);
    let mut path = String::with_capacity(dots.len() * 11);
    for run in dots.split(|dot| dot.1.is_none()) {
        let mut command = 'M';
        for (at, value) in run.iter().filter_map(|dot| Some((dot.0, dot.1?))) {
            let x = (at - from) / (to - from) * WIDTH;
            let y = HEIGHT - MARGIN - (value - bottom) / range * (HEIGHT - 2.0 * MARGIN);
            // Writing into a string cannot fail.
            let _ = write!(path, "{command}{x:.1} {y:.1}");
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
