//! Which language a page is in: the cookie `lang`, else what the browser prefers. The server
//! decides, writes it to `<html lang>`, and the browser takes it from there.

use crate::words::{EN, JA, Words};

/// A language the dashboard speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Locale {
    /// English, also when nothing is known about the viewer.
    #[default]
    En,
    /// Japanese.
    Ja,
}

impl Locale {
    /// The language tag, for `lang` attributes and the cookie.
    #[must_use]
    pub fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Ja => "ja",
        }
    }

    /// The language of a tag such as `ja` or `en-GB`, if the dashboard speaks it.
    #[must_use]
    pub fn from_tag(tag: &str) -> Option<Self> {
        match tag.trim().split('-').next()?.to_ascii_lowercase().as_str() {
            "en" => Some(Self::En),
            "ja" => Some(Self::Ja),
            _ => None,
        }
    }

    /// The other language, which the switch offers.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::En => Self::Ja,
            Self::Ja => Self::En,
        }
    }

    /// Everything the dashboard says in this language.
    #[must_use]
    pub fn words(self) -> &'static Words {
        match self {
            Self::En => &EN,
            Self::Ja => &JA,
        }
    }

    /// The best language for an `Accept-Language` header (RFC 9110, 12.5.4): highest quality
    /// first, the earlier one among equals.
    #[must_use]
    pub fn negotiate(accept_language: &str) -> Self {
        let mut best = (Self::default(), 0.0);
        for entry in accept_language.split(',') {
            let mut parts = entry.split(';');
            let tag = parts.next().unwrap_or_default();
            let quality = parts
                .find_map(|parameter| parameter.trim().strip_prefix("q="))
                .map_or(1.0, |quality| quality.trim().parse::<f64>().unwrap_or(0.0));
            if let Some(locale) = Self::from_tag(tag)
                && quality > best.1
            {
                best = (locale, quality);
            }
        }
        best.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_of_the_highest_quality_wins() {
        for (header, locale) in [
            ("", Locale::En),
            ("ja", Locale::Ja),
            ("ja-JP,ja;q=0.9,en;q=0.8", Locale::Ja),
            ("en-US,en;q=0.9,ja;q=0.8", Locale::En),
            ("en;q=0.5, JA;q=0.7", Locale::Ja),
            ("de-DE,de;q=0.9,ja;q=0.3", Locale::Ja),
            ("de, fr;q=0.9, *;q=0.1", Locale::En),
            ("ja;q=0, en;q=0.1", Locale::En),
            ("ja;q=nonsense", Locale::En),
        ] {
            assert_eq!(Locale::negotiate(header), locale, "{header:?}");
        }
    }
}
