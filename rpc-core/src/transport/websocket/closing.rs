//! The end of a WebSocket, in order: what is buffered, our close frame, the end of our bytes, and
//! then the other end's close or the end of theirs.
//!
//! The last step is for our close code. A socket that is dropped with unread bytes in it resets the
//! connection, and a reset makes the other end's kernel throw away what it has not read yet: above
//! all the reason of a close after a message too big, of which more is always on its way.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite};

use super::header::CONTROL_MAX;
use super::{Role, WebSocket};
use crate::error::close::CloseCode;
use crate::transport::LinkError;
use crate::util::runtime::again;

/// How far a close has come: what is being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Closing {
    /// Nobody asked for it yet; or what is buffered is being written.
    Open,
    /// The close frame is being written.
    Telling,
    /// The writing direction is being shut down.
    HangingUp,
    /// The other end has been told all.
    Told,
}

/// What is discarded before the thread is given to others.
const TURN: usize = 64 * 1024;

/// Two bytes of a close are its code.
const REASON_MAX: usize = CONTROL_MAX - 2;

impl<S: AsyncRead + AsyncWrite + Unpin> WebSocket<S> {
    pub(super) fn poll_closing(
        &mut self,
        cx: &mut Context<'_>,
        code: CloseCode,
        reason: &str,
    ) -> Poll<Result<(), LinkError>> {
        // Listening does not wait for telling: the other end may not read before all that it is
        // writing was taken.
        let told = self.poll_told(cx, code, reason)?;
        let heard = self.poll_heard(cx)?;
        if told.is_ready() { heard.map(Ok) } else { Poll::Pending }
    }

    fn poll_told(
        &mut self,
        cx: &mut Context<'_>,
        code: CloseCode,
        reason: &str,
    ) -> Poll<Result<(), LinkError>> {
        loop {
            self.closing = match self.closing {
                Closing::Open => {
                    // A message that is half out stays so: a close frame may stand between
                    // fragments, and a slow reader would never take the rest.
                    self.writer.cut_short();
                    ready!(self.poll_drained(cx))?;
                    self.tell(code, reason);
                    Closing::Telling
                }
                Closing::Telling => {
                    ready!(self.poll_drained(cx))?;
                    Closing::HangingUp
                }
                Closing::HangingUp => {
                    ready!(Pin::new(&mut self.io).poll_shutdown(cx))?;
                    Closing::Told
                }
                Closing::Told => return Poll::Ready(Ok(())),
            };
        }
    }

    /// Writes the close frame behind what is buffered.
    ///
    /// If the other end closed first, its own code was sent back already, and this does nothing.
    fn tell(&mut self, code: CloseCode, reason: &str) {
        // Codes such as 1006 are for reports about a connection and never sent on one.
        let code = if code.may_be_sent() { code } else { CloseCode::NORMAL };
        let reason = &reason[..reason.floor_char_boundary(REASON_MAX)];
        self.say_close(&[&code.value().to_be_bytes(), reason.as_bytes()].concat());
    }

    /// Writes a close frame, unless one was written.
    pub(super) fn say_close(&mut self, payload: &[u8]) {
        if !std::mem::replace(&mut self.has_said_close, true) {
            self.writer.close(payload);
        }
    }

    /// Discards what comes until the other end confirms, or until it is enough.
    fn poll_heard(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkError>> {
        let until = self.discard_until();
        self.reader.discard();
        let mut allowance = TURN;
        while !self.may_hang_up() && self.reader.bytes() < until {
            if allowance == 0 {
                again(cx);
                return Poll::Pending;
            }
            match ready!(self.reader.poll_discard(&mut self.io, cx))? {
                0 => break,
                count => allowance = allowance.saturating_sub(count),
            }
        }
        Poll::Ready(Ok(()))
    }

    /// The sender of a message too big may read our reason only when it has sent all of that; so
    /// some more than `message_in`, but not all that one can send in the time we have.
    fn discard_until(&mut self) -> u64 {
        let enough = self.reader.bytes() + self.reader.message_in().saturating_mul(4);
        *self.discard_until.get_or_insert(enough)
    }

    /// Whether the connection may be dropped before the other end has. A server may when it was
    /// answered; a client waits for the server, so that the port it came from is not held
    /// (RFC 6455, section 7.1.1).
    fn may_hang_up(&self) -> bool {
        self.role == Role::Server && self.reader.is_closed()
    }
}
