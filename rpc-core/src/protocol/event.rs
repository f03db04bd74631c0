//! What the protocol takes with each message, and what it wants done about the message.

use std::time::Duration;

use super::Started;
use super::session::Asked;
use crate::method::ParamInfo;
use crate::protocol::tables::key::Key;
use crate::protocol::tables::serving::ServedExtensions;
use crate::protocol::tables::streams::OutgoingKey;
use crate::protocol::target::Target;
use crate::util::sync::Arc;
use crate::wire::attached::Attached;
use crate::wire::decode::Request;

/// What the driver knows of a message before the protocol sees it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arrival<'a> {
    /// What the method name stands for; `None` if nobody offers it.
    pub(crate) target: Option<Target>,
    /// The number of handlers that were stopped and still run on another task or thread.
    pub(crate) orphans: usize,
    /// The batch that the message is a member of.
    pub(crate) batch: Option<usize>,
    /// Whether its handler must not start in this turn, which has taken its time.
    pub(crate) late: bool,
    /// The streams that may be among the params, if there may be some.
    pub(crate) streams: Option<StreamParams>,
    /// The message, if it has bytes beside its text: all belong into its params or its result.
    pub(crate) attached: Option<&'a Attached>,
    /// The time since the start of the connection.
    pub(crate) now: Duration,
}

/// The streams that may be among the params of a request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum StreamParams {
    /// Those that the method declares; these are its parameters.
    Declared(&'static [ParamInfo]),
    /// Any: the call is handed on, and its method is not known here.
    Any,
}

/// What the driver is to do about a message.
#[derive(Debug)]
pub(crate) enum Event<'a> {
    /// Start this handler now, and give the token back.
    Serve(Started, Serve<&'a str>),
    /// Nothing now: a notification waits for its turn. Ask `may_read` whether reading must pause.
    Queued,
    /// Drop this handler; its request is answered already.
    Stop(Key),
    /// Nothing: a request was answered with this error, and no handler starts.
    Refused {
        /// The method that the request called, if this end has it.
        method: Option<usize>,
        code: i64,
    },
    /// Pass the text to the application: it is no JSON-RPC.
    Foreign {
        /// Whether it is the first such text on this connection.
        is_first: bool,
    },
    /// Log this error, which came under no id.
    Unaddressed { code: i64, message: Box<str> },
    /// Nothing: the notification is not served, for this reason.
    Dropped(&'static str),
    /// Nothing: the other end has said hello.
    Greeted,
    /// Grant a session with `grant`: the other end has said hello, and asks for a session.
    AsksForSession(Asked),
    /// Nothing: the client knows of the session that took the place of one that was not resumed.
    Confirmed,
    /// Make another link for the session: the other end asks for that.
    AskedToMove,
    /// Nothing: the session goes on over this link.
    Resumed,
    /// Stop what belongs to the session that `take_ended_session` returns: another one has taken its place.
    SessionEnded,
    /// Let at most one item of this stream leave in this time.
    Throttle(OutgoingKey, Duration),
    /// Nothing more.
    Done,
}

/// A handler to start. The texts `P` are borrowed from the message, or owned if the call had to wait.
#[derive(Debug)]
pub(crate) struct Serve<P> {
    /// The JSON text of the id to answer under; `None` for a notification.
    pub(crate) id: Option<P>,
    /// Whether there is room for the answer. It is `false` only for a member of a batch: any other call
    /// starts only if there is room.
    pub(crate) has_room: bool,
    /// The number of the method in the router.
    pub(crate) method: usize,
    pub(crate) params: Option<P>,
    pub(crate) deadline: Option<Duration>,
    pub(crate) extensions: Option<Arc<ServedExtensions>>,
}

impl<'a> Serve<&'a str> {
    /// The handler of a [usual](crate::protocol::UsualArrival) request.
    #[inline(always)]
    pub(crate) fn usual(request: &Request<'a>, method: usize) -> Self {
        let (id, params, has_room) = (Some(request.id), request.params, true);
        Self { id, has_room, method, params, deadline: None, extensions: None }
    }
}

impl Serve<Box<str>> {
    pub(crate) fn borrowed(&self) -> Serve<&str> {
        let &Serve { has_room, method, deadline, .. } = self;
        let (id, params) = (self.id.as_deref(), self.params.as_deref());
        let extensions = self.extensions.clone();
        Serve { id, has_room, method, params, deadline, extensions }
    }
}

/// Whether the next message may be read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// The next message may be read.
    On,
    /// No message may be read until fewer notifications wait.
    Paused,
}
