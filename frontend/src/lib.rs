//! What the browser starts: the page that the server sent comes alive, and nothing else.

use wasm_bindgen::prelude::wasm_bindgen;

/// Brings the page to life. Called once by the script that loads this module.
#[wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_body(app::App);
}
