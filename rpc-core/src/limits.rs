//! All limits of a connection, by name.

#[cfg(feature = "schema")]
mod json_schema;

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The limits of a connection. The defaults are safe on the open internet. Each end of a connection has its own
/// limits.
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
/// In a configuration file, bytes and counts are integers, and times are text such as `500ms` or `20s`. A limit that
/// is left out has the default of [`Limits::server`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Limits {
    /// The most bytes of a received message. A longer message closes the connection with 1009. 1 MiB in a server, 4
    /// MiB in a client.
    ///
    /// Raise `message_in` when honest messages are longer. Lower `message_in` when all messages are short and memory
    /// is scarce.
    pub message_in: usize,
    /// The most bytes of a sent message. A longer call or notification fails at this end; a longer answer becomes
    /// -32008. 4 MiB in a server, 1 MiB in a client.
    ///
    /// Raise `message_out` when results are longer and the peer accepts them. Lower `message_out` when the peer
    /// accepts only shorter messages.
    pub message_out: usize,
    /// How deep arrays and objects may nest in any member of a message. A request that nests deeper is answered
    /// -32007, a notification is dropped, and an answer or an item cannot be read. 64.
    ///
    /// Raise `depth` when honest data nests deeper. Lower `depth` when decoding needs much stack for each
    /// level.
    pub depth: usize,
    /// The most JSON values and member names in the params of all requests being served. A request that alone exceeds
    /// the limit is answered -32007. A request that exceeds it together with others is answered -32009. 131,072.
    ///
    /// Raise `tokens_inflight` when params are long lists of small values. Lower `tokens_inflight` when
    /// decoded params take too much memory.
    pub tokens_inflight: usize,
    /// The most requests served at once. A handler that waits for a call of its own is not counted. Further requests
    /// are answered -32009. 512.
    ///
    /// Raise `inflight_requests` when handlers mostly wait. Lower `inflight_requests` when a handler takes
    /// much memory.
    pub inflight_requests: usize,
    /// The most bytes of params being served and of waiting notifications. Further requests are answered -32009.
    ///
    /// Also bounds, over all streams, received item bytes in excess of `stream_window`. An item above the bound is
    /// dropped and reported as [`StreamError::Gap`](crate::StreamError::Gap). The last item of each stream may exceed
    /// the window of its own stream. 4 MiB.
    ///
    /// Raise `inflight_bytes` when large requests run side by side. Lower `inflight_bytes` when many
    /// connections share little memory.
    pub inflight_bytes: usize,
    /// The most handlers alive at once, including handlers that wait for a call of their own. Further requests are
    /// answered -32009. 1,024.
    ///
    /// Raise `live_handlers` when nested calls go deep. Lower `live_handlers` when a waiting handler takes much
    /// memory.
    pub live_handlers: usize,
    /// The most [detached](crate::types::Handler::detached) handlers over all connections of a server, including ended
    /// connections. Further calls are answered -32009. 1,024.
    ///
    /// Raise `detached` when much work outlives its connection. Lower `detached` when such work takes much
    /// memory.
    pub detached: usize,
    /// The most notifications that wait for an earlier notification to end. Beyond the limit, reading pauses if
    /// nothing that runs at this end depends on reading. Otherwise the connection is closed with 1008. 1,024.
    ///
    /// Raise `waiting_notifications` when notifications come in bursts. Lower `waiting_notifications` when old
    /// notifications are useless.
    pub waiting_notifications: usize,
    /// The most calls that were sent and are not answered. Further calls wait at this end, in order. Calls that a
    /// handler makes never wait. If no call is answered for 250 ms while a handler of this end runs, twice as many
    /// calls may be sent. If no call is answered for 10 s, the waiting calls fail with busy. 256.
    ///
    /// Raise `calls_on_wire` when the round trip is long and calls are many. Lower `calls_on_wire` when the peer
    /// answers -32009.
    pub calls_on_wire: usize,
    /// The most calls without an answer, sent or not. Further calls fail with busy at once. 4,096.
    ///
    /// Raise `pending_calls` when calls come in bursts and may wait. Lower `pending_calls` when callers should learn
    /// of an overload sooner.
    pub pending_calls: usize,
    /// The most members of a batch. A received batch with more members is answered -32010, and none of its members
    /// runs. A batch that this end sends is split before the limit. 100.
    ///
    /// Raise `batch` when a client sends long batches. Lower `batch` when each member is expensive.
    pub batch: usize,
    /// Bytes of messages that wait for the transport. Each message counts 128 bytes more than its text. Above the
    /// limit new messages wait outside the queue, but for pushes to groups, which cannot wait. The connection is closed
    /// with 4008 if the queue exceeds the limit by one `message_out`, or stays above the limit for `slow_reader`. In a
    /// session, messages that the other end has not acknowledged wait here as well; the limit then grows, out of
    /// `stream_windows`, while the acknowledgements come quickly and the round trip is long. 1 MiB.
    ///
    /// Raise `queue` when messages are large and networks slow. Lower `queue` when many connections share
    /// little memory.
    pub queue: usize,
    /// The most streams that the peer has subscribed to. Further subscriptions are answered -32006. 256.
    ///
    /// Raise `subscriptions` when a client needs many streams. Lower `subscriptions` when a stream is expensive.
    pub subscriptions: usize,
    /// The most streams of the peer that this end receives, including streams among the params of the peer's calls.
    /// The same limit holds for streams that this end sends with its own calls. At the limit, subscribing fails with
    /// busy, and so do calls with streams, at this end and for the peer (-32009). 256.
    ///
    /// Raise `streams` when this end receives many streams. Lower `streams` when memory is scarce: each stream may
    /// fill its window.
    pub streams: usize,
    /// The most groups of a connection. 64.
    ///
    /// Raise `groups` when a user is in many rooms. Lower `groups` when clients choose the names.
    pub groups: usize,
    /// The most bytes of items of a stream that are on their way or wait at this end until they are read, as long as
    /// the window of the stream has not grown. Items of a plain peer beyond that are dropped and reported as a gap.
    /// From 1 byte to 2 GiB. 64 KiB.
    ///
    /// Raise `stream_window` when streams of plain peers come in bursts. Lower `stream_window` when there are many
    /// streams.
    pub stream_window: usize,
    /// The most bytes of a window that has grown: the window of a stream doubles while its items are read quickly and
    /// the round trip is long, and halves while they are read slowly. Up to 2 GiB. 16 MiB.
    ///
    /// Raise `stream_window_max` when the line is fast and the round trip is long: a stream moves a quarter of its
    /// window or more in each round trip. Lower `stream_window_max` when items are large and memory is scarce.
    pub stream_window_max: usize,
    /// The most bytes by which the windows of all streams of a connection have grown, and its `queue` for a session.
    /// 0: no window grows. 16 MiB.
    ///
    /// Raise `stream_windows` when several streams of a connection are fast. Lower `stream_windows` when many
    /// connections share little memory.
    pub stream_windows: usize,
    /// The most bytes by which the windows of all streams of a server have grown. Each window grows by at most half of
    /// what is left. 256 MiB.
    ///
    /// Raise `stream_windows_total` when many clients send or read fast streams over long distances. Lower
    /// `stream_windows_total` when memory is scarce.
    pub stream_windows_total: usize,
    /// The most bytes that a server stores for calls under an [idempotency key](crate::Call::idempotency_key), over
    /// all connections. A caller counts 512 bytes and its name. A call counts 256 bytes, its key and its answer.
    /// Connections without a [name](crate::Peer::identify) share an eighth of the store.
    ///
    /// When the store is full, the caller with the most bytes loses its oldest answers. 80 bytes of each answer
    /// remain, so that a repeat is answered -32015. If there is no room even for these, new calls of the caller under
    /// a key are answered -32009, with the time to wait. An answer longer than an eighth of the store is not stored.
    /// 8 MiB.
    ///
    /// Raise `idempotency_bytes` when repeats are answered -32015. Lower `idempotency_bytes` when memory is
    /// scarce.
    pub idempotency_bytes: usize,
    /// The most running calls under an [idempotency key](crate::Call::idempotency_key), over all connections of a
    /// server, including ended connections. Further calls are answered -32009. Connections without a
    /// [name](crate::Peer::identify) share an eighth of the places. Half of the places are reserved for callers that
    /// have no running call. One caller may take at most half of the free places of the other half. 1,024.
    ///
    /// Raise `idempotent_running` when many slow calls have keys. Lower `idempotent_running` when such calls
    /// take much memory.
    pub idempotent_running: usize,
    /// The most bytes of an id as JSON text. A request with a longer id is answered -32600. 128.
    ///
    /// Raise `id_bytes` when a client has longer ids. Lower `id_bytes` when all clients number their calls.
    pub id_bytes: usize,
    /// The most bytes of a method name. A request with a longer name is answered -32600. 256.
    ///
    /// Raise `method_bytes` when a fallback serves longer names. Lower `method_bytes` when names go into logs
    /// or metrics.
    pub method_bytes: usize,
    /// The most fragments of a received message. More fragments close the connection with 1008. 4,096.
    ///
    /// Raise `fragments` when a client sends large messages in tiny fragments. Lower `fragments` when clients send no
    /// fragments.
    pub fragments: usize,
    /// The most WebSocket pings and unrequested pongs in 10 seconds. More of them close the connection with 1008.
    /// 100.
    ///
    /// Raise `control_rate` when a client pings often. Lower `control_rate` when no client pings often.
    pub control_rate: usize,
    /// The most malformed messages in 10 seconds: messages that are answered -32700 or -32600, malformed
    /// notifications, and wrong messages of the framework itself (`$/…`). A batch counts once, however many of its
    /// members are malformed. More of them close the connection with 1008. 100.
    ///
    /// Raise `malformed_rate` when a client that you cannot change often sends malformed messages. Lower
    /// `malformed_rate` when you control all clients.
    pub malformed_rate: usize,
    /// The most stray messages in 10 seconds. A result with an unknown id counts. A cancel or unsubscribe with an
    /// unknown id counts too, beyond one of each for each received request, because it may have crossed the answer.
    /// An error with an unknown id never counts. More of them close the connection with 1008. 1,000.
    ///
    /// Raise `stray_rate` when an honest peer often answers late. Lower `stray_rate` when you control all peers.
    pub stray_rate: usize,
    /// Bytes that are read at once, unless a message is known to be longer. 4 KiB.
    ///
    /// Raise `read_buffer` when most messages are longer. Lower `read_buffer` when many connections are idle.
    pub read_buffer: usize,
    /// Bytes that are written at once. 16 KiB.
    ///
    /// Raise `write_buffer` when much is sent at once. Lower `write_buffer` when many connections share
    /// little memory.
    pub write_buffer: usize,
    /// The most bytes of the write buffer while the peer does not read. With
    /// [whole frames](crate::transport::EndpointConfig::whole_frames) the buffer may grow further, by the size of the
    /// longest message. 160 KiB.
    ///
    /// Raise `write_buffer_max` when you raise `write_buffer`. Lower `write_buffer_max` when you lower
    /// `write_buffer`.
    pub write_buffer_max: usize,
    /// The time from the TCP connection to the end of the WebSocket handshake. 10 s.
    ///
    /// Raise `handshake` when clients connect over very slow networks. Lower `handshake` when attackers hold
    /// connections open.
    #[serde(with = "text")]
    pub handshake: Duration,
    /// The time from the first byte of a received message to its last byte. A slower message closes the connection
    /// with 1008. 30 s.
    ///
    /// Raise `assembly` when large messages come over slow networks. Lower `assembly` when all messages are
    /// short.
    #[serde(with = "text")]
    pub assembly: Duration,
    /// The time without a byte from the peer after which a ping is sent. 20 s.
    ///
    /// Raise `ping` when battery power or data volume is scarce. Lower `ping` when a proxy closes idle connections
    /// sooner.
    #[serde(with = "text")]
    pub ping: Duration,
    /// The time without a byte from the peer after which the link counts as lost. At least twice `ping`. 45 s.
    ///
    /// Raise `dead_after` when networks often pause. Lower `dead_after` when losses must be known sooner.
    #[serde(with = "text")]
    pub dead_after: Duration,
    /// The time from the start of a call to its answer, unless the call sets another timeout. 30 s.
    ///
    /// Raise `call_deadline` when methods take longer. Lower `call_deadline` when callers prefer an early
    /// failure.
    #[serde(with = "text")]
    pub call_deadline: Duration,
    /// The time after which the handler of a notification is stopped. 30 s.
    ///
    /// Raise `notification_timeout` when such handlers work longer. Lower `notification_timeout` when a slow handler
    /// must not delay the next notification.
    #[serde(with = "text")]
    pub notification_timeout: Duration,
    /// How long the outbound queue may stay above `queue`, and how long reading may stay paused. After this time the
    /// connection is closed: with 4008 for the queue, with 1008 for paused reading. 10 s.
    ///
    /// Raise `slow_reader` when networks often stall. Lower `slow_reader` when memory is scarce.
    #[serde(with = "text")]
    pub slow_reader: Duration,
    /// How long the close of a connection may take. 5 s.
    ///
    /// Raise `close` when the last messages are lost on slow networks. Lower `close` when connections must end
    /// sooner.
    #[serde(with = "text")]
    pub close: Duration,
    /// How long running handlers may go on when a server shuts down, unless the shutdown sets another time. 30 s.
    ///
    /// Raise `grace` when handlers run longer. Lower `grace` when the platform kills the process sooner.
    #[serde(with = "text")]
    pub grace: Duration,
    /// The most connections of a server. Further connections are answered 503. 10,000.
    ///
    /// Raise `connections` when memory and file descriptors suffice for more. Lower `connections` when memory or file
    /// descriptors are scarce.
    pub connections: usize,
    /// The most connections of a server from one address, or from one IPv6 network (its first 64 bits). Further
    /// connections are answered 429. 0 means no limit. 0.
    ///
    /// Raise `connections_per_address` when many users share an address. Lower `connections_per_address`, but
    /// not to 0, when one address takes too many.
    pub connections_per_address: usize,
    /// The most connections that one address may make in 10 seconds. Further connections are answered 429. 0 means no
    /// limit. 0.
    ///
    /// Raise `connect_rate_per_address` when many users share an address. Lower `connect_rate_per_address`,
    /// but not to 0, when one address connects too often.
    pub connect_rate_per_address: usize,
    /// The most connections of a server that must log in by a message and have not done so. Further connections are
    /// answered 503. 1,000.
    ///
    /// Raise `guests` when many clients come at once, as after a restart. Lower `guests` when attackers never
    /// log in.
    pub guests: usize,
    /// The time from the end of the handshake to the login. A later login closes the connection with 4401. 10 s.
    ///
    /// Raise `login` when a person logs in by hand. Lower `login` when programs log in.
    #[serde(with = "text")]
    pub login: Duration,
    /// The most calls and notifications before the login, whether they succeed or not. Further calls are answered
    /// -32013, and the connection is closed with 4401 when the earlier calls have ended. 10.
    ///
    /// Raise `login_attempts` when a login takes more calls. Lower `login_attempts` when passwords are short.
    pub login_attempts: usize,
    /// How long a server keeps a session whose link is lost. After this time the session ends. A client may ask for
    /// less. 120 s.
    ///
    /// Raise `session_keep` when clients are often without a network for minutes. Lower `session_keep` when memory is
    /// scarce.
    #[serde(with = "text")]
    pub session_keep: Duration,
    /// How long a link over server-sent events is without its stream before the link is lost. Until then the client
    /// asks for the stream again, and nothing is lost. A WebSocket is lost at once. 10 s.
    ///
    /// Raise `mend` when clients lose their network for longer and have no session. Lower `mend` when a client that has
    /// gone is to be noticed sooner.
    #[serde(with = "text")]
    pub mend: Duration,
    /// Bytes of messages that wait in a session without a link, or `queue` if `queue` is less. Each message counts 128
    /// bytes more than its text. Above the limit new messages wait outside the queue, and a group closes the session
    /// or drops the push. 256 KiB.
    ///
    /// Raise `away_bytes` when much is sent to clients that lose their link. Lower `away_bytes` when many sessions
    /// share little memory.
    pub away_bytes: usize,
    /// The most bytes of messages in all sessions of a server without a link. Beyond the limit sessions end: of the
    /// owner with the most bytes, the session that has been without a link for the longest time. At least
    /// `away_bytes`. 64 MiB.
    ///
    /// Raise `away_bytes_total` when sessions end early after an outage of the network. Lower `away_bytes_total` when
    /// memory is scarce.
    pub away_bytes_total: usize,
    /// The most sessions without a link of one [named](crate::Peer::identify) caller of a server. Beyond the limit the
    /// session of the caller that has been without a link for the longest time ends. 16.
    ///
    /// Raise `away_per_caller` when a caller has many devices. Lower `away_per_caller` when a caller has one device.
    pub away_per_caller: usize,
    /// The most sessions without a link from one address, or from one IPv6 network (its first 64 bits), of callers
    /// without a name. Beyond the limit the session of the address that has been without a link for the longest time
    /// ends. 1,000.
    ///
    /// Raise `away_per_address` when many users without names share an address. Lower `away_per_address` when one
    /// address takes too much memory.
    pub away_per_address: usize,
    /// The most running handlers in all sessions of a server without a link. Beyond the limit sessions end: of the
    /// owner with the most such handlers, the session that has been without a link for the longest time. 1,024.
    ///
    /// Raise `away_handlers` when clients start long work and often lose their link. Lower `away_handlers` when
    /// handlers take much memory.
    pub away_handlers: usize,
    /// The most connections of a server that have announced to resume a session and have not yet sent their first
    /// message. Further connections are answered 503 with `Retry-After`. 1,000.
    ///
    /// Raise `resuming` when many clients come back at once. Lower `resuming` when attackers announce sessions and
    /// resume none.
    pub resuming: usize,
    /// The time from the first message in a session that is not acknowledged to its acknowledgement, unless much was
    /// received before. 5 s.
    ///
    /// Raise `ack_after` when battery power or data volume is scarce. Lower `ack_after` when the other end has little
    /// memory for what is not acknowledged.
    #[serde(with = "text")]
    pub ack_after: Duration,
    /// How long a message that was sent in a session may stay without an acknowledgement while there is a link. After
    /// this time the session is closed with 4008. At least twice `ack_after`. If `ack_within` is longer than
    /// `dead_after`, a silent link counts as lost first, and its session is kept. 60 s.
    ///
    /// Raise `ack_within` when networks often pause. Lower `ack_within` when memory is scarce.
    #[serde(with = "text")]
    pub ack_within: Duration,
}

/// Longer than any useful wait, and short enough to be added to any time.
const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// The most that a size and a sum of sizes may be. In 32 bits they are smaller, since sizes are added up.
const SIZE: usize = 1 << if usize::BITS == 64 { 31 } else { 28 };
const SUM: usize = 1 << if usize::BITS == 64 { 40 } else { 29 };

impl Limits {
    /// Returns the defaults of a server.
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
            stream_window_max: 16 * MIB,
            stream_windows: 16 * MIB,
            stream_windows_total: 256 * MIB,
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
            session_keep: Duration::from_secs(120),
            mend: Duration::from_secs(10),
            away_bytes: 256 * KIB,
            away_bytes_total: 64 * MIB,
            away_per_caller: 16,
            away_per_address: 1000,
            away_handlers: 1024,
            resuming: 1000,
            ack_after: Duration::from_secs(5),
            ack_within: Duration::from_secs(60),
        }
    }

    /// Returns the defaults of a client. They differ from the server's in two limits: `message_in` is 4 MiB,
    /// `message_out` is 1 MiB.
    pub const fn client() -> Self {
        Self { message_in: 4 * MIB, message_out: MIB, ..Self::server() }
    }

    /// Returns these limits for a connection that has not logged in. Each is at most a small fraction of the
    /// defaults: a message has at most 16 KiB, four requests run at once, a batch has four members, and there are no
    /// streams.
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

    /// Returns these limits, but with no table, queue or message larger than `most` allows.
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
            away_bytes: self.away_bytes.min(most.away_bytes),
            subscriptions: self.subscriptions.min(most.subscriptions),
            streams: self.streams.min(most.streams),
            groups: self.groups.min(most.groups),
            stream_window: self.stream_window.min(most.stream_window),
            stream_window_max: self.stream_window_max.min(most.stream_window_max),
            stream_windows: self.stream_windows.min(most.stream_windows),
            ..self.clone()
        }
    }

    /// Sets a limit by its name, from the text of a value as in a configuration file.
    ///
    /// # Errors
    /// Returns an error if there is no such limit, or if the value does not fit the limit.
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
    /// Returns an error that names both limits, and tells what to change.
    pub fn check(&self) -> Result<(), LimitsError> {
        /// The most bytes that one header and one fragment add to a full write buffer.
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
            ("away_bytes", self.away_bytes),
            ("away_bytes_total", self.away_bytes_total),
            ("away_per_caller", self.away_per_caller),
            ("away_per_address", self.away_per_address),
            ("resuming", self.resuming),
        ];
        // Larger values could overflow: an entry may need a bit of a number, and sizes are added up.
        let at_most = [
            ("live_handlers", self.live_handlers, 1 << 20),
            ("subscriptions", self.subscriptions, 1 << 20),
            ("streams", self.streams, 1 << 20),
            ("stream_window", self.stream_window, SIZE),
            ("stream_window_max", self.stream_window_max, SIZE),
            ("stream_windows", self.stream_windows, SUM),
            ("stream_windows_total", self.stream_windows_total, SUM),
            ("message_in", self.message_in, SIZE),
            ("message_out", self.message_out, SIZE),
            ("queue", self.queue, SUM),
            ("away_bytes", self.away_bytes, SUM),
            ("away_bytes_total", self.away_bytes_total, SUM),
            ("write_buffer", self.write_buffer, SIZE),
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
            ("session_keep", self.session_keep),
            ("mend", self.mend),
            ("ack_after", self.ack_after),
            ("ack_within", self.ack_within),
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
        if self.away_bytes_total < self.away_bytes {
            return Err(LimitsError::order(
                ("away_bytes_total", self.away_bytes_total),
                ("away_bytes", self.away_bytes),
            ));
        }
        if self.dead_after < 2 * self.ping {
            return Err(LimitsError::twice(("dead_after", self.dead_after), ("ping", self.ping)));
        }
        if self.ack_within < 2 * self.ack_after {
            return Err(LimitsError::twice(
                ("ack_within", self.ack_within),
                ("ack_after", self.ack_after),
            ));
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

/// A mistake in limits, with advice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitsError(String);

impl LimitsError {
    fn order(upper: (&str, usize), lower: (&str, usize)) -> Self {
        Self(format!(
            "`{}` ({}) is less than `{}` ({}): raise `{0}` or lower `{2}`",
            upper.0, upper.1, lower.0, lower.1
        ))
    }

    fn twice(upper: (&str, Duration), lower: (&str, Duration)) -> Self {
        Self(format!(
            "`{}` ({:?}) is less than twice `{}` ({:?}): raise `{0}` or lower `{2}`",
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
        assert!(complaint(|l| l.stream_window = SIZE + 1).contains(&format!("at most {SIZE}")));
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
        assert_eq!(
            complaint(|l| l.away_bytes_total = 9),
            "`away_bytes_total` (9) is less than `away_bytes` (262144): raise `away_bytes_total` \
             or lower `away_bytes`"
        );
        assert_eq!(
            complaint(|l| l.ack_after = Duration::from_secs(31)),
            "`ack_within` (60s) is less than twice `ack_after` (31s): raise `ack_within` or lower \
             `ack_after`"
        );
        assert!(complaint(|l| l.queue = usize::MAX).contains("at most"));
        assert!(complaint(|l| l.ping = Duration::ZERO).contains("`ping` is 0"));
        assert!(complaint(|l| l.close = Duration::MAX).contains("at most a year"));
        for name in
            ["away_bytes", "away_bytes_total", "away_per_caller", "away_per_address", "resuming"]
        {
            let complaint = complaint(|l| l.set(name, "0").unwrap());
            assert_eq!(complaint, format!("`{name}` is 0: it must be at least 1"));
        }
        for name in ["session_keep", "mend", "ack_after", "ack_within"] {
            let complaint = complaint(|l| l.set(name, "0s").unwrap());
            assert_eq!(complaint, format!("`{name}` is 0: it must be longer"));
        }
        assert!(complaint(|l| l.away_bytes = usize::MAX).contains("`away_bytes` is"));
        assert!(complaint(|l| l.away_bytes_total = usize::MAX).contains("`away_bytes_total` is"));
        assert!(complaint(|l| l.session_keep = Duration::MAX).contains("`session_keep` is"));
        assert!(complaint(|l| l.ack_within = Duration::MAX).contains("`ack_within` is"));
        assert!(complaint(|l| l.write_buffer = 128 * KIB).contains("`write_buffer_max`"));
    }
}
