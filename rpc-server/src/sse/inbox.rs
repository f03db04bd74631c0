//! The messages of the client: read by requests, and taken by the connection.

use std::collections::VecDeque;

use bytes::Bytes;
use rpc_core::internal::sse::{Inbound, Place};

use super::up::Reading;

/// Bytes of messages that were read and that the connection has not taken.
const INBOX: usize = 64 * 1024;

/// How many requests with messages a link reads at once. One more breaks off the oldest: its client has given it up.
const READING: usize = 2;

/// The way up of a link.
pub(super) struct Inbox {
    inbound: Inbound,
    messages: VecDeque<Bytes>,
    bytes: usize,
    /// A request waits for room.
    is_full: bool,
    message_in: usize,
    /// The requests that are being read, the oldest first.
    reading: VecDeque<u64>,
    read: u64,
}

/// What has become of the lines of a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Put {
    /// All of them were taken in, and more are to be read.
    All,
    /// There is no room for the next one.
    Full,
    /// A message before the next one is missing.
    Gap,
    /// A message is too long. The link ends.
    TooLong,
    /// A later request has taken the place of this one.
    BrokenOff,
    /// The link is over.
    Over,
}

impl Inbox {
    /// Makes an inbox that has the first message.
    pub(super) fn new(hello: Bytes, message_in: usize) -> Self {
        let mut inbound = Inbound::default();
        inbound.take(1);
        Self {
            inbound,
            messages: VecDeque::from([hello]),
            bytes: 0,
            is_full: false,
            message_in,
            reading: VecDeque::new(),
            read: 0,
        }
    }

    /// Returns the number of the last message that was taken in.
    pub(super) fn received(&self) -> u64 {
        self.inbound.received()
    }

    pub(super) fn set_message_in(&mut self, most: usize) {
        self.message_in = most;
    }

    /// Begins to read a request with messages. Returns its number.
    pub(super) fn begin_reading(&mut self) -> u64 {
        self.read += 1;
        self.reading.push_back(self.read);
        self.read
    }

    /// Breaks off the oldest request if there is one too many. Returns whether there was.
    pub(super) fn break_off(&mut self) -> bool {
        let is_one_too_many = self.reading.len() > READING;
        if is_one_too_many {
            self.reading.pop_front();
        }
        is_one_too_many
    }

    /// Ends the reading of a request.
    pub(super) fn end_reading(&mut self, number: u64) {
        self.reading.retain(|reading| *reading != number);
    }

    /// Puts in the lines of a request, as far as they have come.
    pub(super) fn put(&mut self, reading: &mut Reading) -> Put {
        if !self.reading.contains(&reading.request) {
            return Put::BrokenOff;
        }
        reading.lines.set_most(self.message_in);
        loop {
            let Ok(line) = reading.take_line() else { return Put::TooLong };
            let Some(line) = line else { return Put::All };
            match self.inbound.place(reading.next) {
                Place::Repeated => {}
                Place::Gap => return Put::Gap,
                Place::Next if self.bytes >= INBOX => {
                    reading.waiting = Some(line);
                    self.is_full = true;
                    return Put::Full;
                }
                Place::Next => {
                    self.inbound.take(reading.next);
                    self.bytes += line.len() + 1;
                    self.messages.push_back(line);
                }
            }
            reading.next += 1;
        }
    }

    pub(super) fn len(&self) -> usize {
        self.messages.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// Takes all messages that have come, in exchange for an empty queue. Returns whether a request waits for the room.
    pub(super) fn take(&mut self, into: &mut VecDeque<Bytes>) -> bool {
        std::mem::swap(&mut self.messages, into);
        self.bytes = 0;
        std::mem::take(&mut self.is_full)
    }

    /// Drops the messages: nobody takes them any more.
    pub(super) fn clear(&mut self) {
        self.messages = VecDeque::new();
    }

    pub(super) fn shrink(&mut self) {
        self.messages.shrink_to_fit();
    }
}
