//! Cuts a message into the frames it leaves in.

use bytes::Bytes;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

/// The most that one frame carries, unless messages are sent whole.
///
/// A longer message leaves in several, so that pongs get between: the other end would take us for
/// dead while a slow line carries one frame of 4 MiB. And the write buffer, which never shrinks,
/// need not hold the whole of it.
pub(super) const FRAGMENT: usize = 64 * 1024;

/// What is still to be handed over of the last message.
pub(super) struct Fragments {
    /// In a box, since few frames do not fit.
    returned: Option<Box<Frame>>,
    rest: Option<Bytes>,
    /// What the next frame is: only the first one tells whether the message is text.
    next: Data,
    /// The most that one frame carries.
    most: usize,
}

impl Fragments {
    /// Begins with all of `message`, which is UTF-8 if it is `Data::Text`, in frames of at most `most` bytes. What was
    /// there before must have been handed over.
    #[inline] // into the generic transport, which other crates compile
    pub(super) fn begin(&mut self, message: Bytes, data: Data, most: usize) {
        // Field by field: a value that takes the place of another calls the drop of that, for each message.
        self.rest = Some(message);
        self.next = data;
        self.most = most;
    }

    /// The next frame to hand over; `None` when all are.
    #[inline] // as `begin`
    pub(super) fn take(&mut self) -> Option<Frame> {
        self.returned.take().map(|frame| *frame).or_else(|| self.cut())
    }

    /// Keeps a frame that did not fit; it is the next one again.
    pub(super) fn put_back(&mut self, frame: Frame) {
        self.returned = Some(frame.into());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.returned.is_none() && self.rest.is_none()
    }

    /// How many bytes of the message are still to be handed over.
    pub(super) fn bytes(&self) -> usize {
        let returned = self.returned.as_ref().map_or(0, |frame| frame.payload().len());
        returned + self.rest.as_ref().map_or(0, Bytes::len)
    }

    fn cut(&mut self) -> Option<Frame> {
        let mut part = self.rest.take()?;
        if part.len() > self.most {
            self.rest = Some(part.split_off(self.most));
        }
        let data = std::mem::replace(&mut self.next, Data::Continue);
        Some(Frame::message(part, OpCode::Data(data), self.rest.is_none()))
    }
}

impl Default for Fragments {
    /// Nothing.
    fn default() -> Self {
        Self { returned: None, rest: None, next: Data::Continue, most: FRAGMENT }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Length, opcode and whether it is the last, of each frame.
    fn frames(length: usize) -> Vec<(usize, Data, bool)> {
        let mut fragments = Fragments::default();
        fragments.begin(Bytes::from(vec![b'x'; length]), Data::Text, FRAGMENT);
        std::iter::from_fn(|| {
            let frame = fragments.take()?;
            let OpCode::Data(data) = frame.header().opcode else { unreachable!() };
            Some((frame.payload().len(), data, frame.header().is_final))
        })
        .collect()
    }

    #[test]
    fn a_message_is_cut_every_64_kib() {
        assert_eq!(frames(0), [(0, Data::Text, true)]);
        assert_eq!(frames(FRAGMENT), [(FRAGMENT, Data::Text, true)]);
        assert_eq!(
            frames(FRAGMENT + 1),
            [(FRAGMENT, Data::Text, false), (1, Data::Continue, true)]
        );
        assert_eq!(
            frames(3 * FRAGMENT),
            [
                (FRAGMENT, Data::Text, false),
                (FRAGMENT, Data::Continue, false),
                (FRAGMENT, Data::Continue, true)
            ]
        );
    }

    #[test]
    fn a_frame_that_did_not_fit_comes_again() {
        let mut fragments = Fragments::default();
        fragments.begin(Bytes::from_static(b"{}"), Data::Text, FRAGMENT);
        let frame = fragments.take().unwrap();
        assert!(fragments.is_empty());
        fragments.put_back(frame.clone());
        assert!(!fragments.is_empty());
        assert_eq!(fragments.bytes(), 2);
        assert_eq!(fragments.take(), Some(frame));
        assert_eq!(fragments.take(), None);
    }
}
