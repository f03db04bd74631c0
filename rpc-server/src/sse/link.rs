//! A link: what its requests and its connection share.

use std::sync::{Mutex, MutexGuard};
use std::task::Waker;

use bytes::Bytes;
use rpc_core::internal::sse::{LinkName, NotSent};
use rpc_core::{CloseCode, Limits, Peer};
use tokio::sync::Notify;

use super::inbox::{Inbox, Put};
use super::outbox::Outbox;
use super::up::Reading;
use crate::deadline::Deadline;

/// A link of one client.
pub(crate) struct Link {
    pub(crate) name: LinkName,
    /// Whether the client was a guest when the link began.
    pub(crate) was_guest: bool,
    state: Mutex<State>,
    /// Notified when requests may go on: there is room, or the link is over, or one is broken off.
    pub(super) changed: Notify,
}

/// The two directions of a link, and who waits for them.
pub(super) struct State {
    /// The client as `on_connect` saw it when the link began. `None` when the link is over: its values are the
    /// application's.
    opener: Option<Peer>,
    pub(super) inbox: Inbox,
    pub(super) outbox: Outbox,
    /// Requests so far, each of which is a sign of life.
    pub(super) requests: u64,
    /// Requests that brought nothing.
    pub(super) vain_requests: u64,
    /// The stream of now.
    stream: Option<u64>,
    streams: u64,
    /// The deadline of the HTTP connection that has the stream.
    deadline: Option<Deadline>,
    /// How the client has ended the link.
    end: Option<LinkEnd>,
    /// Whether the connection has let go of the link.
    is_over: bool,
    pub(super) carrier: Option<Waker>,
    events: Option<Waker>,
}

/// How a client has ended its link.
#[derive(Debug, Clone)]
pub(super) enum LinkEnd {
    Closed(CloseCode, String),
    Violation(CloseCode, &'static str),
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
        let was_guest = opener.is_guest();
        Self {
            name,
            was_guest,
            state: Mutex::new(State {
                opener: Some(opener),
                inbox: Inbox::new(hello.into(), limits.message_in),
                outbox: Outbox::new(acknowledges),
                requests: 1,
                vain_requests: 0,
                stream: None,
                streams: 0,
                deadline: None,
                end: None,
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
        self.lock().inbox.received()
    }

    /// Notes a request of the client, which may acknowledge events.
    ///
    /// # Errors
    /// The client acknowledges what was never sent, so its numbers are worth nothing: the link ends.
    pub(super) fn note_request(&self, received: Option<u64>, brings: bool) -> Result<(), NotSent> {
        let mut state = self.lock();
        state.requests += 1;
        let is_known = |number| number <= state.outbox.acknowledged();
        let is_vain = !brings && received.is_none_or(is_known);
        if !state.outbox.answer_ping() && is_vain {
            state.vain_requests += 1;
        }
        let acknowledged = received.map_or(Ok(()), |number| state.outbox.acknowledge(number));
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
        let number = state.inbox.begin_reading();
        if state.inbox.break_off() {
            drop(state);
            self.changed.notify_waiters();
        }
        number
    }

    /// Ends the reading of a request.
    pub(super) fn end_reading(&self, number: u64) {
        self.lock().inbox.end_reading(number);
    }

    /// Puts the lines of a request, as far as they have come, into the inbox.
    pub(super) fn put(&self, reading: &mut Reading) -> Put {
        let mut state = self.lock();
        let before = state.inbox.len();
        let put = if state.has_ended() { Put::Over } else { state.inbox.put(reading) };
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
        if state.has_ended() || !state.outbox.begin(received) {
            return None;
        }
        state.streams += 1;
        let number = state.streams;
        state.stream = Some(number);
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
        let piece = state.outbox.piece();
        if piece.is_empty() {
            if state.outbox.has_ended() {
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
        state.inbox.clear();
        state.outbox.clear();
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
        self.is_over || self.end.is_some() || self.outbox.closes()
    }

    /// Returns how the client has ended the link. That stays: nobody is there to be told of a close.
    pub(super) fn end(&self) -> Option<LinkEnd> {
        self.end.clone()
    }

    pub(super) fn has_stream(&self) -> bool {
        self.stream.is_some()
    }

    /// Closes the link behind all events. Returns whether the client was told, or has closed the link itself.
    pub(super) fn close(&mut self, code: CloseCode, reason: &str) -> bool {
        self.outbox.close(code, reason) || matches!(self.end, Some(LinkEnd::Closed(..)))
    }

    pub(super) fn shrink(&mut self) {
        self.inbox.shrink();
        self.outbox.shrink();
    }
}
