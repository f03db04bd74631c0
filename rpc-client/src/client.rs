//! [`Client`], a connection to a server.

use rpc_core::transport::Endpoint;
use rpc_core::{CloseCode, CloseReason, Peer};

use crate::builder::ClientBuilder;
use crate::handshake::Agreed;
use crate::socket::Socket;

/// A connection to a server.
///
/// Dropping the `Client` closes the connection, with code 1000 and without waiting. [`Peer`]s can be cloned and passed
/// on, but they do not keep the connection open. So `connect(…).await?.peer()` returns the peer of a closed connection.
/// Calls on such a peer fail, and the error names this reason.
///
/// A task carries the connection, on the runtime that ran [`connect`](ClientBuilder::connect). Calls may be made from
/// anywhere. But while that runtime does not run (a current-thread runtime outside of its `block_on`), no call ends,
/// not even by its timeout.
///
/// ```
/// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let server = rpc_core::Router::new().method("add", |_: rpc_core::Context, (a, b): (i64, i64)| async move { Ok(a + b) });
/// # let server = rpc_server::Server::builder().service(server).bind("127.0.0.1:0").await?.spawn();
/// # let url = server.url();
/// use rpc_client::Client;
///
/// let client = Client::builder()
///     .header("authorization", "Bearer 0815")
///     .connect(&url) // such as `ws://127.0.0.1:9944`
///     .await?;
/// let peer = client.peer();
/// assert_eq!(peer.call::<i64>("add", (1, 2)).await?, 3);
/// assert_eq!(client.close().await.to_string(), "closed by this end with code 1000");
/// assert!(peer.call::<i64>("add", (1, 2)).await.is_err());
/// # Ok(()) }
/// ```
#[derive(Debug)]
#[must_use = "dropping it closes the connection"]
pub struct Client {
    peer: Peer,
    subprotocol: Option<Box<str>>,
}

impl Client {
    /// Returns the settings of a new client, with their defaults.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::new()
    }

    pub(crate) fn start(endpoint: Endpoint, socket: Socket) -> Self {
        let peer = endpoint.peer();
        let Agreed { subprotocol, .. } = socket.spawn(endpoint);
        Self { peer, subprotocol }
    }

    /// Returns the server as a peer, whose methods can be called.
    pub fn peer(&self) -> Peer {
        self.peer.clone()
    }

    /// Returns the subprotocol that the server has picked from those that the client
    /// [offers](ClientBuilder::subprotocol). `None` if the server has picked none.
    ///
    /// ```
    /// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use rpc_client::Client;
    /// use rpc_server::Server;
    ///
    /// let server = Server::builder().subprotocol("mcp").bind("127.0.0.1:0").await?.spawn();
    /// let client = Client::builder().subprotocol("acp").subprotocol("mcp").connect(server.url()).await?;
    /// assert_eq!(client.subprotocol(), Some("mcp"));
    /// # Ok(()) }
    /// ```
    pub fn subprotocol(&self) -> Option<&str> {
        self.subprotocol.as_deref()
    }

    /// Closes the connection with code 1000, waits until the connection has ended, and returns how it ended. That takes
    /// at most [`close`](rpc_core::Limits::close) of the limits (5 s). If the connection had ended before, the result
    /// is the earlier reason. Calls without an answer fail. Cancel safe: if the future is dropped, the connection is
    /// closed all the same.
    pub async fn close(self) -> CloseReason {
        self.peer.close(CloseCode::NORMAL, "");
        self.peer.closed().await
    }

    /// Waits until the connection has ended, and returns how it ended. Cancel safe.
    pub async fn closed(&self) -> CloseReason {
        self.peer.closed().await
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.peer.close_dropped();
    }
}
