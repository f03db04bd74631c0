//! Sends back each message, as text or binary as it came, until the link ends, and then closes as a connection does.

use std::future::poll_fn;
use std::time::Duration;

use bytes::Bytes;
use rpc_core::CloseCode;
use rpc_core::transport::{LinkError, Received, Transport, WebSocket};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// What is read before other connections have their turn; a connection's own measure.
const ALLOWANCE: usize = 64 * 1024;

/// As the limit `close`.
const CLOSE: Duration = Duration::from_secs(5);

/// Echoes until the link ends.
pub(crate) async fn echo(mut socket: WebSocket<TcpStream>) {
    let end = loop {
        let (message, is_binary) = match receive(&mut socket).await {
            Received::Text => (Bytes::copy_from_slice(socket.message()), false),
            Received::Binary => (Bytes::copy_from_slice(socket.message()), true),
            end => break end,
        };
        // A connection finds the same when it reads the message.
        if !is_binary && str::from_utf8(&message).is_err() {
            break Received::Failed(LinkError::violation(CloseCode::INVALID_TEXT, "no UTF-8"));
        }
        if let Err(error) = send(&mut socket, message, is_binary).await {
            break Received::Failed(error);
        }
    };
    close(&mut socket, end).await;
}

/// The only message that comes, and then the close.
pub(crate) async fn only_message(mut socket: WebSocket<TcpStream>) -> Option<String> {
    let mut message = None;
    loop {
        match receive(&mut socket).await {
            Received::Text => message = String::from_utf8(socket.message().to_owned()).ok(),
            end => {
                close(&mut socket, end).await;
                return message;
            }
        }
    }
}

async fn receive<T: Transport>(socket: &mut T) -> Received {
    poll_fn(|cx| socket.poll_receive(cx, ALLOWANCE)).await
}

async fn send(
    socket: &mut WebSocket<TcpStream>,
    message: Bytes,
    is_binary: bool,
) -> Result<(), LinkError> {
    poll_fn(|cx| socket.poll_ready(cx)).await?;
    if is_binary {
        socket.send_binary(message)?;
    } else {
        socket.send(message)?;
    }
    poll_fn(|cx| socket.poll_flush(cx)).await
}

/// Answers a close, tells of a violation, and has nobody to tell when the link is lost.
async fn close<T: Transport>(socket: &mut T, end: Received) {
    let (code, reason) = match end {
        Received::Failed(LinkError::Violation { code, reason, .. }) => (code, reason),
        Received::Failed(_) => return,
        _ => (CloseCode::NORMAL, ""),
    };
    // An end that does not hang up is left.
    let _ = timeout(CLOSE, poll_fn(|cx| socket.poll_close(cx, code, reason))).await;
}
