//! The connection below a websocket, onto which whole frames can also be written past the websocket.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A stream of frames. What a websocket writes begins when a frame that was put past it is out as a whole.
#[derive(Debug)]
pub(super) struct Wire<S> {
    stream: S,
    /// Of a frame that was put past the websocket and has begun.
    rest: Bytes,
}

impl<S: AsyncWrite + Unpin> Wire<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, rest: Bytes::new() }
    }

    /// Writes a frame, and keeps what of it the stream does not take now for the next write or flush. Answers how many
    /// bytes are out: with none, or an error, nothing of it has been sent or will be. To be called between two frames
    /// only: when all that the websocket has written is flushed.
    pub(super) fn poll_put(&mut self, context: &mut Context<'_>, frame: &Bytes) -> Poll<io::Result<usize>> {
        ready!(self.poll_rest(context))?;
        let written = ready!(Pin::new(&mut self.stream).poll_write(context, frame))?;
        if written > 0 {
            self.rest = frame.slice(written..);
        }
        Poll::Ready(Ok(written))
    }

    fn poll_rest(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.rest.is_empty() {
            let written = ready!(Pin::new(&mut self.stream).poll_write(context, &self.rest))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.rest = self.rest.slice(written..);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Wire<S> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Wire<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        ready!(this.poll_rest(context))?;
        Pin::new(&mut this.stream).poll_write(context, buffer)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_rest(context))?;
        Pin::new(&mut this.stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_rest(context))?;
        Pin::new(&mut this.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use futures_util::task::noop_waker_ref;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};

    use super::*;

    fn put(wire: &mut Wire<DuplexStream>, frame: &'static [u8]) -> Option<usize> {
        let mut context = Context::from_waker(noop_waker_ref());
        match wire.poll_put(&mut context, &Bytes::from_static(frame)) {
            Poll::Ready(written) => Some(written.unwrap()),
            Poll::Pending => None,
        }
    }

    #[tokio::test]
    async fn a_frame_that_has_begun_is_finished_before_anything_else() {
        let (near, mut far) = tokio::io::duplex(4);
        let mut wire = Wire::new(near);
        assert_eq!(put(&mut wire, b"first frame"), Some(4));
        assert_eq!(put(&mut wire, b"not begun"), None);
        let reading = tokio::spawn(async move {
            let mut all = String::new();
            far.read_to_string(&mut all).await.unwrap();
            all
        });
        wire.write_all(b", a pong").await.unwrap();
        let last = Bytes::from_static(b", last");
        assert!(poll_fn(|context| wire.poll_put(context, &last)).await.unwrap() > 0);
        wire.flush().await.unwrap();
        drop(wire);
        assert_eq!(reading.await.unwrap(), "first frame, a pong, last");
    }
}
