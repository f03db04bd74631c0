//! The buffer for the short outgoing messages of a connection.

use bytes::{Bytes, BytesMut};

/// Size of a chunk, which is cut into messages. Without chunks each message would be an allocation.
const CHUNK: usize = 4096;

/// Room for most messages.
const MOST: usize = 256;

/// After this number of messages that are shorter than a chunk, the memory of a large message is freed. The memory is
/// not freed at once, since the next message may be as large: new memory for 1 MiB costs more than everything else that
/// is done for such a message (an echo took 2.4 ms instead of 1.3).
const SMALL_ONES: u32 = 64;

/// A buffer that is cut into messages.
#[derive(Default)]
pub(crate) struct Scratch {
    pub(crate) buffer: BytesMut,
    /// How many more messages shorter than a chunk are sent before the memory of a large message is freed; 0 if no
    /// large memory is held.
    until_small: u32,
}

impl Scratch {
    /// Makes room for a message.
    pub(crate) fn prepare(&mut self) {
        if !self.buffer.try_reclaim(MOST) {
            *self = Self { buffer: BytesMut::with_capacity(CHUNK), until_small: 0 };
        }
    }

    /// Discards a message that is not sent, and keeps no more memory than a chunk.
    pub(crate) fn discard(&mut self) {
        self.buffer.clear();
        if self.buffer.capacity() > CHUNK {
            *self = Self::default();
        }
    }

    /// Returns the message that was written.
    pub(crate) fn cut(&mut self) -> Bytes {
        let message = self.buffer.split().freeze();
        if message.len() > CHUNK {
            self.until_small = SMALL_ONES;
        } else if self.until_small > 0 {
            self.until_small -= 1;
            if self.until_small == 0 {
                self.buffer = BytesMut::new();
            }
        }
        message
    }
}

#[test]
fn what_a_large_message_needed_is_given_back() {
    let mut scratch = Scratch::default();
    let write = |scratch: &mut Scratch, bytes: usize| {
        scratch.prepare();
        scratch.buffer.extend_from_slice(&vec![b'x'; bytes]);
    };
    write(&mut scratch, 10 * CHUNK);
    scratch.discard();
    assert!(scratch.buffer.capacity() <= CHUNK);

    write(&mut scratch, 10 * CHUNK);
    assert_eq!(scratch.cut().len(), 10 * CHUNK);
    for _ in 0..SMALL_ONES {
        write(&mut scratch, 1);
        assert_eq!(scratch.cut().len(), 1);
    }
    assert!(scratch.buffer.capacity() <= CHUNK);
}
