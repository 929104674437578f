//! A real browser.

use std::cell::OnceCell;

use leptos::prelude::*;
use send_wrapper::SendWrapper;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::HtmlDocument;

use crate::error::ApiError;
use crate::theme::Theme;

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

/// Whether somebody has a form or a whole statement open, or is among what the server draws by keyboard:
/// that must stay as it is.
#[must_use]
pub fn is_acting() -> bool {
    document()
        .query_selector(".act-more[open],.query[open],.server-drawn :focus-visible,.cell .markup :focus-visible")
        .is_ok_and(|form| form.is_some())
}

/// Writes into every element that says since which second something is what `age` makes of that.
pub fn set_ages(age: impl Fn(i64) -> String) {
    let Ok(elements) = document().query_selector_all("[data-since]") else { return };
    for place in 0..elements.length() {
        let element = elements.get(place).and_then(|node| node.dyn_into::<web_sys::HtmlElement>().ok());
        let since = element.as_ref().and_then(|element| element.dataset().get("since")?.parse().ok());
        if let (Some(element), Some(since)) = (element, since) {
            element.set_text_content(Some(&age(since)));
        }
    }
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
        let options = web_sys::RequestInit::new();
        options.set_method("POST");
        options.set_body(&body.into());
        if let Ok(headers) = web_sys::Headers::new() {
            let _ = headers.set("Content-Type", "application/json");
            options.set_headers(&headers);
        }
        let answer = JsFuture::from(window().fetch_with_str_and_init(path, &options)).await;
        let answer: web_sys::Response = answer.map_err(|_| ApiError::Unreachable)?.unchecked_into();
        let text = if answer.ok() { answer.json() } else { return Err(ApiError::Failed) };
        let text = JsFuture::from(text.map_err(|_| ApiError::Failed)?).await.map_err(|_| ApiError::Failed)?;
        text.as_string().ok_or(ApiError::Failed)
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

/// The window's title.
pub fn set_title(title: &str) {
    document().set_title(title);
}

/// The window's icon.
pub fn set_icon(path: &'static str) {
    if let Ok(Some(link)) = document().query_selector("link[rel=icon]") {
        let _ = link.set_attribute("href", path);
    }
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
    let Some(root) = document().document_element() else { return };
    // Neither can fail: the name is a constant.
    let _ = match theme.attribute() {
        Some(name) => root.set_attribute("data-theme", name),
        None => root.remove_attribute("data-theme"),
    };
    let age = if theme == Theme::System { 0 } else { 31_536_000 };
    let cookie = format!("theme={}; Max-Age={age}{}", theme.name(), root_attribute("data-cookie").unwrap_or_default());
    if let Some(document) = document().dyn_ref::<HtmlDocument>() {
        // Refused where cookies are: the choice then lasts as long as the page.
        let _ = document.set_cookie(&cookie);
    }
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
