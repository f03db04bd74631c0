//! One end before it has a connection.

use std::any::Any;
use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use crate::connection::Connection;
use crate::error::close::CloseReason;
use crate::layers::Layer;
use crate::limits::Limits;
use crate::peer::Peer;
use crate::peer::config::EndpointConfig;
use crate::peer::remote_profile::RemoteSupport;
use crate::peer::slot::Shared;
use crate::protocol::Unauthenticated;
use crate::protocol::target::Target;
use crate::service::Service;
use crate::service::caller_type;
use crate::service::router_error::RouterError;
use crate::transport::Transport;
use crate::util::sync::{Arc, Ordering};
use crate::wire::dialect::Dialect;

/// One end of a connection that is still to be made.
///
/// `rpc-server` and `rpc-client` make endpoints by themselves; make one to bring your own [`Transport`]. The
/// [`Peer`] can be used at once: messages wait until there is a connection, while the deadlines of calls run.
/// Dropping the endpoint ends the peer.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use rpc_core::transport::{Endpoint, EndpointConfig};
/// use rpc_core::{Limits, Router, Context, memory};
///
/// let (left, right) = memory::transports(64 * 1024);
/// let echo = Router::new().method("echo", |_: Context, (text,): (String,)| async move { Ok(text) });
/// let server = Endpoint::new(EndpointConfig::new(echo, Limits::server()));
/// let client = Endpoint::new(EndpointConfig::new(Router::new(), Limits::client()));
///
/// let peer = client.peer();
/// tokio::spawn(server.connect(left));
/// tokio::spawn(client.connect(right));
/// assert_eq!(peer.call::<String>("echo", ("hi",)).await?, "hi");
/// # Ok(()) }
/// ```
#[derive(Debug)]
#[must_use = "an endpoint does nothing until `connect`, and ends its peer when it is dropped"]
pub struct Endpoint {
    peer: Option<Peer>,
}

impl Endpoint {
    /// Makes an end without a connection.
    ///
    /// # Panics
    /// If the limits contradict each other, a name is offered twice, or one that the dialect has for itself: see
    /// [`Limits::check`], [`Service::check`] and [`Dialect::check`].
    pub fn new(config: EndpointConfig) -> Self {
        config.limits.check().expect("limits do not contradict each other");
        config.services.check().expect("names are offered once");
        config.dialect.check(config.services.methods()).expect("names are not the dialect's own");
        let shared = Shared::new(config);
        shared.config.registry.register(&shared.id);
        Self { peer: Some(Peer { shared }) }
    }

    /// A handle to the other end. It can be used before the connection is made.
    pub fn peer(&self) -> Peer {
        self.peer.clone().expect("present until `connect` takes the endpoint apart")
    }

    /// Keeps what is known of the caller, for [`Context::caller`](crate::Context::caller). Only the first value is
    /// kept.
    ///
    /// # Panics
    /// If a service [asks for callers](crate::Service::requires_caller) of another type than `T`.
    pub fn set_caller<T: Any + Send + Sync>(&self, caller: T) {
        let shared = self.peer().shared;
        caller_type::expect::<T>(&*shared.config.services);
        // A second value is a mistake without consequence.
        let _ = shared.caller.set(Box::new(caller));
    }

    /// Sets the address of the other end, for [`Peer::address`]. Only the first address is kept.
    pub fn set_address(&self, address: IpAddr) {
        // A second one is a mistake without consequence.
        let _ = self.peer().shared.address.set(address);
    }

    /// Puts `layer` around all that this one connection serves and calls from now on. The layer stands within the
    /// layers of the [`EndpointConfig`] and within those added before.
    pub fn add_layer(&self, layer: impl Layer) {
        self.peer().shared.layers.add(layer);
    }

    /// Requires the peer to log in first. Until [`Peer::log_in`], the peer may call only `methods`: calls of other
    /// methods are answered -32013, and notifications to other methods are dropped. Until then the lower of `limits`
    /// and the limits of the [`EndpointConfig`] hold. The connection is closed with 4401 if the login takes longer than
    /// `time`, or more calls than [`login_attempts`](Limits::login_attempts). `permit` is a guard, for example a
    /// semaphore permit: it is dropped at the login or when the connection ends.
    ///
    /// Make the transport with the limits that [`limits`](Self::limits) returns afterwards.
    ///
    /// # Errors
    /// One of the methods is not offered.
    pub fn require_login(
        &self,
        methods: &[Cow<'static, str>],
        limits: Limits,
        time: Duration,
        permit: impl Send + Sync + 'static,
    ) -> Result<(), NotOffered> {
        let shared = self.peer().shared;
        let number = |name: &Cow<'static, str>| match shared.config.services.find(name, || true) {
            Some(Target::Method(method) | Target::Ordered(method)) => Ok(method),
            _ => Err(NotOffered(name.to_string())),
        };
        let methods = methods.iter().map(number).collect::<Result<_, _>>()?;
        let until = shared.clock.now().saturating_add(time);
        let batch = shared.config.limits.batch;
        let guest =
            Unauthenticated { methods, until, attempts: 0, batch, _place: Box::new(permit) };
        let limits = limits.within(&shared.config.limits);
        shared.lock().protocol.require_login(guest, Arc::new(limits));
        Ok(())
    }

    /// Notes that the handshake has shown both ends to know the extensions of this crate: one end sent the header
    /// `Rpc-Hello: 1`, and the other end answered the header. This end then uses extensions from its first message
    /// on. The end that `opens` the link says hello first. No effect under
    /// [`Hello::Never`](crate::transport::Hello::Never).
    pub fn set_extended(&self, opens: bool) {
        self.peer().shared.set_extended(opens);
    }

    /// Notes that the client has announced that it may resume a session: use [`accept`](Self::accept). A name that the
    /// peer is given by [`Peer::identify`] until then is unique only among the names of others: the session may have
    /// it.
    pub fn set_resuming(&self) {
        self.peer().shared.lock().is_provisional = true;
    }

    /// Returns whether the other end is known to understand the extensions of this crate.
    pub fn is_extended(&self) -> bool {
        self.peer().shared.remote.get() == RemoteSupport::Extended
    }

    /// Makes this end a plain JSON-RPC 2.0 peer, as [`Hello::Never`](crate::transport::Hello::Never) does. Call it
    /// before [`connect`](Self::connect).
    pub fn set_plain(&self) {
        self.peer().shared.set_plain();
    }

    /// Sets the dialect of this one connection, in place of that of the [`EndpointConfig`]. Call it before
    /// [`connect`](Self::connect).
    ///
    /// # Errors
    /// A service offers a name that the dialect reserves: see [`Dialect::check`]. Nothing has changed then.
    pub fn set_dialect(&self, dialect: Dialect) -> Result<(), RouterError> {
        let shared = self.peer().shared;
        dialect.check(shared.config.services.methods())?;
        shared.set_dialect(dialect);
        Ok(())
    }

    /// Sends each message of this one connection as one WebSocket frame, as
    /// [`EndpointConfig::whole_frames`] does. Call it before [`connect`](Self::connect).
    pub fn set_whole_frames(&self) {
        self.peer().shared.whole_frames.store(true, Ordering::Relaxed);
    }

    /// Accepts messages without the member `jsonrpc` on this one connection, as
    /// [`EndpointConfig::jsonrpc_optional`] does. Call it before [`connect`](Self::connect).
    pub fn set_jsonrpc_optional(&self) {
        self.peer().shared.jsonrpc_optional.store(true, Ordering::Relaxed);
    }

    /// Restricts this end to answers, for a peer that can take nothing else (an HTTP response). Calls and notifications
    /// to the peer fail with [`Closed`](crate::CallError::Closed), and the peer's subscriptions are refused.
    pub fn set_answer_only(&self) {
        self.peer().shared.lock().protocol.set_answers_only();
    }

    /// Starts no handler until the returned value is dropped: requests of the peer wait, in order, within their limits.
    /// Calls and notifications of this end are sent.
    pub fn hold_handlers(&self) -> HandlerHold {
        let shared = self.peer().shared;
        shared.lock().protocol.hold_handlers();
        HandlerHold { shared }
    }

    /// Returns the limits that hold now: those of the [`EndpointConfig`], or lower ones until the login.
    pub fn limits(&self) -> Arc<Limits> {
        self.peer().shared.lock().protocol.limits().clone()
    }

    /// Makes the connection over `transport`. The connection works while the returned future is polled: spawn it.
    pub fn connect<T: Transport>(mut self, transport: T) -> Connection {
        let peer = self.take_peer();
        Connection::with(transport, peer.shared)
    }

    /// Takes the endpoint apart.
    pub(super) fn take_peer(&mut self) -> Peer {
        self.peer.take().expect("taken once, by who makes the connection")
    }

    /// Makes a connection that [outlives its links](crate::transport::SessionMode::Ask), and has none yet:
    /// [`Connection::attach`] gives it one.
    ///
    /// # Panics
    /// If [`EndpointConfig::sessions`] is neither `Ask` nor `Renew`.
    pub fn without_link(mut self) -> Connection {
        let peer = self.take_peer();
        let outlives_links = peer.shared.config.sessions.outlives_links();
        assert!(outlives_links, "`EndpointConfig::sessions` is `Ask` or `Renew`");
        Connection::new(peer.shared)
    }
}

/// Holds back the handlers of a connection until it is dropped; see [`Endpoint::hold_handlers`].
#[must_use = "handlers start when it is dropped"]
pub struct HandlerHold {
    shared: Arc<Shared>,
}

impl fmt::Debug for HandlerHold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandlerHold").field("peer", &self.shared.id).finish()
    }
}

impl Drop for HandlerHold {
    fn drop(&mut self) {
        self.shared.with(|state| state.protocol.release_handlers());
    }
}

/// The error of [`Endpoint::require_login`]: no service offers a method of this name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotOffered(String);

impl fmt::Display for NotOffered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "guests may call `{}`, which is not offered: write the whole name on the wire",
            self.0
        )
    }
}

impl std::error::Error for NotOffered {}

impl Drop for Endpoint {
    fn drop(&mut self) {
        if let Some(peer) = &self.peer {
            peer.shared.config.registry.cancel(peer.id());
            peer.shared.end(&CloseReason::link("the connection was never made"));
            // After that it takes no name any more.
            peer.shared.config.registry.leave_name(&peer.shared);
        }
    }
}
