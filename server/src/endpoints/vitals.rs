//! `/health`: how the monitoring itself stands, for people. `/healthz` and `/readyz` are for programs.

use app::health as draw;
use axum::extract::State;
use axum::response::Response;
use collector::VitalsDesk;
use http::StatusCode;

use super::who::Asking;
use crate::access::Gate;
use crate::policy::FOLLOWED;

/// `GET /health`
pub(crate) async fn page(
    State(gate): State<Gate>,
    State(vitals): State<VitalsDesk>,
    State(assets): State<app::Assets>,
    asking: Asking,
) -> Response {
    let standing = vitals.look().await;
    asking.page_under(FOLLOWED, &gate, StatusCode::OK, |frame| draw(frame, &standing, assets.health.as_deref()))
}
