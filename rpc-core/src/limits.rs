//! Every bound of a connection, by name.

use std::time::Duration;

/// What one connection may use. Each bound is safe on the open internet as it stands; both ends of
/// a connection have their own.
///
/// ```
/// use rpc_core::Limits;
///
/// let mut limits = Limits::server();
/// limits.message_in = 64 * 1024;
/// assert_eq!(limits.inflight_requests, 512);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of a received message. Longer: the connection is closed with 1009.
    /// 1 MiB in a server, 4 MiB in a client.
    pub message_in: usize,
    /// Bytes of a sent message. A call or notification over it fails here, an answer becomes
    /// -32008. 4 MiB in a server, 1 MiB in a client.
    pub message_out: usize,
    /// How deep params may nest. Deeper: -32007. 64.
    pub depth: usize,
    /// JSON values and member names in the params of all requests being served. A request that
    /// exceeds it alone is -32007, one that finds it used up -32009. 131,072.
    pub tokens_inflight: usize,
    /// Requests served at once; a handler that waits for a call of its own is not counted.
    /// More: -32009. 512.
    pub inflight_requests: usize,
    /// Bytes of params being served and of notifications that wait. More: -32009. 4 MiB.
    pub inflight_bytes: usize,
    /// Handlers alive at once, those that wait for a call of their own included. More: -32009.
    /// 1,024.
    pub live_handlers: usize,
    /// Notifications that wait for an earlier one to end. More: reading pauses while nothing that
    /// runs here depends on it, else the connection is closed with 1008. 1,024.
    pub waiting_notifications: usize,
    /// Calls sent and not answered; more wait here, in order. 256.
    pub calls_on_wire: usize,
    /// Calls not answered, sent or not; more are busy at once. 4,096.
    pub pending_calls: usize,
    /// Bytes of messages that wait for the transport; above it new messages wait outside.
    /// One `message_out` more, or `slow_reader` above it: closed with 4008. 1 MiB.
    pub queue: usize,
    /// Bytes of an id as JSON text. Longer: -32600. 128.
    pub id_bytes: usize,
    /// Bytes of a method name. Longer: -32600. 256.
    pub method_bytes: usize,
    /// Fragments of a received message. More: closed with 1008. 4,096.
    pub fragments: usize,
    /// Bytes that are read at once. 4 KiB.
    pub read_buffer: usize,
    /// Bytes that are written at once. 16 KiB.
    pub write_buffer: usize,
    /// Bytes that the write buffer may reach while the other end does not read. 160 KiB.
    pub write_buffer_max: usize,
    /// From the TCP connection to the end of the WebSocket handshake. 10 s.
    pub handshake: Duration,
    /// From the first byte of a received message to its last. Longer: closed with 1008. 30 s.
    pub assembly: Duration,
    /// Without a byte from the other end for so long, it is sent a ping. 20 s.
    pub ping: Duration,
    /// Without a byte from the other end for so long, the link counts as lost; at least twice
    /// `ping`. 45 s.
    pub dead_after: Duration,
    /// From the start of a call to its answer, unless the call says otherwise. 30 s.
    pub call_deadline: Duration,
    /// How long a notification's handler may run before it is stopped. 30 s.
    pub notification_timeout: Duration,
    /// How long the outbound queue may stay above `queue`, or reading paused. 10 s.
    pub slow_reader: Duration,
    /// How long the close of a connection may take. 5 s.
    pub close: Duration,
    /// How long running handlers may go on when a server shuts down, unless it says otherwise.
    /// 30 s.
    pub grace: Duration,
    /// Connections of a server; more are answered 503. 10,000.
    pub connections: usize,
}

/// Longer than anyone waits, and short enough to be added to any time.
const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

impl Limits {
    /// The defaults of a server.
    pub const fn server() -> Self {
        Self {
            message_in: MIB,
            message_out: 4 * MIB,
            depth: 64,
            tokens_inflight: 131_072,
            inflight_requests: 512,
            inflight_bytes: 4 * MIB,
            live_handlers: 1024,
            waiting_notifications: 1024,
            calls_on_wire: 256,
            pending_calls: 4096,
            queue: MIB,
            id_bytes: 128,
            method_bytes: 256,
            fragments: 4096,
            read_buffer: 4 * KIB,
            write_buffer: 16 * KIB,
            write_buffer_max: 160 * KIB,
            handshake: Duration::from_secs(10),
            assembly: Duration::from_secs(30),
            ping: Duration::from_secs(20),
            dead_after: Duration::from_secs(45),
            call_deadline: Duration::from_secs(30),
            notification_timeout: Duration::from_secs(30),
            slow_reader: Duration::from_secs(10),
            close: Duration::from_secs(5),
            grace: Duration::from_secs(30),
            connections: 10_000,
        }
    }

    /// The defaults of a client: as a server's, but what a server sends may be larger than what
    /// it takes.
    pub const fn client() -> Self {
        Self { message_in: 4 * MIB, message_out: MIB, ..Self::server() }
    }

    /// Checks that the limits do not contradict each other.
    ///
    /// # Errors
    /// Both names, and what to change.
    pub fn check(&self) -> Result<(), LimitsError> {
        /// What one header and one fragment of ours may add to a full write buffer.
        const FRAGMENT: usize = 64 * KIB + 14;
        let at_least_one = [
            ("message_in", self.message_in),
            ("message_out", self.message_out),
            ("depth", self.depth),
            ("tokens_inflight", self.tokens_inflight),
            ("inflight_requests", self.inflight_requests),
            ("inflight_bytes", self.inflight_bytes),
            ("live_handlers", self.live_handlers),
            ("calls_on_wire", self.calls_on_wire),
            ("pending_calls", self.pending_calls),
            ("queue", self.queue),
            ("id_bytes", self.id_bytes),
            ("method_bytes", self.method_bytes),
            ("fragments", self.fragments),
            ("read_buffer", self.read_buffer),
            ("connections", self.connections),
        ];
        if let Some((name, _)) = at_least_one.into_iter().find(|(_, value)| *value == 0) {
            return Err(LimitsError(format!("`{name}` is 0: it must be at least 1")));
        }
        let durations = [
            ("handshake", self.handshake),
            ("assembly", self.assembly),
            ("ping", self.ping),
            ("dead_after", self.dead_after),
            ("call_deadline", self.call_deadline),
            ("notification_timeout", self.notification_timeout),
            ("slow_reader", self.slow_reader),
            ("close", self.close),
            ("grace", self.grace),
        ];
        if let Some((name, value)) = durations.into_iter().find(|(_, value)| *value > YEAR) {
            return Err(LimitsError(format!("`{name}` is {value:?}: it must be at most a year")));
        }
        if self.live_handlers < self.inflight_requests {
            return Err(LimitsError::order(
                ("live_handlers", self.live_handlers),
                ("inflight_requests", self.inflight_requests),
            ));
        }
        if self.pending_calls < self.calls_on_wire {
            return Err(LimitsError::order(
                ("pending_calls", self.pending_calls),
                ("calls_on_wire", self.calls_on_wire),
            ));
        }
        if self.dead_after < 2 * self.ping {
            return Err(LimitsError(format!(
                "`dead_after` ({:?}) is less than twice `ping` ({:?}): raise `dead_after` or lower \
                 `ping`",
                self.dead_after, self.ping
            )));
        }
        if self.write_buffer_max < self.write_buffer + FRAGMENT {
            return Err(LimitsError(format!(
                "`write_buffer_max` ({}) has no room for `write_buffer` ({}) and one fragment of \
                 {FRAGMENT} bytes: raise `write_buffer_max` or lower `write_buffer`",
                self.write_buffer_max, self.write_buffer
            )));
        }
        Ok(())
    }
}

/// Two limits that contradict each other, and what to change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitsError(String);

impl LimitsError {
    fn order(upper: (&str, usize), lower: (&str, usize)) -> Self {
        Self(format!(
            "`{}` ({}) is less than `{}` ({}): raise `{0}` or lower `{2}`",
            upper.0, upper.1, lower.0, lower.1
        ))
    }
}

impl std::fmt::Display for LimitsError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for LimitsError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaint(change: impl FnOnce(&mut Limits)) -> String {
        let mut limits = Limits::server();
        change(&mut limits);
        limits.check().unwrap_err().to_string()
    }

    #[test]
    fn the_defaults_agree_with_themselves() {
        assert_eq!(Limits::server().check(), Ok(()));
        assert_eq!(Limits::client().check(), Ok(()));
    }

    #[test]
    fn a_contradiction_names_both_limits_and_the_change() {
        assert_eq!(complaint(|l| l.queue = 0), "`queue` is 0: it must be at least 1");
        assert_eq!(
            complaint(|l| l.live_handlers = 9),
            "`live_handlers` (9) is less than `inflight_requests` (512): raise `live_handlers` or \
             lower `inflight_requests`"
        );
        assert_eq!(
            complaint(|l| l.pending_calls = 9),
            "`pending_calls` (9) is less than `calls_on_wire` (256): raise `pending_calls` or \
             lower `calls_on_wire`"
        );
        assert_eq!(
            complaint(|l| l.ping = Duration::from_secs(30)),
            "`dead_after` (45s) is less than twice `ping` (30s): raise `dead_after` or lower `ping`"
        );
        assert!(complaint(|l| l.close = Duration::MAX).contains("at most a year"));
        assert!(complaint(|l| l.write_buffer = 128 * KIB).contains("`write_buffer_max`"));
    }
}
