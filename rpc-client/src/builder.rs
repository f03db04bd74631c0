//! Settings, until there is a connection.

use std::fmt;
use std::future::ready;
use std::mem::take;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use rpc_core::layers::Layer;
use rpc_core::transport::{Endpoint, EndpointConfig, Hello, OnForeign};
use rpc_core::{Dialect, Limits, Router, Service};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;

use crate::client::Client;
use crate::connect::Attempt;
use crate::error::ConnectError;
use crate::handshake::Handshake;
use crate::headers::Headers;
use crate::socket::Socket;
use crate::target::Target;
#[cfg(feature = "tls-no-provider")]
use crate::tls::Tls;

/// A client without a connection. Made by [`Client::builder`].
#[must_use = "a client connects with `connect`"]
pub struct ClientBuilder {
    /// What it offers; part of `config` when all is set.
    router: Router,
    config: EndpointConfig,
    headers: Headers,
    connect_timeout: Option<Duration>,
    #[cfg(feature = "tls-no-provider")]
    tls: Option<Tls>,
}

impl ClientBuilder {
    pub(crate) fn new() -> Self {
        let mut config = EndpointConfig::new(Router::new(), Limits::client());
        config.answers_malformed = false; // it opens the link
        Self {
            router: Router::new(),
            config,
            headers: Headers::default(),
            connect_timeout: None,
            #[cfg(feature = "tls-no-provider")]
            tls: None,
        }
    }

    /// Offers the methods of `service` to the server, be it the server half of a trait or a
    /// [`Router`](rpc_core::Router). May be called several times.
    pub fn service(mut self, service: impl Service) -> Self {
        self.router = self.router.service(service);
        self
    }

    /// Puts `layer` around all that the client calls and serves, the first one added outermost:
    /// [`rpc_core::layers`] has some, and shows how to write one.
    pub fn layer(mut self, layer: impl Layer) -> Self {
        self.config.layers = self.config.layers.layer(layer);
        self
    }

    /// Adds a header to the request, beside those of the same name. Its value is never shown, not
    /// in a `Debug` text nor in a log. The headers of the handshake itself cannot be set.
    ///
    /// Without a `User-Agent` of your own, the request has `User-Agent: rpc-client`.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.add(name, value);
        self
    }

    /// Offers a WebSocket subprotocol; called several times, the preferred one first. By default
    /// none is offered. A server that picks none is fine, one that picks another is an error.
    pub fn subprotocol(mut self, name: &str) -> Self {
        self.headers.add_subprotocol(name);
        self
    }

    /// Whether the client is a plain JSON-RPC 2.0 peer: it sends no `Rpc-Hello` header and no `$/hello`, and its messages
    /// have no members but those of the specification. Off by default: what lies beyond the specification goes to
    /// servers alone that have answered that header, or have said hello.
    pub fn plain(mut self, plain: bool) -> Self {
        self.config.hello = if plain { Hello::Never } else { Hello::Auto };
        self
    }

    /// Sets how calls are cancelled, and how progress is asked for and reported, with this server: as the Language Server
    /// Protocol or the Model Context Protocol has it. [`Dialect::JsonRpc`] by default.
    pub fn dialect(mut self, dialect: Dialect) -> Self {
        self.config.dialect = dialect;
        self
    }

    /// Calls `listener` with each message of the server that is no JSON-RPC: an event of another kind, or text
    /// that is no JSON. The listener gets the text as it came, and from a batch only the members that are
    /// no JSON-RPC, one by one. The task of the connection calls the listener, in order, so the listener should
    /// be quick. If the listener panics, the connection goes on.
    ///
    /// A client never answers such messages, and counts them ([`foreign`](rpc_core::types::Counters::foreign)). Without a
    /// listener the first one is logged as a warning, and more than ten times
    /// [`malformed_rate`](Limits::malformed_rate) (1,000 by default) in ten seconds close the connection with 1008.
    ///
    /// ```
    /// let builder = rpc_client::Client::builder().on_foreign(|text| println!("it said {text:?}"));
    /// # drop(builder);
    /// ```
    pub fn on_foreign(mut self, listener: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.config.on_foreign = Some(OnForeign::new(listener));
        self
    }

    /// What the server may use of this end; [`Limits::client`] by default.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.config.limits = Arc::new(limits);
        self
    }

    /// Sets whether the client pings a silent server (after [`ping`](Limits::ping)), and takes a server that stays silent
    /// for lost (after [`dead_after`](Limits::dead_after)). On by default. Without it, the client notices that a
    /// server has vanished only when it sends something.
    ///
    /// Turn it off for a server that cannot answer pings. Kodi is one: it sends the two bytes of a pong, `8A 00`,
    /// as a text message. These bytes are not UTF-8, so the connection is closed with 1007 after the first ping
    /// (20 s of idling). The log then has a warning that names this setting.
    pub fn keepalive(mut self, keepalive: bool) -> Self {
        self.config.keepalive = keepalive;
        self
    }

    /// Whether the client sends each message as one WebSocket frame, for servers that know no continuation: such servers take
    /// the first fragment for the whole message, or hang up. Off by default: messages above 64 KiB leave in
    /// fragments of 64 KiB, with pings and pongs between them. On, a ping or pong waits until the message before it has
    /// left, so on a slow line the other end may take this one for lost; and the write buffer holds the longest
    /// message that was sent, at most [`message_out`](Limits::message_out), beyond
    /// [`write_buffer_max`](Limits::write_buffer_max).
    pub fn whole_frames(mut self, whole_frames: bool) -> Self {
        self.config.whole_frames = whole_frames;
        self
    }

    /// Whether a request or notification without the member `jsonrpc` is taken as one of `"2.0"`. Codex's app-server and Chrome's protocol send none.
    /// Off by default: then such a request is answered -32600, and such a notification is dropped. An answer without it
    /// is always taken. Messages that this end sends have the member all the same; another version than `"2.0"` is refused
    /// all the same.
    pub fn jsonrpc_optional(mut self, jsonrpc_optional: bool) -> Self {
        self.config.jsonrpc_optional = jsonrpc_optional;
        self
    }

    /// Which servers are trusted when a URL is `wss://`, and who this client is to them; by default
    /// [`Tls::system_roots`], read once for the whole program. Of no effect on `ws://`.
    #[cfg(feature = "tls-no-provider")]
    pub fn tls(mut self, tls: Tls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// How long [`connect`](Self::connect) may take, the look-up of the host and TLS included;
    /// [`handshake`](Limits::handshake) of the limits (10 s) by default.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = Some(timeout);
        self
    }

    /// Connects to a `ws://host:port/path?query` URL; the port is 80 if there is none. `wss://` is the
    /// same by TLS, never without it; its port is 443, and it needs the feature `tls`. An address of IPv6
    /// stands in brackets. If it begins with `fe80:`, the network interface to reach it by follows as in
    /// `ws://[fe80::1%25eth0]:9944/` (RFC 6874), by name or number; the server does not learn it.
    ///
    /// A server on a Unix socket has a URL such as `ws+unix:///run/app.sock:/rpc`: the absolute path of the socket,
    /// and after a colon the path that is asked for. In the former `%3A` stands for `:`, `%3F` for `?`, `%23` for
    /// `#`, `%25` for `%`, and on Linux `%00` in front for a name that is no file. The server is called `localhost`,
    /// also where it must prove that by TLS (`wss+unix:`).
    ///
    /// May be dropped at any point, then there is no connection.
    ///
    /// # Errors
    /// [`ConnectError`] says what to change.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub async fn connect(mut self, url: impl AsRef<str>) -> Result<Client, ConnectError> {
        let attempt = self.attempt(url.as_ref())?;
        self.start(Box::pin(attempt.run())).await
    }

    /// Connects over `stream`, which leads to the server already: a tunnel through a proxy, a pipe, a socket with
    /// options of its own. The client dials nothing: the URL tells the `Host` and the path that are asked for, and
    /// with `wss://` (or `wss+unix:`) the client speaks TLS over the stream, with a server that proves to be the
    /// host. All else is as with [`connect`](Self::connect).
    ///
    /// May be dropped at any point; the stream is dropped then as well, as it is with an error.
    ///
    /// ```
    /// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let server = rpc_core::Router::new().method("add", |_: rpc_core::Context, (a, b): (i64, i64)| async move { Ok(a + b) });
    /// # let server = rpc_server::Server::builder().service(server).bind("127.0.0.1:0").await?.spawn();
    /// # let address = server.local_addr().unwrap();
    /// use rpc_client::Client;
    /// use tokio::net::TcpStream;
    ///
    /// let stream = TcpStream::connect(address).await?;
    /// stream.set_nodelay(true)?;
    /// let client = Client::builder().connect_over(stream, "ws://localhost/rpc").await?;
    /// assert_eq!(client.peer().call::<i64>("add", (1, 2)).await?, 3);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ConnectError`] says what to change.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub async fn connect_over<S>(
        mut self,
        stream: S,
        url: impl AsRef<str>,
    ) -> Result<Client, ConnectError>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let attempt = self.attempt(url.as_ref())?;
        self.start(Box::pin(async move { attempt.over(ready(Ok(stream))).await })).await
    }

    /// What it takes to connect, if the settings can all be followed.
    fn attempt(&mut self, url: &str) -> Result<Attempt, ConnectError> {
        self.config.limits.check()?;
        self.router.check()?;
        self.config.dialect.check(self.router.methods())?;
        if let Some(caller) = self.router.caller_type() {
            return Err(ConnectError::Caller(caller));
        }
        let target = Target::parse(url)?;
        let (headers, subprotocols) = take(&mut self.headers).finish()?;
        Ok(Attempt {
            handshake: Handshake {
                target,
                headers,
                subprotocols,
                asks_for_hello: self.config.hello != Hello::Never,
            },
            limits: Limits::clone(&self.config.limits),
            #[cfg(feature = "tls-no-provider")]
            tls: self.tls.take(),
        })
    }

    /// Starts the client when it has its socket. That comes boxed: HTTP needs far more room than what the
    /// caller's future holds otherwise.
    async fn start<F>(self, connecting: Pin<Box<F>>) -> Result<Client, ConnectError>
    where
        F: Future<Output = Result<Socket, ConnectError>>,
    {
        let time = self.connect_timeout.unwrap_or(self.config.limits.handshake);
        let socket = timeout(time, connecting).await;
        let socket = socket.map_err(|_| ConnectError::Timeout(time))??;
        let mut config = self.config;
        config.services = Arc::new(self.router);
        let endpoint = Endpoint::new(config);
        if socket.agreed.answers_hello {
            endpoint.set_extended(true);
        }
        Ok(Client::start(endpoint, socket))
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = f.debug_struct("ClientBuilder");
        #[cfg(feature = "tls-no-provider")]
        f.field("tls", &self.tls);
        f.field("methods", &self.router)
            .field("config", &self.config)
            .field("headers", &self.headers)
            .field("connect_timeout", &self.connect_timeout)
            .finish()
    }
}
