//! The settings that a client has outside of a browser.

use std::future::ready;

use rpc_core::Limits;
use rpc_core::transport::{Framing, Hello};
use tokio::io::{AsyncRead, AsyncWrite};
#[cfg(feature = "process")]
use tokio::process::Command;

use super::ClientBuilder;
use crate::client::Client;
use crate::connect::Attempt;
use crate::credentials::{Credentials, IntoToken};
use crate::error::ConnectError;
use crate::fallback::Fallback;
use crate::handshake::Handshake;
#[cfg(feature = "process")]
use crate::program::Program;
use crate::proxy::Proxy;
use crate::target::Target;
#[cfg(feature = "tls-no-provider")]
use crate::tls::Tls;

/// Headers of the handshake tell whether the server reads a hello.
pub(super) const HELLO: Hello = Hello::Auto;

/// A WebSocket has pings.
pub(super) const HAS_PINGS: bool = true;

/// # Outside of a browser
impl ClientBuilder {
    /// Adds a header to the request, also if the request already has a header of this name. The value is never shown,
    /// neither in `Debug` output nor in the log. The headers of the handshake itself cannot be set.
    /// [`connect`](Self::connect) reports an invalid header.
    ///
    /// Unless you set a `User-Agent`, the request has `User-Agent: rpc-client`.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.add(name, value);
        self
    }

    /// Asks `provider` for a token at each attempt to connect, and sends the token with the request, as
    /// `Authorization: Bearer …`. So each attempt of this client, and of its clones, has a token that is still valid. The
    /// header replaces an `authorization` that [`header`](Self::header) has set. The token is never shown, neither in
    /// `Debug` output nor in an error or the log.
    ///
    /// The provider returns a `String`, or a `Result` whose error makes the attempt fail
    /// ([`ConnectError::Credentials`]). A panic of the provider makes the attempt fail, too. The provider runs before
    /// the server is dialled, its time counts in [`connect_timeout`](Self::connect_timeout), and it is dropped when
    /// that time is over.
    ///
    /// ```
    /// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let server = rpc_server::Server::builder().bind("127.0.0.1:0").await?.spawn();
    /// # let url = server.url();
    /// # let path = std::env::temp_dir().join(format!("rpc-client-token-{}", std::process::id()));
    /// # std::fs::write(&path, "0815\n")?;
    /// # let file = path.clone();
    /// use rpc_client::Client;
    ///
    /// let token = move || {
    ///     let path = path.clone();
    ///     async move { std::fs::read_to_string(path).map(|token| token.trim().to_owned()) }
    /// };
    /// let client = Client::builder().bearer_token(token).connect(&url).await?;
    /// # std::fs::remove_file(file)?;
    /// # Ok(()) }
    /// ```
    pub fn bearer_token<F>(mut self, provider: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output: IntoToken> + Send + 'static,
    {
        self.credentials = Some(Credentials::new(provider));
        self
    }

    /// Sets whether the client pings a silent server after [`ping`](Limits::ping), and closes the connection if the
    /// server stays silent for [`dead_after`](Limits::dead_after). On by default. If off, the client notices that a
    /// server has vanished only when the client sends something.
    ///
    /// Turn it off for a server that cannot answer pings. Kodi is such a server: it sends the two bytes of a pong,
    /// `8A 00`, as a text message. These bytes are not UTF-8, so the connection is closed with 1007 after the first
    /// ping (20 s of idling). The log then has a warning that names this setting.
    pub fn keepalive(mut self, keepalive: bool) -> Self {
        self.config.keepalive = keepalive;
        self
    }

    /// Sets whether the client sends each message as one WebSocket frame. Some servers cannot join fragments: such
    /// servers take the first fragment for the whole message, or close the connection.
    ///
    /// Off by default: the client sends a message above 64 KiB in fragments of 64 KiB, with pings and pongs between the
    /// fragments. If on, a ping or pong waits until the message before it has been sent, so on a slow line the server
    /// may conclude that the client is gone. And the write buffer may hold the longest message that was sent, at most
    /// [`message_out`](Limits::message_out), in excess of [`write_buffer_max`](Limits::write_buffer_max).
    pub fn whole_frames(mut self, whole_frames: bool) -> Self {
        self.config.whole_frames = whole_frames;
        self
    }

    /// Sets how messages are told apart on a link without HTTP: `tcp://`, `tls://`, `unix:`, or a child process. Default:
    /// [`Framing::Lines`]. Language servers need [`Framing::ContentLength`].
    pub fn framing(mut self, framing: Framing) -> Self {
        self.framing = Some(framing);
        self
    }

    /// Sets when the client connects by server-sent events and `POST` instead of a WebSocket, which some proxies do not
    /// let pass. [`Client::carrier`] and [`Client::state`] tell how the client is connected. Default: [`Fallback::Never`].
    ///
    /// ```
    /// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let server = rpc_core::Router::new().method("add", |_: rpc_core::Context, (a, b): (i64, i64)| async move { Ok(a + b) });
    /// # let server = rpc_server::Server::builder().service(server).sse(true).bind("127.0.0.1:0").await?.spawn();
    /// # let url = server.url();
    /// use rpc_client::{Carrier, Client, Fallback};
    ///
    /// let client = Client::builder().fallback(Fallback::WhenFails).connect(&url).await?;
    /// assert_eq!(client.carrier(), Carrier::WebSocket);
    /// let client = Client::builder().fallback(Fallback::Always).connect(&url).await?;
    /// assert_eq!(client.carrier(), Carrier::Sse);
    /// assert_eq!(client.peer().call::<i64>("add", (1, 2)).await?, 3);
    /// # Ok(()) }
    /// ```
    pub fn fallback(mut self, fallback: Fallback) -> Self {
        self.fallback = fallback;
        self
    }

    /// Leads the client through a proxy, by whatever carries its messages. Default: none, whatever the environment says;
    /// [`Proxy::from_env`] asks the environment. Sockets and processes of this machine and link-local addresses are reached
    /// without a proxy, and so is the server of a [given stream](Self::connect_over).
    ///
    /// The time of [`connect_timeout`](Self::connect_timeout) counts for the proxy as well. An error of the proxy is
    /// [`ConnectError::Proxy`].
    ///
    /// ```
    /// # fn main() -> Result<(), rpc_client::ConnectError> {
    /// use rpc_client::{Client, Proxy};
    ///
    /// let builder = Client::builder().proxy(Proxy::from_env()?);
    /// # drop(builder);
    /// # Ok(()) }
    /// ```
    pub fn proxy(mut self, proxy: Proxy) -> Self {
        self.proxy = Some(proxy);
        self
    }

    /// Sets which servers the client trusts for a `wss://` URL, and the certificate of the client. Default:
    /// [`Tls::system_roots`], read once for the whole program. Without effect on `ws://` URLs. With the feature `tls`.
    #[cfg(feature = "tls-no-provider")]
    pub fn tls(mut self, tls: Tls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Starts the server as a child process, whose standard input and output are the link: a language server (with
    /// [`Framing::ContentLength`]), or a server of the Model Context Protocol. `make` makes the command, once for each link:
    /// a client that [reconnects](Self::reconnect) starts the server again when the process has ended.
    ///
    /// How the process has ended is the reason of the end of the connection, such as `the process exited with code 3`. Its
    /// standard error goes to the log. When the client is closed or dropped, the process is ended, with what it has started
    /// in turn: [`Process`](rpc_core::transport::Process) tells how, and what Ctrl-C in a terminal does.
    ///
    /// ```
    /// # #[cfg(unix)]
    /// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use rpc_client::Client;
    /// use tokio::process::Command;
    ///
    /// let client = Client::builder()
    ///     .spawn(|| {
    ///         let mut command = Command::new("sed"); // answers each line
    ///         command.args(["-u", r#"s/.*"id":\([0-9]*\).*/{"jsonrpc":"2.0","id":\1,"result":"hello"}/"#]);
    ///         command
    ///     })
    ///     .await?;
    /// assert_eq!(client.peer().call::<String>("hello", ()).await?, "hello");
    /// client.close().await; // the process has ended
    /// # Ok(()) }
    /// # #[cfg(not(unix))] fn main() {}
    /// ```
    ///
    /// # Errors
    /// [`ConnectError::Start`] if the process cannot be started. Other variants if a setting is wrong.
    ///
    /// # Panics
    /// If called outside of a tokio runtime.
    #[cfg(feature = "process")]
    pub async fn spawn(
        self,
        make: impl Fn() -> Command + Send + Sync + 'static,
    ) -> Result<Client, ConnectError> {
        let mut attempt = self.attempt_at(Target::process())?;
        attempt.program = Some(Program::new(make));
        self.connect_by(attempt).await
    }

    /// Connects over `stream`, which already leads to the server: a tunnel through a proxy, a pipe, or a socket with
    /// special options. The client opens no connection itself. The URL gives the `Host` and the path of the request.
    /// With `wss://` or `wss+unix:` the client speaks TLS over the stream, and the server must have a certificate for
    /// the host of the URL. Everything else is as with [`connect`](Self::connect).
    ///
    /// The stream is dropped if the future is dropped, and if `connect_over` returns an error.
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
    /// [`ConnectError`], whose text names the change to make.
    ///
    /// # Panics
    /// If called outside of a tokio runtime.
    pub async fn connect_over<S>(
        self,
        stream: S,
        url: impl AsRef<str>,
    ) -> Result<Client, ConnectError>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let mut attempt = self.attempt(url.as_ref())?;
        if self.reconnect.is_some() {
            let reason = "`connect_over` has one stream, and `reconnect` needs a URL to dial again";
            return Err(ConnectError::Reconnect(reason));
        }
        self.check_single()?;
        if !self.alternatives.is_empty() {
            return Err(ConnectError::Url(
                "`connect_over` has one stream: leave out `alternative`",
            ));
        }
        if self.fallback == Fallback::Always {
            let reason =
                "`connect_over` has one stream, and they need several connections: use `connect`";
            return Err(ConnectError::Fallback(reason));
        }
        attempt.proves_websocket = false;
        let host = attempt.host();
        let connecting = async move {
            attempt.authorize().await?;
            attempt.over(ready(Ok(stream))).await
        };
        self.start(Box::pin(connecting), host).await
    }

    pub(crate) fn attempt(&self, url: &str) -> Result<Attempt, ConnectError> {
        self.attempt_at(Target::parse(url)?)
    }

    /// Checks the settings and returns an attempt to connect. The settings stay as they are, for more attempts.
    fn attempt_at(&self, target: Target) -> Result<Attempt, ConnectError> {
        self.check()?;
        if self.fallback != Fallback::Never && self.config.hello == Hello::Never {
            let reason =
                "a plain client says no hello, which their links begin with: leave out `plain`";
            return Err(ConnectError::Fallback(reason));
        }
        if target.has_http && self.framing.is_some() {
            return Err(ConnectError::Url(
                "`framing` is for `tcp://`, `tls://` and `unix:`, not for a WebSocket",
            ));
        }
        let has_headers =
            !self.headers.is_empty() || !self.subprotocols.is_empty() || self.credentials.is_some();
        if !target.has_http && has_headers {
            return Err(ConnectError::Url(
                "a link without HTTP has no `header`, `bearer_token` or `subprotocol`: log in by a call",
            ));
        }
        if !target.has_http && self.fallback != Fallback::Never {
            return Err(ConnectError::Fallback("only a WebSocket has one: leave out `fallback`"));
        }
        Ok(Attempt {
            handshake: Handshake {
                target,
                headers: self.headers.finish()?,
                subprotocols: self.subprotocols.finish()?,
                asks_for_hello: self.config.hello != Hello::Never,
                announces_resume: false,
            },
            limits: Limits::clone(&self.config.limits),
            time: self.time(),
            fallback: self.fallback,
            proves_websocket: self.fallback == Fallback::WhenFails,
            credentials: self.credentials.clone(),
            proxy: self.proxy.clone(),
            framing: self.framing.unwrap_or_default(),
            #[cfg(feature = "process")]
            program: None,
            #[cfg(feature = "tls-no-provider")]
            tls: self.tls.clone(),
        })
    }
}
