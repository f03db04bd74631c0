//! The slot that a [`Peer`](crate::Peer) is a handle to: the state of one end, which outlives any socket.
//!
//! Callers on any thread and the task of the connection share the slot under one lock, which they hold for a short
//! time only. So a call takes its place in the order of messages when it is made, a dropped call is gone at once, and
//! the queue is counted to the byte. No channel between them can fill up or be forgotten.

use std::any::Any;
use std::net::IpAddr;
use std::task::Waker;
use std::time::Duration;

use crate::error::close::{CloseCode, CloseReason};
use crate::layers::ConnectionLayers;
use crate::limits::Limits;
use crate::peer::config::{EndpointConfig, SessionMode};
#[cfg(feature = "schema")]
use crate::peer::offers::Comparison;
use crate::peer::remote_profile::{RemoteProfile, RemoteSupport};
use crate::protocol::Protocol;
use crate::stream::{Argument, StreamEnd};
use crate::util::catch::drop_quietly;
use crate::util::clock::Clock;
use crate::util::random::{chance, new_id};
use crate::util::sync::{
    Arc, AtomicBool, AtomicUsize, Mutex, MutexGuard, OnceLock, Ordering, PoisonError,
};
use crate::util::type_map::TypeMap;
use crate::util::waiter::{OneShotEvent, Waiter};
use crate::wire::buffer::Scratch;
use crate::wire::decode::Rules;
use crate::wire::dialect::Dialect;
use crate::wire::hello::Hello;

/// The slot of one end.
pub(crate) struct Shared {
    pub(crate) id: Box<str>,
    pub(crate) config: EndpointConfig,
    pub(crate) clock: Clock,
    pub(crate) caller: OnceLock<Box<dyn Any + Send + Sync>>,
    /// The address of the peer, if it is known.
    pub(crate) address: OnceLock<IpAddr>,
    pub(crate) values: TypeMap,
    /// The layers around the calls that this end makes and serves.
    pub(crate) layers: ConnectionLayers,
    /// Handlers that were stopped and still run, in other tasks and threads.
    pub(crate) orphans: AtomicUsize,
    /// What this end may send beyond JSON-RPC 2.0. Outside the lock, because each call reads it.
    pub(crate) remote: RemoteProfile,
    /// As in the configuration, unless it was changed for this connection.
    pub(crate) whole_frames: AtomicBool,
    pub(crate) jsonrpc_optional: AtomicBool,
    /// Whether the other end takes bytes beside the text of a message. Outside the lock, because values are written
    /// outside the lock.
    pub(crate) takes_bytes: AtomicBool,
    /// Set when the connection has nothing left to do.
    pub(crate) closed_event: OneShotEvent,
    state: Mutex<State>,
}

/// The state that the lock guards.
pub(crate) struct State {
    pub(crate) protocol: Protocol<Waiter>,
    /// The buffer that calls are written to.
    pub(crate) scratch: Scratch,
    /// Wakes the connection's task, if the task sleeps.
    pub(crate) task_waker: Option<Waker>,
    /// The time at which the task's timer will wake it at the latest.
    pub(crate) armed: Option<Duration>,
    /// Requests to the connection's task from outside.
    pub(crate) commands: Option<Box<Commands>>,
    /// Streams among the params of calls, until the connection's task takes them.
    pub(crate) arguments: Vec<Argument>,
    /// How services of the other end differ from those that this end calls.
    #[cfg(feature = "schema")]
    pub(crate) comparison: Option<Box<Comparison>>,
    /// The groups of this connection.
    pub(crate) groups: Vec<Arc<str>>,
    /// How the connection ended. Set when it has nothing left to do.
    pub(crate) closed: Option<Box<CloseReason>>,
    /// Whether the peer was kicked.
    pub(crate) is_kicked: bool,
    /// Whether a later connection has the name of this one.
    pub(crate) is_replaced: bool,
    /// Whether it is open if the link begins a connection, or resumes the session of another one.
    pub(crate) is_provisional: bool,
    /// The requests that still ran when their time to finish was over: method, and running time.
    #[expect(clippy::box_collection, reason = "what an idle connection costs is counted")]
    pub(crate) cut: Option<Box<Vec<(usize, Duration)>>>,
}

/// Requests to the connection's task.
#[derive(Debug, Default)]
pub(crate) struct Commands {
    /// Asks the task to end the connection.
    pub(crate) end: Option<Command>,
    /// Asks the task to end a session that has no link, since others need what it takes.
    pub(crate) give_up: bool,
    /// Asks the task to tell its transport that the limits have changed.
    pub(crate) limits: bool,
    /// Asks the task to deal with this message first, which was read before the connection was made.
    pub(crate) first: Option<Box<str>>,
    /// Links that are offered to resume the session. Only the connection knows their type.
    pub(crate) offers: Vec<Box<dyn Any + Send>>,
}

/// The way in which a connection is to end.
#[derive(Debug, Clone)]
pub(crate) enum Command {
    /// Close now. `within` replaces the usual time that the close may take.
    Close { code: CloseCode, reason: String, within: Option<Duration> },
    /// Finish the running requests, at the latest until `until`, and close.
    Drain { until: Duration, code: CloseCode, reason: String },
}

impl Shared {
    pub(crate) fn new(config: EndpointConfig) -> Arc<Self> {
        config.registry.note_message_out(config.limits.message_out);
        let mut protocol = Protocol::new(config.limits.clone());
        if config.unstable {
            protocol.set_asks_for_unstable();
        }
        match config.hello {
            Hello::Always if config.sessions.outlives_links() => {}
            Hello::Always => protocol.greet(),
            Hello::Auto => {}
            Hello::Never => protocol.set_plain(),
        }
        match config.sessions {
            SessionMode::Off => {}
            SessionMode::Grant => protocol.set_grants_sessions(),
            SessionMode::Ask | SessionMode::Renew => {
                let asks = config.sessions == SessionMode::Ask;
                protocol.set_outlives_links(asks, config.hello == Hello::Always);
            }
        }
        if !config.answers_malformed {
            protocol.leave_malformed(config.on_foreign.is_some());
        }
        protocol.set_dialect(config.dialect);
        let id = new_id();
        protocol.set_chance(chance(&id));
        Arc::new(Self {
            id,
            clock: Clock::start(),
            caller: OnceLock::new(),
            address: OnceLock::new(),
            values: TypeMap::default(),
            layers: ConnectionLayers::new(config.layers.clone()),
            orphans: AtomicUsize::new(0),
            remote: RemoteProfile::new(
                match config.hello {
                    Hello::Never => RemoteSupport::Plain,
                    Hello::Always | Hello::Auto => RemoteSupport::Unknown,
                },
                config.dialect,
            ),
            whole_frames: AtomicBool::new(config.whole_frames),
            jsonrpc_optional: AtomicBool::new(config.jsonrpc_optional),
            takes_bytes: AtomicBool::new(false),
            closed_event: OneShotEvent::default(),
            state: Mutex::new(State {
                protocol,
                scratch: Scratch::default(),
                task_waker: None,
                armed: None,
                commands: None,
                arguments: Vec::new(),
                #[cfg(feature = "schema")]
                comparison: None,
                groups: Vec::new(),
                closed: None,
                is_kicked: false,
                is_replaced: false,
                is_provisional: false,
                cut: None,
            }),
            config,
        })
    }

    /// The handshake has told each end that the peer knows this framework. `opens` tells whether this end opened the
    /// link.
    pub(crate) fn set_extended(&self, opens: bool) {
        if self.remote.get() != RemoteSupport::Plain {
            self.with(|state| state.protocol.know_other(opens));
            self.remote.set(RemoteSupport::Extended);
        }
    }

    /// Makes this end a plain peer from now on.
    pub(crate) fn set_plain(&self) {
        self.remote.set(RemoteSupport::Plain);
        self.with(|state| state.protocol.set_plain());
    }

    /// Makes the two ends speak this dialect from now on.
    pub(crate) fn set_dialect(&self, dialect: Dialect) {
        self.remote.set_dialect(dialect);
        self.lock().protocol.set_dialect(dialect);
    }

    /// Returns the rules for reading messages, with these limits.
    pub(crate) fn rules(&self, limits: &Limits) -> Rules {
        Rules::new(limits, self.jsonrpc_optional.load(Ordering::Relaxed))
    }

    /// Locks the state, for the connection's task. The task itself does all that follows from a change.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        // No code of the application runs under this lock, so nothing should panic under it. If something did, a
        // second panic while this end is dropped would abort the whole process.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state from outside the connection's task. Afterwards, without the lock, the connection's task is
    /// woken first, and then the waiters whom the change concerns.
    pub(crate) fn with<R>(&self, change: impl FnOnce(&mut State) -> R) -> R {
        let mut state = self.lock();
        let result = change(&mut state);
        let to_wake = std::mem::take(&mut state.protocol.to_wake);
        let wakes = state.task_waker.is_some() && state.has_work();
        let task_waker = if wakes { state.task_waker.take() } else { None };
        drop(state);
        if let Some(task_waker) = task_waker {
            task_waker.wake();
        }
        to_wake.into_iter().for_each(Waiter::notify);
        result
    }

    /// Forgets a call whose caller is gone, and cancels the call if it was sent.
    pub(crate) fn abandon(&self, call: u64) {
        let left =
            self.with(|state| (state.protocol.abandon(call), state.take_dropped_arguments()));
        drop(left); // without the lock: wakers and streams are code of the application
    }

    /// Offers the connection a link. Only the connection knows the type.
    ///
    /// # Errors
    /// The connection has ended, and the link is given back.
    pub(crate) fn offer(&self, link: Box<dyn Any + Send>) -> Result<(), Box<dyn Any + Send>> {
        self.with(|state| {
            if state.closed.is_some() {
                return Err(link);
            }
            state.commands.get_or_insert_default().offers.push(link);
            Ok(())
        })
    }

    /// Ends the slot where no connection's task does it.
    pub(crate) fn end(&self, reason: &CloseReason) {
        let (unanswered, arguments) = self.with(|state| {
            let unanswered = state.protocol.end(reason);
            state.protocol.discard();
            (unanswered, std::mem::take(&mut state.arguments))
        });
        unanswered.into_iter().for_each(drop_quietly);
        let end = StreamEnd::Closed { reason: reason.clone() };
        arguments.into_iter().for_each(|argument| argument.end(&end));
        drop(self.finish(reason));
    }

    /// Notes that the connection has nothing left to do. Returns the links that were offered to it in vain.
    pub(crate) fn finish(&self, reason: &CloseReason) -> Vec<Box<dyn Any + Send>> {
        let mut state = self.lock();
        state.closed.get_or_insert_with(|| reason.clone().into());
        // A `Peer` of an ended connection must not keep the connection's task alive.
        let task_waker = state.task_waker.take();
        let guest = state.protocol.drop_login();
        let offers = state.commands.take().map(|commands| commands.offers).unwrap_or_default();
        drop(state);
        drop((task_waker, guest));
        self.closed_event.set();
        offers
    }
}

impl State {
    /// Asks the connection to end. A close overrides a drain; nothing overrides a close.
    pub(crate) fn command(&mut self, command: Command) {
        let end = &mut self.commands.get_or_insert_default().end;
        if !matches!(end, Some(Command::Close { .. })) {
            *end = Some(command);
        }
    }

    /// Notes the requests that are cut off.
    pub(crate) fn note_cut(&mut self, now: Duration) {
        let served = self.protocol.served();
        let cut: Vec<_> =
            served.map(|(method, since)| (method, now.saturating_sub(since))).collect();
        self.cut = (!cut.is_empty()).then(|| cut.into());
    }

    /// Returns whether the connection was asked to close.
    pub(crate) fn is_to_close(&self) -> bool {
        let end = self.commands.as_ref().and_then(|commands| commands.end.as_ref());
        matches!(end, Some(Command::Close { .. }))
    }

    /// Takes the streams whose calls were dropped before a connection took the streams. There may be no connection
    /// for a long time.
    pub(crate) fn take_dropped_arguments(&mut self) -> Vec<Argument> {
        if self.arguments.is_empty() {
            return Vec::new();
        }
        let dropped = &mut self.protocol.dropped;
        let is_dropped = |argument: &mut Argument| {
            let at = dropped.iter().position(|key| *key == argument.key);
            at.map(|at| dropped.swap_remove(at)).is_some()
        };
        self.arguments.extract_if(.., is_dropped).collect()
    }

    /// Returns whether a sleeping connection has something to do.
    fn has_work(&self) -> bool {
        let due = self.protocol.next_deadline();
        !self.protocol.is_sent()
            || !self.protocol.no_stream_events()
            || self.commands.is_some()
            || self.protocol.may_start_ordered()
            || self.protocol.wire_is_unwatched()
            || self.protocol.hello_is_unwatched()
            || self.protocol.must_gather_on()
            || due.is_some_and(|due| self.armed.is_none_or(|armed| due < armed))
    }
}
