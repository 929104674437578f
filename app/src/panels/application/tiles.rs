//! The application's numbers, and in words why one is missing.

use collector::{Application, History};
use leptos::prelude::*;

use super::{P50, P95, P99, connections, error_rate, requests};
use crate::charts::{Threshold, Unit, sparkline, thresholds};
use crate::format::{self, MISSING};
use crate::live::{LiveStore, Subject, of};
use crate::widgets::{Tile, part};
use crate::words::Words;

/// Requests, error rate, response time and connections as numbers.
pub fn tiles(words: &'static Words, store: LiveStore) -> AnyView {
    part(move |html| {
        html.mark("<ul class=\"tiles\">");
        of(store.application, |application| {
            let lines = [
                (requests(words), Unit::PerSecond),
                (error_rate(words), Unit::Share),
                (P95, Unit::Milliseconds),
                (connections(words), Unit::Count),
            ];
            let said = store.past(Subject::Application).with_recent(|history| said(words, store, application, history));
            for ((name, value, (more, level)), (series, unit)) in said.into_iter().zip(lines) {
                let tile = match value {
                    Some(value) => Tile { name, reading: Some(unit.parts(value)), more: Some(more), level },
                    // The dash needs no word of its own, for there is one under it.
                    None => {
                        let reading = Some((MISSING.to_owned(), String::new()));
                        Tile { name, reading, more: Some(why(words, application, unit).to_owned()), level: "" }
                    }
                };
                tile.write(html, words, &|html| sparkline(html, words, store, series, unit));
            }
        });
        html.mark("</ul>");
    })
}

/// The name of a tile, its number, and what is said under it with how bad it is.
type Said = (&'static str, Option<f64>, (String, &'static str));

fn said(words: &'static Words, store: LiveStore, application: &Application, history: &History) -> [Said; 4] {
    let (names, total) = (&words.application, &application.total);
    let count = in_history(history).map_or_else(|| MISSING.to_owned(), format::count);
    let limits = |metric: &str| store.marks.with(|marks| thresholds(marks, &|other| other == metric));
    let rate = over(words, total.error_rate, &limits("http_error_rate"), Unit::Share)
        .unwrap_or_else(|| (names.last_minute.to_owned(), ""));
    let time = over(words, total.p95_ms, &limits(P95.metric), Unit::Milliseconds).unwrap_or_else(|| {
        let text =
            |value: Option<f64>| value.map_or_else(|| MISSING.to_owned(), |value| Unit::Milliseconds.parts(value).0);
        let [half, most] = [total.p50_ms, total.p99_ms].map(text);
        (format!("{} {half} · {} {most}", P50.name, P99.name), "")
    });
    let peak = history.points().filter_map(|point| point.active_connections);
    let peak = peak.fold(application.active_connections.unwrap_or(0.0), f64::max);
    [
        (names.requests, total.per_second, ((names.last_hour)(&count), "")),
        (names.error_rate, total.error_rate, rate),
        (P95.name, total.p95_ms, time),
        (names.connections, application.active_connections, ((names.peak)(&format::count(peak)), "")),
    ]
}

/// The highest of the thresholds, the lowest first, that a value is over.
fn over(words: &Words, value: Option<f64>, thresholds: &[Threshold], unit: Unit) -> Option<(String, &'static str)> {
    let (threshold, severity) = thresholds.iter().rev().find(|(threshold, _)| value.is_some_and(|v| v > *threshold))?;
    let (number, name) = unit.parts(*threshold);
    let number = number.trim_end_matches(".0");
    Some(((words.application.over_threshold)(&format!("{number} {name}")), *severity))
}

/// Why there is no number.
fn why(words: &Words, application: &Application, unit: Unit) -> &'static str {
    if !application.instances.iter().any(|instance| instance.up) {
        words.application.target_down
    } else if application.total.per_second == Some(0.0) && matches!(unit, Unit::Share | Unit::Milliseconds) {
        words.application.no_requests
    } else {
        words.not_collected
    }
}

/// How many requests a history has seen. The counter begins anew with the collector; where it is
/// not known, the rate says it.
fn in_history(history: &History) -> Option<f64> {
    let mut count = None;
    let mut before: Option<&collector::GraphPoint> = None;
    for point in history.points() {
        if let Some(before) = before {
            let seconds = (format::milliseconds(point.at) - format::milliseconds(before.at)) / 1_000.0;
            let increase = match (before.requests_total, point.requests_total) {
                (Some(before), Some(after)) if after >= before => Some(after - before),
                (_, Some(after)) if before.requests_total.is_some() => Some(after),
                // Over more than the window of a rate it says nothing.
                _ if seconds <= 120.0 => point.requests_per_second.map(|rate| rate * seconds),
                _ => None,
            };
            if let Some(increase) = increase {
                count = Some(count.unwrap_or(0.0) + increase);
            }
        }
        before = Some(point);
    }
    count
}

#[cfg(test)]
mod tests {
    use collector::{GraphPoint, Instance, Requests};
    use jiff::Timestamp;

    use super::*;
    use crate::words::EN;

    #[test]
    fn the_last_hour_is_counted_over_a_restart_and_without_a_counter() {
        let mut history = History::new(3_600);
        assert_eq!(in_history(&history), None);
        for (second, requests_total, rate) in [
            (0, None, 2.0),
            (30, None, 2.0),
            (60, Some(100.0), 2.0),
            (90, Some(160.0), 2.0),
            (120, Some(20.0), 2.0),
            (600, None, 9.0),
        ] {
            history.insert(GraphPoint {
                at: Timestamp::new(second, 0).unwrap(),
                requests_total,
                requests_per_second: Some(rate),
                ..GraphPoint::default()
            });
        }
        assert_eq!(in_history(&history), Some(60.0 + 60.0 + 60.0 + 20.0));
    }

    #[test]
    fn zero_not_collected_and_down_are_other_words() {
        let reading = |up, per_second| Application {
            instances: vec![Instance { up, last_seen: Some(Timestamp::UNIX_EPOCH), ..Instance::default() }],
            total: Requests { per_second, ..Requests::default() },
            ..Application::default()
        };
        let said = [
            (true, Some(0.0), Unit::Share),
            (true, Some(0.0), Unit::Count),
            (true, None, Unit::Share),
            (false, None, Unit::Share),
        ];
        let said = said.map(|(up, rate, unit)| why(&EN, &reading(up, rate), unit));
        assert_eq!(said, ["no requests", "not collected", "not collected", "does not answer"]);
    }

    #[test]
    fn the_highest_threshold_that_is_passed_is_said() {
        let of = |value| over(&EN, Some(value), &[(5.0, "warning"), (10.0, "critical")], Unit::Share);
        assert_eq!(of(5.0), None);
        assert_eq!(of(7.0), Some(("over the 5 % limit".to_owned(), "warning")));
        assert_eq!(of(12.0), Some(("over the 10 % limit".to_owned(), "critical")));
    }
}
