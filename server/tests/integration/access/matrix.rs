//! Every route with every method and every kind of credentials.

use collector::access::{Role, Scope};
use jiff::SignedDuration;

use super::{session, tampered, token, with_users};
use crate::helpers::{Dashboard, Place};

/// Whom a route is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum For {
    Everybody,
    Readers,
    Operators,
    Admins,
    Scrapers,
    Pushers,
    Users,
}

use For::{Admins, Everybody, Operators, Pushers, Readers, Scrapers, Users};

/// Written down again, and not taken from the program: a row that changes there is seen here.
const ROWS: [(&str, &str, For); 48] = [
    ("GET", "/healthz", Everybody),
    ("GET", "/readyz", Everybody),
    ("GET", "/metrics", Scrapers),
    ("POST", "/v1/metrics", Pushers),
    ("POST", "/api/v1/events", Pushers),
    ("GET", "/api/v1/live", Readers),
    ("GET", "/api/v1/current", Readers),
    ("GET", "/api/v1/range", Readers),
    ("GET", "/api/v1/stats", Readers),
    ("GET", "/api/v1/alerts", Readers),
    ("GET", "/api/v1/alerts/history", Readers),
    ("GET", "/api/v1/database", Readers),
    ("GET", "/api/v1/alerting", Readers),
    ("GET", "/api/v1/openapi.json", Readers),
    ("GET", "/api/v1/silences", Readers),
    ("GET", "/api/v1/annotations", Readers),
    ("POST", "/api/v1/alerts/{id}/acknowledge", Operators),
    ("POST", "/api/v1/silences", Operators),
    ("DELETE", "/api/v1/silences/{id}", Operators),
    ("POST", "/api/v1/receivers/{name}/test", Operators),
    ("POST", "/api/v1/annotations", Operators),
    ("DELETE", "/api/v1/annotations/{id}", Operators),
    ("POST", "/alerts/act", Operators),
    ("POST", "/annotations", Operators),
    ("POST", "/preferences", Readers),
    ("POST", "/dashboard", Readers),
    ("GET", "/", Readers),
    ("GET", "/system", Readers),
    ("GET", "/application", Readers),
    ("GET", "/business", Readers),
    ("GET", "/alerts", Readers),
    ("GET", "/database", Readers),
    ("GET", "/api", Readers),
    ("GET", "/health", Readers),
    ("POST", "/api/snapshot", Readers),
    ("POST", "/api/drawn", Readers),
    ("GET", "/api/{*rest}", Readers),
    ("POST", "/api/{*rest}", Readers),
    ("GET", "/account", Users),
    ("POST", "/account", Users),
    ("GET", "/users", Admins),
    ("POST", "/users", Admins),
    ("GET", "/audit", Admins),
    ("GET", "/login", Everybody),
    ("POST", "/login", Everybody),
    ("GET", "/first-admin", Everybody),
    ("POST", "/first-admin", Everybody),
    // The last, for it ends the session.
    ("POST", "/logout", Everybody),
];

/// Who sends a request.
#[derive(Clone, Copy, Debug)]
enum Who {
    Nobody,
    User(Role),
    Program(Scope),
}

fn may(who: Who, of: For) -> bool {
    match who {
        _ if of == Everybody => true,
        Who::Nobody => false,
        Who::User(Role::Viewer) => matches!(of, Readers | Scrapers | Users),
        Who::User(Role::Operator) => of != Admins,
        Who::User(Role::Admin) => true,
        Who::Program(Scope::Read) => of == Readers,
        Who::Program(Scope::Operate) => of == Operators,
        Who::Program(Scope::Metrics) => of == Scrapers,
        Who::Program(Scope::Ingest) => of == Pushers,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_lets_in_whom_it_should_and_nobody_else() {
    for (method, path) in server::routes() {
        let methods = if method == "*" { vec!["GET", "POST"] } else { vec![method.as_str()] };
        for method in methods {
            let is_known = ROWS.iter().any(|(known, at, _)| (*known, *at) == (method, path.as_str()));
            assert!(is_known, "{method} {path} has no row here: say whom it is for");
        }
    }
    let place = Place::new();
    let access = with_users(&place).await;
    let (fresh, old) = (SignedDuration::ZERO, SignedDuration::from_hours(24));
    let mut credentials = vec![(Who::Nobody, String::new())];
    for role in Role::ALL {
        credentials.push((Who::User(role), session(&access, role.name(), fresh)));
    }
    for scope in Scope::ALL {
        credentials.push((Who::Program(scope), token(&access, scope.name(), scope, old)));
        let ended = token(&access, &format!("{}-ended", scope.name()), scope, -old);
        credentials.push((Who::Nobody, ended));
        let kept = token(&access, &format!("{}-kept", scope.name()), scope, old);
        credentials.push((Who::Nobody, tampered(&kept)));
    }
    credentials.push((Who::Nobody, tampered(&session(&access, "admin", fresh))));
    // Not used for longer than it may be, and older than it may get.
    credentials.push((Who::Nobody, session(&access, "admin", SignedDuration::from_hours(7 * 24 + 1))));
    credentials.push((Who::Nobody, session(&access, "admin", SignedDuration::from_hours(30 * 24 + 1))));
    credentials.push((Who::Nobody, "Authorization: Basic YWRtaW46Y29ycmVjdCBob3JzZSBiYXR0ZXJ5".to_owned()));
    let dashboard = Dashboard::start(&place, &[]).await;
    for (method, path, of) in ROWS {
        let path = path.replace("{id}", "x").replace("{name}", "x").replace("{*rest}", "nothing");
        for (who, header) in &credentials {
            let headers = Some(header.as_str()).filter(|header| !header.is_empty());
            let answer = dashboard.request(&format!("{method} {path}"), headers.as_slice(), "").await;
            let case = format!("{method} {path} by {who:?} with {header:?}: {} {}", answer.status, answer.body);
            let is_refused = [401, 403].contains(&answer.status);
            assert_eq!(is_refused, !may(*who, of), "{case}");
            if !is_refused {
                continue;
            }
            let code = answer.json()["error"]["code"].as_str().unwrap().to_owned();
            match who {
                Who::Nobody => {
                    assert!(
                        answer.status == 401 && ["unauthorized", "invalid_token"].contains(&code.as_str()),
                        "{case}"
                    );
                    assert!(answer.headers.contains("www-authenticate: bearer"), "{case}");
                }
                _ => assert_eq!((answer.status, code.as_str()), (403, "forbidden"), "{case}"),
            }
        }
        // A method that nobody has written a row for is not let through either.
        let admin = session(&access, "admin", fresh);
        let other = dashboard.request(&format!("PATCH {path}"), &[&admin], "").await;
        assert_eq!(other.status, if path == "/api/nothing" { 404 } else { 405 }, "PATCH {path}: {}", other.body);
    }
    // What is no route is a page that shows as much as any other.
    assert_eq!(dashboard.get("/no/such/page", &[]).await.status, 401);
    assert_eq!(dashboard.get("/no/such/page", &[&session(&access, "viewer", fresh)]).await.status, 404);
    // Files are everybody's: the log-in is in the style of the page.
    assert_eq!(dashboard.get("/pkg/page.0123456789abcdef.css", &[]).await.status, 200);
}
