//! A WebSocket as a [`Transport`] (RFC 6455), after its handshake.
//!
//! One task owns both directions, so there are no locks and wakers between them, and a pong that is owed leaves with the
//! next flush. Bytes are copied as rarely as the roles allow: a long message is read to where it stays, and a server's
//! long message is written from where it lies.
//!
//! ```text
//! Transport ─▶ sending ───▶ writer ──┐  header, mask
//!              closing               ├──▶ stream
//!              receiving ◀─ reader ◀─┘  input, assembly
//! ```

mod assembly;
mod closing;
mod header;
mod judge;
mod mask;
mod reader;
mod receiving;
mod sending;
mod writer;

use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};

use self::closing::Closing;
use self::header::Opcode;
use self::reader::Reader;
use self::writer::Writer;
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
/// let Received::Text = poll_fn(|cx| server.poll_receive(cx, 1024)).await else { panic!() };
/// assert_eq!(server.message(), b"hello");
/// # });
/// ```
pub struct WebSocket<S> {
    io: S,
    role: Role,
    reader: Reader,
    writer: Writer,
    owes_pongs: bool,
    /// Our pings that were not answered yet, and how many were.
    pings: u64,
    answered_pings: u64,
    unasked_controls: u64,
    /// Whether a close frame was written, of our own or as the answer to the other end's: nothing may follow.
    has_said_close: bool,
    closing: Closing,
    /// How many bytes may ever have come before a close stops to listen; set when it begins.
    discard_until: Option<u64>,
    opens_by_hello: bool,
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
            io,
            role,
            reader: Reader::new(role, already_read, limits),
            writer: Writer::new(role, limits),
            owes_pongs: false,
            pings: 0,
            answered_pings: 0,
            unasked_controls: 0,
            has_said_close: false,
            closing: Closing::Open,
            discard_until: None,
            opens_by_hello: false,
        }
    }

    /// The WebSocket counts as a link only when the other end has answered the hello of this end: see
    /// [`Transport::opens_by_hello`]. For a client whose server is known to answer, where something on the way may
    /// swallow messages.
    pub fn opened_by_hello(mut self) -> Self {
        self.opens_by_hello = true;
        self
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Transport for WebSocket<S> {
    fn poll_receive(&mut self, cx: &mut Context<'_>, allowance: usize) -> Poll<Received> {
        self.poll_next(cx, allowance)
    }

    #[inline] // into the generic connection, which other crates compile
    fn message(&self) -> &[u8] {
        self.reader.message()
    }

    /// A long message is not copied.
    fn take_message(&mut self) -> Bytes {
        self.reader.take_message()
    }

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkError>> {
        self.poll_room_for_next(cx)
    }

    fn send(&mut self, message: Bytes) -> Result<(), LinkError> {
        self.begin(Opcode::Text, message);
        Ok(())
    }

    fn opens_by_hello(&self) -> bool {
        self.opens_by_hello
    }

    fn carries_binary(&self) -> bool {
        true
    }

    fn send_binary(&mut self, message: Bytes) -> Result<(), LinkError> {
        self.begin(Opcode::Binary, message);
        Ok(())
    }

    fn carries_sequences(&self) -> bool {
        true
    }

    fn send_sequence(&mut self, messages: &[Bytes]) -> Result<(), LinkError> {
        if !self.has_said_close {
            self.writer.sequence(messages);
        }
        Ok(())
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkError>> {
        self.poll_all_written(cx)
    }

    fn accepted(&self) -> u64 {
        self.writer.accepted()
    }

    /// Headers and pongs included: it is asked for to bound memory.
    fn backlog(&self) -> usize {
        self.writer.backlog()
    }

    fn received_bytes(&self) -> u64 {
        self.reader.bytes()
    }

    fn assembling(&self) -> Option<u64> {
        self.reader.assembling()
    }

    /// Pings, and pongs beyond our own pings.
    fn unasked_controls(&self) -> u64 {
        self.unasked_controls
    }

    fn answered_probes(&self) -> u64 {
        self.answered_pings
    }

    fn ping(&mut self) -> Result<bool, LinkError> {
        self.begin_ping();
        Ok(true)
    }

    fn shrink(&mut self) {
        self.reader.shrink();
        self.writer.shrink();
    }

    fn set_limits(&mut self, limits: &Limits) {
        self.reader.set_limits(limits);
        self.writer.set_limits(limits);
    }

    fn set_whole_frames(&mut self) {
        self.writer.set_whole_frames();
    }

    fn poll_close(&mut self, cx: &mut Context<'_>, code: CloseCode, reason: &str) -> Poll<()> {
        // An error ends the attempt as well: there is nobody left to tell.
        self.poll_closing(cx, code, reason).map(drop)
    }
}
