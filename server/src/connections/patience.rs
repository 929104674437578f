//! What a client does not take: an answer that it leaves unread is not waited for either.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

/// A stream that ends with an error when nothing of what is written goes out for so long.
#[derive(Debug)]
pub(crate) struct Patient<S, R> {
    stream: S,
    limit: Duration,
    /// Since it takes nothing.
    stuck: Option<Pin<Box<Sleep>>>,
    /// What it occupies, also as a websocket.
    _room: R,
}

impl<S, R> Patient<S, R> {
    pub(super) fn new(stream: S, limit: Duration, room: R) -> Self {
        Self { stream, limit, stuck: None, _room: room }
    }
}

impl<S: Unpin, R: Unpin> Patient<S, R> {
    fn wait<T>(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        act: impl FnOnce(Pin<&mut S>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        let this = self.get_mut();
        let done = act(Pin::new(&mut this.stream), context);
        if done.is_ready() {
            this.stuck = None;
            return done;
        }
        let late = this.stuck.get_or_insert_with(|| Box::pin(tokio::time::sleep(this.limit)));
        ready!(late.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin, R: Unpin> AsyncRead for Patient<S, R> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin, R: Unpin> AsyncWrite for Patient<S, R> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        self.wait(context, |stream, context| stream.poll_write(context, buffer))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.wait(context, |stream, context| stream.poll_flush(context))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.wait(context, |stream, context| stream.poll_shutdown(context))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.wait(context, |stream, context| stream.poll_write_vectored(context, buffers))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[tokio::test]
    async fn who_takes_something_is_waited_for_and_who_takes_nothing_is_not() {
        let (near, mut far) = tokio::io::duplex(8);
        let mut patient = Patient::new(near, Duration::from_millis(50), ());
        let reading = tokio::spawn(async move {
            far.read_exact(&mut [0; 100]).await.unwrap();
            far
        });
        patient.write_all(&[7; 100]).await.unwrap();
        let _far = reading.await.unwrap();
        let written = patient.write_all(&[7; 100]).await.unwrap_err();
        assert_eq!(written.kind(), io::ErrorKind::TimedOut);
    }
}
