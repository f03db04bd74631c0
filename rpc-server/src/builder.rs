//! Settings, until there is a server.

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::uri::PathAndQuery;
use rpc_core::layers::Layer;
use rpc_core::transport::{EndpointConfig, Hello};
use rpc_core::types::GoAway;
use rpc_core::{CloseReason, Dialect, Limits, Peer, Router, SameName, Service};
use tokio::net::{TcpListener, ToSocketAddrs, lookup_host};

use crate::connecting::Connecting;
use crate::error::Error;
use crate::hooks::Hooks;
use crate::listener::{Address, Listener};
use crate::mount::RpcService;
use crate::origins::Origins;
use crate::proxies::Proxies;
use crate::rejection::Rejection;
use crate::server::BoundServer;
use crate::shared::{Paths, Settings, Shared};
use crate::subprotocols::Subprotocols;

/// A server that does not listen yet. Made by [`Server::builder`](crate::Server::builder).
#[must_use = "a server starts with `bind`"]
pub struct ServerBuilder {
    /// What it offers; part of `config` when all is set.
    router: Router,
    config: EndpointConfig,
    paths: Paths,
    post: bool,
    subprotocols: Vec<String>,
    origins: Vec<String>,
    hosts: Vec<String>,
    proxies: Vec<String>,
    secure: bool,
    goaway: GoAway,
    #[cfg(feature = "tls-no-provider")]
    tls: Option<crate::tls::Tls>,
    hooks: Hooks,
}

impl ServerBuilder {
    pub(crate) fn new() -> Self {
        Self {
            router: Router::new(),
            config: EndpointConfig::new(Router::new(), Limits::server()),
            paths: Paths::default(),
            post: true,
            subprotocols: Vec::new(),
            origins: Vec::new(),
            hosts: Vec::new(),
            proxies: Vec::new(),
            secure: false,
            goaway: GoAway::new("shutting down"),
            #[cfg(feature = "tls-no-provider")]
            tls: None,
            hooks: Hooks::default(),
        }
    }

    /// Offers the methods of `service`, be it the server half of a trait or a
    /// [`Router`](rpc_core::Router). May be called several times.
    pub fn service(mut self, service: impl Service) -> Self {
        self.router = self.router.service(service);
        self
    }

    /// Puts `layer` around all that the server serves and calls, the first one added outermost:
    /// [`rpc_core::layers`] has some, and shows how to write one. Around one service
    /// [`Service::layer`] puts it, around one connection
    /// [`Connecting::layer`](crate::Connecting::layer).
    pub fn layer(mut self, layer: impl Layer) -> Self {
        self.config.layers = self.config.layers.layer(layer);
        self
    }

    /// What a connection may use, and how many there may be; [`Limits::server`] by default.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.config.limits = Arc::new(limits);
        self
    }

    /// Whether a silent peer is pinged, and taken for lost when it stays silent:
    /// [`ping`](Limits::ping) and [`dead_after`](Limits::dead_after). Who waits for the answer to a
    /// [`POST`](Self::post) is so by TCP, in about the same time. On by default; without it, peers that
    /// vanished without a word stay until something is sent to them.
    pub fn keepalive(mut self, keepalive: bool) -> Self {
        self.config.keepalive = keepalive;
        self
    }

    /// Whether the server is a plain JSON-RPC 2.0 peer, to whoever connects: it answers no `Rpc-Hello` header and no
    /// `$/hello`, and its messages have no members but those of the specification. Off by default: what lies beyond the
    /// specification goes to clients alone that have said that they know it. For one connection:
    /// [`Connecting::plain`].
    pub fn plain(mut self, plain: bool) -> Self {
        self.config.hello = if plain { Hello::Never } else { Hello::Auto };
        self
    }

    /// Sets how calls are cancelled, and how progress is asked for and reported, on all connections: as the Language Server
    /// Protocol or the Model Context Protocol has it. [`Dialect::JsonRpc`] by default. For one connection:
    /// [`Connecting::dialect`].
    pub fn dialect(mut self, dialect: Dialect) -> Self {
        self.config.dialect = dialect;
        self
    }

    /// Whether the server sends each message as one WebSocket frame, for clients that know no continuation: such clients take
    /// the first fragment for the whole message, or hang up. Off by default: messages above 64 KiB leave in
    /// fragments of 64 KiB, with pings and pongs between them. On, a ping or pong waits until the message before it has
    /// left, so on a slow line the other end may take this one for lost; and the write buffer holds the longest
    /// message that was sent, at most [`message_out`](Limits::message_out), beyond
    /// [`write_buffer_max`](Limits::write_buffer_max). For one connection: [`Connecting::whole_frames`].
    pub fn whole_frames(mut self, whole_frames: bool) -> Self {
        self.config.whole_frames = whole_frames;
        self
    }

    /// Whether a request or notification without the member `jsonrpc` is taken as one of `"2.0"`. Clients made for Codex's app-server send none.
    /// Off by default: then such a request is answered -32600, and such a notification is dropped. An answer without it
    /// is always taken. Messages that this end sends have the member all the same; another version than `"2.0"` is refused
    /// all the same. For one connection: [`Connecting::jsonrpc_optional`].
    pub fn jsonrpc_optional(mut self, jsonrpc_optional: bool) -> Self {
        self.config.jsonrpc_optional = jsonrpc_optional;
        self
    }

    /// What becomes of two connections whose callers have the same name by [`Peer::identify`]: [`SameName::Both`] by
    /// default.
    ///
    /// ```
    /// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use rpc_client::{Client, ConnectError};
    /// use rpc_core::SameName;
    /// use rpc_server::{Connecting, Server, StatusCode};
    ///
    /// let server = Server::builder()
    ///     .same_name(SameName::Refuse)
    ///     .on_connect(|connecting: Connecting| async move {
    ///         let user = connecting.header("x-user").unwrap_or("nobody");
    ///         connecting.peer().identify(format!("user:{user}"))?;
    ///         Ok(())
    ///     })
    ///     .bind("127.0.0.1:0").await?.spawn();
    ///
    /// let seven = || Client::builder().header("x-user", "7");
    /// let client = seven().connect(server.url()).await?;
    /// let Err(ConnectError::Rejected { status, .. }) = seven().connect(server.url()).await else { panic!() };
    /// assert_eq!(status, StatusCode::CONFLICT);
    /// # drop(client);
    /// # Ok(()) }
    /// ```
    pub fn same_name(mut self, same_name: SameName) -> Self {
        self.config.same_name = same_name;
        self
    }

    /// Serves this path only, compared byte for byte and without the query; others are answered
    /// 404. By default every path is served.
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.paths.service = Some(path.into());
        self
    }

    /// Answers `GET` of this path, such as `/healthz`, with 200: for whoever restarts a server that has
    /// hung. It is answered also while the server stops, and without [`on_connect`](Self::on_connect); but
    /// a `Host` or `Origin` that is refused elsewhere is refused here, so ask by a
    /// [name](Self::allow_hosts) of the server. Where it is mounted in an app, the app must route this
    /// path to it as well. Not by default.
    pub fn health(mut self, path: impl Into<String>) -> Self {
        self.paths.health = Some(path.into());
        self
    }

    /// Answers `GET` of this path, such as `/readyz`, with 200 if new connections may be sent here, and
    /// with 503 while the server stops, while there are as many
    /// [`connections`](Limits::connections) as there may be, and while the app says
    /// [so](crate::Server::set_ready). Asked as [`health`](Self::health) is. Not by default.
    pub fn readiness(mut self, path: impl Into<String>) -> Self {
        self.paths.readiness = Some(path.into());
        self
    }

    /// Whether a message may also come by `POST`, with `Content-Type: application/json`: one request,
    /// notification or batch, and one answer (204 if none is owed). For scripts and probes: each message goes
    /// through [`on_connect`](Self::on_connect) and counts as a connection while it is served. Its
    /// methods cannot call back, and there are no subscriptions. The server decodes no body: a
    /// `Content-Encoding` is answered 415. On by default.
    ///
    /// Pages of other origins cannot send messages by `POST`, not even [allowed](Self::allow_origins) pages: the
    /// browser asks first (CORS), and the server answers that with 405. Such pages open a WebSocket.
    pub fn post(mut self, post: bool) -> Self {
        self.post = post;
        self
    }

    /// Speaks this WebSocket subprotocol with clients that offer it, such as `mcp`: some clients, browsers among
    /// them, hang up if the server picks none of those that they offer. May be called several times, the
    /// preferred one first; letters in upper and lower case differ.
    ///
    /// `jsonrpc2` comes last by itself. A client that offers none of them gets none, and is let in.
    /// [`Connecting::subprotocol`](crate::Connecting::subprotocol) tells which one was picked; it changes nothing
    /// else.
    pub fn subprotocol(mut self, name: impl Into<String>) -> Self {
        self.subprotocols.push(name.into());
        self
    }

    /// Lets web pages of these origins connect, such as `https://app.example` or
    /// `http://localhost:3000`, compared with scheme and port. May be called several times.
    ///
    /// Browsers let any page connect to any server, with the user's cookies, and say in `Origin`
    /// which page it is. Without this, only pages from the very host and port that they connect to
    /// are let in, others are answered 403. `null` stands for pages that have no origin, such as
    /// files and sandboxed frames, of whomever; `*` for all pages, for servers that take no cookie
    /// and no place in the network for a proof of anything. Whoever sends no `Origin` is no browser
    /// and is not asked.
    ///
    /// The port counts as well. A `Host` without a port means the default port of the page's scheme. But if the
    /// server knows that clients [speak TLS](Self::secure), it means 443, and pages from `http://` are foreign.
    ///
    /// A client that connects over a loopback address must name `localhost`, a loopback address, or one of the
    /// [names](Self::allow_hosts) of the server in `Host`, whichever origins are allowed and whatever else the
    /// server listens on. Otherwise a page could make a name of its own point to this machine (DNS rebinding)
    /// and be let in. Over other addresses of the machine only [`allow_hosts`](Self::allow_hosts) protects from that.
    pub fn allow_origins<I>(mut self, origins: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        self.origins.extend(origins.into_iter().map(Into::into));
        self
    }

    /// Says by which names the server may be asked for, such as `app.example`, with any port unless one
    /// is written. May be called several times. Other names are answered 403 then; loopback names are
    /// fine as well over a loopback address, and over a Unix socket, whose [URL](crate::Server::url) has no name. By default every name will do, but only these over a
    /// loopback address: so this is also for a server behind a proxy on the same machine that keeps the
    /// name which the client used.
    pub fn allow_hosts<I>(mut self, hosts: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        self.hosts.extend(hosts.into_iter().map(Into::into));
        self
    }

    /// Says which proxies stand before the server: addresses, networks such as `10.0.0.0/8`, and `unix`
    /// for clients of a Unix socket. May be called several times. The server believes the `X-Forwarded-For` of
    /// these proxies only; by default it believes nobody. The limits for each address use the address that the
    /// proxy names, and so does [`client_addr`](crate::Connecting::client_addr). If a proxy names no address that
    /// can be read, the client counts under the address of the proxy, together with all others of that kind.
    pub fn trusted_proxies<I>(mut self, proxies: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        self.proxies.extend(proxies.into_iter().map(Into::into));
        self
    }

    /// Speaks only TLS (`wss://`, `https://`) to clients. The TLS handshake must fit into the time of
    /// [`handshake`](Limits::handshake). A server that is mounted in an app leaves TLS to the app:
    /// [`into_tower_service`](Self::into_tower_service) fails if `tls` was called; call [`secure`](Self::secure)
    /// instead. With the feature `tls`.
    #[cfg(feature = "tls-no-provider")]
    pub fn tls(mut self, tls: crate::tls::Tls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Says that clients speak TLS (`https://`, `wss://`) with an app or a proxy before this server, since the
    /// server cannot see that. Then a `Host` without a port means port 443, and pages from `http://` under the same
    /// name are [foreign](Self::allow_origins), because someone in the network may have sent those pages.
    /// Implied by `tls`. Off by default.
    pub fn secure(mut self) -> Self {
        self.secure = true;
        self
    }

    /// When those who are connected at a [shutdown](crate::Server::shutdown) may come back: no sooner than
    /// `min` from the close, no later than `max`, each at a random time between the two, so that they do
    /// not all come at once. 0 to 5 s by default. Clients of ours are told by `$/goaway`.
    pub fn reconnect_after(mut self, min: Duration, max: Duration) -> Self {
        self.goaway = self.goaway.reconnect_after(min, max);
        self
    }

    /// Decides who may connect, and what is known of them: `hook` sees each request for a
    /// connection. The value it returns is the connection's caller value, which handlers read with
    /// [`Context::caller`](rpc_core::Context::caller); a [`Rejection`] is the answer instead.
    /// Without a hook everyone may connect. A service that
    /// [asks for callers](Service::requires_caller) of another type than `S` is an error at the start
    /// ([`Error::Caller`]).
    ///
    /// It is stopped, and the connection closed, when the whole handshake takes longer than
    /// [`handshake`](Limits::handshake), when the client goes away meanwhile, and when the server
    /// shuts down. If it panics the answer is 500.
    pub fn on_connect<S, F>(
        mut self,
        hook: impl Fn(Connecting) -> F + Send + Sync + 'static,
    ) -> Self
    where
        S: Any + Send + Sync,
        F: Future<Output = Result<S, Rejection>> + Send + 'static,
    {
        self.hooks.set_on_connect(hook);
        self
    }

    /// Runs when a connection is gone: once for each one that `on_connect` let in, even if the
    /// client did not wait for the end of the handshake.
    ///
    /// By then calls on the [`Peer`] fail, its groups are left, nobody finds it by its name, and the socket is closed. Whether
    /// its user is still there by another connection, [`Peer::namesakes`] tells. The
    /// connection still counts for [`connections`](Limits::connections) and is waited for by
    /// [`shutdown`](crate::Server::shutdown), so the hook is stopped when it takes longer than
    /// [`close`](Limits::close) (5 s). If it panics that is logged by the panic handler, no more.
    pub fn on_disconnect<F>(
        mut self,
        hook: impl Fn(Peer, CloseReason) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.hooks.set_on_disconnect(hook);
        self
    }

    /// Listens on `addr`; port 0 is any that is free. Who connects now waits until the server is
    /// spawned or served.
    ///
    /// # Errors
    /// [`Error::Address`] or [`Error::Listen`] if that is not possible; the others if a setting is wrong.
    pub async fn bind(self, addr: impl ToSocketAddrs) -> Result<BoundServer, Error> {
        self.check()?;
        let addresses: Vec<_> = lookup_host(addr).await.map_err(Error::Address)?.collect();
        let listener = TcpListener::bind(&*addresses).await;
        let listener = listener.map_err(|error| Error::Listen { addresses, error })?;
        self.listen_on(listener)
    }

    /// Listens on a listener made elsewhere, for example one that was handed over by a service manager: a
    /// `TcpListener` or, on Unix, a `UnixListener` of tokio's. As after [`bind`](Self::bind), who connects waits until
    /// the server is spawned or served.
    ///
    /// # Errors
    /// [`Error::Listener`] if the listener has no address; the others if a setting is wrong.
    pub fn listen_on(self, listener: impl Into<Listener>) -> Result<BoundServer, Error> {
        let listener = listener.into();
        let address = listener.address().map_err(Error::Listener)?;
        Ok(BoundServer::new(listener, Shared::new(self.settle()?, address)))
    }

    /// Makes a service of tower's, to be mounted in an app of axum or hyper on the app's own port: see
    /// [`RpcService`]. Its connections are served on the runtime that the app runs on.
    ///
    /// # Errors
    /// A setting is wrong; [`Error::MountedTls`] if `tls` was called.
    pub fn into_tower_service(self) -> Result<RpcService, Error> {
        #[cfg(feature = "tls-no-provider")]
        if self.tls.is_some() {
            return Err(Error::MountedTls);
        }
        Ok(RpcService::new(Shared::new(self.settle()?, Address::Mounted)))
    }

    /// The settings, if they can all be followed.
    fn settle(self) -> Result<Settings, Error> {
        self.check()?;
        let is_secure = self.is_secure();
        let mut config = self.config;
        config.services = Arc::new(self.router);
        Ok(Settings {
            config,
            paths: self.paths,
            takes_posts: self.post,
            subprotocols: Subprotocols::new(&self.subprotocols)?,
            origins: Origins::new(&self.origins, &self.hosts, is_secure)?,
            proxies: Proxies::new(&self.proxies)?,
            hooks: self.hooks,
            #[cfg(feature = "tls-no-provider")]
            tls: self.tls,
            goaway: self.goaway,
        })
    }

    /// Whether all clients speak TLS.
    fn is_secure(&self) -> bool {
        #[cfg(feature = "tls-no-provider")]
        if self.tls.is_some() {
            return true;
        }
        self.secure
    }

    fn check(&self) -> Result<(), Error> {
        self.config.limits.check()?;
        self.router.check()?;
        self.config.dialect.check(self.router.methods())?;
        self.check_caller()?;
        self.paths.check()
    }

    /// A service that asks for callers of one type finds none of them if `on_connect` gives another.
    fn check_caller(&self) -> Result<(), Error> {
        match (self.router.caller_type(), self.hooks.caller()) {
            (Some(asked), given) if given != Some(asked) => Err(Error::Caller { asked, given }),
            _ => Ok(()),
        }
    }
}

impl Paths {
    fn check(&self) -> Result<(), Error> {
        let paths = [&self.service, &self.health, &self.readiness].map(Option::as_deref);
        for (at, path) in paths.iter().enumerate() {
            match path {
                Some(path) if !is_path(path) => return Err(Error::Path(path.to_string())),
                Some(same) if paths[..at].contains(path) => {
                    return Err(Error::SamePath(same.to_string()));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn is_path(path: &str) -> bool {
    // The parser takes `rpc` and `*` as well, and cuts off a fragment.
    path.starts_with('/')
        && !path.contains('#')
        && path.parse::<PathAndQuery>().is_ok_and(|parsed| parsed.query().is_none())
}

impl fmt::Debug for ServerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerBuilder")
            .field("methods", &self.router)
            .field("config", &self.config)
            .field("paths", &self.paths)
            .field("subprotocols", &self.subprotocols)
            .field("origins", &self.origins)
            .field("hosts", &self.hosts)
            .field("proxies", &self.proxies)
            .field("secure", &self.is_secure())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_begins_with_a_slash_and_has_nothing_behind_it() {
        for good in ["/", "/rpc", "/a/b", "/a%20b"] {
            assert!(is_path(good), "{good}");
        }
        for bad in ["", "rpc", "*", "/a?b", "/a?", "/a#b", "/a b", "ws://host/"] {
            assert!(!is_path(bad), "{bad}");
        }
    }
}
