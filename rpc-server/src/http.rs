//! The HTTP part of a connection that the server itself has accepted: one request and its answer, or several of links.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, HeaderValue};
use http::request::Parts;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rpc_core::Peer;
use rpc_core::internal::Escaped;
use rpc_core::transport::{Endpoint, Role, WebSocket};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy, sink};
use tokio::time::timeout;

use crate::admission::{self, Admission};
use crate::admit::Wish;
use crate::body::Body;
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
use crate::sse::{IDLE, LinkRequest, StreamAnswer, preflight, read_hello};

/// Largest head of a request in bytes. hyper accepts no smaller limit.
const HEAD: usize = 8 * 1024;

/// Largest number of headers of a request.
const HEADERS: usize = 64;

/// How many bytes the server still reads from a refused client, and for how long.
const LINGER: (u64, Duration) = (256 * 1024, Duration::from_secs(2));

/// The exchanges of requests and answers over one connection, with the data that the answers depend on.
pub(crate) struct Exchange<'a> {
    shared: Arc<Shared>,
    client_info: ClientInfo,
    deadline: Deadline,
    /// The admission of the first request. A later request, which only follows one of a link, takes its own.
    admission: Mutex<Option<&'a mut Option<Admission>>>,
    exchanged: Mutex<&'a mut Exchanged>,
}

/// The result of an exchange, which is also known if the exchange is aborted.
pub(crate) enum Exchanged {
    /// The client was refused.
    Refused,
    /// The client was refused, and gets a WebSocket that is closed at once.
    RefusedByClose(Refusal),
    /// A health or readiness probe was answered, or a question of a browser.
    Probe,
    /// The client was admitted, and gets a WebSocket.
    Upgraded(Admitted),
    /// The client was admitted, and has sent a single message.
    Post(Peer),
    /// Requests of links were answered. Each link has its own task.
    OfLinks,
    /// The client gets the stream of a link.
    Stream(StreamAnswer),
}

/// What an exchange leaves.
pub(crate) enum Left<S> {
    Nothing,
    WebSocket(Box<WebSocket<S>>),
    /// The connection over which the stream of a link is to be written.
    Connection(S),
}

/// The error that takes the connection from hyper: a stream is written by hand.
#[derive(Debug, thiserror::Error)]
#[error("the connection is taken over")]
struct TakenOver;

/// An answer, and whether another request may follow over the same connection.
struct Answer {
    response: Response<Body>,
    keeps_alive: bool,
}

impl Answer {
    fn last(response: Response<Full<Bytes>>) -> Self {
        Self { response: response.map(Body::from), keeps_alive: false }
    }
}

impl<'a> Exchange<'a> {
    /// Makes an exchange. `admission` and `exchanged` outlive the exchange, so that the caller has them if the exchange
    /// is aborted.
    pub(crate) fn new(
        shared: Arc<Shared>,
        client_info: ClientInfo,
        deadline: Deadline,
        admission: &'a mut Option<Admission>,
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

    /// Answers one request, or several of links. Returns what goes on after the last one. Dropping the future closes the
    /// connection.
    pub(crate) async fn run<S: Socket>(&self, stream: S) -> Left<S> {
        let service = service_fn(|request| Box::pin(self.answer(request)));
        let mut http = http1::Builder::new()
            .max_buf_size(HEAD)
            .max_headers(HEADERS)
            // The deadline covers the whole handshake. This timeout would only cost one more timer.
            .header_read_timeout(None)
            .serve_connection(TokioIo::new(stream), service);
        let result = {
            let mut member = self.shared.lifecycle.join();
            let mut stopped = Some(pin!(member.stopped()));
            // hyper's upgrade machinery is for code that does not hold the connection.
            poll_fn(|cx| {
                if let Some(stops) = &mut stopped
                    && stops.as_mut().poll(cx).is_ready()
                {
                    stopped = None;
                    // No request follows the one that is being answered, if there is one.
                    Pin::new(&mut http).graceful_shutdown();
                }
                http.poll_without_shutdown(cx)
            })
            .await
        };
        let parts = http.into_parts();
        let stream = parts.io.into_inner();
        if let Exchanged::Stream(_) = &**self.exchanged() {
            return Left::Connection(stream);
        }
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
            return Left::Nothing;
        };
        Left::WebSocket(WebSocket::new(stream, Role::Server, parts.read_buf, &limits).into())
    }

    /// Waits until the exchange must be aborted because the server stops. A client that waits for an answer has more
    /// time: its handlers may run as long as all other handlers, and sending the answer may take as long as a close.
    pub(crate) async fn broken_off(&self, member: &mut Member) {
        member.stopped().await;
        let has_time = matches!(
            &**self.exchanged(),
            Exchanged::Probe | Exchanged::Post(_) | Exchanged::OfLinks | Exchanged::Stream(_)
        );
        if has_time {
            member.overdue(self.shared.limits().close).await;
        }
    }

    fn exchanged(&self) -> MutexGuard<'_, &'a mut Exchanged> {
        self.exchanged.lock().unwrap()
    }

    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Body>, TakenOver> {
        let (head, body) = request.into_parts();
        let version = head.version;
        let page = self.shared.page_of(&head, &self.client_info);
        let answer = self.respond(head, body).await.unwrap_or_else(|rejection| {
            Answer::last(rejection.into_response_to(&self.client_info))
        });
        let Answer { mut response, keeps_alive } = answer;
        if response.status() != StatusCode::SWITCHING_PROTOCOLS && !keeps_alive {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        if let Some(page) = page {
            page.show(&mut response);
        }
        let (head, body) = response.into_parts();
        match body.into_events() {
            Ok(events) => {
                let answer = StreamAnswer::new(&head.headers, events, version);
                **self.exchanged() = Exchanged::Stream(answer);
                Err(TakenOver)
            }
            Err(body) => Ok(Response::from_parts(head, body)),
        }
    }

    async fn respond(&self, head: Parts, body: Incoming) -> Result<Answer, Rejection> {
        match self.shared.classify(&head, !body.is_end_stream(), &self.client_info)? {
            RequestKind::WebSocket(upgrade) => {
                let (exchanged, knows) = match self.admit(head, Wish::WebSocket(&upgrade)).await {
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
                Ok(Answer::last(upgrade.response(knows)))
            }
            RequestKind::Call => {
                let endpoint = self.admit(head, Wish::Answer).await?;
                self.call(endpoint, body).await.map(Answer::last)
            }
            RequestKind::OpenLink => self.open_link(head, body).await,
            RequestKind::OfLink(request) => self.of_link(head, body, request).await,
            RequestKind::Preflight => {
                Ok(Answer { keeps_alive: true, ..self.look(preflight(&head.headers)) })
            }
            RequestKind::Health => Ok(self.look(probes::health())),
            RequestKind::Readiness => Ok(self.look(probes::readiness(&self.shared))),
        }
    }

    /// Takes the admission of a request: the one of the connection, or another one.
    fn take_admission(&self) -> Result<Admission, Rejection> {
        let first = self.admission.lock().unwrap().as_mut().and_then(|first| first.take());
        let again = || Admission::take(&self.shared, &self.client_info).ok_or_else(admission::full);
        first.map_or_else(again, Ok)
    }

    /// Leaves an admission to who serves the client.
    fn leave_admission(&self, admission: Admission) {
        if let Some(left) = &mut *self.admission.lock().unwrap() {
            **left = Some(admission);
        }
    }

    async fn admit(&self, head: Parts, wish: Wish<'_>) -> Result<Endpoint, Rejection> {
        let mut admission = self.take_admission()?;
        self.deadline.set(Some(self.shared.limits().handshake));
        let admitted = self.shared.admit(head, &self.client_info, &mut admission, wish).await;
        self.leave_admission(admission);
        admitted
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

    /// Begins a link. The answer is its stream.
    async fn open_link(&self, head: Parts, body: Incoming) -> Result<Answer, Rejection> {
        let opening = read_hello(self.shared.limits(), &head.headers, body).await?;
        let endpoint = self.admit(head, Wish::Link { resumes: opening.resumes }).await?;
        self.shared.check_opener(&endpoint)?;
        let response = self.shared.open_link(endpoint, self.take_admission()?, opening)?;
        Ok(self.keep_alive(response))
    }

    /// Answers a request of a link.
    async fn of_link(
        &self,
        head: Parts,
        body: Incoming,
        request: LinkRequest,
    ) -> Result<Answer, Rejection> {
        // The link has its own admission, so that of the connection is given back.
        let first = self.admission.lock().unwrap().as_mut().and_then(|first| first.take());
        let admission = if self.shared.knows_link(&request) {
            drop(first);
            None
        } else {
            Some(first.map_or_else(|| self.take_admission(), Ok)?)
        };
        self.deadline.set(Some(self.shared.limits().handshake));
        let link = self.shared.find_link(head, &self.client_info, admission, &request).await?;
        **self.exchanged() = Exchanged::OfLinks;
        // Each message has its time, and so has the connection that is to take the message.
        self.deadline.set(None);
        let response = self.shared.answer_of_link(link, request, body).await;
        self.deadline.set(Some(self.shared.limits().handshake));
        Ok(self.keep_alive(response?))
    }

    /// Keeps the connection for the next request of a link.
    fn keep_alive(&self, response: Response<Body>) -> Answer {
        self.deadline.set(Some(IDLE));
        Answer { response, keeps_alive: true }
    }

    fn look(&self, response: Response<Full<Bytes>>) -> Answer {
        **self.exchanged() = Exchanged::Probe;
        Answer::last(response)
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
