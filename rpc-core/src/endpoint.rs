//! One end before it has a connection.

use std::any::Any;
use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use crate::close::CloseReason;
use crate::connection::Connection;
use crate::dialect::Dialect;
use crate::hello::Hello;
use crate::hub::{Hub, SameName};
use crate::known::Other;
use crate::layers::{Layer, Layers};
use crate::limits::Limits;
use crate::peer::Peer;
use crate::protocol::{Guest, Target};
use crate::router::{Router, RouterError};
use crate::service::Service;
use crate::shared::Shared;
use crate::sync::{Arc, Ordering};
use crate::transport::Transport;

/// What an end is made of.
#[derive(Debug, Clone)]
pub struct Setup {
    /// What it offers.
    pub services: Arc<Router>,
    /// What the other end may use of it.
    pub limits: Arc<Limits>,
    /// Whom it belongs to.
    pub hub: Hub,
    /// What stands around all that it serves and calls; nothing by default.
    pub layers: Layers,
    /// Whether a silent end is pinged ([`ping`](Limits::ping)), and given up when it stays silent
    /// ([`dead_after`](Limits::dead_after)). Off is for ends that cannot answer pings.
    pub keepalive: bool,
    /// When this end says hello.
    pub hello: Hello,
    /// The words for cancels and progress.
    pub dialect: Dialect,
    /// Whether each message leaves as one WebSocket frame, for ends that know no continuation. Off by default: a
    /// message above 64 KiB leaves in fragments, so that pongs get between, and the write buffer stays short
    /// ([`write_buffer_max`](Limits::write_buffer_max)). On, the write buffer holds the longest message whole.
    pub whole_frames: bool,
    /// Whether a request or notification without the member `jsonrpc` is taken as one of `"2.0"`, as an answer always
    /// is. Off by default, as the specification asks; on for ends that never send it. What this end sends has it all the
    /// same, and another version than `"2.0"` stays an error.
    pub jsonrpc_optional: bool,
    /// What becomes of two connections in the [`hub`](Self::hub) with the same [name](Peer::identify).
    pub same_name: SameName,
    /// Whether this end answers messages that are no requests with an error, as the specification asks: text
    /// that is no JSON, an object without a method. Turn it off for the end that opened the link (a client, the
    /// parent of a process, the first of a [pair](crate::memory::pair)). Such an end does not answer the messages
    /// that the other end sends beside JSON-RPC: it counts them as [foreign](crate::Counters::foreign), logs the first
    /// as a warning, and closes the connection if they come faster than ten times
    /// [`malformed_rate`](Limits::malformed_rate).
    pub answers_malformed: bool,
    /// Hears each foreign message that is not answered. With a listener such messages may come as fast as they
    /// like, and no warning is logged.
    pub on_foreign: Option<OnForeign>,
}

/// A listener that hears the messages of the other end that are no JSON-RPC.
#[derive(Clone)]
pub struct OnForeign(Arc<dyn Fn(&str) + Send + Sync>);

impl OnForeign {
    /// Calls `listener` with the text of each message, in order, from the task of the connection, so `listener`
    /// should be quick. If it panics, the connection goes on.
    pub fn new(listener: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self(Arc::new(listener))
    }

    pub(crate) fn hear(&self, text: &str) {
        (self.0)(text);
    }
}

impl fmt::Debug for OnForeign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OnForeign")
    }
}

impl Setup {
    /// An end that offers `services`, is alone in its hub, has a keepalive, says hello as [`Hello::Auto`], speaks
    /// [`Dialect::JsonRpc`], sends long messages in fragments, asks for `jsonrpc`, and answers malformed messages.
    pub fn new(services: Router, limits: Limits) -> Self {
        Self {
            services: Arc::new(services),
            limits: Arc::new(limits),
            hub: Hub::new(),
            layers: Layers::new(),
            keepalive: true,
            hello: Hello::Auto,
            dialect: Dialect::JsonRpc,
            whole_frames: false,
            jsonrpc_optional: false,
            same_name: SameName::Both,
            answers_malformed: true,
            on_foreign: None,
        }
    }
}

/// One end of a connection that is still to be made.
///
/// For those who bring a transport of their own; a server or a client does this by itself. Its
/// [`Peer`] can be used at once: messages wait until there is a connection to carry them, and so do
/// the deadlines of calls. Dropping the endpoint instead ends the peer.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use rpc_core::{Endpoint, Limits, Router, Setup, Context, memory};
///
/// let (left, right) = memory::transports(64 * 1024);
/// let echo = Router::new().method("echo", |_: Context, (text,): (String,)| async move { Ok(text) });
/// let server = Endpoint::new(Setup::new(echo, Limits::server()));
/// let client = Endpoint::new(Setup::new(Router::new(), Limits::client()));
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
    pub fn new(setup: Setup) -> Self {
        setup.limits.check().expect("limits do not contradict each other");
        setup.services.check().expect("names are offered once");
        setup.dialect.check(setup.services.methods()).expect("names are not the dialect's own");
        let shared = Shared::new(setup);
        shared.setup.hub.expect(&shared.id);
        Self { peer: Some(Peer { shared }) }
    }

    /// The other end, whoever that will be.
    pub fn peer(&self) -> Peer {
        self.peer.clone().expect("present until `connect` takes the endpoint apart")
    }

    /// Keeps what is known of the other end, for [`Context::session`](crate::Context::session).
    /// Only the first value counts.
    pub fn set_session<T: Any + Send + Sync>(&self, session: T) {
        // A second value is a mistake without consequence.
        let _ = self.peer().shared.session.set(Box::new(session));
    }

    /// Sets the address of the other end, for [`Peer::address`]. Only the first address counts.
    pub fn set_address(&self, address: IpAddr) {
        // A second one is a mistake without consequence.
        let _ = self.peer().shared.address.set(address);
    }

    /// Puts `layer` around what this one connection serves and calls from now on, within the layers of
    /// the [`Setup`] and those added before.
    pub fn add_layer(&self, layer: impl Layer) {
        self.peer().shared.layers.add(layer);
    }

    /// Makes the other end a guest until it has [logged in](Peer::log_in). A guest may call only `methods`: its
    /// calls of other methods are answered -32013, and its notifications to them are dropped. A guest has
    /// these `limits`, but never more than the limits of the [`Setup`]. If the login takes longer than `time`, or
    /// more calls than [`login_attempts`](Limits::login_attempts), the connection is closed with 4401. `place` is
    /// dropped when the guest has logged in, or when the connection ends: give the guest's place here, if there
    /// are few of them.
    ///
    /// Make the transport with the limits that [`limits`](Self::limits) returns afterwards.
    ///
    /// # Errors
    /// One of the methods is not offered.
    pub fn host_guest(
        &self,
        methods: &[Cow<'static, str>],
        limits: Limits,
        time: Duration,
        place: impl Send + Sync + 'static,
    ) -> Result<(), NotOffered> {
        let shared = self.peer().shared;
        let number = |name: &Cow<'static, str>| match shared.setup.services.find(name) {
            Some(Target::Method(method) | Target::Ordered(method)) => Ok(method),
            _ => Err(NotOffered(name.to_string())),
        };
        let methods = methods.iter().map(number).collect::<Result<_, _>>()?;
        let until = shared.clock.now().saturating_add(time);
        let batch = shared.setup.limits.batch;
        let guest = Guest { methods, until, attempts: 0, batch, _place: Box::new(place) };
        let limits = limits.within(&shared.setup.limits);
        shared.lock().protocol.be_host_of(guest, Arc::new(limits));
        Ok(())
    }

    /// Says that each end knows the other by its handshake: one has sent the header `Rpc-Hello: 1`, and the other has
    /// answered it. So this end uses what lies beyond JSON-RPC 2.0 from its first message on. The end that
    /// `opens` the link says hello first, the other in reply. Without effect if the setup says [`Hello::Never`].
    pub fn know_other(&self, opens: bool) {
        self.peer().shared.know_other(opens);
    }

    /// Whether the other end is known to know what lies beyond JSON-RPC 2.0.
    pub fn knows_other(&self) -> bool {
        self.peer().shared.other.get() == Other::Known
    }

    /// Makes this end a plain JSON-RPC 2.0 peer, as [`Hello::Never`] does. Before the connection is made.
    pub fn be_plain(&self) {
        self.peer().shared.be_plain();
    }

    /// Has the two ends of this one connection speak `dialect`, whatever the [`Setup`] says. Before the connection is
    /// made.
    ///
    /// # Errors
    /// A name is offered that the dialect has for itself: see [`Dialect::check`]. Nothing has changed then.
    pub fn speak(&self, dialect: Dialect) -> Result<(), RouterError> {
        let shared = self.peer().shared;
        dialect.check(shared.setup.services.methods())?;
        shared.speak(dialect);
        Ok(())
    }

    /// Sends each message of this one connection as one WebSocket frame, as [`whole_frames`](Setup::whole_frames) of the
    /// setup does. Before the connection is made.
    pub fn send_whole_frames(&self) {
        self.peer().shared.whole_frames.store(true, Ordering::Relaxed);
    }

    /// Takes messages without `jsonrpc` on this one connection, as [`jsonrpc_optional`](Setup::jsonrpc_optional) of the
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
    pub fn connect<T: Transport>(mut self, transport: T) -> Connection<T> {
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
            peer.shared.setup.hub.forget(peer.id());
            peer.shared.end(&CloseReason::link("the connection was never made"));
            // After that it takes no name any more.
            peer.shared.setup.hub.leave_name(&peer.shared);
        }
    }
}
