//! A pipe with keepalive probes, which the far end may leave without a reply.

use std::task::{Context, Poll};

use bytes::Bytes;
use rpc_core::CloseCode;
use rpc_core::memory::Pipe;
use rpc_core::transport::{LinkError, Received, Transport};

pub struct Probed(pub Pipe);

impl Transport for Probed {
    fn poll_receive(&mut self, cx: &mut Context<'_>, allowance: usize) -> Poll<Received> {
        self.0.poll_receive(cx, allowance)
    }

    fn message(&self) -> &[u8] {
        self.0.message()
    }

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkError>> {
        self.0.poll_ready(cx)
    }

    fn send(&mut self, message: Bytes) -> Result<(), LinkError> {
        self.0.send(message)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkError>> {
        self.0.poll_flush(cx)
    }

    fn poll_close(&mut self, cx: &mut Context<'_>, code: CloseCode, reason: &str) -> Poll<()> {
        self.0.poll_close(cx, code, reason)
    }

    fn accepted(&self) -> u64 {
        self.0.accepted()
    }

    fn received_bytes(&self) -> u64 {
        self.0.received_bytes()
    }

    fn ping(&mut self) -> Result<bool, LinkError> {
        Ok(true)
    }
}
