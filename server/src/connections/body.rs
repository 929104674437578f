//! Bodies of requests: a client that sends one drop by drop is not waited for.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::BoxError;
use axum::body::{Bytes, HttpBody};
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::Sleep;

/// A body that has to be here in time; after that it is an error.
#[derive(Debug)]
pub(super) struct Timely {
    body: Incoming,
    limit: Duration,
    late: Pin<Box<Sleep>>,
}

/// It is not.
#[derive(Debug, thiserror::Error)]
#[error("the body took longer than {0:?}; send it faster, or in smaller parts")]
struct Late(Duration);

impl Timely {
    pub(super) fn new(body: Incoming, limit: Duration) -> Self {
        Self { body, limit, late: Box::pin(tokio::time::sleep(limit)) }
    }
}

impl HttpBody for Timely {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        // First, as there is always something of a body that comes in small parts.
        if self.late.as_mut().poll(context).is_ready() {
            return Poll::Ready(Some(Err(Late(self.limit).into())));
        }
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
