//! What a scraper gets: OpenMetrics where it asks for it, else Prometheus' own text.

use std::collections::HashSet;
use std::fmt::Write as _;

use http::header::{ACCEPT, CONTENT_TYPE, VARY};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;

const OPEN_METRICS: HeaderValue =
    HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
const PROMETHEUS: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

/// The metrics of a registry, in the form that the request's `Accept` asks for.
#[must_use]
pub fn response(registry: &Registry, request: &HeaderMap) -> Response<String> {
    let accepts = |format: &str| {
        let accept = request.get_all(ACCEPT);
        accept.iter().any(|value| value.to_str().is_ok_and(|value| value.contains(format)))
    };
    let mut text = String::new();
    let status = match encode(&mut text, registry) {
        Ok(()) => StatusCode::OK,
        // A collector of the application's own has failed.
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR,
    };
    let (form, text) = match accepts("application/openmetrics-text") {
        true => (OPEN_METRICS, text),
        false => (PROMETHEUS, prometheus_text(&text)),
    };
    let mut response = Response::new(text);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, form);
    response.headers_mut().insert(VARY, HeaderValue::from_static("accept"));
    response
}

/// OpenMetrics as Prometheus' text format 0.0.4: there a counter's family has the name of its
/// samples, with `_total`, and there is neither UNIT nor EOF.
/// <https://github.com/prometheus/docs/blob/main/docs/instrumenting/exposition_formats.md>
fn prometheus_text(open_metrics: &str) -> String {
    let counters: HashSet<_> =
        open_metrics.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.strip_suffix(" counter")).collect();
    let mut text = String::with_capacity(open_metrics.len());
    for line in open_metrics.lines().filter(|line| *line != "# EOF" && !line.starts_with("# UNIT ")) {
        let mut words = line.splitn(4, ' ');
        match (words.next(), words.next(), words.next(), words.next()) {
            (Some("#"), Some(keyword), Some(name), Some(rest)) if counters.contains(name) => {
                let _ = writeln!(text, "# {keyword} {name}_total {rest}");
            }
            _ => {
                text.push_str(line);
                text.push('\n');
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_get_the_name_of_their_samples_and_gauges_stay() {
        let open_metrics = "# HELP a_b Counts.\n# TYPE a_b counter\n# UNIT a_b bytes\na_b_total 1\n\
                            # HELP g Is.\n# TYPE g gauge\ng{x=\"# TYPE a_b counter\"} 2\n# EOF\n";
        let expected = "# HELP a_b_total Counts.\n# TYPE a_b_total counter\na_b_total 1\n\
                        # HELP g Is.\n# TYPE g gauge\ng{x=\"# TYPE a_b counter\"} 2\n";
        assert_eq!(prometheus_text(open_metrics), expected);
    }
}
