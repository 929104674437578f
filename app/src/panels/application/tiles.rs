//! The application's numbers, and in words why one is missing.

use collector::{Application, History};
use leptos::prelude::*;

use super::{P50, P95, P99, connections, error_rate, requests};
use crate::charts::{Series, Unit};
use crate::format::{self, MISSING};
use crate::live::{LiveStore, Subject, of};
use crate::widgets::Tile;
use crate::words::Words;

/// What a tile says under its number, and the severity of it as a class.
type More = fn(&'static Words, &Application, &History) -> (String, &'static str);

/// Requests, error rate, response time and connections as numbers.
pub fn tiles(words: &'static Words, store: LiveStore) -> AnyView {
    let tile =
        move |name: &'static str, series: Series, unit: Unit, value: fn(&Application) -> Option<f64>, more: More| {
            let said = Memo::new(move |_| {
                of(store.application, |application| match value(application) {
                    None => (why(words, application, unit).to_owned(), ""),
                    Some(_) => {
                        store.past(Subject::Application).with_recent(|history| more(words, application, history))
                    }
                })
            });
            let reading = Signal::derive(move || {
                let value = of(store.application, value);
                // The dash needs no word of its own, for there is one under it.
                Some(value.map_or_else(|| (MISSING.to_owned(), String::new()), |value| unit.parts(value)))
            });
            let level = Signal::derive(move || said.with(|said| said.1.to_owned()));
            let more = Signal::derive(move || said.with(|said| said.0.clone()));
            view! { <Tile name reading more level series unit/> }
        };
    let application = &words.application;
    view! {
        <ul class="tiles">
            {tile(application.requests, requests(words), Unit::PerSecond, |known| known.total.per_second, |words, _, history| {
                let count = in_history(history).map_or_else(|| MISSING.to_owned(), format::count);
                ((words.application.last_hour)(&count), "")
            })}
            {tile(application.error_rate, error_rate(words), Unit::Share, |known| known.total.error_rate, |words, known, _| {
                over(words, known.total.error_rate, &super::ERROR_RATE, Unit::Share)
                    .unwrap_or_else(|| (words.application.last_minute.to_owned(), ""))
            })}
            {tile(P95.name, P95, Unit::Milliseconds, |known| known.total.p95_ms, |words, known, _| {
                let text = |value: Option<f64>| value.map_or_else(|| MISSING.to_owned(), format::short);
                over(words, known.total.p95_ms, &super::RESPONSE_TIME, Unit::Milliseconds).unwrap_or_else(|| {
                    let [half, most] = [known.total.p50_ms, known.total.p99_ms].map(text);
                    (format!("{} {half} · {} {most}", P50.name, P99.name), "")
                })
            })}
            {tile(application.connections, connections(words), Unit::Count, |known| known.active_connections, |words, known, history| {
                let peak = history.points().filter_map(|point| point.active_connections);
                let peak = peak.fold(known.active_connections.unwrap_or(0.0), f64::max);
                ((words.application.peak)(&format::count(peak)), "")
            })}
        </ul>
    }
    .into_any()
}

/// The highest threshold that a value is over.
fn over(
    words: &Words,
    value: Option<f64>,
    thresholds: &[crate::charts::Threshold],
    unit: Unit,
) -> Option<(String, &'static str)> {
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
    let mut before: Option<&collector::SystemPoint> = None;
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
    use collector::{Instance, Requests, SystemPoint};
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
            history.insert(SystemPoint {
                at: Timestamp::new(second, 0).unwrap(),
                requests_total,
                requests_per_second: Some(rate),
                ..SystemPoint::default()
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
        let of = |value| over(&EN, Some(value), &super::super::ERROR_RATE, Unit::Share);
        assert_eq!(of(5.0), None);
        assert_eq!(of(7.0), Some(("over the 5 % limit".to_owned(), "warning")));
        assert_eq!(of(12.0), Some(("over the 10 % limit".to_owned(), "critical")));
    }
}
