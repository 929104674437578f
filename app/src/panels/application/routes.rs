//! Which routes are slow, and which fail.

use collector::{Application, Route};
use leptos::prelude::*;

use super::of;
use crate::charts::Unit;
use crate::format::MISSING;
use crate::live::LiveStore;
use crate::widgets::{Cell, table};
use crate::words::Words;

/// The slowest routes, as many as `most`.
pub fn slowest(words: &'static Words, store: LiveStore, most: usize) -> AnyView {
    let application = &words.application;
    let rows = Memo::new(move |_| {
        of(store, |application| {
            let row = |route: &Route| {
                let of = &route.requests;
                vec![
                    name(route),
                    cell(of.p95_ms, Unit::Milliseconds),
                    cell(of.p50_ms, Unit::Milliseconds),
                    cell(of.per_second, Unit::PerSecond),
                ]
            };
            application.routes.iter().take(most).map(row).collect::<Vec<_>>()
        })
    });
    let columns = [application.route, "P95", "P50", application.rate].map(str::to_owned).to_vec();
    view! {
        <section class="routes"><h3>{application.slowest}</h3>{table(columns, rows, application.no_routes)}</section>
    }
    .into_any()
}

/// The routes with failed requests, most failing first, as many as `most`.
pub fn failing(words: &'static Words, store: LiveStore, most: usize) -> AnyView {
    let application = &words.application;
    let rows = Memo::new(move |_| {
        of(store, |application| {
            let row = |route: &Route| {
                let of = &route.requests;
                vec![name(route), cell(of.error_rate, Unit::Share), cell(of.per_second, Unit::PerSecond)]
            };
            most_failing(application).take(most).map(row).collect::<Vec<_>>()
        })
    });
    let columns = [application.route, application.error_rate, application.rate].map(str::to_owned).to_vec();
    view! {
        <section class="routes"><h3>{application.failing}</h3>{table(columns, rows, application.none_failing)}</section>
    }
    .into_any()
}

fn most_failing(application: &Application) -> impl Iterator<Item = &Route> {
    let rate = |route: &Route| route.requests.error_rate.unwrap_or(0.0);
    let mut failing: Vec<_> = application.routes.iter().filter(|route| rate(route) > 0.0).collect();
    failing.sort_by(|a, b| rate(b).total_cmp(&rate(a)));
    failing.into_iter()
}

fn name(route: &Route) -> Cell {
    (format!("{} {}", route.method, route.route), "route")
}

fn cell(value: Option<f64>, unit: Unit) -> Cell {
    // The column says what is per second.
    let text = |value| if unit == Unit::PerSecond { unit.parts(value).0 } else { unit.text(value) };
    (value.map_or_else(|| MISSING.to_owned(), text), "")
}

#[cfg(test)]
mod tests {
    use collector::Requests;

    use super::*;

    #[test]
    fn the_most_failing_come_first_and_those_without_a_failure_not_at_all() {
        let route = |name: &str, error_rate| Route {
            route: name.into(),
            requests: Requests { error_rate, ..Requests::default() },
            ..Route::default()
        };
        let routes = vec![route("/a", Some(1.0)), route("/b", None), route("/c", Some(0.0)), route("/d", Some(50.0))];
        let reading = Application { routes, ..Application::default() };
        assert_eq!(most_failing(&reading).map(|route| route.route.as_str()).collect::<Vec<_>>(), ["/d", "/a"]);
    }
}
