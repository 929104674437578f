//! Every route on one screen.

use std::sync::Arc;

use app::{ApiDescription, Outside};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{any, any_service, get, post};
use axum::{Json, Router};
use collector::config::Server;
use http::request::Parts;
use leptos::prelude::{provide_context, use_context};
use leptos_axum::{ErrorHandler, LeptosRoutes, generate_route_list};
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::guard_rest;
use crate::access::policy::ANY;
use crate::description::{self, Description};
use crate::endpoints::{
    Ingest, account, alerting, annotations, audit, dashboard, health, ingest, live, login, metrics, pages, preferences,
    users, v1, vitals,
};
use crate::peer::Peer;
use crate::state::AppState;
use crate::{middleware, policy, site};

/// The whole site; what is pushed goes to `ingest`.
pub(crate) fn build(state: AppState, ingest: Ingest, settings: &Server) -> Router {
    let pushed = pushed().layer(from_fn(ingest::linger)).with_state(ingest);
    let (described, collected) = described().merge(pushed).split_for_parts();
    let description = description::readable(&collected, &settings.base_path);
    let openapi = {
        let ApiDescription(json) = description.clone();
        move || std::future::ready(Json(Arc::clone(&json)))
    };
    let routes = generate_route_list(app::App);
    let base: Arc<str> = settings.base_path.as_str().into();
    let context = {
        let (assets, feed, archive) = (state.assets.clone(), state.feed.clone(), state.archive.clone());
        let (desk, dashboard, database) = (state.desk.clone(), state.dashboard.clone(), state.database.clone());
        move || {
            provide_context(desk.clone());
            provide_context(dashboard.clone());
            provide_context(database.clone());
            provide_context(assets.clone());
            provide_context(feed.clone());
            provide_context(archive.clone());
            provide_context(description.clone());
            let peer = use_context::<Parts>().and_then(|parts| parts.extensions.get::<Peer>().copied());
            provide_context(Outside { base: Arc::clone(&base), secure: peer.is_some_and(|peer| peer.secure) });
            policy::of_page();
        }
    };
    let shell = {
        let options = state.leptos.clone();
        move || app::shell(options.clone())
    };
    let missing = any_service(ErrorHandler::new_with_context(context.clone(), app::shell, state.leptos.clone()));
    // Files are everybody's; the page that says that there is none shows as much as any other.
    let files = missing
        .layer(from_fn(pages::finish))
        .layer(from_fn_with_state(state.gate.clone(), guard_rest))
        .layer(from_fn_with_state(state.site.clone(), site::serve));
    let gate = state.gate.clone();
    let http_metrics = state.metrics.clone();
    // The pages, and the server functions under /api.
    let drawn = Router::new()
        .leptos_routes_with_context(&state, routes, context, shell)
        .layer(from_fn(pages::refuse))
        .layer(from_fn(pages::finish));
    let router = Router::new()
        .merge(described)
        .route("/api/v1/openapi.json", get(openapi))
        .merge(plain())
        .route("/api/{*rest}", any(v1::unknown))
        .merge(drawn)
        // The page's files, and the page for everything else that is not there.
        .fallback_service(files)
        .method_not_allowed_fallback(v1::wrong_method)
        .with_state(state);
    middleware::add(router, &http_metrics, settings, gate)
}

/// What applications push.
fn pushed() -> OpenApiRouter<Ingest> {
    OpenApiRouter::new().routes(routes!(ingest::metrics)).routes(routes!(ingest::events))
}

/// These have their paths and methods in their description, beside their handlers.
fn described() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
        .routes(routes!(metrics::metrics))
        .routes(routes!(live::live))
        .routes(routes!(v1::current))
        .routes(routes!(v1::range))
        .routes(routes!(v1::stats))
        .routes(routes!(v1::alerts))
        .routes(routes!(v1::alert_history))
        .routes(routes!(v1::database))
        .routes(routes!(alerting::acknowledge))
        .routes(routes!(alerting::desk))
        .routes(routes!(alerting::silences, alerting::silence))
        .routes(routes!(alerting::end_silence))
        .routes(routes!(alerting::test))
        .routes(routes!(annotations::list, annotations::mark))
        .routes(routes!(annotations::remove))
}

/// Method and path of every plain route, with what does it: one list for the router and for the tests.
macro_rules! plain {
    ($(($method:ident, $path:literal, $handler:expr)),+ $(,)?) => {
        /// Plain forms and the pages of log-in.
        fn plain() -> Router<AppState> {
            Router::new()$(.route($path, $method($handler)))+
        }

        const PLAIN: &[(&str, &str)] = &[$((stringify!($method), $path)),+];
    };
}

plain![
    (post, "/preferences", preferences::set),
    (post, "/alerts/act", alerting::form),
    (post, "/dashboard", dashboard::set),
    (post, "/annotations", annotations::form),
    (get, "/login", login::page),
    (post, "/login", login::log_in),
    (post, "/logout", login::log_out),
    (get, "/first-admin", login::first_admin_page),
    (post, "/first-admin", login::first_admin),
    (get, "/account", account::page),
    (post, "/account", account::set),
    (get, "/users", users::page),
    (post, "/users", users::act),
    (get, "/audit", audit::page),
    (get, "/health", vitals::page),
];

/// Method and path of every route, `*` for any method: for the tests of who may, which have a row for each.
#[doc(hidden)]
#[must_use]
pub fn routes() -> Vec<(String, String)> {
    let mut routes: Vec<(String, String)> = Vec::new();
    let described = [described().into_openapi(), pushed().into_openapi()].map(serde_json::to_value);
    for description in described.into_iter().flatten() {
        let paths = description["paths"].as_object().cloned().unwrap_or_default();
        for (path, methods) in paths {
            let methods = methods.as_object().cloned().unwrap_or_default();
            routes.extend(methods.keys().map(|method| (method.to_uppercase(), path.clone())));
        }
    }
    routes.extend(PLAIN.iter().map(|(method, path)| (method.to_uppercase(), (*path).to_owned())));
    routes.extend(generate_route_list(app::App).iter().map(|page| ("GET".to_owned(), page.path().to_owned())));
    let functions = leptos::server_fn::axum::server_fn_paths();
    routes.extend(functions.map(|(path, method)| (method.to_string(), path.to_owned())));
    routes.push(("GET".to_owned(), "/api/v1/openapi.json".to_owned()));
    routes.push((ANY.to_owned(), "/api/{*rest}".to_owned()));
    routes
}
