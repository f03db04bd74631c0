//! What a seed chooses before anything begins.

use std::fmt;
use std::time::Duration;

use rpc_core::Limits;
use rpc_core::transport::SessionMode;

use super::seeds::Random;

/// The deadline of a call that says nothing of it.
pub const DEADLINE: Duration = Duration::from_secs(6);

pub struct Plan {
    pub client: Limits,
    pub server: Limits,
    /// Whether the client has sessions that outlive a link.
    pub mode: SessionMode,
    /// Whether the client begins another session now and then.
    pub renews: bool,
    /// How long the links have faults.
    pub lasts: Duration,
    /// How long a link lives on average, in milliseconds.
    pub pace: u64,
    /// Whether servers restart, and sessions are ended on purpose.
    pub is_cruel: bool,
    pub actors: usize,
    /// The most bytes of a value that is sent.
    pub longest: u64,
    pub random: Random,
}

impl Plan {
    pub fn of(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let keep = random.pick(&[2, 5, 120, 120, 120]);
        let (client, server) = (limits(&mut random, keep), limits(&mut random, keep));
        Self {
            client,
            server,
            mode: if random.once_in(6) { SessionMode::Renew } else { SessionMode::Ask },
            renews: random.once_in(3),
            lasts: Duration::from_secs(3 + random.below(8)),
            pace: random.pick(&[50, 300, 300, 2000]),
            is_cruel: random.once_in(2),
            actors: 2 + random.below(4) as usize,
            longest: 6000,
            random,
        }
    }
}

/// Some limits are low, so that they are met. `keep` is in seconds.
fn limits(random: &mut Random, keep: u64) -> Limits {
    let mut limits = Limits::server();
    limits.calls_on_wire = random.pick(&[2, 16, 256]);
    limits.queue = random.pick(&[2_000, 16 * 1024, 1024 * 1024]);
    limits.away_bytes = random.pick(&[1_000, 16 * 1024, 256 * 1024]);
    limits.message_out = 1024 * 1024;
    limits.stream_window = random.pick(&[64, 1000, 64 * 1024]);
    limits.call_deadline = DEADLINE;
    limits.notification_timeout = Duration::from_secs(2);
    limits.session_keep = Duration::from_secs(keep);
    limits.handshake = Duration::from_secs(2);
    if random.once_in(2) {
        // A client gives its session up so much later than the server: both may happen while it is away.
        (limits.ping, limits.dead_after) =
            (Duration::from_millis(500), Duration::from_millis(1500));
    }
    limits.ack_after = random.pick(&[Duration::from_millis(200), Duration::from_secs(5)]);
    limits
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let limits = |limits: &Limits| {
            format!(
                "wire {}, queue {}, away {}, window {}, keep {:?}, dead {:?}, ack {:?}",
                limits.calls_on_wire,
                limits.queue,
                limits.away_bytes,
                limits.stream_window,
                limits.session_keep,
                limits.dead_after,
                limits.ack_after
            )
        };
        write!(
            f,
            "{:?} of {:?}, renews {}, links of {} ms, cruel {}, {} actors; client: {}; server: {}",
            self.lasts,
            self.mode,
            self.renews,
            self.pace,
            self.is_cruel,
            self.actors,
            limits(&self.client),
            limits(&self.server)
        )
    }
}
