//! Buffers that the links of a thread share while they are empty.
//!
//! Many connections that say a little now and then need a buffer for a moment each. The few buffers that they share stay
//! in the caches of the processor, and a connection at rest has none.

use std::cell::RefCell;
use std::thread::LocalKey;

/// How many buffers a thread keeps for each purpose.
const SPARES: usize = 4;

/// The longest buffer that is kept.
const LONGEST: usize = 16 * 1024;

/// Buffers of one purpose.
pub(super) type Spares = RefCell<Vec<Vec<u8>>>;

thread_local! {
    /// Buffers to read to. They keep their length, since its bytes are initialized.
    pub(super) static INPUT: Spares = const { RefCell::new(Vec::new()) };
    /// Buffers to write to. They are empty.
    pub(super) static OUTPUT: Spares = const { RefCell::new(Vec::new()) };
}

/// Returns a buffer with room for this number of bytes.
pub(super) fn take(spares: &'static LocalKey<Spares>, bytes: usize) -> Vec<u8> {
    let spare = spares.try_with(|spares| {
        let mut spares = spares.borrow_mut();
        let at = spares.iter().rposition(|spare| spare.capacity() >= bytes)?;
        Some(spares.swap_remove(at))
    });
    spare.ok().flatten().unwrap_or_else(|| Vec::with_capacity(bytes))
}

/// Puts a buffer aside for others, and leaves none. A long buffer stays: whoever has it is likely to need it again.
pub(super) fn put_aside(spares: &'static LocalKey<Spares>, buffer: &mut Vec<u8>) {
    if buffer.capacity() > LONGEST || buffer.capacity() == 0 {
        return;
    }
    let spare = std::mem::take(buffer);
    // Without a place, as at the end of a thread, the buffer is dropped.
    let _ = spares.try_with(|spares| {
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
        OUTPUT.with_borrow(Vec::len)
    }

    #[test]
    fn a_buffer_serves_another_link_of_the_thread() {
        let mut buffer = take(&OUTPUT, 1000);
        let place = buffer.as_ptr();
        put_aside(&OUTPUT, &mut buffer);
        assert_eq!((spares(), buffer.capacity()), (1, 0));
        put_aside(&OUTPUT, &mut buffer);
        assert_eq!(spares(), 1, "there is none to put aside");
        assert_eq!(take(&OUTPUT, 2000).capacity(), 2000);
        let (input, output) = (take(&INPUT, 1000), take(&OUTPUT, 1000));
        assert_ne!(input.as_ptr(), place, "a buffer keeps its purpose");
        assert_eq!((output.as_ptr(), spares()), (place, 0));
    }

    #[test]
    fn a_thread_keeps_a_few_and_no_long_ones() {
        for _ in 0..9 {
            put_aside(&OUTPUT, &mut Vec::with_capacity(LONGEST));
        }
        assert_eq!(spares(), SPARES);
        let mut long = Vec::with_capacity(LONGEST + 1);
        put_aside(&OUTPUT, &mut long);
        assert!(long.capacity() > LONGEST);
    }
}
