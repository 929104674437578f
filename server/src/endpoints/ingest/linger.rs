//! What a refused client is still sending is taken off the wire before it is answered.
//!
//! A server that closes a connection on which bytes are under way resets it, and the client may
//! never get to read why it was refused: RFC 9112, section 9.6.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http_body::{Frame, SizeHint};

/// Whoever sends more than so much after the refusal is cut off.
const MOST_BYTES: usize = 64 << 20;
/// And who takes longer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Answers as the handler does, where it refuses when the body is over.
pub(crate) async fn linger(request: Request, next: Next) -> Response {
    let (head, body) = request.into_parts();
    let mut rest = Shared(Arc::new(Mutex::new(body)));
    let response = next.run(Request::from_parts(head, Body::new(rest.clone()))).await;
    if !response.status().is_success() {
        let _ = tokio::time::timeout(PATIENCE, rest.drop_all()).await;
    }
    response
}

/// A body that the handler reads, and that is still there when it is done.
#[derive(Clone)]
struct Shared(Arc<Mutex<Body>>);

impl Shared {
    fn with<T>(&self, look: impl FnOnce(Pin<&mut Body>) -> T) -> T {
        look(Pin::new(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner)))
    }

    async fn drop_all(&mut self) {
        let mut dropped = 0;
        while dropped < MOST_BYTES {
            match std::future::poll_fn(|cx| Pin::new(&mut *self).poll_frame(cx)).await {
                Some(Ok(frame)) => dropped += frame.data_ref().map_or(0, Bytes::len),
                Some(Err(_)) | None => return,
            }
        }
    }
}

impl HttpBody for Shared {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.with(|body| body.poll_frame(cx))
    }

    fn is_end_stream(&self) -> bool {
        self.with(|body| body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        self.with(|body| body.size_hint())
    }
}
