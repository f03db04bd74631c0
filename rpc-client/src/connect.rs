//! From a URL to a TCP connection, and on to the WebSocket.

use rpc_core::{Limits, WebSocket};
use tokio::net::TcpStream;

use crate::error::ConnectError;
use crate::handshake::Handshake;

/// Connects; may be dropped at any point. Of a host with several addresses all are tried, one after
/// the other.
pub(crate) async fn connect(
    handshake: &Handshake,
    limits: &Limits,
) -> Result<WebSocket<TcpStream>, ConnectError> {
    let target = &handshake.target;
    let stream = TcpStream::connect((target.host.as_str(), target.port)).await;
    let io = |source| ConnectError::Io { host: target.name.clone(), source };
    let stream = stream.map_err(io)?;
    // Small messages must not wait for the acknowledgement of earlier ones.
    stream.set_nodelay(true).map_err(io)?;
    handshake.run(stream, limits).await
}
