//! `/healthz`: the process is alive. `/readyz`: what it needs answers.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use collector::backup::BackupState;
use collector::{Backlog, Feed, Health, PartFault, PartState};
use http::StatusCode;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::state::Stages;

/// The answer of `/healthz`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Alive {
    /// `ok`
    status: &'static str,
}

/// Whether the process is alive.
#[utoipa::path(
    get,
    path = "/healthz",
    tag = "operation",
    responses((status = 200, description = "It is", body = Alive)),
)]
pub(crate) async fn healthz() -> impl IntoResponse {
    Json(Alive { status: "ok" })
}

/// The answer of `/readyz`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Readiness {
    ready: bool,
    /// Whether it is about to end: it still answers, and takes no new work.
    stopping: bool,
    parts: BTreeMap<&'static str, PartReadiness>,
    /// What waits for PostgreSQL and what was given up; null where this process takes no samples.
    unsaved: Option<Backlog>,
    /// Why the newest file of alert rules was not taken; null when it was.
    rules_error: Option<String>,
    /// Why alerts may reach nobody; null when they do.
    paging_error: Option<String>,
    /// The newest backup, and what has failed since then.
    backup: BackupState,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PartReadiness {
    state: PartState,
    /// What is wrong with it; null unless it is down.
    fault: Option<PartFault>,
    since: Timestamp,
    /// Seconds since its last sign of life; null if it never gave one.
    age_seconds: Option<f64>,
}

/// State and age of each part; 503 where PostgreSQL or the samples are missing, and once it is told to stop.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "operation",
    responses((status = 200, description = "It is ready", body = Readiness), (status = 503, description = "PostgreSQL or the samples are missing, or it stops", body = Readiness)),
)]
pub(crate) async fn readyz(State(feed): State<Feed>, State(stages): State<Stages>) -> impl IntoResponse {
    let stopping = !stages.is_serving();
    let (health, now) = (feed.health(), Timestamp::now());
    let parts = health.parts.iter().map(|part| {
        let age_seconds = part.last_seen.map(|seen| now.duration_since(seen).as_secs_f64().max(0.0));
        let (state, fault, since) = (part.state, part.fault, part.since);
        (part.name.name(), PartReadiness { state, fault, since, age_seconds })
    });
    let parts = parts.collect();
    let Health { ready, unsaved, rules_error, paging_error, .. } = health;
    let ready = ready && !stopping;
    let answer = Readiness { ready, stopping, parts, unsaved, rules_error, paging_error, backup: feed.backup() };
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(answer))
}
