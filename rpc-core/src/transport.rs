//! What carries the messages of a connection: for those who bring a transport of their own, such as a pipe, a
//! message queue or a WebSocket of another library. `rpc-server` and `rpc-client` need nothing of it.
//!
//! A [`Transport`] carries text both ways, in order. Some peers mark their text as binary. An [`Endpoint`] is one end
//! before it has a transport, made from an [`EndpointConfig`]; [`Endpoint::connect`] joins the two to a [`Connection`],
//! which a task polls.
//!
//! A transport knows nothing of JSON. It hands over whole messages, takes whole messages of text, and of bytes if it
//! can, and tells how many of them the medium accepted. When a link is lost, that count decides which
//! calls the other end cannot have seen (`Fate::NotSent`).

use std::error::Error;
use std::fmt;
use std::io;
use std::task::{Context, Poll};

use bytes::Bytes;

use crate::error::close::CloseCode;
use crate::limits::Limits;

#[cfg(any(feature = "byte-stream", feature = "websocket"))]
mod buffers;
#[cfg(feature = "byte-stream")]
pub(crate) mod byte_stream;
pub(crate) mod memory;
#[cfg(feature = "process")]
pub(crate) mod process;
#[cfg(feature = "sse")]
#[doc(hidden)]
pub mod sse;
#[cfg(feature = "stdio")]
pub(crate) mod stdio;
#[cfg(feature = "websocket")]
pub(crate) mod websocket;

// The public face of this module; nothing below uses these names.
pub use crate::connection::Connection;
pub use crate::connection::accept::Accepted;
pub use crate::connection::endpoint::{Endpoint, HandlerHold, NotOffered};
pub use crate::connection::event::{ConnectionEvent, SessionEnd};
pub use crate::connection::opening::opening;
pub use crate::peer::config::{EndpointConfig, OnForeign, SessionMode};
pub use crate::peer::registry::{PeerRegistry, SessionStats};
pub use crate::wire::hello::Hello;
#[cfg(feature = "byte-stream")]
pub use byte_stream::{ByteStream, Framing};
#[cfg(feature = "process")]
pub use process::Process;
#[cfg(feature = "stdio")]
pub use stdio::stdio;
#[cfg(feature = "websocket")]
pub use websocket::{Role, WebSocket};

/// One end of a message pipe; driven by a [`Connection`], which polls it from a
/// single task.
///
/// Five methods carry the messages. The others have defaults: a medium that knows more tells more.
///
/// Every `poll_` method follows the usual contract: `Pending` means that the waker of `cx` will be
/// woken. None of them may block.
pub trait Transport: Send + Unpin + 'static {
    /// Returns that the next message is complete, or how the link ended. Not called again after the link has ended, but
    /// after [`Received::Ended`], when it is `Pending`.
    ///
    /// Reads at most `allowance` bytes from the medium: when these gave no whole message, it wakes
    /// `cx` and is `Pending`, so that no connection holds on to its thread.
    fn poll_receive(&mut self, cx: &mut Context<'_>, allowance: usize) -> Poll<Received>;

    /// Returns the message that the last [`poll_receive`](Self::poll_receive) has told of. The transport keeps the
    /// message until the next `poll_receive`; so a message is read where it arrived, and not copied. Nobody asks without
    /// such a message.
    fn message(&self) -> &[u8];

    /// Takes the message that [`message`](Self::message) would return, to keep it. By default a copy.
    fn take_message(&mut self) -> Bytes {
        Bytes::copy_from_slice(self.message())
    }

    /// Ready when [`send`](Self::send) may be called: the write buffer has room for one more message.
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkError>>;

    /// Takes a message, UTF-8 text, into the write buffer. Call only when
    /// [`poll_ready`](Self::poll_ready) was ready.
    fn send(&mut self, message: Bytes) -> Result<(), LinkError>;

    /// Returns whether the first message opens the link: the hello of this end, to which the other end answers by its
    /// own. A connection that [outlives its links](Connection::attach) sends nothing else before that answer, and has no
    /// link until then. By default `false`.
    fn opens_by_hello(&self) -> bool {
        false
    }

    /// Returns whether messages may be binary: [`send_binary`](Self::send_binary) sends them, and what comes is marked as
    /// the other end has marked it. Then the hello of this end says that it takes bytes as bytes instead of base64 text.
    /// By default `false`.
    fn carries_binary(&self) -> bool {
        false
    }

    /// As [`send`](Self::send), but marks the message as binary: it may be any bytes. Called only if
    /// [`carries_binary`](Self::carries_binary) returns `true`.
    ///
    /// # Errors
    /// The link is broken, or carries no binary messages, as by default.
    fn send_binary(&mut self, _message: Bytes) -> Result<(), LinkError> {
        Err(io::Error::from(io::ErrorKind::Unsupported).into())
    }

    /// Returns whether [`send_sequence`](Self::send_sequence) sends several messages as one, for less than each by itself
    /// would cost. By default `false`.
    fn carries_sequences(&self) -> bool {
        false
    }

    /// As [`send`](Self::send), for several messages, which leave as one text: a JSON text sequence (RFC 7464), each message
    /// between U+001E and U+000A. Each counts in [`accepted`](Self::accepted). Together they have at most 16 KiB. Called
    /// only if [`carries_sequences`](Self::carries_sequences) returns `true`.
    ///
    /// # Errors
    /// The link is broken, or carries no sequences, as by default.
    fn send_sequence(&mut self, _messages: &[Bytes]) -> Result<(), LinkError> {
        Err(io::Error::from(io::ErrorKind::Unsupported).into())
    }

    /// Hands everything taken so far to the medium, and what the transport answers by itself.
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkError>>;

    /// Sends what is buffered, then why this end closes, and waits for the other end to confirm. A message
    /// that is half out is cut short: flush first to finish the message. Ready when the medium can be dropped
    /// without losing `reason`. The caller bounds the time. By default there is nothing to send, and the medium is
    /// dropped at once.
    fn poll_close(&mut self, _cx: &mut Context<'_>, _code: CloseCode, _reason: &str) -> Poll<()> {
        Poll::Ready(())
    }

    /// How many of the messages given to [`send`](Self::send) the medium accepted to the last byte: of a call whose
    /// request is not among them it is certain that the call did not run. By default all of them.
    fn accepted(&self) -> u64 {
        u64::MAX
    }

    /// How many bytes of messages were given to [`send`](Self::send) and are not accepted by the
    /// medium yet. They count towards [`queue`](crate::Limits::queue). By default 0.
    fn backlog(&self) -> usize {
        0
    }

    /// How many bytes ever came in; a change is a sign of life. By default 0, for a medium whose
    /// [`ping`](Self::ping) has no probe.
    fn received_bytes(&self) -> u64 {
        0
    }

    /// The number of the message that has begun to arrive and is not complete, if one has. Such a message must be
    /// complete within [`assembly`](crate::Limits::assembly). By default `None`.
    fn assembling(&self) -> Option<u64> {
        None
    }

    /// How many control frames ever came that nobody asked for: more than
    /// [`control_rate`](crate::Limits::control_rate) in 10 seconds end the connection. By default 0.
    fn unasked_controls(&self) -> u64 {
        0
    }

    /// How many probes of this end the other end has answered. From the time until the answer a connection learns how
    /// large the windows of its streams need to be. By default 0: the windows do not grow.
    fn answered_probes(&self) -> u64 {
        0
    }

    /// Queues a keepalive probe, which the other end answers without its application knowing. Returns whether the
    /// medium has such a probe. Without one, as by default, a silent link is not given up: the medium itself must tell
    /// of a loss.
    ///
    /// # Errors
    /// The link is broken.
    fn ping(&mut self) -> Result<bool, LinkError> {
        Ok(false)
    }

    /// Frees what large messages left behind. Called when nothing is under way.
    fn shrink(&mut self) {}

    /// Other limits hold from now on: those of a peer that has logged in. A transport without limits of its own
    /// ignores them, as by default.
    fn set_limits(&mut self, _limits: &Limits) {}

    /// From now on each message leaves as one frame, never in fragments. A transport without frames ignores that, as by
    /// default.
    fn set_whole_frames(&mut self) {}
}

/// What [`Transport::poll_receive`] found.
#[derive(Debug)]
#[non_exhaustive]
pub enum Received {
    /// A whole message, which its sender marked as text. [`Transport::message`] returns the message. A [`Connection`]
    /// closes with 1007 if the message is not UTF-8.
    Text,
    /// A whole message that its sender did not mark as text. A [`Connection`] takes the message for text if it is UTF-8.
    /// If it is not, it is a message with bytes beside its text, and no other is taken: the connection is closed with
    /// 1003.
    Binary,
    /// The other end closed in good order; `code` is `None` if it gave none. One that just went away
    /// is `Failed`.
    Closed {
        /// The close code it gave.
        code: Option<CloseCode>,
        /// The reason it gave; empty if none.
        reason: String,
    },
    /// The other end sends nothing more, and may still read: the end of a pipe or of one direction of a socket, between
    /// two messages. A [`Connection`] answers what it was asked, for at most [`grace`](crate::Limits::grace), and closes
    /// then; calls of this end fail at once, since no answer can come. A connection that [outlives its
    /// links](SessionMode::Ask) goes on without the link.
    Ended,
    /// The link broke.
    Failed(LinkError),
}

/// Why a link can no longer be used.
///
/// ```
/// use std::error::Error;
/// use std::io;
///
/// use rpc_core::transport::LinkError;
/// use rpc_core::CloseCode;
///
/// let error = LinkError::violation(CloseCode::PROTOCOL, "a frame without a mask");
/// assert_eq!(error.to_string(), "closed with 1002: a frame without a mask");
/// let error = LinkError::from(io::Error::from(io::ErrorKind::ConnectionReset));
/// assert_eq!(error.to_string(), "the link broke");
/// assert_eq!(error.source().unwrap().to_string(), "connection reset");
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum LinkError {
    /// The other end broke the rules of the transport; it is told so with this close code.
    #[non_exhaustive]
    Violation {
        /// The code to close with.
        code: CloseCode,
        /// A short reason, for the close message and the log.
        reason: &'static str,
    },
    /// The medium failed.
    Io(io::Error),
}

impl LinkError {
    /// The other end broke the rules of the transport. The connection closes with this code and this short reason.
    pub const fn violation(code: CloseCode, reason: &'static str) -> Self {
        Self::Violation { code, reason }
    }
}

/// The medium failed.
impl From<io::Error> for LinkError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Violation { code, reason } => write!(f, "closed with {code}: {reason}"),
            Self::Io(_) => f.write_str("the link broke"),
        }
    }
}

impl Error for LinkError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Violation { .. } => None,
            Self::Io(error) => Some(error),
        }
    }
}
