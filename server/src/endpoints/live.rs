//! `/api/v1/live`: the live feed as a websocket.
//!
//! A route and not a server function, for its buffers: with these sizes an idle connection costs
//! a few KiB instead of a hundred. A tick was serialised once, for all, and [`Hub`] hands it to
//! all in one go.

mod client;
mod event;
mod hub;
mod wire;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Query, Request, State};
use axum::response::{IntoResponse, Response};
use collector::access::Caller;
use collector::http::HttpMetrics;
use http::StatusCode;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::server::create_response_with_body;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use super::v1::ApiError;
use crate::connections::Connection;
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
    mut request: Request,
) -> Response {
    let Ok(Query(Parameters { since })) = parameters else {
        let message = "since must be the seq of the last event seen, a whole number";
        return ApiError::new(StatusCode::BAD_REQUEST, "invalid", message, "since").into_response();
    };
    let upgrade = hyper::upgrade::on(&mut request);
    let Ok(response) = create_response_with_body(&request, Body::empty) else {
        let message = "this is a websocket: connect with ws:// and no other method than GET";
        return ApiError::new(StatusCode::UPGRADE_REQUIRED, "not_a_websocket", message, "upgrade").into_response();
    };
    tokio::spawn(async move {
        if let Some(socket) = upgraded(upgrade).await {
            let _open = metrics.connection();
            hub.serve(socket, since, caller).await;
        }
    });
    response
}

/// The websocket, once the client has been answered; `None` where it has gone before that.
async fn upgraded(upgrade: OnUpgrade) -> Option<client::Socket> {
    let upgraded = upgrade.await.inspect_err(|error| tracing::debug!(%error, "a websocket has ended")).ok()?;
    // Every connection is one.
    let parts = upgraded.downcast::<TokioIo<Connection>>().ok()?;
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0)
        .max_message_size(Some(LARGEST_MESSAGE))
        .max_frame_size(Some(LARGEST_MESSAGE));
    let wire = wire::Wire::new(parts.io.into_inner());
    Some(WebSocketStream::from_partially_read(wire, parts.read_buf.to_vec(), Role::Server, Some(config)).await)
}
