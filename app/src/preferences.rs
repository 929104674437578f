//! The viewer's language and theme, and where the viewer reaches the dashboard: on the server from
//! the request, in the browser from what the server wrote on `<html>` and its own address.

use crate::locale::Locale;
use crate::theme::Theme;

#[cfg(feature = "ssr")]
mod request {
    use std::sync::Arc;

    use http::HeaderMap;
    use http::request::Parts;
    use leptos::prelude::use_context;

    use collector::access::Caller;
    use collector::config::Dashboard;

    use super::{Locale, Theme};

    fn with_header<T>(name: http::HeaderName, read: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        read(text(&use_context::<Parts>()?.headers, name)?)
    }

    fn text(headers: &HeaderMap, name: http::HeaderName) -> Option<&str> {
        headers.get(name)?.to_str().ok()
    }

    /// The language of the page.
    #[must_use]
    pub fn locale() -> Locale {
        use_context::<Parts>().map(|parts| locale_of(&parts.headers)).unwrap_or_default()
    }

    /// The language of whoever sends a request with these headers.
    #[must_use]
    pub fn locale_of(headers: &HeaderMap) -> Locale {
        text(headers, http::header::COOKIE)
            .and_then(|cookies| Locale::from_tag(cookie(cookies, "lang")?))
            .or_else(|| text(headers, http::header::ACCEPT_LANGUAGE).map(Locale::negotiate))
            .unwrap_or_default()
    }

    /// The theme of the page.
    #[must_use]
    pub fn theme() -> Theme {
        use_context::<Parts>().map(|parts| theme_of(&parts.headers)).unwrap_or_default()
    }

    /// The theme of whoever sends a request with these headers.
    #[must_use]
    pub fn theme_of(headers: &HeaderMap) -> Theme {
        let cookies = text(headers, http::header::COOKIE).unwrap_or_default();
        Theme::from_name(cookie(cookies, "theme"))
    }

    /// Who sends the request, where the server has looked at that.
    #[must_use]
    pub fn caller() -> Option<Caller> {
        use_context::<Parts>()?.extensions.get().cloned()
    }

    /// The name that a form begins with: that of the user, or else the one that was given last.
    #[must_use]
    pub fn author() -> String {
        let user = caller().and_then(|caller| caller.user().map(str::to_owned));
        user.unwrap_or_else(|| kept("name"))
    }

    /// Where the dashboard is on its site, and how the viewer came there. Given as context.
    #[derive(Clone, Debug, Default)]
    pub struct Outside {
        /// What is before every path; empty at the top.
        pub base: Arc<str>,
        /// Whether by HTTPS.
        pub secure: bool,
    }

    impl Outside {
        /// That of the request.
        #[must_use]
        pub fn of_request() -> Self {
            use_context().unwrap_or_default()
        }

        /// What the page's script gives the cookies that it sets.
        #[must_use]
        pub fn cookie(&self) -> String {
            format!("; Path={}/; SameSite=Lax{}", self.base, if self.secure { "; Secure" } else { "" })
        }
    }

    /// The dashboard's address, as the viewer reaches it.
    #[must_use]
    pub fn address() -> String {
        let Outside { base, secure } = Outside::of_request();
        let scheme = if secure { "https" } else { "http" };
        with_header(http::header::HOST, |host| Some(format!("{scheme}://{host}{base}"))).unwrap_or_default()
    }

    /// What leads from the page to where its links are right: nothing but for an address that is no page's.
    #[must_use]
    pub fn way_up() -> Option<String> {
        let depth = use_context::<Parts>()?.uri.path().matches('/').count();
        (depth > 1).then(|| "../".repeat(depth - 1))
    }

    /// A link to the main part of this very page.
    #[must_use]
    pub fn main() -> String {
        let uri = use_context::<Parts>().map(|parts| parts.uri);
        let here = uri.as_ref().filter(|_| way_up().is_some()).and_then(http::Uri::path_and_query);
        format!("{}#main", here.map(|here| here.as_str().trim_start_matches('/')).unwrap_or_default())
    }

    /// What a cookie that [`cookie_value`] made holds; empty where there is none.
    #[must_use]
    pub fn kept(name: &str) -> String {
        use_context::<Parts>().map(|parts| kept_of(&parts.headers, name)).unwrap_or_default()
    }

    /// The same of whoever sends a request with these headers.
    #[must_use]
    pub fn kept_of(headers: &HeaderMap, name: &str) -> String {
        let decoded = |value: &str| percent_encoding::percent_decode_str(value).decode_utf8().ok().map(Into::into);
        let cookies = text(headers, http::header::COOKIE).unwrap_or_default();
        cookie(cookies, name).and_then(decoded).unwrap_or_default()
    }

    /// Whether the page is for a screen on a wall, that nobody sits at: `?kiosk`.
    #[must_use]
    pub fn is_kiosk() -> bool {
        let parts = use_context::<Parts>();
        let query = parts.as_ref().and_then(|parts| parts.uri.query()).unwrap_or_default();
        query.split('&').any(|pair| pair.split('=').next() == Some("kiosk"))
    }

    /// What the overview shows: as the viewer's browser keeps it, or else as it is set.
    #[must_use]
    pub fn dashboard() -> Dashboard {
        let own = serde_json::from_str::<Dashboard>(&kept("dashboard")).ok();
        own.filter(|own| own.verify().is_ok()).or_else(use_context).unwrap_or_default()
    }

    /// The panels of the overview, each with its width.
    #[must_use]
    pub fn panels() -> String {
        dashboard().panels.join(" ")
    }

    /// The graphs that are not shown.
    #[must_use]
    pub fn hidden() -> String {
        dashboard().hidden.join(" ")
    }

    /// A text as the value of a cookie.
    #[must_use]
    pub fn cookie_value(text: &str) -> String {
        percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
    }

    /// The value of a cookie in a `Cookie` header.
    fn cookie<'a>(header: &'a str, name: &str) -> Option<&'a str> {
        header.split(';').find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_cookie_is_found_by_its_whole_name() {
            let header = "xlang=en; lang=ja;theme=dark";
            assert_eq!(cookie(header, "lang"), Some("ja"));
            assert_eq!(cookie(header, "theme"), Some("dark"));
            assert_eq!(cookie(header, "the"), None);
        }
    }
}

#[cfg(feature = "ssr")]
pub use request::{
    Outside, address, author, caller, cookie_value, dashboard, hidden, is_kiosk, kept, kept_of, locale, locale_of,
    main, panels, theme, theme_of, way_up,
};

/// The language of the page.
#[cfg(all(feature = "hydrate", not(feature = "ssr")))]
#[must_use]
pub fn locale() -> Locale {
    crate::browser::root_attribute("lang").and_then(|tag| Locale::from_tag(&tag)).unwrap_or_default()
}

/// The theme of the page.
#[cfg(all(feature = "hydrate", not(feature = "ssr")))]
#[must_use]
pub fn theme() -> Theme {
    Theme::from_name(crate::browser::root_attribute("data-theme").as_deref())
}

/// The panels of the overview, each with its width.
#[cfg(all(feature = "hydrate", not(feature = "ssr")))]
#[must_use]
pub fn panels() -> String {
    crate::browser::root_attribute("data-panels").unwrap_or_default()
}

/// The graphs that are not shown.
#[cfg(all(feature = "hydrate", not(feature = "ssr")))]
#[must_use]
pub fn hidden() -> String {
    crate::browser::root_attribute("data-hidden").unwrap_or_default()
}

/// A link to the main part of this very page.
#[cfg(not(feature = "ssr"))]
#[must_use]
pub fn main() -> &'static str {
    "#main"
}

/// The language of no page at all.
#[cfg(not(any(feature = "hydrate", feature = "ssr")))]
#[must_use]
pub fn locale() -> Locale {
    Locale::default()
}

/// The theme of no page at all.
#[cfg(not(any(feature = "hydrate", feature = "ssr")))]
#[must_use]
pub fn theme() -> Theme {
    Theme::default()
}

/// The panels of no page at all.
#[cfg(not(any(feature = "hydrate", feature = "ssr")))]
#[must_use]
pub fn panels() -> String {
    String::new()
}

/// The graphs that no page at all leaves out.
#[cfg(not(any(feature = "hydrate", feature = "ssr")))]
#[must_use]
pub fn hidden() -> String {
    String::new()
}
