//! Which form of the text a scraper wants.

use http::header::ACCEPT;
use http::{HeaderMap, HeaderValue};

/// A form of the exposition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// <https://github.com/prometheus/OpenMetrics/blob/v1.0.0/specification/OpenMetrics.md>
    OpenMetrics,
    /// <https://github.com/prometheus/docs/blob/main/docs/instrumenting/exposition_formats.md>
    Prometheus,
}

impl Form {
    /// OpenMetrics where `Accept` names it and likes nothing better that we have, otherwise the
    /// text that everybody reads.
    pub(super) fn asked_for(request: &HeaderMap) -> Self {
        let values = request.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
        let (mut open_metrics, mut text) = (0.0, 0.0);
        for range in values.flat_map(|value| value.split(',')) {
            let mut parts = range.split(';').map(str::trim);
            let kind = parts.next().unwrap_or_default();
            let (mut quality, mut version) = (1.0, None);
            for (name, value) in parts.filter_map(|part| part.split_once('=')) {
                let (name, value) = (name.trim(), value.trim().trim_matches('"'));
                if name.eq_ignore_ascii_case("q") {
                    quality = value.parse().unwrap_or(0.0);
                } else if name.eq_ignore_ascii_case("version") {
                    version = Some(value);
                }
            }
            let liked = if kind.eq_ignore_ascii_case("application/openmetrics-text") {
                // What 0.0.1 says is the same for what we write.
                if matches!(version, None | Some("1.0.0" | "0.0.1")) { &mut open_metrics } else { continue }
            } else if kind.eq_ignore_ascii_case("text/plain") && matches!(version, None | Some("0.0.4")) {
                &mut text
            } else {
                continue;
            };
            *liked = f32::max(*liked, quality);
        }
        if open_metrics > 0.0 && open_metrics >= text { Self::OpenMetrics } else { Self::Prometheus }
    }

    pub(super) fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn openmetrics_is_for_those_who_ask_for_it_and_like_nothing_better() {
        // What Prometheus 2.42 sends, and what 3.x sends of it.
        let prometheus = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,\
                          text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        let newer = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,\
                     text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3";
        for (accept, expected) in [
            (prometheus, Form::OpenMetrics),
            (newer, Form::OpenMetrics),
            ("Application/OpenMetrics-Text; Version=\"1.0.0\"", Form::OpenMetrics),
            ("application/openmetrics-text;q=0", Form::Prometheus),
            ("application/openmetrics-text;q=0.3, text/plain", Form::Prometheus),
            ("application/openmetrics-text;version=2.0.0", Form::Prometheus),
            ("application/openmetrics-text-not", Form::Prometheus),
            ("text/html,*/*;q=0.8", Form::Prometheus),
            ("*/*", Form::Prometheus),
            ("", Form::Prometheus),
            (";;q=,=", Form::Prometheus),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, HeaderValue::from_static(accept));
            assert_eq!(Form::asked_for(&headers), expected, "{accept}");
        }
        assert_eq!(Form::asked_for(&HeaderMap::new()), Form::Prometheus);
    }
}
