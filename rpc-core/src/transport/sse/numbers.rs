//! The numbers of a link. Each direction counts its messages from 1, so that what was broken off can be repeated.

use std::collections::VecDeque;
use std::fmt;

use bytes::Bytes;

/// What is kept for each message beside its text.
const EACH: usize = 128;

/// The messages of the other end: which of them was taken in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Inbound {
    received: u64,
}

/// Where a message of the other end stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// It is the next one.
    Next,
    /// It was taken in before.
    Repeated,
    /// At least one message before it is missing.
    Gap,
}

impl Inbound {
    /// Returns the number of the last message that was taken in; 0 if none was.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// Returns where the message with this number stands.
    pub fn place(&self, number: u64) -> Place {
        match number.cmp(&(self.received + 1)) {
            std::cmp::Ordering::Less => Place::Repeated,
            std::cmp::Ordering::Equal => Place::Next,
            std::cmp::Ordering::Greater => Place::Gap,
        }
    }

    /// Takes in the message with this number if it is the next one. Returns where the message stands.
    pub fn take(&mut self, number: u64) -> Place {
        let place = self.place(number);
        if place == Place::Next {
            self.received = number;
        }
        place
    }
}

/// The messages of this end, kept until the other end has acknowledged them.
#[derive(Debug, Default)]
pub struct Outbound {
    /// The number of the last message that is not kept any more.
    before: u64,
    kept: VecDeque<Bytes>,
    bytes: usize,
    /// The number of the last message that the medium may have.
    sent: u64,
    unsent: usize,
}

/// The error of an acknowledgement of messages that were never sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotSent;

impl fmt::Display for NotSent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`Rpc-Received` is beyond what was sent")
    }
}

impl std::error::Error for NotSent {}

impl Outbound {
    /// Keeps the next message.
    pub fn push(&mut self, text: Bytes) {
        self.bytes += text.len() + EACH;
        self.unsent += text.len() + EACH;
        self.kept.push_back(text);
    }

    /// Returns the number of the last message.
    pub fn last(&self) -> u64 {
        self.before + self.kept.len() as u64
    }

    /// Returns the number of the last message that the medium may have.
    pub fn sent(&self) -> u64 {
        self.sent
    }

    /// Returns the number of the last message that is not kept any more.
    pub fn acknowledged(&self) -> u64 {
        self.before
    }

    /// Returns the bytes of all messages that are kept, with what keeping each of them costs.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns the bytes of the messages that were never sent.
    pub fn unsent(&self) -> usize {
        self.unsent
    }

    /// Returns the message with this number. `None` if it is not kept any more, or not there yet.
    pub fn get(&self, number: u64) -> Option<&Bytes> {
        self.kept.get(usize::try_from(number.checked_sub(self.before + 1)?).ok()?)
    }

    /// Notes that the medium may have the messages up to this number.
    pub fn note_sent(&mut self, number: u64) {
        while self.sent < number.min(self.last()) {
            self.sent += 1;
            self.unsent -= self.get(self.sent).map_or(0, |text| text.len() + EACH);
        }
    }

    /// Lets go of the messages up to this number, which the other end has. Numbers below what was acknowledged before
    /// are late, and change nothing. Returns whether anything was let go.
    ///
    /// # Errors
    /// The number is beyond what was sent.
    pub fn acknowledge(&mut self, number: u64) -> Result<bool, NotSent> {
        if number > self.sent {
            return Err(NotSent);
        }
        let before = self.before;
        while self.before < number {
            self.let_go();
        }
        Ok(self.before > before)
    }

    /// Lets go of the oldest messages that were sent, until all that are kept have at most so many bytes.
    pub fn keep_at_most(&mut self, bytes: usize) {
        while self.bytes > bytes && self.before < self.sent {
            self.let_go();
        }
    }

    /// Gives back the room of messages that are not kept any more.
    pub fn shrink(&mut self) {
        self.kept.shrink_to_fit();
    }

    fn let_go(&mut self) {
        if let Some(text) = self.kept.pop_front() {
            self.bytes -= text.len() + EACH;
            self.before += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_taken_in_once_and_in_order() {
        let mut inbound = Inbound::default();
        assert_eq!(inbound.take(2), Place::Gap);
        assert_eq!([1, 1, 2, 1, 4].map(|number| inbound.take(number)), {
            use Place::{Gap, Next, Repeated};
            [Next, Repeated, Next, Repeated, Gap]
        });
        assert_eq!(inbound.received(), 2);
        assert_eq!(inbound.place(0), Place::Repeated, "there is no message 0");
    }

    #[test]
    fn what_was_not_acknowledged_is_there_and_the_rest_is_not() {
        let mut outbound = Outbound::default();
        for text in ["a", "b", "c"] {
            outbound.push(Bytes::from_static(text.as_bytes()));
        }
        assert_eq!((outbound.last(), outbound.bytes(), outbound.unsent()), (3, 387, 387));
        assert_eq!(outbound.acknowledge(1), Err(NotSent));
        outbound.note_sent(2);
        assert_eq!((outbound.sent(), outbound.unsent()), (2, 129));
        assert_eq!(outbound.acknowledge(1), Ok(true));
        assert_eq!([1, 2, 3, 4].map(|number| outbound.get(number).is_some()), {
            [false, true, true, false]
        });
        assert_eq!(outbound.acknowledge(1), Ok(false), "a late one changes nothing");
        assert_eq!(outbound.acknowledge(3), Err(NotSent));
        assert_eq!((outbound.acknowledged(), outbound.bytes()), (1, 258));
    }

    #[test]
    fn the_oldest_that_were_sent_are_let_go_first() {
        let mut outbound = Outbound::default();
        (0..10).for_each(|_| outbound.push(Bytes::from_static(b"x")));
        outbound.note_sent(8);
        outbound.keep_at_most(5 * 129);
        assert_eq!((outbound.acknowledged(), outbound.last()), (5, 10));
        outbound.keep_at_most(0);
        assert_eq!((outbound.acknowledged(), outbound.bytes()), (8, 258), "unsent ones stay");
    }
}
