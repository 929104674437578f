//! What each route takes: the whole policy as one table. A route that is not in it is refused, and a test of the
//! router fails.

use collector::access::{Caller, Role, Scope};
use http::Method;

/// What a route takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Take {
    /// Nothing: everybody may.
    Open,
    /// To see what is shown.
    Read,
    /// To look after alerts, silence and annotate.
    Operate,
    /// To have users, tokens and the audit log.
    Administer,
    /// To scrape.
    Scrape,
    /// To push events and metrics.
    Ingest,
    /// To be logged in, as whoever it is.
    Own,
}

use Take::{Administer, Ingest, Open, Operate, Own, Read, Scrape};

/// Any method.
pub(crate) const ANY: &str = "*";

/// Method, path as the router has it, what it takes, and what the audit log calls it where it changes something.
/// Nothing is noted of what is pushed, which is data, nor of what only sets the caller's own cookies.
const ROUTES: [(&str, &str, Take, Option<&str>); 47] = [
    ("GET", "/healthz", Open, None),
    ("GET", "/readyz", Open, None),
    ("GET", "/metrics", Scrape, None),
    ("POST", "/v1/metrics", Ingest, None),
    ("POST", "/api/v1/events", Ingest, None),
    ("GET", "/api/v1/live", Read, None),
    ("GET", "/api/v1/current", Read, None),
    ("GET", "/api/v1/range", Read, None),
    ("GET", "/api/v1/stats", Read, None),
    ("GET", "/api/v1/alerts", Read, None),
    ("GET", "/api/v1/alerts/history", Read, None),
    ("GET", "/api/v1/database", Read, None),
    ("GET", "/api/v1/alerting", Read, None),
    ("GET", "/api/v1/openapi.json", Read, None),
    ("POST", "/api/v1/alerts/{id}/acknowledge", Operate, Some("alert.acknowledge")),
    ("GET", "/api/v1/silences", Read, None),
    ("POST", "/api/v1/silences", Operate, Some("silence.add")),
    ("DELETE", "/api/v1/silences/{id}", Operate, Some("silence.end")),
    ("POST", "/api/v1/receivers/{name}/test", Operate, Some("receiver.test")),
    ("GET", "/api/v1/annotations", Read, None),
    ("POST", "/api/v1/annotations", Operate, Some("annotation.add")),
    ("DELETE", "/api/v1/annotations/{id}", Operate, Some("annotation.remove")),
    ("POST", "/alerts/act", Operate, Some("alert.act")),
    ("POST", "/annotations", Operate, Some("annotation.add")),
    ("POST", "/preferences", Read, None),
    ("POST", "/dashboard", Read, None),
    ("GET", "/", Read, None),
    ("GET", "/system", Read, None),
    ("GET", "/application", Read, None),
    ("GET", "/business", Read, None),
    ("GET", "/alerts", Read, None),
    ("GET", "/database", Read, None),
    ("GET", "/api", Read, None),
    ("GET", "/health", Read, None),
    ("POST", "/api/snapshot", Read, None),
    ("POST", "/api/drawn", Read, None),
    (ANY, "/api/{*rest}", Read, None),
    ("GET", "/login", Open, None),
    ("POST", "/login", Open, Some("login")),
    ("POST", "/logout", Open, Some("logout")),
    ("GET", "/first-admin", Open, None),
    ("POST", "/first-admin", Open, Some("user.add")),
    ("GET", "/account", Own, None),
    ("POST", "/account", Own, Some("account")),
    ("GET", "/users", Administer, None),
    ("POST", "/users", Administer, Some("user")),
    ("GET", "/audit", Administer, None),
];

/// What is known of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(crate) take: Take,
    /// What the audit log calls it.
    pub(crate) action: Option<&'static str>,
}

/// The rule of a route: `None` where there is none, so nobody may.
pub(crate) fn rule(method: &Method, path: &str) -> Option<Rule> {
    // Whatever answers GET answers HEAD, with less.
    let method = if method == Method::HEAD { "GET" } else { method.as_str() };
    let is_known = |known: &&(&str, &str, Take, Option<&str>)| (known.0 == method || known.0 == ANY) && known.1 == path;
    ROUTES.iter().find(is_known).map(|(_, _, take, action)| Rule { take: *take, action: *action })
}

/// The methods that a path takes, for the header Allow; empty where the path is not known.
pub(crate) fn methods(path: &str) -> Vec<&'static str> {
    let mut methods: Vec<_> = ROUTES.iter().filter(|known| known.1 == path).map(|known| known.0).collect();
    if methods.contains(&"GET") {
        methods.push("HEAD");
    }
    methods
}

/// Whether this caller may.
pub(crate) fn may(caller: &Caller, take: Take) -> bool {
    match (caller, take) {
        (_, Open) | (Caller::Everybody, _) | (Caller::Public, Read) | (Caller::User { .. }, Own) => true,
        (Caller::User { role, .. }, take) => *role >= least_role(take),
        (Caller::Token { scopes, .. }, take) => scope_of(take).is_some_and(|scope| scopes.contains(&scope)),
        (Caller::Public, _) => false,
    }
}

/// The least of the roles that may.
pub(crate) fn least_role(take: Take) -> Role {
    match take {
        Open | Read | Scrape | Own => Role::Viewer,
        Operate | Ingest => Role::Operator,
        Administer => Role::Admin,
    }
}

/// The scope of a token that may; `None` where none may.
pub(crate) fn scope_of(take: Take) -> Option<Scope> {
    match take {
        Read => Some(Scope::Read),
        Operate => Some(Scope::Operate),
        Scrape => Some(Scope::Metrics),
        Ingest => Some(Scope::Ingest),
        Open | Administer | Own => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use collector::access::Digest;

    use super::*;

    #[tokio::test]
    async fn every_route_of_the_router_has_a_row_and_every_row_a_route() {
        let routes = crate::router::routes();
        for (method, path) in &routes {
            let methods = if *method == ANY { vec!["GET", "POST", "DELETE"] } else { vec![method.as_str()] };
            for method in methods {
                assert!(rule(&method.parse().unwrap(), path).is_some(), "{method} {path} has no row: nobody may");
            }
        }
        let known: BTreeSet<_> = routes.iter().map(|(method, path)| (method.as_str(), path.as_str())).collect();
        for (method, path, _, _) in &ROUTES {
            assert!(known.contains(&(method, path)), "{method} {path} is no route");
        }
    }

    #[test]
    fn what_is_not_known_is_nobodys() {
        for (method, path) in [
            (Method::GET, "/new"),
            (Method::PUT, "/"),
            (Method::POST, "/api/v1/current"),
            (Method::GET, "/api/snapshot"),
            (Method::POST, "/api/other"),
        ] {
            assert_eq!(rule(&method, path), None, "{method} {path}");
        }
        assert_eq!(rule(&Method::HEAD, "/").map(|rule| rule.take), Some(Read));
        assert_eq!(rule(&Method::PUT, "/api/{*rest}").map(|rule| rule.take), Some(Read));
        assert_eq!(methods("/api/v1/silences"), ["GET", "POST", "HEAD"]);
    }

    #[test]
    fn roles_contain_each_other_and_scopes_do_not() {
        let takes = [Open, Read, Operate, Administer, Scrape, Ingest, Own];
        let of = |caller: Caller| takes.map(|take| may(&caller, take));
        let user = |role| Caller::User { name: "mika".to_owned(), role, session: Digest::of("") };
        let token = |scope| Caller::Token { name: "ci".to_owned(), scopes: vec![scope], token: Digest::of("") };
        assert_eq!(of(Caller::Everybody), [true; 7]);
        assert_eq!(of(Caller::Public), [true, true, false, false, false, false, false]);
        assert_eq!(of(user(Role::Viewer)), [true, true, false, false, true, false, true]);
        assert_eq!(of(user(Role::Operator)), [true, true, true, false, true, true, true]);
        assert_eq!(of(user(Role::Admin)), [true; 7]);
        assert_eq!(of(token(Scope::Read)), [true, true, false, false, false, false, false]);
        assert_eq!(of(token(Scope::Operate)), [true, false, true, false, false, false, false]);
        assert_eq!(of(token(Scope::Metrics)), [true, false, false, false, true, false, false]);
        assert_eq!(of(token(Scope::Ingest)), [true, false, false, false, false, true, false]);
    }
}
