//! Where there is no canvas, the SVG stays.

use leptos::html::Div;
use leptos::prelude::*;

use super::plot::Plot;
use super::series::Series;

/// Draws nothing.
pub fn draw(_id: &'static str, _canvas: NodeRef<Div>, _plot: Memo<Plot>, _series: Vec<Series>, _drawn: RwSignal<bool>) {
}
