//! The byte stream under a WebSocket: every byte, in or out, passes here and is followed.

use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};

use super::frames::{Frames, Mark};
use super::incoming::Incoming;
use crate::util::turn_budget::again;

/// So much of a long frame is read at once; tungstenite takes no more than `read_buffer`. That buffer
/// is filled with zeros before each read, and idle connections keep it, so it is small; this one is
/// gone when it was read. To echo 1 MiB costs a third less with it, 64 KiB a tenth; 64 KiB instead of
/// 16 is slower for messages of that size.
const AHEAD: usize = 16 * 1024;

/// A stream, and what its bytes have told.
pub(super) struct Wire<S> {
    io: S,
    /// What the handshake read beyond the HTTP head. It is served first, as if it came now: handed
    /// to tungstenite directly, its frames would be counted by nobody.
    already_read: Bytes,
    /// A close frame that arrived behind messages, from the last byte of its header. It is kept for
    /// the next turn: with it tungstenite takes no more answers, and those to these messages may be
    /// ready in this one.
    close: Option<Box<Bytes>>,
    /// Whether this turn has not ended yet.
    close_waits: bool,
    incoming: Incoming,
    outgoing: Frames,
    written: u64,
    accepted: u64,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    pub(super) fn new(io: S, already_read: Bytes, incoming: Incoming) -> Self {
        let outgoing = Frames::default();
        Self {
            io,
            already_read,
            close: None,
            close_waits: false,
            incoming,
            outgoing,
            written: 0,
            accepted: 0,
        }
    }

    /// Reads what arrives, unfollowed: it comes back as the `first` of [`poll_read`](Self::poll_read).
    /// Nothing at all if something that arrived before is still to be read, or at the end.
    pub(super) fn poll_first(
        &mut self,
        cx: &mut Context<'_>,
        first: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.already_read.has_remaining() || self.incoming.refusal().is_some() {
            return Poll::Ready(Ok(()));
        }
        self.already_read = Bytes::new(); // an empty rest would keep the whole of it alive
        let poll = Pin::new(&mut self.io).poll_read(cx, first);
        if poll.is_pending() {
            self.incoming.settle();
        }
        poll
    }

    /// Takes back what is left of `first`.
    pub(super) fn keep(&mut self, first: &[u8]) {
        if !first.is_empty() {
            self.already_read = Bytes::copy_from_slice(first);
        }
    }

    /// Reads what may be read: `first`, then what else arrives, at most `allowance` bytes of it from
    /// the stream. 0 bytes are the end.
    pub(super) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        first: &mut &[u8],
        buf: &mut [u8],
        allowance: usize,
    ) -> Poll<io::Result<usize>> {
        if self.close.is_some() {
            return self.poll_close_frame(cx, buf);
        }
        if self.incoming.refusal().is_none() {
            let Poll::Ready(arrived) = self.poll_arrive(cx, first, buf, allowance)? else {
                self.incoming.settle();
                return Poll::Pending;
            };
            let allowed = self.incoming.follow(&buf[..arrived]);
            if allowed < arrived && self.incoming.refusal().is_none() {
                self.close = Some(Bytes::copy_from_slice(&buf[allowed..arrived]).into());
                self.close_waits = true;
            }
            if allowed > 0 || arrived == 0 {
                return Poll::Ready(Ok(allowed));
            }
            if self.close_waits {
                return self.poll_close_frame(cx, buf);
            }
        }
        // Whoever reads finds the reason in `incoming`; it does not fit into an `io::Error`
        // without a box.
        Poll::Ready(Err(io::ErrorKind::InvalidData.into()))
    }

    fn poll_close_frame(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        if std::mem::take(&mut self.close_waits) {
            again(cx);
            return Poll::Pending;
        }
        let Some(close) = &mut self.close else { return Poll::Ready(Ok(0)) };
        let count = buf.len().min(close.len());
        close.copy_to_slice(&mut buf[..count]);
        self.close.take_if(|close| close.is_empty());
        Poll::Ready(Ok(count))
    }

    /// Reads and discards, after a refusal too; 0 bytes are the end of the stream.
    pub(super) fn poll_discard(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut scratch = [0; 4096];
        let arrived = ready!(self.poll_arrive(cx, &mut &[][..], &mut scratch, 0))?;
        self.incoming.follow(&scratch[..arrived]);
        Poll::Ready(Ok(arrived))
    }

    fn poll_arrive(
        &mut self,
        cx: &mut Context<'_>,
        first: &mut &[u8],
        buf: &mut [u8],
        allowance: usize,
    ) -> Poll<io::Result<usize>> {
        if !first.is_empty() {
            let count = buf.len().min(first.len());
            first.copy_to_slice(&mut buf[..count]);
            return Poll::Ready(Ok(count));
        }
        if self.already_read.has_remaining() {
            return Poll::Ready(Ok(self.take_already_read(buf)));
        }
        self.already_read = Bytes::new();
        let ahead = self.incoming.left_of_frame().min(AHEAD).min(allowance);
        if ahead > buf.len() {
            return self.poll_read_ahead(cx, buf, ahead);
        }
        let mut buf = ReadBuf::new(buf);
        ready!(Pin::new(&mut self.io).poll_read(cx, &mut buf))?;
        Poll::Ready(Ok(buf.filled().len()))
    }

    /// Reads up to `most` bytes, which belong to the frame that is arriving.
    fn poll_read_ahead(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut [u8],
        most: usize,
    ) -> Poll<io::Result<usize>> {
        let mut ahead = BytesMut::with_capacity(most).limit(most);
        ready!(pin!(self.io.read_buf(&mut ahead)).poll(cx))?;
        self.already_read = ahead.into_inner().freeze();
        Poll::Ready(Ok(self.take_already_read(buf)))
    }

    fn take_already_read(&mut self, buf: &mut [u8]) -> usize {
        let count = buf.len().min(self.already_read.len());
        self.already_read.copy_to_slice(&mut buf[..count]);
        count
    }

    pub(super) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let count = ready!(Pin::new(&mut self.io).poll_write(cx, buf))?;
        self.wrote(&buf[..count]);
        Poll::Ready(Ok(count))
    }

    fn wrote(&mut self, mut bytes: &[u8]) {
        self.written += bytes.len() as u64;
        loop {
            if self.outgoing.take_message(&mut bytes, u64::MAX) {
                self.accepted += 1;
                continue;
            }
            match self.outgoing.advance(&mut bytes) {
                Some(Mark::End(kind)) => self.accepted += u64::from(kind.ends_message()),
                Some(Mark::Header { .. }) => {}
                None => break,
            }
        }
    }

    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    pub(super) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

impl<S> Wire<S> {
    /// Whether it keeps bytes that were not read yet.
    pub(super) fn holds_back(&self) -> bool {
        self.close.is_some()
    }

    pub(super) fn incoming(&self) -> &Incoming {
        &self.incoming
    }

    pub(super) fn incoming_mut(&mut self) -> &mut Incoming {
        &mut self.incoming
    }

    /// How many bytes the stream took.
    pub(super) fn written(&self) -> u64 {
        self.written
    }

    /// How many messages the stream took to the last byte.
    pub(super) fn accepted(&self) -> u64 {
        self.accepted
    }
}
