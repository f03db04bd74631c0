//! [`Connecting`], a client that wants to connect, as `on_connect` sees the client.

use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};

use http::header::{HeaderValue, SEC_WEBSOCKET_PROTOCOL};
use http::{HeaderMap, Method, Request, Uri};
use rpc_core::layers::Layer;
use rpc_core::transport::Endpoint;
use rpc_core::{Dialect, Peer};

use crate::client_info::{ClientInfo, UnixPeer};
use crate::headers;
use crate::upgrade::Upgrade;

/// A client that wants to connect, as [`on_connect`](crate::ServerBuilder::on_connect) sees the client: the HTTP
/// request with all headers, and the address of the client.
///
/// ```
/// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use rpc_client::Client;
/// use rpc_core::{Context, Router};
/// use rpc_server::{Connecting, Rejection, Server, StatusCode};
///
/// struct User(String);
///
/// let server = Server::builder()
///     .service(Router::new().method("whoami", |cx: Context, (): ()| async move {
///         Ok(cx.caller::<User>().map(|user| user.0.clone()))
///     }))
///     .on_connect(|connecting: Connecting| async move {
///         match connecting.header("x-user") {
///             Some(name) => Ok(User(name.to_owned())),
///             None => Err(Rejection::new(StatusCode::UNAUTHORIZED, "who are you?")),
///         }
///     })
///     .bind("127.0.0.1:0").await?.spawn();
///
/// assert!(Client::builder().connect(&server.url()).await.is_err());
/// let client = Client::builder().header("x-user", "Ada").connect(&server.url()).await?;
/// assert_eq!(client.peer().call::<String>("whoami", ()).await?, "Ada");
/// # Ok(()) }
/// ```
pub struct Connecting {
    request: Request<()>,
    client_info: ClientInfo,
    client: Option<IpAddr>,
    subprotocol: Option<HeaderValue>,
    announces_resume: bool,
    peer: Peer,
    /// The endpoint, to which the hook may add layers. `None` when the hook has ended.
    endpoint: EndpointSlot,
}

/// The endpoint of the future connection, while the hook decides whether the connection is admitted.
pub(crate) type EndpointSlot = Arc<Mutex<Option<Endpoint>>>;

impl Connecting {
    pub(crate) fn new(
        request: Request<()>,
        client_info: ClientInfo,
        client: Option<IpAddr>,
        upgrade: Option<&Upgrade>,
        announces_resume: bool,
        endpoint: Endpoint,
    ) -> Self {
        let subprotocol = upgrade.and_then(|upgrade| upgrade.subprotocol.clone());
        let peer = endpoint.peer();
        let endpoint = Arc::new(Mutex::new(Some(endpoint)));
        Self { request, client_info, client, subprotocol, announces_resume, peer, endpoint }
    }

    pub(crate) fn endpoint_slot(&self) -> EndpointSlot {
        self.endpoint.clone()
    }

    /// Returns the whole request. If the server is mounted in an app, the extensions of the request hold the values
    /// that the app's middleware has put there, for example the user that has logged in.
    pub fn request(&self) -> &Request<()> {
        &self.request
    }

    /// Returns the HTTP method: `GET` for a WebSocket, `POST` for a single message, and for a link over [server-sent
    /// events](crate::ServerBuilder::sse) mostly `POST`.
    pub fn method(&self) -> &Method {
        self.request.method()
    }

    /// Returns the target of the request: in most cases only a path and a query.
    pub fn uri(&self) -> &Uri {
        self.request.uri()
    }

    /// Returns all headers.
    pub fn headers(&self) -> &HeaderMap {
        self.request.headers()
    }

    /// Returns the value of a header: the first value if there are several. `None` if the header is missing or not
    /// UTF-8.
    pub fn header(&self, name: &str) -> Option<&str> {
        std::str::from_utf8(self.headers().get(name)?.as_bytes()).ok()
    }

    /// Returns the decoded value of a query parameter (`?name=value`): the first value if there are several. Browsers
    /// cannot set headers, so browser clients often put a token into the query.
    pub fn query(&self, name: &str) -> Option<Cow<'_, str>> {
        let query = self.uri().query()?;
        let mut parameters = form_urlencoded::parse(query.as_bytes());
        parameters.find_map(|(key, value)| (key == name).then_some(value))
    }

    /// Returns the value of the first cookie of this name, without enclosing quotes.
    ///
    /// A browser sends cookies with every page that connects. That is why pages of other
    /// [origins](crate::ServerBuilder::allow_origins) may not connect.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        headers::cookie(self.headers(), name)
    }

    /// Returns the token of `Authorization: Bearer …` (RFC 6750, section 2.1). `None` if there is no such header, or
    /// more than one.
    pub fn bearer_token(&self) -> Option<&str> {
        headers::bearer(self.headers())
    }

    /// Returns the subprotocol that the connection will speak: of the subprotocols that the client offers, the one that
    /// this server [prefers](crate::ServerBuilder::subprotocol). `None` if the server knows none of them, and for a
    /// message by `POST`.
    ///
    /// ```
    /// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use rpc_client::Client;
    /// use rpc_server::{Connecting, Rejection, Server, StatusCode};
    ///
    /// let server = Server::builder()
    ///     .subprotocol("mcp")
    ///     .on_connect(|connecting: Connecting| async move {
    ///         match connecting.subprotocol() {
    ///             Some("mcp") => Ok(()),
    ///             _ => Err(Rejection::new(StatusCode::BAD_REQUEST, "offer the subprotocol `mcp`")),
    ///         }
    ///     })
    ///     .bind("127.0.0.1:0").await?.spawn();
    ///
    /// assert!(Client::builder().connect(&server.url()).await.is_err());
    /// let client = Client::builder().subprotocol("mcp").connect(&server.url()).await?;
    /// # drop(client);
    /// # Ok(()) }
    /// ```
    pub fn subprotocol(&self) -> Option<&str> {
        self.subprotocol.as_ref()?.to_str().ok()
    }

    /// Returns the subprotocols that the client offers, in the client's order. Browsers can set this header and no
    /// other header. So some clients offer a token here, beside the subprotocol that the server
    /// [picks](Self::subprotocol).
    pub fn subprotocols(&self) -> impl Iterator<Item = &str> {
        headers::tokens(self.headers(), SEC_WEBSOCKET_PROTOCOL)
    }

    /// Returns whether the client announces that it resumes an earlier session, by the header `Rpc-Resume: 1` or by the
    /// subprotocol `jsonrpc2.resume` beside `jsonrpc2`. Anyone can announce that, and the attempt may fail. So the hook
    /// must check the client as always; but it may leave out what a session needs only once, such as a line in a log
    /// that says who has come. Also `true` for each request of a link over [server-sent
    /// events](crate::ServerBuilder::sse) but the first one.
    pub fn is_resuming(&self) -> bool {
        self.announces_resume
    }

    /// Returns the remote address of the TCP connection; behind a proxy the address of the proxy. `None` for a Unix
    /// socket, and if the app in which the server is mounted [does not provide the
    /// address](crate::RpcService::remote_addr).
    pub fn remote_addr(&self) -> Option<SocketAddr> {
        self.client_info.remote
    }

    /// Returns the address of the client itself. If the connection comes from one of the [trusted
    /// proxies](crate::ServerBuilder::trusted_proxies), the result is the address that the proxies name in
    /// `X-Forwarded-For`, or the address of the proxy if the proxies name none. Handlers read the same address by
    /// [`Peer::address`].
    pub fn client_addr(&self) -> Option<IpAddr> {
        self.client
    }

    /// Returns the result of the TLS handshake, above all the certificates of the client. `None` if the server has no
    /// [certificate](crate::ServerBuilder::tls) and speaks no TLS itself. With the feature `tls`.
    #[cfg(feature = "tls-no-provider")]
    pub fn tls(&self) -> Option<&crate::TlsInfo> {
        self.client_info.tls.as_ref()
    }

    /// Returns the process at the other end of a Unix socket: its user, its group and its id (`SO_PEERCRED`). The system
    /// tells it, so the client cannot lie. `None` over TCP, and for a server that is mounted in an app.
    ///
    /// ```
    /// # #[cfg(unix)]
    /// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use std::os::unix::fs::MetadataExt;
    /// # let path = std::env::temp_dir().join(format!("rpc-server-peer-{}", std::process::id()));
    /// # let our_uid = std::fs::metadata("/proc/self").map_or(0, |process| process.uid());
    /// use rpc_client::Client;
    /// use rpc_server::{Connecting, Rejection, Server, StatusCode};
    ///
    /// let server = Server::builder()
    ///     .on_connect(move |connecting: Connecting| async move {
    ///         match connecting.unix_peer() {
    ///             Some(peer) if peer.uid == our_uid => Ok(()),
    ///             _ => Err(Rejection::new(StatusCode::FORBIDDEN, "only for the same user")),
    ///         }
    ///     })
    ///     .bind_unix(path)?.spawn();
    /// let client = Client::builder().connect(server.url()).await?;
    /// # client.close().await;
    /// # server.shutdown(std::time::Duration::ZERO).await;
    /// # Ok(()) }
    /// # #[cfg(not(unix))] fn main() {}
    /// ```
    pub fn unix_peer(&self) -> Option<UnixPeer> {
        self.client_info.unix_peer
    }

    /// Adds a layer around the methods that are served and the calls that are made on this one connection. `layer` is
    /// inside of the layers of the whole server, and inside of layers that were added before. Without effect when the
    /// hook has ended.
    pub fn layer(&self, layer: impl Layer) {
        if let Some(endpoint) = &*self.endpoint.lock().unwrap() {
            endpoint.add_layer(layer);
        }
    }

    /// Makes the server a plain JSON-RPC 2.0 peer on this one connection, as
    /// [`ServerBuilder::plain`](crate::ServerBuilder::plain) does on all connections. Meant for a client that sends
    /// `Rpc-Hello` but cannot handle the extensions that the header turns on. Without effect when the hook has ended.
    pub fn plain(&self) {
        if let Some(endpoint) = &*self.endpoint.lock().unwrap() {
            endpoint.set_plain();
        }
    }

    /// Makes both ends speak `dialect` on this one connection, instead of the dialect of
    /// [`ServerBuilder::dialect`](crate::ServerBuilder::dialect). Without effect when the hook has ended.
    ///
    /// # Panics
    /// If a service of the server offers a method whose name the dialect reserves ([`Dialect::check`]). The client is
    /// then answered 500.
    ///
    /// ```
    /// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use rpc_core::Dialect;
    /// use rpc_server::{Connecting, Rejection, Server};
    ///
    /// let server = Server::builder()
    ///     .subprotocol("mcp")
    ///     .on_connect(|connecting: Connecting| async move {
    ///         if connecting.subprotocol() == Some("mcp") {
    ///             connecting.dialect(Dialect::Mcp);
    ///         }
    ///         Ok::<_, Rejection>(())
    ///     })
    ///     .bind("127.0.0.1:0").await?.spawn();
    /// # drop(server);
    /// # Ok(()) }
    /// ```
    pub fn dialect(&self, dialect: Dialect) {
        let spoken = match &*self.endpoint.lock().unwrap() {
            Some(endpoint) => endpoint.set_dialect(dialect),
            None => Ok(()),
        };
        // After the lock is released, so that the panic does not poison the lock.
        spoken.expect("no service has a name of the dialect's");
    }

    /// Sends each message of this one connection as one WebSocket frame, as
    /// [`ServerBuilder::whole_frames`](crate::ServerBuilder::whole_frames) does on all connections: for a client that
    /// cannot join fragments. Without effect when the hook has ended.
    ///
    /// ```
    /// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use rpc_server::{Connecting, Server};
    ///
    /// let server = Server::builder().on_connect(|connecting: Connecting| async move {
    ///     if connecting.header("user-agent").is_some_and(|agent| agent.starts_with("tiny/")) {
    ///         connecting.whole_frames();
    ///         connecting.jsonrpc_optional();
    ///     }
    ///     Ok(())
    /// });
    /// # drop(server);
    /// # Ok(()) }
    /// ```
    pub fn whole_frames(&self) {
        if let Some(endpoint) = &*self.endpoint.lock().unwrap() {
            endpoint.set_whole_frames();
        }
    }

    /// Accepts requests and notifications without the member `jsonrpc` on this one connection, as
    /// [`ServerBuilder::jsonrpc_optional`](crate::ServerBuilder::jsonrpc_optional) does on all connections. Without
    /// effect when the hook has ended.
    pub fn jsonrpc_optional(&self) {
        if let Some(endpoint) = &*self.endpoint.lock().unwrap() {
            endpoint.set_jsonrpc_optional();
        }
    }

    /// Returns the peer of the future connection. Messages to the peer wait until the connection exists. They fail if
    /// the client is not admitted.
    ///
    /// Do not await a call here: the call waits for the end of the hook, and the hook waits for the call, until the
    /// time of the handshake is over. Spawn a task for the call, or keep the started [`Call`](rpc_core::Call).
    pub fn peer(&self) -> Peer {
        self.peer.clone()
    }
}

/// Shows neither headers nor the query, since they hold credentials.
impl fmt::Debug for Connecting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connecting")
            .field("remote", &self.client_info.remote)
            .field("client", &self.client)
            .field("path", &self.uri().path())
            .field("peer", &self.peer.id())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use rpc_core::transport::{Endpoint, EndpointConfig};
    use rpc_core::{Limits, Router};

    use super::*;
    use crate::client_info::Way;

    fn connecting(request: Request<()>) -> Connecting {
        let endpoint = Endpoint::new(EndpointConfig::new(Router::new(), Limits::server()));
        let client_info = ClientInfo::new(Some(([127, 0, 0, 1], 9).into()), Way::Loopback);
        Connecting::new(request, client_info, None, None, false, endpoint)
    }

    #[tokio::test]
    async fn a_parameter_is_found_by_name_and_decoded() {
        let request = Request::get("/rpc?a=1&token=x%2By+z&token=2&flag").body(()).unwrap();
        let connecting = connecting(request);
        assert_eq!(connecting.query("token").as_deref(), Some("x+y z"));
        assert_eq!(connecting.query("flag").as_deref(), Some(""));
        assert_eq!(connecting.query("b"), None);
    }

    #[tokio::test]
    async fn its_debug_text_holds_no_credential() {
        let request = Request::get("/rpc?token=secret").header("authorization", "secret");
        let text = format!("{:?}", connecting(request.body(()).unwrap()));
        assert!(text.contains("/rpc") && !text.contains("secret"), "{text}");
    }
}
