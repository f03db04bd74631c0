//! The configuration of an endpoint.

use std::fmt;

use crate::layers::Layers;
use crate::limits::Limits;
use crate::peer::registry::{PeerRegistry, SameName};
use crate::service::router::Router;
use crate::util::sync::Arc;
use crate::wire::dialect::Dialect;
use crate::wire::hello::Hello;

/// The configuration of an endpoint: its services, its limits, and how it speaks. [`new`](Self::new) sets the
/// defaults; change the fields for other values.
///
/// ```
/// use rpc_core::transport::EndpointConfig;
/// use rpc_core::{Limits, Router};
///
/// let config = EndpointConfig::new(Router::new(), Limits::client());
/// let config = config.with(|config| config.keepalive = false);
/// ```
#[derive(Debug, Clone)]
#[must_use = "a config does nothing until `Endpoint::new`"]
#[non_exhaustive]
pub struct EndpointConfig {
    /// The methods that this end offers.
    pub services: Arc<Router>,
    /// The limits of each connection: they bound the resources that a peer can make this end use.
    pub limits: Arc<Limits>,
    /// The registry that the endpoint's connection belongs to.
    pub registry: PeerRegistry,
    /// The layers around all calls that this end serves and makes. None by default.
    pub layers: Layers,
    /// Whether a silent peer is pinged ([`ping`](Limits::ping)), and given up if it stays silent
    /// ([`dead_after`](Limits::dead_after)). Turn this off for peers that cannot answer pings.
    pub keepalive: bool,
    /// When this end sends the hello message.
    pub hello: Hello,
    /// The dialect of cancels and of progress.
    pub dialect: Dialect,
    /// Whether this end asks for the [unstable](crate::schema::MethodFlags::unstable) methods of the other end, by
    /// `"unstable":true` in its hello. Off by default: for this end there are no such methods then.
    pub unstable: bool,
    /// Whether each message is sent as one WebSocket frame, for peers that do not support continuation frames.
    ///
    /// Off by default: a message above 64 KiB is sent in fragments. Pongs can then be sent in between, and the write
    /// buffer stays short ([`write_buffer_max`](Limits::write_buffer_max)). If this is on, the write buffer must hold
    /// the longest message whole.
    pub whole_frames: bool,
    /// Whether a received request or notification without the member `jsonrpc` is accepted as `"2.0"`. An answer
    /// without it is always accepted.
    ///
    /// Off by default, as the specification asks. Turn this on for peers that never send the member. This end always
    /// sends it, and any version other than `"2.0"` stays an error.
    pub jsonrpc_optional: bool,
    /// What happens to two connections in the [`registry`](Self::registry) with the same
    /// [name](crate::Peer::identify).
    pub same_name: SameName,
    /// Whether this end answers messages that are not requests with an error, as the specification asks: text that is
    /// not JSON, or an object without a method. On by default.
    ///
    /// Turn this off for the end that opened the link: a client, the parent of a process, the first of a
    /// [pair](crate::memory::pair). Then messages that a peer sends beside JSON-RPC are not answered. They are
    /// counted as [foreign](crate::types::Counters::foreign), and the first one is logged as a warning. The
    /// connection is closed if they come faster than ten times [`malformed_rate`](Limits::malformed_rate).
    pub answers_malformed: bool,
    /// Whether the connection, or what the other end knows of it, outlives a link. Off by default.
    pub sessions: SessionMode,
    /// A listener for each foreign message that is not answered. With a listener no warning is logged, and foreign
    /// messages may come at any rate.
    pub on_foreign: Option<OnForeign>,
}

/// What outlives the link of a connection. A *session* is what both ends know of each other: calls without an answer,
/// streams, groups and values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum SessionMode {
    /// Nothing: the connection ends with its link. The default.
    #[default]
    Off,
    /// For the end that accepts links: a client that asks for a session gets one, and may
    /// [resume](crate::transport::Endpoint::accept) the session over another link, within
    /// [`session_keep`](Limits::session_keep).
    Grant,
    /// For the end that opens links: the connection outlives its links and its sessions, and asks the other end for
    /// sessions that outlive a link.
    Ask,
    /// For the end that opens links: the connection outlives its links. Each link begins another session.
    Renew,
}

impl SessionMode {
    /// Returns whether the connection outlives its links.
    pub(crate) fn outlives_links(self) -> bool {
        matches!(self, Self::Ask | Self::Renew)
    }
}

/// A listener for messages of the peer that are not JSON-RPC.
#[derive(Clone)]
pub struct OnForeign(Arc<dyn Fn(&str) + Send + Sync>);

impl OnForeign {
    /// Creates a listener. It is called with the text of each message, in order. It runs in the task of the
    /// connection, so it must be quick. If it panics, the connection goes on.
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

impl EndpointConfig {
    /// Creates the configuration of an end with a registry of its own and the defaults of all fields: a keepalive,
    /// [`Hello::Auto`], [`Dialect::JsonRpc`], long messages in fragments, a required `jsonrpc` member, and answers to
    /// malformed messages.
    pub fn new(services: Router, limits: Limits) -> Self {
        Self {
            services: Arc::new(services),
            limits: Arc::new(limits),
            registry: PeerRegistry::new(),
            layers: Layers::new(),
            keepalive: true,
            hello: Hello::Auto,
            dialect: Dialect::JsonRpc,
            unstable: false,
            whole_frames: false,
            jsonrpc_optional: false,
            same_name: SameName::Both,
            answers_malformed: true,
            sessions: SessionMode::Off,
            on_foreign: None,
        }
    }

    /// Returns the configuration after `change` has modified it.
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// Lends bytes to a window that grows, from what all connections of the registry share. Returns how many.
    pub(crate) fn lend(&self, wanted: usize) -> usize {
        self.registry.windows().lend(wanted, self.limits.stream_windows_total)
    }
}
