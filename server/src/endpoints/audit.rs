//! `/audit`: the audit log, for admins.

use app::access::audit as draw;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;

use super::v1::ApiError;
use super::who::Asking;
use crate::access::Gate;

/// Entries of the page; `recipe-monitoring-collector audit` and the table have all.
const NEWEST: u16 = 200;

/// `GET /audit`
pub(crate) async fn page(State(gate): State<Gate>, asking: Asking) -> Result<Response, ApiError> {
    let page = gate.audit().newest(NEWEST).await.map_err(|error| {
        tracing::error!(%error, "the audit log cannot be read");
        let message = "the audit log cannot be read now; the program's log says why";
        ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", message, "")
    })?;
    Ok(asking.page(&gate, StatusCode::OK, |frame| draw(frame, &page)))
}
