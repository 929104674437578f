//! Cookies that bring a page what it is to say.

use http::header::{HeaderName, SET_COOKIE};

/// How long what became of a form is kept for the page after it.
pub(super) const TOLD_SECONDS: u32 = 10;
pub(super) const A_YEAR: u32 = 365 * 24 * 60 * 60;

/// What became of a form, for the next page to say.
pub(super) fn told(text: &str) -> (HeaderName, String) {
    cookie("told", text, TOLD_SECONDS)
}

/// A header that sets one; of a long value the beginning.
pub(super) fn cookie(name: &str, value: &str, seconds: u32) -> (HeaderName, String) {
    let value: String = value.chars().take(600).collect();
    let value = app::cookie_value(&value);
    (SET_COOKIE, format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax"))
}
