//! What attacks: a WebSocket, or a link that carries the same messages.

use crate::link::Link;
use crate::session::Carries;
use crate::support::{self, CLOSE, TEXT, frame};
use crate::way::Io;

/// A connection on which anything may be said.
pub(crate) type Socket = support::Raw<Box<dyn Io>>;

/// A connection that messages go over.
pub(crate) enum Raw {
    WebSocket(Socket),
    Link(Box<Link>),
}

impl Raw {
    /// Sends frames; that the server no longer takes them is no failure of the test.
    pub(crate) async fn send(&mut self, frames: impl AsRef<[u8]>) {
        let _ = self.try_send(frames).await;
    }

    /// Sends frames; false if the connection is broken.
    pub(crate) async fn try_send(&mut self, frames: impl AsRef<[u8]>) -> bool {
        match self {
            Self::WebSocket(socket) => socket.try_send(frames).await,
            Self::Link(link) => link.try_send(frames.as_ref()).await,
        }
    }

    pub(crate) async fn send_text(&mut self, text: &str) {
        self.send(frame(TEXT, text.as_bytes())).await;
    }

    /// The next frame, opcode and payload; `None` at the end.
    pub(crate) async fn frame(&mut self) -> Option<(u8, Vec<u8>)> {
        match self {
            Self::WebSocket(socket) => socket.frame().await,
            Self::Link(link) => link.frame().await,
        }
    }

    /// The text of the next frame.
    pub(crate) async fn text(&mut self) -> String {
        let (opcode, payload) = self.frame().await.expect("the connection ended");
        assert_eq!(opcode, TEXT, "{payload:?}");
        String::from_utf8(payload).unwrap()
    }

    /// Code and reason of the close; what comes before is skipped.
    pub(crate) async fn close_frame(&mut self) -> (u16, String) {
        loop {
            let (opcode, payload) = self.frame().await.expect("ended without a close");
            if opcode == CLOSE {
                let (code, reason) = payload.split_first_chunk().expect("a close without a code");
                return (u16::from_be_bytes(*code), String::from_utf8(reason.to_vec()).unwrap());
            }
        }
    }

    /// Waits for some bytes of the server; false if there are none any more.
    pub(crate) async fn some(&mut self) -> bool {
        match self {
            Self::WebSocket(socket) => socket.some().await,
            Self::Link(link) => link.some().await,
        }
    }

    /// Reads, whatever it is, to the end.
    pub(crate) async fn ended(&mut self) -> bool {
        match self {
            Self::WebSocket(socket) => socket.ended().await,
            Self::Link(link) => link.ended().await,
        }
    }

    /// Says that nothing more will come; what the server sends is still read.
    pub(crate) async fn shutdown(&mut self) {
        match self {
            Self::WebSocket(socket) => socket.shutdown().await,
            Self::Link(link) => link.shutdown().await,
        }
    }

    /// Goes away without a word, so that the next write of the server fails.
    pub(crate) fn reset(self) {
        match self {
            Self::WebSocket(socket) => socket.reset(),
            Self::Link(link) => link.reset(),
        }
    }
}

impl Carries for Raw {
    async fn send(&mut self, frame: Vec<u8>) {
        Self::send(self, frame).await;
    }

    async fn frame(&mut self) -> Option<(u8, Vec<u8>)> {
        Self::frame(self).await
    }
}
