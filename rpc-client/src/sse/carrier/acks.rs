//! What of the stream is to be acknowledged.

use std::time::Duration;

use tokio::time::Instant;

/// Bytes of events that are acknowledged at once. The server keeps 256 KiB or more of them.
const UNACKNOWLEDGED: usize = 64 * 1024;

/// What is to be acknowledged.
#[derive(Default)]
pub(super) struct Acks {
    bytes: usize,
    since: Option<Instant>,
    /// The server has asked for a sign of life.
    is_asked: bool,
}

impl Acks {
    /// Notes a message of so many bytes.
    pub(super) fn note(&mut self, bytes: usize) {
        self.bytes += bytes;
        self.since.get_or_insert_with(Instant::now);
    }

    /// Notes that the server has asked for a sign of life.
    pub(super) fn ask(&mut self) {
        self.is_asked = true;
    }

    /// Returns whether the server is to be told now, if nothing else is to be sent. It is told `after` the first message.
    pub(super) fn are_due(&self, after: Duration) -> bool {
        self.is_asked
            || self.bytes >= UNACKNOWLEDGED
            || self.since.is_some_and(|since| since.elapsed() >= after)
    }

    /// Returns when the first message came that is not acknowledged.
    pub(super) fn since(&self) -> Option<Instant> {
        self.since
    }
}
