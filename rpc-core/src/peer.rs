//! The other end of a connection.

use std::any::Any;
use std::borrow::Cow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::net::IpAddr;
use std::time::Duration;

use serde::Serialize;

use crate::error::call::NotifyError;
use crate::error::close::{CloseCode, CloseReason};
use crate::peer::batch::Batch;
use crate::peer::call::Call;
use crate::peer::group::JoinError;
use crate::peer::notify::Notify;
use crate::peer::slot::{Command, Shared};
use crate::protocol::Expiry;
use crate::protocol::stats::PeerStats;
use crate::service::caller_type;
use crate::service::idempotency::IdentifyError;
use crate::stream::Streaming;
use crate::util::sync::Arc;
use crate::wire::goaway::GoAway;
use crate::wire::request::Outgoing;

pub(crate) mod batch;
pub(crate) mod call;
pub(crate) mod config;
pub(crate) mod from_answer;
pub(crate) mod goaway;
pub(crate) mod group;
pub(crate) mod mute;
pub(crate) mod notify;
#[cfg(feature = "schema")]
pub(crate) mod offers;
pub(crate) mod pending_call;
pub(crate) mod pending_notification;
pub(crate) mod registry;
pub(crate) mod remote_profile;
pub(crate) mod shared_notification;
pub(crate) mod slot;

/// The other end of a connection. A `Peer` calls the methods of the other end, and closes the connection.
///
/// A `Peer` is cheap to clone, and many tasks may use it at once. Make a stub from it: `ChatClient::new(peer)`. A
/// `Peer` stays valid after the connection has ended; each call then fails with the reason for the end.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use rpc_core::{Context, Router, memory};
///
/// let here = Router::new();
/// let there = Router::new().method("greet", |_: Context, (name,): (String,)| async move {
///     Ok(format!("hello, {name}"))
/// });
/// let (peer, _) = memory::pair(here, there);
/// assert_eq!(peer.call::<String>("greet", ("Ada",)).await?, "hello, Ada");
/// # Ok(()) }
/// ```
///
/// # Ending a connection
///
/// | | code | calls of this end | handlers of this end | the other end is told | gone within |
/// |---|---|---|---|---|---|
/// | [`close`](Self::close) | any | fail at once | are stopped; answers in the queue are sent | by the close message | [`close`](crate::Limits::close) of the limits (5 s) |
/// | [`kick`](Self::kick) | any | fail at once | are stopped, also handlers under an [idempotency key](Call::idempotency_key) | by the close message | 1 s; groups and the name are left at once |
/// | [`drain`](Self::drain) | any | go on, and fail when the last handler has ended | may end within `grace`; new requests are answered busy | by `$/goaway` at once, if it supports `$/goaway` | `grace` at most, or less if all requests are answered; then as `close` |
/// | `Server::stop` | 1012 | as with `drain` | as with `drain`, on all connections, with [`grace`](crate::Limits::grace) of the limits (30 s) | as with `drain` | as with `drain` |
/// | `Server::shutdown` | 1012 | as with `drain` | as with `Server::stop`, with the given grace | as with `drain` | as with `drain` |
/// | `Server::kick` | any | as with `kick` | as with `kick`, on the selected connections, also during their handshake | as with `kick` | as with `kick` |
///
/// Dropping a `Peer` ends nothing.
#[derive(Clone)]
pub struct Peer {
    pub(crate) shared: Arc<Shared>,
}

/// Whether a connection has a link, as [`Peer::link`] returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Link {
    /// The connection has a link.
    Up,
    /// The link was lost, and the session waits for another one.
    #[non_exhaustive]
    Away {
        /// The time since the link was found to be lost.
        elapsed: Duration,
    },
}

/// # Calling
///
/// Messages to the peer. A [stub](macro@crate::service) does the same with types.
impl Peer {
    /// Calls a method by name. `params` is a tuple or an array (by position), a struct or a map (by name), or `()`
    /// for no params.
    ///
    /// Errors of the method arrive as [`CallError::Remote`](crate::CallError::Remote).
    ///
    /// With the feature `tower` a `Peer` is also a `tower::Service`, whose `call` takes one request. `peer.call(…)`
    /// means this method. Write `tower::Service::call(&mut peer, request)`, or use the combinators of
    /// `tower::ServiceExt`, for the other.
    pub fn call<T>(&self, method: &str, params: impl Serialize) -> Call<T> {
        let message = Outgoing::new(method, &params, self.shared.config.limits.message_out);
        Call::new(self.shared.clone(), message)
    }

    /// Sends a notification by name. `params` are as in [`call`](Self::call).
    pub fn notify(&self, method: &str, params: impl Serialize) -> Notify {
        let message = Outgoing::new(method, &params, self.shared.config.limits.message_out);
        Notify::new(self.shared.clone(), message)
    }

    /// Sends a notification without ever waiting.
    ///
    /// # Errors
    /// Returns [`Full`](NotifyError::Full) if the outbound queue has no room. Other errors are as in
    /// [`notify`](Self::notify).
    pub fn try_notify(&self, method: &str, params: impl Serialize) -> Result<(), NotifyError> {
        self.notify(method, params).try_now()
    }

    /// Subscribes by name. `method` makes the subscription. When the stream is dropped, `unsubscribe` is called to
    /// end it.
    ///
    /// A call that is dropped before its answer leaves no stream behind.
    pub fn subscribe<T>(
        &self,
        method: &str,
        unsubscribe: impl Into<Cow<'static, str>>,
        params: impl Serialize,
    ) -> Call<Streaming<T>> {
        let message = Outgoing::new(method, &params, self.shared.config.limits.message_out);
        Call::subscribe(self.shared.clone(), message, unsubscribe.into())
    }

    /// Creates an empty batch. Calls on the batch are sent together.
    pub fn batch(&self) -> Batch {
        Batch::new(self.clone())
    }
}

/// # Groups
///
/// Messages from a server to many connections at once; see [`Group`](crate::Group).
impl Peer {
    /// Adds this connection to a group of its server. Does nothing if the connection is in the group.
    ///
    /// # Errors
    /// Returns an error if the connection is in too many groups (`groups` of the [`Limits`](crate::Limits), 64 by
    /// default), if it has ended, or if `name` has more than 256 bytes.
    pub fn join_group(&self, name: &str) -> Result<(), JoinError> {
        self.shared.config.registry.groups().join(&self.shared, name)
    }

    /// Removes this connection from a group. Does nothing if the connection is not in the group.
    pub fn leave_group(&self, name: &str) {
        self.shared.config.registry.groups().leave(&self.shared, name);
    }

    /// Returns the names of the groups of this connection.
    pub fn groups(&self) -> Vec<String> {
        self.shared.lock().groups.iter().map(|name| String::from(&**name)).collect()
    }
}

/// # Identity
///
/// Facts about the connection, and about the caller at its other end.
impl Peer {
    /// Returns the id of this connection, an opaque text. No other connection of this process has the same id.
    pub fn id(&self) -> &str {
        &self.shared.id
    }

    /// Returns the address of the peer, if it was [set](crate::transport::Endpoint::set_address).
    ///
    /// A server sets the address of each client, also behind a proxy that the server trusts. Returns `None` in a
    /// client, and for a client without an address, such as one on a Unix socket.
    pub fn address(&self) -> Option<IpAddr> {
        self.shared.address.get().copied()
    }

    /// Returns the value that `on_connect` returned for this connection. Returns `None` if there is no value, or if
    /// the value has another type.
    ///
    /// The value is set before the first message and never changes, so this returns a reference. For facts that come
    /// later or change, use a [value](Self::value).
    pub fn caller<T: Any + Send + Sync>(&self) -> Option<&T> {
        self.shared.caller.get()?.downcast_ref()
    }

    /// Reports that the peer has logged in by a message. From now on a [guest](Self::is_guest) has the full limits
    /// and may call all methods. [`caller`](Self::caller) returns `caller` from now on, unless it had a value before.
    ///
    /// Returns whether the peer was a guest.
    ///
    /// # Panics
    /// Panics if a service [requires callers](crate::Service::requires_caller) of another type than `T`. A handler
    /// with this panic is answered -32603, and the guest stays a guest.
    pub fn log_in<T: Any + Send + Sync>(&self, caller: T) -> bool {
        caller_type::expect::<T>(&*self.shared.config.services);
        // The caller is set first, because handlers that may run from now on ask for it.
        if self.is_guest() {
            let _ = self.shared.caller.set(Box::new(caller));
        }
        let limits = self.shared.config.limits.clone();
        let guest = self.shared.with(|state| {
            let guest = state.protocol.log_in(limits)?;
            state.commands.get_or_insert_default().limits = true;
            Some(guest)
        });
        if guest.is_some() {
            self.shared.config.registry.admit(self);
        }
        guest.is_some()
    }

    /// Returns whether the peer must log in by a message and has not done so; see
    /// [`Endpoint::require_login`](crate::transport::Endpoint::require_login).
    pub fn is_guest(&self) -> bool {
        self.shared.lock().protocol.is_guest()
    }

    /// Sets how long the login of the peer is valid, from now on. `None` means for ever, which is the default.
    ///
    /// When the login expires, the connection is closed with [`NOT_AUTHENTICATED`](CloseCode::NOT_AUTHENTICATED),
    /// 4401. Call this again whenever the login is renewed. If a session is resumed over another link, what was said on
    /// that link's peer replaces this; a link on which nothing was said leaves the end as it is.
    pub fn set_expiry(&self, after: impl Into<Option<Duration>>) {
        let now = self.shared.clock.now();
        let end = after.into().map(|after| now.saturating_add(after));
        let expires = end.map_or(Expiry::Never, Expiry::At);
        self.shared.with(|state| state.protocol.set_expiry(expires));
    }

    /// Gives a name to the caller at the other end, for example `user:7`. A server calls this for callers that log
    /// in, in `on_connect` or in a login method.
    ///
    /// The name has two uses. First, the answers to calls under an [idempotency key](Call::idempotency_key) are
    /// stored for the name. All connections with the name find these answers, and such a call goes on when its
    /// connection ends. Without a name the keys end with their connection, and all connections without a name share
    /// an eighth of the store.
    ///
    /// Give a name that nobody else can get, because each holder of the name gets its stored answers.
    ///
    /// Second, connected peers are found by name, with
    /// [`PeerRegistry::peers_of`](crate::transport::PeerRegistry::peers_of), and with `peers_of` of a server and of a
    /// [`Context`](crate::Context::peers_of). A connection is found as soon as it is connected and has the name,
    /// until it has ended or was [kicked](Self::kick). A second name replaces the first.
    ///
    /// [`same_name`](crate::transport::EndpointConfig::same_name), which the builder of a server sets, decides about
    /// a second connection with the same name:
    ///
    /// - [`Both`](crate::SameName::Both): both connections have the name. This is the default.
    /// - [`Refuse`](crate::SameName::Refuse): for the second connection `identify` fails with
    ///   [`IdentifyError::Taken`]. The first connection that calls `identify` has the name, also during its
    ///   handshake. If the handshake fails, the name is free again. In `on_connect` pass the error on; the client is
    ///   answered 409. In the login method of a guest answer with an error of your own. The connection then has no
    ///   name, and a guest stays a guest.
    /// - [`Replace`](crate::SameName::Replace): the first connection is closed with 4409 ([`CloseCode::TAKEN_OVER`])
    ///   when the second connection is connected and has the name. So a handshake that fails replaces nothing. When
    ///   `identify` returns in a method, or else when the second connection is served, the first connection has left
    ///   its groups and is no longer found by the name. The second connection does not wait for the end of the first,
    ///   so `on_disconnect` of the first may run later. There, check [`namesakes`](Self::namesakes) to see whether
    ///   another connection has the name. Calls under an idempotency key go on.
    ///
    /// If several connections ask for a name at once, exactly one of them has it afterwards, with `Refuse` and with
    /// `Replace`. A single message that comes by `POST` has the name for its keys only: the message is not found by
    /// the name, is not refused, and replaces nothing.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use rpc_core::{Context, ErrorObject, Router, memory};
    ///
    /// let server = Router::new().method("login", |cx: Context, (user,): (u64,)| async move {
    ///     let name = format!("user:{user}");
    ///     cx.peer().identify(&name).map_err(|error| ErrorObject::new(1, error.to_string()))?;
    ///     Ok(cx.peers_of(&name).len())
    /// });
    /// let (peer, _) = memory::pair(Router::new(), server);
    /// assert_eq!(peer.call::<usize>("login", (7,)).await?, 1);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// - [`NameTooLong`](IdentifyError::NameTooLong): the name has more than 256 bytes.
    /// - [`Taken`](IdentifyError::Taken): another connection has the name, and `Refuse` is set. Nothing has changed
    ///   then; a name that the connection had before is kept.
    pub fn identify(&self, caller: impl AsRef<str>) -> Result<(), IdentifyError> {
        self.shared.identify(caller.as_ref())
    }

    /// Returns the name that [`identify`](Self::identify) gave to this connection, also after the connection has
    /// ended. Returns `None` if it has no name.
    pub fn identity(&self) -> Option<Arc<str>> {
        self.shared.identity()
    }

    /// Returns the other connected peers with the same [name](Self::identify), in the order in which they connected.
    /// The list is empty if this peer has no name.
    ///
    /// In `on_disconnect` the list tells whether a user is still connected by another connection.
    pub fn namesakes(&self) -> Vec<Peer> {
        let Some(name) = self.identity() else { return Vec::new() };
        let mut named = self.shared.config.registry.peers_of(&name);
        named.retain(|peer| peer != self);
        named
    }

    /// Stores `value` for this connection, and returns the value of the same type that it replaces. There is one
    /// value of each type, so use a type of your own.
    ///
    /// Use values for facts that handlers find out, for example the user who has logged in. For state that changes
    /// often, such as a cursor, store one `Mutex` or one atomic. Values outlive the end of the connection, so that
    /// `on_disconnect` can read them. They are dropped with the last handle of the connection. A value that holds a
    /// `Peer` of its own connection must be taken out again; otherwise both are never dropped.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use rpc_core::{Context, ErrorObject, Router, memory};
    ///
    /// struct User(String);
    ///
    /// let server = Router::new()
    ///     .method("login", |cx: Context, (name,): (String,)| async move {
    ///         cx.peer().set_value(User(name));
    ///         Ok(())
    ///     })
    ///     .method("whoami", |cx: Context, (): ()| async move {
    ///         let user = cx.value::<User>().ok_or(ErrorObject::new(1, "not logged in"))?;
    ///         Ok(user.0.clone())
    ///     });
    ///
    /// let (peer, _) = memory::pair(Router::new(), server);
    /// assert!(peer.call::<String>("whoami", ()).await.is_err());
    /// peer.call::<()>("login", ("Ada",)).await?;
    /// assert_eq!(peer.call::<String>("whoami", ()).await?, "Ada");
    /// # Ok(()) }
    /// ```
    pub fn set_value<T: Any + Send + Sync>(&self, value: T) -> Option<Arc<T>> {
        self.shared.values.set(value)
    }

    /// Returns the [stored](Self::set_value) value of this type, or `None`.
    ///
    /// This takes a lock for a short time, and clones an `Arc`. A fact that is known when the connection begins costs
    /// less as its [caller](Self::caller).
    pub fn value<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        self.shared.values.get()
    }

    /// Removes the value of this type and returns it. Other holders of the `Arc` keep the value until they drop it.
    pub fn take_value<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        self.shared.values.take()
    }

    /// Returns whether the connection has a link at the moment. A connection can be without a link only if its session
    /// outlives its links.
    pub fn link(&self) -> Link {
        let now = self.shared.clock.now();
        match self.shared.lock().protocol.away_since() {
            Some(since) => Link::Away { elapsed: now.saturating_sub(since) },
            None => Link::Up,
        }
    }

    /// Returns figures about the present state of this connection.
    pub fn stats(&self) -> PeerStats {
        let state = self.shared.lock();
        let now = self.shared.clock.now();
        let protocol = &state.protocol;
        let name = |method| self.shared.config.services.name(method).to_owned();
        let serving = protocol.served();
        let serving = serving.map(|(method, since)| (name(method), now.saturating_sub(since)));
        let cut = state.cut.iter().flat_map(|cut| cut.iter());
        PeerStats {
            in_flight: protocol.in_flight(),
            serving: serving.collect(),
            cut: cut.map(|(method, age)| (name(*method), *age)).collect(),
            pending: protocol.pending(),
            subscriptions: protocol.subscriptions(),
            queue_bytes: protocol.queue_bytes(),
            counters: *protocol.counters,
        }
    }
}

/// # Closing
///
/// The ways to end the connection; the table [above](#ending-a-connection) compares them.
impl Peer {
    /// Closes the connection ([compared](#ending-a-connection) with other ways). Calls fail and handlers are stopped.
    /// Answers in the outbound queue are still sent, within `close` of the [`Limits`](crate::Limits) (5 s by
    /// default). Does nothing if the connection is closing. To wait for the end, await [`closed`](Self::closed).
    ///
    /// A code that must not be sent (RFC 6455, section 7.4) becomes 1000. The first 123 bytes of the reason are sent.
    pub fn close(&self, code: CloseCode, reason: &str) {
        self.command(Command::Close { code, reason: reason.to_owned(), within: None });
    }

    /// Closes the connection of a peer that may not stay, at once ([compared](#ending-a-connection) with other ways).
    ///
    /// When this returns, the connection has left its groups, and its calls under an
    /// [idempotency key](Call::idempotency_key) are stopped. Calls of the same [name](Self::identify) that go on for
    /// ended connections are stopped as well. The connection ends within a second, even if the peer does not read. In
    /// all other respects this does the same as [`close`](Self::close).
    ///
    /// [`NOT_AUTHENTICATED`](CloseCode::NOT_AUTHENTICATED) and [`FORBIDDEN`](CloseCode::FORBIDDEN) tell a client not
    /// to connect again with the same credentials.
    pub fn kick(&self, code: CloseCode, reason: &str) {
        let within = Some(Duration::from_secs(1));
        self.shared.lock().is_kicked = true;
        self.command(Command::Close { code, reason: reason.to_owned(), within });
        self.shared.config.registry.idempotency().stop_calls_of(&self.shared);
        // The connection can join no group and get no name from now on.
        self.shared.config.registry.groups().leave_all(&self.shared);
        self.shared.config.registry.leave_name(&self.shared);
    }

    /// Closes the connection when all running requests are answered, at the latest after `grace`
    /// ([compared](#ending-a-connection) with other ways).
    ///
    /// New requests of the peer are answered busy from now on. A peer that knows `$/goaway` is sent `news`. The
    /// reason of the close is the reason in `news`.
    pub fn drain(&self, code: CloseCode, news: &GoAway, grace: Duration) {
        let until = self.shared.clock.now().saturating_add(grace);
        let reason = news.reason().to_owned();
        self.shared.with(|state| {
            if state.protocol.ended().is_none() {
                state.protocol.drain(news);
                state.command(Command::Drain { until, code, reason });
            }
        });
    }

    /// Asks the client to make another link for its session: because a load balancer drains, or because the link is
    /// old. The present link works until the client has resumed the session over the other link; nothing is lost in
    /// between. Returns whether the client is asked. A client is asked only if its session outlives its links, and at
    /// most once in 10 s.
    pub fn ask_to_move(&self) -> bool {
        let now = self.shared.clock.now();
        self.shared.with(|state| state.protocol.ask_to_move(now))
    }

    /// Closes the connection because its owner was dropped. The error of each call tells to keep the owner. For the
    /// client.
    #[doc(hidden)]
    pub fn close_dropped(&self) {
        let CloseReason { reason, .. } = CloseReason::dropped();
        self.command(Command::Close { code: CloseCode::NORMAL, reason, within: None });
    }

    /// Returns the message in which the peer announced its close, with the time to connect again. Returns `None` if
    /// the peer has announced nothing. After the announcement calls to the peer fail with busy.
    pub fn going_away(&self) -> Option<GoAway> {
        self.shared.lock().protocol.going_away().cloned()
    }

    /// Returns whether the connection has ended, so that calls fail.
    pub fn is_closed(&self) -> bool {
        self.shared.lock().protocol.ended().is_some()
    }

    /// Waits until the connection is gone, and returns the reason for its end. Cancel safe.
    pub async fn closed(&self) -> CloseReason {
        self.shared.closed_event.wait().await;
        self.shared.lock().closed.as_deref().cloned().expect("set before the flag was")
    }

    fn command(&self, command: Command) {
        self.shared.with(|state| {
            if state.protocol.ended().is_none() {
                state.command(command);
            }
        });
    }
}

/// Two peers are equal if they belong to the same connection.
impl PartialEq for Peer {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }
}

impl Eq for Peer {}

impl Hash for Peer {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.shared.id.hash(state);
    }
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peer").field("id", &self.shared.id).finish_non_exhaustive()
    }
}
