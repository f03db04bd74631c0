//! Nothing is lost by giving memory back. That it is given back: `tests/websocket_memory.rs`.

use std::collections::VecDeque;

use super::far::*;

#[test]
fn shrinking_between_any_two_bytes_loses_nothing() {
    let large = "x".repeat(2000);
    let fragments = [masked(BEGIN, "a"), masked(PING, "ping"), masked(LAST, "b")].concat();
    let stream = [masked(TEXT, &large), fragments, masked(TEXT, "c")].concat();
    for split in 0..=stream.len() {
        let (mut server, far) = server(&Limits::server());
        let (before, after) = stream.split_at(split);
        let mut texts = Vec::new();
        for part in [before, after] {
            far.sends(part);
            while let std::task::Poll::Ready(Received::Text) = server.receive() {
                texts.push(String::from_utf8(server.message().to_owned()).unwrap());
            }
            server.shrink();
        }
        assert_eq!(texts, [&large, "ab", "c"], "cut at {split}");
        assert_eq!(far.took(), frame(PONG, "ping"));
    }
}

#[test]
fn shrinking_with_a_pong_or_a_message_unwritten_loses_neither() {
    let (mut server, far) = server(&Limits::server());
    far.has_room_for(0);
    far.sends([masked(TEXT, "x".repeat(2000)), masked(PING, "ping")].concat());
    server.text();
    assert!(server.receive().is_pending());
    server.shrink();
    server.send(Bytes::from("message")).unwrap();
    server.shrink();
    far.has_room_for(usize::MAX);
    assert!(server.flush());
    assert_eq!(far.took(), [frame(PONG, "ping"), frame(TEXT, "message")].concat());
}

/// Two ends, random messages both ways, random cuts, and `shrink` after every single step.
#[test]
fn shrinking_at_any_moment_loses_nothing() {
    for seed in 0..40 {
        let pair = Pair::new(seed);
        pair.ends[0].1.line().gathers = seed % 2 == 0;
        pair.run();
    }
}

struct Pair<R> {
    random: R,
    ends: [(WebSocket<Near>, Far); 2],
    /// What each end sent and the other has yet to receive.
    sent: [VecDeque<String>; 2],
    to_send: [usize; 2],
    pings: [u64; 2],
}

impl Pair<()> {
    fn new(seed: u64) -> Pair<impl FnMut(usize) -> usize> {
        Pair {
            random: random(seed),
            ends: [server(&Limits::server()), client(&Limits::client())],
            sent: Default::default(),
            to_send: [60, 60],
            pings: [0, 0],
        }
    }
}

impl<R: FnMut(usize) -> usize> Pair<R> {
    fn run(mut self) {
        while self.to_send != [0, 0] || self.sent.iter().any(|sent| !sent.is_empty()) {
            let end = (self.random)(2);
            match (self.random)(6) {
                0 => self.send(end),
                1 => drop(self.ends[end].0.flush()),
                2 => drop(self.ends[end].0.ready()),
                3 => self.carry(end),
                4 => self.receive(end),
                _ => self.ping(end),
            }
            self.ends[end].0.shrink();
        }
        self.settle();
    }

    fn send(&mut self, end: usize) {
        if self.to_send[end] > 0 && self.ends[end].0.ready() {
            let length = [0, 10, 600, 5_000, 30_000, 200_000][(self.random)(6)];
            let message = format!("{}:{}", self.to_send[end], "x".repeat(length));
            self.ends[end].0.send(Bytes::from(message.clone())).unwrap();
            self.sent[end].push_back(message);
            self.to_send[end] -= 1;
        }
    }

    /// Some of what an end wrote arrives at the other; its room changes.
    fn carry(&mut self, end: usize) {
        let taken = self.ends[end].1.took();
        self.ends[1 - end].1.sends(taken);
        self.ends[end].1.has_room_for((self.random)(50_000));
        self.ends[end].1.line().read_at_once = (self.random)(9_000);
    }

    fn receive(&mut self, end: usize) {
        let cx = &mut std::task::Context::from_waker(std::task::Waker::noop());
        match self.ends[end].0.poll_receive(cx, (self.random)(20_000)) {
            std::task::Poll::Ready(Received::Text) => {
                let message = self.sent[1 - end].pop_front().unwrap();
                assert_eq!(self.ends[end].0.message(), message.as_bytes());
            }
            std::task::Poll::Ready(_) => panic!("the link broke"),
            std::task::Poll::Pending => {}
        }
    }

    fn ping(&mut self, end: usize) {
        if (self.random)(4) == 0 {
            self.ends[end].0.ping().unwrap();
            self.pings[end] += 1;
        }
    }

    /// At the end every ping has arrived at the other end.
    fn settle(&mut self) {
        for end in [0, 1] {
            self.ends[end].1.has_room_for(usize::MAX);
            assert!(self.ends[end].0.flush());
            self.ends[1 - end].1.sends(self.ends[end].1.took());
            assert!(self.ends[1 - end].0.receive().is_pending());
            assert_eq!(self.ends[1 - end].0.unasked_controls(), self.pings[end]);
        }
    }
}
