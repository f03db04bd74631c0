//! A pipe with keepalive probes, as a WebSocket has: they travel among the messages, and the far end answers each one
//! by itself, so that an end finds out that the link is dead.

use std::task::{Context, Poll};

use bytes::Bytes;
use rpc_core::CloseCode;
use rpc_core::memory::{Pipe, Text};
use rpc_core::transport::{LinkError, Received, Transport};

const PROBE: &str = "probe";
const ANSWER: &str = "alive";

/// Both ends of a link must be such ends.
pub struct Probing {
    pipe: Pipe,
    /// How many of the messages that the pipe accepted are none of the connection.
    probes: u64,
}

impl Probing {
    pub fn new(pipe: Pipe) -> Self {
        Self { pipe, probes: 0 }
    }

    fn send_probe(&mut self, probe: &'static str) -> Result<(), LinkError> {
        let before = self.pipe.accepted();
        let sent = self.pipe.send(Bytes::from_static(probe.as_bytes()));
        self.probes += self.pipe.accepted() - before;
        sent
    }
}

impl Transport for Probing {
    type Text = Text;

    fn poll_receive(&mut self, cx: &mut Context<'_>, allowance: usize) -> Poll<Received<Text>> {
        loop {
            match self.pipe.poll_receive(cx, allowance) {
                Poll::Ready(Received::Text(text)) if text.as_ref() == PROBE => {
                    if let Err(error) = self.send_probe(ANSWER) {
                        return Poll::Ready(Received::Failed(error));
                    }
                    let _ = self.pipe.poll_flush(cx);
                }
                Poll::Ready(Received::Text(text)) if text.as_ref() == ANSWER => {}
                other => return other,
            }
        }
    }

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkError>> {
        self.pipe.poll_ready(cx)
    }

    fn send(&mut self, message: Bytes) -> Result<(), LinkError> {
        self.pipe.send(message)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkError>> {
        self.pipe.poll_flush(cx)
    }

    fn poll_close(&mut self, cx: &mut Context<'_>, code: CloseCode, reason: &str) -> Poll<()> {
        self.pipe.poll_close(cx, code, reason)
    }

    fn accepted(&self) -> u64 {
        self.pipe.accepted() - self.probes
    }

    fn received_bytes(&self) -> u64 {
        self.pipe.received_bytes()
    }

    fn ping(&mut self) -> Result<bool, LinkError> {
        self.send_probe(PROBE).map(|()| true)
    }
}
