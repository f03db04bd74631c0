//! What an end is made of, before there is one.

use std::fmt;

use crate::layers::Layers;
use crate::limits::Limits;
use crate::peer::registry::{PeerRegistry, SameName};
use crate::service::router::Router;
use crate::util::sync::Arc;
use crate::wire::dialect::Dialect;
use crate::wire::hello::Hello;

/// What an end is made of: [`new`](Self::new) has the defaults, and the fields say otherwise.
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
    /// What it offers.
    pub services: Arc<Router>,
    /// What the other end may use of it.
    pub limits: Arc<Limits>,
    /// Whom it belongs to.
    pub registry: PeerRegistry,
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
    /// What becomes of two connections in the [`registry`](Self::registry) with the same [name](crate::Peer::identify).
    pub same_name: SameName,
    /// Whether this end answers messages that are no requests with an error, as the specification asks: text
    /// that is no JSON, an object without a method. Turn it off for the end that opened the link (a client, the
    /// parent of a process, the first of a [pair](crate::memory::pair)). Such an end does not answer the messages
    /// that the other end sends beside JSON-RPC: it counts them as [foreign](crate::types::Counters::foreign), logs the first
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

impl EndpointConfig {
    /// An end that offers `services`, is alone in its hub, has a keepalive, says hello as [`Hello::Auto`], speaks
    /// [`Dialect::JsonRpc`], sends long messages in fragments, asks for `jsonrpc`, and answers malformed messages.
    pub fn new(services: Router, limits: Limits) -> Self {
        Self {
            services: Arc::new(services),
            limits: Arc::new(limits),
            registry: PeerRegistry::new(),
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

    /// Returns the config as `change` leaves it.
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }
}
