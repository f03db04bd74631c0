//! Bytes that are to be sent.

use super::spares::{self, OUTPUT};

/// The usual room for what leaves together.
const ROOM: usize = 4096;

/// A buffer that is written to at its end and sent from its start.
#[derive(Default)]
pub(in crate::transport) struct Output {
    bytes: Vec<u8>,
    /// How many of the bytes were sent.
    sent: usize,
}

impl Output {
    /// Returns the end, to which more is appended.
    #[inline]
    pub(in crate::transport) fn end(&mut self) -> &mut Vec<u8> {
        if self.bytes.capacity() == 0 {
            self.bytes = spares::take(&OUTPUT, ROOM);
        } else if self.sent >= ROOM {
            // Else a stream that never takes all would let the buffer grow for ever.
            self.bytes.drain(..self.sent);
            self.sent = 0;
        }
        &mut self.bytes
    }

    /// Returns what was not sent.
    #[inline]
    pub(in crate::transport) fn unsent(&self) -> &[u8] {
        &self.bytes[self.sent..]
    }

    #[inline]
    pub(in crate::transport) fn is_empty(&self) -> bool {
        self.sent == self.bytes.len()
    }

    /// Notes that this number of bytes was sent. Returns how many of them were not from here.
    #[inline]
    pub(in crate::transport) fn sent(&mut self, bytes: usize) -> usize {
        let of_these = bytes.min(self.bytes.len() - self.sent);
        self.sent += of_these;
        if self.is_empty() {
            self.bytes.clear();
            self.sent = 0;
        }
        bytes - of_these
    }

    /// Gives the buffer to others if nothing is left to send: a connection at rest keeps none.
    pub(in crate::transport) fn rest(&mut self) {
        if self.is_empty() {
            spares::put_aside(&OUTPUT, &mut self.bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_was_sent_beyond_the_buffer_is_told() {
        let mut output = Output::default();
        output.end().extend_from_slice(b"head");
        assert_eq!((output.sent(3), output.unsent()), (0, &b"d"[..]));
        assert_eq!(output.sent(8), 7);
        assert!(output.is_empty());
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// Whatever is written and sent, each byte leaves once, in order, and the buffer is bounded by what is unsent.
        #[test]
        fn bytes_leave_as_they_were_written(steps in prop::collection::vec((0..3000_usize, 0..3000_usize), 1..60)) {
            let (mut output, mut written, mut sent) = (Output::default(), Vec::new(), Vec::new());
            for (step, (comes, goes)) in steps.into_iter().enumerate() {
                let piece: Vec<u8> = (0..comes).map(|at| (at + step) as u8).collect();
                output.end().extend_from_slice(&piece);
                written.extend(piece);
                let unsent = output.unsent();
                let goes = goes.min(unsent.len());
                sent.extend_from_slice(&unsent[..goes]);
                prop_assert_eq!(output.sent(goes), 0);
                prop_assert!(output.bytes.len() < written.len() - sent.len() + ROOM + 3000);
                if step % 5 == 0 {
                    output.rest();
                }
            }
            sent.extend_from_slice(output.unsent());
            prop_assert_eq!(sent, written);
        }
    }
}
