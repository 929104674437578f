//! A real browser.

use std::cell::OnceCell;

use leptos::html::Div;
use leptos::prelude::*;
use send_wrapper::SendWrapper;
use wasm_bindgen::prelude::*;

use crate::error::ApiError;
use crate::theme::Theme;

/// When the viewer leaves what is being shown.
pub use leptos::prelude::on_cleanup as on_leave;

/// Milliseconds since the epoch, by the browser's clock.
#[must_use]
pub fn now() -> f64 {
    js_sys::Date::now()
}

/// A random number in 0..1.
#[must_use]
pub fn random() -> f64 {
    js_sys::Math::random()
}

/// The viewer's zone.
#[must_use]
pub fn minutes_east_of_utc() -> i32 {
    // The offset is a whole number of minutes between -840 and 720.
    #[expect(clippy::cast_possible_truncation, reason = "a small whole number")]
    let minutes = -js_sys::Date::new_0().get_timezone_offset() as i32;
    minutes
}

/// Whether nobody can see the page.
#[must_use]
pub fn is_hidden() -> bool {
    document().hidden()
}

#[wasm_bindgen]
extern "C" {
    /// Whether somebody has a form or a whole statement open, or is among what the server draws by keyboard:
    /// that must stay as it is.
    #[must_use]
    #[wasm_bindgen(js_namespace = page, js_name = isActing)]
    pub fn is_acting() -> bool;

    /// Gives the window a title and an icon.
    #[wasm_bindgen(js_namespace = page, js_name = setHead)]
    pub fn set_head(title: &str, icon: &str);

    /// Dresses the page in a theme, and keeps it for so many seconds.
    #[wasm_bindgen(js_namespace = page)]
    fn dress(theme: &str, seconds: u32);

    /// Writes into every element that says since which second something is what `age` makes of that.
    #[wasm_bindgen(js_namespace = page, js_name = setAges)]
    pub fn set_ages(age: &dyn Fn(i64) -> String);

    /// Has the element show this markup, of which it showed another.
    #[wasm_bindgen(js_namespace = page)]
    fn write(element: &web_sys::Element, before: &str, markup: &str);

    /// The JSON text that the server answers; no text where it refuses.
    #[wasm_bindgen(js_namespace = page, js_name = ask, catch)]
    async fn ask_server(path: &str, body: &str) -> Result<JsValue, JsValue>;
}

/// What markup is at first; from then on `place` shows what it becomes.
pub fn written(markup: Memo<String>, place: NodeRef<Div>) -> String {
    let first = markup.get_untracked();
    let shown = first.clone();
    Effect::new(move |before: Option<String>| {
        let text = markup.get();
        let before = before.unwrap_or_else(|| shown.clone());
        let Some(place) = place.get() else { return before };
        if before != text {
            write(&place, &before, &text);
        }
        text
    });
    first
}

/// A text as JSON.
#[must_use]
pub fn quoted(text: &str) -> String {
    js_sys::JSON::stringify(&text.into()).map(String::from).unwrap_or_default()
}

/// Sends JSON to a path of the server, which answers a JSON text.
///
/// # Errors
///
/// When it cannot be reached, or answers something else.
pub fn ask(path: &'static str, body: String) -> impl Future<Output = Result<String, ApiError>> + Send {
    // The page has one thread.
    SendWrapper::new(async move {
        let answer = ask_server(path, &body).await.map_err(|_| ApiError::Unreachable)?;
        answer.as_string().ok_or(ApiError::Failed)
    })
}

/// The address of the live feed, after event `since`.
#[must_use]
pub fn live_url(since: u64) -> String {
    // As frontend/echarts/start.js says: not every browser takes an address for it that is relative.
    format!("{}?since={since}", root_attribute("data-live").unwrap_or_default())
}

/// A title for Leptos, which sets it as text here.
#[must_use]
pub fn title(text: &str) -> String {
    text.to_owned()
}

/// What is before every path: empty where the dashboard is at the top of its site.
#[must_use]
pub fn base() -> String {
    root_attribute("data-base").unwrap_or_default()
}

/// An attribute of `<html>`, where the server leaves what it decided.
#[must_use]
pub fn root_attribute(name: &str) -> Option<String> {
    document().document_element()?.get_attribute(name)
}

/// Dresses the page in a theme and keeps it for the next one.
pub fn apply_theme(theme: Theme) {
    let age = if theme == Theme::System { 0 } else { 31_536_000 };
    dress(theme.name(), age);
}

/// Whether nobody can see the page, as it changes.
#[must_use]
pub fn hidden() -> ArcRwSignal<bool> {
    thread_local! {
        static HIDDEN: Followed = const { OnceCell::new() };
    }
    HIDDEN.with(|hidden| follow(hidden, "visibilitychange", is_hidden))
}

/// Whether somebody looks into graphs, as it changes: frontend/echarts/watch.js says so.
#[must_use]
pub fn looked_into() -> ArcRwSignal<bool> {
    thread_local! {
        static LOOKED_INTO: Followed = const { OnceCell::new() };
    }
    LOOKED_INTO.with(|looked_into| follow(looked_into, "graphs", || root_attribute("data-graphs").is_some()))
}

type Followed = OnceCell<ArcRwSignal<bool>>;

/// What `is` answers, now and after each such event of the window: listened to as long as the page lives.
fn follow(followed: &Followed, event: &'static str, is: fn() -> bool) -> ArcRwSignal<bool> {
    let start = || {
        let signal = ArcRwSignal::new(is());
        let changed = signal.clone();
        let _ = window_event_listener_untyped(event, move |_| changed.set(is()));
        signal
    };
    followed.get_or_init(start).clone()
}
