//! Where there is no canvas, the SVG stays.

use leptos::html::Div;
use leptos::prelude::*;

/// Draws nothing.
pub fn keep(
    _canvas: NodeRef<Div>,
    _changed: impl Fn() + 'static,
    _moves: impl Fn(&[u64]) -> (String, Vec<u64>) + 'static,
    _option: impl Fn() -> String + 'static,
    _drawn: RwSignal<bool>,
) {
}
