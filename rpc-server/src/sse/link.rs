//! A link: what its requests and its connection share.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard};
use std::task::Waker;

use bytes::{Bytes, BytesMut};
use rpc_core::internal::sse::{Inbound, LinkName, NotSent, Outbound, Place, event};
use rpc_core::{CloseCode, Limits, Peer};
use tokio::sync::Notify;

use super::up::Reading;
use crate::deadline::Deadline;

/// Bytes of messages that were read and that the connection has not taken.
const INBOX: usize = 64 * 1024;

/// Bytes of events that leave in one piece, unless one event has more.
const PIECE: usize = 16 * 1024;

/// Bytes of events that are kept for a client that acknowledges none, in case it asks for its stream again.
const UNACKNOWLEDGED: usize = 64 * 1024;

/// How many requests with messages a link reads at once. One more breaks off the oldest: its client has given it up.
const READING: usize = 2;

/// A link of one client.
pub(crate) struct Link {
    pub(crate) name: LinkName,
    /// Whether the client was a guest when the link began.
    pub(crate) was_guest: bool,
    state: Mutex<State>,
    /// Notified when requests may go on: there is room, or the link is over, or one is broken off.
    pub(super) changed: Notify,
}

/// The two directions of a link.
pub(super) struct State {
    /// The client as `on_connect` saw it when the link began. `None` when the link is over: its values are the
    /// application's.
    opener: Option<Peer>,
    inbound: Inbound,
    inbox: VecDeque<Bytes>,
    inbox_bytes: usize,
    /// A request waits for room.
    is_full: bool,
    outbound: Outbound,
    /// The number of the last event in the stream of now.
    cursor: u64,
    /// Whether the client has said that it acknowledges events.
    acknowledges: bool,
    message_in: usize,
    pings: Pings,
    /// Requests so far, each of which is a sign of life.
    requests: u64,
    /// Requests that brought nothing.
    vain_requests: u64,
    /// The stream of now.
    stream: Option<u64>,
    streams: u64,
    /// The deadline of the HTTP connection that has the stream.
    deadline: Option<Deadline>,
    /// The requests that are being read, the oldest first.
    reading: VecDeque<u64>,
    read: u64,
    /// How the client has ended the link.
    end: Option<LinkEnd>,
    close: Option<Close>,
    /// Whether the connection has let go of the link.
    is_over: bool,
    pub(super) carrier: Option<Waker>,
    events: Option<Waker>,
}

/// The probes of the connection.
#[derive(Default)]
struct Pings {
    is_owed: bool,
    is_asked: bool,
    answered: u64,
}

/// How a client has ended its link.
#[derive(Debug, Clone)]
pub(super) enum LinkEnd {
    Closed(CloseCode, String),
    Violation(CloseCode, &'static str),
}

/// How the server closes the link.
struct Close {
    code: CloseCode,
    reason: String,
    is_written: bool,
}

/// What has become of the lines of a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Put {
    /// All of them were taken in, and more are to be read.
    All,
    /// There is no room for the next one.
    Full,
    /// A message before the next one is missing.
    Gap,
    /// A message is too long. The link ends.
    TooLong,
    /// A later request has taken the place of this one.
    BrokenOff,
    /// The link is over.
    Over,
}

/// What a stream of events does next.
pub(super) enum Next {
    Piece(Bytes),
    Wait,
    End,
}

impl Link {
    /// Makes a link whose first message, a hello, was read. `acknowledges` says whether the client will acknowledge
    /// events.
    pub(super) fn new(
        name: LinkName,
        opener: Peer,
        hello: String,
        acknowledges: bool,
        limits: &Limits,
    ) -> Self {
        let mut inbound = Inbound::default();
        inbound.take(1);
        let was_guest = opener.is_guest();
        Self {
            name,
            was_guest,
            state: Mutex::new(State {
                opener: Some(opener),
                inbound,
                inbox: VecDeque::from([hello.into()]),
                inbox_bytes: 0,
                is_full: false,
                outbound: Outbound::default(),
                cursor: 0,
                acknowledges,
                message_in: limits.message_in,
                pings: Pings::default(),
                requests: 1,
                vain_requests: 0,
                stream: None,
                streams: 0,
                deadline: None,
                reading: VecDeque::new(),
                read: 0,
                end: None,
                close: None,
                is_over: false,
                carrier: None,
                events: None,
            }),
            changed: Notify::new(),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Wakes a task that was waiting for the link, after the lock is released.
    fn wake(state: MutexGuard<'_, State>, woken: impl FnOnce(&mut State) -> Option<Waker>) {
        let mut state = state;
        let waker = woken(&mut state);
        drop(state);
        waker.into_iter().for_each(Waker::wake);
    }

    pub(super) fn wake_carrier(state: MutexGuard<'_, State>) {
        Self::wake(state, |state| state.carrier.take());
    }

    pub(super) fn wake_events(state: MutexGuard<'_, State>) {
        Self::wake(state, |state| state.events.take());
    }

    /// Returns the client that has begun the link; `None` if the link is over.
    pub(super) fn opener(&self) -> Option<Peer> {
        self.lock().opener.clone()
    }

    /// Returns whether nothing more may come or go.
    pub(super) fn is_over(&self) -> bool {
        self.lock().has_ended()
    }

    /// Returns the number of the last message that was taken in.
    pub(super) fn received(&self) -> u64 {
        self.lock().inbound.received()
    }

    /// Notes a request of the client, which may acknowledge events.
    ///
    /// # Errors
    /// The client acknowledges what was never sent, so its numbers are worth nothing: the link ends.
    pub(super) fn note_request(&self, received: Option<u64>, brings: bool) -> Result<(), NotSent> {
        let mut state = self.lock();
        state.requests += 1;
        if std::mem::take(&mut state.pings.is_asked) {
            state.pings.answered += 1;
        } else if !brings && received.is_none_or(|number| number <= state.outbound.acknowledged()) {
            state.vain_requests += 1;
        }
        let acknowledged = received.map(|number| {
            state.acknowledges = true;
            state.outbound.acknowledge(number)
        });
        let acknowledged = acknowledged.transpose().map(drop);
        if let Err(NotSent) = acknowledged {
            let reason = "acknowledged what was never sent";
            state.end.get_or_insert(LinkEnd::Violation(CloseCode::PROTOCOL, reason));
        }
        Self::wake_carrier(state);
        acknowledged
    }

    /// Ends the link as its client asks.
    pub(super) fn close_by_client(&self, code: CloseCode, reason: String) {
        let mut state = self.lock();
        state.end.get_or_insert(LinkEnd::Closed(code, reason));
        Self::wake_carrier(state);
    }

    /// Begins to read a request with messages. Returns its number.
    pub(super) fn begin_reading(&self) -> u64 {
        let mut state = self.lock();
        state.read += 1;
        let number = state.read;
        state.reading.push_back(number);
        if state.reading.len() > READING {
            state.reading.pop_front();
            drop(state);
            self.changed.notify_waiters();
        }
        number
    }

    /// Ends the reading of a request.
    pub(super) fn end_reading(&self, number: u64) {
        self.lock().reading.retain(|reading| *reading != number);
    }

    /// Puts the lines of a request, as far as they have come, into the inbox.
    pub(super) fn put(&self, reading: &mut Reading) -> Put {
        let mut state = self.lock();
        let before = state.inbox.len();
        let put = state.put(reading);
        if put == Put::TooLong {
            let reason = "a message above the limit `message_in`";
            state.end.get_or_insert(LinkEnd::Violation(CloseCode::TOO_BIG, reason));
        }
        if state.inbox.len() > before || put == Put::TooLong {
            Self::wake_carrier(state);
        }
        put
    }

    /// Gives the link a stream, which begins behind the event with the number `received`. A stream before ends. Returns
    /// the number of the stream, or `None` if these events are not kept any more.
    pub(super) fn begin_stream(&self, received: u64) -> Option<u64> {
        let mut state = self.lock();
        if state.has_ended() || received < state.outbound.acknowledged() {
            return None;
        }
        state.streams += 1;
        let number = state.streams;
        (state.stream, state.cursor) = (Some(number), received);
        let (events, carrier) = (state.events.take(), state.carrier.take());
        drop(state);
        events.into_iter().chain(carrier).for_each(Waker::wake);
        Some(number)
    }

    /// Sets the deadline of the HTTP connection that has the stream.
    pub(super) fn set_deadline(&self, deadline: Deadline) {
        self.lock().deadline = Some(deadline);
    }

    /// Ends a stream, if it is the one of now.
    pub(super) fn end_stream(&self, stream: u64) {
        let mut state = self.lock();
        if state.stream == Some(stream) {
            state.stream = None;
            Self::wake_carrier(state);
        }
    }

    /// Returns what comes next in a stream. If that is `Wait`, `waker` is woken when there is more.
    pub(super) fn next(&self, stream: u64, waker: &Waker) -> Next {
        let mut state = self.lock();
        if state.stream != Some(stream) || state.is_over {
            return Next::End;
        }
        let piece = state.piece();
        if piece.is_empty() {
            if state.close.as_ref().is_some_and(|close| close.is_written) {
                return Next::End;
            }
            if !state.events.as_ref().is_some_and(|before| before.will_wake(waker)) {
                state.events = Some(waker.clone());
            }
            return Next::Wait;
        }
        Self::wake_carrier(state);
        Next::Piece(piece)
    }

    /// The connection has let go of the link: requests and streams end.
    pub(super) fn end(&self, within: std::time::Duration) {
        let mut state = self.lock();
        state.is_over = true;
        state.inbox = VecDeque::new();
        state.outbound = Outbound::default();
        let (events, deadline) = (state.events.take(), state.deadline.take());
        let opener = state.opener.take();
        drop(state);
        drop(opener);
        events.into_iter().for_each(Waker::wake);
        self.changed.notify_waiters();
        if let Some(deadline) = deadline {
            // A client that reads nothing would keep the HTTP connection for ever.
            deadline.set(Some(within));
        }
    }
}

impl State {
    fn has_ended(&self) -> bool {
        self.is_over || self.end.is_some() || self.close.is_some()
    }

    fn put(&mut self, reading: &mut Reading) -> Put {
        loop {
            if self.has_ended() {
                return Put::Over;
            }
            if !self.reading.contains(&reading.request) {
                return Put::BrokenOff;
            }
            reading.lines.set_most(self.message_in);
            let Ok(line) = reading.take_line() else { return Put::TooLong };
            let Some(line) = line else { return Put::All };
            match self.inbound.place(reading.next) {
                Place::Repeated => {}
                Place::Gap => return Put::Gap,
                Place::Next if self.inbox_bytes >= INBOX => {
                    reading.waiting = Some(line);
                    self.is_full = true;
                    return Put::Full;
                }
                Place::Next => {
                    self.inbound.take(reading.next);
                    self.inbox_bytes += line.len() + 1;
                    self.inbox.push_back(line);
                }
            }
            reading.next += 1;
        }
    }

    /// Takes all messages that have come, in exchange for an empty queue. Returns whether a request waits for the room.
    pub(super) fn take_inbox(&mut self, into: &mut VecDeque<Bytes>) -> bool {
        std::mem::swap(&mut self.inbox, into);
        self.inbox_bytes = 0;
        std::mem::take(&mut self.is_full)
    }

    pub(super) fn has_messages(&self) -> bool {
        !self.inbox.is_empty()
    }

    pub(super) fn take_end(&mut self) -> Option<LinkEnd> {
        self.end.take()
    }

    pub(super) fn has_stream(&self) -> bool {
        self.stream.is_some()
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

    pub(super) fn requests(&self) -> u64 {
        self.requests
    }

    pub(super) fn vain_requests(&self) -> u64 {
        self.vain_requests
    }

    pub(super) fn answered_pings(&self) -> u64 {
        self.pings.answered
    }

    /// Asks for a sign of life. Returns whether the client is expected to answer: one that acknowledges nothing is a
    /// person with a terminal, who only reads.
    pub(super) fn ping(&mut self) -> bool {
        self.pings.is_owed |= self.acknowledges;
        self.acknowledges
    }

    pub(super) fn set_message_in(&mut self, most: usize) {
        self.message_in = most;
    }

    pub(super) fn shrink(&mut self) {
        self.inbox.shrink_to_fit();
        self.outbound.shrink();
    }

    /// Closes the link behind all events. Returns whether the client was told.
    pub(super) fn close(&mut self, code: CloseCode, reason: &str) -> bool {
        let close = || Close { code, reason: reason.to_owned(), is_written: false };
        let is_written = self.close.get_or_insert_with(close).is_written;
        is_written || matches!(self.end, Some(LinkEnd::Closed(..)))
    }

    /// Returns the next piece of the stream; empty if there is nothing.
    fn piece(&mut self) -> Bytes {
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
}
