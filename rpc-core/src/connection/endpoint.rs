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
use crate::peer::known::RemoteSupport;
use crate::peer::slot::Shared;
use crate::protocol::Unauthenticated;
use crate::protocol::target::Target;
use crate::service::Service;
use crate::service::router_error::RouterError;
use crate::transport::Transport;
use crate::util::sync::{Arc, Ordering};
use crate::wire::dialect::Dialect;

/// One end of a connection that is still to be made.
///
/// For those who bring a transport of their own; a server or a client does this by itself. Its
/// [`Peer`] can be used at once: messages wait until there is a connection to carry them, and so do
/// the deadlines of calls. Dropping the endpoint instead ends the peer.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use rpc_core::{Endpoint, Limits, Router, EndpointConfig, Context, memory};
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
pub struct Endpoint {
    peer: Option<Peer>,
}

impl Endpoint {
    /// An end without a connection.
    ///
    /// # Panics
    /// If the limits contradict each other, a name is offered twice, or one that the dialect has for itself: see
    /// [`Limits::check`], [`Service::check`] and [`Dialect::check`].
    pub fn new(config: EndpointConfig) -> Self {
        config.limits.check().expect("limits do not contradict each other");
        config.services.check().expect("names are offered once");
        config.dialect.check(config.services.methods()).expect("names are not the dialect's own");
        let shared = Shared::new(config);
        shared.config.registry.expect(&shared.id);
        Self { peer: Some(Peer { shared }) }
    }

    /// The other end, whoever that will be.
    pub fn peer(&self) -> Peer {
        self.peer.clone().expect("present until `connect` takes the endpoint apart")
    }

    /// Keeps what is known of the other end, for [`Context::caller`](crate::Context::caller).
    /// Only the first value counts.
    pub fn set_caller<T: Any + Send + Sync>(&self, caller: T) {
        // A second value is a mistake without consequence.
        let _ = self.peer().shared.caller.set(Box::new(caller));
    }

    /// Sets the address of the other end, for [`Peer::address`]. Only the first address counts.
    pub fn set_address(&self, address: IpAddr) {
        // A second one is a mistake without consequence.
        let _ = self.peer().shared.address.set(address);
    }

    /// Puts `layer` around what this one connection serves and calls from now on, within the layers of
    /// the [`EndpointConfig`] and those added before.
    pub fn add_layer(&self, layer: impl Layer) {
        self.peer().shared.layers.add(layer);
    }

    /// Makes the other end a guest until it has [logged in](Peer::log_in). A guest may call only `methods`: its
    /// calls of other methods are answered -32013, and its notifications to them are dropped. A guest has
    /// these `limits`, but never more than the limits of the [`EndpointConfig`]. If the login takes longer than `time`, or
    /// more calls than [`login_attempts`](Limits::login_attempts), the connection is closed with 4401. `place` is
    /// dropped when the guest has logged in, or when the connection ends: give the guest's place here, if there
    /// are few of them.
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
        place: impl Send + Sync + 'static,
    ) -> Result<(), NotOffered> {
        let shared = self.peer().shared;
        let number = |name: &Cow<'static, str>| match shared.config.services.find(name) {
            Some(Target::Method(method) | Target::Ordered(method)) => Ok(method),
            _ => Err(NotOffered(name.to_string())),
        };
        let methods = methods.iter().map(number).collect::<Result<_, _>>()?;
        let until = shared.clock.now().saturating_add(time);
        let batch = shared.config.limits.batch;
        let guest = Unauthenticated { methods, until, attempts: 0, batch, _place: Box::new(place) };
        let limits = limits.within(&shared.config.limits);
        shared.lock().protocol.require_login(guest, Arc::new(limits));
        Ok(())
    }

    /// Says that each end knows the other by its handshake: one has sent the header `Rpc-Hello: 1`, and the other has
    /// answered it. So this end uses what lies beyond JSON-RPC 2.0 from its first message on. The end that
    /// `opens` the link says hello first, the other in reply. Without effect if the setup says [`Hello::Never`](crate::Hello::Never).
    pub fn know_other(&self, opens: bool) {
        self.peer().shared.know_other(opens);
    }

    /// Whether the other end is known to know what lies beyond JSON-RPC 2.0.
    pub fn knows_other(&self) -> bool {
        self.peer().shared.other.get() == RemoteSupport::Known
    }

    /// Makes this end a plain JSON-RPC 2.0 peer, as [`Hello::Never`](crate::Hello::Never) does. Before the connection is made.
    pub fn be_plain(&self) {
        self.peer().shared.be_plain();
    }

    /// Has the two ends of this one connection speak `dialect`, whatever the [`EndpointConfig`] says. Before the connection is
    /// made.
    ///
    /// # Errors
    /// A name is offered that the dialect has for itself: see [`Dialect::check`]. Nothing has changed then.
    pub fn speak(&self, dialect: Dialect) -> Result<(), RouterError> {
        let shared = self.peer().shared;
        dialect.check(shared.config.services.methods())?;
        shared.speak(dialect);
        Ok(())
    }

    /// Sends each message of this one connection as one WebSocket frame, as [`whole_frames`](EndpointConfig::whole_frames) of the
    /// setup does. Before the connection is made.
    pub fn send_whole_frames(&self) {
        self.peer().shared.whole_frames.store(true, Ordering::Relaxed);
    }

    /// Takes messages without `jsonrpc` on this one connection, as [`jsonrpc_optional`](EndpointConfig::jsonrpc_optional) of the
    /// setup does. Before the connection is made.
    pub fn take_without_jsonrpc(&self) {
        self.peer().shared.jsonrpc_optional.store(true, Ordering::Relaxed);
    }

    /// Lets this end do nothing but answer, since the other one can take nothing else: calls and
    /// notifications to it fail as [`Closed`](crate::CallError::Closed), subscriptions are refused.
    pub fn answer_only(&self) {
        self.peer().shared.lock().protocol.answer_only();
    }

    /// The limits that hold at the moment.
    pub fn limits(&self) -> Arc<Limits> {
        self.peer().shared.lock().protocol.limits().clone()
    }

    /// Makes the connection; it lives while the future is polled, which is best left to a task.
    pub fn connect<T: Transport>(mut self, transport: T) -> Connection {
        let peer = self.peer.take().expect("taken here only");
        Connection::new(transport, peer.shared)
    }
}

/// A method that guests may call, and that there is not.
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
            peer.shared.config.registry.forget(peer.id());
            peer.shared.end(&CloseReason::link("the connection was never made"));
            // After that it takes no name any more.
            peer.shared.config.registry.leave_name(&peer.shared);
        }
    }
}
