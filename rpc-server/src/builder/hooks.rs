//! The settings for the life of a connection: the hooks of the application, and what outlives a link.

use std::any::Any;

use rpc_core::{CloseReason, Link, Peer};

use super::ServerBuilder;
use crate::connecting::Connecting;
use crate::rejection::Rejection;
use crate::sessions::Sessions;

impl ServerBuilder {
    /// Decides who may connect, and which caller a connection has. `hook` gets each request for a connection. If `hook`
    /// returns `Ok`, the value becomes the caller value of the connection, which handlers read by
    /// [`Context::caller`](rpc_core::Context::caller). If `hook` returns a [`Rejection`], the server answers the client
    /// with the rejection. Without a hook every client may connect. If a service
    /// [asks for callers](rpc_core::Service::requires_caller) of another type than `S`, the server does not start
    /// ([`Error::Caller`](crate::Error::Caller)).
    ///
    /// The server drops the future of `hook` and closes the connection if the whole handshake takes longer than
    /// [`handshake`](rpc_core::Limits::handshake) (10 s), if the client goes away, or if the server shuts down. If
    /// `hook` panics, the server answers 500.
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

    /// Lets sessions outlive their links. A client that asks for a session keeps the session when its link breaks, for
    /// [`session_keep`](rpc_core::Limits::session_keep) (120 s): its peer, calls, handlers, streams, groups and values.
    /// The client resumes the session over another link if the client is the same caller: see [`Sessions`]. By default
    /// no session outlives its link.
    ///
    /// While a session is without a link, the limits that begin with `away_` of [`Limits`](rpc_core::Limits) hold. A
    /// guest has no session before the login. Clients that know nothing of sessions are served as ever.
    ///
    /// ```
    /// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use rpc_server::{Connecting, Rejection, Server, Sessions, StatusCode};
    ///
    /// struct User { id: u64 }
    ///
    /// let server = Server::builder()
    ///     .on_connect(|connecting: Connecting| async move {
    ///         let id = connecting.header("x-user").and_then(|id| id.parse().ok());
    ///         let id = id.ok_or_else(|| Rejection::new(StatusCode::UNAUTHORIZED, "who are you?"))?;
    ///         Ok(User { id })
    ///     })
    ///     .sessions(Sessions::new().same(|old: &User, new: &User| old.id == new.id))
    ///     .bind("127.0.0.1:0").await?.spawn();
    /// assert_eq!(server.stats().sessions.up, 0);
    /// # Ok(()) }
    /// ```
    pub fn sessions(mut self, sessions: Sessions) -> Self {
        self.sessions = Some(sessions);
        self
    }

    /// Sets how the caller values of [`on_connect`](Self::on_connect) are compared, where a request must be of the same
    /// caller as an earlier one: to resume a [session](Self::sessions), and for the requests of a link over [server-sent
    /// events](Self::sse). Without it the names of [`Peer::identify`] must be equal. The comparison should be quick. A
    /// panic counts as another caller.
    ///
    /// ```
    /// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use rpc_server::{Connecting, Rejection, Server, StatusCode};
    ///
    /// struct User { id: u64 }
    ///
    /// let server = Server::builder()
    ///     .on_connect(|connecting: Connecting| async move {
    ///         let id = connecting.header("x-user").and_then(|id| id.parse().ok());
    ///         let id = id.ok_or_else(|| Rejection::new(StatusCode::UNAUTHORIZED, "who are you?"))?;
    ///         Ok(User { id })
    ///     })
    ///     .same_caller(|old: &User, new: &User| old.id == new.id)
    ///     .sse(true)
    ///     .bind("127.0.0.1:0").await?.spawn();
    /// # drop(server);
    /// # Ok(()) }
    /// ```
    pub fn same_caller<S: Any + Send + Sync>(
        mut self,
        same: impl Fn(&S, &S) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.callers = Sessions::new().same(same);
        self
    }

    /// Runs `hook` at the beginning of each session: once for each connection, before the first request is served. A
    /// link that resumes a session does not run the hook again. `on_disconnect` runs once for each run of this hook. So
    /// what belongs to a user who is here goes into these two hooks. `hook` may call the client.
    ///
    /// Requests wait until the future of the hook has ended, for at most [`handshake`](rpc_core::Limits::handshake) (10
    /// s): then the server drops the future. If the hook panics, the panic hook reports the panic, and the connection
    /// goes on. Not run for messages by [`POST`](Self::post).
    pub fn on_open<F>(mut self, hook: impl Fn(Peer) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.hooks.set_on_open(hook);
        self
    }

    /// Calls `hook` when a session loses its link ([`Link::Away`]) and when another link resumes the session
    /// ([`Link::Up`]). The task of the connection calls the hook, so the hook should be quick. If the hook panics, the
    /// connection goes on.
    pub fn on_link(mut self, hook: impl Fn(Peer, Link) + Send + Sync + 'static) -> Self {
        self.hooks.set_on_link(hook);
        self
    }

    /// Runs `hook` when a connection has ended: once for each connection that [`on_connect`](Self::on_connect) has
    /// admitted, even if the client did not wait for the end of the handshake.
    ///
    /// When `hook` runs, calls on the [`Peer`] fail, the peer has left its groups, a lookup by name does not find the
    /// peer any more, and the socket is closed. [`Peer::namesakes`] returns the other connections of the same user. The
    /// connection still counts for [`connections`](rpc_core::Limits::connections), and
    /// [`shutdown`](crate::Server::shutdown) waits for `hook`. So the server drops the future of `hook` if it takes
    /// longer than [`close`](rpc_core::Limits::close) (5 s). If `hook` panics, the panic hook reports the panic, and
    /// nothing else happens.
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
}
