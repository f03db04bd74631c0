//! A stream over which something must come soon: some proxies answer the handshake of a WebSocket, and let no message
//! pass.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::oneshot;
use tokio::time::{Sleep, sleep};

use crate::error::{ConnectError, SWALLOWED};

/// A stream that breaks if nothing comes in time.
pub(crate) struct Proven<S> {
    stream: S,
    /// `None` when something has come.
    proof: Option<Proof>,
}

/// Who waits for the first bytes, and for how long.
struct Proof {
    opened: oneshot::Sender<Result<(), ConnectError>>,
    alarm: Pin<Box<Sleep>>,
}

impl<S> Proven<S> {
    /// Waits for `time` at most, and tells `opened` whether something has come.
    pub(crate) fn new(
        stream: S,
        opened: oneshot::Sender<Result<(), ConnectError>>,
        time: Duration,
    ) -> Self {
        Self { stream, proof: Some(Proof { opened, alarm: Box::pin(sleep(time)) }) }
    }

    fn tell(&mut self, outcome: Result<(), ConnectError>) {
        if let Some(Proof { opened, .. }) = self.proof.take() {
            // Who waited may be gone.
            let _ = opened.send(outcome);
        }
    }

    /// Tells of a stream that breaks before anything has come.
    fn noted<T>(&mut self, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if matches!(written, Poll::Ready(Err(_))) {
            self.tell(Err(ConnectError::Handshake(SWALLOWED)));
        }
        written
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Proven<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, into);
        let Some(proof) = &mut self.proof else { return read };
        if read.is_pending() {
            ready!(proof.alarm.as_mut().poll(cx));
            self.tell(Err(ConnectError::Handshake(SWALLOWED)));
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        let has_come = into.filled().len() > before;
        self.tell(if has_come { Ok(()) } else { Err(ConnectError::Handshake(SWALLOWED)) });
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Proven<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.noted(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, pieces);
        self.noted(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.noted(flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
