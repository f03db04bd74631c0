//! What carries one message in, and one out.

use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use rpc_core::{CloseCode, LinkError, Received, Transport};

/// A transport with a single message to receive.
pub(crate) struct Carrier {
    message: Option<String>,
    received: u64,
    sent: u64,
    answer: Answer,
}

/// Where the answer is put. Whatever else is sent before it, such as progress, nobody is there to take.
pub(crate) type Answer = Arc<Mutex<Option<Bytes>>>;

impl Carrier {
    pub(crate) fn new(message: String) -> (Self, Answer) {
        let answer = Answer::default();
        let carrier = Self { message: Some(message), received: 0, sent: 0, answer: answer.clone() };
        (carrier, answer)
    }
}

impl Transport for Carrier {
    type Text = String;

    fn poll_receive(&mut self, _: &mut Context<'_>, _: usize) -> Poll<Received<String>> {
        match self.message.take() {
            Some(message) => {
                self.received = message.len() as u64;
                Poll::Ready(Received::Text(message))
            }
            // Nothing comes any more, and so there is nobody to wake.
            None => Poll::Pending,
        }
    }

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), LinkError>> {
        Poll::Ready(Ok(()))
    }

    fn send(&mut self, message: Bytes) -> Result<(), LinkError> {
        self.sent += 1;
        *self.answer.lock().unwrap() = Some(message);
        Ok(())
    }

    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<Result<(), LinkError>> {
        Poll::Ready(Ok(()))
    }

    fn accepted(&self) -> u64 {
        self.sent
    }

    fn backlog(&self) -> usize {
        0
    }

    fn received_bytes(&self) -> u64 {
        self.received
    }

    fn assembling(&self) -> Option<u64> {
        None
    }

    fn ping(&mut self) -> Result<(), LinkError> {
        Ok(())
    }

    fn shrink(&mut self) {}

    fn poll_close(&mut self, _: &mut Context<'_>, _: CloseCode, _: &str) -> Poll<()> {
        Poll::Ready(())
    }
}
