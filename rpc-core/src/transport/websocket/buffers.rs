//! Buffers that a thread's WebSockets share while they are empty.
//!
//! Many connections that say a little now and then need a buffer for a moment each. The few buffers that they share stay
//! in the caches of the processor, and a connection at rest has none.

use std::cell::RefCell;

use bytes::BytesMut;

/// How many buffers a thread keeps.
const SPARES: usize = 4;

/// The longest buffer that is kept.
const LONGEST: usize = 16 * 1024;

thread_local! {
    static SPARE: RefCell<Vec<BytesMut>> = const { RefCell::new(Vec::new()) };
}

/// Returns an empty buffer with room for so many bytes.
pub(super) fn take(bytes: usize) -> BytesMut {
    let spare = SPARE.try_with(|spares| {
        let mut spares = spares.borrow_mut();
        let at = spares.iter().rposition(|spare| spare.capacity() >= bytes)?;
        Some(spares.swap_remove(at))
    });
    spare.ok().flatten().unwrap_or_else(|| BytesMut::with_capacity(bytes))
}

/// Puts an empty buffer aside for others, if it has its `usual` room, and leaves none. A long buffer stays: whoever has it
/// is likely to need it again.
pub(super) fn put_aside(buffer: &mut BytesMut, usual: usize) {
    debug_assert!(buffer.is_empty(), "bytes would be lost");
    if buffer.try_reclaim(LONGEST + 1) {
        return;
    }
    let mut spare = std::mem::take(buffer);
    // A message that is still in use keeps its buffer from being used again.
    if !spare.try_reclaim(usual) {
        return;
    }
    // Without a place, as at the end of a thread, the buffer is dropped.
    let _ = SPARE.try_with(|spares| {
        let mut spares = spares.borrow_mut();
        if spares.len() < SPARES {
            spares.push(spare);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spares() -> usize {
        SPARE.with_borrow(Vec::len)
    }

    #[test]
    fn a_buffer_serves_another_websocket_of_the_thread() {
        let mut buffer = take(1000);
        let place = buffer.as_ptr();
        buffer.extend_from_slice(b"message");
        let message = buffer.split().freeze();
        put_aside(&mut buffer, 1000);
        assert_eq!((spares(), buffer.capacity()), (0, 0), "the message is in use");

        let mut buffer = BytesMut::from(message);
        buffer.clear();
        put_aside(&mut buffer, 1000);
        assert_eq!(spares(), 1);
        assert_eq!(take(2000).capacity(), 2000);
        assert_eq!(take(1000).as_ptr(), place);
        assert_eq!(spares(), 0);
    }

    #[test]
    fn a_thread_keeps_a_few_and_no_long_ones() {
        for _ in 0..9 {
            put_aside(&mut BytesMut::with_capacity(LONGEST), 10);
        }
        assert_eq!(spares(), SPARES);
        let mut long = BytesMut::with_capacity(LONGEST + 1);
        put_aside(&mut long, 10);
        assert!(long.capacity() > LONGEST);
    }
}
