//! From the outbox to the wire.

use std::task::Context;
use std::time::Duration;

use super::{Connection, End};
use crate::transport::Transport;

/// So many messages are taken out of the outbox under one lock, and so many bytes of them.
const BATCH: usize = 16 * 1024;

/// So many bytes are sent in one turn; then others get theirs.
pub(super) const TURN: usize = 256 * 1024;

impl<T: Transport> Connection<T> {
    /// Hands to the transport all that it takes, and flushes once; how many bytes that were.
    pub(super) fn send(&mut self, cx: &mut Context<'_>, now: Duration) -> Result<usize, End> {
        let mut sent = 0;
        let mut moved = self.unflushed;
        while sent < TURN && (!self.outgoing.is_empty() || self.refill(now)) {
            moved = true;
            match self.hand_over(cx)? {
                0 => break,
                bytes => sent += bytes,
            }
        }
        if self.unflushed {
            self.life.busy(now);
            self.flush(cx)?;
        }
        if moved {
            self.report(now);
        }
        Ok(sent)
    }

    /// Gives the transport what was taken out of the outbox, until it takes no more; how many bytes
    /// went over.
    fn hand_over(&mut self, cx: &mut Context<'_>) -> Result<usize, End> {
        let mut bytes = 0;
        while !self.outgoing.is_empty() {
            self.blocked = self.transport.poll_ready(cx)?.is_pending();
            if self.blocked {
                break;
            }
            if let Some(message) = self.outgoing.pop_front() {
                bytes += message.len();
                self.unflushed = true;
                self.transport.send(message)?;
            }
        }
        Ok(bytes)
    }

    /// Takes more messages out of the outbox; whether there were any.
    fn refill(&mut self, now: Duration) -> bool {
        let backlog = self.backlog();
        let mut state = self.shared.lock();
        state.protocol.on_sent(backlog, now);
        let mut bytes = 0;
        while bytes < BATCH
            && let Some(message) = state.protocol.next_message()
        {
            bytes += message.len();
            self.outgoing.push_back(message);
        }
        bytes > 0
    }

    /// Tells the outbox what is on its way and not out yet, so that it lets in who waits for room.
    fn report(&mut self, now: Duration) {
        let backlog = self.backlog();
        self.shared.lock().protocol.on_sent(backlog, now);
    }

    fn backlog(&self) -> usize {
        let held: usize = self.outgoing.iter().map(bytes::Bytes::len).sum();
        held + self.transport.backlog()
    }

    pub(super) fn flush(&mut self, cx: &mut Context<'_>) -> Result<(), End> {
        if self.transport.poll_flush(cx)?.is_ready() {
            self.unflushed = false;
        }
        Ok(())
    }
}
