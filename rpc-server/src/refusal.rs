//! A refusal that a web page sees: the WebSocket is opened, and closed at once with a code and the reason.

use std::borrow::Cow;
use std::future::poll_fn;
use std::time::Duration;

use http::StatusCode;
use rpc_core::CloseCode;
use rpc_core::transport::{Transport, WebSocket};
use tokio::time::timeout;

use crate::listener::Socket;

/// A close code and a reason for a client that may not connect.
#[derive(Debug)]
pub(crate) struct Refusal {
    code: CloseCode,
    reason: Cow<'static, str>,
}

impl Refusal {
    /// Makes the refusal that says the same as an HTTP answer with `status` and `text`.
    pub(crate) fn new(status: StatusCode, text: Cow<'static, str>) -> Self {
        let code = match status.as_u16() {
            401 => CloseCode::NOT_AUTHENTICATED,
            // What was wrong may be over soon.
            408 | 409 | 425 | 429 | 500.. => CloseCode::TRY_LATER,
            _ => CloseCode::FORBIDDEN,
        };
        Self { code, reason: text }
    }

    /// Closes a WebSocket on which nothing was sent. The close may take the time `limit`.
    pub(crate) async fn tell<S: Socket>(self, mut socket: WebSocket<S>, limit: Duration) {
        let closed = poll_fn(|cx| socket.poll_close(cx, self.code, &self.reason));
        // A client that does not answer the close has been told nevertheless.
        let _ = timeout(limit, closed).await;
    }
}

#[test]
fn the_code_says_whether_to_log_in_to_come_later_or_not_at_all() {
    for (status, code) in [
        (302, CloseCode::FORBIDDEN),
        (400, CloseCode::FORBIDDEN),
        (401, CloseCode::NOT_AUTHENTICATED),
        (403, CloseCode::FORBIDDEN),
        (404, CloseCode::FORBIDDEN),
        (409, CloseCode::TRY_LATER),
        (429, CloseCode::TRY_LATER),
        (500, CloseCode::TRY_LATER),
        (503, CloseCode::TRY_LATER),
    ] {
        let refusal = Refusal::new(StatusCode::from_u16(status).unwrap(), "no".into());
        assert_eq!((refusal.code, &*refusal.reason), (code, "no"), "{status}");
    }
}
