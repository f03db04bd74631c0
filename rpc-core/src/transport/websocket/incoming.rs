//! Judges what arrives by the headers of its frames, before memory is spent on the rest.
//!
//! tungstenite alone is not enough. It takes empty fragments for ever, inside a single `read` call
//! that the caller cannot interrupt; it reserves what a header declares, for each fragment anew and
//! even for a ping, and judges the sum when the last byte is there: three or four messages' worth
//! of memory for one that is refused in the end.

use super::frames::{Frames, Kind, Mark};
use crate::error::close::CloseCode;
use crate::limits::Limits;

/// What has arrived, and whether it may go on.
#[derive(Debug)]
pub(super) struct Incoming {
    frames: Frames,
    /// The bounds of a message.
    message_in: u64,
    fragments_max: usize,
    /// The messages that arrived whole, in all and before nothing more was to be read.
    whole: u64,
    settled: u64,
    /// The control frames that did.
    controls: u64,
    /// Frames and declared bytes of the message that is arriving.
    fragments: usize,
    size: u64,
    /// Everything that ever arrived.
    bytes: u64,
    closed: bool,
    refusal: Option<Refusal>,
}

/// Why no more is taken: what to close with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) code: CloseCode,
    pub(super) reason: &'static str,
}

impl Incoming {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            frames: Frames::default(),
            message_in: limits.message_in as u64,
            fragments_max: limits.fragments,
            whole: 0,
            settled: 0,
            controls: 0,
            fragments: 0,
            size: 0,
            bytes: 0,
            closed: false,
            refusal: None,
        }
    }

    /// Other bounds hold from now on.
    pub(super) fn set_limits(&mut self, limits: &Limits) {
        self.message_in = limits.message_in as u64;
        self.fragments_max = limits.fragments;
    }

    /// Follows what arrived and says how many of these bytes may be read. When not all of them,
    /// there is a [`refusal`](Self::refusal), and nothing that follows may be read; or else a close
    /// frame begins there right behind messages, and is for later.
    ///
    /// The last byte of such a header is held back: without it tungstenite cannot act on the header,
    /// and has read everything before it.
    pub(super) fn follow(&mut self, arrived: &[u8]) -> usize {
        self.bytes += arrived.len() as u64;
        let mut allowed = if self.refusal.is_some() { 0 } else { arrived.len() };
        let mut rest = arrived;
        loop {
            let is_plain = self.refusal.is_none() && self.fragments == 0;
            if is_plain && self.frames.take_message(&mut rest, self.message_in) {
                self.whole += 1;
                continue;
            }
            match self.frames.advance(&mut rest) {
                Some(Mark::Header { kind, length }) if self.refusal.is_none() => {
                    self.refusal = self.judge(kind, length).err();
                    let waits = kind.is_close() && self.whole > self.settled;
                    let stops = self.refusal.is_some() || waits;
                    if stops && allowed == arrived.len() {
                        allowed = arrived.len() - rest.len() - 1;
                    }
                }
                // After a refusal only the peer's close is still of interest.
                Some(Mark::Header { .. }) => {}
                Some(Mark::End(kind)) => self.end(kind),
                None => break,
            }
        }
        allowed
    }

    /// Nothing more is to be read for now.
    pub(super) fn settle(&mut self) {
        self.settled = self.whole;
    }

    fn judge(&mut self, kind: Kind, length: u64) -> Result<(), Refusal> {
        if !kind.is_data() {
            let reason = "a control frame of more than 125 bytes";
            return refuse_if(length > 125, CloseCode::PROTOCOL, reason);
        }
        self.fragments += 1;
        self.size = self.size.saturating_add(length);
        refuse_if(self.size > self.message_in, CloseCode::TOO_BIG, ABOVE_MESSAGE_IN)?;
        let too_many = self.fragments > self.fragments_max;
        refuse_if(too_many, CloseCode::POLICY, "too many fragments")
    }

    fn end(&mut self, kind: Kind) {
        self.closed |= kind.is_close();
        if kind.ends_message() {
            self.whole += 1;
            self.fragments = 0;
            self.size = 0;
        }
        self.controls += u64::from(!kind.is_data());
    }

    /// How many messages and control frames arrived whole.
    pub(super) fn whole(&self) -> u64 {
        self.whole + self.controls
    }

    /// The number of the message, from 0, that has begun, with its very first byte, and is not
    /// whole.
    pub(super) fn assembling(&self) -> Option<u64> {
        let begun = self.fragments > 0 || self.frames.begun().is_some_and(Kind::is_data);
        begun.then_some(self.whole)
    }

    /// Whether neither a message nor a frame has begun and is not whole.
    pub(super) fn is_between_messages(&self) -> bool {
        self.fragments == 0 && self.frames.begun().is_none()
    }

    /// How many bytes of the frame that is arriving are still to come, as far as its header has told.
    pub(super) fn left_of_frame(&self) -> usize {
        usize::try_from(self.frames.left()).unwrap_or(usize::MAX)
    }

    /// Whether the other end's close frame has arrived.
    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    pub(super) fn refusal(&self) -> Option<Refusal> {
        self.refusal
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }
}

/// The reason of 1009, whoever finds it.
pub(super) const ABOVE_MESSAGE_IN: &str = "a message above the limit `message_in`";

fn refuse_if(refuse: bool, code: CloseCode, reason: &'static str) -> Result<(), Refusal> {
    if refuse { Err(Refusal { code, reason }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEGIN: &[u8] = &[0x01, 1, b'a'];
    const EMPTY: &[u8] = &[0x00, 0];
    const PING: &[u8] = &[0x89, 1, b'p'];
    const LAST: &[u8] = &[0x80, 1, b'z'];

    fn incoming(message_in: usize, fragments: usize) -> Incoming {
        let mut limits = Limits::server();
        (limits.message_in, limits.fragments) = (message_in, fragments);
        Incoming::new(&limits)
    }

    #[test]
    fn a_message_is_assembling_from_its_first_byte_to_its_last() {
        let mut incoming = incoming(9, 9);
        for (number, message) in [(0, [BEGIN, PING, LAST].concat()), (1, vec![0x81, 0])] {
            assert_eq!(incoming.assembling(), None);
            let (last, others) = message.split_last().unwrap();
            for byte in others {
                incoming.follow(&[*byte]);
                assert_eq!(incoming.assembling(), Some(number));
            }
            incoming.follow(&[*last]);
        }
        assert_eq!(incoming.assembling(), None);
    }

    #[test]
    fn a_control_frame_alone_is_no_message() {
        let mut incoming = incoming(9, 9);
        incoming.follow(&PING[..2]);
        assert_eq!((incoming.assembling(), incoming.is_between_messages()), (None, false));
        incoming.follow(&PING[2..]);
        assert!(incoming.is_between_messages());
    }

    #[test]
    fn what_came_before_one_fragment_too_many_may_still_be_read() {
        let mut incoming = incoming(9, 3);
        let fine = [&[0x81, 0], BEGIN, PING, EMPTY, PING, EMPTY].concat();
        assert_eq!(incoming.follow(&fine), fine.len());
        assert_eq!(incoming.follow(&[PING, EMPTY, LAST].concat()), PING.len() + 1);
        let refusal = incoming.refusal().unwrap();
        assert_eq!((refusal.code, refusal.reason), (CloseCode::POLICY, "too many fragments"));
        assert_eq!(incoming.follow(PING), 0);
    }

    #[test]
    fn fragments_are_counted_for_each_message_anew() {
        let mut incoming = incoming(9, 2);
        for _ in 0..9 {
            incoming.follow(&[BEGIN, LAST].concat());
        }
        assert_eq!(incoming.refusal(), None);
    }

    #[test]
    fn the_declared_bytes_of_a_message_are_summed_before_they_come() {
        let mut incoming = incoming(9, 9);
        incoming.follow(&[BEGIN, &[0x00, 8]].concat());
        assert_eq!(incoming.refusal(), None);
        incoming.follow(b"12345678");
        assert_eq!(incoming.follow(&[0x80, 1]), 1);
        assert_eq!(incoming.refusal().unwrap().code, CloseCode::TOO_BIG);
    }

    #[test]
    fn a_control_frame_cannot_ask_for_the_memory_of_a_message() {
        let mut incoming = incoming(9, 9);
        assert_eq!(incoming.follow(&[0x89, 126, 0, 126]), 3);
        assert_eq!(incoming.refusal().unwrap().code, CloseCode::PROTOCOL);
    }

    #[test]
    fn the_peers_close_is_seen_also_after_a_refusal() {
        let mut incoming = incoming(9, 9);
        let too_big = [&[0x81, 10], &b"0123456789"[..], &[0x88, 0]].concat();
        assert_eq!(incoming.follow(&too_big), 1);
        assert!(incoming.is_closed());
    }
}
