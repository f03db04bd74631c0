//! One end of a link: a pipe with keepalive probes, as a WebSocket has, so that an end finds out that the link is dead.
//! The probes travel among the messages, and the far end answers each one by itself.

use std::task::{Context, Poll};

use bytes::Bytes;
use rpc_core::CloseCode;
use rpc_core::memory::{Faults, Pipe};
use rpc_core::transport::{LinkError, Received, Transport};

use super::binary::{as_text, from_text};
use super::seeds::Random;
use super::sequences::send_joined;

const PROBE: &str = "probe";
const ANSWER: &str = "alive";

/// Both ends of a link must be such ends.
pub struct End {
    pipe: Pipe,
    /// How many of the messages that the pipe accepted are none of the connection.
    probes: u64,
    /// How many messages the pipe has accepted and not counted, as they were in sequences.
    uncounted: u64,
    bytes: u64,
    /// Whether it carries binary messages and sequences, as not all links of a session do.
    carries_binary: bool,
    /// The binary message that was received last.
    received: Option<Bytes>,
    doom: Option<Doom>,
}

/// A message at which the link fails: a hello or an acknowledgement, on which the two ends agree about the session.
pub struct Doom {
    method: &'static str,
    /// How many such messages come before.
    passes: u64,
    fails: Fails,
}

#[derive(Clone, Copy)]
enum Fails {
    /// The link breaks before the message arrives.
    Before,
    /// The link breaks when the message was read.
    Behind,
    /// Nothing arrives from the message on.
    Silently,
}

impl Doom {
    pub fn of(random: &mut Random) -> Self {
        Self {
            method: random.pick(&["\"$/hello\"", "\"$/ack\"", "\"$/ack\""]),
            passes: random.pick(&[0, 0, 0, 1, 3]),
            fails: random.pick(&[Fails::Before, Fails::Behind, Fails::Silently]),
        }
    }

    fn comes_with(&mut self, message: &[u8]) -> bool {
        let is_such = message.windows(self.method.len()).any(|it| it == self.method.as_bytes());
        let comes = is_such && self.passes == 0;
        self.passes -= u64::from(is_such && !comes);
        comes
    }
}

impl End {
    pub fn new(pipe: Pipe, carries_binary: bool) -> Self {
        Self { pipe, probes: 0, uncounted: 0, bytes: 0, carries_binary, received: None, doom: None }
    }

    pub fn faults(&self) -> Faults {
        self.pipe.faults()
    }

    /// Makes the link fail at what this end sends.
    pub fn doom(&mut self, doom: Doom) {
        self.doom = Some(doom);
    }

    fn send_probe(&mut self, probe: &'static str) -> Result<(), LinkError> {
        let before = self.pipe.accepted();
        self.bytes += probe.len() as u64;
        let sent = self.pipe.send(Bytes::from_static(probe.as_bytes()));
        self.probes += self.pipe.accepted() - before;
        sent
    }
}

impl Transport for End {
    fn poll_receive(&mut self, cx: &mut Context<'_>, allowance: usize) -> Poll<Received> {
        self.received = None;
        loop {
            match self.pipe.poll_receive(cx, allowance) {
                Poll::Ready(Received::Text) if self.message() == PROBE.as_bytes() => {
                    if let Err(error) = self.send_probe(ANSWER) {
                        return Poll::Ready(Received::Failed(error));
                    }
                    let _ = self.pipe.poll_flush(cx);
                }
                Poll::Ready(Received::Text) if self.message() == ANSWER.as_bytes() => {}
                Poll::Ready(Received::Text) => {
                    self.received = from_text(self.pipe.message());
                    let is_binary = self.received.is_some();
                    return Poll::Ready(if is_binary { Received::Binary } else { Received::Text });
                }
                other => return other,
            }
        }
    }

    fn message(&self) -> &[u8] {
        self.received.as_deref().unwrap_or(self.pipe.message())
    }

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkError>> {
        self.pipe.poll_ready(cx)
    }

    fn send(&mut self, message: Bytes) -> Result<(), LinkError> {
        self.bytes += message.len() as u64;
        if let Some(doom) = self.doom.take_if(|doom| doom.comes_with(&message)) {
            let way = self.pipe.faults().outgoing();
            match doom.fails {
                Fails::Before => way.cut_at(self.bytes - 1),
                Fails::Behind => way.cut_at(self.bytes),
                Fails::Silently => way.stall(),
            }
        }
        self.pipe.send(message)
    }

    fn carries_binary(&self) -> bool {
        self.carries_binary
    }

    fn send_binary(&mut self, message: Bytes) -> Result<(), LinkError> {
        assert!(self.carries_binary, "the link carries text only");
        Transport::send(self, as_text(&message))
    }

    fn carries_sequences(&self) -> bool {
        self.carries_binary
    }

    fn send_sequence(&mut self, messages: &[Bytes]) -> Result<(), LinkError> {
        let uncounted = send_joined(self, messages)?;
        self.uncounted += uncounted;
        Ok(())
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkError>> {
        self.pipe.poll_flush(cx)
    }

    fn poll_close(&mut self, cx: &mut Context<'_>, code: CloseCode, reason: &str) -> Poll<()> {
        self.pipe.poll_close(cx, code, reason)
    }

    fn accepted(&self) -> u64 {
        self.pipe.accepted() + self.uncounted - self.probes
    }

    fn received_bytes(&self) -> u64 {
        self.pipe.received_bytes()
    }

    fn ping(&mut self) -> Result<bool, LinkError> {
        self.send_probe(PROBE).map(|()| true)
    }
}
