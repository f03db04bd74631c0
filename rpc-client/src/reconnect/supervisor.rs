//! The task of a client that reconnects: it carries the connection, and gives the connection one link after the other.
//!
//! ```text
//!             ┌───────────────────── one step after another ──────────────────────┐
//!  commands ─▶│ events of the connection · the hook · the attempt · the timer     │─▶ states
//!             └──────────┬────────────────────────┬────────────────────┬──────────┘
//!                     Connection               Backoff              Dialer
//! ```
//!
//! The connection is carried in each step, so that handlers and deadlines run on while there is no link. The files
//! below say what follows from a step: `links`, `attempts`, `sessions`, `detour`, `failback`.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::FutureExt;
use http::header::HeaderValue;
use rpc_core::Peer;
use rpc_core::internal::runtime::{Instant, Sleep, sleep_until};
use rpc_core::transport::{Connection, ConnectionEvent};
use tokio::sync::oneshot;

use crate::connect::Attempt;
use crate::error::ConnectError;
use crate::fallback::{Carrier, Fallback};
use crate::opened::Opened;
use crate::reconnect::backoff::{Backoff, Plan};
use crate::reconnect::commands::{Command, Commands};
use crate::reconnect::dialer::{Dialer, Dialled, Dialling};
use crate::reconnect::hooks::OnSession;
use crate::reconnect::policy::Reconnect;
use crate::reconnect::setback::Setback;
use crate::reconnect::state::State;
use crate::reconnect::states::Reporter;
use crate::reconnect::turns::Turns;

mod attempts;
mod detour;
mod failback;
mod links;
mod looks;
mod sessions;

use detour::Detour;
use looks::Looks;
use sessions::Sessions;

/// As good as never: 30 years, which each clock can tell.
const FAR: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);

/// The result of the first connection: the subprotocol that the server has picked.
pub(crate) type First = Result<Option<Box<str>>, ConnectError>;

/// The parts of a supervisor, all of which live as long as the client.
pub(crate) struct Parts {
    pub(crate) peer: Peer,
    pub(crate) connection: Connection,
    pub(crate) dialer: Dialer,
    pub(crate) policy: Reconnect,
    pub(crate) on_session: Option<OnSession>,
    pub(crate) reporter: Reporter,
    pub(crate) commands: Commands,
    pub(crate) first: oneshot::Sender<First>,
}

/// The task of a client that reconnects.
pub(crate) struct Supervisor {
    peer: Peer,
    connection: Connection,
    dialer: Dialer,
    reporter: Reporter,
    commands: Commands,
    backoff: Backoff,
    turns: Turns,
    /// How long the client may be without a link, for the error of the end.
    give_up_after: Option<Duration>,
    start: Instant,
    link: Link,
    next: Next,
    plan: Plan,
    /// The credential that the server has refused, and the refusal.
    refused: Option<(HeaderValue, ConnectError)>,
    /// The trouble since the client was last up.
    trouble: Trouble,
    sessions: Sessions,
    subprotocol: Option<Box<str>>,
    /// What carries the messages now, or did last.
    carrier: Carrier,
    /// How to hear of the opening of a link that opens by its hello.
    opened: Option<Opened>,
    detour: Detour,
    /// When the client looks for a server that it prefers, if it is to do that.
    failback: Option<Looks>,
    timer: Pin<Box<Sleep>>,
}

/// Whether the connection has a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Link {
    None,
    /// The client has asked to resume its session, and waits for the answer.
    AwaitsHello,
    Up,
}

/// The next attempt.
enum Next {
    /// There is none: the client has a link, or ends.
    Nothing,
    /// It begins when the plan says so.
    Waiting,
    UnderWay {
        dialling: Dialling,
        announces_resume: bool,
        since: Instant,
    },
}

/// What has gone wrong since the client was last up.
struct Trouble {
    since: Instant,
    /// The number of the attempt that is under way or comes next.
    attempt: u32,
    error: Option<Setback>,
}

/// What happens next.
enum Step {
    Event(ConnectionEvent),
    Command(Command),
    Opened(Result<(), Box<dyn std::error::Error + Send + Sync>>),
    Dialled(Dialled),
    Due,
}

impl Supervisor {
    pub(crate) fn new(parts: Parts) -> Self {
        let Parts { peer, mut connection, dialer, policy, on_session, reporter, commands, first } =
            parts;
        if on_session.is_some() {
            connection.hold_sessions();
        }
        let preferred = dialer.attempts.first();
        let fallback = preferred.map_or(Fallback::Never, |attempt| attempt.fallback);
        let has_provider = preferred.is_some_and(Attempt::has_provider);
        let start = Instant::now();
        Self {
            peer,
            connection,
            reporter,
            commands,
            turns: Turns::new(dialer.attempts.len()),
            backoff: Backoff::new(&policy, has_provider, Duration::ZERO),
            give_up_after: policy.give_up_after,
            dialer,
            start,
            link: Link::None,
            next: Next::Nothing,
            plan: Plan::FIRST,
            refused: None,
            trouble: Trouble { since: start, attempt: 1, error: None },
            sessions: Sessions::new(on_session, first, policy.wait_for_first),
            subprotocol: None,
            carrier: Carrier::default(),
            opened: None,
            detour: Detour::new(fallback),
            failback: policy.fail_back_after.map(Looks::new),
            timer: Box::pin(sleep_until(start)),
        }
    }

    /// Carries the client to its end.
    pub(crate) async fn run(mut self) {
        self.dial();
        loop {
            self.set_timer();
            match poll_fn(|cx| self.poll_step(cx)).await {
                Step::Event(ConnectionEvent::Up { resumed, ended, .. }) => {
                    self.has_link(resumed, ended);
                }
                Step::Event(ConnectionEvent::Lost { reason, ended, going_away, .. }) => {
                    self.has_lost_link(reason, ended, going_away);
                }
                Step::Event(ConnectionEvent::Closed(reason)) => {
                    self.sessions.fail(ConnectError::Lost(reason.clone()));
                    self.reporter.tell(State::Ended(reason));
                    return;
                }
                Step::Event(ConnectionEvent::AskedToMove) => self.reconnect_now(),
                Step::Event(_) => {}
                Step::Command(Command::ReconnectNow) => self.reconnect_now(),
                Step::Command(Command::NewSession(reply)) => self.new_session(reply),
                Step::Opened(Ok(())) => self.has_opened(),
                Step::Opened(Err(error)) => self.has_not_opened(error.into()),
                Step::Dialled(dialled) => self.has_dialled(dialled),
                Step::Due => self.is_due(),
            }
        }
    }

    /// First come the events of the connection: the end of a link ends a hook as well, and not the other way around.
    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<Step> {
        if let Poll::Ready(event) = pin!(self.connection.next_event()).poll(cx) {
            return Poll::Ready(Step::Event(event));
        }
        if let Poll::Ready(command) = self.commands.poll_next(cx) {
            return Poll::Ready(Step::Command(command));
        }
        if let Some(opening) = self.sessions.opening()
            && let Poll::Ready(opened) = opening.poll_unpin(cx)
        {
            return Poll::Ready(Step::Opened(opened));
        }
        if let Next::UnderWay { dialling, .. } = &mut self.next
            && let Poll::Ready(dialled) = dialling.poll_unpin(cx)
        {
            return Poll::Ready(Step::Dialled(dialled));
        }
        if self.due().is_some() && self.timer.poll_unpin(cx).is_ready() {
            return Poll::Ready(Step::Due);
        }
        Poll::Pending
    }

    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// Returns when the timer rings: at the next attempt, or when the client gives up.
    fn due(&self) -> Option<Duration> {
        let attempt = matches!(self.next, Next::Waiting).then_some(self.plan.at);
        let end = self.backoff.gives_up_at().filter(|_| !self.sessions.is_ending());
        let looks = self.looks_at().into_iter().chain(self.fails_back_at());
        attempt.into_iter().chain(end).chain(looks).min()
    }

    fn set_timer(&mut self) {
        let Some(due) = self.due() else { return };
        let due = self.start.checked_add(due).unwrap_or(self.start + FAR);
        if self.timer.deadline() != due {
            self.timer.as_mut().reset(due);
        }
    }

    fn is_due(&mut self) {
        let now = self.now();
        if self.backoff.gives_up_at().is_some_and(|at| now >= at) {
            self.give_up();
        } else if matches!(self.next, Next::Waiting) && now >= self.plan.at {
            self.dial();
        } else if self.looks_at().is_some_and(|at| now >= at) {
            self.look_for_websocket();
        } else if self.fails_back_at().is_some_and(|at| now >= at) {
            self.fail_back();
        }
    }
}
