//! Someone who wants to connect.

use std::borrow::Cow;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use http::{HeaderMap, Method, Request, Uri};
use rpc_core::{Endpoint, Layer, Peer};

/// Someone who wants to connect, as [`on_connect`](crate::Builder::on_connect) sees them: the whole
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
///         Ok(cx.session::<User>().map(|user| user.0.clone()))
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
    remote: SocketAddr,
    peer: Peer,
    /// Where layers can be added, until the hook has ended.
    endpoint: Door,
}

/// The endpoint of a connection that may come to be, while its hook decides about it.
pub(crate) type Door = Arc<Mutex<Option<Endpoint>>>;

impl Connecting {
    pub(crate) fn new(request: Request<()>, remote: SocketAddr, endpoint: Endpoint) -> Self {
        let peer = endpoint.peer();
        Self { request, remote, peer, endpoint: Arc::new(Mutex::new(Some(endpoint))) }
    }

    pub(crate) fn door(&self) -> Door {
        self.endpoint.clone()
    }

    /// The whole request.
    pub fn request(&self) -> &Request<()> {
        &self.request
    }

    /// Always GET: other methods were refused.
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

    /// The value of a header, the first if there are several; `None` if there is none, or it is not
    /// visible ASCII.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers().get(name)?.to_str().ok()
    }

    /// The value of a parameter of the query (`?name=value`), decoded, the first if there are
    /// several. Browsers cannot set headers, so this is where they put a token.
    pub fn query(&self, name: &str) -> Option<Cow<'_, str>> {
        let query = self.uri().query()?;
        let mut parameters = form_urlencoded::parse(query.as_bytes());
        parameters.find_map(|(key, value)| (key == name).then_some(value))
    }

    /// Where the TCP connection comes from; behind a proxy that is the proxy.
    pub fn remote_addr(&self) -> SocketAddr {
        self.remote
    }

    /// Puts `layer` around what is served and called on this one connection from now on, within those
    /// of the whole server and those that were added before. Without effect when the hook has ended.
    pub fn layer(&self, layer: impl Layer) {
        if let Some(endpoint) = &*self.endpoint.lock().unwrap() {
            endpoint.add_layer(layer);
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
            .field("remote", &self.remote)
            .field("path", &self.uri().path())
            .field("peer", &self.peer.id())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use rpc_core::{Endpoint, Limits, Router, Setup};

    use super::*;

    fn connecting(request: Request<()>) -> Connecting {
        let endpoint = Endpoint::new(Setup::new(Router::new(), Limits::server()));
        Connecting::new(request, ([127, 0, 0, 1], 9).into(), endpoint)
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
