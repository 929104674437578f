//! `POST /preferences`: language and colours, by a plain form that works without scripts.

use axum::Form;
use axum::extract::rejection::FormRejection;
use axum::response::{AppendHeaders, IntoResponse, Response};
use http::StatusCode;
use http::header::{LOCATION, SET_COOKIE};
use serde::Deserialize;

use super::cookie::A_YEAR;
use super::v1::{self, ApiError};

const LANGUAGES: [&str; 2] = ["ja", "en"];
const THEMES: [&str; 3] = ["system", "light", "dark"];

#[derive(Debug, Deserialize)]
pub(crate) struct Preferences {
    lang: Option<String>,
    theme: Option<String>,
    #[serde(rename = "return", default)]
    back: String,
}

/// Keeps the preferences in cookies and goes back to the page they were set on.
pub(crate) async fn set(form: Result<Form<Preferences>, FormRejection>) -> Result<Response, ApiError> {
    let preferences = v1::form(form)?;
    let mut cookies = Vec::new();
    for (name, value, known) in
        [("lang", &preferences.lang, &LANGUAGES[..]), ("theme", &preferences.theme, &THEMES[..])]
    {
        let Some(value) = value else { continue };
        if !known.contains(&value.as_str()) {
            let message = format!("{name} must be one of {}", known.join(", "));
            return Err(ApiError::new(StatusCode::BAD_REQUEST, "invalid", &message, name));
        }
        let age = if value == "system" { 0 } else { A_YEAR };
        cookies.push((SET_COOKIE, format!("{name}={value}; Path=/; Max-Age={age}; SameSite=Lax")));
    }
    let back = local_path(&preferences.back);
    Ok((StatusCode::SEE_OTHER, AppendHeaders(cookies), [(LOCATION, back)]).into_response())
}

/// A path of this site, or else its front page: never a way to another site.
pub(super) fn local_path(path: &str) -> String {
    // A page's links are relative, to what all pages are beside.
    let path = path.strip_prefix('.').unwrap_or(path);
    let is_plain = path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if path.starts_with('/') && !path.starts_with("//") && is_plain { path.to_owned() } else { "/".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_back_never_leaves_the_site() {
        assert_eq!(local_path("/system?range=1h"), "/system?range=1h");
        assert_eq!(local_path("./system?range=1h"), "/system?range=1h");
        assert_eq!(local_path("./"), "/");
        for foreign in [
            "//example.com",
            ".//example.com",
            "..",
            "./\\example.com",
            "/\\example.com",
            "https://example.com",
            "",
            "/a\r\nSet-Cookie: x",
            "/レシピ",
        ] {
            assert_eq!(local_path(foreign), "/", "{foreign}");
        }
    }
}
