//! Batches that this end has sent and that are not answered yet. The other end may not answer each call of a batch:
//! the other end may send an error without an id, an empty array, or an array that leaves calls out. Then the callers
//! get an error at once, instead of waiting until their deadlines.

use std::collections::VecDeque;

use bytes::{BufMut, Bytes, BytesMut};

use super::{Event, Outcome, Protocol};
use crate::error::call::{Fate, LONGEST_HEARD};
use crate::error::kind::Kind;
use crate::error::object::ErrorObject;
use crate::protocol::tables::calls::{Calls, MessageState};
use crate::protocol::tables::outbox::{Carried, OVERHEAD};
use crate::util::excerpt::Shortened;
use crate::util::sync::Arc;
use crate::wire::decode;

/// The maximum total length of the kept batch texts, in bytes. A text is kept to send the batch again.
const KEPT: usize = 256 * 1024;

/// The unanswered batches, and the latest error without an id.
#[derive(Default)]
pub(super) struct Unanswered {
    batches: VecDeque<Batch>,
    /// The total cost of the kept texts, in bytes.
    kept: usize,
    /// The number of batches at which finished batches are removed.
    look_at: usize,
    heard: Option<Heard>,
    /// The number of messages that were sent before the last ping. Set only by pings that follow a batch.
    pinged: u64,
}

/// A batch that was sent.
struct Batch {
    calls: Carried,
    /// The number of the batch's message, counted from the start of the connection.
    number: u64,
    /// The text of the batch, kept if the batch may be sent again: the batch fits into [`KEPT`] and is no part of an
    /// earlier batch.
    text: Option<Bytes>,
    /// The number of members. Counted when the number is needed, or when the text is dropped.
    members: Option<usize>,
}

impl Batch {
    fn cost(text: &Bytes) -> usize {
        text.len() + OVERHEAD
    }

    /// Returns whether a call of this batch waits for an answer.
    fn is_open<W>(&self, calls: &mut Calls<W, Outcome>) -> bool {
        self.calls.ids().iter().any(|id| calls.open_mut(*id).is_some())
    }

    /// Returns whether no message of the other end can concern the batch any more. While the text is kept, the other
    /// end can refuse the batch, and its notifications are sent again, even if no call waits.
    fn is_done<W>(&self, calls: &mut Calls<W, Outcome>) -> bool {
        self.text.is_none() && !self.is_open(calls)
    }

    /// Returns whether the batch has more than `most` members.
    fn exceeds(&mut self, most: usize) -> bool {
        let text = self.text.as_ref();
        let count = || text.map_or(0, |text| members(text).len());
        *self.members.get_or_insert_with(count) > most
    }

    fn forget_text(&mut self) {
        self.exceeds(0);
        self.text = None;
    }
}

fn members(batch: &Bytes) -> Vec<&str> {
    decode::members_of(std::str::from_utf8(batch).expect("messages are text"))
}

/// The latest error without an id.
struct Heard {
    error: Box<ErrorObject>,
    /// The id of the last call that was made before the error arrived.
    call: u64,
}

impl Unanswered {
    fn add<W>(&mut self, mut batch: Batch, calls: &mut Calls<W, Outcome>) {
        if let Some(text) = &batch.text {
            let bytes = Batch::cost(text);
            // Notifications have no answer, so a batch of notifications stays until it is dropped here.
            while self.kept + bytes > KEPT
                && let Some(at) = self.batches.iter().position(|it| !it.is_open(calls))
            {
                self.take(at);
            }
            if self.kept + bytes > KEPT {
                batch.forget_text();
            } else {
                self.kept += bytes;
            }
        }
        self.batches.push_back(batch);
    }

    fn take(&mut self, at: usize) -> Option<Batch> {
        let batch = self.batches.remove(at)?;
        self.kept -= batch.text.as_ref().map_or(0, Batch::cost);
        Some(batch)
    }

    fn retain(&mut self, mut keep: impl FnMut(&Batch) -> bool) {
        let kept = &mut self.kept;
        self.batches.retain(|batch| {
            let keep = keep(batch);
            *kept -= if keep { 0 } else { batch.text.as_ref().map_or(0, Batch::cost) };
            keep
        });
        self.look_at = 2 * self.batches.len() + 8;
    }
}

impl<W> Protocol<W> {
    /// Returns the maximum number of members of a batch that this end sends. The maximum of the other end applies, if
    /// it is known.
    pub(crate) fn most_in_batch(&self) -> usize {
        let most = self.limits.batch.min(self.limits.calls_on_wire);
        self.hello.batch().map_or(most, |incoming| incoming.min(most))
    }

    /// Records that a ping was sent. An end that does not know `$/ping` may answer with an error without an id.
    pub(crate) fn on_pinged(&mut self) {
        if let Some(unanswered) = &mut self.unanswered {
            unanswered.pinged = self.sent;
        }
    }

    /// Records that a batch is sent.
    #[cold]
    pub(super) fn note_batch(&mut self, message: &Bytes, carried: Carried) {
        let calls = &mut self.calls;
        let unanswered = self.unanswered.get_or_insert_default();
        if unanswered.batches.len() >= unanswered.look_at {
            unanswered.retain(|batch| !batch.is_done(calls));
        }
        let text = Some(message.clone());
        let mut batch = Batch { calls: carried, number: self.sent, text, members: None };
        let is_new = !matches!(batch.calls, Carried::Again(_));
        if !is_new || batch.text.as_ref().is_some_and(|text| Batch::cost(text) > KEPT) {
            if batch.calls == Carried::Notifications {
                return;
            }
            batch.forget_text();
        }
        unanswered.add(batch, calls);
    }

    /// Removes batches without a call that waits for an answer.
    pub(super) fn shrink_unanswered(&mut self) {
        let calls = &mut self.calls;
        let Some(unanswered) = &mut self.unanswered else { return };
        unanswered.retain(|batch| batch.is_open(calls));
        unanswered.batches.shrink_to_fit();
        if unanswered.batches.is_empty() && unanswered.heard.is_none() {
            self.unanswered = None;
        }
    }

    /// Processes an error without an id. `is_single` is whether the error arrived alone, not in an array of answers.
    #[cold]
    pub(super) fn unaddressed<'a>(&mut self, error: ErrorObject, is_single: bool) -> Event<'a> {
        self.counters.unaddressed += 1;
        if !is_single {
            return self.remember(error);
        }
        let why = refusal(&error);
        if error.kind() == Some(Kind::BatchTooBig) {
            let most = error.most_in_batch().or(self.hello.batch());
            match (self.take_refused(most), most) {
                (Some(Batch { text: Some(text), .. }), Some(most)) => {
                    self.send_anew(&text, most);
                    return Event::Done;
                }
                (Some(batch), _) => self.give_up_batch(&batch, &why, Fate::NotSent),
                (None, _) => {}
            }
        } else if let Some(batch) = self.take_lonely() {
            self.give_up_batch(&batch, &why, Fate::MaybeExecuted);
        }
        self.remember(error)
    }

    /// Treats an empty array as the answer to the oldest open batch. Returns whether there was such a batch.
    pub(super) fn answered_by_nothing(&mut self) -> bool {
        let at = self.position(|batch, calls| batch.is_open(calls));
        let Some(batch) = at.and_then(|at| self.take_batch(at)) else { return false };
        let why = "the batch was answered by an empty array";
        self.give_up_batch(&batch, why, Fate::MaybeExecuted);
        true
    }

    /// Records that one array has answered these calls. The other calls of their batches fail, because no answer to
    /// them can follow.
    pub(crate) fn on_batch_answered(&mut self, answered: &mut [u64]) {
        answered.sort_unstable();
        let is_in = |id: &u64| answered.binary_search(id).is_ok();
        let mut from = 0;
        while let Some(unanswered) = &self.unanswered {
            let mut others = unanswered.batches.iter().skip(from);
            let Some(at) = others.position(|batch| batch.calls.ids().iter().any(is_in)) else {
                return;
            };
            from += at;
            if let Some(batch) = self.take_batch(from) {
                let why = "the answer to the batch leaves this call out";
                self.give_up_batch(&batch, why, Fate::MaybeExecuted);
            }
        }
    }

    /// Returns the outcome of a call whose deadline has passed.
    pub(super) fn timed_out(&self, id: u64, fate: Fate) -> Outcome {
        let heard = self.unanswered.as_ref().and_then(|unanswered| unanswered.heard.as_ref());
        let heard = heard.filter(|heard| heard.call >= id && fate == Fate::MaybeExecuted);
        Outcome::Timeout(fate, heard.map(|heard| heard.error.clone()))
    }

    /// Keeps an error for the calls that time out. Returns [`Event::Unaddressed`] if the error differs from the kept
    /// one, so that repeats are not logged.
    fn remember<'a>(&mut self, mut error: ErrorObject) -> Event<'a> {
        error.data = None;
        error.message.truncate(error.message.floor_char_boundary(LONGEST_HEARD));
        error.message.shrink_to_fit();
        let call = self.calls.last_id();
        let heard = &mut self.unanswered.get_or_insert_default().heard;
        if let Some(heard) = heard.as_mut().filter(|heard| *heard.error == error) {
            heard.call = call;
            return Event::Done;
        }
        let (code, message) = (error.code, error.message.clone().into());
        *heard = Some(Heard { error: error.into(), call });
        Event::Unaddressed { code, message }
    }

    /// Returns the index of the oldest batch that is not done and for which `is_it` returns true.
    fn position(
        &mut self,
        is_it: impl Fn(&mut Batch, &mut Calls<W, Outcome>) -> bool,
    ) -> Option<usize> {
        let calls = &mut self.calls;
        let mut batches = self.unanswered.as_mut()?.batches.iter_mut();
        batches.position(|batch| !batch.is_done(calls) && is_it(batch, calls))
    }

    fn take_batch(&mut self, at: usize) -> Option<Batch> {
        self.unanswered.as_mut()?.take(at)
    }

    /// Removes and returns the oldest batch with more members than `most`. If `most` is unknown, takes the oldest batch
    /// with a call that waits.
    fn take_refused(&mut self, most: Option<usize>) -> Option<Batch> {
        let at = self.position(|batch, calls| match most {
            Some(most) => batch.exceeds(most),
            None => batch.is_open(calls),
        })?;
        self.take_batch(at)
    }

    /// Removes and returns the only batch that an error without an id can concern: no other call is in flight or given
    /// up, and no ping was sent after the batch.
    fn take_lonely(&mut self) -> Option<Batch> {
        if self.calls.has_given_up() {
            return None;
        }
        let at = self.position(|batch, calls| batch.is_open(calls))?;
        let Unanswered { batches, pinged, .. } = &**self.unanswered.as_ref()?;
        let (is_last, ids) = (*pinged <= batches[at].number, batches[at].calls.clone());
        let open = ids.ids().iter().filter(|id| self.is_in_flight(**id)).count();
        (open == self.on_wire && is_last).then(|| self.take_batch(at)).flatten()
    }

    /// Fails the calls of a batch that are still in flight.
    fn give_up_batch(&mut self, batch: &Batch, why: &str, fate: Fate) {
        for id in batch.calls.ids() {
            if self.is_in_flight(*id) {
                self.on_wire -= 1;
                self.stall = None;
                if fate == Fate::MaybeExecuted {
                    self.calls.give_up();
                }
                self.resolve(*id, Outcome::Unanswered(why.into(), fate));
            } else if fate == Fate::NotSent {
                self.calls.late(*id);
            }
        }
        if let (Some(text), Fate::NotSent) = (&batch.text, fate) {
            let notifications = members(text).len() - batch.calls.ids().len();
            self.counters.add_dropped(notifications as u64);
        }
        self.unpark();
    }

    /// Sends a refused batch again, in parts of at most `most` members. Calls that no caller waits for are left out.
    fn send_anew(&mut self, text: &Bytes, most: usize) {
        let mut part = (BytesMut::new(), Vec::new());
        let mut count = 0;
        for member in members(text) {
            let call = decode::id_of(member);
            if let Some(id) = call.filter(|id| !self.is_in_flight(*id)) {
                self.calls.late(id);
                continue;
            }
            part.0.put_u8(if count == 0 { b'[' } else { b',' });
            part.0.put_slice(member.as_bytes());
            part.1.extend(call);
            count += 1;
            if count == most {
                self.send_part(std::mem::take(&mut part));
                count = 0;
            }
        }
        if count > 0 {
            self.send_part(part);
        }
    }

    fn send_part(&mut self, (mut text, ids): (BytesMut, Vec<u64>)) {
        text.put_u8(b']');
        for id in &ids {
            if let Some(call) = self.calls.open_mut(*id) {
                call.place = MessageState::InBatch;
            }
        }
        let calls = if ids.is_empty() { Carried::None } else { Carried::Again(Arc::from(ids)) };
        self.enqueue_batch(calls, text.freeze(), false);
    }
}

fn refusal(error: &ErrorObject) -> String {
    let ErrorObject { code, message, .. } = error;
    let message = Shortened(message, LONGEST_HEARD);
    format!("the batch was refused as a whole: {message} (code {code})")
}

#[cfg(test)]
mod tests {
    use super::super::tests::{TestProtocol, next, protocol, receive, request, secs};
    use super::super::{Limits, Start};
    use super::*;

    const TOO_BIG: &str = r#"{"id":null,"error":{"code":-32010,"message":"no","data":{"kind":"batch_too_big","max":1}}}"#;

    /// Sends a batch of two calls.
    fn batch(protocol: &mut TestProtocol) -> Arc<[u64]> {
        let members = [Start::default(), Start::default()];
        let text =
            |ids: &[u64]| Bytes::from(format!(r#"[{{"id":{}}},{{"id":{}}}]"#, ids[0], ids[1]));
        let ids = protocol.start_batch(&members, 0, text).unwrap();
        next(protocol).unwrap();
        ids
    }

    fn answer(protocol: &mut TestProtocol, ids: &[u64]) {
        for id in ids {
            receive(protocol, &format!(r#"{{"id":{id},"result":1}}"#));
        }
    }

    #[test]
    fn nothing_is_left_of_batches_that_are_done_with() {
        let mut protocol = protocol(|_| {});
        for _ in 0..1000 {
            let ids = batch(&mut protocol);
            receive(&mut protocol, TOO_BIG);
            assert_eq!([(); 3].map(|()| next(&mut protocol).is_some()), [true, true, false]);
            answer(&mut protocol, &ids);
            let unanswered = protocol.unanswered.as_ref().unwrap();
            assert!(unanswered.batches.len() < 20, "{}", unanswered.batches.len());
        }
        protocol.shrink_unanswered();
        assert!(protocol.unanswered.is_none());
    }

    #[test]
    fn an_error_is_to_be_logged_once_for_each_text() {
        let mut protocol = protocol(|_| {});
        let mut is_logged = |text: &str| {
            let error = format!(r#"{{"id":null,"error":{{"code":1,"message":"{text}"}}}}"#);
            matches!(receive(&mut protocol, &error), Event::Unaddressed { .. })
        };
        assert_eq!(["a", "a", "b", "b", "a"].map(&mut is_logged), [true, false, true, false, true]);
    }

    #[test]
    fn a_call_that_is_given_up_while_its_part_waits_is_cancelled_behind_that() {
        let mut protocol = protocol(|_| {});
        let ids = batch(&mut protocol);
        receive(&mut protocol, TOO_BIG);
        protocol.abandon(ids[1]);
        let sent: Vec<_> = std::iter::from_fn(|| next(&mut protocol)).collect();
        let [first, second, cancel] = &sent[..] else { panic!("{sent:?}") };
        assert_eq!((&**first, &**second), (r#"[{"id":1}]"#, r#"[{"id":2}]"#));
        assert!(cancel.contains("$/cancelRequest"), "{cancel}");
        answer(&mut protocol, &ids[..1]);
        assert_eq!((protocol.pending(), protocol.on_wire), (0, 0));
    }

    #[test]
    fn a_batch_that_is_given_up_shows_that_the_wire_is_alive() {
        let mut protocol = protocol(|limits: &mut Limits| limits.calls_on_wire = 3);
        let call = |protocol: &mut TestProtocol, text: &'static str| {
            protocol.start(Start::default(), &mut None, |_| Bytes::from(text)).unwrap()
        };
        batch(&mut protocol);
        for text in ["one", "two", "three", "four"] {
            call(&mut protocol, text);
        }
        request(&mut protocol, 1).unwrap();
        assert_eq!(next(&mut protocol).unwrap(), "one");
        protocol.overdue(secs(1), true);
        assert!(protocol.answered_by_nothing());
        protocol.overdue(secs(2), true);
        assert_eq!([(); 2].map(|()| next(&mut protocol).unwrap()), ["two", "three"]);
        protocol.expire(secs(2));
        assert_eq!(next(&mut protocol), None, "it is a second old, but that was before");
    }
}
