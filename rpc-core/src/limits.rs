//! Every bound of a connection, by name.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What one connection may use. Each bound is safe on the open internet as it stands; both ends of
/// a connection have their own.
///
/// ```
/// use rpc_core::Limits;
///
/// let mut limits = Limits::server();
/// limits.message_in = 64 * 1024;
/// limits.set("ping", "2s")?;
/// assert_eq!(limits.inflight_requests, 512);
/// # Ok::<(), rpc_core::types::LimitsError>(())
/// ```
///
/// In a configuration file bytes and counts are integers and times are text such as `500ms` or
/// `20s`; what is left out is as in [`Limits::server`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of a received message. Longer: the connection is closed with 1009.
    /// 1 MiB in a server, 4 MiB in a client.
    ///
    /// Raise `message_in` when honest messages are longer. Lower `message_in` when all are short and memory
    /// is scarce.
    pub message_in: usize,
    /// Bytes of a sent message. A call or notification over it fails here, an answer becomes
    /// -32008. 4 MiB in a server, 1 MiB in a client.
    ///
    /// Raise `message_out` when the results are longer and the other end takes them. Lower `message_out` when
    /// the other end takes less.
    pub message_out: usize,
    /// How deep arrays and objects may nest in any member of a message. A request that nests deeper is answered -32007,
    /// a notification is dropped, and an answer or an item cannot be read. 64.
    ///
    /// Raise `depth` when honest data nests deeper. Lower `depth` when decoding needs much stack for each
    /// level.
    pub depth: usize,
    /// JSON values and member names in the params of all requests being served. A request that
    /// exceeds it alone is -32007, one that finds it used up -32009. 131,072.
    ///
    /// Raise `tokens_inflight` when params are long lists of small values. Lower `tokens_inflight` when
    /// decoded params take too much memory.
    pub tokens_inflight: usize,
    /// Requests served at once; a handler that waits for a call of its own is not counted.
    /// More: -32009. 512.
    ///
    /// Raise `inflight_requests` when handlers mostly wait. Lower `inflight_requests` when a handler takes
    /// much memory.
    pub inflight_requests: usize,
    /// Bytes of params being served and of notifications that wait. More: -32009. And bytes of items
    /// that wait beyond the windows of their streams, all together: each stream's last one may overdraw
    /// its own. More: a gap. 4 MiB.
    ///
    /// Raise `inflight_bytes` when large requests run side by side. Lower `inflight_bytes` when many
    /// connections share little memory.
    pub inflight_bytes: usize,
    /// Handlers alive at once, those that wait for a call of their own included. More: -32009.
    /// 1,024.
    ///
    /// Raise `live_handlers` when nested calls go deep. Lower `live_handlers` when a waiting handler takes
    /// much memory.
    pub live_handlers: usize,
    /// Handlers that are [detached](crate::types::Handler::detached), of all connections of a server together, those
    /// that have ended included. More: -32009. 1,024.
    ///
    /// Raise `detached` when much work outlives its connection. Lower `detached` when such work takes much
    /// memory.
    pub detached: usize,
    /// Notifications that wait for an earlier one to end. More: reading pauses while nothing that
    /// runs here depends on it, else the connection is closed with 1008. 1,024.
    ///
    /// Raise `waiting_notifications` when notifications come in bursts. Lower `waiting_notifications` when
    /// stale ones are useless.
    pub waiting_notifications: usize,
    /// Calls that were sent and are not answered. More calls wait here, in order; only the calls that a handler
    /// makes never wait. If no call is answered for 250 ms while a handler of this end runs, as many more calls are
    /// sent; after 10 s the calls that still wait are busy. 256.
    ///
    /// Raise `calls_on_wire` when the round trip is long and calls are many. Lower `calls_on_wire` when the
    /// other end answers -32009.
    pub calls_on_wire: usize,
    /// Calls not answered, sent or not; more are busy at once. 4,096.
    ///
    /// Raise `pending_calls` when calls come in bursts and may wait. Lower `pending_calls` when callers
    /// should hear of overload sooner.
    pub pending_calls: usize,
    /// Members of a batch. More: -32010, and none of them runs; a batch that this end sends is split
    /// before that. 100.
    ///
    /// Raise `batch` when a client sends long batches. Lower `batch` when each member is expensive.
    pub batch: usize,
    /// Bytes of messages that wait for the transport, each with 128 more for what it takes beside its text;
    /// above it new messages wait outside.
    /// One `message_out` more, or `slow_reader` above it: closed with 4008. 1 MiB.
    ///
    /// Raise `queue` when messages are large and networks slow. Lower `queue` when many connections share
    /// little memory.
    pub queue: usize,
    /// Streams that the other end has subscribed to. More: -32006. 256.
    ///
    /// Raise `subscriptions` when a client follows many things. Lower `subscriptions` when a stream is
    /// expensive.
    pub subscriptions: usize,
    /// Streams of the other end that are taken here, those among the params of its calls included; and
    /// streams that this end sends with calls of its own. While there are so many, subscribing is busy,
    /// and so are calls with streams, here (-32009) and there. 256.
    ///
    /// Raise `streams` when this end follows many things. Lower `streams` when memory is scarce: each may
    /// fill its window.
    pub streams: usize,
    /// Groups that a connection may be in. 64.
    ///
    /// Raise `groups` when a user is in many rooms. Lower `groups` when clients choose the names.
    pub groups: usize,
    /// Bytes of items that wait here until the stream is read; further items are a gap. From 1 to 2 GiB. 64 KiB.
    ///
    /// Raise `stream_window` when streams are fast and the round trip is long. Lower `stream_window` when
    /// there are many streams.
    pub stream_window: usize,
    /// Bytes that a server keeps for calls under an [idempotency key](crate::Call::idempotency_key), for all
    /// connections together. A caller counts 512 bytes and its name, a call 256 bytes, its key and its answer.
    /// Connections without a [name](crate::Peer::identify) share an eighth of the room. When the room is full, the
    /// caller with the most bytes loses its oldest answers; 80 bytes of each remain, so that a repeat is answered
    /// -32015. A caller without room even for these may make no new calls under a key (-32009, with the time to
    /// wait). An answer longer than an eighth of the room is not kept. 8 MiB.
    ///
    /// Raise `idempotency_bytes` when repeats are answered -32015. Lower `idempotency_bytes` when memory is
    /// scarce.
    pub idempotency_bytes: usize,
    /// Calls under an [idempotency key](crate::Call::idempotency_key) that run at once, for all connections of a
    /// server together, ended ones included. Connections without a [name](crate::Peer::identify) share an eighth
    /// of the places. Half of the places are only for callers that have none yet; one caller may take at most
    /// half of the free places of the other half. More: -32009. 1,024.
    ///
    /// Raise `idempotent_running` when many slow calls have keys. Lower `idempotent_running` when such calls
    /// take much memory.
    pub idempotent_running: usize,
    /// Bytes of an id as JSON text. Longer: -32600. 128.
    ///
    /// Raise `id_bytes` when a client has longer ids. Lower `id_bytes` when all clients number their calls.
    pub id_bytes: usize,
    /// Bytes of a method name. Longer: -32600. 256.
    ///
    /// Raise `method_bytes` when a fallback serves longer names. Lower `method_bytes` when names go into logs
    /// or metrics.
    pub method_bytes: usize,
    /// Fragments of a received message. More: closed with 1008. 4,096.
    ///
    /// Raise `fragments` when a client sends large messages in tiny fragments. Lower `fragments` when clients
    /// send none.
    pub fragments: usize,
    /// WebSocket pings, and pongs that nobody asked for, in 10 seconds. More: closed with 1008. 100.
    ///
    /// Raise `control_rate` when a client pings often. Lower `control_rate` when no client does.
    pub control_rate: usize,
    /// Messages in 10 seconds that are answered -32700 or -32600, malformed notifications, and wrong
    /// ones of the framework's own (`$/…`); a batch counts once, however many of its members are such.
    /// More: closed with 1008. 100.
    ///
    /// Raise `malformed_rate` when a client that you cannot change errs often. Lower `malformed_rate` when
    /// all clients are yours.
    pub malformed_rate: usize,
    /// Results in 10 seconds for calls that were never made or are answered; and cancels and
    /// unsubscribes for nothing that is known, beyond one of each for every request that came, which
    /// may just have been answered. Errors for such calls never count. More: closed with 1008. 1,000.
    ///
    /// Raise `stray_rate` when an honest peer answers late very often. Lower `stray_rate` when all peers are
    /// yours.
    pub stray_rate: usize,
    /// Bytes that are read at once, where a message is not known to be longer. 4 KiB.
    ///
    /// Raise `read_buffer` when most messages are longer. Lower `read_buffer` when many connections are idle.
    pub read_buffer: usize,
    /// Bytes that are written at once. 16 KiB.
    ///
    /// Raise `write_buffer` when much is sent at once. Lower `write_buffer` when many connections share
    /// little memory.
    pub write_buffer: usize,
    /// Bytes that the write buffer may reach while the other end does not read; with
    /// [whole frames](crate::transport::EndpointConfig::whole_frames) as much more as the longest message needs. 160 KiB.
    ///
    /// Raise `write_buffer_max` when you raise `write_buffer`. Lower `write_buffer_max` when you lower
    /// `write_buffer`.
    pub write_buffer_max: usize,
    /// From the TCP connection to the end of the WebSocket handshake. 10 s.
    ///
    /// Raise `handshake` when clients connect over very slow networks. Lower `handshake` when attackers hold
    /// connections open.
    #[serde(with = "text")]
    pub handshake: Duration,
    /// From the first byte of a received message to its last. Longer: closed with 1008. 30 s.
    ///
    /// Raise `assembly` when large messages come over slow networks. Lower `assembly` when all messages are
    /// short.
    #[serde(with = "text")]
    pub assembly: Duration,
    /// Without a byte from the other end for so long, it is sent a ping. 20 s.
    ///
    /// Raise `ping` when batteries or data are scarce. Lower `ping` when a proxy closes idle connections
    /// sooner.
    #[serde(with = "text")]
    pub ping: Duration,
    /// Without a byte from the other end for so long, the link counts as lost; at least twice
    /// `ping`. 45 s.
    ///
    /// Raise `dead_after` when networks often pause. Lower `dead_after` when losses must be known sooner.
    #[serde(with = "text")]
    pub dead_after: Duration,
    /// From the start of a call to its answer, unless the call says otherwise. 30 s.
    ///
    /// Raise `call_deadline` when methods take longer. Lower `call_deadline` when callers prefer an early
    /// failure.
    #[serde(with = "text")]
    pub call_deadline: Duration,
    /// How long a notification's handler may run before it is stopped. 30 s.
    ///
    /// Raise `notification_timeout` when such handlers work longer. Lower `notification_timeout` when one
    /// must not hold up the next.
    #[serde(with = "text")]
    pub notification_timeout: Duration,
    /// How long the outbound queue may stay above `queue`, or reading paused. 10 s.
    ///
    /// Raise `slow_reader` when networks often stall. Lower `slow_reader` when memory is scarce.
    #[serde(with = "text")]
    pub slow_reader: Duration,
    /// How long the close of a connection may take. 5 s.
    ///
    /// Raise `close` when last messages are lost on slow networks. Lower `close` when connections must end
    /// sooner.
    #[serde(with = "text")]
    pub close: Duration,
    /// How long running handlers may go on when a server shuts down, unless it says otherwise.
    /// 30 s.
    ///
    /// Raise `grace` when handlers run longer. Lower `grace` when the platform kills the process sooner.
    #[serde(with = "text")]
    pub grace: Duration,
    /// Connections of a server; more are answered 503. 10,000.
    ///
    /// Raise `connections` when there are memory and descriptors for more. Lower `connections` when there are
    /// not.
    pub connections: usize,
    /// Those of them that come from one address, or from one network of IPv6 (its first 64 bits); more
    /// are answered 429. 0, no limit.
    ///
    /// Raise `connections_per_address` when many users share an address. Lower `connections_per_address`, but
    /// not to 0, when one address takes too many.
    pub connections_per_address: usize,
    /// Connections that one address may make in 10 seconds; more are answered 429. 0, no limit.
    ///
    /// Raise `connect_rate_per_address` when many users share an address. Lower `connect_rate_per_address`,
    /// but not to 0, when one address connects too often.
    pub connect_rate_per_address: usize,
    /// Connections of a server that are to log in by a message, and have not yet; more are answered 503. 1,000.
    ///
    /// Raise `guests` when many clients come at once, as after a restart. Lower `guests` when attackers never
    /// log in.
    pub guests: usize,
    /// From the end of the handshake to that login. Longer: closed with 4401. 10 s.
    ///
    /// Raise `login` when a person logs in by hand. Lower `login` when programs log in.
    #[serde(with = "text")]
    pub login: Duration,
    /// Calls and notifications that a connection may make before it has logged in, whether they succeed or not.
    /// More are answered -32013, and when the earlier ones have ended the connection is closed with 4401. 10.
    ///
    /// Raise `login_attempts` when a login takes more calls. Lower `login_attempts` when passwords are short.
    pub login_attempts: usize,
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
            detached: 1024,
            waiting_notifications: 1024,
            calls_on_wire: 256,
            pending_calls: 4096,
            batch: 100,
            queue: MIB,
            subscriptions: 256,
            streams: 256,
            groups: 64,
            stream_window: 64 * KIB,
            idempotency_bytes: 8 * MIB,
            idempotent_running: 1024,
            id_bytes: 128,
            method_bytes: 256,
            fragments: 4096,
            control_rate: 100,
            malformed_rate: 100,
            stray_rate: 1000,
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
            connections_per_address: 0,
            connect_rate_per_address: 0,
            guests: 1000,
            login: Duration::from_secs(10),
            login_attempts: 10,
        }
    }

    /// The defaults of a client: as a server's, but what a server sends may be larger than what
    /// it takes.
    pub const fn client() -> Self {
        Self { message_in: 4 * MIB, message_out: MIB, ..Self::server() }
    }

    /// These limits for a connection that has not logged in, each at most a small fraction of the defaults: a
    /// message of at most 16 KiB, four requests at once, four members in a batch, no streams.
    ///
    /// ```
    /// use rpc_core::Limits;
    ///
    /// let guest = Limits::server().for_a_guest();
    /// assert_eq!((guest.message_in, guest.inflight_requests, guest.streams), (16 * 1024, 4, 0));
    /// assert_eq!(guest.check(), Ok(()));
    /// ```
    #[must_use]
    pub fn for_a_guest(&self) -> Self {
        Self {
            message_in: self.message_in.min(16 * KIB),
            tokens_inflight: self.tokens_inflight.min(4096),
            inflight_requests: self.inflight_requests.min(4),
            inflight_bytes: self.inflight_bytes.min(64 * KIB),
            live_handlers: self.live_handlers.min(16).max(self.inflight_requests.min(4)),
            waiting_notifications: self.waiting_notifications.min(16),
            batch: self.batch.min(4),
            queue: self.queue.min(64 * KIB),
            subscriptions: 0,
            streams: 0,
            ..self.clone()
        }
    }

    /// The same limits, but no table, queue or message is larger than `most` allows.
    pub(crate) fn within(&self, most: &Self) -> Self {
        Self {
            message_in: self.message_in.min(most.message_in),
            message_out: self.message_out.min(most.message_out),
            tokens_inflight: self.tokens_inflight.min(most.tokens_inflight),
            inflight_requests: self.inflight_requests.min(most.inflight_requests),
            inflight_bytes: self.inflight_bytes.min(most.inflight_bytes),
            live_handlers: self.live_handlers.min(most.live_handlers),
            waiting_notifications: self.waiting_notifications.min(most.waiting_notifications),
            calls_on_wire: self.calls_on_wire.min(most.calls_on_wire),
            pending_calls: self.pending_calls.min(most.pending_calls),
            batch: self.batch.min(most.batch),
            queue: self.queue.min(most.queue),
            subscriptions: self.subscriptions.min(most.subscriptions),
            streams: self.streams.min(most.streams),
            groups: self.groups.min(most.groups),
            stream_window: self.stream_window.min(most.stream_window),
            ..self.clone()
        }
    }

    /// Sets one limit by its name, from text as it stands in a configuration file.
    ///
    /// # Errors
    /// There is no such limit, or this is no value for it.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), LimitsError> {
        let wrong = |why: String| LimitsError(format!("`{name}`: {why}"));
        let number = value.parse::<u64>().map(serde_json::Value::from);
        let value = number.unwrap_or_else(|_| value.into());
        let mut all = serde_json::to_value(&*self).map_err(|error| wrong(error.to_string()))?;
        all[name] = value;
        *self = serde_json::from_value(all).map_err(|error| wrong(error.to_string()))?;
        Ok(())
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
            ("idempotent_running", self.idempotent_running),
            ("batch", self.batch),
            ("queue", self.queue),
            ("id_bytes", self.id_bytes),
            ("method_bytes", self.method_bytes),
            ("fragments", self.fragments),
            ("control_rate", self.control_rate),
            ("malformed_rate", self.malformed_rate),
            ("stray_rate", self.stray_rate),
            ("stream_window", self.stream_window),
            ("read_buffer", self.read_buffer),
            ("connections", self.connections),
            ("guests", self.guests),
            ("login_attempts", self.login_attempts),
        ];
        // More could not even be counted: each may need a bit, and they are added up.
        let at_most = [
            ("live_handlers", self.live_handlers, 1 << 20),
            ("subscriptions", self.subscriptions, 1 << 20),
            ("streams", self.streams, 1 << 20),
            ("stream_window", self.stream_window, 1 << 31),
            ("message_in", self.message_in, 1 << 31),
            ("message_out", self.message_out, 1 << 31),
            ("queue", self.queue, 1 << 40),
            ("write_buffer", self.write_buffer, 1 << 31),
        ];
        if let Some((name, value, most)) = at_most.into_iter().find(|(_, value, most)| value > most)
        {
            return Err(LimitsError(format!("`{name}` is {value}: it must be at most {most}")));
        }
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
            ("login", self.login),
        ];
        if let Some((name, _)) = durations.into_iter().find(|(_, value)| value.is_zero()) {
            return Err(LimitsError(format!("`{name}` is 0: it must be longer")));
        }
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

/// The limits of a server.
impl Default for Limits {
    fn default() -> Self {
        Self::server()
    }
}

/// Times as text, `500ms` or `20s`.
mod text {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(time: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&humantime::format_duration(*time))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
        humantime::parse_duration(&text)
            .map_err(|error| D::Error::custom(format_args!("`{text}` is no time: {error}")))
    }
}

/// What is wrong with limits, and what to change.
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
    fn limits_are_written_as_numbers_and_times() {
        let json = serde_json::to_value(Limits::client()).unwrap();
        assert_eq!(json["message_in"], 4 * MIB);
        assert_eq!(json["dead_after"], "45s");
        assert_eq!(serde_json::from_value::<Limits>(json).unwrap(), Limits::client());
        let some: Limits = serde_json::from_str(r#"{"ping":"1s 500ms","queue":7}"#).unwrap();
        assert_eq!((some.ping, some.queue, some.batch), (Duration::from_millis(1500), 7, 100));
        assert!(serde_json::from_str::<Limits>(r#"{"pinng":"1s"}"#).is_err());
    }

    #[test]
    fn a_limit_is_set_by_its_name() {
        let mut limits = Limits::server();
        limits.set("queue", "65536").unwrap();
        limits.set("ping", "500ms").unwrap();
        assert_eq!((limits.queue, limits.ping), (65536, Duration::from_millis(500)));
        for name in ["control_rate", "malformed_rate", "stray_rate"] {
            limits.set(name, "1000000").unwrap();
        }
        let rates = [limits.control_rate, limits.malformed_rate, limits.stray_rate];
        assert_eq!((rates, limits.check()), ([1_000_000; 3], Ok(())));
        let complaint = |name, value| limits.clone().set(name, value).unwrap_err().to_string();
        assert!(
            complaint("qeue", "1").starts_with("`qeue`: unknown field `qeue`, expected one of")
        );
        assert!(complaint("queue", "many").contains("`queue`: invalid type: string \"many\""));
        assert!(complaint("ping", "2 parsecs").contains("`2 parsecs` is no time"));
        assert!(complaint("ping", "2").contains("`ping`"));
    }

    #[test]
    fn a_contradiction_names_both_limits_and_the_change() {
        assert_eq!(complaint(|l| l.queue = 0), "`queue` is 0: it must be at least 1");
        assert!(complaint(|l| l.stream_window = 0).contains("`stream_window` is 0"));
        assert!(complaint(|l| l.stream_window = (1 << 31) + 1).contains("at most 2147483648"));
        assert!(complaint(|l| l.control_rate = 0).contains("`control_rate` is 0"));
        assert!(complaint(|l| l.malformed_rate = 0).contains("`malformed_rate` is 0"));
        assert!(complaint(|l| l.stray_rate = 0).contains("`stray_rate` is 0"));
        assert!(complaint(|l| l.login_attempts = 0).contains("`login_attempts` is 0"));
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
        assert!(complaint(|l| l.queue = usize::MAX).contains("at most"));
        assert!(complaint(|l| l.ping = Duration::ZERO).contains("`ping` is 0"));
        assert!(complaint(|l| l.close = Duration::MAX).contains("at most a year"));
        assert!(complaint(|l| l.write_buffer = 128 * KIB).contains("`write_buffer_max`"));
    }
}
