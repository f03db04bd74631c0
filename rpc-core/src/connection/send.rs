//! From the outbox to the link.

use std::task::Context;
use std::time::Duration;

use super::driver::Driver;
use super::link::Link;
use super::{Connection, End};

/// The bytes that are taken out of the outbox under one lock.
const BATCH: usize = 16 * 1024;

/// The most bytes that are sent in one turn. Then other tasks get their turn.
pub(super) const TURN: usize = 256 * 1024;

impl Connection {
    /// Hands to the link all that it takes, and flushes once. Returns how many bytes that were.
    pub(super) fn send(&mut self, cx: &mut Context<'_>, now: Duration) -> Result<usize, End> {
        let Self { driver, link, .. } = self;
        let Some(link) = link else {
            driver.report(None, now);
            driver.report_kept();
            return Ok(0);
        };
        let mut sent = 0;
        let mut moved = link.unflushed;
        let mut has_more = link.muted.is_none();
        while sent < TURN {
            if driver.outgoing.is_empty() && has_more {
                has_more = driver.refill(link, now);
            }
            if driver.outgoing.is_empty() {
                break;
            }
            moved = true;
            match link.hand_over(&mut driver.outgoing, driver.takes_sequences, cx)? {
                0 => break,
                bytes => sent += bytes,
            }
        }
        if link.unflushed {
            link.keepalive.busy(now);
            link.flush(cx)?;
        }
        if moved || !driver.taken_in.is_empty() {
            driver.report(Some(link), now);
        }
        Ok(sent)
    }
}

impl Driver {
    /// Takes more messages out of the outbox. Returns whether there may be more, also of what waits for room.
    fn refill(&mut self, link: &Link, now: Duration) -> bool {
        let backlog = self.held() + link.backlog();
        let mut state = self.shared.lock();
        if self.counts {
            let lend = |wanted| self.shared.config.lend(wanted);
            self.taken_in.tell(&mut state.protocol, now);
            state.protocol.on_sent_counted(None, backlog, now, lend);
        } else {
            state.protocol.on_sent(backlog, now);
        }
        self.takes_sequences = state.protocol.takes_sequences();
        state.protocol.next_messages(&mut self.outgoing, BATCH);
        !state.protocol.has_sent_all()
    }

    /// Tells the outbox what is on its way and not out yet, so that the outbox lets in what waits for room.
    fn report(&mut self, link: Option<&Link>, now: Duration) {
        let backlog = self.held() + link.map_or(0, Link::backlog);
        let mut state = self.shared.lock();
        if self.counts {
            let lend = |wanted| self.shared.config.lend(wanted);
            self.taken_in.tell(&mut state.protocol, now);
            state.protocol.on_sent_counted(link.map(Link::accepted), backlog, now, lend);
        } else {
            state.protocol.on_sent(backlog, now);
        }
    }

    /// Bytes of the messages between the outbox and the link.
    fn held(&self) -> usize {
        self.outgoing.iter().map(bytes::Bytes::len).sum()
    }
}
