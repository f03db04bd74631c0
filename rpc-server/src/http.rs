//! The HTTP part of a connection that the server itself has accepted: one request, one answer.

use std::convert::Infallible;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, HeaderValue};
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rpc_core::Peer;
use rpc_core::internal::Escaped;
use rpc_core::transport::{Endpoint, Role, WebSocket};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy, sink};
use tokio::time::timeout;

use crate::admission::Admission;
use crate::client_info::ClientInfo;
use crate::deadline::Deadline;
use crate::lifecycle::Member;
use crate::listener::Socket;
use crate::post;
use crate::probes;
use crate::refusal::Refusal;
use crate::rejection::Rejection;
use crate::request_kind::RequestKind;
use crate::serve::Admitted;
use crate::shared::Shared;
use crate::upgrade::Upgrade;

/// Largest head of a request in bytes. hyper accepts no smaller limit.
const HEAD: usize = 8 * 1024;

/// Largest number of headers of a request.
const HEADERS: usize = 64;

/// How many bytes the server still reads from a refused client, and for how long.
const LINGER: (u64, Duration) = (256 * 1024, Duration::from_secs(2));

/// One exchange of a request and an answer, with the data that the answer depends on.
pub(crate) struct Exchange<'a> {
    shared: Arc<Shared>,
    client_info: ClientInfo,
    deadline: Deadline,
    /// Taken by the first request.
    admission: Mutex<Option<&'a mut Admission>>,
    exchanged: Mutex<&'a mut Exchanged>,
}

/// The result of an exchange, which is also known if the exchange is aborted.
pub(crate) enum Exchanged {
    /// The client was refused.
    Refused,
    /// The client was refused, and gets a WebSocket that is closed at once.
    RefusedByClose(Refusal),
    /// A health or readiness probe was answered.
    Probe,
    /// The client was admitted, and gets a WebSocket.
    Upgraded(Admitted),
    /// The client was admitted, and has sent a single message.
    Post(Peer),
}

impl<'a> Exchange<'a> {
    /// Makes an exchange. `admission` and `exchanged` outlive the exchange, so that the caller has them if the exchange
    /// is aborted.
    pub(crate) fn new(
        shared: Arc<Shared>,
        client_info: ClientInfo,
        deadline: Deadline,
        admission: &'a mut Admission,
        exchanged: &'a mut Exchanged,
    ) -> Self {
        Self {
            shared,
            client_info,
            deadline,
            admission: Mutex::new(Some(admission)),
            exchanged: Mutex::new(exchanged),
        }
    }

    /// Answers one request. Returns the WebSocket if the request was an upgrade, and `None` otherwise. Dropping the
    /// future closes the connection.
    pub(crate) async fn run<S: Socket>(&self, stream: S) -> Option<WebSocket<S>> {
        let service = service_fn(|request| Box::pin(self.answer(request)));
        let mut http = http1::Builder::new()
            .max_buf_size(HEAD)
            .max_headers(HEADERS)
            // The deadline covers the whole handshake. This timeout would only cost one more timer.
            .header_read_timeout(None)
            .serve_connection(TokioIo::new(stream), service);
        // hyper's upgrade machinery is for code that does not hold the connection.
        let result = poll_fn(|cx| http.poll_without_shutdown(cx)).await;
        let parts = http.into_parts();
        let stream = parts.io.into_inner();
        if let Err(error) = &result {
            tracing::debug!(remote = ?self.client_info.remote, error = %Escaped(error), "not a request");
        }
        let limits = match &**self.exchanged() {
            Exchanged::Upgraded(admitted) if result.is_ok() => Some(admitted.endpoint.limits()),
            Exchanged::RefusedByClose(_) if result.is_ok() => {
                Some(self.shared.settings.config.limits.clone())
            }

            _ => None,
        };
        let Some(limits) = limits else {
            linger(&self.shared, stream).await;
            return None;
        };
        Some(WebSocket::new(stream, Role::Server, parts.read_buf, &limits))
    }

    /// Waits until the exchange must be aborted because the server stops. A client that waits for an answer has more
    /// time: its handlers may run as long as all other handlers, and sending the answer may take as long as a close.
    pub(crate) async fn broken_off(&self, member: &mut Member) {
        member.stopped().await;
        if matches!(&**self.exchanged(), Exchanged::Probe | Exchanged::Post(_)) {
            member.overdue(self.shared.limits().close).await;
        }
    }

    fn exchanged(&self) -> MutexGuard<'_, &'a mut Exchanged> {
        self.exchanged.lock().unwrap()
    }

    async fn answer(
        &self,
        request: Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, Infallible> {
        let refused = |rejection: Rejection| rejection.into_response_to(&self.client_info);
        let mut response = self.respond(request).await.unwrap_or_else(refused);
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        Ok(response)
    }

    async fn respond(
        &self,
        request: Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, Rejection> {
        let (head, body) = request.into_parts();
        match self.shared.classify(&head, !body.is_end_stream(), &self.client_info)? {
            RequestKind::WebSocket(upgrade) => {
                let (exchanged, knows) = match self.admit(head, Some(&upgrade)).await {
                    Ok(endpoint) => {
                        let knows = endpoint.is_extended();
                        let is_resuming = self.shared.takes_resume(&upgrade);
                        (Exchanged::Upgraded(Admitted { endpoint, is_resuming }), knows)
                    }
                    Err(rejection) => {
                        let refusal = rejection.into_refusal_of(&upgrade, &self.client_info)?;
                        (Exchanged::RefusedByClose(refusal), false)
                    }
                };
                **self.exchanged() = exchanged;
                Ok(upgrade.response(knows))
            }
            RequestKind::Call => {
                let endpoint = self.admit(head, None).await?;
                self.call(endpoint, body).await
            }
            RequestKind::Health => self.look(probes::health()),
            RequestKind::Readiness => self.look(probes::readiness(&self.shared)),
        }
    }

    async fn admit(
        &self,
        head: http::request::Parts,
        upgrade: Option<&Upgrade>,
    ) -> Result<Endpoint, Rejection> {
        let admission = self.admission.lock().unwrap().take();
        let admission =
            admission.expect("each answer but the one to a handshake closes the connection");
        self.shared.admit(head, &self.client_info, admission, upgrade).await
    }

    /// Serves a single message. Its handlers have their own deadlines, and the client has the time `slow_reader` to
    /// read the answer.
    async fn call(
        &self,
        endpoint: Endpoint,
        body: Incoming,
    ) -> Result<Response<Full<Bytes>>, Rejection> {
        **self.exchanged() = Exchanged::Post(endpoint.peer());
        self.deadline.set(None);
        let response = post::answer(&self.shared, endpoint, body).await;
        self.deadline.set(Some(self.shared.limits().slow_reader));
        response
    }

    fn look(&self, response: Response<Full<Bytes>>) -> Result<Response<Full<Bytes>>, Rejection> {
        **self.exchanged() = Exchanged::Probe;
        Ok(response)
    }
}

/// Ends the sending half of the connection, then reads for a while. Closing a socket with unread bytes resets the
/// connection, and the reset may overtake the answer. A server that has stopped does not wait for this.
pub(crate) async fn linger<S: Socket>(shared: &Shared, mut stream: S) {
    let (mut member, (bytes, time)) = (shared.lifecycle.join(), LINGER);
    // Errors do not matter any more: the answer has been sent.
    let reading = timeout(time, async {
        stream.shutdown().await?;
        copy(&mut stream.take(bytes), &mut sink()).await
    });
    tokio::select! {
        // Biased, so that the bytes that have arrived are read in any case.
        biased;
        _ = reading => {}
        () = member.overdue(Duration::ZERO) => {}
    }
}
