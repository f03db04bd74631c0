//! A WebSocket by hand, for what no decent client would do.

#![allow(dead_code, reason = "each test file uses its part")]

pub(crate) mod blocking;

use std::net::SocketAddr;
use std::time::Duration;

use rpc_core::{Context, Limits, Router};
use rpc_server::{BoundServer, Server, ServerBuilder};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// A handshake as it should be.
pub(crate) const HANDSHAKE: &str = "GET / HTTP/1.1\r\n\
    Host: localhost\r\n\
    Upgrade: websocket\r\n\
    Connection: Upgrade\r\n\
    Sec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    \r\n";

/// Waits for what should be there at once; the time only ends a test that hangs.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(20), future).await.expect("hangs")
}

/// Waits until `done`.
pub(crate) async fn until(mut done: impl FnMut() -> bool) {
    let poll = async {
        while !done() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    soon(poll).await;
}

/// The default limits of a server, changed.
pub(crate) fn limits(change: impl FnOnce(&mut Limits)) -> Limits {
    let mut limits = Limits::server();
    change(&mut limits);
    limits
}

/// A server with a method `echo`, before it listens.
pub(crate) fn echo() -> ServerBuilder {
    let echo = |_: Context, (text,): (String,)| async move { Ok(text) };
    Server::builder().service(Router::new().method("echo", echo))
}

pub(crate) async fn bind(builder: ServerBuilder) -> BoundServer {
    builder.bind("127.0.0.1:0").await.unwrap()
}

pub(crate) async fn spawn(builder: ServerBuilder) -> Server {
    bind(builder).await.spawn()
}

/// A connection to a server, by TCP or another way.
pub(crate) struct Raw<S = TcpStream> {
    stream: S,
    read: Vec<u8>,
}

impl Raw {
    pub(crate) async fn connect(server: &Server) -> Self {
        let stream = soon(TcpStream::connect(server.local_addr().unwrap())).await.unwrap();
        stream.set_nodelay(true).unwrap(); // else each message after the first waits 40 ms for an acknowledgement
        Self::over(stream)
    }

    /// A WebSocket.
    pub(crate) async fn open(server: &Server) -> Self {
        let mut raw = Self::connect(server).await;
        raw.send(HANDSHAKE).await;
        let head = raw.head().await;
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        raw
    }
}

/// What goes over a TCP socket.
pub(crate) trait OverTcp {
    fn tcp(&self) -> &TcpStream;
}

impl OverTcp for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

impl<S: OverTcp> Raw<S> {
    pub(crate) fn local_addr(&self) -> SocketAddr {
        self.stream.tcp().local_addr().unwrap()
    }

    /// Goes away without a word, so that the next write of the server fails.
    pub(crate) fn reset(self) {
        self.stream.tcp().set_zero_linger().unwrap();
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Raw<S> {
    pub(crate) fn over(stream: S) -> Self {
        Self { stream, read: Vec::new() }
    }

    /// Says that nothing more will come; what the server sends is still read.
    pub(crate) async fn shutdown(&mut self) {
        let _ = self.stream.shutdown().await;
    }

    /// Waits for some bytes of the server; false if there are none any more.
    pub(crate) async fn some(&mut self) -> bool {
        self.fill().await
    }

    /// Sends bytes; that the server no longer takes them is no failure of the test.
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.try_send(bytes).await;
    }

    /// Sends bytes; false if the connection is broken.
    pub(crate) async fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        soon(self.stream.write_all(bytes.as_ref())).await.is_ok()
            && soon(self.stream.flush()).await.is_ok()
    }

    pub(crate) async fn send_text(&mut self, text: &str) {
        self.send(frame(TEXT, text.as_bytes())).await;
    }

    /// The head of an answer; what there is of it if the server closes before its end.
    pub(crate) async fn head(&mut self) -> String {
        loop {
            if let Some(end) = self.read.windows(4).position(|window| window == b"\r\n\r\n") {
                let head = self.read.drain(..end + 4).collect();
                return String::from_utf8(head).unwrap();
            }
            if !self.fill().await {
                return String::from_utf8(std::mem::take(&mut self.read)).unwrap();
            }
        }
    }

    /// All that comes until the server closes.
    pub(crate) async fn rest(&mut self) -> String {
        while self.fill().await {}
        String::from_utf8(std::mem::take(&mut self.read)).unwrap()
    }

    /// So many bytes of the body of an answer, or fewer if the server closes before.
    pub(crate) async fn bytes(&mut self, count: usize) -> Vec<u8> {
        while self.read.len() < count && self.fill().await {}
        self.read.drain(..count.min(self.read.len())).collect()
    }

    /// One chunk of the body of an answer; `None` at the end.
    pub(crate) async fn chunk(&mut self) -> Option<Vec<u8>> {
        loop {
            if let Some((start, end)) = chunk(&self.read) {
                let chunk = self.read[start..end].to_vec();
                self.read.drain(..end + 2);
                return Some(chunk).filter(|chunk| !chunk.is_empty());
            }
            if !self.fill().await {
                return None;
            }
        }
    }

    /// Reads, whatever it is, to the end.
    pub(crate) async fn ended(&mut self) -> bool {
        while self.fill().await {}
        true
    }

    /// The next frame, opcode and payload; `None` at the end.
    pub(crate) async fn frame(&mut self) -> Option<(u8, Vec<u8>)> {
        loop {
            if let Some((opcode, start, end)) = whole_frame(&self.read) {
                let payload = self.read[start..end].to_vec();
                self.read.drain(..end);
                return Some((opcode, payload));
            }
            if !self.fill().await {
                return None;
            }
        }
    }

    /// The text of the next frame.
    pub(crate) async fn text(&mut self) -> String {
        let (opcode, payload) = self.frame().await.expect("the connection ended");
        assert_eq!(opcode, TEXT, "{payload:?}");
        String::from_utf8(payload).unwrap()
    }

    /// Code and reason of the close frame; other frames before it are skipped.
    pub(crate) async fn close_frame(&mut self) -> (u16, String) {
        loop {
            let (opcode, payload) = self.frame().await.expect("ended without a close frame");
            if opcode == CLOSE {
                let (code, reason) = payload.split_first_chunk().expect("a close without a code");
                return (u16::from_be_bytes(*code), String::from_utf8(reason.to_vec()).unwrap());
            }
        }
    }

    /// Reads some bytes; false at the end, or if the connection is broken.
    async fn fill(&mut self) -> bool {
        soon(self.stream.read_buf(&mut self.read)).await.is_ok_and(|count| count > 0)
    }
}

pub(crate) const TEXT: u8 = 1;
/// The opcode of a ping.
pub(crate) const PING: u8 = 0x9;
pub(crate) const BINARY: u8 = 2;
pub(crate) const CLOSE: u8 = 8;

/// A whole masked frame.
pub(crate) fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x80 | opcode];
    match payload.len() {
        length @ ..126 => frame.push(0x80 | length as u8),
        length @ ..65536 => {
            frame.push(0x80 | 126);
            frame.extend((length as u16).to_be_bytes());
        }
        length => {
            frame.push(0x80 | 127);
            frame.extend((length as u64).to_be_bytes());
        }
    }
    frame.extend([0; 4]); // this mask leaves the payload as it is
    frame.extend(payload);
    frame
}

/// Opcode, start and end of the payload of a whole frame at the beginning of `bytes`. The mask, if there is one, is that
/// of [`frame`].
pub(crate) fn whole_frame(bytes: &[u8]) -> Option<(u8, usize, usize)> {
    let second = *bytes.get(1)?;
    let (start, length) = match second & 0x7f {
        126 => (4, u64::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().unwrap()))),
        127 => (10, u64::from_be_bytes(bytes.get(2..10)?.try_into().unwrap())),
        length => (2, u64::from(length)),
    };
    let start = start + if second & 0x80 > 0 { 4 } else { 0 };
    let end = start + usize::try_from(length).unwrap();
    (bytes.len() >= end).then_some((bytes[0] & 15, start, end))
}

/// Start and end of what a whole chunk of a body holds, at the beginning of `bytes`.
fn chunk(bytes: &[u8]) -> Option<(usize, usize)> {
    let at = bytes.windows(2).position(|window| window == b"\r\n")?;
    let size = usize::from_str_radix(std::str::from_utf8(&bytes[..at]).unwrap(), 16).unwrap();
    let (start, end) = (at + 2, at + 2 + size);
    (bytes.len() >= end + 2).then_some((start, end))
}
