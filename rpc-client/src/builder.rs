//! The settings of a client that is not connected yet.

use std::fmt;
#[cfg(not(target_family = "wasm"))]
use std::future::ready;
use std::mem::take;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use rpc_core::internal::runtime::timeout;
use rpc_core::layers::Layer;
#[cfg(not(target_family = "wasm"))]
use rpc_core::transport::Framing;
use rpc_core::transport::{Endpoint, EndpointConfig, Hello, OnForeign, PeerRegistry, SessionMode};
use rpc_core::{Dialect, Limits, Router, Service};

use crate::client::Client;
use crate::connect::Attempt;
#[cfg(not(target_family = "wasm"))]
use crate::credentials::Credentials;
use crate::error::ConnectError;
#[cfg(not(target_family = "wasm"))]
use crate::fallback::Fallback;
#[cfg(not(target_family = "wasm"))]
use crate::headers::Headers;
#[cfg(not(target_family = "wasm"))]
use crate::proxy::Proxy;
use crate::reconnect::{OnSession, OnState, Reconnect, Setback, Turns};
use crate::socket::Socket;
use crate::subprotocols::Subprotocols;
#[cfg(feature = "tls-no-provider")]
use crate::tls::Tls;

#[cfg(target_family = "wasm")]
mod browser;
#[cfg(not(target_family = "wasm"))]
mod native;
#[cfg(not(target_family = "wasm"))]
mod offering;
mod reconnecting;

#[cfg(target_family = "wasm")]
use browser::{HAS_PINGS, HELLO};
#[cfg(not(target_family = "wasm"))]
use native::{HAS_PINGS, HELLO};

/// The settings of a client that is not connected yet. [`Client::builder`] makes a `ClientBuilder`;
/// [`connect`](Self::connect) makes a [`Client`] of the settings.
///
/// A clone has the same settings, and its clients have nothing else in common with those of the original:
///
/// ```
/// use rpc_client::Client;
///
/// let settings = Client::builder().subprotocol("jsonrpc2");
/// let patient = settings.clone().connect_timeout(std::time::Duration::from_secs(60));
/// # drop((settings, patient));
/// ```
#[derive(Clone)]
#[must_use = "a client connects with `connect`"]
pub struct ClientBuilder {
    config: EndpointConfig,
    #[cfg(not(target_family = "wasm"))]
    headers: Headers,
    subprotocols: Subprotocols,
    #[cfg(not(target_family = "wasm"))]
    credentials: Option<Credentials>,
    #[cfg(not(target_family = "wasm"))]
    proxy: Option<Proxy>,
    #[cfg(not(target_family = "wasm"))]
    framing: Option<Framing>,
    connect_timeout: Option<Duration>,
    /// The URLs behind the first one.
    alternatives: Vec<String>,
    #[cfg(not(target_family = "wasm"))]
    fallback: Fallback,
    reconnect: Option<Reconnect>,
    on_session: Option<OnSession>,
    on_state: Option<OnState>,
    #[cfg(feature = "tls-no-provider")]
    tls: Option<Tls>,
}

impl ClientBuilder {
    pub(crate) fn new() -> Self {
        let mut config = EndpointConfig::new(Router::new(), Limits::client());
        config.answers_malformed = false; // it opens the link
        config.hello = HELLO;
        config.keepalive = HAS_PINGS;
        Self {
            config,
            #[cfg(not(target_family = "wasm"))]
            headers: Headers::default(),
            subprotocols: Subprotocols::default(),
            #[cfg(not(target_family = "wasm"))]
            credentials: None,
            #[cfg(not(target_family = "wasm"))]
            proxy: None,
            #[cfg(not(target_family = "wasm"))]
            framing: None,
            connect_timeout: None,
            alternatives: Vec::new(),
            #[cfg(not(target_family = "wasm"))]
            fallback: Fallback::Never,
            reconnect: None,
            on_session: None,
            on_state: None,
            #[cfg(feature = "tls-no-provider")]
            tls: None,
        }
    }

    /// Offers the methods of `service` to the server. `service` is the server half of a trait, or a
    /// [`Router`](rpc_core::Router). May be called several times.
    pub fn service(mut self, service: impl Service) -> Self {
        let services = take(&mut self.config.services);
        let router =
            Arc::try_unwrap(services).unwrap_or_else(|of_clones| Router::new().service(of_clones));
        self.config.services = Arc::new(router.service(service));
        self
    }

    /// Puts `layer` around all calls that the client makes, and around all methods that the client serves. The layer
    /// that is added first is the outermost one. [`rpc_core::layers`] has ready-made layers, and shows how to write a
    /// layer.
    pub fn layer(mut self, layer: impl Layer) -> Self {
        self.config.layers = self.config.layers.layer(layer);
        self
    }

    /// Offers a WebSocket subprotocol. May be called several times, with the preferred subprotocol first. By default
    /// the client offers none. The server may pick one of the offered subprotocols or none; if the server picks another
    /// one, [`connect`](Self::connect) fails.
    pub fn subprotocol(mut self, name: &str) -> Self {
        self.subprotocols.add(name);
        self
    }

    /// Sets whether the client is a plain JSON-RPC 2.0 peer. A plain client sends no `Rpc-Hello` header and no
    /// `$/hello`, and its messages have only the members of the specification. Off by default: the client uses
    /// extensions of the specification only with servers that have answered that header or have sent `$/hello`.
    pub fn plain(mut self, plain: bool) -> Self {
        self.config.hello = if plain { Hello::Never } else { HELLO };
        self
    }

    /// Sets when the client says `$/hello`, by which both ends learn that they know the extensions of the specification.
    /// Default: [`Hello::Auto`]. [`Hello::Never`] is the same as [`plain`](Self::plain). On a link without HTTP there is no
    /// header that could tell: there [`Hello::Always`] is for a server that is known to understand `$/hello`, and needed for
    /// streams as arguments.
    pub fn hello(mut self, hello: Hello) -> Self {
        self.config.hello = hello;
        self
    }

    /// Sets whether the client asks the server for [unstable](rpc_core::schema::MethodFlags::unstable) methods, which may
    /// change or go. Off by default: for the client there are no such methods then, and a call is answered -32601.
    pub fn unstable(mut self, unstable: bool) -> Self {
        self.config.unstable = unstable;
        self
    }

    /// Sets how both ends cancel calls, ask for progress and report progress: as in the Language Server Protocol, or as
    /// in the Model Context Protocol. Default: [`Dialect::JsonRpc`].
    pub fn dialect(mut self, dialect: Dialect) -> Self {
        self.config.dialect = dialect;
        self
    }

    /// Calls `listener` with each message of the server that is not JSON-RPC: an event of another protocol, or text
    /// that is not JSON. The listener gets the text as it was received. If such messages are members of a batch, the
    /// listener gets these members, one by one. The task of the connection calls the listener, in order, so the
    /// listener should be quick. If the listener panics, the connection goes on.
    ///
    /// A client never answers such messages, and counts them ([`foreign`](rpc_core::types::Counters::foreign)). Without a
    /// listener the client logs the first such message as a warning, and closes the connection with 1008 after more
    /// than ten times [`malformed_rate`](Limits::malformed_rate) (1,000 by default) of them in ten seconds.
    ///
    /// ```
    /// let builder = rpc_client::Client::builder().on_foreign(|text| println!("it said {text:?}"));
    /// # drop(builder);
    /// ```
    pub fn on_foreign(mut self, listener: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.config.on_foreign = Some(OnForeign::new(listener));
        self
    }

    /// Sets what the server may use of this client. Default: [`Limits::client`].
    pub fn limits(mut self, limits: Limits) -> Self {
        self.config.limits = Arc::new(limits);
        self
    }

    /// Sets whether the client accepts requests and notifications without the member `jsonrpc`, as if the member were
    /// `"2.0"`. The app-server of Codex and the DevTools protocol of Chrome send no such member. Off by default: the
    /// client answers such a request with -32600, and drops such a notification. The client always accepts a response
    /// without the member. The client still sends the member in its own messages, and still refuses every version but
    /// `"2.0"`.
    pub fn jsonrpc_optional(mut self, jsonrpc_optional: bool) -> Self {
        self.config.jsonrpc_optional = jsonrpc_optional;
        self
    }

    /// Sets how long each attempt to connect may take, with the provider of the
    /// [`bearer_token`](Self::bearer_token), the look-up of the host and the TLS handshake. Default: the limit [`handshake`](Limits::handshake) (10 s).
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = Some(timeout);
        self
    }

    /// Adds the URL of another server with the same services, to connect to if the URLs before do not lead to a server:
    /// first the one of [`connect`](Self::connect), then those that were added, in order. May be called several times. The
    /// URLs may be of different kinds, as far as the other settings fit all.
    ///
    /// The client tries the next URL as soon as an attempt has failed, for whatever reason, and each attempt has the whole
    /// [`connect_timeout`](Self::connect_timeout). If all fail, the error is the first one that allows
    /// [another attempt](ConnectError::may_retry), or the first one.
    ///
    /// A client that [reconnects](Self::reconnect) begins a round of attempts with the server of its session, as long as
    /// the session may be resumed; then come the others in order. It waits only after a whole round. The session goes on if
    /// the server that answers has that, and else a fresh one begins. A client whose session goes on stays with its server,
    /// also if a URL in front of that leads to a server again, unless
    /// [`Reconnect::fail_back_after`] says otherwise. All servers are sent the same credentials, and the secret by
    /// which the session is resumed. [`Client::host`] tells which one the client is connected to.
    ///
    /// ```
    /// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let server = rpc_server::Server::builder().bind("127.0.0.1:0").await?.spawn();
    /// # let url = server.url();
    /// use rpc_client::Client;
    ///
    /// let client = Client::builder()
    ///     .alternative(&url)
    ///     .connect("ws://127.0.0.1:1") // nobody is there
    ///     .await?;
    /// assert!(url.ends_with(&*client.host()));
    /// # Ok(()) }
    /// ```
    pub fn alternative(mut self, url: impl Into<String>) -> Self {
        self.alternatives.push(url.into());
        self
    }

    /// Connects to a URL `ws://host:port/path?query`. The default port is 80. With `wss://` the client always uses TLS;
    /// the default port is 443, and the feature `tls` is needed. An IPv6 address stands in brackets. A link-local
    /// address (`fe80:`) needs the name or number of the network interface, as in `ws://[fe80::1%25eth0]:9944/` (RFC
    /// 6874). The client does not send the interface to the server.
    ///
    /// A server on a Unix socket has a URL such as `ws+unix:///run/app.sock:/rpc`: the absolute path of the socket,
    /// then a colon and the path of the request. In the path of the socket `%3A` stands for `:`, `%3F` for `?`, `%23`
    /// for `#`, and `%25` for `%`. On Linux `%00` in front stands for an abstract name. The client names the server
    /// `localhost`, and with `wss+unix:` the certificate of the server must be for `localhost`.
    ///
    /// A server that speaks no HTTP has a URL such as `tcp://host:port`, with TLS `tls://host:port`, or
    /// `unix:///run/app.sock`. The messages are those of the [framing](Self::framing). Such a link has no request, so no
    /// [header](Self::header), token or subprotocol either, and no pings: the medium must tell that a server is gone.
    ///
    /// A client that [reconnects](Self::reconnect) is connected when its first session has begun, with
    /// [`on_session`](Self::on_session). An error of the first attempt is the result of `connect`, unless the client is
    /// to [wait for the first connection](Reconnect::wait_for_first).
    ///
    /// Cancel safe: if the future is dropped, the connection is closed.
    ///
    /// # Errors
    /// [`ConnectError`], whose text names the change to make.
    ///
    /// # Panics
    /// If called outside of a tokio runtime.
    pub async fn connect(self, url: impl AsRef<str>) -> Result<Client, ConnectError> {
        let attempt = self.attempt(url.as_ref())?;
        self.connect_by(attempt).await
    }

    /// Connects by this attempt, or by those to the alternatives.
    async fn connect_by(self, attempt: Attempt) -> Result<Client, ConnectError> {
        let alternatives = self.alternatives.iter().map(|url| self.attempt(url));
        let attempts = std::iter::once(Ok(attempt)).chain(alternatives);
        let attempts: Vec<Attempt> = attempts.collect::<Result<_, _>>()?;
        if let Some(policy) = self.reconnect.clone() {
            policy.check()?;
            return self.supervise(attempts, policy).await;
        }
        self.check_single()?;
        let mut turns = Turns::new(attempts.len());
        loop {
            let mut attempt = attempts[turns.current()].clone();
            let host = attempt.host();
            let connecting = async {
                attempt.authorize().await?;
                attempt.connect().await
            };
            let connected = self.clone().start(Box::pin(connecting), host.clone()).await;
            #[cfg(not(target_family = "wasm"))]
            let connected = match connected {
                Err(error) if error.is_swallowed() => {
                    let by_sse = attempt.by_sse(Some(error));
                    self.clone().start(Box::pin(ready(Ok(by_sse))), host).await
                }
                connected => connected,
            };
            let setback = match connected {
                Ok(client) => return Ok(client),
                Err(error) => Setback::Failed(Arc::new(error)),
            };
            if let Some(outcome) = turns.failed(setback) {
                return Err(outcome.into_error());
            }
        }
    }

    /// Checks what can be checked without a server.
    fn check(&self) -> Result<(), ConnectError> {
        self.config.limits.check()?;
        let services = &self.config.services;
        services.check()?;
        self.config.dialect.check(services.methods())?;
        match services.caller_type() {
            Some(caller) => Err(ConnectError::Caller(caller)),
            None => Ok(()),
        }
    }

    /// Starts the client on its socket. `connecting` is in a box: the HTTP handshake needs far more room than the rest
    /// of the caller's future.
    async fn start<F>(self, connecting: Pin<Box<F>>, host: Arc<str>) -> Result<Client, ConnectError>
    where
        F: Future<Output = Result<Socket, ConnectError>>,
    {
        let time = self.time();
        let socket = timeout(time, connecting).await;
        let socket = socket.map_err(|_| ConnectError::Timeout(time))??;
        let endpoint = self.endpoint(SessionMode::Off);
        if socket.agreed.answers_hello {
            endpoint.set_extended(true);
        }
        Client::start(endpoint, socket, host).await
    }

    /// Returns how long an attempt may take.
    fn time(&self) -> Duration {
        self.connect_timeout.unwrap_or(self.config.limits.handshake)
    }

    fn endpoint(self, sessions: SessionMode) -> Endpoint {
        Endpoint::new(self.config.with(|config| {
            // Clients of clones of the builder do not meet in one registry.
            config.registry = PeerRegistry::new();
            config.sessions = sessions;
        }))
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = f.debug_struct("ClientBuilder");
        #[cfg(feature = "tls-no-provider")]
        f.field("tls", &self.tls);
        #[cfg(not(target_family = "wasm"))]
        f.field("headers", &self.headers)
            .field("credentials", &self.credentials)
            .field("proxy", &self.proxy)
            .field("fallback", &self.fallback)
            .field("framing", &self.framing);
        f.field("config", &self.config)
            .field("subprotocols", &self.subprotocols)
            .field("connect_timeout", &self.connect_timeout)
            .field("alternatives", &self.alternatives.len())
            .field("reconnect", &self.reconnect)
            .field("on_session", &self.on_session)
            .field("on_state", &self.on_state)
            .finish()
    }
}
