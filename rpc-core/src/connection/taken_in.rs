//! The messages that were read and of which the protocol was not told yet.

use std::time::Duration;

use crate::protocol::Protocol;

/// The messages, and their bytes. The driver tells of them when it holds the lock anyway.
#[derive(Debug, Default)]
pub(super) struct TakenIn {
    messages: u64,
    bytes: usize,
}

impl TakenIn {
    pub(super) fn add(&mut self, bytes: usize) {
        self.messages += 1;
        self.bytes += bytes;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.messages == 0
    }

    /// Tells the protocol, if there are any.
    pub(super) fn tell<W>(&mut self, protocol: &mut Protocol<W>, now: Duration) {
        if !self.is_empty() {
            let Self { messages, bytes } = std::mem::take(self);
            protocol.on_taken_in(messages, bytes, now);
        }
    }
}
