//! The buffer for the short outgoing messages of a connection.
//!
//! A connection that answers now and then needs the buffer for a moment each time. All connections of a thread share one
//! for that: it stays in the caches of the processor, and a thousand busy connections do not have a thousand.

use std::cell::Cell;

use bytes::{Bytes, BytesMut};

/// Size of a chunk, which is cut into messages. Without chunks each message would be an allocation.
const CHUNK: usize = 4096;

/// Room for most messages.
const MOST: usize = 256;

/// After this number of messages that are shorter than a chunk, the memory of a large message is freed. The memory is
/// not freed at once, since the next message may be as large: new memory for 1 MiB costs more than everything else that
/// is done for such a message (an echo took 2.4 ms instead of 1.3).
const SMALL_ONES: u32 = 64;

thread_local! {
    /// A chunk that no message lies in.
    static SPARE: Cell<Option<BytesMut>> = const { Cell::new(None) };
}

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
        if self.buffer.capacity() == 0 || !self.buffer.try_reclaim(MOST) {
            let spare = SPARE.try_with(Cell::take).ok().flatten();
            let buffer = spare.unwrap_or_else(|| BytesMut::with_capacity(CHUNK));
            *self = Self { buffer, until_small: 0 };
        }
    }

    /// Leaves the chunk to the next connection of this thread that writes a message. Call this when nothing is being
    /// written. A chunk with a message that has not left yet stays: one slow reader for each chunk would pin them all.
    #[inline]
    pub(crate) fn put_aside(&mut self) {
        let is_large = self.until_small > 0 || self.buffer.try_reclaim(CHUNK + 1);
        if self.buffer.capacity() == 0 || is_large || !self.buffer.try_reclaim(CHUNK) {
            return;
        }
        let spare = std::mem::take(&mut self.buffer);
        // At the end of a thread the chunk is dropped.
        let _ = SPARE.try_with(|place| place.set(Some(spare)));
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
fn connections_share_a_chunk_that_no_message_lies_in() {
    let write = |scratch: &mut Scratch| {
        scratch.prepare();
        scratch.buffer.extend_from_slice(b"message");
        scratch.cut()
    };
    let [mut one, mut two] = <[Scratch; 2]>::default();
    let place = write(&mut one).as_ptr();
    write(&mut one);
    one.put_aside();
    assert_eq!(one.buffer.capacity(), 0);
    let unsent = write(&mut two);
    assert_eq!(unsent.as_ptr(), place, "from its beginning");

    two.put_aside();
    let other = write(&mut one);
    assert!(
        !(place..place.wrapping_add(CHUNK)).contains(&other.as_ptr()),
        "the message would pin the chunk of others"
    );
    assert_eq!(unsent, "message");
    drop(unsent);
    two.put_aside();
    assert_eq!(two.buffer.capacity(), 0);
}

#[test]
fn the_memory_of_a_large_message_is_not_shared() {
    let mut scratch = Scratch::default();
    for bytes in [CHUNK + 1, CHUNK - 1] {
        scratch.prepare();
        scratch.buffer.extend_from_slice(&vec![b'x'; bytes]);
        drop(scratch.cut());
        scratch.put_aside();
        assert!(scratch.buffer.capacity() > 0 || bytes < CHUNK);
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
