//! The messages of the server: given by the connection, and written into the stream of events as often as it is asked for.

use bytes::{Bytes, BytesMut};
use rpc_core::CloseCode;
use rpc_core::internal::sse::{NotSent, Outbound, event};

/// Bytes of events that leave in one piece, unless one event has more.
const PIECE: usize = 16 * 1024;

/// Bytes of events that are kept for a client that acknowledges none, in case it asks for its stream again.
const UNACKNOWLEDGED: usize = 64 * 1024;

/// The way down of a link.
pub(super) struct Outbox {
    outbound: Outbound,
    /// The number of the last event in the stream of now.
    cursor: u64,
    /// Whether the client has said that it acknowledges events.
    acknowledges: bool,
    pings: Pings,
    close: Option<Close>,
}

/// The probes of the connection.
#[derive(Default)]
struct Pings {
    is_owed: bool,
    is_asked: bool,
    answered: u64,
}

/// How the server closes the link.
struct Close {
    code: CloseCode,
    reason: String,
    is_written: bool,
}

impl Outbox {
    pub(super) fn new(acknowledges: bool) -> Self {
        Self {
            outbound: Outbound::default(),
            cursor: 0,
            acknowledges,
            pings: Pings::default(),
            close: None,
        }
    }

    pub(super) fn push(&mut self, text: Bytes) {
        self.outbound.push(text);
    }

    /// Returns how many messages the stream was ever given.
    pub(super) fn sent(&self) -> u64 {
        self.outbound.sent()
    }

    /// Returns the bytes of messages that were never given to a stream.
    pub(super) fn unsent(&self) -> usize {
        self.outbound.unsent()
    }

    /// Returns the bytes of messages that wait for the client, to be read or to be acknowledged.
    pub(super) fn backlog(&self) -> usize {
        if self.acknowledges { self.outbound.bytes() } else { self.outbound.unsent() }
    }

    /// Returns the number of the last event that the client has acknowledged.
    pub(super) fn acknowledged(&self) -> u64 {
        self.outbound.acknowledged()
    }

    /// Notes that the client has the events up to a number.
    ///
    /// # Errors
    /// There was no such event.
    pub(super) fn acknowledge(&mut self, number: u64) -> Result<(), NotSent> {
        self.acknowledges = true;
        self.outbound.acknowledge(number).map(drop)
    }

    /// Begins a stream behind the event with the number `received`. Returns whether the events behind are kept.
    pub(super) fn begin(&mut self, received: u64) -> bool {
        let is_kept = received >= self.outbound.acknowledged();
        if is_kept {
            self.cursor = received;
        }
        is_kept
    }

    /// Asks for a sign of life. Returns whether the client is expected to answer: one that acknowledges nothing is a
    /// person with a terminal, who only reads.
    pub(super) fn ping(&mut self) -> bool {
        self.pings.is_owed |= self.acknowledges;
        self.acknowledges
    }

    /// Notes a sign of life. Returns whether the client was asked for one.
    pub(super) fn answer_ping(&mut self) -> bool {
        let was_asked = std::mem::take(&mut self.pings.is_asked);
        self.pings.answered += u64::from(was_asked);
        was_asked
    }

    pub(super) fn answered_pings(&self) -> u64 {
        self.pings.answered
    }

    /// Closes the link behind all events. Returns whether that was written.
    pub(super) fn close(&mut self, code: CloseCode, reason: &str) -> bool {
        let close = || Close { code, reason: reason.to_owned(), is_written: false };
        self.close.get_or_insert_with(close).is_written
    }

    /// Returns whether the server closes the link.
    pub(super) fn closes(&self) -> bool {
        self.close.is_some()
    }

    /// Returns whether the stream has told all that it will ever tell.
    pub(super) fn has_ended(&self) -> bool {
        self.close.as_ref().is_some_and(|close| close.is_written)
    }

    /// Returns the next piece of the stream; empty if there is nothing.
    pub(super) fn piece(&mut self) -> Bytes {
        let mut piece = BytesMut::new();
        while piece.len() < PIECE
            && let Some(text) = self.outbound.get(self.cursor + 1)
        {
            event::write(self.cursor + 1, text, &mut piece);
            self.cursor += 1;
        }
        self.outbound.note_sent(self.cursor);
        if !self.acknowledges {
            self.outbound.keep_at_most(UNACKNOWLEDGED);
        }
        if std::mem::take(&mut self.pings.is_owed) {
            piece.extend_from_slice(event::PING);
            self.pings.is_asked = true;
        }
        if self.cursor == self.outbound.last()
            && let Some(close) = &mut self.close
            && !std::mem::replace(&mut close.is_written, true)
        {
            event::write_close(close.code, &close.reason, &mut piece);
        }
        piece.freeze()
    }

    /// Drops the messages: nobody reads them any more.
    pub(super) fn clear(&mut self) {
        self.outbound = Outbound::default();
    }

    pub(super) fn shrink(&mut self) {
        self.outbound.shrink();
    }
}
