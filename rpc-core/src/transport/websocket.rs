//! A WebSocket as a [`Transport`]; the only module that names tungstenite.
//!
//! tungstenite does the protocol: its `WebSocketContext` holds both buffers and is given a stream for
//! each call. It is driven here directly and not through `WebSocketStream`: one task owns both
//! directions, so the wakers and locks between them have nobody to serve, and a context of our own
//! can be dropped, which is the only way to give its buffers back. Beneath it lies a wire of ours
//! that sees every byte, for what tungstenite does not tell.
//!
//! ```text
//! Transport ─▶ sending ───▶ tungstenite ──▶ blocking ──▶ wire (frames) ──▶ stream
//!              receiving ◀─ tungstenite ◀── blocking ◀── wire (incoming) ◀─ stream
//!              closing, shrinking   (engine)
//! ```

mod blocking;
mod closing;
mod engine;
mod errors;
mod fragments;
mod frames;
mod incoming;
mod receiving;
mod sending;
mod shrinking;
mod wire;

use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::tungstenite::protocol::frame::coding::Data;
use tokio_tungstenite::tungstenite::protocol::{self, WebSocketConfig};

use self::closing::Closing;
use self::engine::Engine;
use self::fragments::{FRAGMENT, Fragments};
use self::incoming::Incoming;
use self::receiving::Text;
use self::wire::Wire;
use crate::error::close::CloseCode;
use crate::limits::Limits;
use crate::transport::{LinkError, Received, Transport};

/// A WebSocket whose handshake is done.
///
/// ```
/// use std::future::poll_fn;
/// use bytes::Bytes;
/// use rpc_core::transport::{Received, Role, Transport, WebSocket};
/// use rpc_core::Limits;
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let (here, there) = tokio::io::duplex(1024);
/// let mut server = WebSocket::new(here, Role::Server, Bytes::new(), &Limits::server());
/// let mut client = WebSocket::new(there, Role::Client, Bytes::new(), &Limits::client());
///
/// client.send(Bytes::from("hello")).unwrap();
/// poll_fn(|cx| client.poll_flush(cx)).await.unwrap();
/// let Received::Text(text) = poll_fn(|cx| server.poll_receive(cx, 1024)).await else { panic!() };
/// assert_eq!(text.as_ref(), "hello");
/// # });
/// ```
pub struct WebSocket<S> {
    engine: Engine,
    wire: Wire<S>,
    /// How many messages and control frames tungstenite has given us.
    taken: u64,
    /// Whether no message is cut into fragments.
    whole_frames: bool,
    unsent: Fragments,
    /// The bytes that tungstenite was given to write, the wire's `written` among them; rather too
    /// many than too few.
    handed: u64,
    owes_pongs: bool,
    /// Our pings that were not answered yet, and how many were.
    pings: u64,
    answered_pings: u64,
    unasked_controls: u64,
    closing: Closing,
    /// How many bytes may ever have come before a close stops to listen; set when it begins.
    discard_until: Option<u64>,
}

/// The role of this end in the handshake. A client masks its frames, and the server ends the socket first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It accepted the connection.
    Server,
    /// It asked for the connection.
    Client,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> WebSocket<S> {
    /// Takes over `io` after the handshake; `already_read` is what was read from it beyond the
    /// HTTP head.
    pub fn new(io: S, role: Role, already_read: Bytes, limits: &Limits) -> Self {
        Self {
            engine: Engine::new(role, config(limits)),
            wire: Wire::new(io, already_read, Incoming::new(limits)),
            taken: 0,
            whole_frames: false,
            unsent: Fragments::default(),
            handed: 0,
            owes_pongs: false,
            pings: 0,
            answered_pings: 0,
            unasked_controls: 0,
            closing: Closing::Open,
            discard_until: None,
        }
    }

    /// As [`send`](Transport::send), but marks the message as binary; it may be any bytes.
    ///
    /// For those who use the WebSocket by itself. A [`Connection`](crate::transport::Connection) sends text only.
    ///
    /// # Errors
    /// The link is broken.
    pub fn send_binary(&mut self, message: Bytes) -> Result<(), LinkError> {
        self.begin(message, Data::Binary)
    }

    fn begin(&mut self, message: Bytes, data: Data) -> Result<(), LinkError> {
        debug_assert!(self.unsent.is_empty(), "`send` before `poll_ready` was ready");
        let most = if self.whole_frames {
            self.make_room_for_whole(message.len());
            usize::MAX
        } else {
            FRAGMENT
        };
        self.unsent.begin(message, data, most);
        self.hand_over().map(drop)
    }
}

/// Every size is set: by default tungstenite's write buffer has no bound, and its read buffer,
/// filled with zeros before each read, is 128 KiB.
fn config(limits: &Limits) -> WebSocketConfig {
    // Below this a fragment might never fit.
    let write_buffer_least = limits.write_buffer.saturating_add(FRAGMENT + 128);
    WebSocketConfig::default()
        .read_buffer_size(limits.read_buffer)
        .write_buffer_size(limits.write_buffer)
        .max_write_buffer_size(limits.write_buffer_max.max(write_buffer_least))
        .max_message_size(Some(limits.message_in))
        .max_frame_size(Some(limits.message_in))
}

impl From<Role> for protocol::Role {
    fn from(role: Role) -> Self {
        match role {
            Role::Server => Self::Server,
            Role::Client => Self::Client,
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Transport for WebSocket<S> {
    type Text = Text;

    fn poll_receive(&mut self, cx: &mut Context<'_>, allowance: usize) -> Poll<Received<Text>> {
        self.poll_next(cx, allowance)
    }

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkError>> {
        self.poll_room_for_next(cx)
    }

    fn send(&mut self, message: Bytes) -> Result<(), LinkError> {
        self.begin(message, Data::Text)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkError>> {
        self.poll_all_written(cx)
    }

    fn accepted(&self) -> u64 {
        self.wire.accepted()
    }

    /// Headers and pongs included: it is asked for to bound memory.
    fn backlog(&self) -> usize {
        self.unsent.bytes() + self.buffered()
    }

    fn received_bytes(&self) -> u64 {
        self.wire.incoming().bytes()
    }

    fn assembling(&self) -> Option<u64> {
        self.wire.incoming().assembling()
    }

    /// Pings, and pongs beyond our own pings.
    fn unasked_controls(&self) -> u64 {
        self.unasked_controls
    }

    fn answered_probes(&self) -> u64 {
        self.answered_pings
    }

    fn ping(&mut self) -> Result<bool, LinkError> {
        self.hand_over_ping().map(|()| true)
    }

    fn shrink(&mut self) {
        if self.is_still() {
            self.engine.rest();
        }
    }

    fn set_limits(&mut self, limits: &Limits) {
        let backlog = self.backlog();
        self.engine.configure(config(limits));
        // A whole frame that waits, or is in the buffer, needs as much room as before.
        self.make_room_for_whole(backlog);
        self.wire.incoming_mut().set_limits(limits);
    }

    fn set_whole_frames(&mut self) {
        self.whole_frames = true;
    }

    fn poll_close(&mut self, cx: &mut Context<'_>, code: CloseCode, reason: &str) -> Poll<()> {
        // An error ends the attempt as well: there is nobody left to tell.
        self.poll_closing(cx, code, reason).map(drop)
    }
}
