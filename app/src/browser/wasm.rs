//! A real browser.

use std::cell::OnceCell;

use leptos::prelude::*;
use wasm_bindgen::prelude::*;
use web_sys::HtmlDocument;

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

/// The address of the live feed, after event `since`.
#[must_use]
pub fn live_url(since: u64) -> String {
    let location = window().location();
    let scheme = if location.protocol().is_ok_and(|protocol| protocol == "https:") { "wss" } else { "ws" };
    let host = location.host().unwrap_or_default();
    format!("{scheme}://{host}/api/v1/live?since={since}")
}

/// Scheme, host and port of the page.
#[must_use]
pub fn address() -> String {
    window().location().origin().unwrap_or_default()
}

/// The window's title.
pub fn set_title(title: &str) {
    document().set_title(title);
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
    let cookie = format!("theme={}; Path=/; Max-Age={age}; SameSite=Lax", theme.name());
    if let Some(document) = document().dyn_ref::<HtmlDocument>() {
        // Refused where cookies are: the choice then lasts as long as the page.
        let _ = document.set_cookie(&cookie);
    }
}

/// Calls `changed` whenever the system switches between light and dark, as long as the page lives.
pub fn on_system_theme_change(changed: impl Fn() + 'static) {
    let Ok(Some(query)) = window().match_media("(prefers-color-scheme: dark)") else { return };
    let listener = Closure::<dyn FnMut()>::new(changed);
    query.set_onchange(Some(listener.as_ref().unchecked_ref()));
    listener.forget();
}

/// The value of a CSS custom property on the page.
#[must_use]
pub fn custom_property(name: &str) -> String {
    document()
        .document_element()
        .and_then(|root| window().get_computed_style(&root).ok().flatten())
        .and_then(|style| style.get_property_value(name).ok())
        .map(|value| value.trim().to_owned())
        .unwrap_or_default()
}

/// The pixels of a CSS custom property that is a length.
#[must_use]
pub fn custom_length(name: &str) -> f64 {
    js_sys::parse_float(&custom_property(name))
}

/// Whether nobody can see the page, as it changes.
#[must_use]
pub fn hidden() -> ArcRwSignal<bool> {
    thread_local! {
        static HIDDEN: OnceCell<ArcRwSignal<bool>> = const { OnceCell::new() };
    }
    HIDDEN.with(|hidden| {
        hidden
            .get_or_init(|| {
                let hidden = ArcRwSignal::new(is_hidden());
                let changed = hidden.clone();
                // Listens as long as the page lives.
                let _ = window_event_listener_untyped("visibilitychange", move |_| changed.set(is_hidden()));
                hidden
            })
            .clone()
    })
}
