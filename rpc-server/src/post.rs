//! A message by `POST`, and its answer: for clients without WebSockets.
//!
//! Each message gets a connection in memory, which ends with the answer. So the message is served exactly as over a
//! WebSocket, with the same limits, layers and hooks. The connection is made before the body is read, so that a
//! shutdown or a kick also ends the wait for a body that does not arrive.

use std::future::poll_fn;
use std::pin::pin;
use std::task::{Poll, ready};
use std::time::Duration;

use bytes::{BufMut, Bytes};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Body;
use rpc_core::transport::{Endpoint, Received, Transport};
use rpc_core::types::GoAway;
use rpc_core::{CloseCode, memory};
use tokio::time::timeout;

use crate::rejection::Rejection;
use crate::shared::Shared;

/// Size of the pipe in bytes. Messages that the server sends before the answer wait in the pipe until they are
/// discarded.
const PIPE: usize = 64 * 1024;

/// Serves the message in `body`. If the future is dropped, the handlers of the message are stopped.
pub(crate) async fn answer<B>(
    shared: &Shared,
    endpoint: Endpoint,
    body: B,
) -> Result<Response<Full<Bytes>>, Rejection>
where
    B: Body<Data: Send> + Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let (peer, limits) = (endpoint.peer(), endpoint.limits());
    let (near, mut far) = memory::transports(PIPE);
    let mut connection = Box::pin(endpoint.connect(near));
    shared.stop_if_late(&peer);
    let mut reading = Some(Box::pin(read(body, limits.message_in, limits.assembly)));
    let (mut has_read, mut answer) = (false, None);
    let reason = poll_fn(|cx| {
        loop {
            let ended = connection.as_mut().poll(cx);
            // The last message is the answer. Earlier messages are discarded, since the client could not receive them.
            while let Poll::Ready(Received::Text) = far.poll_receive(cx, usize::MAX) {
                answer = Some(far.take_message());
            }
            if let Poll::Ready(reason) = ended {
                return Poll::Ready(Ok::<_, Rejection>(reason));
            }
            if let Some(message) = &mut reading {
                let message = ready!(message.as_mut().poll(cx))?;
                reading = None;
                far.send(message.into()).expect("the other end is here");
                continue;
            }
            if !std::mem::replace(&mut has_read, true) {
                // No other message will arrive, so the connection may end when this message has been answered. There is
                // no deadline for the drain, since each request has its own, unless the server stops.
                peer.drain(CloseCode::NORMAL, &GoAway::new(""), shared.lifecycle.left());
            }
            return Poll::Pending;
        }
    });
    let reason = reason.await?;
    let is_drained = matches!(reason.code, Some(CloseCode::NORMAL | CloseCode::RESTARTING));
    if !has_read || !is_drained || !peer.stats().cut.is_empty() {
        // A shutdown, a limit or a kick ended the connection before the message had arrived or was answered.
        let status = match reason.code {
            Some(CloseCode::NOT_AUTHENTICATED) => StatusCode::UNAUTHORIZED,
            Some(CloseCode::FORBIDDEN) => StatusCode::FORBIDDEN,
            _ => StatusCode::SERVICE_UNAVAILABLE,
        };
        return Err(Rejection::new(status, format!("not answered: {}", reason.reason)));
    }
    Ok(answer.map_or_else(nothing, json))
}

/// Reads a message of `most` bytes within `time`.
pub(crate) async fn read<B>(body: B, most: usize, time: Duration) -> Result<String, Rejection>
where
    B: Body<Data: Send> + Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let read = Box::pin(whole(Limited::new(body, most)));
    let Ok(read) = timeout(time, read).await else {
        return Err(Rejection::new(
            StatusCode::REQUEST_TIMEOUT,
            "the message took too long to come",
        ));
    };
    let bytes = read.map_err(|error| {
        if error.is::<LengthLimitError>() {
            let text = "a message above the limit `message_in`, or a hello that is too long";
            return Rejection::new(StatusCode::PAYLOAD_TOO_LARGE, text);
        }
        Rejection::new(StatusCode::BAD_REQUEST, "the message did not come to its end")
    })?;
    String::from_utf8(bytes)
        .map_err(|_| Rejection::new(StatusCode::BAD_REQUEST, "a message is UTF-8"))
}

/// Joins a body into one buffer. A buffer for each received piece could take a hundred bytes for each byte of a body
/// that arrives byte by byte.
async fn whole<B: Body>(body: B) -> Result<Vec<u8>, B::Error> {
    let (mut body, mut bytes) = (pin!(body), Vec::new());
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame?.into_data() {
            bytes.put(data);
        }
    }
    Ok(bytes)
}

fn json(answer: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(answer));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Returns the answer to notifications: 204, without a body.
fn nothing() -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}
