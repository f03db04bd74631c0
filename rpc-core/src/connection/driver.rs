//! The part of a connection that does not depend on its link: handlers, streams and results. It belongs to the slot.

use std::collections::VecDeque;
use std::task::{Context, Waker};
use std::time::Duration;

use bytes::Bytes;

use super::event::ConnectionEvent;
use super::streams::Streams;
use super::take_over::RefusedSession;
use super::taken_in::TakenIn;
use crate::connection::tasks::Tasks;
use crate::connection::timer::Timer;
use crate::error::close::CloseReason;
use crate::layers::Layers;
use crate::limits::Limits;
use crate::peer::config::SessionMode;
use crate::peer::slot::{Commands, Shared};
use crate::protocol::Reading;
use crate::service::context::Context as HandlerContext;
use crate::service::running::Running;
use crate::util::runtime::again;
use crate::util::sync::Arc;
use crate::util::turn_budget::TurnBudget;
use crate::util::waiter::Waiter;
use crate::wire::attached::AttachedWriter;
use crate::wire::buffer::Scratch;
use crate::wire::decode::Rules;

/// A timer that rings later than this was held up, for example by a pause of the process. All deadlines then move by
/// the delay. It is also the longest time that an expired deadline waits until all received messages are read.
const LATE: Duration = Duration::from_secs(1);

/// The part of a connection that outlives a link.
pub(super) struct Driver {
    pub(super) shared: Arc<Shared>,
    /// The rules for decoding, made of the limits that hold now.
    pub(super) rules: Rules,
    /// The layers around served calls.
    pub(super) layers: Layers,
    pub(super) handlers: Tasks<Running>,
    pub(super) streams: Streams,
    /// Handlers that have returned and wait for room for their results.
    pub(super) returned: VecDeque<Running>,
    /// Handlers that were woken and have not had their turn.
    pub(super) woken: VecDeque<Running>,
    /// Messages between the outbox and the link.
    pub(super) outgoing: VecDeque<Bytes>,
    /// Whether the other end reads several messages in one.
    pub(super) takes_sequences: bool,
    /// This turn reads no messages, because too many notifications wait.
    pub(super) paused: bool,
    /// The other end sends nothing more, as was found in this turn.
    pub(super) input_ended: bool,
    /// A notification was queued since `paused` was last computed.
    pub(super) queued: bool,
    /// Messages that were read, if they are counted.
    pub(super) taken_in: TakenIn,
    /// The other end has said hello in this turn.
    pub(super) was_greeted: bool,
    /// Whether messages are counted: the connection has, or may get, a session.
    pub(super) counts: bool,
    /// Why the link did not get the session that its client asked to resume.
    pub(super) refusal: Option<Box<RefusedSession>>,
    /// The bytes and the handlers of the session that the registry was told of while there is no link.
    pub(super) kept: (usize, usize),
    /// A stream has got credit, so that the round trip decides on its window.
    pub(super) asks_round_trip: bool,
    /// What has happened to the link and the session, and was not told yet.
    #[expect(clippy::box_collection, reason = "what an idle connection costs is counted")]
    events: Option<Box<VecDeque<ConnectionEvent>>>,
    /// Where results are written.
    pub(super) scratch: Scratch,
    /// Writes messages with bytes beside their text.
    pub(super) attached: AttachedWriter,
    /// The context of the handler that was started last. The next handler reuses it.
    pub(super) context: HandlerContext,
    /// Waiters to wake at the end of the turn.
    to_wake: Vec<Waiter>,
    pub(super) budget: TurnBudget,
    timer: Timer,
    /// When the turn began.
    turn_began: Duration,
    /// When a deadline was first seen to have expired.
    due_since: Option<Duration>,
    /// The waker of this task. It is in the slot while the task sleeps.
    waker: Option<Waker>,
}

/// The start of a turn.
pub(super) struct Begun {
    pub(super) commands: Option<Box<Commands>>,
    /// A deadline has expired.
    pub(super) is_due: bool,
    /// The task was held up for longer than [`LATE`].
    pub(super) was_late: bool,
    pub(super) reading: Result<Reading, CloseReason>,
}

impl Driver {
    /// Takes over the slot, and enters its peer into the registry.
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        let limits = &shared.config.limits;
        // A notification's handler is not counted among the requests.
        let handlers = Tasks::new(limits.live_handlers + 1);
        let streams = Streams::new(limits.subscriptions + limits.streams);
        shared.config.registry.insert(&shared);
        let current = shared.lock().protocol.limits().clone();
        let layers = shared.layers.get();
        #[cfg(feature = "schema")]
        super::offers::tell(&shared, &layers);
        Self {
            rules: shared.rules(&current),
            layers,
            handlers,
            streams,
            returned: VecDeque::new(),
            woken: VecDeque::new(),
            outgoing: VecDeque::new(),
            takes_sequences: false,
            paused: false,
            input_ended: false,
            queued: false,
            taken_in: TakenIn::default(),
            was_greeted: false,
            counts: shared.config.sessions != SessionMode::Off,
            refusal: None,
            kept: (0, 0),
            asks_round_trip: false,
            events: None,
            scratch: Scratch::default(),
            attached: AttachedWriter::default(),
            context: HandlerContext::new(shared.clone()),
            to_wake: Vec::new(),
            budget: TurnBudget::start(),
            timer: Timer::new(),
            turn_began: Duration::ZERO,
            due_since: None,
            waker: None,
            shared,
        }
    }

    /// Keeps an event until it is told, in order.
    pub(super) fn tell(&mut self, event: ConnectionEvent) {
        self.events.get_or_insert_default().push_back(event);
    }

    /// Returns whether an event waits to be told.
    pub(super) fn has_events(&self) -> bool {
        self.events.is_some()
    }

    /// Returns whether this very event waits to be told.
    pub(super) fn is_to_tell(&self, event: &ConnectionEvent) -> bool {
        self.events.as_ref().is_some_and(|events| events.contains(event))
    }

    /// Takes the next event to tell.
    #[cold]
    pub(super) fn next_event(&mut self) -> Option<ConnectionEvent> {
        let event = self.events.as_mut()?.pop_front();
        self.events.take_if(|events| events.is_empty());
        event
    }

    /// Takes the commands from outside, and reads the clocks.
    pub(super) fn begin(&mut self, now: Duration) -> Begun {
        self.turn_began = now;
        let mut state = self.shared.lock();
        // What comes during a turn is found before the turn ends: no waker is needed.
        let task_waker = state.task_waker.take();
        let commands = state.commands.take();
        let late = now.saturating_sub(state.armed.unwrap_or(now));
        let was_late = late >= LATE;
        if was_late {
            state.protocol.on_late(late);
        }
        let is_due = state.protocol.next_deadline().is_some_and(|due| due <= now);
        if is_due {
            state.protocol.expire_unbegun(now);
        }
        let reading = state.protocol.may_read(now);
        drop(state);
        self.waker = task_waker.or_else(|| self.waker.take());
        Begun { commands, is_due, was_late, reading }
    }

    /// Finishes the start of the turn, after the commands were applied.
    pub(super) fn settle(
        &mut self,
        is_due: bool,
        reading: Result<Reading, CloseReason>,
    ) -> Result<(), CloseReason> {
        self.paused = reading? == Reading::Paused;
        if !is_due {
            self.due_since = None;
        }
        Ok(())
    }

    /// Applies the limits that hold from now on, and returns them.
    pub(super) fn take_limits(&mut self) -> Arc<Limits> {
        let limits = self.shared.lock().protocol.limits().clone();
        self.rules = self.shared.rules(&limits);
        limits
    }

    /// Returns whether expired deadlines take effect now. The message that would have met a deadline may have arrived
    /// without being read. So the deadline waits for one more turn, and further until all messages are read.
    pub(super) fn is_over(&mut self, now: Duration, has_read_all: bool) -> bool {
        match self.due_since {
            None => {
                self.due_since = Some(now);
                false
            }
            Some(since) => has_read_all || now >= since + LATE,
        }
    }

    /// Times out all calls and handlers whose deadlines have expired.
    pub(super) fn expire(&mut self, now: Duration) {
        self.due_since = None;
        let stopped = self.shared.lock().protocol.expire(now);
        stopped.into_iter().for_each(|key| self.stop(key));
    }

    /// Starts handlers, writes results and polls streams while there is room. Returns how many.
    pub(super) fn work(&mut self, now: Duration) -> usize {
        self.start_waiting(now) + self.answer_returned() + self.run_streams(now)
    }

    /// Returns whether a handler, a result or a stream waits although there is room.
    pub(super) fn is_waiting_in_vain_for_room(&self) -> bool {
        let protocol = &mut self.shared.lock().protocol;
        let waits = !self.returned.is_empty() || protocol.has_waiting();
        (waits && protocol.has_room())
            || (self.streams.are_ready() && protocol.is_open())
            || !protocol.no_stream_events()
    }

    /// Returns whether reading paused in this turn and may go on.
    pub(super) fn reading_resumed(&mut self, now: Duration) -> Result<bool, CloseReason> {
        let paused = std::mem::take(&mut self.paused);
        Ok(paused && self.shared.lock().protocol.may_read(now)? == Reading::On)
    }

    /// Wakes all waiters of events of this turn.
    ///
    /// # Errors
    /// The other end reads too slowly or sends too much. Durations are checked only if `is_over` is set.
    pub(super) fn check_overdue(
        &mut self,
        now: Duration,
        is_over: bool,
    ) -> Result<(), CloseReason> {
        let mut state = self.shared.lock();
        let overdue = state.protocol.overdue(now, is_over);
        std::mem::swap(&mut self.to_wake, &mut state.protocol.to_wake);
        self.asks_round_trip = std::mem::take(&mut state.protocol.asks_round_trip);
        let given_back = state.protocol.take_given_back();
        drop(state);
        self.shared.config.registry.windows().give_back(given_back);
        self.to_wake.drain(..).for_each(Waiter::notify);
        overdue.map_or(Ok(()), Err)
    }

    /// Frees memory of busier times.
    pub(super) fn shrink(&mut self) {
        self.handlers.shrink();
        self.streams.shrink();
        self.scratch = Scratch::default();
        self.attached = AttachedWriter::default();
        self.outgoing.shrink_to_fit();
        self.returned.shrink_to_fit();
        self.woken.shrink_to_fit();
        self.to_wake = Vec::new();
        let mut state = self.shared.lock();
        state.protocol.shrink();
        state.scratch = Scratch::default();
    }

    /// Arms the timer for the earliest of `silence`, `until` and, if there are turns (`has_turns`), the deadlines of
    /// the protocol. Then lets callers wake this task.
    pub(super) fn sleep(
        &mut self,
        cx: &mut Context<'_>,
        silence: Option<Duration>,
        until: Option<Duration>,
        has_turns: bool,
        can_send: bool,
    ) {
        self.scratch.put_aside();
        // Wakers are code of the application: they are neither made nor dropped under the lock.
        let kept = self.waker.take().filter(|waker| waker.will_wake(cx.waker()));
        let turn_began = (has_turns && kept.is_some()).then_some(self.turn_began);
        let waker = kept.unwrap_or_else(|| cx.waker().clone());
        let mut state = self.shared.lock();
        let deadline = state.protocol.next_deadline().filter(|_| has_turns);
        let due = [deadline, silence, until].into_iter().flatten().min();
        state.armed = self.timer.arm(cx, self.shared.clock, state.armed, due, turn_began);
        let unsent = !self.outgoing.is_empty() || !state.protocol.is_sent();
        let asked = state.commands.is_some()
            || state.protocol.may_start_ordered()
            || state.protocol.must_gather_on()
            || !state.protocol.no_stream_events();
        if (unsent && can_send) || (has_turns && asked) {
            // A message or a command came while this turn was ending.
            drop(state);
            self.waker = Some(waker);
            again(cx);
        } else {
            self.waker = state.task_waker.replace(waker);
        }
    }
}
