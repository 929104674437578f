//! Every route on one screen.

use axum::Router;
use axum::middleware::from_fn;
use axum::routing::{any, delete, get, post};
use leptos::prelude::provide_context;
use leptos_axum::{LeptosRoutes, file_and_error_handler_with_context, generate_route_list};

use crate::endpoints::{Ingest, alerting, annotations, dashboard, health, ingest, live, metrics, preferences, v1};
use crate::middleware;
use crate::state::AppState;

/// The whole site; what is pushed goes to `ingest`.
pub(crate) fn build(state: AppState, ingest: Ingest) -> Router {
    let pages = generate_route_list(app::App);
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
        }
    };
    let shell = {
        let options = state.leptos.clone();
        move || app::shell(options.clone())
    };
    let pushed = [post(ingest::metrics), post(ingest::events)];
    let [pushed_metrics, pushed_events] =
        pushed.map(|pushed| pushed.with_state(ingest.clone()).layer(from_fn(ingest::linger)));
    let http_metrics = state.metrics.clone();
    let router = Router::new()
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .route("/metrics", get(metrics::metrics))
        .route("/preferences", post(preferences::set))
        .route("/alerts/act", post(alerting::form))
        .route("/dashboard", post(dashboard::set))
        .route("/annotations", post(annotations::form))
        .route("/api/v1/live", get(live::live))
        .route("/api/v1/current", get(v1::current))
        .route("/api/v1/range", get(v1::range))
        .route("/api/v1/stats", get(v1::stats))
        .route("/api/v1/alerts", get(v1::alerts))
        .route("/api/v1/alerts/history", get(v1::alert_history))
        .route("/api/v1/alerts/{id}/acknowledge", post(alerting::acknowledge))
        .route("/api/v1/alerting", get(alerting::desk))
        .route("/api/v1/silences", get(alerting::silences).post(alerting::silence))
        .route("/api/v1/silences/{id}", delete(alerting::end_silence))
        .route("/api/v1/receivers/{name}/test", post(alerting::test))
        .route("/api/v1/annotations", get(annotations::list).post(annotations::mark))
        .route("/api/v1/annotations/{id}", delete(annotations::remove))
        .route("/api/v1/database", get(v1::database))
        .route("/api/v1/events", pushed_events)
        .route("/v1/metrics", pushed_metrics)
        .route("/api/{*rest}", any(v1::unknown))
        // The pages, and the server functions under /api.
        .leptos_routes_with_context(&state, pages, context.clone(), shell)
        // The page's files, and the page for everything else that is not there.
        .fallback(file_and_error_handler_with_context::<AppState, _>(context, app::shell))
        .method_not_allowed_fallback(v1::wrong_method)
        .with_state(state);
    middleware::add(router, &http_metrics)
}
