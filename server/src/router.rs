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

use crate::description::{self, Description};
use crate::endpoints::{Ingest, alerting, annotations, dashboard, health, ingest, live, metrics, preferences, v1};
use crate::peer::Peer;
use crate::state::AppState;
use crate::{middleware, policy, site};

/// The whole site; what is pushed goes to `ingest`.
pub(crate) fn build(state: AppState, ingest: Ingest, settings: &Server) -> Router {
    let pushed = OpenApiRouter::new()
        .routes(routes!(ingest::metrics))
        .routes(routes!(ingest::events))
        .layer(from_fn(ingest::linger))
        .with_state(ingest);
    // These have their paths and methods in their description, beside their handlers.
    let (described, collected) = OpenApiRouter::with_openapi(Description::openapi())
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
        .merge(pushed)
        .split_for_parts();
    let description = description::readable(&collected, &settings.base_path);
    let openapi = {
        let ApiDescription(json) = description.clone();
        move || std::future::ready(Json(Arc::clone(&json)))
    };
    let pages = generate_route_list(app::App);
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
    let files = missing.layer(from_fn_with_state(state.site.clone(), site::serve));
    let http_metrics = state.metrics.clone();
    let router = Router::new()
        .merge(described)
        .route("/api/v1/openapi.json", get(openapi))
        .route("/preferences", post(preferences::set))
        .route("/alerts/act", post(alerting::form))
        .route("/dashboard", post(dashboard::set))
        .route("/annotations", post(annotations::form))
        .route("/api/{*rest}", any(v1::unknown))
        // The pages, and the server functions under /api.
        .leptos_routes_with_context(&state, pages, context, shell)
        // The page's files, and the page for everything else that is not there.
        .fallback_service(files)
        .method_not_allowed_fallback(v1::wrong_method)
        .with_state(state);
    middleware::add(router, &http_metrics, settings)
}
