//! Two ends of a session over links that are cut at any byte, against two plain lists: what one end has sent is what
//! the other end takes in, once and in order.

use std::collections::VecDeque;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::protocol::tables::receipts::Receipts;

#[derive(Debug, Clone)]
enum Step {
    /// An end sends a message of so many bytes.
    Send(usize, usize),
    /// So many bytes of an end arrive at the other end.
    Deliver(usize, usize),
    /// An end acknowledges what it has taken in.
    Acknowledge(usize),
    /// The medium tells an end how many of its messages it has accepted.
    Accept(usize),
    /// The link is lost. Another one begins, after the first `bytes` of what was on its way arrived.
    Cut([usize; 2]),
    /// The link is lost in the middle of the hello, so that only one end knows of the resume.
    CutHello([usize; 2]),
    /// An end is sent a count that is false, too high by so much.
    Lie(usize, u64),
}

fn step() -> impl Strategy<Value = Step> {
    let end = || 0..2usize;
    prop_oneof![
        4 => (end(), 1..20usize).prop_map(|(end, bytes)| Step::Send(end, bytes)),
        4 => (end(), 0..60usize).prop_map(|(end, bytes)| Step::Deliver(end, bytes)),
        2 => end().prop_map(Step::Acknowledge),
        1 => end().prop_map(Step::Accept),
        1 => [0..60usize, 0..60].prop_map(Step::Cut),
        1 => [0..60usize, 0..60].prop_map(Step::CutHello),
        1 => (end(), 1..9u64).prop_map(|(end, more)| Step::Lie(end, more)),
    ]
}

#[derive(Debug, Clone, PartialEq)]
enum Frame {
    Message(Vec<u8>),
    Ack(u64),
}

impl Frame {
    fn bytes(&self) -> usize {
        match self {
            Self::Message(text) => text.len(),
            Self::Ack(_) => 7,
        }
    }
}

impl Text for Vec<u8> {
    fn len(&self) -> usize {
        Vec::len(self)
    }
}

struct End {
    queue: ReplayQueue<Vec<u8>>,
    receipts: Receipts,
    /// Messages to be sent again, before all others.
    again: VecDeque<Vec<u8>>,
    /// What is on its way to the other end, and how many bytes of the first frame have arrived.
    wire: VecDeque<Frame>,
    arrived: usize,
    given: u64,
    /// The model.
    sent: Vec<Vec<u8>>,
    taken_in: Vec<Vec<u8>>,
    accepted: usize,
}

impl End {
    fn new() -> Self {
        let mut queue = ReplayQueue::new(0);
        queue.push_uncounted(); // its hello
        Self {
            queue,
            receipts: Receipts::new(1 << 20),
            again: VecDeque::new(),
            wire: VecDeque::new(),
            arrived: 0,
            given: 1,
            sent: Vec::new(),
            taken_in: Vec::new(),
            accepted: 0,
        }
    }

    fn give(&mut self, message: Vec<u8>) {
        let is_new = self.again.is_empty();
        assert_eq!(self.queue.push(message.clone()).is_some(), is_new);
        self.wire.push_back(Frame::Message(message));
        self.given += 1;
    }

    /// Sends again what is to be sent again, at most `count` messages.
    fn replay(&mut self, count: usize) {
        for _ in 0..count.min(self.again.len()) {
            // `give` asks whether others wait behind it: it is taken out afterwards.
            let message = self.again.front().cloned().unwrap();
            self.give(message);
            self.again.pop_front();
        }
    }

    fn begin_link(&mut self, received: u64) {
        let again = self.queue.begin_link(received).unwrap();
        again.into_iter().rev().for_each(|message| self.again.push_front(message));
        self.queue.push_uncounted();
        (self.given, self.arrived) = (1, 0);
        self.wire.clear();
    }
}

fn deliver(ends: &mut [End; 2], from: usize, mut bytes: usize) {
    loop {
        let end = &mut ends[from];
        let Some(frame) = end.wire.front() else { return };
        let missing = frame.bytes() - end.arrived;
        if bytes < missing {
            end.arrived += bytes;
            return;
        }
        bytes -= missing;
        end.arrived = 0;
        match end.wire.pop_front().unwrap() {
            Frame::Message(text) => {
                let other = &mut ends[1 - from];
                other.receipts.take_in(1, text.len(), Duration::ZERO);
                other.taken_in.push(text);
            }
            Frame::Ack(n) => assert!(ends[1 - from].queue.acknowledge(n).is_ok()),
        }
    }
}

/// Returns how many messages of the model the medium of this link accepted: all that the wire was given.
fn accept(end: &mut End) {
    end.queue.on_accepted(end.given);
    end.accepted = end.accepted.max(end.queue.last_given() as usize);
    assert_eq!(end.queue.accepted as usize, end.accepted);
}

fn check(ends: &[End; 2]) {
    for (end, other) in [(0, 1), (1, 0)].map(|(one, two)| (&ends[one], &ends[two])) {
        assert_eq!(other.taken_in, end.sent[..other.taken_in.len()], "once and in order");
        assert_eq!(other.receipts.received() as usize, other.taken_in.len());
        assert_eq!(end.queue.last() as usize, end.sent.len());
        let kept = &end.sent[end.queue.acknowledged as usize..];
        let all = end.queue.kept.iter().chain(&end.again);
        assert!(all.eq(kept), "all that is not acknowledged is kept");
        let bytes: usize = end.queue.kept.iter().map(|text| text.len() + OVERHEAD).sum();
        assert_eq!(end.queue.takes(), bytes);
    }
}

fn run(steps: Vec<Step>) {
    let mut ends = [End::new(), End::new()];
    let mut next = 0_u64;
    for step in steps {
        match step {
            Step::Send(end, bytes) => {
                next += 1;
                let text =
                    next.to_le_bytes().into_iter().cycle().take(bytes + 8).collect::<Vec<_>>();
                let end = &mut ends[end];
                end.replay(usize::MAX);
                end.sent.push(text.clone());
                end.give(text);
            }
            Step::Deliver(from, bytes) => deliver(&mut ends, from, bytes),
            Step::Acknowledge(end) => {
                let end = &mut ends[end];
                end.queue.push_uncounted();
                end.given += 1;
                let n = end.receipts.tell();
                end.wire.push_back(Frame::Ack(n));
            }
            Step::Accept(end) => accept(&mut ends[end]),
            Step::Cut(bytes) => {
                (0..2).for_each(|from| deliver(&mut ends, from, bytes[from]));
                let received = [0, 1].map(|end: usize| ends[end].receipts.tell());
                ends[0].begin_link(received[1]);
                ends[1].begin_link(received[0]);
                (0..2).for_each(|end| ends[end].replay(bytes[1 - end]));
            }
            Step::CutHello(bytes) => {
                (0..2).for_each(|from| deliver(&mut ends, from, bytes[from]));
                // The server has resumed and sends; the client has not heard of it, and resumes again.
                let received = ends[0].receipts.tell();
                ends[1].begin_link(received);
                ends[1].replay(bytes[0]);
                let received = [0, 1].map(|end: usize| ends[end].receipts.tell());
                ends[1].begin_link(received[0]);
                ends[0].begin_link(received[1]);
            }
            Step::Lie(end, more) => {
                let queue = &mut ends[end].queue;
                let lie = queue.last_given() + more;
                assert_eq!(queue.acknowledge(lie), Err(FalseCount));
                assert!(queue.begin_link(lie).is_err());
                if let Some(less) = queue.acknowledged.checked_sub(more) {
                    assert!(queue.begin_link(less).is_err());
                    assert_eq!(queue.acknowledge(less), Ok(Acknowledged::Less));
                }
            }
        }
        check(&ends);
    }
    // In the end all arrives.
    for end in 0..2 {
        ends[end].replay(usize::MAX);
        deliver(&mut ends, end, usize::MAX);
    }
    check(&ends);
    for (end, other) in [(0, 1), (1, 0)] {
        assert_eq!(ends[other].taken_in, ends[end].sent);
    }
}

proptest! {
    #[test]
    fn what_was_sent_is_taken_in_once_and_in_order(steps in vec(step(), 1..80)) {
        run(steps);
    }
}
