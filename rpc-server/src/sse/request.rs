//! The head of a request that belongs to a link.

use http::header::{ACCEPT, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Method, StatusCode};
use rpc_core::CloseCode;
use rpc_core::internal::sse::{LinkName, headers};

use crate::headers::{only, parts};
use crate::rejection::Rejection;

/// What a request asks of a link.
#[derive(Debug)]
pub(crate) struct LinkRequest {
    /// `None` if the name is none of this server.
    pub(super) name: Option<LinkName>,
    /// The events up to this number have come.
    pub(super) received: Option<u64>,
    pub(super) asks: Asks,
}

/// The kind of a request for a link.
#[derive(Debug)]
pub(super) enum Asks {
    /// The stream, from the event behind `Rpc-Received`.
    Stream,
    /// To take messages, the first of which has this number, and then to close the link, if it says so.
    Take { first: Option<u64>, close: Option<(CloseCode, String)> },
}

/// Returns whether the request asks for a stream of events.
pub(crate) fn asks_for_stream(headers: &HeaderMap) -> bool {
    let is_stream = |kind: &[u8]| {
        let essence = kind.split(|byte| *byte == b';').next().unwrap_or_default();
        essence.trim_ascii().eq_ignore_ascii_case(headers::EVENT_STREAM.as_bytes())
    };
    parts(headers, &ACCEPT, b',').any(is_stream)
}

impl LinkRequest {
    /// Reads the head of a request. `None` if the request names no link.
    ///
    /// # Errors
    /// A header has no value that can be read.
    pub(crate) fn of(head: &Parts, has_body: bool) -> Result<Option<Self>, Rejection> {
        let map = &head.headers;
        if !map.contains_key(headers::LINK) {
            return Ok(None);
        }
        let name = only(map, headers::LINK).ok_or_else(|| bad("`Rpc-Link` stands twice"))?;
        let name = name.to_str().ok().and_then(LinkName::parse);
        let received = number(map, headers::RECEIVED, "`Rpc-Received` is one whole number")?;
        let asks = if asks_for_stream(map) {
            if has_body {
                return Err(bad("a request for the stream has no body"));
            }
            Asks::Stream
        } else {
            if head.method != Method::POST {
                return Err(bad("ask for the stream with `Accept: text/event-stream`"));
            }
            let first = number(map, headers::FIRST, "`Rpc-First` is one whole number from 1")?;
            if first == Some(0) || (has_body && first.is_none()) {
                return Err(bad("`Rpc-First` is the number of the first message, from 1"));
            }
            Asks::Take { first, close: close(map)? }
        };
        Ok(Some(Self { name, received, asks }))
    }

    /// Returns whether the body holds messages.
    pub(crate) fn takes_messages(&self) -> bool {
        matches!(self.asks, Asks::Take { .. })
    }
}

/// Returns whether the client says from the start that it acknowledges events.
pub(super) fn acknowledges(map: &HeaderMap) -> Result<bool, Rejection> {
    match number(map, headers::RECEIVED, "`Rpc-Received` is one whole number")? {
        None => Ok(false),
        Some(0) => Ok(true),
        Some(_) => Err(bad("a link that begins has no events: `Rpc-Received` is 0")),
    }
}

fn number(
    map: &HeaderMap,
    name: &'static str,
    text: &'static str,
) -> Result<Option<u64>, Rejection> {
    let name = HeaderName::from_static(name);
    if !map.contains_key(&name) {
        return Ok(None);
    }
    let number = only(map, &name).and_then(|value| headers::number(value.as_bytes()));
    number.map(Some).ok_or_else(|| bad(text))
}

fn close(map: &HeaderMap) -> Result<Option<(CloseCode, String)>, Rejection> {
    if !map.contains_key(headers::CLOSE) {
        return Ok(None);
    }
    let close = only(map, headers::CLOSE).map(HeaderValue::as_bytes).and_then(headers::read_close);
    close.map(Some).ok_or_else(|| bad("`Rpc-Close` is a close code, and a reason behind a space"))
}

fn bad(text: &'static str) -> Rejection {
    Rejection::new(StatusCode::BAD_REQUEST, text)
}
