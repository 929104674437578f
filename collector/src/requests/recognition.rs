//! Which series of an exposition are about requests, and which request each is about.

use super::names::{CONNECTIONS, METHOD, ROUTE, SCHEMES, STATUS};
use super::{Mapping, Unit};
use crate::{Exposed, ExposedValue, Exposition, Labels};

/// The metrics that are read of one instance.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Recognised {
    /// What counts requests: a counter, or a histogram by its count.
    pub requests: Option<String>,
    /// What times them.
    pub durations: Option<(String, Unit)>,
}

/// One series of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct RequestSeries<'a> {
    pub exposed: &'a Exposed,
    /// Whether it counts requests, and not only times them.
    pub counts: bool,
    /// Whether it times requests, and in what.
    pub times: Option<Unit>,
    pub method: &'a str,
    /// `None` where it is of no route.
    pub route: Option<&'a str>,
    pub status: Option<u16>,
}

impl Recognised {
    pub(super) fn of(exposition: &Exposition, mapping: &Mapping) -> Self {
        let names = Names::of(exposition);
        let known = SCHEMES.iter().find_map(|scheme| {
            let durations = scheme.durations.iter().find(|(name, _)| names.histograms.contains(name))?;
            Some((scheme, *durations))
        });
        let durations = match (mapping.durations.as_str(), known) {
            ("", known) => known.map(|(_, (name, unit))| (name.to_owned(), unit)),
            (mapped, _) => names.histograms.contains(&mapped).then(|| (mapped.to_owned(), mapping.unit)),
        };
        let counter = || match known {
            Some((scheme, _)) if mapping.durations.is_empty() => names.counter(scheme.requests),
            _ => SCHEMES.iter().find_map(|scheme| names.counter(scheme.requests)),
        };
        let requests = match mapping.requests.as_str() {
            "" => counter().or(durations.as_ref().map(|(name, _)| name.as_str())),
            mapped => {
                [&names.counters, &names.histograms].iter().any(|names| names.contains(&mapped)).then_some(mapped)
            }
        };
        Self { requests: requests.map(str::to_owned), durations }
    }

    /// The series of these metrics.
    pub(super) fn series<'a>(
        &'a self,
        exposition: &'a Exposition,
        mapping: &'a Mapping,
    ) -> impl Iterator<Item = RequestSeries<'a>> {
        exposition.series.iter().filter_map(move |exposed| {
            let durations = self.durations.as_ref().filter(|(name, _)| *name == exposed.name);
            let times = durations.map(|(_, unit)| *unit);
            let counts = self.requests.as_ref() == Some(&exposed.name);
            let is_cumulative = match exposed.value {
                ExposedValue::Counter(_) => counts,
                ExposedValue::Histogram(_) => counts || times.is_some(),
                ExposedValue::Gauge(_) => false,
            };
            if !is_cumulative {
                return None;
            }
            let (method, route, status) = described(&exposed.labels, mapping);
            Some(RequestSeries { exposed, counts, times, method, route, status })
        })
    }
}

/// Open connections, all series of the gauge together.
pub(super) fn connections(exposition: &Exposition, mapping: &Mapping) -> Option<f64> {
    let sum = |name: &str| {
        let gauges = exposition.series.iter().filter(|exposed| exposed.name == name);
        let values = gauges.filter_map(|exposed| match exposed.value {
            ExposedValue::Gauge(value) => Some(value),
            _ => None,
        });
        values.fold(None, |sum, value| Some(sum.unwrap_or(0.0) + value))
    };
    match mapping.connections.as_str() {
        "" => CONNECTIONS.iter().find_map(|name| sum(name)),
        mapped => sum(mapped),
    }
}

/// The names that an exposition has.
#[derive(Default)]
struct Names<'a> {
    counters: Vec<&'a str>,
    histograms: Vec<&'a str>,
}

impl<'a> Names<'a> {
    fn of(exposition: &'a Exposition) -> Self {
        let mut names = Self::default();
        for exposed in &exposition.series {
            let kind = match exposed.value {
                ExposedValue::Counter(_) => &mut names.counters,
                ExposedValue::Histogram(_) => &mut names.histograms,
                ExposedValue::Gauge(_) => continue,
            };
            // Series of one name mostly follow each other.
            if kind.last() != Some(&exposed.name.as_str()) {
                kind.push(&exposed.name);
            }
        }
        names
    }

    fn counter(&self, candidates: &[&'static str]) -> Option<&'static str> {
        candidates.iter().find(|name| self.counters.contains(name)).copied()
    }
}

/// Method, route and status in the labels.
fn described<'a>(labels: &'a Labels, mapping: &Mapping) -> (&'a str, Option<&'a str>, Option<u16>) {
    let find = |mapped: &str, known: &[&str]| -> Option<&'a str> {
        let mapped = Some(mapped).filter(|name| !name.is_empty());
        match mapped {
            Some(name) => labels.get(name).map(String::as_str),
            None => known.iter().find_map(|name| labels.get(*name)).map(String::as_str),
        }
    };
    let route = find(&mapping.route, &ROUTE);
    // What a route is called is the application's, but a query is never part of it.
    let route = route.map(|route| route.split_once('?').map_or(route, |(path, _)| path));
    (find(&mapping.method, &METHOD).unwrap_or_default(), route, find(&mapping.status, &STATUS).and_then(status))
}

/// A status such as `404`, or a class of them such as `4xx`.
fn status(text: &str) -> Option<u16> {
    let class = |digit: &str| Some(digit.parse::<u16>().ok()? * 100);
    let status = match text.len() {
        3 => text.strip_suffix("xx").or(text.strip_suffix("XX")).map_or_else(|| text.parse().ok(), class),
        _ => None,
    };
    status.filter(|status| (100..600).contains(status))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::exposition::{Format, Limits, parse};

    fn exposition(text: &str) -> Exposition {
        parse(text.as_bytes(), Format::Prometheus, Timestamp::UNIX_EPOCH, Limits::default()).unwrap().exposition
    }

    /// Text of a histogram's series with these labels.
    fn histogram(name: &str, labels: &str) -> String {
        format!("# TYPE {name} histogram\n{name}_bucket{{{labels},le=\"+Inf\"}} 1\n{name}_count{{{labels}}} 1\n")
    }

    /// The series as `metric counts times method route status`.
    fn read(text: &str, mapping: &Mapping) -> Vec<String> {
        let exposition = exposition(text);
        let recognised = Recognised::of(&exposition, mapping);
        let series = recognised.series(&exposition, mapping);
        let line = |series: RequestSeries<'_>| {
            let counts = if series.counts { " counts" } else { "" };
            let times = series.times.map_or(String::new(), |unit| format!(" {unit:?}"));
            let (route, status) = (series.route.unwrap_or("-"), series.status.unwrap_or(0));
            format!("{}{counts}{times} {} {route} {status}", series.exposed.name, series.method)
        };
        series.map(line).collect()
    }

    #[test]
    fn the_known_schemes_are_recognised_by_themselves() {
        let duration = "http_request_duration_seconds";
        for (scheme, text, expected) in [
            (
                "ours",
                "http_requests_total{method=\"GET\",route=\"/r/{id}\",status=\"200\"} 1\n".to_owned()
                    + &histogram(duration, "method=\"GET\",route=\"/r/{id}\",status=\"200\""),
                vec![
                    "http_requests_total counts GET /r/{id} 200",
                    "http_request_duration_seconds Seconds GET /r/{id} 200",
                ],
            ),
            (
                "express-prom-bundle",
                histogram(duration, "status_code=\"404\",method=\"GET\",path=\"/a\"") + "up 1\n",
                vec!["http_request_duration_seconds counts Seconds GET /a 404"],
            ),
            (
                "OpenTelemetry",
                histogram(
                    "http_server_request_duration_seconds",
                    "http_request_method=\"GET\",http_route=\"/a\",http_response_status_code=\"500\",url_scheme=\"http\"",
                ),
                vec!["http_server_request_duration_seconds counts Seconds GET /a 500"],
            ),
            (
                "OpenTelemetry before",
                histogram(
                    "http_server_duration_milliseconds",
                    "http_method=\"GET\",http_target=\"/a?q=1\",http_status_code=\"200\"",
                ),
                vec!["http_server_duration_milliseconds counts Milliseconds GET /a 200"],
            ),
            (
                "OpenTelemetry before, without a unit in the name",
                histogram("http_server_duration", "http_method=\"GET\",http_route=\"/a\",http_target=\"/a?q=1\""),
                vec!["http_server_duration counts Milliseconds GET /a 0"],
            ),
            (
                "Micrometer",
                "# TYPE http_server_requests_seconds summary\nhttp_server_requests_seconds_count{uri=\"/a\",\
                 method=\"GET\",status=\"200\"} 1\n"
                    .to_owned(),
                vec!["http_server_requests_seconds_count counts GET /a 200"],
            ),
            (
                "Micrometer with histograms",
                histogram(
                    "http_server_requests_seconds",
                    "uri=\"/a\",method=\"GET\",status=\"200\",outcome=\"SUCCESS\"",
                ),
                vec!["http_server_requests_seconds counts Seconds GET /a 200"],
            ),
            (
                "FastAPI",
                "http_requests_total{handler=\"/a\",method=\"GET\",status=\"2xx\"} 1\n".to_owned()
                    + &histogram(duration, "handler=\"/a\",method=\"GET\""),
                vec!["http_requests_total counts GET /a 200", "http_request_duration_seconds Seconds GET /a 0"],
            ),
            (
                "axum-prometheus",
                "axum_http_requests_total{method=\"GET\",status=\"200\",endpoint=\"/a\"} 1\n".to_owned()
                    + &histogram(
                        "axum_http_requests_duration_seconds",
                        "method=\"GET\",status=\"200\",endpoint=\"/a\"",
                    ),
                vec![
                    "axum_http_requests_total counts GET /a 200",
                    "axum_http_requests_duration_seconds Seconds GET /a 200",
                ],
            ),
            (
                "Go",
                "http_requests_total{code=\"503\",method=\"get\",handler=\"/a\"} 1\n".to_owned(),
                vec!["http_requests_total counts get /a 503"],
            ),
            ("nginx", "nginx_http_requests_total 5\n".to_owned(), vec!["nginx_http_requests_total counts  - 0"]),
            ("none", "node_cpu_seconds_total 5\n".to_owned(), vec![]),
        ] {
            assert_eq!(read(&text, &Mapping::default()), expected, "{scheme}");
        }
    }

    #[test]
    fn settings_go_before_what_is_known() {
        let text =
            "http_requests_total{method=\"GET\"} 1\nhits_total{how=\"POST\",page=\"/a\",path=\"/b\",rc=\"500\"} 1\n"
                .to_owned()
                + &histogram("took", "how=\"GET\"");
        let mapping = Mapping {
            requests: "hits_total".into(),
            durations: "took".into(),
            unit: Unit::Milliseconds,
            method: "how".into(),
            route: "page".into(),
            status: "rc".into(),
            ..Mapping::default()
        };
        assert_eq!(read(&text, &mapping), ["hits_total counts POST /a 500", "took Milliseconds GET - 0"]);
    }

    #[test]
    fn connections_of_all_series_add_up() {
        let open = exposition("kestrel_active_connections{a=\"1\"} 2\nkestrel_active_connections{a=\"2\"} 3\nmine 9\n");
        assert_eq!(connections(&open, &Mapping::default()), Some(5.0));
        assert_eq!(connections(&open, &Mapping { connections: "mine".into(), ..Mapping::default() }), Some(9.0));
        assert_eq!(connections(&open, &Mapping { connections: "other".into(), ..Mapping::default() }), None);
    }

    #[test]
    fn a_status_is_a_number_or_a_class() {
        for (text, expected) in [
            ("200", Some(200)),
            ("5xx", Some(500)),
            ("4XX", Some(400)),
            ("OK", None),
            ("", None),
            ("xxx", None),
            ("999", None),
            ("+12", None),
            ("レ", None),
        ] {
            assert_eq!(status(text), expected, "{text}");
        }
    }
}
