//! Both ends of JSON-RPC 2.0 as one state machine, which never asks which end it is.
//!
//! Everything here is `&mut self`: messages and commands in, messages and answers out; time comes
//! in as the span since the connection's start. A request gets exactly one answer; a notification
//! or a response never gets one. Who waits for something (`W`) is put into `to_wake` when it happened,
//! for the caller to wake when it holds no lock.

use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use rustc_hash::FxBuildHasher;
use smol_str::SmolStr;

use crate::error::call::Fate;
use crate::error::close::CloseReason;
use crate::error::object::ErrorObject;
use crate::limits::Limits;
use crate::method::ParamInfo;
use crate::protocol::stats::Counters;
use crate::protocol::tables::batches::Batches;
use crate::protocol::tables::calls::{Calls, SlidingDeadline};
use crate::protocol::tables::key::Key;
use crate::protocol::tables::notifications::Notifications;
use crate::protocol::tables::outbox::Outbox;
use crate::protocol::tables::rates::Rates;
use crate::protocol::tables::serving::{ServedExtensions, Serving};
use crate::protocol::tables::streams::{
    Early, IncomingKey, IncomingStreams, OutgoingKey, OutgoingStreams, Wanted,
};
use crate::protocol::target::Target;
use crate::util::sync::Arc;
use crate::wire::dialect::Dialect;
use crate::wire::hello::Greetings;

mod answer;
mod arguments;
mod await_hello;
mod batch_room;
mod call;
mod end;
mod hello;
mod lifecycle;
mod link;
mod mcp;
mod misuse;
mod park;
mod permits;
mod progress;
mod receive;
mod send;
mod serve;
mod started;
pub(crate) mod stats;
mod subscribe;
pub(crate) mod tables;
pub(crate) mod target;
mod unanswered_batches;
mod unknown_method;

use await_hello::Held;
pub(crate) use batch_room::Room;
use lifecycle::Lifecycle;
pub(crate) use lifecycle::Unauthenticated;
use park::{Parked, Stall};
use permits::PermitWatchers;
pub(crate) use started::Started;
use unanswered_batches::Unanswered;

/// One connection's calls, answers and queues.
pub(crate) struct Protocol<W> {
    limits: Arc<Limits>,
    calls: Calls<W, Outcome>,
    /// What waits until fewer calls are on the wire.
    parked: VecDeque<Parked>,
    on_wire: usize,
    /// Since when nothing comes back from a wire that calls wait for.
    stall: Option<Box<Stall>>,
    serving: Serving<W>,
    /// Who is told when a handler begins, or ceases, to wait for calls of its own. Hardly anyone asks, so
    /// it is no part of what is kept of each call, nor a table in each connection.
    permit_watchers: Option<Box<PermitWatchers<W>>>,
    notifications: Notifications,
    batches: Batches<W>,
    outgoing: OutgoingStreams,
    incoming: IncomingStreams<W>,
    /// Items of streams whose id is still to come, while a subscribe call waits for its answer.
    early: Option<Box<Early>>,
    /// What is kept of calls for subscriptions, and of their ends, where there is something.
    asked: Option<Box<Asked>>,
    /// Subscriptions whose answer is on its way: their items may follow.
    pub(crate) released: Vec<OutgoingKey>,
    /// Streams of this end that nobody wants any more.
    pub(crate) dropped: Vec<OutgoingKey>,
    /// Calls that wait until it is known whether the other end takes streams.
    held: Option<Box<Held>>,
    /// Calls that are served and whose latest report of progress waits for room.
    #[expect(clippy::box_collection, reason = "what an idle connection costs is counted")]
    unreported: Option<Box<VecDeque<Key>>>,
    /// Batches that were sent, and what came under no id.
    unanswered: Option<Box<Unanswered>>,
    hello: Greetings,
    outbox: Outbox<W>,
    /// How many messages the transport was given.
    sent: u64,
    /// How many of them earlier links had.
    before_link: u64,
    /// Whether there is a link.
    is_attached: bool,
    /// Since when the outbox is above its limit.
    above_since: Option<Duration>,
    /// Since when reading pauses.
    paused_since: Option<Duration>,
    /// Whether methods may be refused that are served otherwise, as `lifecycle` tells: to a guest, or while
    /// draining. Apart from it, since each request looks here.
    restricted: bool,
    /// A number of this connection's own, from which its ids begin where that matters.
    chance: u32,
    /// Whether the other end has cancelled a request, and so knows how that is done.
    cancels: bool,
    dialect: Dialect,
    /// Whether the other end takes nothing but answers.
    answers_only: bool,
    /// Whether what is malformed is answered, also if it is no request.
    answers_malformed: bool,
    /// Whether someone listens to what is not.
    hears_foreign: bool,
    lifecycle: Option<Box<Lifecycle>>,
    ended: Option<CloseReason>,
    pub(crate) counters: Counters,
    /// How fast that came which the other end did wrong, if it did.
    rates: Option<Box<Rates>>,
    /// Who is to be told that what they wait for has happened.
    pub(crate) to_wake: Vec<W>,
}

/// What is kept of calls for subscriptions and of their ends, where few connections have any.
#[derive(Default)]
struct Asked {
    /// Calls that nobody waits for, and whose answers mean something all the same, by their ids.
    abandoned_subscribes: HashMap<u64, Abandoned, FxBuildHasher>,
    /// The names that the members of items have which hold the ids of their streams, of all that were ever
    /// asked for; without the usual one.
    id_members: Vec<Cow<'static, str>>,
}

/// A call that nobody waits for.
enum Abandoned {
    /// A subscribe call that was given up, and how what it may have made is spoken of.
    Subscribe(Box<Wanted>),
    /// The end of this stream, whose items may come until it is answered.
    Unsubscribe(Box<str>),
}

/// How a call of ours was resolved.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Outcome {
    /// The JSON text of the result.
    Result(SmolStr),
    /// The stream that was asked for.
    Subscribed(IncomingKey),
    /// The other end's error, in a box: outcomes are moved, and most are a short result.
    Error(Box<ErrorObject>),
    /// A response that is none, and why.
    Malformed(Box<str>),
    /// It waited in vain for others to be answered. It was not sent.
    Busy,
    /// There is a stream among its params, and the other end takes none. It was not sent.
    NoStreams,
    /// The deadline came first; perhaps this error, which came under no id, was meant.
    Timeout(Fate, Option<Box<ErrorObject>>),
    /// Its batch was refused as a whole or answered without it: how, and whether it may have run.
    Unanswered(Box<str>, Fate),
    /// The connection ended first.
    Closed(Box<CloseReason>, Fate),
}

/// A call of ours, on its way in.
#[derive(Debug, Clone, Default)]
pub(crate) struct Start {
    pub(crate) deadline: Option<Duration>,
    pub(crate) caller: Caller,
    /// If it asks for a subscription, how that is spoken of.
    pub(crate) wanted: Option<Box<Wanted>>,
    /// The ids of the streams among its params, as JSON text.
    pub(crate) streams: Vec<Box<str>>,
    /// If its deadline may begin anew, how.
    pub(crate) sliding: Option<SlidingDeadline>,
    /// Whether someone listens to its progress.
    pub(crate) progress: bool,
    /// Whether it must not be cancelled.
    pub(crate) is_lasting: bool,
}

/// Who makes a call.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) enum Caller {
    /// No handler.
    #[default]
    Outside,
    /// A handler of this connection: it lends its place until the call is resolved.
    Handler(Key),
    /// A handler of another connection, where it lends its place.
    Elsewhere,
}

impl Caller {
    /// Whether a handler makes the call.
    fn is_marked(self) -> bool {
        !matches!(self, Self::Outside)
    }
}

/// Why a call did not start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refused {
    /// `pending_calls` or, for what has to do with a stream, `streams` is reached.
    Busy,
    /// There is a stream among its params, and this end is told to be a plain peer.
    NoStreams,
    /// There is no connection any more.
    Closed(CloseReason),
}

/// What is known of a message before the protocol sees it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arrival {
    /// What it calls, if we have that.
    pub(crate) target: Option<Target>,
    /// Handlers that were stopped and still run elsewhere.
    pub(crate) orphans: usize,
    /// The batch that it is a member of.
    pub(crate) batch: Option<usize>,
    /// Whether it is not to be begun in this turn.
    pub(crate) late: bool,
    /// The parameters of the method that it calls, if there is a stream among them.
    pub(crate) streams: Option<&'static [ParamInfo]>,
    pub(crate) now: Duration,
}

/// What is to be done about a message.
#[derive(Debug)]
pub(crate) enum Event<'a> {
    /// Start this handler now, and give the token back.
    Serve(Started, Serve<&'a str>),
    /// Nothing now: a notification waits for its turn, and reading may have to pause.
    Queued,
    /// Drop this handler; it is answered already.
    Stop(Key),
    /// Nothing: a request was answered with this error, and no handler starts.
    Refused {
        /// Which method it called, if that is one of ours.
        method: Option<usize>,
        code: i64,
    },
    /// Nothing: it is no JSON-RPC, and left to whoever listens to such.
    Foreign {
        /// Whether the first of this connection.
        is_first: bool,
    },
    /// Nothing: an error came under no id, and is to be logged.
    Unaddressed { code: i64, message: Box<str> },
    /// Nothing: a notification that cannot be served, and why.
    Dropped(&'static str),
    /// Nothing: the other end has said hello.
    Greeted,
    /// Nothing more.
    Done,
}

/// A handler to start; its texts are those of the message, or were kept.
#[derive(Debug)]
pub(crate) struct Serve<P> {
    /// The JSON text of the id to answer under; `None` for a notification.
    pub(crate) id: Option<P>,
    /// Whether there is room for its answer. There is for one that goes out alone, or it would not
    /// be started.
    pub(crate) has_room: bool,
    pub(crate) method: usize,
    pub(crate) params: Option<P>,
    pub(crate) deadline: Option<Duration>,
    pub(crate) beside: Option<Arc<ServedExtensions>>,
}

impl Serve<Box<str>> {
    pub(crate) fn borrowed(&self) -> Serve<&str> {
        let &Serve { has_room, method, deadline, .. } = self;
        let (id, params) = (self.id.as_deref(), self.params.as_deref());
        let beside = self.beside.clone();
        Serve { id, has_room, method, params, deadline, beside }
    }
}

/// Whether the next message may be read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// Yes.
    On,
    /// Not until notifications have been worked off.
    Paused,
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
            asked: None,
            released: Vec::new(),
            dropped: Vec::new(),
            held: None,
            unreported: None,
            unanswered: None,
            hello: Greetings::default(),
            outbox: Outbox::new(limits.queue),
            sent: 0,
            before_link: 0,
            is_attached: true,
            above_since: None,
            paused_since: None,
            restricted: false,
            chance: 0,
            cancels: false,
            dialect: Dialect::JsonRpc,
            answers_only: false,
            answers_malformed: true,
            hears_foreign: false,
            lifecycle: None,
            ended: None,
            counters: Counters::default(),
            rates: None,
            to_wake: Vec::new(),
            limits,
        }
    }

    /// Requests being served.
    pub(crate) fn in_flight(&self) -> usize {
        self.serving.requests()
    }

    /// Requests being served: method and since when.
    pub(crate) fn served(&self) -> impl Iterator<Item = (usize, Duration)> {
        let requests = self.serving.iter().filter(|served| served.is_request);
        requests.map(|served| (served.method, served.since))
    }

    /// Calls of ours without an answer.
    pub(crate) fn pending(&self) -> usize {
        self.calls.open()
    }

    /// Open subscriptions, both ways.
    pub(crate) fn subscriptions(&self) -> usize {
        self.outgoing.len() + self.incoming.len()
    }

    /// Bytes that wait to be sent.
    pub(crate) fn queue_bytes(&self) -> usize {
        self.outbox.bytes() + self.batches.bytes()
    }
}

#[cfg(test)]
mod tests;
