//! The end of a stream of bytes: what is buffered, the end of our bytes, and then the end of theirs.
//!
//! The last step is for sockets. A socket that is dropped with unread bytes in it resets the connection, and a reset makes
//! the other end's kernel throw away what it has not read yet: the last answers.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite};

use super::ByteStream;
use crate::transport::LinkError;
use crate::util::runtime::again;

/// How far a close has come: what is being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Closing {
    /// What is buffered is being written.
    Open,
    /// The writing direction is being shut down.
    HangingUp,
    /// The other end has all.
    Told,
}

/// What is discarded before the thread is given to others.
const TURN: usize = 64 * 1024;

impl<S: AsyncRead + AsyncWrite + Unpin> ByteStream<S> {
    pub(super) fn poll_closing(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkError>> {
        // Listening does not wait for telling: the other end may not read before all that it is writing was taken.
        let heard = self.poll_heard(cx)?;
        ready!(self.poll_told(cx))?;
        if self.awaits_end { heard.map(Ok) } else { Poll::Ready(Ok(())) }
    }

    fn poll_told(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkError>> {
        loop {
            self.closing = match self.closing {
                Closing::Open => {
                    ready!(self.poll_all_written(cx))?;
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

    /// Discards what comes, until the other end ends its direction, or until it is enough.
    fn poll_heard(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkError>> {
        let enough = self.reader.bytes() + (self.reader.message_in() as u64).saturating_mul(4);
        let until = *self.discard_until.get_or_insert(enough);
        let mut allowance = TURN;
        while !self.has_ended && self.reader.bytes() < until {
            if allowance == 0 {
                again(cx);
                return Poll::Pending;
            }
            match ready!(self.reader.poll_discard(&mut self.io, cx))? {
                0 => self.has_ended = true,
                count => allowance = allowance.saturating_sub(count),
            }
        }
        Poll::Ready(Ok(()))
    }
}
