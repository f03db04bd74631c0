//! The handshake of both sides, with no more than the suite needs.
//!
//! `rpc_server` and `rpc_client` would speak JSON-RPC on what follows. tungstenite's own handshakes
//! keep what the other end sent right behind its HTTP head to themselves; so its parts are used.

use std::io;

use bytes::{Buf, Bytes, BytesMut};
use rpc_core::transport::{Role, WebSocket};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::handshake::client::{Response, generate_request};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::handshake::machine::TryParse;
use tokio_tungstenite::tungstenite::handshake::server::{Request, create_response, write_response};
use tokio_tungstenite::tungstenite::{Error, Result};

/// Accepts a WebSocket.
pub(crate) async fn accept(mut stream: TcpStream) -> Result<WebSocket<TcpStream>> {
    stream.set_nodelay(true)?;
    let (request, already_read) = read_head::<Request>(&mut stream).await?;
    let mut head = Vec::new();
    write_response(&mut head, &create_response(&request)?)?;
    stream.write_all(&head).await?;
    Ok(WebSocket::new(stream, Role::Server, already_read, &crate::limits()))
}

/// Asks for a WebSocket.
pub(crate) async fn connect(url: &str) -> Result<WebSocket<TcpStream>> {
    let request = url.into_client_request()?;
    let host = request.uri().authority().map_or("", |authority| authority.as_str());
    let mut stream = TcpStream::connect(host).await?;
    stream.set_nodelay(true)?;
    let (head, key) = generate_request(request)?;
    stream.write_all(&head).await?;
    let (response, already_read) = read_head::<Response>(&mut stream).await?;
    let accept = response.headers().get("sec-websocket-accept");
    if accept.is_none_or(|accept| *accept != derive_accept_key(key.as_bytes())) {
        return Err(Error::Protocol(ProtocolError::SecWebSocketAcceptKeyMismatch));
    }
    Ok(WebSocket::new(stream, Role::Client, already_read, &crate::limits()))
}

/// Reads a head, and what came with it.
async fn read_head<T: TryParse>(stream: &mut TcpStream) -> Result<(T, Bytes)> {
    let mut read = BytesMut::new();
    loop {
        if stream.read_buf(&mut read).await? == 0 {
            return Err(Error::Io(io::ErrorKind::UnexpectedEof.into()));
        }
        if let Some((length, head)) = T::try_parse(&read)? {
            read.advance(length);
            return Ok((head, read.freeze()));
        }
    }
}
