//! Requests of links: one that begins a link, and those that find theirs.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderValue};
use http::request::Parts;
use http::{Response, StatusCode};
use http_body_util::Full;
use hyper::body::Body as HttpBody;
use rpc_core::Limits;
use rpc_core::internal::LogThrottle;
use rpc_core::internal::sse::{LinkName, headers, hello};
use rpc_core::transport::Endpoint;

use super::carrier::Carrier;
use super::events::Events;
use super::link::Link;
use super::request::{Asks, LinkRequest, acknowledges};
use super::up::{self, Refused};
use crate::admission::Admission;
use crate::body::Body;
use crate::client_info::ClientInfo;
use crate::post;
use crate::rejection::Rejection;
use crate::serve::Admitted;
use crate::shared::Shared;

/// The most bytes of a hello.
const HELLO: usize = 64 * 1024;

/// The first message of a link.
pub(crate) struct Opening {
    hello: String,
    acknowledges: bool,
    /// Whether the hello holds the token of a session.
    pub(crate) resumes: bool,
}

/// Reads the first message of a link. That comes before all else, since it tells whether the client resumes a session.
pub(crate) async fn read_hello<B>(
    limits: &Limits,
    map: &HeaderMap,
    body: B,
) -> Result<Opening, Rejection>
where
    B: HttpBody<Data: Send> + Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let acknowledges = acknowledges(map)?;
    let most = limits.message_in.min(HELLO);
    let hello = post::read(body, most, limits.handshake).await?;
    if !hello::is_hello(&hello) {
        let text = "a link begins with a hello: {\"jsonrpc\":\"2.0\",\"method\":\"$/hello\",\"params\":{\"duplex\":1}}";
        return Err(Rejection::new(StatusCode::BAD_REQUEST, text));
    }
    let resumes = hello::has_token(&hello);
    Ok(Opening { hello, acknowledges, resumes })
}

impl Shared {
    /// Begins a link for a client that was admitted. A task carries the connection from now on.
    pub(crate) fn open_link(
        self: &Arc<Self>,
        endpoint: Endpoint,
        admission: Admission,
        opening: Opening,
    ) -> Result<Response<Body>, Rejection> {
        let limits = endpoint.limits();
        let (links, Opening { hello, acknowledges, .. }) = (self.links.clone(), opening);
        let opened = LinkName::random().map(|name| {
            let link = Link::new(name, endpoint.peer(), hello, acknowledges, &limits);
            let link = Arc::new(link);
            let stream = link.begin_stream(0).expect("a link that begins has no end");
            links.insert(&link);
            let carrier = Box::new(Carrier::new(link.clone(), links, &limits));
            (carrier, Events::new(link, stream))
        });
        let is_resuming = self.settings.sessions.is_some();
        let (carrier, events) = opened.unzip();
        let admitted = Admitted { endpoint, is_resuming };
        drop(tokio::spawn(self.serve(admitted, carrier, admission)));
        let no_name = || Rejection::new(StatusCode::SERVICE_UNAVAILABLE, "no random numbers");
        events.map(stream).ok_or_else(no_name)
    }

    /// Checks a client whose link begins: its later requests must show that they are of the same caller.
    pub(crate) fn check_opener(&self, endpoint: &Endpoint) -> Result<(), Rejection> {
        if !endpoint.is_extended() {
            let text = "this server says no hello, so there are WebSockets only";
            return Err(Rejection::new(StatusCode::NOT_ACCEPTABLE, text));
        }
        let peer = endpoint.peer();
        if self.is_same_caller(&peer, peer.is_guest(), Some(&peer).filter(|peer| !peer.is_guest()))
        {
            return Ok(());
        }
        static THROTTLE: LogThrottle = LogThrottle::new();
        if let Some(left_out) = THROTTLE.allow() {
            tracing::error!(
                left_out,
                "a link over server-sent events is refused, because nothing tells whether its requests are of the same \
                 caller: add `.same_caller(|old: &Caller, new: &Caller| …)` to the builder, or give callers names by \
                 `identify`"
            );
        }
        Err(Rejection::new(StatusCode::INTERNAL_SERVER_ERROR, "internal error"))
    }

    /// Returns whether there is a link of this name. A request for no link counts as a connection: it may be a guess.
    pub(crate) fn knows_link(&self, request: &LinkRequest) -> bool {
        request.name.as_ref().is_some_and(|name| self.links.find(name).is_some())
    }

    /// Finds the link of a request, if the client is the same caller that has begun the link. `admission` is `None` if
    /// there is such a link.
    pub(crate) async fn find_link(
        self: &Arc<Self>,
        head: Parts,
        client_info: &ClientInfo,
        admission: Option<Admission>,
        request: &LinkRequest,
    ) -> Result<Arc<Link>, Rejection> {
        let caller = self.admit_to_link(head, client_info, admission).await?;
        let peer = caller.as_ref().map(Endpoint::peer);
        let link = request.name.as_ref().and_then(|name| self.links.find(name));
        let link = link.filter(|link| {
            let opener = link.opener();
            opener.is_some_and(|opener| self.is_same_caller(&opener, link.was_guest, peer.as_ref()))
        });
        link.ok_or_else(unknown)
    }

    /// Answers a request that has found its link.
    pub(crate) async fn answer_of_link<B>(
        &self,
        link: Arc<Link>,
        request: LinkRequest,
        body: B,
    ) -> Result<Response<Body>, Rejection>
    where
        B: HttpBody,
    {
        match request.asks {
            Asks::Stream => begin_stream(link, request.received.unwrap_or_default()),
            Asks::Take { first, close } => {
                let brings = first.is_some() || close.is_some();
                link.note_request(request.received, brings)
                    .map_err(|error| conflict(error, &link))?;
                if let Some(first) = first {
                    let taken = up::take(&link, first, body, self.limits().assembly).await;
                    taken.map_err(|refused| match refused {
                        Refused::Over => refused.into_rejection(),
                        _ => self::refused(refused.into_rejection(), &link),
                    })?;
                } else if link.is_over() {
                    return Err(unknown());
                }
                let received = link.received();
                if let Some((code, reason)) = close {
                    link.close_by_client(code, reason);
                }
                Ok(taken_in(received))
            }
        }
    }
}

/// Begins the stream of a link anew.
fn begin_stream(link: Arc<Link>, received: u64) -> Result<Response<Body>, Rejection> {
    link.note_request(Some(received), true).map_err(|error| conflict(error, &link))?;
    match link.begin_stream(received) {
        Some(number) => Ok(stream(Events::new(link, number))),
        None if link.is_over() => Err(unknown()),
        None => Err(conflict("events behind `Rpc-Received` are not kept any more", &link)),
    }
}

/// Returns the answer to a request for a link that is over, that never was, or that another caller has.
pub(super) fn unknown() -> Rejection {
    Rejection::new(StatusCode::NOT_FOUND, "there is no such link")
}

fn conflict(text: impl ToString, link: &Link) -> Rejection {
    refused(Rejection::new(StatusCode::CONFLICT, text.to_string()), link)
}

/// Tells how far messages were taken in.
fn refused(rejection: Rejection, link: &Link) -> Rejection {
    rejection.header(headers::RECEIVED, link.received())
}

fn taken_in(received: u64) -> Response<Body> {
    let mut response = Response::new(Body::from(Full::new(Bytes::new())));
    *response.status_mut() = StatusCode::NO_CONTENT;
    response.headers_mut().insert(headers::RECEIVED, received.into());
    response
}

fn stream(events: Events) -> Response<Body> {
    let mut response = Response::new(Body::from(events));
    let map = response.headers_mut();
    map.insert(CONTENT_TYPE, HeaderValue::from_static(headers::EVENT_STREAM));
    map.insert(CACHE_CONTROL, HeaderValue::from_static("no-store, no-transform"));
    // nginx would collect the events before it passes them on.
    map.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}
