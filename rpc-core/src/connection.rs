//! The task that carries a connection: it alone touches the transport and polls the handlers.
//!
//! One turn reads what is ready, up to a budget, and deals with each message where it was read;
//! polls the handlers that were woken; sends all that has come together; and flushes once, since a
//! flush is a system call and dearer than everything else that a small call needs.
//!
//! Reading never waits for writing, nor for a handler. If both ends stopped reading until their own
//! messages were out, two full sockets would face each other and neither would ever move.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;

use crate::connection::keepalive::{Due, Keepalive};
use crate::connection::tasks::Tasks;
use crate::connection::timer::Timer;
use crate::error::close::{CloseCode, CloseReason};
use crate::layers::Layers;
use crate::peer::slot::{Command, Commands, Shared};
use crate::protocol::Reading;
use crate::protocol::tables::key::Key;
use crate::protocol::tables::rates::Controls;
use crate::service::context::Context as HandlerContext;
use crate::service::current::Turn;
use crate::service::running::Running;
use crate::transport::{LinkError, Received, Transport};
use crate::util::sync::{Arc, Ordering};
use crate::util::turn_budget::{TurnBudget, again};
use crate::util::waiter::Waiter;
use crate::wire::buffer::Scratch;
use crate::wire::decode::Rules;

mod close;
pub(crate) mod endpoint;
pub(crate) mod keepalive;
pub(crate) mod pair;
pub(crate) mod panic_hook;
mod send;
mod serve;
mod streams;
pub(crate) mod subscription_id;
pub(crate) mod tasks;
pub(crate) mod timer;

use close::Closing;
use streams::Streams;

/// So many messages, or so many bytes, are read in one turn, unless it has [taken its time](Pace) before; then
/// others get theirs.
const MESSAGES: usize = 128;
const BYTES: usize = 64 * 1024;

/// A timer that rings so late was kept from it, as by a pause of the process: what depends on it has as much time
/// more. And so long a timer waits at most until all that has come in was read.
const LATE: Duration = Duration::from_secs(1);

/// A connection at work: a future that ends with the reason why the connection did.
///
/// Made by [`Endpoint::connect`](crate::Endpoint::connect). Dropping it drops the transport: the
/// other end sees a lost link, calls fail with [`CallError::Closed`](crate::CallError::Closed),
/// handlers are stopped.
#[must_use = "a connection lives only while it is polled"]
pub struct Connection<T: Transport> {
    transport: T,
    shared: Arc<Shared>,
    /// By which messages are read, with the limits that hold at the moment.
    rules: Rules,
    /// Around what is served.
    layers: Layers,
    /// Which of the slot's links this is.
    generation: u64,
    handlers: Tasks<Running>,
    streams: Streams,
    /// Handlers that have returned and wait for room for their results.
    returned: VecDeque<Running>,
    /// Messages on their way from the protocol to the transport.
    outgoing: VecDeque<Bytes>,
    /// Whether the transport takes no more until it wakes us.
    blocked: bool,
    /// Whether the transport holds something that was not flushed.
    unflushed: bool,
    /// Whether notifications kept this turn from reading.
    paused: bool,
    /// Whether more of them wait than when that was last looked into.
    queued: bool,
    /// Where results are written.
    scratch: Scratch,
    /// Of the handler that was started last.
    context: HandlerContext,
    /// Who is told at the end of a turn.
    to_wake: Vec<Waiter>,
    stopped: Vec<Key>,
    /// Handlers that were woken and have not had their turn.
    woken: VecDeque<Running>,
    life: Keepalive,
    controls: Controls,
    pace: TurnBudget,
    timer: Timer,
    /// Since when it is known that something has run out of time.
    due_since: Option<Duration>,
    /// The waker of this task, to be lent to those who have something for it.
    waker: Option<Waker>,
    phase: Phase,
}

enum Phase {
    Open,
    /// Finishing what runs.
    Draining(Box<Draining>),
    Closing(Box<Closing>),
    Closed,
}

/// A connection that is to be closed when its work is done.
struct Draining {
    until: Duration,
    code: CloseCode,
    reason: String,
}

/// Why a turn ends the connection.
enum End {
    /// This end or the other one closes; the transport still works. It may take so long, if not as long
    /// as always.
    Close(CloseReason, Option<Duration>),
    /// The transport does not.
    Lost(CloseReason),
}

impl From<CloseReason> for End {
    fn from(reason: CloseReason) -> Self {
        Self::Close(reason, None)
    }
}

impl From<LinkError> for End {
    fn from(error: LinkError) -> Self {
        match error {
            LinkError::Violation { code, reason } => CloseReason::us(code, reason).into(),
            LinkError::Io(error) => Self::Lost(CloseReason::link(error.to_string())),
        }
    }
}

impl<T: Transport> Connection<T> {
    pub(crate) fn new(mut transport: T, shared: Arc<Shared>) -> Self {
        if shared.whole_frames.load(Ordering::Relaxed) {
            transport.send_whole_frames();
        }
        let limits = &shared.config.limits;
        // A notification's handler is not counted among the requests.
        let handlers = Tasks::new(limits.live_handlers + 1);
        let streams = Streams::new(limits.subscriptions + limits.streams);
        let life = Keepalive::new(shared.config.keepalive, shared.clock.now());
        shared.config.registry.insert(&shared);
        let mut state = shared.lock();
        let (generation, current) = (state.attach(), state.protocol.limits().clone());
        drop(state);
        Self {
            transport,
            rules: shared.rules(&current),
            layers: shared.layers.get(),
            generation,
            handlers,
            streams,
            returned: VecDeque::new(),
            outgoing: VecDeque::new(),
            blocked: false,
            unflushed: false,
            paused: false,
            queued: false,
            scratch: Scratch::default(),
            context: HandlerContext::new(shared.clone()),
            to_wake: Vec::new(),
            stopped: Vec::new(),
            woken: VecDeque::new(),
            life,
            controls: Controls::default(),
            pace: TurnBudget::start(),
            timer: Timer::new(),
            due_since: None,
            waker: None,
            phase: Phase::Open,
            shared,
        }
    }

    fn turn(&mut self, cx: &mut Context<'_>) -> Result<(), End> {
        let now = self.shared.clock.now();
        self.pace = TurnBudget::start();
        self.handlers.begin_turn(cx.waker());
        self.streams.begin_turn(cx.waker());
        let is_due = self.begin(now)?;
        let mut more = self.receive(cx, now)?;
        let has_read_all = !more && !self.paused;
        more |= self.run_woken();
        let is_over = is_due && self.is_over(now, !more);
        if is_over {
            self.expire(now);
        }
        more |= is_due && !is_over;
        more |= self.work_off(cx, now)?;
        more |= self.streams.take_restless();
        more |= self.reading_resumed(now)?;
        more |= self.run_keepalive(cx, now, has_read_all)?;
        self.see_to_overdue(now, is_over)?;
        self.see_to_drain(now)?;
        // Not by their own wakers: others are to have their turn in between.
        more |= self.handlers.end_turn() | self.streams.end_turn();
        if more {
            again(cx);
        }
        Ok(())
    }

    /// Sends what there is, and again for as long as that makes room for what waits: a handler that
    /// may start, a result that may be written. Nothing else would come back to these. Whether a
    /// turn is not enough.
    fn work_off(&mut self, cx: &mut Context<'_>, now: Duration) -> Result<bool, End> {
        let (mut worked, mut sent) = (0, 0);
        let mut idle = false;
        loop {
            let done = self.start_waiting(now) + self.answer_returned() + self.run_streams(now);
            let bytes = self.send(cx, now)?;
            if !self.is_waiting_in_vain_for_room() {
                return Ok(false);
            }
            // A flush may have made room without a message having been sent: that is worth one more
            // look, a second time in a row it is not.
            if done + bytes == 0 && std::mem::replace(&mut idle, true) {
                return Ok(false);
            }
            idle &= done + bytes == 0;
            (worked, sent) = (worked + done, sent + bytes);
            if worked >= MESSAGES || sent >= send::TURN || self.pace.is_over() {
                return Ok(true);
            }
        }
    }

    /// Whether something waits for room though there is some.
    fn is_waiting_in_vain_for_room(&self) -> bool {
        let protocol = &mut self.shared.lock().protocol;
        let waits = !self.returned.is_empty() || protocol.has_waiting();
        (waits && protocol.has_room())
            || (self.streams.are_ready() && protocol.is_open())
            || !protocol.no_stream_events()
    }

    /// Whether reading paused in this turn and need not any more.
    fn reading_resumed(&mut self, now: Duration) -> Result<bool, End> {
        let paused = std::mem::take(&mut self.paused);
        Ok(paused && self.shared.lock().protocol.reading(now)? == Reading::On)
    }

    /// Does what was asked for from outside. Whether something has run out of time.
    fn begin(&mut self, now: Duration) -> Result<bool, End> {
        let mut state = self.shared.lock();
        // What comes during a turn is found before it ends: nobody needs to wake us.
        let task_waker = state.task_waker.take();
        let commands = state.commands.take();
        let late = now.saturating_sub(state.armed.unwrap_or(now));
        if late >= LATE {
            state.protocol.put_off(late);
            self.life.put_off(now);
        }
        let is_due = state.protocol.next_deadline().is_some_and(|due| due <= now);
        if is_due {
            state.protocol.expire_unbegun(now);
        }
        let reading = state.protocol.reading(now);
        drop(state);
        self.waker = task_waker.or_else(|| self.waker.take());
        if let Some(commands) = commands {
            self.apply(*commands)?;
        }
        self.paused = reading? == Reading::Paused;
        if !is_due {
            self.due_since = None;
        }
        Ok(is_due)
    }

    /// Whether what has run out of time is over. What saves it may have come in already, and not be read: so there
    /// is one turn more, before which the runtime looks for that, and others until all of it was read.
    fn is_over(&mut self, now: Duration, has_read_all: bool) -> bool {
        match self.due_since {
            None => {
                self.due_since = Some(now);
                false
            }
            Some(since) => has_read_all || now >= since + LATE,
        }
    }

    /// Stops what has run out of time.
    fn expire(&mut self, now: Duration) {
        self.due_since = None;
        self.shared.lock().protocol.expire(now, &mut self.stopped);
        for key in std::mem::take(&mut self.stopped) {
            self.stop(key);
        }
    }

    fn apply(&mut self, commands: Commands) -> Result<(), End> {
        if commands.limits {
            let limits = self.shared.lock().protocol.limits().clone();
            self.rules = self.shared.rules(&limits);
            self.transport.set_limits(&limits);
        }
        match commands.end {
            Some(Command::Close { code, reason, within }) => {
                return Err(End::Close(CloseReason::us(code, reason), within));
            }
            Some(Command::Drain { until, code, reason }) => {
                self.phase = Phase::Draining(Draining { until, code, reason }.into());
            }
            None => {}
        }
        Ok(())
    }

    /// Closes when all that was to be finished is, or there is no more time for it.
    fn see_to_drain(&mut self, now: Duration) -> Result<(), End> {
        let Phase::Draining(draining) = &self.phase else { return Ok(()) };
        let Draining { until, code, reason } = &**draining;
        let sent = self.outgoing.is_empty() && !self.unflushed;
        let mut state = self.shared.lock();
        if now >= *until {
            state.note_cut(now);
        } else if !sent || !state.protocol.is_drained() {
            return Ok(());
        }
        Err(CloseReason::us(*code, reason.clone()).into())
    }

    /// Reads what is ready, up to the budget; whether there may be more.
    fn receive(&mut self, cx: &mut Context<'_>, now: Duration) -> Result<bool, End> {
        let start = self.transport.received_bytes();
        let mut messages = 0;
        while messages < MESSAGES {
            if std::mem::take(&mut self.queued) {
                self.paused = self.shared.lock().protocol.reading(now)? == Reading::Paused;
            }
            if self.paused {
                return Ok(false);
            }
            if self.pace.is_over() {
                return Ok(true);
            }
            let read = (self.transport.received_bytes() - start) as usize;
            if read >= BYTES {
                return Ok(true);
            }
            match self.transport.poll_receive(cx, BYTES - read) {
                Poll::Ready(Received::Text(text)) => messages += self.dispatch(text.as_ref(), now),
                Poll::Ready(Received::Binary(bytes)) => {
                    messages += self.dispatch_binary(&bytes, now)?;
                }
                Poll::Ready(Received::Closed { code, reason }) => {
                    return Err(CloseReason::peer(code, reason).into());
                }
                Poll::Ready(Received::Failed(error)) => return Err(error.into()),
                Poll::Pending => return Ok(false),
            }
        }
        Ok(true)
    }

    /// Looks after the link; whether it is to be looked at again at once.
    fn run_keepalive(
        &mut self,
        cx: &mut Context<'_>,
        now: Duration,
        has_read_all: bool,
    ) -> Result<bool, End> {
        let received = self.transport.received_bytes();
        // The rest of a message is late only when it was looked for.
        let assembling = self.transport.assembling().filter(|_| has_read_all);
        self.life.heard(received, assembling, now);
        let most = self.shared.config.limits.control_rate;
        if self.controls.exceed(self.transport.unasked_controls(), now, most) {
            let reason = "more control frames than `control_rate`";
            return Err(CloseReason::us(CloseCode::POLICY, reason).into());
        }
        loop {
            match self.life.due(now, &self.shared.config.limits) {
                Due::Nothing => return Ok(false),
                Due::Look => return Ok(true),
                Due::Ping => {
                    self.transport.ping()?;
                    self.shared.lock().protocol.pinged();
                    self.unflushed = true;
                    self.flush(cx)?;
                }
                Due::Tidy => self.tidy(),
                Due::Close(reason) => return Err(reason.into()),
                Due::Dead(reason) => return Err(End::Lost(reason)),
            }
        }
    }

    /// Ends the connection if the other end has taken too little or sent too much, or, when what has run out
    /// of time `is_over`, did so for too long.
    fn see_to_overdue(&mut self, now: Duration, is_over: bool) -> Result<(), End> {
        let mut state = self.shared.lock();
        let overdue = state.protocol.overdue(now, is_over);
        std::mem::swap(&mut self.to_wake, &mut state.protocol.to_wake);
        drop(state);
        // Who waited for something that has happened in this turn.
        self.to_wake.drain(..).for_each(Waiter::tell);
        overdue.map_or(Ok(()), |reason| Err(reason.into()))
    }

    /// Gives back what a busy time left behind.
    fn tidy(&mut self) {
        // Each by itself: a handler that waits for long must not keep what messages have left.
        if self.outgoing.is_empty() && !self.unflushed {
            self.transport.shrink();
        }
        self.handlers.shrink();
        self.streams.shrink();
        self.scratch = Scratch::default();
        self.outgoing.shrink_to_fit();
        self.returned.shrink_to_fit();
        self.woken.shrink_to_fit();
        self.to_wake = Vec::new();
        self.stopped = Vec::new();
        let mut state = self.shared.lock();
        state.protocol.shrink();
        state.scratch = Scratch::default();
    }

    /// Arms the timer and lets callers wake this task.
    fn sleep(&mut self, cx: &mut Context<'_>) {
        // Wakers are code of the user's: they are neither made nor dropped under the lock.
        let kept = self.waker.take().filter(|waker| waker.will_wake(cx.waker()));
        let waker = kept.unwrap_or_else(|| cx.waker().clone());
        let mut state = self.shared.lock();
        let turns = [state.protocol.next_deadline(), self.life.next(&self.shared.config.limits)];
        let (until, has_turns) = match &self.phase {
            Phase::Open => (None, true),
            Phase::Draining(draining) => (Some(draining.until), true),
            // Nothing else is looked after any more, however long it is due.
            Phase::Closing(closing) => (Some(closing.until()), false),
            Phase::Closed => (None, false),
        };
        let due = turns.into_iter().flatten().filter(|_| has_turns).chain(until).min();
        state.armed = self.timer.arm(cx, self.shared.clock, due);
        let unsent = !self.outgoing.is_empty() || !state.protocol.is_sent();
        let asked = state.commands.is_some()
            || state.protocol.may_start_ordered()
            || state.protocol.must_gather_on()
            || !state.protocol.no_stream_events();
        if (unsent && !self.blocked) || (has_turns && asked) {
            // It came while this turn was ending.
            drop(state);
            self.waker = Some(waker);
            again(cx);
        } else {
            self.waker = state.task_waker.replace(waker);
        }
    }
}

impl<T: Transport> Future for Connection<T> {
    type Output = CloseReason;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<CloseReason> {
        let this = self.get_mut();
        let _turn = Turn::begin(&this.shared);
        if matches!(this.phase, Phase::Open | Phase::Draining(_)) {
            match this.turn(cx) {
                Ok(()) => {}
                Err(End::Close(reason, within)) => this.begin_closing(reason, within),
                Err(End::Lost(reason)) => return Poll::Ready(this.lose(reason)),
            }
        }
        if matches!(this.phase, Phase::Closing(_))
            && let Poll::Ready(reason) = this.poll_closing(cx)
        {
            return Poll::Ready(reason);
        }
        this.sleep(cx);
        Poll::Pending
    }
}

impl<T: Transport> Drop for Connection<T> {
    fn drop(&mut self) {
        if !matches!(self.phase, Phase::Closed) {
            self.lose(CloseReason::link("the connection was dropped"));
        }
    }
}

impl<T: Transport> fmt::Debug for Connection<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("peer", &self.shared.id).finish_non_exhaustive()
    }
}
