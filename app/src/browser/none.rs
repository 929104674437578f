//! No browser.

use leptos::html::Div;
use leptos::prelude::*;

use crate::theme::Theme;

/// Applies nothing.
pub fn apply_theme(_theme: Theme) {}

/// No window, no title and no icon.
pub fn set_head(_title: &str, _icon: &str) {}

/// A title for Leptos, which writes one into the document as it is: as markup.
#[must_use]
pub fn title(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

/// The server's own paths are those at the top.
#[must_use]
pub fn base() -> String {
    String::new()
}

/// Nobody sees it.
#[must_use]
pub fn is_hidden() -> bool {
    true
}

/// Nobody has a form open.
#[must_use]
pub fn is_acting() -> bool {
    false
}

/// It is read when the page is written, which is later than now.
#[must_use]
pub fn written(markup: Memo<String>, _place: NodeRef<Div>) -> Memo<String> {
    markup
}

/// Nobody leaves. A page that is made is no page that is shown: the server makes one several times
/// while it waits for what is in it, and lets go of the earlier ones whenever it likes.
pub fn on_leave(_end: impl FnOnce() + Send + Sync + 'static) {}

/// There is nothing to write into.
pub fn set_ages(_age: &dyn Fn(i64) -> String) {}

/// Nobody is asked.
#[cfg(not(feature = "ssr"))]
pub async fn ask(_path: &'static str, _body: String) -> Result<String, crate::error::ApiError> {
    Err(crate::error::ApiError::Unreachable)
}

/// Nothing has to be quoted.
#[cfg(not(feature = "ssr"))]
#[must_use]
pub fn quoted(_text: &str) -> String {
    String::new()
}
