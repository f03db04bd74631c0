//! Where the short messages of a connection are written.

use bytes::{Bytes, BytesMut};

/// Messages are cut out of chunks of this size: without it each would be an allocation of its own.
const CHUNK: usize = 4096;

/// What most messages need.
const MOST: usize = 256;

/// A buffer that is cut into messages.
#[derive(Default)]
pub(crate) struct Scratch {
    pub(crate) buffer: BytesMut,
}

impl Scratch {
    /// Sees to room for a message.
    pub(crate) fn prepare(&mut self) {
        if !self.buffer.try_reclaim(MOST) {
            self.buffer = BytesMut::with_capacity(CHUNK);
        }
    }

    /// The message that was written.
    pub(crate) fn cut(&mut self) -> Bytes {
        self.buffer.split().freeze()
    }
}
