//! A client that is connected.

use rpc_core::{CloseCode, CloseReason, Endpoint, Peer};

use crate::builder::Builder;
use crate::socket::Socket;

/// A connection to a server.
///
/// It belongs to this value: dropping it closes the connection, with 1000 and without waiting.
/// [`Peer`]s can be cloned and handed around; they do not keep the connection, so
/// `connect(…).await?.peer()` is a peer of one that is closed, and calls on it fail with that reason.
///
/// It is carried by a task of the runtime on which [`connect`](Builder::connect) ran, wherever calls are
/// made: while that runtime does not run, as a current-thread one outside of its `block_on`, calls do not
/// end, not even by their timeouts.
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
}

impl Client {
    /// Settings for a client.
    pub fn builder() -> Builder {
        Builder::new()
    }

    pub(crate) fn start(endpoint: Endpoint, socket: Socket) -> Self {
        let peer = endpoint.peer();
        socket.spawn(endpoint);
        Self { peer }
    }

    /// The server: what it offers can be called.
    pub fn peer(&self) -> Peer {
        self.peer.clone()
    }

    /// Closes the connection with 1000 and waits until it is gone, at the latest after
    /// [`close`](rpc_core::Limits::close) of the limits (5 s). Says how it ended, which may have
    /// been before. Calls without an answer fail. May be dropped at any point; the connection is
    /// closed all the same.
    pub async fn close(self) -> CloseReason {
        self.peer.close(CloseCode::NORMAL, "");
        self.peer.closed().await
    }

    /// Waits until the connection is gone; says how it ended. May be dropped at any point.
    pub async fn closed(&self) -> CloseReason {
        self.peer.closed().await
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.peer.close_dropped();
    }
}
