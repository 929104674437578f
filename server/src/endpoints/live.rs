//! `/api/v1/live`: the live feed as a websocket.
//!
//! A route and not a server function, for its buffers: with these sizes an idle connection costs
//! a few KiB instead of a hundred. A tick was serialised once, for all, and [`Hub`] hands it to
//! all in one go.

mod client;
mod hub;

use axum::Extension;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use collector::access::Caller;
use collector::http::HttpMetrics;
use http::StatusCode;
use serde::Deserialize;

use super::v1::ApiError;
use crate::description::{ErrorBody, Foreign, Invalid};

pub(crate) use hub::Hub;

/// Clients have nothing to say but pongs, and every idle one holds a buffer for it.
const LARGEST_MESSAGE: usize = 4 << 10;
const READ_BUFFER: usize = 512;

#[derive(Debug, Deserialize)]
pub(crate) struct Parameters {
    since: Option<u64>,
}

/// Upgrades to a websocket that begins with `hello` and then sends every live event.
#[utoipa::path(
    get,
    path = "/api/v1/live",
    tag = "values",
    params(
        ("since" = Option<u64>, Query, description = "The seq of the last event seen: all that came after it follows"),
    ),
    responses((status = 101, description = "A websocket of text frames, each a LiveEvent"), Invalid, Foreign, (status = 426, description = "The request is not for a websocket", body = ErrorBody)),
)]
pub(crate) async fn live(
    State(hub): State<Hub>,
    State(metrics): State<HttpMetrics>,
    Extension(caller): Extension<Caller>,
    parameters: Result<Query<Parameters>, axum::extract::rejection::QueryRejection>,
    upgrade: Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>,
) -> Response {
    let Ok(Query(Parameters { since })) = parameters else {
        let message = "since must be the seq of the last event seen, a whole number";
        return ApiError::new(StatusCode::BAD_REQUEST, "invalid", message, "since").into_response();
    };
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade,
        Err(_) => {
            let message = "this is a websocket: connect with ws:// and no other method than GET";
            return ApiError::new(StatusCode::UPGRADE_REQUIRED, "not_a_websocket", message, "upgrade").into_response();
        }
    };
    upgrade
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0)
        .max_message_size(LARGEST_MESSAGE)
        .max_frame_size(LARGEST_MESSAGE)
        .on_upgrade(move |socket| async move {
            let _open = metrics.connection();
            hub.serve(socket, since, caller).await;
        })
}
