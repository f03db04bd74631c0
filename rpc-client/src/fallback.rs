//! What carries the messages of a client, and when server-sent events take the place of a WebSocket.

use std::fmt;

/// When a client connects by server-sent events and `POST` instead of a WebSocket: some proxies let no WebSocket pass. The
/// server must [offer](https://docs.rs/rpc-server/latest/rpc_server/struct.ServerBuilder.html#method.sse) that.
///
/// Calls, streams and sessions are the same over both. A message costs more without a WebSocket, and the first message
/// from the client behind a pause takes a request of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Fallback {
    /// Never: the client has a WebSocket or none. The default, since a server offers nothing else by default.
    #[default]
    Never,
    /// When a WebSocket cannot be had: the answer to the handshake is another one, there is no answer within half of
    /// [`connect_timeout`](crate::ClientBuilder::connect_timeout), or the connection breaks. The same if the WebSocket opens
    /// and then nothing comes for so long, or it breaks: some proxies swallow what follows the handshake. That holds for
    /// a server whose handshake says that it answers a hello, as each of this framework does. A plain JSON-RPC server may be
    /// silent for as long as it likes, and has no other way either. If the other way fails as
    /// well, the error is that of the WebSocket, unless the server does not want the client. A client that
    /// [reconnects](crate::ClientBuilder::reconnect) goes on without a WebSocket for ten minutes. Then it tries again and,
    /// if the server keeps its session, moves the session to the WebSocket, and nothing is lost.
    WhenFails,
    /// Always: the client does not try a WebSocket.
    Always,
}

/// What carries the messages of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Carrier {
    /// A WebSocket.
    #[default]
    WebSocket,
    /// Server-sent events and `POST`: see [`Fallback`].
    Sse,
    /// A stream of bytes without HTTP, or a child process.
    ByteStream,
}

impl fmt::Display for Carrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WebSocket => "WebSocket",
            Self::Sse => "server-sent events",
            Self::ByteStream => "byte stream",
        })
    }
}
