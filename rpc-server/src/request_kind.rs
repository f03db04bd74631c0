//! The kind of a request, as its head tells.

use http::header::{ACCEPT_ENCODING, ALLOW, CONTENT_ENCODING, CONTENT_TYPE, HeaderValue};
use http::request::Parts;
use http::{Method, StatusCode};

use crate::headers::{only, parts};
use crate::rejection::Rejection;
use crate::shared::Shared;
use crate::sse::{LinkRequest, asks_for_stream, is_preflight};
use crate::upgrade::Upgrade;

/// The kind of a request.
pub(crate) enum RequestKind {
    /// An upgrade to a WebSocket.
    WebSocket(Upgrade),
    /// A JSON-RPC message by `POST`.
    Call,
    /// The first message of a link over server-sent events.
    OpenLink,
    /// A request of a link over server-sent events.
    OfLink(LinkRequest),
    /// A browser asks whether its page may send a request.
    Preflight,
    /// A probe that asks whether the server is alive.
    Health,
    /// A probe that asks whether the server takes new connections.
    Readiness,
}

impl RequestKind {
    /// Reads the head of a request. `has_body` says whether a body follows.
    pub(crate) fn of(head: &Parts, has_body: bool, shared: &Shared) -> Result<Self, Rejection> {
        let (method, path) = (&head.method, head.uri.path());
        let is_read = *method == Method::GET || *method == Method::HEAD;
        if is_read && shared.settings.paths.health.as_deref() == Some(path) {
            return Ok(Self::Health);
        }
        if is_read && shared.settings.paths.readiness.as_deref() == Some(path) {
            return Ok(Self::Readiness);
        }
        if shared.settings.paths.service.as_deref().is_some_and(|service| service != path) {
            return Err(Rejection::new(StatusCode::NOT_FOUND, "nothing is served under this path"));
        }
        if shared.settings.offers_sse {
            if is_preflight(head) {
                return Ok(Self::Preflight);
            }
            if let Some(request) = LinkRequest::of(head, has_body)? {
                if has_body && request.takes_messages() {
                    check_body(head)?;
                }
                return Ok(Self::OfLink(request));
            }
            if *method == Method::POST && asks_for_stream(&head.headers) {
                return check_body(head).map(|()| Self::OpenLink);
            }
        }
        match *method {
            Method::GET => {
                Upgrade::of(head, has_body, &shared.settings.subprotocols).map(Self::WebSocket)
            }
            Method::POST if shared.settings.takes_posts => check_body(head).map(|()| Self::Call),
            _ => Err(not_allowed(shared.settings.takes_posts)),
        }
    }
}

/// Checks that the body is JSON. Browsers let pages send some other types to any server without a preflight request,
/// but not JSON.
fn check_body(head: &Parts) -> Result<(), Rejection> {
    let refused = |text| Rejection::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, text);
    let kind = only(&head.headers, &CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
    let essence = kind.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    if !essence.eq_ignore_ascii_case(b"application/json") {
        return Err(refused("a message of JSON-RPC has `Content-Type: application/json`"));
    }
    let is_plain = |coding: &[u8]| coding.is_empty() || coding.eq_ignore_ascii_case(b"identity");
    if !parts(&head.headers, &CONTENT_ENCODING, b',').all(is_plain) {
        let rejection = refused("a message comes as it is, without `Content-Encoding`");
        return Err(rejection.header(ACCEPT_ENCODING, "identity"));
    }
    Ok(())
}

fn not_allowed(takes_posts: bool) -> Rejection {
    let (text, allowed) = if takes_posts {
        ("a WebSocket handshake is a GET request, a single message a POST", "GET, POST")
    } else {
        ("a WebSocket handshake is a GET request", "GET")
    };
    Rejection::new(StatusCode::METHOD_NOT_ALLOWED, text).header(ALLOW, allowed)
}
