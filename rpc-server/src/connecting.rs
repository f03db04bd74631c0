//! Someone who wants to connect.

use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};

use http::header::{HeaderValue, SEC_WEBSOCKET_PROTOCOL};
use http::{HeaderMap, Method, Request, Uri};
use rpc_core::layers::Layer;
use rpc_core::transport::Endpoint;
use rpc_core::{Dialect, Peer};

use crate::client_info::ClientInfo;
use crate::headers;

/// Someone who wants to connect, as [`on_connect`](crate::ServerBuilder::on_connect) sees them: the whole
/// HTTP request, and where it came from.
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
    peer: Peer,
    /// Where layers can be added, until the hook has ended.
    endpoint: Door,
}

/// The endpoint of a connection that may come to be, while its hook decides about it.
pub(crate) type Door = Arc<Mutex<Option<Endpoint>>>;

impl Connecting {
    pub(crate) fn new(
        request: Request<()>,
        client_info: ClientInfo,
        client: Option<IpAddr>,
        subprotocol: Option<HeaderValue>,
        endpoint: Endpoint,
    ) -> Self {
        let peer = endpoint.peer();
        let endpoint = Arc::new(Mutex::new(Some(endpoint)));
        Self { request, client_info, client, subprotocol, peer, endpoint }
    }

    pub(crate) fn door(&self) -> Door {
        self.endpoint.clone()
    }

    /// The whole request. Of a server that is mounted in an app its extensions hold what the app's own
    /// middleware put there, such as who has logged in.
    pub fn request(&self) -> &Request<()> {
        &self.request
    }

    /// GET for a WebSocket, POST for a single message.
    pub fn method(&self) -> &Method {
        self.request.method()
    }

    /// What was asked for: mostly just path and query.
    pub fn uri(&self) -> &Uri {
        self.request.uri()
    }

    /// All headers.
    pub fn headers(&self) -> &HeaderMap {
        self.request.headers()
    }

    /// The value of a header, the first if there are several; `None` if there is none, or it is not UTF-8.
    pub fn header(&self, name: &str) -> Option<&str> {
        std::str::from_utf8(self.headers().get(name)?.as_bytes()).ok()
    }

    /// The value of a parameter of the query (`?name=value`), decoded, the first if there are
    /// several. Browsers cannot set headers, so this is where they put a token.
    pub fn query(&self, name: &str) -> Option<Cow<'_, str>> {
        let query = self.uri().query()?;
        let mut parameters = form_urlencoded::parse(query.as_bytes());
        parameters.find_map(|(key, value)| (key == name).then_some(value))
    }

    /// The value of a cookie, the first one of this name, without the quotes that it may be in.
    ///
    /// A browser sends cookies with whatever page connects: that is why pages of other
    /// [origins](crate::ServerBuilder::allow_origins) may not.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        headers::cookie(self.headers(), name)
    }

    /// The token of `Authorization: Bearer …` (RFC 6750, section 2.1); `None` if there is none, or more
    /// than one.
    pub fn bearer_token(&self) -> Option<&str> {
        headers::bearer(self.headers())
    }

    /// The subprotocol that the connection will speak: of those that the client offers, the one that this
    /// server [prefers](crate::ServerBuilder::subprotocol). `None` if it knows none of them, and for a single message.
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

    /// The subprotocols that the client offers, in its order. Browsers can set them, and no other
    /// header: some put a token there, beside the one that is [picked](Self::subprotocol).
    pub fn subprotocols(&self) -> impl Iterator<Item = &str> {
        headers::tokens(self.headers(), SEC_WEBSOCKET_PROTOCOL)
    }

    /// Where the TCP connection comes from; behind a proxy that is the proxy. `None` if it is no TCP
    /// connection, or the app that the server is mounted in [does not tell](crate::RpcService::remote_addr).
    pub fn remote_addr(&self) -> Option<SocketAddr> {
        self.client_info.remote
    }

    /// The address of the client itself. If the connection comes from one of the
    /// [trusted proxies](crate::ServerBuilder::trusted_proxies), it is the address that the proxies name in
    /// `X-Forwarded-For`, or the address of the proxy if they name none. Handlers find it as [`Peer::address`].
    pub fn client_addr(&self) -> Option<IpAddr> {
        self.client
    }

    /// What is known of the client by TLS, its certificates above all; `None` if the server was not
    /// given a [certificate](crate::ServerBuilder::tls) of its own. With the feature `tls`.
    #[cfg(feature = "tls-no-provider")]
    pub fn tls(&self) -> Option<&crate::TlsInfo> {
        self.client_info.tls.as_ref()
    }

    /// Puts `layer` around what is served and called on this one connection from now on, within those
    /// of the whole server and those that were added before. Without effect when the hook has ended.
    pub fn layer(&self, layer: impl Layer) {
        if let Some(endpoint) = &*self.endpoint.lock().unwrap() {
            endpoint.add_layer(layer);
        }
    }

    /// Makes the server a plain JSON-RPC 2.0 peer on this one connection, as [`ServerBuilder::plain`](crate::ServerBuilder::plain)
    /// does on all: for a client that asks by `Rpc-Hello` but cannot take what that leads to. Without effect when the
    /// hook has ended.
    pub fn plain(&self) {
        if let Some(endpoint) = &*self.endpoint.lock().unwrap() {
            endpoint.set_plain();
        }
    }

    /// Has both ends speak `dialect` on this one connection, whatever [`ServerBuilder::dialect`](crate::ServerBuilder::dialect)
    /// says. Without effect when the hook has ended.
    ///
    /// # Panics
    /// If a service of the server offers a name that the dialect has for itself ([`Dialect::check`]): then the client is
    /// answered 500.
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
        spoken.expect("no service has a name of the dialect's"); // without the lock, which is not to be poisoned
    }

    /// Sends each message of this one connection as one WebSocket frame, as
    /// [`ServerBuilder::whole_frames`](crate::ServerBuilder::whole_frames) does on all: for a client that knows no continuation. Without
    /// effect when the hook has ended.
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

    /// Takes requests and notifications without the member `jsonrpc` on this one connection, as
    /// [`ServerBuilder::jsonrpc_optional`](crate::ServerBuilder::jsonrpc_optional) does on all. Without effect when the hook has ended.
    pub fn jsonrpc_optional(&self) {
        if let Some(endpoint) = &*self.endpoint.lock().unwrap() {
            endpoint.set_jsonrpc_optional();
        }
    }

    /// The other end of the connection to be. What is sent to it waits until there is one, and
    /// fails if there will be none.
    ///
    /// So do not await a call here: it would wait for the end of this very hook, and both for the
    /// end of the handshake's time. Spawn it, or keep the [`Call`](rpc_core::Call) started.
    pub fn peer(&self) -> Peer {
        self.peer.clone()
    }
}

/// Without headers and query: they hold credentials.
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
        Connecting::new(request, client_info, None, None, endpoint)
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
