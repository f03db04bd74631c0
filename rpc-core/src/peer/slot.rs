//! The slot that a [`Peer`](crate::Peer) is a handle to: one end's state, which outlives any socket.
//!
//! Callers on any thread and the connection's task meet here under one short lock. So a call takes
//! its place in the order of messages when it is made, a dropped one is gone at once, and the queue
//! is counted to the byte; there is no channel between them that could fill up or be forgotten.

use std::any::Any;
use std::net::IpAddr;
use std::task::Waker;
use std::time::Duration;

use crate::error::close::{CloseCode, CloseReason};
use crate::layers::Around;
use crate::limits::Limits;
use crate::peer::config::EndpointConfig;
use crate::peer::known::{RemoteProfile, RemoteSupport};
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

/// One end.
pub(crate) struct Shared {
    pub(crate) id: Box<str>,
    pub(crate) config: EndpointConfig,
    pub(crate) clock: Clock,
    pub(crate) caller: OnceLock<Box<dyn Any + Send + Sync>>,
    /// Where the other end is, if that is known.
    pub(crate) address: OnceLock<IpAddr>,
    pub(crate) values: TypeMap,
    /// What stands around the calls of this end, and around what it serves.
    pub(crate) layers: Around,
    /// Handlers that were stopped and still run, on other tasks and threads.
    pub(crate) orphans: AtomicUsize,
    /// What may be sent beyond JSON-RPC 2.0; beside the lock, since each call asks.
    pub(crate) other: RemoteProfile,
    /// As in the setup, unless this one connection is another.
    pub(crate) whole_frames: AtomicBool,
    pub(crate) jsonrpc_optional: AtomicBool,
    /// Set when nothing is left to be done.
    pub(crate) closed_event: OneShotEvent,
    state: Mutex<State>,
}

/// What the lock guards.
pub(crate) struct State {
    pub(crate) protocol: Protocol<Waiter>,
    /// Where calls are written.
    pub(crate) scratch: Scratch,
    /// Wakes the connection's task, if it sleeps.
    pub(crate) task_waker: Option<Waker>,
    /// When its timer will wake it at the latest.
    pub(crate) armed: Option<Duration>,
    /// What the connection is asked for from outside.
    pub(crate) commands: Option<Box<Commands>>,
    /// Streams that go with calls, until the connection takes them in.
    pub(crate) arguments: Vec<Argument>,
    /// The groups that it is in.
    pub(crate) groups: Vec<Arc<str>>,
    /// How it ended, when nothing is left to be done.
    pub(crate) closed: Option<Box<CloseReason>>,
    /// Whether the other end may not stay.
    pub(crate) is_kicked: bool,
    /// Whether a later connection has its name.
    pub(crate) is_replaced: bool,
    /// The requests that were running when the time to finish them was over: method, and for how long.
    #[expect(clippy::box_collection, reason = "what an idle connection costs is counted")]
    pub(crate) cut: Option<Box<Vec<(usize, Duration)>>>,
}

/// What a connection can be asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Commands {
    /// To end.
    pub(crate) end: Option<Command>,
    /// To let its transport know that other limits hold.
    pub(crate) limits: bool,
}

/// How a connection is to end.
#[derive(Debug, Clone)]
pub(crate) enum Command {
    /// Close now, which may take so long if it is not to be as long as always.
    Close { code: CloseCode, reason: String, within: Option<Duration> },
    /// Finish what runs, at the latest until then, and close.
    Drain { until: Duration, code: CloseCode, reason: String },
}

impl Shared {
    pub(crate) fn new(config: EndpointConfig) -> Arc<Self> {
        config.registry.note_message_out(config.limits.message_out);
        let mut protocol = Protocol::new(config.limits.clone());
        match config.hello {
            Hello::Always => protocol.greet(),
            Hello::Auto => {}
            Hello::Never => protocol.be_plain(),
        }
        if !config.answers_malformed {
            protocol.leave_malformed(config.on_foreign.is_some());
        }
        protocol.speak(config.dialect);
        let id = new_id();
        protocol.set_chance(chance(&id));
        Arc::new(Self {
            id,
            clock: Clock::start(),
            caller: OnceLock::new(),
            address: OnceLock::new(),
            values: TypeMap::default(),
            layers: Around::new(config.layers.clone()),
            orphans: AtomicUsize::new(0),
            other: RemoteProfile::new(
                match config.hello {
                    Hello::Never => RemoteSupport::Plain,
                    Hello::Always | Hello::Auto => RemoteSupport::Stranger,
                },
                config.dialect,
            ),
            whole_frames: AtomicBool::new(config.whole_frames),
            jsonrpc_optional: AtomicBool::new(config.jsonrpc_optional),
            closed_event: OneShotEvent::default(),
            state: Mutex::new(State {
                protocol,
                scratch: Scratch::default(),
                task_waker: None,
                armed: None,
                commands: None,
                arguments: Vec::new(),
                groups: Vec::new(),
                closed: None,
                is_kicked: false,
                is_replaced: false,
                cut: None,
            }),
            config,
        })
    }

    /// The handshake has told each end that it knows the other; this one `opens` the link.
    pub(crate) fn set_extended(&self, opens: bool) {
        if self.other.get() != RemoteSupport::Plain {
            self.with(|state| state.protocol.know_other(opens));
            self.other.set(RemoteSupport::Known);
        }
    }

    /// From now on this end is a plain peer.
    pub(crate) fn set_plain(&self) {
        self.other.set(RemoteSupport::Plain);
        self.with(|state| state.protocol.be_plain());
    }

    /// From now on the two ends speak this dialect.
    pub(crate) fn set_dialect(&self, dialect: Dialect) {
        self.other.set_dialect(dialect);
        self.lock().protocol.speak(dialect);
    }

    /// The rules by which its messages are read, with these limits.
    pub(crate) fn rules(&self, limits: &Limits) -> Rules {
        Rules::new(limits, self.jsonrpc_optional.load(Ordering::Relaxed))
    }

    /// The state, for the connection's task, which sees to what follows by itself.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing of a user's runs under this lock, so nothing should panic under it. If something
        // did, a second panic while this end is dropped would take the whole process with it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state from outside the connection's task: afterwards, without the lock, those
    /// are told whom it concerns, the connection's task first of all.
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
        to_wake.into_iter().for_each(Waiter::tell);
        result
    }

    /// Forgets a call that nobody waits for any more, and cancels it if it was sent.
    pub(crate) fn abandon(&self, call: u64) {
        let left =
            self.with(|state| (state.protocol.abandon(call), state.take_dropped_arguments()));
        drop(left); // without the lock: wakers and streams are code of the user's
    }

    /// Ends the slot without a connection's help.
    pub(crate) fn end(&self, reason: &CloseReason) {
        let (unanswered, arguments) = self.with(|state| {
            let unanswered = state.protocol.end(reason);
            state.protocol.discard();
            (unanswered, std::mem::take(&mut state.arguments))
        });
        unanswered.into_iter().for_each(drop_quietly);
        let end = StreamEnd::Closed { reason: reason.clone() };
        arguments.into_iter().for_each(|argument| argument.end(&end));
        self.finish(reason);
    }

    /// Notes that nothing is left to be done.
    pub(crate) fn finish(&self, reason: &CloseReason) {
        let mut state = self.lock();
        state.closed.get_or_insert_with(|| reason.clone().into());
        // Whoever keeps a peer of an ended connection must not keep its task.
        let task_waker = state.task_waker.take();
        let guest = state.protocol.forget_guest();
        drop(state);
        drop((task_waker, guest));
        self.closed_event.set();
    }
}

impl State {
    /// Asks the connection to end. A drain can be cut short, a close cannot be taken back.
    pub(crate) fn command(&mut self, command: Command) {
        let end = &mut self.commands.get_or_insert_default().end;
        if !matches!(end, Some(Command::Close { .. })) {
            *end = Some(command);
        }
    }

    /// Notes what does not come to its end.
    pub(crate) fn note_cut(&mut self, now: Duration) {
        let served = self.protocol.served();
        let cut: Vec<_> =
            served.map(|(method, since)| (method, now.saturating_sub(since))).collect();
        self.cut = (!cut.is_empty()).then(|| cut.into());
    }

    /// Whether it has been asked to close.
    pub(crate) fn is_to_close(&self) -> bool {
        let end = self.commands.as_ref().and_then(|commands| commands.end.as_ref());
        matches!(end, Some(Command::Close { .. }))
    }

    /// Streams that went with calls and were dropped before a connection took them in: there may be
    /// none for long.
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

    /// Whether a sleeping connection has something to do.
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
