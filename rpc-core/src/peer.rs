//! The other end of a connection, as seen from this one.

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
pub(crate) mod group;
pub(crate) mod known;
pub(crate) mod notify;
pub(crate) mod registry;
pub(crate) mod slot;

/// The other end: what it offers can be called, and the connection to it closed.
///
/// Cheap to clone, and any number of tasks may use it at once. Stubs are made from it:
/// `ChatClient::new(peer)`. It stays valid when the connection has ended: every call then fails
/// with how that happened.
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
/// | [`kick`](Self::kick) | any | fail at once | are stopped, also those under an [idempotency key](Call::idempotency_key) | by the close message | 1 s; groups and the name are left at once |
/// | [`drain`](Self::drain) | any | go on, and fail when the last handler has ended | may end within `grace`; new requests are answered busy | by `$/goaway` at once, if it knows that | `grace` at most, as soon as all is answered; then as `close` |
/// | `Server::stop` | 1012 | as with `drain` | as with `drain`, on all connections, with [`grace`](crate::Limits::grace) of the limits (30 s) | as with `drain` | as with `drain` |
/// | `Server::shutdown` | 1012 | as with `drain` | as with `Server::stop`, with a grace of one's own | as with `drain` | as with `drain` |
/// | `Server::kick` | any | as with `kick` | as with `kick`, on the connections that are picked, and on those that are being made | as with `kick` | as with `kick` |
///
/// Dropping a `Peer` ends nothing.
#[derive(Clone)]
pub struct Peer {
    pub(crate) shared: Arc<Shared>,
}

/// # Calling
///
/// What is sent to the other end. A [stub](macro@crate::service) does the same with types.
impl Peer {
    /// Calls a method by name. `params` is a tuple or an array (by position), a struct or a map (by
    /// name), or `()` for none. Errors of the method arrive as
    /// [`CallError::Remote`](crate::CallError::Remote).
    ///
    /// With the feature `tower` a `Peer` is a `tower::Service` as well, whose `call` takes one request. This
    /// method comes first where `peer.call(…)` is written; `tower::Service::call(&mut peer, request)` and the combinators
    /// of `tower::ServiceExt` mean the other.
    pub fn call<T>(&self, method: &str, params: impl Serialize) -> Call<T> {
        let message = Outgoing::new(method, &params, self.shared.config.limits.message_out);
        Call::new(self.shared.clone(), message)
    }

    /// Notifies by name; `params` as in [`call`](Self::call).
    pub fn notify(&self, method: &str, params: impl Serialize) -> Notify {
        let message = Outgoing::new(method, &params, self.shared.config.limits.message_out);
        Notify::new(self.shared.clone(), message)
    }

    /// Notifies without ever waiting.
    ///
    /// # Errors
    /// [`Full`](NotifyError::Full) if the outbound queue has no room; the rest as in
    /// [`notify`](Self::notify).
    pub fn try_notify(&self, method: &str, params: impl Serialize) -> Result<(), NotifyError> {
        self.notify(method, params).try_now()
    }

    /// Subscribes by name: `method` makes the subscription, `unsubscribe` ends it when the stream is
    /// dropped. A call that is dropped before its answer leaves no stream behind.
    pub fn subscribe<T>(
        &self,
        method: &str,
        unsubscribe: impl Into<Cow<'static, str>>,
        params: impl Serialize,
    ) -> Call<Streaming<T>> {
        let message = Outgoing::new(method, &params, self.shared.config.limits.message_out);
        Call::subscribe(self.shared.clone(), message, unsubscribe.into())
    }

    /// An empty batch: calls made on it are sent together.
    pub fn batch(&self) -> Batch {
        Batch::new(self.clone())
    }
}

/// # Groups
///
/// What a server sends to many connections at once: see [`Group`](crate::Group).
impl Peer {
    /// Puts this connection into a group of its server; without effect if it is in.
    ///
    /// # Errors
    /// It is in too many (`groups` of the [`Limits`](crate::Limits), 64), or has ended.
    pub fn join_group(&self, name: &str) -> Result<(), JoinError> {
        self.shared.config.registry.groups().join(&self.shared, name)
    }

    /// Takes this connection out of a group; without effect if it is not in.
    pub fn leave_group(&self, name: &str) {
        self.shared.config.registry.groups().leave(&self.shared, name);
    }

    /// The groups that this connection is in.
    pub fn groups(&self) -> Vec<String> {
        self.shared.lock().groups.iter().map(|name| String::from(&**name)).collect()
    }
}

/// # Session and identity
///
/// What is known of the connection and of the caller at its other end.
impl Peer {
    /// Names this connection, for as long as the process runs; an opaque text.
    pub fn id(&self) -> &str {
        &self.shared.id
    }

    /// The address of the other end, if it was [set](crate::transport::Endpoint::set_address). A server sets the address of
    /// the client itself, also for a client behind a proxy that the server trusts. `None` in a client, and for
    /// a client that has no address, such as one on a Unix socket.
    pub fn address(&self) -> Option<IpAddr> {
        self.shared.address.get().copied()
    }

    /// What `on_connect` found out about this connection; `None` if that was nothing, or of another
    /// type.
    ///
    /// It is set before the first message and never changes, so it is lent as it is. What is found
    /// out later, or changes, is a [value](Self::value).
    pub fn caller<T: Any + Send + Sync>(&self) -> Option<&T> {
        self.shared.caller.get()?.downcast_ref()
    }

    /// Says that the other end has logged in, by a message: a [guest](Self::is_guest) may do what
    /// others may from now on, and `caller` is what [`caller`](Self::caller) gives, unless there was
    /// one already. Returns whether it was a guest.
    ///
    /// # Panics
    /// If a service [asks for callers](crate::Service::requires_caller) of another type than `T`. In a handler that is
    /// answered -32603, and the guest stays a guest.
    pub fn log_in<T: Any + Send + Sync>(&self, caller: T) -> bool {
        caller_type::expect::<T>(&*self.shared.config.services);
        // First who it is: a handler that may run from now on asks for it.
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
            self.shared.config.registry.is_here(self);
        }
        guest.is_some()
    }

    /// Whether the other end has not logged in, and is to do so by a message:
    /// [`Endpoint::require_login`](crate::transport::Endpoint::require_login).
    pub fn is_guest(&self) -> bool {
        self.shared.lock().protocol.is_guest()
    }

    /// Says how long the login of the other end holds, from now on; `None` is for ever, as it is at
    /// first. When it ends the connection is closed with
    /// [`NOT_AUTHENTICATED`](CloseCode::NOT_AUTHENTICATED), 4401; until then it can be said anew, as
    /// often as the login is renewed.
    pub fn set_expiry(&self, after: impl Into<Option<Duration>>) {
        let now = self.shared.clock.now();
        let expires = after.into().map(|after| now.saturating_add(after));
        self.shared.with(|state| state.protocol.set_expiry(expires));
    }

    /// Names the caller at the other end, such as `user:7`: for a server whose callers log in, in
    /// `on_connect` or by a message. Then the answers to calls under an
    /// [idempotency key](Call::idempotency_key) are kept for that name, every connection with the name finds
    /// them, and such a call goes on when its connection ends. Without a name the keys end with their
    /// connection, and all connections without a name share an eighth of the room.
    ///
    /// Give a name that nobody else can have: whoever has the name gets the answers that are kept for it.
    ///
    /// The connected peers with a name are found by it: [`PeerRegistry::peers_of`](crate::transport::PeerRegistry::peers_of), and
    /// `peers_of` of a server and of a [`Context`](crate::Context::peers_of). There a connection is found from the
    /// moment when it is connected and has the name, until it has ended or was [kicked](Self::kick). A second name
    /// replaces the first.
    ///
    /// Whether a second connection may have the same name is for [`same_name`](crate::transport::EndpointConfig::same_name) to say,
    /// which a server's builder sets:
    ///
    /// - [`Both`](crate::SameName::Both): it may. This is the default.
    /// - [`Refuse`](crate::SameName::Refuse): it may not, and `identify` fails with [`IdentifyError::Taken`]. The
    ///   first to call `identify` has the name, also while its handshake goes on; if no connection comes of
    ///   the handshake, the name is free again. In `on_connect` pass the error on: the client is answered 409. In the method
    ///   by which a guest logs in, answer with an error of your own: the connection has no name then, and a guest
    ///   stays a guest.
    /// - [`Replace`](crate::SameName::Replace): it may, and the first one is closed with 4409
    ///   ([`CloseCode::TAKEN_OVER`]). That happens when the second one is connected and has the name, so a handshake
    ///   that fails replaces nobody. When `identify` returns to a method, or else when the second connection is served, the
    ///   first one has left its groups and is no longer found by the name. The second one does not wait for the end of
    ///   the first, so `on_disconnect` may hear of the first one later: look there whether
    ///   [anybody else](Self::namesakes) has the name. Calls under an idempotency key go on.
    ///
    /// Of several that come at once exactly one is left, by `Refuse` and by `Replace`. A single message, which
    /// comes by `POST`, has the name for its keys only: nobody finds it, and it is neither refused nor
    /// replaces anybody.
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
    /// [`NameTooLong`](IdentifyError::NameTooLong): the name has more than 256 bytes.
    /// [`Taken`](IdentifyError::Taken): there is another connection with the name, and may be one only. Then
    /// nothing has changed; a name that the connection had before, it still has.
    pub fn identify(&self, caller: impl AsRef<str>) -> Result<(), IdentifyError> {
        self.shared.identify(caller.as_ref())
    }

    /// The name that the other end was given by [`identify`](Self::identify), also when the connection has ended;
    /// `None` if it has no name.
    pub fn identity(&self) -> Option<Arc<str>> {
        self.shared.identity()
    }

    /// The other connected peers with the same [name](Self::identify), in the order in which they connected; none if
    /// this peer has no name. In `on_disconnect` they tell whether a user is still there by another connection.
    pub fn namesakes(&self) -> Vec<Peer> {
        let Some(name) = self.identity() else { return Vec::new() };
        let mut named = self.shared.config.registry.peers_of(&name);
        named.retain(|peer| peer != self);
        named
    }

    /// Keeps `value` on this connection, for as long as a handle to it exists; gives the one of the
    /// same type that it replaces. There is one of each type: keep a type of your own.
    ///
    /// For what handlers find out, such as who has logged in. What changes bit by bit, as a cursor,
    /// is best kept once, in a `Mutex` or an atomic. Values outlive the connection's end, so that
    /// `on_disconnect` finds them, and are dropped with the last handle: a value that holds a `Peer`
    /// of its own connection must be taken out again, or both stay forever.
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

    /// The value of this type that was [kept](Self::set_value); `None` if there is none.
    ///
    /// It costs a short lock and a count; what is known when the connection begins costs less as its
    /// [caller](Self::caller).
    pub fn value<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        self.shared.values.get()
    }

    /// Takes the value of this type away: it is no longer kept, and dropped when whoever has it as
    /// well is done with it.
    pub fn take_value<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        self.shared.values.take()
    }

    /// What this connection has in hand at the moment.
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
            counters: protocol.counters,
        }
    }
}

/// # Closing
///
/// How the connection ends: the table [above](#ending-a-connection) compares the ways.
impl Peer {
    /// Closes the connection ([compared](#ending-a-connection)). Calls fail, handlers are stopped, answers that wait in the queue are
    /// still sent; it is over at the latest after `close` of the [`Limits`](crate::Limits) (5 s). To wait
    /// for that, await [`closed`](Self::closed). Without effect on a connection that is closing.
    ///
    /// A code that must not be sent (RFC 6455, section 7.4) becomes 1000; of the reason the first
    /// 123 bytes are sent.
    pub fn close(&self, code: CloseCode, reason: &str) {
        self.command(Command::Close { code, reason: reason.to_owned(), within: None });
    }

    /// Ends the connection of a peer that may not stay, at once ([compared](#ending-a-connection)). When this returns, the connection has left its
    /// groups, and its calls under an [idempotency key](Call::idempotency_key) are stopped, together with
    /// those calls of the same [name](Self::identify) that go on for ended connections. Within a second the
    /// connection is gone, whether the other end reads or not. Otherwise as [`close`](Self::close);
    /// [`NOT_AUTHENTICATED`](CloseCode::NOT_AUTHENTICATED) and [`FORBIDDEN`](CloseCode::FORBIDDEN) tell a client
    /// not to come back as it is.
    pub fn kick(&self, code: CloseCode, reason: &str) {
        let within = Some(Duration::from_secs(1));
        self.shared.lock().is_kicked = true;
        self.command(Command::Close { code, reason: reason.to_owned(), within });
        self.shared.config.registry.once().stop_calls_of(&self.shared);
        // It joins none from now on.
        self.shared.config.registry.groups().leave_all(&self.shared);
        self.shared.config.registry.leave_name(&self.shared);
    }

    /// Closes the connection when all that runs has been answered, at the latest after `grace`
    /// ([compared](#ending-a-connection)). New
    /// requests of the other end are busy from now on. `news` is sent to one that knows `$/goaway`, and
    /// its reason is that of the close.
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

    /// Closes the connection because its owner is dropped; the error of each call says to keep the owner. For
    /// the client.
    #[doc(hidden)]
    pub fn close_dropped(&self) {
        let CloseReason { reason, .. } = CloseReason::dropped();
        self.command(Command::Close { code: CloseCode::NORMAL, reason, within: None });
    }

    /// What the other end said when it was about to close, and when to come back; `None` if it has said
    /// nothing. Calls to it are busy from then on.
    pub fn going_away(&self) -> Option<GoAway> {
        self.shared.lock().protocol.going_away().cloned()
    }

    /// Whether calls can no longer be made.
    pub fn is_closed(&self) -> bool {
        self.shared.lock().protocol.ended().is_some()
    }

    /// Waits until the connection is gone; says how it ended. May be dropped at any point.
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

/// The same connection.
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
