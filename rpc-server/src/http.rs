//! The HTTP part of a connection: one request, one answer.

use std::convert::Infallible;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rpc_core::{Endpoint, Role, WebSocket};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy, sink};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::connecting::Connecting;
use crate::rejection::Rejection;
use crate::shared::Shared;
use crate::upgrade::Upgrade;

/// Bytes of a request's head; hyper takes no smaller number.
const HEAD: usize = 8 * 1024;

/// Headers of a request.
const HEADERS: usize = 64;

/// So much is still read from a client that was refused, and for so long.
const LINGER: (u64, Duration) = (256 * 1024, Duration::from_secs(2));

/// What the answer to a request depends on.
pub(crate) struct Exchange {
    pub(crate) shared: Arc<Shared>,
    pub(crate) remote: SocketAddr,
    /// Whether there is room for this connection.
    pub(crate) is_served: bool,
    /// Where the endpoint of a client that was let in is put. Outside of all that may be stopped at
    /// any moment, so that who was let in is known to have been.
    pub(crate) accepted: Arc<Mutex<Option<Endpoint>>>,
}

impl Exchange {
    /// Answers the request that comes; `None` if that was not the beginning of a WebSocket. May be
    /// dropped at any point, which closes the connection.
    pub(crate) async fn run(self, stream: TcpStream) -> Option<WebSocket<TcpStream>> {
        let service = service_fn(|request| Box::pin(self.answer(request)));
        let mut http = http1::Builder::new()
            .max_buf_size(HEAD)
            .max_headers(HEADERS)
            // There is a limit on the whole, so this one would only need a timer more.
            .header_read_timeout(None)
            .serve_connection(TokioIo::new(stream), service);
        // Not hyper's upgrade machinery: that is for tasks that do not have the connection at hand.
        let result = poll_fn(|cx| http.poll_without_shutdown(cx)).await;
        let parts = http.into_parts();
        let stream = parts.io.into_inner();
        if let Err(error) = &result {
            tracing::debug!(remote = %self.remote, %error, "not a handshake");
        }
        if result.is_err() || self.accepted.lock().unwrap().is_none() {
            linger(stream).await;
            return None;
        }
        let limits = &self.shared.setup.limits;
        Some(WebSocket::new(stream, Role::Server, parts.read_buf, limits))
    }

    async fn answer(
        &self,
        request: Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, Infallible> {
        Ok(self.let_in(request).await.unwrap_or_else(|rejection| {
            // Nothing of the request: its query and headers hold credentials.
            let (status, text) = (rejection.status(), rejection.text());
            tracing::debug!(remote = %self.remote, %status, text, "refused");
            rejection.into_response()
        }))
    }

    async fn let_in(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Rejection> {
        let upgrade = Upgrade::of(&request, self.shared.path.as_deref())?;
        self.shared.origins.check(request.headers(), self.shared.address)?;
        if !self.is_served {
            let text = "there are as many connections as there may be";
            return Err(Rejection::new(StatusCode::SERVICE_UNAVAILABLE, text));
        }
        let endpoint = Endpoint::new(self.shared.setup.clone());
        let connecting = Connecting::new(request.map(drop), self.remote, endpoint);
        let endpoint = self.shared.hooks.connect(connecting).await?;
        *self.accepted.lock().unwrap() = Some(endpoint);
        Ok(upgrade.response())
    }
}

/// Says that nothing more comes, then reads on a little: to close a socket with unread bytes in it
/// resets the connection, and the reset may overtake the answer.
async fn linger(mut stream: TcpStream) {
    let (bytes, time) = LINGER;
    // Whatever goes wrong now, the answer has been given.
    let _ = timeout(time, async {
        stream.shutdown().await?;
        copy(&mut stream.take(bytes), &mut sink()).await
    })
    .await;
}
