//! Whether the other end knows what lies beyond JSON-RPC 2.0, for those who ask without a lock.

use crate::sync::{AtomicUsize, Ordering};

/// What the other end may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Other {
    /// Plain JSON-RPC 2.0: it has not said that it knows more.
    Stranger,
    /// All that we have.
    Known,
    /// Plain JSON-RPC 2.0 to the end of the connection, and nothing else is read: this end is set to be `plain`.
    Plain,
}

/// The [`Other`] of a connection.
#[derive(Debug)]
pub(crate) struct Acquaintance(AtomicUsize);

impl Acquaintance {
    pub(crate) fn new(other: Other) -> Self {
        Self(AtomicUsize::new(other as usize))
    }

    pub(crate) fn set(&self, other: Other) {
        self.0.store(other as usize, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> Other {
        // Nothing else is read by it, so the order does not matter.
        match self.0.load(Ordering::Relaxed) {
            it if it == Other::Known as usize => Other::Known,
            it if it == Other::Plain as usize => Other::Plain,
            _ => Other::Stranger,
        }
    }
}
