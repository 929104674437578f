//! Cookies that bring a page what it is to say.

use std::fmt::Display;

use app::Locale;
use collector::InJapanese;
use http::HeaderMap;
use http::header::{HeaderName, SET_COOKIE};

/// How long what became of a form is kept for the page after it.
pub(super) const TOLD_SECONDS: u32 = 10;
pub(super) const A_YEAR: u32 = 365 * 24 * 60 * 60;

/// Of a value as it is sent; browsers drop a cookie of more than 4,096 with its name and attributes.
const MOST_BYTES: usize = 3_800;

/// What became of a form, for the next page to say.
pub(super) fn told(text: &str) -> (HeaderName, String) {
    cookie("told", text, TOLD_SECONDS)
}

/// An error in the language of whoever sent this request.
pub(super) fn said<E: Display + InJapanese>(headers: &HeaderMap, error: &E) -> String {
    match app::locale_of(headers) {
        Locale::En => error.to_string(),
        Locale::Ja => error.ja(),
    }
}

/// A header that sets one; of a long value the beginning.
pub(super) fn cookie(name: &str, value: &str, seconds: u32) -> (HeaderName, String) {
    let mut kept = String::new();
    for letter in value.chars().map(|letter| app::cookie_value(letter.encode_utf8(&mut [0; 4]))) {
        if kept.len() + letter.len() > MOST_BYTES {
            break;
        }
        kept.push_str(&letter);
    }
    (SET_COOKIE, format!("{name}={kept}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_long_value_as_much_is_kept_as_browsers_take_whatever_its_language() {
        for letter in ["a", "あ", "%"] {
            let (_, header) = cookie("told", &letter.repeat(5_000), 10);
            assert!((3_700..=4_096).contains(&header.len()), "{letter}: {}", header.len());
            let value = header.strip_prefix("told=").unwrap().split(';').next().unwrap();
            assert!(value.ends_with(&app::cookie_value(letter)), "a letter is whole");
        }
        let (_, header) = cookie("name", "美香 x", 10);
        assert!(header.starts_with("name=%E7%BE%8E%E9%A6%99%20x; Path=/; Max-Age=10; "), "{header}");
    }
}
