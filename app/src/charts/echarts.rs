//! Graphs on a canvas, by charming and ECharts: while somebody looks into them, with crosshair, tooltip, zoom and table.
//! frontend/echarts says when that is, and is loaded for it; the rest of the time, and where it cannot be had, the SVG is
//! what lives.

use leptos::html::Div;
use leptos::prelude::*;
use wasm_bindgen::prelude::*;
use web_sys::Element;

use crate::browser;

#[wasm_bindgen]
extern "C" {
    /// Keeps a graph of what [`super::chart::option`] made in the element; answers whether it is there
    /// already.
    #[wasm_bindgen(js_namespace = echarts)]
    fn draw(element: &Element, option: &str) -> bool;

    /// Whether nobody can see the element now, and it may stay as it is.
    #[wasm_bindgen(js_namespace = echarts, js_name = isAway)]
    fn is_away(element: &Element) -> bool;

    /// Moves the drawing beside it to the left: a line says how far, one has the marks of the time axis, and one for each
    /// piece that is another its place and its path.
    #[wasm_bindgen(js_namespace = page, js_name = move)]
    fn move_on(element: &Element, moves: &str);

    /// There is no graph in it any more.
    #[wasm_bindgen(js_namespace = page)]
    fn forget(element: &Element);
}

/// Keeps a graph of what `option` makes in its box while somebody looks into graphs, and says so by `drawn`. It is made
/// anew with what `changed` reads, but not where nobody sees it. The rest of the time the drawing goes on by what `moves`
/// makes of the digests that its pieces have so far: what [`move_on`] takes, and their digests now.
pub fn keep(
    canvas: NodeRef<Div>,
    changed: impl Fn() + 'static,
    moves: impl Fn(&[u64]) -> (String, Vec<u64>) + 'static,
    option: impl Fn() -> String + 'static,
    drawn: RwSignal<bool>,
) {
    Effect::new(move |known: Option<Vec<u64>>| {
        let known = known.unwrap_or_default();
        let (looked_into, hidden) = (browser::looked_into(), browser::hidden());
        let Some(element) = canvas.get() else { return known };
        changed();
        if hidden.get() {
            return known;
        }
        let was_there = drawn.get_untracked();
        let is_there = looked_into.get() && if is_away(&element) { was_there } else { draw(&element, &option()) };
        if was_there != is_there {
            drawn.set(is_there);
        }
        if is_there {
            return known;
        }
        let (moves, digests) = moves(&known);
        // At first it is as it was written.
        if !known.is_empty() {
            move_on(&element, &moves);
        }
        digests
    });
    on_cleanup(move || {
        // Gone already when the whole page is.
        if let Some(element) = canvas.try_get_untracked().flatten() {
            forget(&element);
        }
    });
}
