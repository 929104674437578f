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

    /// There is no graph in it any more.
    #[wasm_bindgen(js_namespace = echarts)]
    fn forget(element: &Element);
}

/// Keeps a graph of what `option` makes in its box while somebody looks into graphs, and says so by `drawn`. It is made
/// anew with what `changed` reads, but not where nobody sees it.
pub fn keep(
    canvas: NodeRef<Div>,
    changed: impl Fn() + 'static,
    option: impl Fn() -> String + 'static,
    drawn: RwSignal<bool>,
) {
    let is_known = StoredValue::new(false);
    Effect::new(move |_| {
        let (looked_into, hidden) = (browser::looked_into(), browser::hidden());
        let Some(element) = canvas.get() else { return };
        let mut is_there = false;
        if looked_into.get() {
            changed();
            if hidden.get() || is_away(&element) {
                return;
            }
            is_known.set_value(true);
            is_there = draw(&element, &option());
        }
        if drawn.get_untracked() != is_there {
            drawn.set(is_there);
        }
    });
    on_cleanup(move || {
        // Gone already when the whole page is.
        if let Some(element) = canvas.try_get_untracked().flatten()
            && is_known.try_get_value() == Some(true)
        {
            forget(&element);
        }
    });
}
