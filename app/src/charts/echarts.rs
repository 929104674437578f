//! Graphs on a canvas, by charming and ECharts. The script (frontend/echarts) is loaded after the
//! page is alive; where it cannot be had, the SVG graphs stay and stay live.

use std::cell::OnceCell;
use std::time::Duration;

use leptos::html::Div;
use leptos::prelude::*;
use wasm_bindgen::prelude::*;
use web_sys::{Element, HtmlScriptElement};

use crate::browser;

/// A page that has just come alive has more urgent things to do.
const LOAD_AFTER: Duration = Duration::from_millis(60);

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

/// Keeps a graph of what `option` makes in its box, and says so by `drawn`. It is made anew with what
/// `changed` reads, but not where nobody sees it.
pub fn keep(
    canvas: NodeRef<Div>,
    changed: impl Fn() + 'static,
    option: impl Fn() -> String + 'static,
    drawn: RwSignal<bool>,
) {
    let is_known = StoredValue::new(false);
    Effect::new(move |_| {
        changed();
        let (ready, hidden) = (script(), browser::hidden());
        let Some(element) = canvas.get() else { return };
        if !ready.get() || hidden.get() {
            return;
        }
        if !is_away(&element) {
            is_known.set_value(true);
            let is_there = draw(&element, &option());
            if drawn.get_untracked() != is_there {
                drawn.set(is_there);
            }
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

/// Loads the script: the server draws graphs too.
pub fn load_script() {
    let _ = script();
}

/// Whether ECharts is there; asking for the first time loads it.
fn script() -> ArcRwSignal<bool> {
    thread_local! {
        static READY: OnceCell<ArcRwSignal<bool>> = const { OnceCell::new() };
    }
    READY.with(|ready| {
        ready
            .get_or_init(|| {
                let ready = ArcRwSignal::new(false);
                let loaded = ready.clone();
                set_timeout(move || load(loaded), LOAD_AFTER);
                ready
            })
            .clone()
    })
}

fn load(loaded: ArcRwSignal<bool>) {
    let Some(url) = browser::root_attribute("data-echarts") else { return };
    let script =
        document().create_element("script").ok().and_then(|script| script.dyn_into::<HtmlScriptElement>().ok());
    let (Some(script), Some(head)) = (script, document().head()) else { return };
    script.set_src(&url);
    let on_load = Closure::once_into_js(move || loaded.set(true));
    script.set_onload(Some(on_load.unchecked_ref()));
    // A script that cannot be added is one that cannot be loaded.
    let _ = head.append_child(&script);
}
