//! `/api/v1/live`: the live feed as a websocket.
//!
//! A route and not a server function, for its buffers: with these sizes an idle connection costs
//! a few KiB instead of a hundred. A tick was serialised once, for all.

use std::time::{Duration, Instant};

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade, close_code};
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use collector::http::HttpMetrics;
use collector::{Feed, Subscription};
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use serde::Deserialize;
use tokio::time::MissedTickBehavior;

use super::v1::ApiError;
use crate::middleware::is_same_origin;
use crate::state::{LiveClients, Stopping};

/// Clients have nothing to say but pongs, and every idle one holds a buffer for it.
const LARGEST_MESSAGE: usize = 4 << 10;
const READ_BUFFER: usize = 512;
/// A client that takes longer to take one event is cut off; it will come back.
const SEND_LIMIT: Duration = Duration::from_secs(20);
const PING: Duration = Duration::from_secs(30);
/// A client that gave no sign of life for so long is gone.
const SILENCE: Duration = Duration::from_secs(75);

#[derive(Debug, Deserialize)]
pub(crate) struct Parameters {
    since: Option<u64>,
}

/// Upgrades to a websocket that begins with `hello` and then sends every live event.
pub(crate) async fn live(
    State(feed): State<Feed>,
    State(clients): State<LiveClients>,
    State(metrics): State<HttpMetrics>,
    State(stopping): State<Stopping>,
    parameters: Result<Query<Parameters>, axum::extract::rejection::QueryRejection>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>,
) -> Response {
    if !is_same_origin(&headers) {
        let message = "this page is of another site; open the dashboard itself";
        return ApiError::new(StatusCode::FORBIDDEN, "foreign_origin", message, "origin").into_response();
    }
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
            clients.connected.inc();
            let subscription = feed.subscribe(since, Timestamp::now());
            serve(socket, subscription, &clients, stopping).await;
            clients.connected.dec();
        })
}

async fn serve(mut socket: WebSocket, subscription: Subscription, clients: &LiveClients, stopping: Stopping) {
    let Stopping(mut stopping) = stopping;
    tokio::select! {
        biased;
        () = exchange(&mut socket, subscription, clients) => {}
        _ = stopping.changed() => {
            let bye = CloseFrame { code: close_code::AWAY, reason: Utf8Bytes::from_static("restarting") };
            send(&mut socket, Message::Close(Some(bye))).await;
        }
    }
}

/// Sends the events and pings until the client goes away or gives no sign of life.
async fn exchange(socket: &mut WebSocket, mut subscription: Subscription, clients: &LiveClients) {
    let Ok(hello) = serde_json::to_string(&subscription.hello) else { return };
    if !send(socket, Message::Text(hello.into())).await {
        return;
    }
    let mut ping = tokio::time::interval_at(tokio::time::Instant::now() + PING, PING);
    ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut heard = Instant::now();
    loop {
        let message = tokio::select! {
            biased;
            frame = subscription.next() => match frame.map(|frame| Utf8Bytes::try_from(frame.text)) {
                Some(Ok(text)) => {
                    clients.sent.inc();
                    Message::Text(text)
                }
                _ => return,
            },
            received = socket.recv() => match received {
                Some(Ok(Message::Close(_))) | Some(Err(_)) | None => return,
                Some(Ok(_)) => {
                    heard = Instant::now();
                    continue;
                }
            },
            _ = ping.tick() => {
                if heard.elapsed() > SILENCE {
                    return;
                }
                Message::Ping(Default::default())
            }
        };
        if !send(socket, message).await {
            return;
        }
    }
}

/// Whether the message went out in time.
async fn send(socket: &mut WebSocket, message: Message) -> bool {
    tokio::select! {
        biased;
        sent = socket.send(message) => sent.is_ok(),
        // In a block, for a timer is only wanted where the client does not take the message at once.
        () = async { tokio::time::sleep(SEND_LIMIT).await } => false,
    }
}
