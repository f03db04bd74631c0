//! The task that carries a connection: the task alone touches the transport and polls the handlers.
//!
//! ```text
//!                Connection: one future, one turn after another
//!        ┌──────────────────────────────────────────┐
//! slot ◀─┤ Driver: handlers, streams, results       │  lives as long as the slot
//!        ├──────────────────────────────────────────┤
//! peer ◀─┤ Link: the transport and its clocks       │  may be lost and replaced
//!        └──────────────────────────────────────────┘
//! ```
//!
//! One turn reads what is ready, up to a budget, and deals with each message where it was read;
//! polls the handlers that were woken; sends all that has come together; and flushes once, since a
//! flush is a system call and dearer than everything else that a small call needs.
//!
//! Reading never waits for writing, nor for a handler. If both ends stopped reading until their own
//! messages were out, two full sockets would face each other and neither would ever move.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use crate::connection::driver::Driver;
use crate::connection::event::{ConnectionEvent, SessionEnd};
use crate::connection::keepalive::Action;
use crate::connection::link::{Link, Muted};
use crate::connection::retired::Retired;
use crate::error::close::{CloseCode, CloseReason};
use crate::peer::remote_profile::RemoteSupport;
use crate::peer::slot::{Command, Commands, Shared};
use crate::protocol::session::LinkStart;
use crate::service::current::Turn;
use crate::transport::{LinkError, Transport};
use crate::util::runtime::again;
use crate::util::sync::{Arc, Ordering};
use crate::util::turn_budget::TurnBudget;

pub(crate) mod accept;
mod answer;
mod batch;
mod binary;
mod close;
mod dispatch;
mod driver;
pub(crate) mod endpoint;
pub(crate) mod event;
mod item_writer;
mod items;
pub(crate) mod keepalive;
mod link;
#[cfg(feature = "schema")]
mod offers;
pub(crate) mod opening;
pub(crate) mod pair;
pub(crate) mod panic_hook;
mod receive;
mod retired;
mod round_trip;
mod send;
mod serve;
mod session;
mod streams;
pub(crate) mod subscription_id;
mod take_over;
mod taken_in;
pub(crate) mod tasks;
pub(crate) mod timer;

use close::Closing;

/// The most messages and the most bytes that are read in one turn. A turn ends earlier if its
/// [time](TurnBudget) is over. Then other tasks get their turn.
const MESSAGES: usize = 128;
const BYTES: usize = 64 * 1024;

/// A running connection: a future that resolves to the reason why the connection ended. Poll it, mostly by
/// `tokio::spawn`.
///
/// [`Endpoint::connect`](crate::transport::Endpoint::connect) makes one. Dropping the connection drops the transport:
/// the other end sees a lost link, calls fail with [`CallError::Closed`](crate::CallError::Closed), and handlers are
/// stopped.
///
/// A connection can outlive its transport. [`detach`](Self::detach) takes the transport away, and
/// [`attach`](Self::attach) gives the connection another one: peers, handlers, streams, groups and values go on.
#[must_use = "a connection lives only while it is polled"]
pub struct Connection {
    driver: Driver,
    /// `None` while the connection has no transport.
    link: Option<Link>,
    /// A link that was given up, until its close has left.
    retired: Option<Box<Retired>>,
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
    reason: CloseReason,
}

/// Why a turn ends the connection.
enum End {
    /// This end or the other one closes; the transport still works. The close may take this long, if not as long
    /// as always.
    Close(CloseReason, Option<Duration>),
    /// The other end has closed the link, or has broken a rule.
    Fault(CloseReason),
    /// The transport does not work.
    Lost(CloseReason),
}

impl From<CloseReason> for End {
    fn from(reason: CloseReason) -> Self {
        Self::Fault(reason)
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

impl Connection {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { driver: Driver::new(shared), link: None, retired: None, phase: Phase::Open }
    }

    /// Gives a connection that ends with its link the link.
    pub(crate) fn with<T: Transport>(transport: T, shared: Arc<Shared>) -> Self {
        let mut connection = Self::new(shared);
        let mut link = Link::new(transport, &connection.driver.shared);
        if connection.driver.counts && connection.driver.shared.lock().protocol.is_known() {
            // What is sent before the hello of the client would not belong to the session.
            let shared = &connection.driver.shared;
            let until = shared.clock.now().saturating_add(shared.config.limits.handshake);
            link.muted = Some(Muted::UntilFirst(until));
        }
        connection.link = Some(link);
        connection
    }

    /// Gives a connection that [outlives its links](crate::transport::SessionMode::Ask) another link. If there is a
    /// link before, that link is dropped when the session is resumed, or closed with 4410 if a fresh session begins.
    /// The handshake has shown whether the other end `is_extended`, that is, knows the extensions of this crate: only
    /// then can the other end resume the session. If the transport [opens](Transport::opens_by_hello) the link by a hello,
    /// there is a link when the other end has answered. Poll the connection afterwards.
    ///
    /// # Panics
    /// If the connection does not outlive its links.
    pub fn attach<T: Transport>(&mut self, transport: T, is_extended: bool) {
        let before = self.lose_link();
        let Driver { shared, outgoing, .. } = &mut self.driver;
        let (now, limits) = (shared.clock.now(), &shared.config.limits);
        let reason = CloseReason::link("the server does not resume the session");
        if shared.remote.get() != RemoteSupport::Plain {
            let support =
                if is_extended { RemoteSupport::Extended } else { RemoteSupport::Unknown };
            shared.remote.set(support);
        }
        let mut link = Link::new(transport, shared);
        let mut state = shared.lock();
        assert!(state.protocol.outlives_links(), "`EndpointConfig::sessions` is `Ask` or `Renew`");
        if state.protocol.ended().is_some() {
            return;
        }
        let LinkStart { hello, awaits_hello, ended } =
            state.protocol.begin_link(is_extended, now, &reason);
        shared.takes_bytes.store(state.protocol.takes_bytes(), Ordering::Relaxed);
        drop(state);
        outgoing.extend(hello);
        let reason = CloseReason::us(CloseCode::LINK_GIVEN_UP, "another link takes its place");
        let until = now.saturating_add(if awaits_hello { limits.handshake } else { limits.close });
        let reason = (!awaits_hello).then_some(reason);
        self.retired = before.map(|before| Retired::new(before, reason, until));
        let ended = ended.map(|ended| self.driver.stop_session(ended));
        if awaits_hello {
            link.muted = Some(Muted::UntilAnswer);
        } else if link.opens_by_hello {
            link.muted = Some(Muted::Opening(ended));
        } else {
            self.driver.up(false, ended);
        }
        self.link = Some(link);
    }

    /// Drops the link without a close, as if it had broken: a connection that outlives its links goes on without one.
    /// Any other connection ends.
    pub fn detach(&mut self) {
        let reason = CloseReason::link("the transport was taken away");
        if self.link.is_some() {
            self.link_broke(reason);
        }
    }

    /// Lets the program open each fresh session of a connection that outlives its links. Then nothing is sent in a
    /// fresh session until [`open_session`](Self::open_session), but what is sent under
    /// [`opening`](crate::transport::opening), and answers.
    pub fn hold_sessions(&mut self) {
        self.driver.shared.lock().protocol.set_opened_by_application();
    }

    /// Sends what was held back: the program has opened the session. No effect if nothing is held back.
    pub fn open_session(&mut self) {
        self.driver.shared.with(|state| state.protocol.open_session());
    }

    /// Ends the session of a connection that outlives its links, and closes the link with 1000. The next link begins
    /// another session. Returns what was lost, or `None` if there was no session.
    pub fn renew_session(&mut self, reason: &str) -> Option<SessionEnd> {
        let reason = CloseReason::us(CloseCode::NORMAL, reason);
        let within = self.driver.shared.config.limits.close;
        self.retire(reason.clone(), within);
        self.driver.end_session(&reason)
    }

    /// Returns whether the link was announced to resume a session and begins this connection instead. Then
    /// [`next_event`](Self::next_event) tells `Up` when the client knows that: at once if the client asks to resume
    /// nothing, else when the client has acknowledged its new session. Handlers are held back until then.
    pub fn is_refused(&self) -> bool {
        self.driver.refusal.is_some()
    }

    /// Returns whether the connection has ended or is being closed, as after
    /// [`Endpoint::accept`](crate::transport::Endpoint::accept) of a link that ended before its first message.
    pub fn is_ending(&self) -> bool {
        matches!(self.phase, Phase::Closing(_) | Phase::Closed)
    }

    /// Returns the time over which the server asks clients to spread their first attempts to reconnect. `None` if it
    /// has not asked.
    pub fn spread(&self) -> Option<Duration> {
        self.driver.shared.lock().protocol.spread()
    }

    /// Returns whether the next link is to resume the session.
    pub fn wants_to_resume(&self) -> bool {
        self.driver.shared.lock().protocol.wants_to_resume()
    }

    /// Carries the connection until something happens to its link or its session, or until it ends. In contrast to the
    /// connection as a future, a lost link does not end a connection that outlives its links: give it another one by
    /// [`attach`](Self::attach).
    ///
    /// Cancel safe: nothing is lost when the returned future is dropped. Without a link the future carries the
    /// connection on. After the end of the connection it is ready at once.
    pub async fn next_event(&mut self) -> ConnectionEvent {
        poll_fn(|cx| self.poll_event(cx)).await
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<ConnectionEvent> {
        let _turn = Turn::begin(&self.driver.shared);
        if self.retired.is_some() {
            self.poll_retired(cx);
        }
        if matches!(self.phase, Phase::Open | Phase::Draining(_)) {
            match self.turn(cx) {
                Ok(()) => {}
                Err(End::Close(reason, within)) => self.begin_closing(reason, within),
                Err(End::Fault(reason)) => self.fault(reason),
                Err(End::Lost(reason)) => self.link_broke(reason),
            }
        }
        if self.driver.has_events()
            && let Some(event) = self.driver.next_event()
        {
            if matches!(event, ConnectionEvent::Up { .. }) {
                drop(self.retired.take_if(|retired| retired.waits()));
            }
            return Poll::Ready(event);
        }
        if matches!(self.phase, Phase::Closing(_))
            && let Poll::Ready(reason) = self.poll_closing(cx)
        {
            return Poll::Ready(ConnectionEvent::Closed(reason));
        }
        if matches!(self.phase, Phase::Closed) {
            let reason = self.driver.shared.lock().closed.clone();
            return Poll::Ready(ConnectionEvent::Closed(
                *reason.expect("a connection that has ended has a reason"),
            ));
        }
        self.sleep(cx);
        Poll::Pending
    }

    /// Carries the close of a link that was given up.
    #[cold]
    fn poll_retired(&mut self, cx: &mut Context<'_>) {
        if let Some(retired) = &mut self.retired
            && retired.poll(cx, self.driver.shared.clock.now()).is_ready()
        {
            self.retired = None;
        }
    }

    /// Lets a connection that counts its messages send what waited for the first message of the other end.
    #[cold]
    fn unmute(&mut self, now: Duration) {
        // A hello is not counted, and takes back the count of what came before.
        let was_greeted = std::mem::take(&mut self.driver.was_greeted);
        let has_answer = self.driver.has_events();
        let has_read = was_greeted || !self.driver.taken_in.is_empty() || has_answer;
        let Some(link) = &mut self.link else { return };
        let unmuted = link.muted.take_if(|muted| match muted {
            Muted::UntilAnswer => has_answer,
            Muted::UntilFirst(until) => has_read || now >= *until,
            Muted::Opening(_) => was_greeted,
        });
        if let Some(Muted::Opening(ended)) = unmuted {
            self.driver.up(false, ended);
        }
    }

    fn turn(&mut self, cx: &mut Context<'_>) -> Result<(), End> {
        let now = self.driver.shared.clock.now();
        self.driver.budget = TurnBudget::start();
        self.driver.handlers.begin_turn();
        self.driver.streams.begin_turn();
        let is_due = self.begin(now)?;
        let mut more = match &mut self.link {
            Some(link) => link.receive(&mut self.driver, cx, now)?,
            None => false,
        };
        if self.driver.input_ended {
            self.input_ended(now)?;
        }
        if self.driver.counts {
            self.unmute(now);
        }
        let has_read_all = !more && !self.driver.paused;
        more |= self.driver.run_woken();
        let is_over = is_due && self.driver.is_over(now, !more);
        if is_over {
            self.driver.expire(now);
        }
        more |= is_due && !is_over;
        more |= self.work_off(cx, now)?;
        more |= self.driver.streams.take_backlog();
        more |= self.driver.reading_resumed(now)?;
        more |= self.run_keepalive(cx, now, has_read_all)?;
        self.driver.check_overdue(now, is_over)?;
        self.check_drain(now)?;
        // Not by their own wakers: other tasks are to have their turn in between.
        let waker = cx.waker();
        more |= self.driver.handlers.end_turn(waker) | self.driver.streams.end_turn(waker);
        if more {
            again(cx);
        }
        Ok(())
    }

    /// Does what was asked for from outside. Returns whether something has run out of time.
    fn begin(&mut self, now: Duration) -> Result<bool, End> {
        let begun = self.driver.begin(now);
        if begun.was_late
            && let Some(link) = &mut self.link
        {
            link.keepalive.put_off(now);
        }
        if let Some(commands) = begun.commands {
            self.apply(*commands)?;
        }
        self.driver.settle(begun.is_due, begun.reading)?;
        Ok(begun.is_due)
    }

    fn apply(&mut self, commands: Commands) -> Result<(), End> {
        if commands.limits {
            let limits = self.driver.take_limits();
            if let Some(link) = &mut self.link {
                link.set_limits(&limits);
            }
        }
        if let Some(first) = commands.first {
            self.driver.dispatch(&first, self.driver.shared.clock.now());
            if self.driver.refusal.take().is_some() {
                // The message asks to resume nothing, so there is no acknowledgement to wait for.
                self.driver.up(false, None);
            }
        }
        let mut offers = commands.offers.into_iter();
        while let Some(offer) = offers.next() {
            if let Err(end) = self.consider(offer) {
                // The others hear how the session has ended.
                let mut state = self.driver.shared.lock();
                state.commands.get_or_insert_default().offers.extend(offers);
                return Err(end);
            }
        }
        match commands.end {
            Some(Command::Close { code, reason, within }) => {
                return Err(End::Close(CloseReason::us(code, reason), within));
            }
            Some(Command::Drain { until, code, reason }) => {
                let reason = CloseReason::us(code, reason);
                self.phase = Phase::Draining(Draining { until, reason }.into());
            }
            None => {}
        }
        if commands.give_up && self.link.is_none() {
            // Without a code, as a session that was away for too long: its client is told no more than that.
            let reason = CloseReason::link("too many sessions are without a link");
            return Err(End::Close(reason, None));
        }
        Ok(())
    }

    /// Sends what there is, and again for as long as that makes room for what waits: a handler that
    /// may start, a result that may be written. Nothing else would come back to these. Returns whether one
    /// turn is not enough.
    fn work_off(&mut self, cx: &mut Context<'_>, now: Duration) -> Result<bool, End> {
        let (mut worked, mut sent) = (0, 0);
        let mut idle = false;
        loop {
            let done = self.driver.work(now);
            let bytes = self.send(cx, now)?;
            if !self.driver.is_waiting_in_vain_for_room() {
                return Ok(false);
            }
            // A flush may have made room without a message having been sent: that is worth one more
            // look, a second time in a row it is not.
            if done + bytes == 0 && std::mem::replace(&mut idle, true) {
                return Ok(false);
            }
            idle &= done + bytes == 0;
            (worked, sent) = (worked + done, sent + bytes);
            if worked >= MESSAGES || sent >= send::TURN || self.driver.budget.is_over() {
                return Ok(true);
            }
        }
    }

    /// Closes when all that was to be finished is, or there is no more time for it.
    fn check_drain(&mut self, now: Duration) -> Result<(), End> {
        let Phase::Draining(draining) = &self.phase else { return Ok(()) };
        let Draining { until, reason } = &**draining;
        let is_sent = self.is_sent();
        let mut state = self.driver.shared.lock();
        if now >= *until {
            state.note_cut(now);
        } else if self.link.is_none() {
            // What waits for a link would wait for ever: nobody resumes a session of a server that shuts down.
            if !state.protocol.is_idle() {
                return Ok(());
            }
        } else if !is_sent || !state.protocol.is_drained() {
            return Ok(());
        }
        Err(End::Close(reason.clone(), None))
    }

    /// Returns whether the medium has all that was taken out of the outbox.
    fn is_sent(&self) -> bool {
        self.driver.outgoing.is_empty() && self.link.as_ref().is_none_or(|link| !link.unflushed)
    }

    /// Looks after the link. Returns whether the link is to be looked at again at once.
    fn run_keepalive(
        &mut self,
        cx: &mut Context<'_>,
        now: Duration,
        has_read_all: bool,
    ) -> Result<bool, End> {
        let Self { driver, link: Some(link), .. } = self else { return Ok(false) };
        let limits = &driver.shared.config.limits;
        if let Some(round_trip) = link.check_life(limits, now, has_read_all)? {
            driver.shared.lock().protocol.on_round_trip(round_trip);
        }
        if driver.asks_round_trip && link.round_trip.is_due(now) {
            link.ping(cx, now)?;
        }
        loop {
            match link.keepalive.next_action(now, &driver.shared.config.limits) {
                Action::Nothing => return Ok(false),
                Action::Look => return Ok(true),
                Action::Ping => {
                    if link.ping(cx, now)? {
                        driver.shared.lock().protocol.on_pinged();
                    }
                }
                Action::Tidy => {
                    // Each by itself: a handler that waits for long must not keep what messages have left.
                    if driver.outgoing.is_empty() && !link.unflushed {
                        link.shrink();
                    }
                    driver.shrink();
                }
                Action::Close(reason) => return Err(reason.into()),
                Action::Dead(reason) => return Err(End::Lost(reason)),
            }
        }
    }

    /// Arms the timer and lets callers wake this task.
    fn sleep(&mut self, cx: &mut Context<'_>) {
        let keepalive = self.link.as_ref().map(|link| &link.keepalive);
        let silence =
            keepalive.and_then(|keepalive| keepalive.next(&self.driver.shared.config.limits));
        let (until, has_turns) = match &self.phase {
            Phase::Open => (None, true),
            Phase::Draining(draining) => (Some(draining.until), true),
            // Nothing else is looked after any more, however long it is due.
            Phase::Closing(closing) => (Some(closing.until()), false),
            Phase::Closed => (None, false),
        };
        let can_send = self.link.as_ref().is_some_and(|link| !link.blocked && link.muted.is_none());
        let muted = self.link.as_ref().and_then(|link| match link.muted {
            Some(Muted::UntilFirst(until)) => Some(until),
            Some(Muted::UntilAnswer | Muted::Opening(_)) | None => None,
        });
        let retired = self.retired.as_ref().map(|retired| retired.until());
        let until = [until, muted, retired].into_iter().flatten().min();
        self.driver.sleep(cx, silence.filter(|_| has_turns), until, has_turns, can_send);
    }
}

impl Future for Connection {
    type Output = CloseReason;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<CloseReason> {
        let this = self.get_mut();
        loop {
            match ready!(this.poll_event(cx)) {
                ConnectionEvent::Closed(reason) => return Poll::Ready(reason),
                // Nobody gives it another link.
                ConnectionEvent::Lost { reason, .. }
                    if this.driver.shared.lock().protocol.outlives_links() =>
                {
                    return Poll::Ready(this.lose(reason));
                }
                _ => {}
            }
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if !matches!(self.phase, Phase::Closed) {
            self.lose(CloseReason::link("the connection was dropped"));
        }
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("peer", &self.driver.shared.id).finish_non_exhaustive()
    }
}
