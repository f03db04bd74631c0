//! Requests of a link, over an HTTP connection that is kept between them.

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, HeaderMap, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rpc_core::internal::sse::headers;

use crate::connect::Attempt;
use crate::error::ConnectError;
use crate::handshake;

/// The largest head of an answer, and the most bytes of a stream that are read at once.
const BUFFER: usize = 64 * 1024;

/// An HTTP connection to the server, made when it is needed.
pub(super) struct Http {
    attempt: Attempt,
    sender: Option<SendRequest<Full<Bytes>>>,
}

/// What a request asks for.
pub(super) struct Ask {
    /// The headers of the link.
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) wants_stream: bool,
}

impl Http {
    pub(super) fn new(attempt: Attempt) -> Box<Self> {
        Box::new(Self { attempt, sender: None })
    }

    /// Drops the connection: whatever comes over it belongs to no request any more.
    pub(super) fn reset(&mut self) {
        self.sender = None;
    }

    /// Sends a request, and returns the answer if its status is one of success. The request may be repeated: also if the
    /// server gets it twice, it has its effect once.
    pub(super) async fn send(&mut self, ask: &Ask) -> Result<Response<Incoming>, ConnectError> {
        let answer = self.send_once(ask).await;
        match answer {
            // A credential may be good for a shorter time than a link.
            Err(ConnectError::Rejected { status: StatusCode::UNAUTHORIZED, .. })
                if self.attempt.credentials.is_some() =>
            {
                let before = self.attempt.handshake.headers.get(AUTHORIZATION).cloned();
                self.attempt.authorize().await?;
                if self.attempt.handshake.headers.get(AUTHORIZATION) == before.as_ref() {
                    return answer;
                }
                self.send_once(ask).await
            }
            answer => answer,
        }
    }

    async fn send_once(&mut self, ask: &Ask) -> Result<Response<Incoming>, ConnectError> {
        // The server may have closed a connection that was idle.
        if let Some(mut sender) = self.sender.take()
            && sender.ready().await.is_ok()
            && let Ok(response) = sender.send_request(self.request(ask)).await
        {
            self.sender = Some(sender);
            return checked(response).await;
        }
        let mut sender = self.connect().await?;
        let response = sender.send_request(self.request(ask)).await;
        let response = response.map_err(|error| self.attempt.handshake.failed(&error))?;
        self.sender = Some(sender);
        checked(response).await
    }

    /// Makes a connection, which a task of its own carries until this end or the server drops it.
    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, ConnectError> {
        let stream = self.attempt.dial().await?;
        let http = http1::Builder::new().max_buf_size(BUFFER).handshake(TokioIo::new(stream)).await;
        let (sender, connection) = http.map_err(|error| self.attempt.handshake.failed(&error))?;
        // Its error is that of the request.
        drop(tokio::spawn(async { drop(connection.await) }));
        Ok(sender)
    }

    fn request(&self, ask: &Ask) -> Request<Full<Bytes>> {
        let handshake = &self.attempt.handshake;
        let mut request = Request::new(Full::new(ask.body.clone()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = handshake.target.path.parse().expect("it was part of a URL");
        let map = request.headers_mut();
        *map = handshake.headers.clone();
        map.extend(ask.headers.clone());
        let host = HeaderValue::try_from(handshake.target.authority.as_str());
        map.insert(HOST, host.expect("it was part of a URL"));
        if !ask.body.is_empty() {
            map.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        if ask.wants_stream {
            map.insert(ACCEPT, HeaderValue::from_static(headers::EVENT_STREAM));
        }
        request
    }
}

async fn checked(response: Response<Incoming>) -> Result<Response<Incoming>, ConnectError> {
    if response.status().is_success() {
        return Ok(response);
    }
    Err(handshake::rejected(response).await)
}

/// Returns the body of an answer that is a stream of events.
pub(super) fn stream(response: Response<Incoming>) -> Result<Incoming, ConnectError> {
    let kind = response.headers().get(CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
    let essence = kind.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    if response.status() != StatusCode::OK
        || !essence.eq_ignore_ascii_case(headers::EVENT_STREAM.as_bytes())
    {
        return Err(ConnectError::Handshake(NO_STREAM));
    }
    Ok(response.into_body())
}

/// The error of a server that answers, but not by a stream.
pub(super) const NO_STREAM: &str =
    "it has no stream of server-sent events for us; a server of `rpc-server` needs `.sse(true)`";
