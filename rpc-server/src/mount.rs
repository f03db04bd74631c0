//! [`RpcService`], a server that is mounted in an app of axum or hyper, as a tower service.

use std::convert::Infallible;
use std::fmt;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{Extensions, Request, Response};
use http_body_util::Full;
use hyper::body::Body as HttpBody;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use rpc_core::Limits;
use rpc_core::internal::LogThrottle;
use rpc_core::transport::{Endpoint, Role, WebSocket};
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::admission::{self, Admission};
use crate::admit::Wish;
use crate::body::Body;
use crate::client_info::{ClientInfo, Way, is_loopback};
use crate::post;
use crate::probes;
use crate::refusal::Refusal;
use crate::rejection::Rejection;
use crate::request_kind::RequestKind;
use crate::serve::Admitted;
use crate::server::Server;
use crate::shared::Shared;
use crate::sse::{preflight, read_hello};

/// A server as a tower service, to be mounted in an app.
/// [`ServerBuilder::into_tower_service`](crate::ServerBuilder::into_tower_service) makes an `RpcService`. Clones are
/// handles to the same server.
///
/// The app's own middleware runs first. [`on_connect`](crate::ServerBuilder::on_connect) finds the extensions that the
/// middleware has set in [`Connecting::request`](crate::Connecting::request). The server serves every request that the
/// app routes to the service. The connections count for the limits of this server, and [`shutdown`](Server::shutdown)
/// on the [`handle`](Self::handle) ends the connections.
///
/// The app is responsible for three things:
///
/// - the size of a request's head, and the time that the head may take;
/// - the TCP keepalive of clients that wait for the answer to a `POST`;
/// - TLS: call [`secure`](crate::ServerBuilder::secure) if the app speaks TLS.
///
/// In axum:
///
/// ```
/// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::net::SocketAddr;
///
/// use axum::extract::ConnectInfo;
/// use axum::routing::get;
/// use rpc_client::Client;
/// use rpc_core::{Context, Router};
/// use rpc_server::Server;
/// use tokio::net::TcpListener;
///
/// let add = |_: Context, (a, b): (i64, i64)| async move { Ok(a + b) };
/// let rpc = Server::builder().service(Router::new().method("add", add)).into_tower_service()?;
/// let rpc = rpc.remote_addr(|extensions| Some(extensions.get::<ConnectInfo<SocketAddr>>()?.0));
/// let server = rpc.handle();
/// let app = axum::Router::new()
///     .route("/", get(|| async { "a page" }))
///     .route_service("/rpc", rpc)
///     .into_make_service_with_connect_info::<SocketAddr>();
/// let listener = TcpListener::bind("127.0.0.1:0").await?;
/// let url = format!("ws://{}/rpc", listener.local_addr()?);
/// tokio::spawn(axum::serve(listener, app).into_future());
///
/// let client = Client::builder().connect(url).await?;
/// assert_eq!(client.peer().call::<i64>("add", (1, 2)).await?, 3);
/// server.stop().await; // before the app stops, which knows nothing of WebSockets
/// # Ok(()) }
/// ```
///
/// In hyper: `TowerToHyperService::new(rpc)` of hyper-util, on a connection that is served `.with_upgrades()`.
#[derive(Clone)]
pub struct RpcService {
    shared: Arc<Shared>,
    remote_addr: RemoteAddr,
}

type RemoteAddr = Arc<dyn Fn(&Extensions) -> Option<SocketAddr> + Send + Sync>;

impl RpcService {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, remote_addr: Arc::new(|_| None) }
    }

    /// Sets how the remote address of a connection is found in the extensions of its request.
    ///
    /// Without `remote_addr`, [`Connecting::remote_addr`](crate::Connecting::remote_addr) is `None`, and there are no
    /// limits for each address. And every connection counts as a connection over a loopback address: its `Host` must be
    /// `localhost`, a loopback address, or an [allowed](crate::ServerBuilder::allow_hosts) name.
    #[must_use]
    pub fn remote_addr(
        mut self,
        of: impl Fn(&Extensions) -> Option<SocketAddr> + Send + Sync + 'static,
    ) -> Self {
        self.remote_addr = Arc::new(of);
        self
    }

    /// Returns a handle to the server.
    pub fn handle(&self) -> Server {
        Server::new(self.shared.clone())
    }

    async fn answer<B>(self, request: Request<B>) -> Response<Body>
    where
        B: HttpBody<Data: Send> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (head, body) = request.into_parts();
        let remote = (self.remote_addr)(&head.extensions);
        let client_info = ClientInfo::new(remote, Way::over(remote.is_none_or(is_loopback)));
        let page = self.shared.page_of(&head, &client_info);
        let answer = self.respond(head, body, &client_info).await;
        let mut response = answer.unwrap_or_else(|rejection| {
            self.shared.totals.refused();
            rejection.into_response_to(&client_info).map(Body::from)
        });
        if let Some(page) = page {
            page.show(&mut response);
        }
        response
    }

    async fn respond<B>(
        &self,
        mut head: Parts,
        body: B,
        client_info: &ClientInfo,
    ) -> Result<Response<Body>, Rejection>
    where
        B: HttpBody<Data: Send> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        match self.shared.classify(&head, !body.is_end_stream(), client_info)? {
            RequestKind::WebSocket(upgrade) => {
                let socket = head.extensions.remove::<OnUpgrade>();
                let socket = socket.ok_or_else(no_upgrade)?;
                let (shared, mut admission) = (self.shared.clone(), self.take(client_info)?);
                let wish = Wish::WebSocket(&upgrade);
                match self.admit(head, client_info, &mut admission, wish).await {
                    Ok(endpoint) => {
                        let is_resuming = shared.takes_resume(&upgrade);
                        let response = upgrade.response(endpoint.is_extended());
                        let admitted = Admitted { endpoint, is_resuming };
                        tokio::spawn(carry(shared, admitted, admission, socket));
                        Ok(response.map(Body::from))
                    }
                    Err(rejection) => {
                        let refusal = rejection.into_refusal_of(&upgrade, client_info)?;
                        shared.totals.refused();
                        tokio::spawn(refuse(shared, refusal, admission, socket));
                        Ok(upgrade.response(false).map(Body::from))
                    }
                }
            }
            RequestKind::Call => {
                let mut admission = self.take(client_info)?;
                let wish = Wish::Answer;
                let endpoint = self.admit(head, client_info, &mut admission, wish).await?;
                self.call(endpoint, admission, body).await.map(|answer| answer.map(Body::from))
            }
            RequestKind::OpenLink => {
                let shared = &self.shared;
                let mut admission = self.take(client_info)?;
                let opening = read_hello(shared.limits(), &head.headers, body).await?;
                let wish = Wish::Link { resumes: opening.resumes };
                let endpoint = self.admit(head, client_info, &mut admission, wish).await?;
                shared.check_opener(&endpoint)?;
                shared.open_link(endpoint, admission, opening)
            }
            RequestKind::OfLink(request) => {
                let shared = &self.shared;
                let is_known = shared.knows_link(&request);
                let admission = (!is_known).then(|| self.take(client_info)).transpose()?;
                let link = self
                    .unless_stopped(shared.find_link(head, client_info, admission, &request))
                    .await?;
                shared.answer_of_link(link, request, body).await
            }
            RequestKind::Preflight => Ok(preflight(&head.headers).map(Body::from)),
            RequestKind::Health => Ok(probes::health().map(Body::from)),
            RequestKind::Readiness => Ok(probes::readiness(&self.shared).map(Body::from)),
        }
    }

    fn take(&self, client_info: &ClientInfo) -> Result<Admission, Rejection> {
        Admission::take(&self.shared, client_info).ok_or_else(admission::full)
    }

    /// Admits the client, unless that takes too long or the server stops.
    async fn admit(
        &self,
        head: Parts,
        client_info: &ClientInfo,
        admission: &mut Admission,
        wish: Wish<'_>,
    ) -> Result<Endpoint, Rejection> {
        self.unless_stopped(self.shared.admit(head, client_info, admission, wish)).await
    }

    /// Waits for the check of a client, unless that takes too long or the server stops.
    async fn unless_stopped<T>(
        &self,
        checking: impl Future<Output = Result<T, Rejection>>,
    ) -> Result<T, Rejection> {
        let mut member = self.shared.lifecycle.join();
        let admitted = timeout(self.shared.limits().handshake, checking);
        tokio::select! {
            biased;
            () = member.stopped() => Err(unavailable("shutting down")),
            admitted = admitted => admitted.unwrap_or_else(|_| Err(unavailable("took too long"))),
        }
    }

    /// Serves a single message in a task of its own. So `on_disconnect` also runs if the app drops the request because
    /// the client has gone.
    async fn call<B>(
        &self,
        endpoint: Endpoint,
        admission: Admission,
        body: B,
    ) -> Result<Response<Full<Bytes>>, Rejection>
    where
        B: HttpBody<Data: Send> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (mut answer, answered) = oneshot::channel();
        let shared = self.shared.clone();
        tokio::spawn(async move {
            let peer = endpoint.peer();
            let response = tokio::select! {
                () = answer.closed() => None,
                response = Box::pin(post::answer(&shared, endpoint, body)) => Some(response),
            };
            if let Some(response) = response {
                // The send fails if the app has dropped the request: then nobody waits for the response.
                let _ = answer.send(response);
            }
            shared.settle(peer, true).await;
            drop(admission);
        });
        answered.await.unwrap_or_else(|_| Err(unavailable("stopped")))
    }
}

/// Carries a WebSocket, as soon as the app's HTTP server hands the stream over.
async fn carry(shared: Arc<Shared>, admitted: Admitted, admission: Admission, socket: OnUpgrade) {
    let socket = websocket(&shared, socket, &admitted.endpoint.limits()).await;
    shared.serve(admitted, socket, admission).await;
}

/// Closes a WebSocket, as soon as the app's HTTP server hands the stream over.
async fn refuse(shared: Arc<Shared>, refusal: Refusal, admission: Admission, socket: OnUpgrade) {
    let limits = shared.limits();
    if let Some(socket) = websocket(&shared, socket, limits).await {
        refusal.tell(*socket, limits.close).await;
    }
    drop(admission);
}

/// Waits for the stream of a WebSocket. `None` if it does not come in time, or if the server stops.
async fn websocket(
    shared: &Shared,
    socket: OnUpgrade,
    limits: &Limits,
) -> Option<Box<WebSocket<TokioIo<Upgraded>>>> {
    let mut member = shared.lifecycle.join();
    let socket = tokio::select! {
        biased;
        () = member.stopped() => None,
        socket = timeout(shared.limits().handshake, socket) => socket.ok(),
    };
    let io = TokioIo::new(socket?.ok()?);
    Some(Box::new(WebSocket::new(io, Role::Server, Bytes::new(), limits)))
}

fn unavailable(text: &'static str) -> Rejection {
    Rejection::new(http::StatusCode::SERVICE_UNAVAILABLE, text).retry_after(Duration::from_secs(1))
}

fn no_upgrade() -> Rejection {
    static THROTTLE: LogThrottle = LogThrottle::new();
    if let Some(left_out) = THROTTLE.allow() {
        tracing::error!(
            left_out,
            "the server of the app hands over no connections: serve it `with_upgrades`"
        );
    }
    Rejection::new(http::StatusCode::INTERNAL_SERVER_ERROR, "internal error")
}

impl<B> tower_service::Service<Request<B>> for RpcService
where
    B: HttpBody<Data: Send> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let answer = self.clone().answer(request);
        Box::pin(async { Ok(answer.await) })
    }
}

impl fmt::Debug for RpcService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RpcService").field(&self.handle()).finish()
    }
}
