//! Bytes that were read and not yet taken.

use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};

use super::spares::{self, INPUT};

/// A buffer that is read to at its end and taken from at its start. What was taken stays where it lies until more is read.
#[derive(Default)]
pub(in crate::transport) struct Input {
    /// All of them are initialized; those of `filled` were read.
    bytes: Vec<u8>,
    filled: Range<usize>,
}

impl Input {
    /// Creates an input of what was read already.
    #[cfg(feature = "websocket")]
    pub(in crate::transport) fn new(bytes: Vec<u8>) -> Self {
        let filled = 0..bytes.len();
        Self { bytes, filled }
    }

    /// Returns what was not taken.
    #[inline]
    pub(in crate::transport) fn filled(&self) -> &[u8] {
        &self.bytes[self.filled.clone()]
    }

    #[cfg(feature = "websocket")]
    #[inline]
    pub(in crate::transport) fn filled_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[self.filled.clone()]
    }

    #[inline]
    pub(in crate::transport) fn len(&self) -> usize {
        self.filled.len()
    }

    #[inline]
    pub(in crate::transport) fn is_empty(&self) -> bool {
        self.filled.is_empty()
    }

    /// Takes bytes, of which there must be so many. Returns their place, which is good until more is read.
    #[inline]
    pub(in crate::transport) fn take(&mut self, count: usize) -> Range<usize> {
        let start = self.filled.start;
        self.filled.start += count;
        debug_assert!(self.filled.start <= self.filled.end, "more is taken than there is");
        start..self.filled.start
    }

    /// Returns the bytes of a place that [`take`](Self::take) has told.
    #[inline]
    pub(in crate::transport) fn taken(&self, place: Range<usize>) -> &[u8] {
        &self.bytes[place]
    }

    /// Adds bytes that were read elsewhere.
    #[cfg(feature = "websocket")]
    pub(in crate::transport) fn put(&mut self, bytes: &[u8], room: usize) {
        self.make_room(room.max(bytes.len()));
        let end = self.filled.end + bytes.len();
        self.bytes[self.filled.end..end].copy_from_slice(bytes);
        self.filled.end = end;
    }

    /// Returns how many bytes can be read without another buffer.
    #[cfg(feature = "byte-stream")]
    pub(in crate::transport) fn free(&self) -> usize {
        let end = if self.is_empty() { 0 } else { self.filled.end };
        self.bytes.len() - end
    }

    /// Reads at most `most` bytes, for which it makes room. Returns how many came; none at the end of the stream.
    pub(in crate::transport) fn poll_read<S: AsyncRead + Unpin>(
        &mut self,
        io: &mut S,
        cx: &mut Context<'_>,
        room: usize,
        most: usize,
    ) -> Poll<io::Result<usize>> {
        self.make_room(room);
        let start = self.filled.end;
        let mut free = ReadBuf::new(&mut self.bytes[start..start + room.min(most)]);
        ready!(Pin::new(io).poll_read(cx, &mut free))?;
        let count = free.filled().len();
        self.filled.end += count;
        Poll::Ready(Ok(count))
    }

    /// Makes room for this number of bytes behind what is filled.
    #[inline]
    fn make_room(&mut self, room: usize) {
        if self.is_empty() {
            self.filled = 0..0;
        }
        if self.bytes.len() - self.filled.end < room {
            self.make_more_room(room);
        }
    }

    fn make_more_room(&mut self, room: usize) {
        let have = self.filled.len();
        if self.bytes.capacity() == 0 {
            self.bytes = spares::take(&INPUT, room);
        }
        self.bytes.copy_within(self.filled.clone(), 0);
        self.filled = 0..have;
        if self.bytes.len() < have + room {
            self.bytes.reserve_exact(have + room - self.bytes.len());
            self.bytes.resize(have + room, 0);
        }
    }

    /// Gives the buffer to others if nothing is in there: a connection at rest keeps none.
    pub(in crate::transport) fn rest(&mut self) {
        if self.is_empty() {
            self.filled = 0..0;
            spares::put_aside(&INPUT, &mut self.bytes);
        }
    }

    /// Frees the buffer if nothing is in there.
    pub(in crate::transport) fn shrink(&mut self) {
        if self.is_empty() {
            *self = Self::default();
        }
    }

    #[cfg(test)]
    pub(in crate::transport) fn capacity(&self) -> usize {
        self.bytes.capacity()
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// Whatever is read and taken, nothing is lost, and what was taken stays until more is read.
        #[test]
        fn bytes_come_out_as_they_went_in(steps in prop::collection::vec((0..40_usize, 0..40_usize), 1..60)) {
            let cx = &mut Context::from_waker(Waker::noop());
            let (mut input, mut next_in, mut next_out) = (Input::default(), 0_u8, 0_u8);
            for (comes, goes) in steps {
                let piece: Vec<u8> = (0..comes).map(|i| next_in.wrapping_add(i as u8)).collect();
                let read = input.poll_read(&mut &piece[..], cx, 24, usize::MAX);
                let Poll::Ready(Ok(count)) = read else { panic!("{read:?}") };
                prop_assert_eq!(count, comes.min(24));
                next_in = next_in.wrapping_add(count as u8);
                let place = input.take(goes.min(input.len()));
                let is_at_rest = input.is_empty();
                for byte in input.taken(place) {
                    prop_assert_eq!(*byte, next_out);
                    next_out = next_out.wrapping_add(1);
                }
                if goes % 3 == 0 {
                    input.rest();
                    prop_assert_eq!(is_at_rest, input.capacity() == 0);
                }
            }
            let left = input.len() as u8;
            prop_assert_eq!(next_out.wrapping_add(left), next_in);
        }
    }
}
