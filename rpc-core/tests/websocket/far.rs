//! A stream whose other end is the test: what arrives, how much is taken, when it ends.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Wake, Waker};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

pub(crate) use bytes::Bytes;
use bytes::BytesMut;
pub(crate) use rpc_core::transport::{LinkError, Received, Role, Transport, WebSocket};
pub(crate) use rpc_core::{CloseCode, Limits};

/// Our end.
pub(crate) struct Near(Arc<Mutex<Line>>);

/// The other end.
#[derive(Clone)]
pub(crate) struct Far(Arc<Mutex<Line>>);

/// Both directions.
#[derive(Default)]
pub(crate) struct Line {
    arriving: BytesMut,
    /// Arrives over and over when `arriving` is empty.
    endless: Vec<u8>,
    hung_up: bool,
    /// The most that one read gives; 0 for all there is.
    pub(crate) read_at_once: usize,
    /// How many more bytes are taken.
    room: usize,
    /// Whether several pieces are taken by one write.
    pub(crate) gathers: bool,
    taken: Vec<u8>,
    pub(crate) bytes_read: usize,
    pub(crate) reads: usize,
    pub(crate) writes: usize,
    pub(crate) shut_down: bool,
}

/// A server with nothing arriving and unlimited room, and its other end.
pub(crate) fn server(limits: &Limits) -> (WebSocket<Near>, Far) {
    end(Role::Server, limits, Bytes::new())
}

pub(crate) fn client(limits: &Limits) -> (WebSocket<Near>, Far) {
    end(Role::Client, limits, Bytes::new())
}

pub(crate) fn end(role: Role, limits: &Limits, already_read: Bytes) -> (WebSocket<Near>, Far) {
    let line = Arc::new(Mutex::new(Line { room: usize::MAX, ..Line::default() }));
    (WebSocket::new(Near(line.clone()), role, already_read, limits), Far(line))
}

/// A server's limits with another `message_in`.
pub(crate) fn message_in(bytes: usize) -> Limits {
    let mut limits = Limits::server();
    limits.message_in = bytes;
    limits
}

impl Far {
    pub(crate) fn line(&self) -> MutexGuard<'_, Line> {
        self.0.lock().unwrap()
    }

    /// Sends `bytes` to our end.
    pub(crate) fn sends(&self, bytes: impl AsRef<[u8]>) {
        self.line().arriving.extend_from_slice(bytes.as_ref());
    }

    /// Sends `bytes` over and over.
    pub(crate) fn sends_for_ever(&self, bytes: impl AsRef<[u8]>) {
        self.line().endless = bytes.as_ref().to_vec();
    }

    pub(crate) fn hangs_up(&self) {
        self.line().hung_up = true;
    }

    /// Takes no more than `bytes` from now on.
    pub(crate) fn has_room_for(&self, bytes: usize) {
        self.line().room = bytes;
    }

    /// What was taken since this was last asked.
    pub(crate) fn took(&self) -> Vec<u8> {
        std::mem::take(&mut self.line().taken)
    }
}

impl AsyncRead for Near {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut line = self.0.lock().unwrap();
        while line.arriving.len() < buf.remaining() && !line.endless.is_empty() {
            let again = line.endless.clone();
            line.arriving.extend_from_slice(&again);
        }
        let at_once = if line.read_at_once > 0 { line.read_at_once } else { usize::MAX };
        let count = line.arriving.len().min(buf.remaining()).min(at_once);
        if count == 0 && !line.hung_up {
            return Poll::Pending;
        }
        buf.put_slice(&line.arriving.split_to(count));
        line.bytes_read += count;
        line.reads += 1;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Near {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut line = self.0.lock().unwrap();
        assert!(!line.shut_down, "written after the end");
        line.writes += 1;
        let count = buf.len().min(line.room);
        if count == 0 {
            return Poll::Pending;
        }
        line.room -= count;
        line.taken.extend_from_slice(&buf[..count]);
        Poll::Ready(Ok(count))
    }

    fn is_write_vectored(&self) -> bool {
        self.0.lock().unwrap().gathers
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let bytes: Vec<u8> = pieces.iter().flat_map(|piece| piece.iter().copied()).collect();
        self.poll_write(cx, &bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.lock().unwrap().shut_down = true;
        Poll::Ready(Ok(()))
    }
}

/// Our end, polled by hand.
pub(crate) trait ByHand: Transport {
    fn receive(&mut self) -> Poll<Received> {
        self.poll_receive(&mut Context::from_waker(Waker::noop()), usize::MAX)
    }

    /// The next message; it must be there.
    fn text(&mut self) -> String {
        match self.receive() {
            Poll::Ready(Received::Text) => String::from_utf8(self.message().to_owned()).unwrap(),
            other => panic!("no text, but {:?}", other.map(|end| describe(self.message(), end))),
        }
    }

    /// How the link ended, as `code reason`; it must have. A close right behind messages comes in
    /// the turn after theirs.
    fn ending(&mut self) -> String {
        for _ in 0..2 {
            if let Poll::Ready(end) = self.receive() {
                return describe(self.message(), end);
            }
        }
        panic!("not ended");
    }

    fn ready(&mut self) -> bool {
        let poll = self.poll_ready(&mut Context::from_waker(Waker::noop()));
        poll.map(|result| result.expect("the line works")).is_ready()
    }

    fn flush(&mut self) -> bool {
        let poll = self.poll_flush(&mut Context::from_waker(Waker::noop()));
        poll.map(|result| result.expect("the line works")).is_ready()
    }

    fn close(&mut self, code: CloseCode, reason: &str) -> bool {
        self.poll_close(&mut Context::from_waker(Waker::noop()), code, reason).is_ready()
    }
}

impl<T: Transport> ByHand for T {}

fn describe(message: &[u8], received: Received) -> String {
    match received {
        Received::Text => format!("text {}", String::from_utf8_lossy(message)),
        Received::Binary => format!("binary {}", message.escape_ascii()),
        Received::Closed { code: Some(code), reason } => format!("closed {code} {reason}"),
        Received::Closed { code: None, reason } => format!("closed without code {reason}"),
        Received::Failed(LinkError::Violation { code, reason, .. }) => format!("{code} {reason}"),
        Received::Failed(LinkError::Io(error)) => format!("{error}"),
        Received::Failed(error) => format!("{error}"),
        _ => panic!("neither a message nor an end"),
    }
}

/// Counts how often it was woken.
#[derive(Default)]
pub(crate) struct Woken(AtomicUsize);

impl Woken {
    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

pub(crate) const TEXT: u8 = 0x81;
pub(crate) const BEGIN: u8 = 0x01;
pub(crate) const MORE: u8 = 0x00;
pub(crate) const LAST: u8 = 0x80;
pub(crate) const BINARY: u8 = 0x82;
pub(crate) const BEGIN_BINARY: u8 = 0x02;
pub(crate) const CLOSE: u8 = 0x88;
pub(crate) const PING: u8 = 0x89;
pub(crate) const PONG: u8 = 0x8a;

/// A frame as a server sends it.
pub(crate) fn frame(first: u8, payload: impl AsRef<[u8]>) -> Vec<u8> {
    with_mask(first, payload.as_ref(), 0, &[])
}

/// A frame as a client sends it, under a mask of zeros, so that the payload stays readable.
pub(crate) fn masked(first: u8, payload: impl AsRef<[u8]>) -> Vec<u8> {
    with_mask(first, payload.as_ref(), 0x80, &[0; 4])
}

fn with_mask(first: u8, payload: &[u8], bit: u8, mask: &[u8]) -> Vec<u8> {
    let length = payload.len();
    let header = match length {
        0..126 => vec![first, length as u8 | bit],
        126..65536 => [&[first, 126 | bit], &(length as u16).to_be_bytes()[..]].concat(),
        _ => [&[first, 127 | bit], &(length as u64).to_be_bytes()[..]].concat(),
    };
    [&header, mask, payload].concat()
}

/// A close frame's payload.
pub(crate) fn closing(code: u16, reason: &str) -> Vec<u8> {
    [&code.to_be_bytes(), reason.as_bytes()].concat()
}

/// The frames that a server wrote: first byte and payload.
pub(crate) fn frames(mut bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut frames = Vec::new();
    while let [first, short, rest @ ..] = bytes {
        let (length, rest) = match (short, rest) {
            (126, [a, b, rest @ ..]) => (usize::from(u16::from_be_bytes([*a, *b])), rest),
            (127, rest) => {
                let (long, rest) = rest.split_at(8);
                (u64::from_be_bytes(long.try_into().unwrap()) as usize, rest)
            }
            (short, rest) => (usize::from(*short), rest),
        };
        let (payload, rest) = rest.split_at(length);
        frames.push((*first, payload.to_vec()));
        bytes = rest;
    }
    frames
}

/// Numbers below the argument, the same in every run.
pub(crate) fn random(seed: u64) -> impl FnMut(usize) -> usize {
    let mut state = seed;
    move |below| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) as usize % below
    }
}
