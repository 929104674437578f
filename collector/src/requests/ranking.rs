//! Which routes are shown: the slowest and the most failing.

use std::cmp::Ordering;

use crate::{Application, Route};

/// The slowest and the most failing of them, half each as far as there are so many, slowest first.
pub(super) fn ranked(mut routes: Vec<Route>) -> Vec<Route> {
    routes.sort_by(slowest);
    if routes.len() <= Application::MOST_ROUTES {
        return routes;
    }
    let mut rest = routes.split_off(Application::MOST_ROUTES / 2);
    // The sort is stable: those that fail as often stay slowest first.
    rest.sort_by(|one, other| {
        let failing = |route: &Route| route.requests.error_rate.unwrap_or(0.0);
        failing(other).total_cmp(&failing(one))
    });
    rest.truncate(Application::MOST_ROUTES - routes.len());
    routes.append(&mut rest);
    routes.sort_by(slowest);
    routes
}

/// By 95th percentile, those without one last; then by name.
fn slowest(one: &Route, other: &Route) -> Ordering {
    let duration = |route: &Route| route.requests.p95_ms.unwrap_or(-1.0);
    let name = |route: &Route| (route.route.clone(), route.method.clone());
    duration(other).total_cmp(&duration(one)).then_with(|| name(one).cmp(&name(other)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Requests;

    fn route(name: &str, p95_ms: f64, error_rate: f64) -> Route {
        let requests = Requests { p95_ms: Some(p95_ms), error_rate: Some(error_rate), ..Requests::default() };
        Route { method: "GET".into(), route: name.into(), requests }
    }

    #[test]
    fn the_slowest_and_the_most_failing_are_shown_slowest_first() {
        let routes = (0..50).map(|n| route(&format!("/slow/{n:02}"), 1_000.0 - f64::from(n), 0.0));
        let failing = (0..3).map(|n| route(&format!("/failing/{n}"), 1.0, 50.0 + f64::from(n)));
        let ranked = ranked(routes.chain(failing).collect());
        let names: Vec<_> = ranked.iter().map(|route| route.route.as_str()).collect();
        assert_eq!(names.len(), Application::MOST_ROUTES);
        assert_eq!(names[0], "/slow/00");
        assert_eq!(names[16..], ["/slow/16", "/failing/0", "/failing/1", "/failing/2"]);
    }

    #[test]
    fn few_routes_are_all_shown() {
        let unknown = Route { route: "/new".into(), ..Route::default() };
        let ranked = ranked(vec![unknown, route("/b", 1.0, 0.0), route("/a", 1.0, 0.0)]);
        assert_eq!(ranked.iter().map(|route| route.route.as_str()).collect::<Vec<_>>(), ["/a", "/b", "/new"]);
    }
}
