//! A pipe that carries binary messages as well: as text in which each byte is a character.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use rpc_core::CloseCode;
use rpc_core::memory::Pipe;
use rpc_core::transport::{LinkError, Received, Transport};

/// No JSON begins with this character.
const MARK: char = '\u{1}';

/// Returns a binary message as the text that carries it.
pub fn as_text(message: &[u8]) -> Bytes {
    let text: String = [MARK].into_iter().chain(message.iter().map(|&byte| byte.into())).collect();
    text.into()
}

/// Returns the binary message that a text carries, if it carries one.
pub fn from_text(text: &[u8]) -> Option<Bytes> {
    let bytes = str::from_utf8(text).expect("a pipe carries text").strip_prefix(MARK)?.chars();
    Some(bytes.map(|char| u8::try_from(char).expect("a byte")).collect())
}

/// One end of such a pipe, or of one that carries text only.
pub struct Carrier {
    pub pipe: Pipe,
    pub carries_binary: bool,
    /// How many binary messages were sent.
    pub sent: Arc<AtomicU64>,
    /// The binary message that was received last.
    received: Option<Bytes>,
}

impl Carrier {
    pub fn new(pipe: Pipe, carries_binary: bool) -> Self {
        Self { pipe, carries_binary, sent: Arc::default(), received: None }
    }
}

impl Transport for Carrier {
    fn poll_receive(&mut self, cx: &mut Context<'_>, allowance: usize) -> Poll<Received> {
        self.pipe.poll_receive(cx, allowance).map(|received| {
            self.received = match received {
                Received::Text => from_text(self.pipe.message()),
                _ => None,
            };
            if self.received.is_some() { Received::Binary } else { received }
        })
    }

    fn message(&self) -> &[u8] {
        self.received.as_deref().unwrap_or(self.pipe.message())
    }

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkError>> {
        self.pipe.poll_ready(cx)
    }

    fn send(&mut self, message: Bytes) -> Result<(), LinkError> {
        self.pipe.send(message)
    }

    fn carries_binary(&self) -> bool {
        self.carries_binary
    }

    fn send_binary(&mut self, message: Bytes) -> Result<(), LinkError> {
        assert!(self.carries_binary, "it has said that it does not");
        self.sent.fetch_add(1, Ordering::Relaxed);
        self.pipe.send(as_text(&message))
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkError>> {
        self.pipe.poll_flush(cx)
    }

    fn poll_close(&mut self, cx: &mut Context<'_>, code: CloseCode, reason: &str) -> Poll<()> {
        self.pipe.poll_close(cx, code, reason)
    }

    fn accepted(&self) -> u64 {
        self.pipe.accepted()
    }

    fn received_bytes(&self) -> u64 {
        self.pipe.received_bytes()
    }
}
