//! Both ends of JSON-RPC 2.0 as one state machine, which never asks which end it is.
//!
//! The state machine does no I/O: [`Protocol`] takes messages and commands, and says what to send and what
//! to run. It holds no lock and knows no clock and no runtime: time is a parameter, counted from the start
//! of the connection. A request gets exactly one answer; a notification or a response never gets one.

use std::collections::VecDeque;
use std::time::Duration;

use crate::error::close::CloseReason;
use crate::limits::Limits;
use crate::protocol::stats::Counted;
use crate::protocol::tables::batches::Batches;
use crate::protocol::tables::calls::Calls;
use crate::protocol::tables::key::Key;
use crate::protocol::tables::mutes::Mutes;
use crate::protocol::tables::notifications::Notifications;
use crate::protocol::tables::outbox::Outbox;
use crate::protocol::tables::rates::Rates;
use crate::protocol::tables::serving::Serving;
use crate::protocol::tables::streams::{Early, IncomingStreams, OutgoingKey, OutgoingStreams};
use crate::util::sync::Arc;
use crate::wire::dialect::Dialect;
use crate::wire::hello::Greetings;

mod abandoned;
mod answer;
mod arguments;
mod await_hello;
mod batch_room;
mod call;
mod end;
mod event;
mod hello;
mod incoming_streams;
mod lifecycle;
mod link;
mod mcp;
mod misuse;
mod mutes;
mod outcome;
mod outgoing_streams;
mod park;
mod permits;
mod progress;
mod receive;
mod send;
mod serve;
pub(crate) mod session;
mod start;
mod started;
pub(crate) mod stats;
pub(crate) mod tables;
pub(crate) mod target;
mod throttle;
mod unanswered_batches;
mod unknown_method;

use abandoned::Abandonments;
use await_hello::Held;
pub(crate) use batch_room::Room;
pub(crate) use event::{Arrival, Event, Reading, Serve, StreamParams};
use lifecycle::Lifecycle;
pub(crate) use lifecycle::{Expiry, Unauthenticated};
pub(crate) use outcome::{Opened, Outcome, Refused};
pub(crate) use outgoing_streams::{ItemMessage, ItemRoom};
use park::{Parked, Stall};
use permits::PermitWatchers;
pub(crate) use receive::UsualArrival;
use session::Session;
pub(crate) use start::{Caller, Start};
pub(crate) use started::Started;
use unanswered_batches::Unanswered;

/// One connection's calls, answers and queues.
///
/// # The contract
/// A driver owns the transport, the handlers and the streams. It calls these methods, of five kinds; a
/// method's prefix tells its kind, unless it is a plain verb:
///
/// | kind | prefix | methods |
/// |---|---|---|
/// | set up, before the first message | `set_` | [`new`](Self::new), `set_plain`, `set_dialect`, `set_chance`, `set_answers_only`, `set_asks_for_unstable`, `leave_malformed`, `require_login`, `know_other`, `greet`, `set_offers`, `set_carries_binary`, `set_grants_sessions`, `set_outlives_links`, `set_opened_by_application` |
/// | events in: what has happened | `receive`, `on_` | [`receive`](Self::receive), `take_usual_item` or `take_attached_item`, between `begin_batch` and `end_batch`, `receive_usual` before `receive`, `on_batch_answered`, `on_returned`, `on_sent`, `on_pinged`, `on_late`, `on_input_ended`, `on_taken_in`, `on_sent_counted`, `begin_link`, `accept_resume`, `note_accepted`, `on_round_trip`, `detach`, `link_lost`, `take_back`, `expire_unbegun`, `expire` |
/// | commands in: what this end wants | a verb | of callers: `start`, `start_batch`, `abandon`, `notify`, `push`, `withdraw_notification`, `unsubscribe`, `throttle`, `consume_items`; of handlers: `keep`, `finish`, `finish_written`, `finish_with_stream`, `open_outgoing`, `bound_stream`, `push_items`, `finish_stream`, `report`, `claim`, `release_permit`, `reacquire_permit`; of the application: `log_in`, `drop_login`, `set_expiry`, `drain`, `mute`, `unmute`, `interrupt`, `interrupt_away`, `end`, `discard`, `shrink`; of sessions: `grant`, `grant_nothing`, `open_session`, `end_session`, `take_ended_session`, `end_with_session`, `hold_handlers`, `release_handlers`, `ask_to_move` |
/// | what is next | `next_`, `poll_` | for the driver: `next_to_start`, `next_messages`, `next_deadline`, `released`, `dropped`, `to_wake`; for one who waits: `poll_outcome`, `poll_entered`, `poll_item`, `watch`, `watch_permit`, `unwatch_permit`, `after_answer`, `take_progress`, `take_given_back` |
/// | questions, which change nothing that others see | `is_`, `has_`, `may_`, `must_`, a noun | of the driver: `may_read`, `overdue`, `has_room`, `room_for_answer`, `has_waiting`, `is_open`, `is_sent`, `has_sent_all`, `is_drained`, `is_idle`, `room_for_items`, `is_counted`, `no_stream_events`, `may_start_ordered`, `must_gather_on`, `wire_is_unwatched`, `hello_is_unwatched`, `asks_round_trip`; of handlers and callers: `extensions`, `members`, `method`, `is_notification`, `is_forwarded`, `streams_of`, `unused_id`, `most_in_batch`, `is_muted`, `skips`, `muted`, `going_away`, `is_known`, `is_asked_for_unstable`, `heard_offers`, `is_closed_to_guest`, `takes_bytes`, `takes_sequences`, `offers_bytes`, `answers_only`, `is_guest`, `expiry`, `login_expires`, `ended`, `limits`; of sessions: `outlives_links`, `may_be_resumed`, `wants_to_resume`, `spread`, `away_since`, `has_granted_session`, `kept_bytes`, `may_ask_for_end`, `taken_in_at_end`; numbers: [`stats`], `served`, `in_flight`, `pending`, `subscriptions`, `queue_bytes` |
///
/// A `poll_` method takes a closure, which it calls if there is nothing yet: the closure stores a waiter
/// (`W`). When there is something, the waiter is put into `to_wake`. The driver takes `to_wake` and wakes
/// the waiters when it holds no lock. A waiter that a method returns is to be dropped, also without the lock.
///
/// # The order in a turn
/// 1. `on_late`, if the clock was looked at too late; then `expire_unbegun`.
/// 2. `receive` for each message, while `may_read` returns [`Reading::On`]. [`Event::Serve`] comes with a
///    [`Started`] token. The driver polls the handler and gives the token back, to `keep` or to `finish`,
///    before it receives the next message.
/// 3. `finish` for handlers that were woken and have ended; `on_returned` for those without a room for their
///    result, which is written when `room_for_answer` says so.
/// 4. `expire`, if `next_deadline` has come and all that came in was read; the driver drops the handlers
///    that it names.
/// 5. `next_to_start`, then the streams in `released` and `dropped`, then `next_messages` until there is
///    none (`has_sent_all` tells that without a look), then `on_sent`. Step 5 is repeated while `on_sent` has made room.
/// 6. `overdue`: the reason why the connection must be closed, if there is one.
/// 7. `to_wake`, without the lock; a timer for `next_deadline`.
///
/// The connection ends by `end`, after which every method is harmless and no handler starts. `interrupt`
/// before it answers what still runs.
pub(crate) struct Protocol<W> {
    limits: Arc<Limits>,
    calls: Calls<W, Outcome>,
    /// Calls and batches that wait until fewer calls are on the wire.
    parked: VecDeque<Parked>,
    on_wire: usize,
    /// Since when calls wait for a wire on which no answer comes.
    stall: Option<Box<Stall>>,
    serving: Serving<W>,
    /// Waiters told when a handler begins, or ceases, to wait for calls of its own. They are few: they are
    /// no part of each served call, and in a box for each connection.
    permit_watchers: Option<Box<PermitWatchers<W>>>,
    notifications: Notifications,
    batches: Batches<W>,
    outgoing: OutgoingStreams,
    incoming: IncomingStreams<W>,
    /// Items that came before the answer to their subscribe call, while such a call waits for its answer.
    early: Option<Box<Early>>,
    /// What is remembered of subscribe calls and of the ends of streams.
    abandonments: Option<Box<Abandonments>>,
    /// Subscriptions whose answer is on its way: their items may follow.
    pub(crate) released: Vec<OutgoingKey>,
    /// Streams of this end that the other end does not want any more.
    pub(crate) dropped: Vec<OutgoingKey>,
    /// Calls that wait until it is known whether the other end takes streams.
    held: Option<Box<Held>>,
    /// Calls that are served and whose latest report of progress waits for room.
    #[expect(clippy::box_collection, reason = "what an idle connection costs is counted")]
    unreported: Option<Box<VecDeque<Key>>>,
    /// Batches that were sent, and errors that came under no id.
    unanswered: Option<Box<Unanswered>>,
    hello: Greetings,
    /// Methods whose notifications either end does not want, if there are any.
    mutes: Option<Box<Mutes>>,
    /// The session, if this connection has one or outlives its links.
    session: Option<Box<Session<W>>>,
    outbox: Outbox<W>,
    /// How many messages the transport was given.
    sent: u64,
    /// Whether there is a link.
    is_attached: bool,
    /// Since when the outbox is above its limit.
    above_since: Option<Duration>,
    /// Since when reading pauses.
    paused_since: Option<Duration>,
    /// Whether a stream has got credit, so that the round trip decides on its window.
    pub(crate) asks_round_trip: bool,
    /// Whether `lifecycle` refuses some methods: the other end has not logged in, or this end drains. The
    /// flag is not part of `lifecycle`, since each request reads it.
    restricted: bool,
    /// A random number, from which the ids of calls begin if the other end is not known at the first call.
    chance: u32,
    /// Whether the other end has cancelled a request, and so understands a cancel.
    cancels: bool,
    dialect: Dialect,
    /// Whether the other end takes nothing but answers.
    answers_only: bool,
    /// Whether a client that asks for a session gets one.
    grants_sessions: bool,
    /// How many reasons there are to start no handler.
    holds: u8,
    /// Whether malformed messages are answered that are no requests.
    answers_malformed: bool,
    /// Whether the application takes the messages that are no JSON-RPC.
    hears_foreign: bool,
    lifecycle: Option<Box<Lifecycle>>,
    ended: Option<CloseReason>,
    pub(crate) counters: Counted,
    /// How fast malformed and stray messages came, if any came.
    rates: Option<Box<Rates>>,
    /// Waiters for which something has happened, to be woken without the lock.
    pub(crate) to_wake: Vec<W>,
}

impl<W> Protocol<W> {
    pub(crate) fn new(limits: Arc<Limits>) -> Self {
        Self {
            calls: Calls::new(),
            parked: VecDeque::new(),
            on_wire: 0,
            stall: None,
            serving: Serving::new(),
            permit_watchers: None,
            notifications: Notifications::new(),
            batches: Batches::new(),
            outgoing: OutgoingStreams::default(),
            incoming: IncomingStreams::new(limits.inflight_bytes),
            early: None,
            abandonments: None,
            released: Vec::new(),
            dropped: Vec::new(),
            held: None,
            unreported: None,
            unanswered: None,
            hello: Greetings::default(),
            mutes: None,
            session: None,
            outbox: Outbox::new(limits.queue),
            sent: 0,
            is_attached: true,
            above_since: None,
            paused_since: None,
            asks_round_trip: false,
            restricted: false,
            chance: 0,
            cancels: false,
            dialect: Dialect::JsonRpc,
            answers_only: false,
            grants_sessions: false,
            holds: 0,
            answers_malformed: true,
            hears_foreign: false,
            lifecycle: None,
            ended: None,
            counters: Counted::default(),
            rates: None,
            to_wake: Vec::new(),
            limits,
        }
    }

    /// Returns the number of requests being served.
    pub(crate) fn in_flight(&self) -> usize {
        self.serving.requests()
    }

    /// Returns the requests being served: the method of each, and when the request came.
    pub(crate) fn served(&self) -> impl Iterator<Item = (usize, Duration)> {
        let requests = self.serving.iter().filter(|served| served.is_request);
        requests.map(|served| (served.method, served.since))
    }

    /// Returns the number of calls of this end without an answer.
    pub(crate) fn pending(&self) -> usize {
        self.calls.open()
    }

    /// Returns the number of open streams, both ways.
    pub(crate) fn subscriptions(&self) -> usize {
        self.outgoing.len() + self.incoming.len()
    }

    /// Returns the number of bytes that wait to be sent.
    pub(crate) fn queue_bytes(&self) -> usize {
        self.outbox.bytes() + self.batches.bytes()
    }
}

#[cfg(test)]
mod tests;
