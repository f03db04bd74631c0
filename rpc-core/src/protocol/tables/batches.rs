//! Batches of the other end whose answers are gathered (specification, section 6).

use bytes::{BufMut, Bytes, BytesMut};
use slab::Slab;

use crate::protocol::tables::outbox::OVERHEAD;
use crate::protocol::tables::streams::OutgoingKey;
use crate::util::members::Members;
use crate::wire::buffer::Scratch;

/// So many bytes of answers are joined as they come. What is longer stays in pieces until the batch is finished, so
/// that no buffer grows, by doubling, to twice the answers.
const JOINED: usize = 16 * 1024;

/// Bytes of a short answer, with the comma behind it.
const SHORT: usize = 64;

/// The most bytes that the error -32011 in the place of an answer takes, without its id.
const REFUSAL: usize = 200;

/// The batches of one connection that are not answered yet.
pub(crate) struct Batches<W> {
    batches: Slab<Batch<W>>,
    /// The bytes of all gathered answers, and the number of these answers.
    gathered: usize,
    answers: usize,
    /// The one batch that may gather beyond the limit. Without this batch, batches that hold the room
    /// together would wait for each other.
    privileged: Option<usize>,
}

struct Batch<W> {
    /// The answers of the first members, as they will be sent: most members are answered before the next one is
    /// looked at.
    joined: BytesMut,
    /// How many members are answered in `joined`, those included that get no answer.
    in_order: usize,
    /// One place for each further member that is owed an answer, in the order of the members.
    answers: Vec<Option<Bytes>>,
    bytes: usize,
    /// Streams that the members opened. Their items follow the answer of the batch.
    streams: Vec<OutgoingKey>,
    /// Waiters told when the answer of the batch is in the outbox.
    after: Vec<W>,
    /// The number of answers that are still to come, and one more while the members are being read.
    open: usize,
    /// The number of members, and the values that layers share between them, if a layer has asked.
    count: usize,
    members: Option<Members>,
}

/// A batch with all its answers.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Finished<W> {
    /// The response; `None` if no member was owed an answer.
    pub(crate) answer: Option<Bytes>,
    /// Streams that may begin when the response is sent.
    pub(crate) streams: Vec<OutgoingKey>,
    /// Waiters told when the response is in the outbox.
    pub(crate) after: Vec<W>,
}

/// The place of a member among the answers of its batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BatchSlot {
    pub(crate) batch: usize,
    slot: usize,
}

impl<W> Batches<W> {
    pub(crate) const fn new() -> Self {
        Self { batches: Slab::new(), gathered: 0, answers: 0, privileged: None }
    }

    /// Adds a batch of `count` members, which are going to be read. Returns its number.
    pub(crate) fn register(&mut self, count: usize) -> usize {
        let (joined, answers) = (BytesMut::new(), Vec::new());
        let (streams, after, members) = (Vec::new(), Vec::new(), None);
        let (in_order, bytes, open) = (0, 0, 1);
        let batch =
            Batch { joined, in_order, answers, bytes, streams, after, open, count, members };
        self.batches.insert(batch)
    }

    /// Returns the values that the members of a batch share.
    pub(crate) fn members(&mut self, batch: usize) -> Members {
        let Batch { count, members, .. } = &mut self.batches[batch];
        members.get_or_insert_with(|| Members::new(*count)).clone()
    }

    /// Adds a place for the answer of one more member.
    pub(crate) fn add_slot(&mut self, batch: usize) -> BatchSlot {
        let Batch { answers, in_order, open, .. } = &mut self.batches[batch];
        let slot = *in_order + answers.len();
        answers.push(None);
        *open += 1;
        BatchSlot { batch, slot }
    }

    /// Notes that all members were read. Returns the batch if it has all its answers.
    pub(crate) fn all_read(&mut self, batch: usize) -> Option<Finished<W>> {
        self.close_slot(batch)
    }

    /// Returns whether an answer of this size leaves room for a short error in the place of each answer
    /// that is to come.
    pub(crate) fn fits(&self, place: BatchSlot, bytes: usize, limit: usize) -> bool {
        let batch = &self.batches[place.batch];
        batch.bytes + bytes + batch.open * REFUSAL <= limit
    }

    /// Returns whether a result may be written for this batch. All batches together gather at most
    /// `limit` bytes, but for the one privileged batch.
    pub(crate) fn may_gather(&mut self, batch: usize, limit: usize) -> bool {
        self.gathered < limit || *self.privileged.get_or_insert(batch) == batch
    }

    /// Holds a stream that a member opened until the batch is answered.
    pub(crate) fn hold(&mut self, place: BatchSlot, stream: OutgoingKey) {
        self.batches[place.batch].streams.push(stream);
    }

    /// Holds a waiter until the batch is answered.
    pub(crate) fn hold_after(&mut self, place: BatchSlot, after: W) {
        self.batches[place.batch].after.push(after);
    }

    /// Keeps the answer of a member. Returns the batch if the answer was the last one.
    pub(crate) fn complete(&mut self, place: BatchSlot, answer: Bytes) -> Option<Finished<W>> {
        let batch = self.count(place, answer.len());
        if batch.takes_in_order(place.slot, answer.len()) {
            batch.join(&answer);
        } else {
            batch.put(place.slot, answer);
        }
        self.close_slot(place.batch)
    }

    /// As [`complete`](Self::complete), for an answer that was just written and is taken out of `written`.
    pub(crate) fn complete_written(
        &mut self,
        place: BatchSlot,
        written: &mut Scratch,
    ) -> Option<Finished<W>> {
        let bytes = written.buffer.len();
        let batch = self.count(place, bytes);
        if batch.takes_in_order(place.slot, bytes) {
            batch.join(&written.buffer);
            written.buffer.clear();
        } else {
            batch.put(place.slot, written.cut());
        }
        self.close_slot(place.batch)
    }

    /// Counts an answer, with the comma behind it.
    fn count(&mut self, place: BatchSlot, bytes: usize) -> &mut Batch<W> {
        let batch = &mut self.batches[place.batch];
        batch.bytes += bytes + 1;
        self.gathered += bytes + 1;
        self.answers += 1;
        batch
    }

    /// Notes that a member gets no answer. Returns the batch if no other answer is to come.
    pub(crate) fn cancel(&mut self, place: BatchSlot) -> Option<Finished<W>> {
        self.answers += 1;
        let batch = &mut self.batches[place.batch];
        if batch.takes_in_order(place.slot, 0) {
            batch.pass();
        }
        self.close_slot(place.batch)
    }

    fn close_slot(&mut self, batch: usize) -> Option<Finished<W>> {
        let open = &mut self.batches[batch].open;
        *open -= 1;
        if *open > 0 {
            return None;
        }
        Some(self.finish(batch))
    }

    #[inline(never)] // once for each batch
    fn finish(&mut self, batch: usize) -> Finished<W> {
        let Batch { joined, in_order, answers, bytes, streams, after, .. } =
            self.batches.remove(batch);
        self.gathered -= bytes;
        self.answers -= in_order + answers.len();
        if self.privileged == Some(batch) {
            self.privileged = None;
        }
        let is_owed = !joined.is_empty() || answers.iter().any(Option::is_some);
        let answer = is_owed.then(|| join(joined, answers.into_iter().flatten(), bytes));
        Finished { answer, streams, after }
    }

    /// Returns the bytes of all gathered answers.
    pub(crate) fn bytes(&self) -> usize {
        self.gathered
    }

    /// Returns the memory that the gathered answers take: their bytes, and an overhead for each.
    pub(crate) fn takes(&self) -> usize {
        self.gathered + OVERHEAD * self.answers
    }

    /// Removes all batches, and gives back their memory. Returns the waiters whose answer will not come.
    pub(crate) fn drain(&mut self) -> Vec<W> {
        let batches = std::mem::replace(self, Self::new()).batches;
        batches.into_iter().flat_map(|(_, batch)| batch.after).collect()
    }
}

impl<W> Batch<W> {
    /// Returns whether all members before this one are answered in `joined`, and there is room for this answer.
    fn takes_in_order(&self, slot: usize, bytes: usize) -> bool {
        slot == self.in_order && self.answers.len() == 1 && self.joined.len() + bytes < JOINED
    }

    /// Joins an answer to those before.
    fn join(&mut self, answer: &[u8]) {
        if self.joined.is_empty() {
            self.joined.reserve(JOINED.min(self.count * SHORT).max(answer.len() + 2));
        }
        push(&mut self.joined, answer);
        self.pass();
    }

    /// Goes on to the next member.
    fn pass(&mut self) {
        self.answers.clear();
        self.in_order += 1;
    }

    /// Keeps an answer until the batch is finished.
    fn put(&mut self, slot: usize, answer: Bytes) {
        self.answers[slot - self.in_order] = Some(answer);
    }
}

/// Adds `[…` or `,…`.
fn push(out: &mut BytesMut, answer: &[u8]) {
    out.reserve(answer.len() + 2);
    out.put_u8(if out.is_empty() { b'[' } else { b',' });
    out.put_slice(answer);
}

/// Returns `[…,…]` of the answers that are `joined` already and the others, which have this number of bytes.
fn join(mut joined: BytesMut, answers: impl Iterator<Item = Bytes>, bytes: usize) -> Bytes {
    let mut answers = answers.peekable();
    if answers.peek().is_some() {
        joined.reserve(bytes + 1 - joined.len());
    }
    answers.for_each(|answer| push(&mut joined, &answer));
    joined.put_u8(b']');
    joined.freeze()
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use super::*;

    fn text(whole: Option<Finished<&str>>) -> Option<String> {
        whole?.answer.map(|bytes| String::from_utf8(bytes.to_vec()).unwrap())
    }

    #[test]
    fn answers_stand_in_the_order_of_the_members() {
        let mut batches = Batches::<&str>::new();
        let batch = batches.register(2);
        let [first, second] = [batches.add_slot(batch), batches.add_slot(batch)];
        assert_eq!(batches.complete(second, Bytes::from_static(b"2")), None);
        assert_eq!(batches.all_read(batch), None);
        let whole = batches.complete(first, Bytes::from_static(b"1"));
        assert_eq!(text(whole).unwrap(), "[1,2]");
        assert_eq!((batches.batches.len(), batches.bytes()), (0, 0));
    }

    #[test]
    fn a_member_that_gets_no_answer_is_left_out() {
        let mut batches = Batches::<&str>::new();
        let batch = batches.register(2);
        let [first, second] = [batches.add_slot(batch), batches.add_slot(batch)];
        assert_eq!(batches.all_read(batch), None);
        assert_eq!(batches.cancel(first), None);
        assert_eq!(text(batches.complete(second, Bytes::from_static(b"2"))).unwrap(), "[2]");
        let batch = batches.register(1);
        let alone = batches.add_slot(batch);
        assert_eq!(batches.all_read(batch), None);
        let whole = batches.cancel(alone).unwrap();
        assert_eq!((text(Some(whole)), batches.bytes(), batches.takes()), (None, 0, 0));
    }

    #[test]
    fn a_batch_that_is_owed_nothing_is_not_answered() {
        let mut batches = Batches::<&str>::new();
        let batch = batches.register(2);
        assert_eq!(text(batches.all_read(batch)), None);
        assert!(batches.batches.is_empty());
    }

    #[test]
    fn beyond_the_limit_one_batch_may_go_on() {
        let mut batches = Batches::<&str>::new();
        let [a, b] = [batches.register(2), batches.register(2)];
        let [first, _second] = [batches.add_slot(a), batches.add_slot(a)];
        let other = batches.add_slot(b);
        assert!(batches.may_gather(a, 3));
        batches.complete(first, Bytes::from_static(b"abc"));
        assert!(batches.may_gather(b, 3), "the first that asks");
        assert!(!batches.may_gather(a, 3));
        batches.all_read(b);
        batches.complete(other, Bytes::from_static(b"d"));
        assert!(batches.may_gather(a, 3), "the other is done");
    }

    #[test]
    fn who_waits_for_a_member_is_told_of_with_the_whole_batch_or_when_it_is_forgotten() {
        let mut batches = Batches::<&str>::new();
        let [done, left] = [batches.register(2), batches.register(2)];
        let [first, second] = [batches.add_slot(done), batches.add_slot(done)];
        batches.all_read(done);
        batches.hold_after(first, "first");
        assert_eq!(batches.complete(first, Bytes::from_static(b"1")), None);
        let whole = batches.complete(second, Bytes::from_static(b"2")).unwrap();
        assert_eq!(whole.after, ["first"]);
        let third = batches.add_slot(left);
        batches.hold_after(third, "third");
        assert_eq!(batches.drain(), ["third"]);
    }
}
