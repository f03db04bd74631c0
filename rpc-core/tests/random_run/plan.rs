//! What a seed chooses before anything begins.

use std::fmt;
use std::time::Duration;

use rpc_core::Limits;

use super::seeds::Random;

/// The deadline of a call that says nothing of it.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// Who says hello, and what each end says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Greeting {
    /// As a client and a server do.
    Near,
    /// The other end greets, so this one has sent something before it hears of it.
    Far,
    Both,
    /// None does, though each would answer.
    Nobody,
    /// The near end is told to be plain.
    Plain,
}

/// How a connection ends in the middle of it all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    Close,
    Kick,
    KickByHub,
    Drain,
    /// Its task is dropped: the other end sees a lost link.
    Lost,
}

pub struct Plan {
    pub near: Limits,
    pub far: Limits,
    pub greeting: Greeting,
    /// Bytes that each pipe holds.
    pub capacity: usize,
    /// How many clients the one server has.
    pub clients: usize,
    pub actors: usize,
    pub steps: usize,
    /// When one of the connections ends, of which end, and how.
    pub ending: Option<(Duration, bool, Ending)>,
    pub random: Random,
}

impl Plan {
    pub fn of(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let endings = [Ending::Close, Ending::Kick, Ending::KickByHub, Ending::Drain, Ending::Lost];
        let (near, far) = (tiny(&mut random), tiny(&mut random));
        Self {
            near,
            far,
            greeting: random.pick(&[
                Greeting::Near,
                Greeting::Near,
                Greeting::Near,
                Greeting::Far,
                Greeting::Both,
                Greeting::Nobody,
                Greeting::Plain,
            ]),
            capacity: random.pick(&[1, 300, 4096, 64 * 1024]),
            clients: random.pick(&[1, 1, 2, 3]),
            actors: 1 + random.below(6) as usize,
            steps: 4 + random.below(12) as usize,
            ending: random
                .once_in(3)
                .then(|| (random.millis(150), random.once_in(2), random.pick(&endings))),
            random,
        }
    }

    /// Whether streams that this end offers have flow control and ends, whoever asked for them first.
    pub fn is_negotiated(&self) -> bool {
        matches!(self.greeting, Greeting::Near | Greeting::Both)
    }
}

/// Each limit at its lowest, or not far from it.
fn tiny(random: &mut Random) -> Limits {
    let mut limits = Limits::server();
    limits.inflight_requests = 1 + random.below(4) as usize;
    limits.live_handlers = limits.inflight_requests + random.pick(&[0, 3, 20, 100]);
    limits.calls_on_wire = random.pick(&[1, 1, 2, 4]);
    limits.pending_calls = limits.calls_on_wire + random.pick(&[3, 10, 40]);
    limits.batch = 1 + random.below(5) as usize;
    limits.queue = random.pick(&[300, 4096, 4096]);
    limits.message_out = random.pick(&[6_000, 20_000]);
    limits.stream_window = random.pick(&[1, 64, 64, 200, 1000]);
    limits.streams = 1 + random.below(5) as usize;
    limits.subscriptions = 1 + random.below(5) as usize;
    limits.groups = 2;
    limits.call_deadline = DEADLINE;
    limits.waiting_notifications = 40;
    limits.notification_timeout = Duration::from_secs(2);
    limits
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let limits = |limits: &Limits| {
            format!(
                "in flight {}/{}, wire {}/{}, batch {}, queue {}, window {}, streams {}/{}",
                limits.inflight_requests,
                limits.live_handlers,
                limits.calls_on_wire,
                limits.pending_calls,
                limits.batch,
                limits.queue,
                limits.stream_window,
                limits.streams,
                limits.subscriptions
            )
        };
        write!(
            f,
            "greeting {:?}, pipe {}, {} clients, {} actors of {} steps, ending {:?}; near: {}; far: {}",
            self.greeting,
            self.capacity,
            self.clients,
            self.actors,
            self.steps,
            self.ending,
            limits(&self.near),
            limits(&self.far)
        )
    }
}
