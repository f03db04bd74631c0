//! Any stream of bytes as a [`Transport`]: a pipe, a socket without HTTP, the other end of a child process.
//!
//! As with a WebSocket, one task owns both directions, a message is read where it arrived, and what is sent together
//! leaves together.
//!
//! ```text
//! Transport ─▶ writer ───▶ stream     head, message, line end
//!              reader ◀─── stream     lines or head: where the next message ends
//! ```

mod closing;
mod framing;
mod head;
mod lines;
mod reader;
mod writer;

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, Join, join};

use self::closing::Closing;
pub use self::framing::Framing;
use self::reader::Reader;
use self::writer::Writer;
use crate::error::close::CloseCode;
use crate::limits::Limits;
use crate::transport::{LinkError, Received, Transport};
use crate::util::runtime::again;

/// A stream of bytes that carries messages in a [`Framing`].
///
/// Nothing but messages crosses the stream: there is no handshake, no ping and no close code. So a silent link is not
/// given up (the medium must tell of a loss), and the other end learns nothing of why this end closes: it sees the end of
/// the stream. An end of the stream in the middle of a message is a broken link. At an end of the stream between two
/// messages, this end [still answers](Received::Ended) what it was asked.
///
/// ```
/// use rpc_core::transport::{ByteStream, Endpoint, EndpointConfig, Framing};
/// use rpc_core::{Context, Limits, Router};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (here, there) = tokio::io::duplex(1024); // such as a `TcpStream`
/// let limits = Limits::server();
/// let echo = Router::new().method("echo", |_: Context, (text,): (String,)| async move { Ok(text) });
/// let server = Endpoint::new(EndpointConfig::new(echo, limits.clone()));
/// tokio::spawn(server.connect(ByteStream::new(here, Framing::Lines, &limits)));
///
/// let limits = Limits::client();
/// let client = Endpoint::new(EndpointConfig::new(Router::new(), limits.clone()));
/// let peer = client.peer();
/// tokio::spawn(client.connect(ByteStream::new(there, Framing::Lines, &limits)));
/// assert_eq!(peer.call::<String>("echo", ("hi",)).await?, "hi");
/// # Ok(()) }
/// ```
pub struct ByteStream<S> {
    io: S,
    reader: Reader,
    writer: Writer,
    closing: Closing,
    /// Whether a close waits for the end of what the other end sends.
    awaits_end: bool,
    /// Whether the other end has ended its direction.
    has_ended: bool,
    /// How many bytes may ever have come before a close stops to listen; set when it begins.
    discard_until: Option<u64>,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> ByteStream<S> {
    /// Carries messages over `io`. `limits` bound the messages that come and the buffers.
    pub fn new(io: S, framing: Framing, limits: &Limits) -> Self {
        Self {
            io,
            reader: Reader::new(framing, limits),
            writer: Writer::new(framing, limits),
            closing: Closing::Open,
            awaits_end: true,
            has_ended: false,
            discard_until: None,
        }
    }

    /// Refuses a link whose first message does not begin like JSON, for a socket that anybody can reach. A page in a
    /// browser can make the browser send an HTTP request to any port. Without this, the lines of the body of such a
    /// request would be taken for messages.
    #[must_use]
    pub fn refuse_http(mut self) -> Self {
        self.reader.refuse_http();
        self
    }
}

impl<R, W> ByteStream<Join<R, W>>
where
    R: AsyncRead + Unpin + Send + 'static,
    W: AsyncWrite + Unpin + Send + 'static,
{
    /// Carries messages over a reader and a writer, such as the two pipes of a process. A close does not wait until the
    /// reader ends.
    pub fn of_halves(reader: R, writer: W, framing: Framing, limits: &Limits) -> Self {
        let mut stream = Self::new(join(reader, writer), framing, limits);
        stream.awaits_end = false;
        stream
    }

    /// As [`of_halves`](Self::of_halves), but a close waits until the reader ends: the other end is a process.
    #[cfg(feature = "process")]
    pub(super) fn of_child(reader: R, writer: W, framing: Framing, limits: &Limits) -> Self {
        Self::new(join(reader, writer), framing, limits)
    }
}

/// How much went through, but nothing of what.
impl<S> fmt::Debug for ByteStream<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByteStream")
            .field("sent", &self.writer.accepted())
            .field("received_bytes", &self.reader.bytes())
            .finish_non_exhaustive()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> ByteStream<S> {
    /// Ready when the stream took every byte.
    fn poll_all_written(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkError>> {
        while !self.writer.is_written() {
            ready!(self.writer.poll_write(&mut self.io, cx))?;
        }
        self.writer.rest();
        Pin::new(&mut self.io).poll_flush(cx).map_err(LinkError::from)
    }

    /// The stream has ended.
    fn ended(&mut self) -> Received {
        if self.reader.assembling().is_some() {
            let ended = "the stream ended in the middle of a message";
            let error = io::Error::new(io::ErrorKind::UnexpectedEof, ended);
            return Received::Failed(error.into());
        }
        self.has_ended = true;
        Received::Ended
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Transport for ByteStream<S> {
    fn poll_receive(&mut self, cx: &mut Context<'_>, mut allowance: usize) -> Poll<Received> {
        loop {
            match self.reader.next() {
                Ok(true) => return Poll::Ready(Received::Text),
                Ok(false) => {}
                Err(violation) => return Poll::Ready(Received::Failed(violation)),
            }
            if self.has_ended {
                return Poll::Pending;
            }
            if allowance == 0 {
                // Without this a peer with a fast line would keep the thread until a long message is whole.
                again(cx);
                return Poll::Pending;
            }
            match self.reader.poll_fill(&mut self.io, cx, allowance) {
                Poll::Ready(Ok(0)) => return Poll::Ready(self.ended()),
                Poll::Ready(Ok(count)) => allowance -= count,
                Poll::Ready(Err(error)) => return Poll::Ready(Received::Failed(error.into())),
                Poll::Pending => {
                    self.reader.rest();
                    return Poll::Pending;
                }
            }
        }
    }

    #[inline] // into the generic connection, which other crates compile
    fn message(&self) -> &[u8] {
        self.reader.message()
    }

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkError>> {
        while !self.writer.has_room() {
            ready!(self.writer.poll_write(&mut self.io, cx))?;
        }
        Poll::Ready(Ok(()))
    }

    fn send(&mut self, message: Bytes) -> Result<(), LinkError> {
        self.writer.begin(message);
        Ok(())
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkError>> {
        self.poll_all_written(cx)
    }

    fn accepted(&self) -> u64 {
        self.writer.accepted()
    }

    fn backlog(&self) -> usize {
        self.writer.backlog()
    }

    fn received_bytes(&self) -> u64 {
        self.reader.bytes()
    }

    fn assembling(&self) -> Option<u64> {
        self.reader.assembling()
    }

    fn shrink(&mut self) {
        self.reader.shrink();
        self.writer.shrink();
    }

    fn set_limits(&mut self, limits: &Limits) {
        self.reader.set_limits(limits);
        self.writer.set_limits(limits);
    }

    fn poll_close(&mut self, cx: &mut Context<'_>, _: CloseCode, _: &str) -> Poll<()> {
        // An error ends the attempt as well: there is nobody left to tell.
        self.poll_closing(cx).map(drop)
    }
}
