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
use std::task::{Context, Poll};
use std::time::Duration;

use crate::connection::driver::Driver;
use crate::connection::keepalive::Action;
use crate::connection::link::Link;
use crate::error::close::{CloseCode, CloseReason};
use crate::peer::slot::{Command, Commands, Shared};
use crate::service::current::Turn;
use crate::transport::{LinkError, Transport};
use crate::util::sync::Arc;
use crate::util::turn_budget::{TurnBudget, again};

mod answer;
mod close;
mod dispatch;
mod driver;
pub(crate) mod endpoint;
mod items;
pub(crate) mod keepalive;
mod link;
pub(crate) mod pair;
pub(crate) mod panic_hook;
mod receive;
mod send;
mod serve;
mod streams;
pub(crate) mod subscription_id;
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
/// [`Endpoint::connect`](crate::transport::Endpoint::connect) makes one. Dropping the connection drops the transport: the
/// other end sees a lost link, calls fail with [`CallError::Closed`](crate::CallError::Closed), and
/// handlers are stopped.
///
/// A connection can outlive its transport. [`detach`](Self::detach) takes the transport away, and
/// [`attach`](Self::attach) gives the connection another one: peers, handlers, streams, groups and values go on.
#[must_use = "a connection lives only while it is polled"]
pub struct Connection {
    driver: Driver,
    /// `None` while the connection has no transport.
    link: Option<Link>,
    phase: Phase,
}

/// How [`Connection::link_end`] ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkEnd {
    /// The link was lost. The connection can go on over another link.
    Lost(CloseReason),
    /// The connection has ended.
    Closed(CloseReason),
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
    /// This end or the other one closes; the transport still works. The close may take this long, if not as long
    /// as always.
    Close(CloseReason, Option<Duration>),
    /// The transport does not work.
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

impl Connection {
    pub(crate) fn new<T: Transport>(transport: T, shared: Arc<Shared>) -> Self {
        let mut connection = Self { driver: Driver::new(shared), link: None, phase: Phase::Open };
        connection.attach(transport);
        connection
    }

    /// Goes on over `transport`, in place of the transport before, if there is one: that is dropped as by
    /// [`detach`](Self::detach). Poll the connection afterwards.
    pub fn attach<T: Transport>(&mut self, transport: T) {
        self.detach();
        let Driver { shared, outgoing, .. } = &mut self.driver;
        shared.lock().protocol.attach(outgoing.len());
        self.link = Some(Link::new(transport, shared));
    }

    /// Drops the transport without a close, and goes on without one. Handlers run. Calls, notifications and items
    /// queue within [`queue`](crate::Limits::queue), until [`attach`](Self::attach) brings another transport.
    ///
    /// Messages that were on their way are lost. A call whose request the medium did not accept to its last byte
    /// fails with [`CallError::Closed`](crate::CallError::Closed) and [`Fate::NotSent`](crate::Fate::NotSent). Any
    /// other call waits on for its answer until its deadline, although the answer may have been lost as well.
    pub fn detach(&mut self) {
        self.lose_link(&CloseReason::link("the transport was taken away"));
    }

    fn lose_link(&mut self, reason: &CloseReason) {
        let Some(link) = self.link.take() else { return };
        let unsent = self.driver.outgoing.len();
        self.driver.shared.with(|state| state.protocol.detach(link.accepted(), unsent, reason));
    }

    /// Carries the connection until it loses its link, or ends. In contrast to the connection as a future, a lost link
    /// leaves the connection as after [`detach`](Self::detach).
    ///
    /// Cancel safe: nothing is lost when the returned future is dropped. Without a link the future carries the
    /// connection on, and is ready when the connection is closed. After the end of the connection it is ready at once.
    ///
    /// ```
    /// # use rpc_core::transport::{Connection, LinkEnd};
    /// # use rpc_core::{CloseReason, memory::Pipe};
    /// # use tokio::sync::mpsc::Receiver;
    /// async fn carry(mut connection: Connection, mut links: Receiver<Pipe>) -> CloseReason {
    ///     loop {
    ///         tokio::select! {
    ///             end = connection.link_end() => match end {
    ///                 LinkEnd::Lost(reason) => println!("{reason}: waits for another link"),
    ///                 LinkEnd::Closed(reason) => return reason,
    ///             },
    ///             Some(link) = links.recv() => connection.attach(link),
    ///         }
    ///     }
    /// }
    /// ```
    pub async fn link_end(&mut self) -> LinkEnd {
        let end = poll_fn(|cx| self.poll_end(cx)).await;
        if let LinkEnd::Lost(reason) = &end {
            self.lose_link(reason);
        }
        end
    }

    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<LinkEnd> {
        let _turn = Turn::begin(&self.driver.shared);
        if matches!(self.phase, Phase::Open | Phase::Draining(_)) {
            match self.turn(cx) {
                Ok(()) => {}
                Err(End::Close(reason, within)) => self.begin_closing(reason, within),
                Err(End::Lost(reason)) => return Poll::Ready(LinkEnd::Lost(reason)),
            }
        }
        if matches!(self.phase, Phase::Closing(_))
            && let Poll::Ready(reason) = self.poll_closing(cx)
        {
            return Poll::Ready(LinkEnd::Closed(reason));
        }
        if matches!(self.phase, Phase::Closed) {
            let reason = self.driver.shared.lock().closed.clone();
            return Poll::Ready(LinkEnd::Closed(
                *reason.expect("a connection that has ended has a reason"),
            ));
        }
        self.sleep(cx);
        Poll::Pending
    }

    fn turn(&mut self, cx: &mut Context<'_>) -> Result<(), End> {
        let now = self.driver.shared.clock.now();
        self.driver.budget = TurnBudget::start();
        self.driver.handlers.begin_turn(cx.waker());
        self.driver.streams.begin_turn(cx.waker());
        let is_due = self.begin(now)?;
        let mut more = match &mut self.link {
            Some(link) => link.receive(&mut self.driver, cx, now)?,
            None => false,
        };
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
        more |= self.driver.handlers.end_turn() | self.driver.streams.end_turn();
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
        let Draining { until, code, reason } = &**draining;
        let is_sent = self.is_sent();
        let mut state = self.driver.shared.lock();
        if now >= *until {
            state.note_cut(now);
        } else if !is_sent || !state.protocol.is_drained() {
            return Ok(());
        }
        Err(CloseReason::us(*code, reason.clone()).into())
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
        link.check_life(&driver.shared.config.limits, now, has_read_all)?;
        loop {
            match link.keepalive.next_action(now, &driver.shared.config.limits) {
                Action::Nothing => return Ok(false),
                Action::Look => return Ok(true),
                Action::Ping => {
                    if link.ping(cx)? {
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
        let can_send = self.link.as_ref().is_some_and(|link| !link.blocked);
        self.driver.sleep(cx, silence.filter(|_| has_turns), until, has_turns, can_send);
    }
}

impl Future for Connection {
    type Output = CloseReason;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<CloseReason> {
        let this = self.get_mut();
        this.poll_end(cx).map(|end| match end {
            LinkEnd::Lost(reason) => this.lose(reason),
            LinkEnd::Closed(reason) => reason,
        })
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
