//! All that answers a request of the other end: the response of its handler, a refusal, or a stop.
//!
//! | method | the request | the answer |
//! |---|---|---|
//! | [`finish`](Protocol::finish) | has a handler, which has ended | the handler's response |
//! | [`finish_written`](Protocol::finish_written) | has a handler, which has ended | the handler's response, just written |
//! | [`finish_with_stream`](Protocol::finish_with_stream) | has a handler, which returned a stream | the id of the stream |
//! | `refuse` | gets no handler | an error |
//! | `stop` | has a handler, or waits for one | an error; the handler is to be dropped |
//! | `forsake` | has a handler, or waits for one | none: the other end wants none |
//! | [`interrupt`](Protocol::interrupt) | all that are served | an error, since the connection closes |
//! | [`interrupt_away`](Protocol::interrupt_away) | those of some methods | an error, since the link is lost |
//!
//! Each answer leaves by `reply`: to the outbox, or to its place in the answer of a batch.

use bytes::Bytes;

use super::{Event, Protocol, Started};
use crate::error::close::CloseCode;
use crate::error::object::ErrorObject;
use crate::protocol::tables::batches::{BatchSlot, Finished};
use crate::protocol::tables::key::Key;
use crate::protocol::tables::outbox::Carried;
use crate::protocol::tables::serving::{ColdFields, Ended, Served};
use crate::protocol::tables::streams::OutgoingKey;
use crate::wire::attached::{self, is_attached};
use crate::wire::buffer::Scratch;
use crate::wire::encode;
use crate::wire::id::Id;

impl<W> Protocol<W> {
    /// Takes back the token of a handler that has ended. `answer` is its response and the id in that; a
    /// notification has none. The response is dropped if the request was answered before, as by a cancel.
    pub(crate) fn finish(&mut self, started: Started, answer: Option<(&str, Bytes)>) {
        let Some(served) = self.complete(&started) else { return };
        if let Some((id, answer)) = answer {
            self.reply(served.place, Some(id), answer);
        }
    }

    /// As [`finish`](Self::finish), for a response that was just written. It is taken out of `written`, or copied into
    /// the answer of its batch.
    pub(crate) fn finish_written(&mut self, started: Started, id: &str, written: &mut Scratch) {
        let Some(served) = self.complete(&started) else { return written.discard() };
        let Some(place) = served.place else {
            self.outbox.push(written.cut(), Carried::None);
            return;
        };
        if !self.batches.fits(place, written.buffer.len(), self.limits.message_out) {
            return self.reply(Some(place), Some(id), written.cut());
        }
        let whole = self.batches.complete_written(place, written);
        self.send_batch(whole);
    }

    /// Removes a call whose handler has ended. Returns `None` if the call was answered before.
    #[inline]
    fn complete(&mut self, started: &Started) -> Option<Ended<W>> {
        let key = started.key();
        self.notifications.complete(key);
        let mut served = self.serving.complete(key)?;
        if let Some(mut cold) = served.cold.take() {
            // Whatever room there is: the answer comes next.
            self.outbox.extend(cold.report.take());
            self.leave(*cold, served.place);
        }
        Some(served)
    }

    /// Takes back the token of a handler that returned a stream. `answer` is the response, which names the
    /// stream. The items follow when the response has left.
    pub(crate) fn finish_with_stream(
        &mut self,
        started: Started,
        id: &str,
        answer: Bytes,
        stream: OutgoingKey,
    ) {
        match self.serving.get_mut(started.key()) {
            Some(served) => {
                let place = served.place;
                let linked_streams =
                    served.cold.as_mut().map(|cold| std::mem::take(&mut cold.streams));
                // What came with the request is what the stream is made of.
                self.outgoing.link(stream, linked_streams.unwrap_or_default());
                match place {
                    Some(place) => self.batches.hold(place, stream),
                    None => self.released.push(stream),
                }
            }
            None => drop(self.outgoing.remove(stream)),
        }
        self.finish(started, Some((id, answer)));
    }

    /// Has `after`, made of the waiter that was kept before, told when the answer of this call is in the
    /// outbox. Returns whether the call is still served.
    pub(crate) fn after_answer(&mut self, key: Key, after: impl FnOnce(Option<W>) -> W) -> bool {
        match self.serving.get_mut(key) {
            Some(served) => {
                let cold = served.cold.get_or_insert_default();
                cold.after = Some(after(cold.after.take()));
                true
            }
            None => false,
        }
    }

    /// Answers all requests that are served, before the connection is closed with `code`. A request that
    /// has started may have run.
    pub(crate) fn interrupt(&mut self, code: Option<CloseCode>) {
        for key in self.serving.keys() {
            let Some(served) = self.serving.get(key).filter(|served| served.is_request) else {
                continue;
            };
            let error = if served.has_started() {
                ErrorObject::interrupted(code)
            } else {
                ErrorObject::shutting_down()
            };
            // The streams end with the connection, not by a cancel.
            if let Some(cold) = self.serving.get_mut(key).and_then(|served| served.cold.as_mut()) {
                cold.streams.clear();
            }
            self.stop(key, &error);
        }
    }

    /// Answers the requests that are served of the methods that `stops` when their caller loses its link. Those under
    /// an idempotency key are not concerned: they belong to the caller. Returns the keys of the handlers to drop.
    pub(crate) fn interrupt_away(&mut self, stops: impl Fn(usize) -> bool) -> Vec<Key> {
        let mut stopped = Vec::new();
        for key in self.serving.keys() {
            let is_meant = |served: &&Served<W>| {
                served.is_request
                    && stops(served.method)
                    && !served.is_keyed()
                    && !served.has_returned()
            };
            let Some(served) = self.serving.get(key).filter(is_meant) else { continue };
            let error = if served.has_started() {
                ErrorObject::interrupted_away()
            } else {
                ErrorObject::not_begun_away()
            };
            self.stop(key, &error);
            stopped.push(key);
        }
        stopped
    }

    /// Answers a request that gets no handler with an error.
    #[cold]
    pub(super) fn refuse<'a>(
        &mut self,
        method: Option<usize>,
        place: Option<BatchSlot>,
        id: Option<&str>,
        error: &ErrorObject,
    ) -> Event<'a> {
        self.serving.number();
        self.reply(place, id, encode::error(id, error));
        Event::Refused { method, code: error.code }
    }

    /// Stops a call that is served, and answers it with an error.
    pub(super) fn stop(&mut self, key: Key, error: &ErrorObject) {
        let Some((id, place)) = self.take_stopped(key) else { return };
        match id {
            Some(id) => self.reply(place, Some(&id), encode::error(Some(&id), error)),
            None => self.counters.stopped_notifications += 1,
        }
    }

    /// Stops a call that is served, and answers nothing.
    pub(super) fn forsake(&mut self, key: Key) {
        let place = self.take_stopped(key).and_then(|(_, place)| place);
        let whole = place.and_then(|place| self.batches.cancel(place));
        self.send_batch(whole);
    }

    /// Removes a call that is stopped. Returns its id, if it is owed an answer, and where the answer goes.
    fn take_stopped(&mut self, key: Key) -> Option<(Option<Id>, Option<BatchSlot>)> {
        self.notifications.complete(key);
        let served = self.serving.complete(key)?;
        if let Some(cold) = served.cold {
            self.leave(*cold, served.place);
        }
        Some((served.id, served.place))
    }

    /// Tells those who wait that a call is over, and those who wait for its answer. The answer follows at
    /// once; a member of a batch leaves with the answer of the batch.
    #[cold]
    fn leave(&mut self, cold: ColdFields<W>, place: Option<BatchSlot>) {
        self.to_wake.extend(cold.watcher);
        if let Some(after) = cold.after {
            match place {
                Some(place) => self.batches.hold_after(place, after),
                None => self.to_wake.push(after),
            }
        }
        self.cancel_streams(cold.streams);
    }

    /// Sends an answer, or keeps it until all answers of its batch are there.
    pub(super) fn reply(&mut self, place: Option<BatchSlot>, id: Option<&str>, mut reply: Bytes) {
        let Some(place) = place else {
            self.outbox.push(reply, Carried::None);
            return;
        };
        if is_attached(&reply) {
            // The answer of a batch is text.
            reply = attached::whole(&reply).unwrap_or(reply);
        }
        let limit = self.limits.message_out;
        if !self.batches.fits(place, reply.len(), limit) {
            reply = encode::error(id, &ErrorObject::batch_answer_too_big(limit));
        }
        let whole = self.batches.complete(place, reply);
        self.send_batch(whole);
    }

    /// Sends the answer of a batch that is finished, if there is one.
    pub(super) fn send_batch(&mut self, whole: Option<Finished<W>>) {
        if let Some(Finished { answer, streams, after }) = whole {
            self.outbox.extend(answer);
            self.released.extend(streams);
            self.to_wake.extend(after);
        }
    }
}
