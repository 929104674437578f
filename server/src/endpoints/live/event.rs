//! An event of the feed, ready to be sent.

use axum::body::Bytes;
use collector::Frame;
use tokio_tungstenite::tungstenite::Utf8Bytes;
use tokio_tungstenite::tungstenite::protocol::frame::Frame as WebSocketFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

/// An event, made once for all clients: none of them copies it.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) seq: u64,
    /// What is sent by a websocket.
    pub(super) text: Utf8Bytes,
    /// The same as a frame as a whole, which is sent past it.
    pub(super) frame: Bytes,
}

impl Event {
    /// `None` for what is no UTF-8.
    pub(super) fn new(frame: &Frame) -> Option<Self> {
        let text = text(frame)?;
        let whole = WebSocketFrame::message(frame.text.clone(), OpCode::Data(Data::Text), true);
        let mut bytes = Vec::with_capacity(whole.len());
        whole.format(&mut bytes).ok()?;
        Some(Self { seq: frame.seq, text, frame: bytes.into() })
    }
}

/// What a websocket sends of an event; `None` for what is no UTF-8.
pub(super) fn text(frame: &Frame) -> Option<Utf8Bytes> {
    Utf8Bytes::try_from(frame.text.clone()).ok()
}
