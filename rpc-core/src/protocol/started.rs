//! The token of a handler that runs at this moment.

use crate::protocol::tables::key::Key;

/// A handler that was started, or that goes on after it waited, and that has not been given back.
///
/// The protocol hands out a token with each handler to start, and takes each token back once: by
/// [`keep`](super::Protocol::keep) when the handler goes on after its first poll, by
/// [`finish`](super::Protocol::finish) when the handler has ended. The token must be given back before the
/// next message is received: until then the other end can neither cancel the request nor reuse its id.
///
/// The token is a [`Key`] that cannot be copied, so a request is neither forgotten nor answered twice.
#[derive(Debug)]
#[must_use = "a handler that was started is to be kept or finished before the next message is received"]
pub(crate) struct Started(Key);

impl Started {
    /// For a call that has just entered the table of what is served.
    pub(super) fn new(key: Key) -> Self {
        Self(key)
    }

    /// Takes up a handler again that was [kept](super::Protocol::keep), to finish it.
    pub(crate) fn resume(kept: Key) -> Self {
        Self(kept)
    }

    /// Returns the key of the call that the handler serves.
    pub(crate) fn key(&self) -> Key {
        self.0
    }
}
