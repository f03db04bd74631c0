//! A link that notes whether anything has come over it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use rpc_core::transport::{LinkError, Process, Received, Transport};
use rpc_core::{CloseCode, Limits};

/// The link to a program.
pub(super) struct Heard {
    process: Process,
    heard: Arc<AtomicBool>,
}

impl Heard {
    /// Sets `heard` with the first message.
    pub(super) fn new(process: Process, heard: Arc<AtomicBool>) -> Self {
        Self { process, heard }
    }
}

impl Transport for Heard {
    fn poll_receive(&mut self, cx: &mut Context<'_>, allowance: usize) -> Poll<Received> {
        let received = self.process.poll_receive(cx, allowance);
        if received.is_ready() {
            self.heard.store(true, Ordering::Relaxed);
        }
        received
    }

    fn message(&self) -> &[u8] {
        self.process.message()
    }

    fn take_message(&mut self) -> Bytes {
        self.process.take_message()
    }

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkError>> {
        self.process.poll_ready(cx)
    }

    fn send(&mut self, message: Bytes) -> Result<(), LinkError> {
        self.process.send(message)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkError>> {
        self.process.poll_flush(cx)
    }

    fn poll_close(&mut self, cx: &mut Context<'_>, code: CloseCode, reason: &str) -> Poll<()> {
        self.process.poll_close(cx, code, reason)
    }

    fn accepted(&self) -> u64 {
        self.process.accepted()
    }

    fn backlog(&self) -> usize {
        self.process.backlog()
    }

    fn received_bytes(&self) -> u64 {
        self.process.received_bytes()
    }

    fn assembling(&self) -> Option<u64> {
        self.process.assembling()
    }

    fn shrink(&mut self) {
        self.process.shrink();
    }

    fn set_limits(&mut self, limits: &Limits) {
        self.process.set_limits(limits);
    }
}
