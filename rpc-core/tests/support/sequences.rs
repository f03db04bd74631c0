//! A pipe that carries sequences, each as one text.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use rpc_core::CloseCode;
use rpc_core::memory::Pipe;
use rpc_core::transport::{LinkError, Received, Transport};

/// Returns the sequence of these messages.
pub fn joined<M: AsRef<[u8]>>(messages: &[M]) -> Bytes {
    messages.iter().flat_map(|message| [b"\x1e", message.as_ref(), b"\n"].concat()).collect()
}

/// Sends messages as one. Returns how many more were accepted than the transport has counted.
pub fn send_joined(end: &mut impl Transport, messages: &[Bytes]) -> Result<u64, LinkError> {
    let before = end.accepted();
    end.send(joined(messages))?;
    Ok((end.accepted() - before) * (messages.len() as u64 - 1))
}

/// One end of such a pipe.
pub struct Joining {
    pub pipe: Pipe,
    /// How many messages left in sequences.
    pub sent: Arc<AtomicU64>,
    /// How many messages the pipe has accepted and not counted.
    uncounted: u64,
}

impl Joining {
    pub fn new(pipe: Pipe) -> Self {
        Self { pipe, sent: Arc::default(), uncounted: 0 }
    }
}

impl Transport for Joining {
    fn poll_receive(&mut self, cx: &mut Context<'_>, allowance: usize) -> Poll<Received> {
        self.pipe.poll_receive(cx, allowance)
    }

    fn message(&self) -> &[u8] {
        self.pipe.message()
    }

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkError>> {
        self.pipe.poll_ready(cx)
    }

    fn send(&mut self, message: Bytes) -> Result<(), LinkError> {
        self.pipe.send(message)
    }

    fn carries_sequences(&self) -> bool {
        true
    }

    fn send_sequence(&mut self, messages: &[Bytes]) -> Result<(), LinkError> {
        self.sent.fetch_add(messages.len() as u64, Ordering::Relaxed);
        self.uncounted += send_joined(&mut self.pipe, messages)?;
        Ok(())
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkError>> {
        self.pipe.poll_flush(cx)
    }

    fn poll_close(&mut self, cx: &mut Context<'_>, code: CloseCode, reason: &str) -> Poll<()> {
        self.pipe.poll_close(cx, code, reason)
    }

    fn accepted(&self) -> u64 {
        self.pipe.accepted() + self.uncounted
    }

    fn received_bytes(&self) -> u64 {
        self.pipe.received_bytes()
    }
}
