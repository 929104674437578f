//! Which routes are slow, and which fail.

use collector::{Application, Route};
use leptos::prelude::*;

use super::ROUTES_SHOWN;
use crate::charts::Unit;
use crate::format::{self, MISSING};
use crate::live::{LiveStore, of};
use crate::widgets::{Html, part};
use crate::words::Words;

/// The slowest and the most failing routes, at most so many of each.
pub fn routes(words: &'static Words, store: LiveStore, most: usize) -> AnyView {
    part(move |html| write(html, words, store, most))
}

/// The same as markup.
pub fn write(html: &mut Html, words: &Words, store: LiveStore, most: usize) {
    let words = &words.application;
    of(store.application, |application| {
        let slowest = application.routes.iter().take(most).map(|route| {
            let of = &route.requests;
            let mut row = vec![name(route), text(of.p95_ms, Unit::Milliseconds), rate(route)];
            if most > ROUTES_SHOWN {
                row.insert(1, text(of.p50_ms, Unit::Milliseconds));
            }
            row
        });
        let failing = most_failing(application)
            .take(most)
            .map(|route| vec![name(route), text(route.requests.error_rate, Unit::Share), rate(route)]);
        let columns = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        html.element("<section class=\"routes\"><h3>", words.slowest, "</h3>");
        let mut names = columns(&[words.route, "P95", words.rate]);
        if most > ROUTES_SHOWN {
            names.insert(1, "P50".to_owned());
        }
        html.table("route", &names, &slowest.collect::<Vec<_>>(), words.no_routes);
        if most > application.routes.len() && application.routes_left_out > 0 {
            let count = u32::try_from(application.routes_left_out).unwrap_or(u32::MAX);
            let left_out = (words.left_out)(&format::count(f64::from(count)));
            html.element("<p class=\"table-none\">", &left_out, "</p>");
        }
        html.element("</section><section class=\"routes\"><h3>", words.failing, "</h3>");
        let names = columns(&[words.route, words.error_rate, words.rate]);
        html.table("route", &names, &failing.collect::<Vec<_>>(), words.none_failing).mark("</section>");
    });
}

fn most_failing(application: &Application) -> impl Iterator<Item = &Route> {
    let rate = |route: &Route| route.requests.error_rate.unwrap_or(0.0);
    // Few, so that no sort of the standard library is in the page for them.
    let mut failing: Vec<&Route> = Vec::new();
    for route in application.routes.iter().filter(|route| rate(route) > 0.0) {
        let place = failing.iter().position(|known| rate(known) < rate(route)).unwrap_or(failing.len());
        failing.insert(place, route);
    }
    failing.into_iter()
}

fn name(route: &Route) -> String {
    format!("{} {}", route.method, route.route)
}

fn text(value: Option<f64>, unit: Unit) -> String {
    value.map_or_else(|| MISSING.to_owned(), |value| unit.text(value))
}

/// Without its unit, which is in the column's name.
fn rate(route: &Route) -> String {
    route.requests.per_second.map_or_else(|| MISSING.to_owned(), format::short)
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
