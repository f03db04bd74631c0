//! [`Body`], the body of an answer.

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::{Body as HttpBody, Frame, SizeHint};

use crate::sse::Events;

/// The body of an answer of a server that is mounted in an app: a text, or a stream of events.
///
/// An app of hyper that has answers of its own beside those of the [`RpcService`](crate::RpcService) makes bodies by
/// `From`:
///
/// ```
/// use http_body_util::Full;
/// use rpc_server::Body;
///
/// let page = Body::from(Full::from("a page"));
/// # drop(page);
/// ```
pub struct Body(Kind);

enum Kind {
    Text(Full<Bytes>),
    Events(Events),
}

impl Body {
    /// Returns the events, or the body if it is a text.
    pub(crate) fn into_events(self) -> Result<Events, Self> {
        match self.0 {
            Kind::Events(events) => Ok(events),
            text @ Kind::Text(_) => Err(Self(text)),
        }
    }
}

impl From<Full<Bytes>> for Body {
    fn from(text: Full<Bytes>) -> Self {
        Self(Kind::Text(text))
    }
}

impl From<Events> for Body {
    fn from(events: Events) -> Self {
        Self(Kind::Events(events))
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match &mut self.0 {
            Kind::Text(text) => Pin::new(text).poll_frame(cx),
            Kind::Events(events) => {
                events.poll_piece(cx).map(|piece| piece.map(|piece| Ok(Frame::data(piece))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Text(text) => text.is_end_stream(),
            Kind::Events(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Text(text) => text.size_hint(),
            Kind::Events(_) => SizeHint::default(),
        }
    }
}

/// Shows nothing of the text.
impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Kind::Text(_) => "Body(text)",
            Kind::Events(_) => "Body(events)",
        })
    }
}
