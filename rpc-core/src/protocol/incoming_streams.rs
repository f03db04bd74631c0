//! Streams that this end takes: how a subscription begins at the other end, what comes of an item, and how
//! the subscription ends.

use std::borrow::Cow;
use std::collections::HashMap;
use std::time::Duration;

use serde_json::value::RawValue;

use super::{Opened, Outcome, Protocol};
use crate::error::kind::Kind;
use crate::error::object::ErrorObject;
use crate::protocol::tables::calls::Subscribe;
use crate::protocol::tables::outbox::Carried;
use crate::protocol::tables::streams::{
    Entry, Granted, IncomingKey, Item, Stop, Texts, Wanted, is_stream_id,
};
use crate::util::escaped::Escaped;
use crate::wire::attached::Attached;
use crate::wire::decode::{UsualItem, UsualSaid};
use crate::wire::encode;
use crate::wire::item::{self, ItemParams, Said, Values};
use crate::wire::opened::OpenedStream;
use crate::wire::scan::Scanner;

impl<W> Protocol<W> {
    /// Notes that a call which waited is in the queue now. Whether its stream is counted is decided here:
    /// by whether the hello of this end is in the queue before the call, as the other end will see it.
    pub(super) fn note_entry(&mut self, call: u64) {
        let greeted = self.hello.is_said();
        let cold = self.calls.cold_mut(call);
        if let Some(subscribe) = cold.and_then(|cold| cold.subscribe.as_mut()) {
            subscribe.greeted = greeted;
        }
    }

    /// Notes that the hello of this end has got in front of all calls in the queue, so that their streams are counted.
    pub(super) fn note_hello_in_front(&mut self) {
        if self.calls.subscribing() == 0 {
            return;
        }
        for call in self.calls.open_ids() {
            if !self.is_in_flight(call) {
                self.note_entry(call);
            }
        }
    }

    /// Takes the answer to a subscribe call. The stream is registered at once, so that no item that comes
    /// right behind the answer is lost.
    pub(super) fn subscribed(&mut self, call: u64, answer: &str, subscribe: Subscribe) -> Outcome {
        let wanted = subscribe.wanted;
        let Some(id) = self.subscription_id(answer, &wanted) else {
            return Outcome::Malformed(no_id(answer, &wanted).into());
        };
        // A peer of ours that has heard us before the call said hello before its answer.
        let counts = subscribe.greeted && self.hello.window().is_some();
        let window = counts.then_some(self.limits.stream_window);
        let id_member = wanted.id_member.clone();
        if let Some(key) = self.calls.cold_mut(call).and_then(|cold| cold.renews) {
            if !self.incoming.renew(key, id, window) {
                return Outcome::Malformed("the id of a subscription is in use already".into());
            }
            self.take_early(key, id, &id_member);
            return Outcome::Subscribed(key);
        }
        match self.incoming.register(id, Stop::Unsubscribe(wanted), window) {
            Some(key) => {
                if let Some(cold) = self.calls.cold_mut(call) {
                    self.incoming.link(key, std::mem::take(&mut cold.streams));
                    if let Some(message) = cold.again.take() {
                        self.incoming.keep_again(key, call, message, false);
                    }
                }
                self.take_early(key, id, &id_member);
                Outcome::Subscribed(key)
            }
            None => Outcome::Malformed("the id of a subscription is in use already".into()),
        }
    }

    /// Takes the answer to a call that was handed on: it names the stream that the call has opened.
    #[cold]
    pub(super) fn opened(&mut self, call: u64, answer: &str) -> Outcome {
        let Some(OpenedStream { id, names }) = OpenedStream::read(answer) else {
            return Outcome::Result(answer.into());
        };
        if !is_stream_id(id) || id.len() > self.limits.id_bytes {
            return Outcome::Malformed("the id of a stream must be a string or a number".into());
        }
        if self.incoming.len() + self.calls.subscribing() >= self.limits.streams {
            self.send_unsubscribe(&names.unsubscribe, id);
            return Outcome::Error(ErrorObject::busy("streams").into());
        }
        let wanted = Wanted::of_names(&names);
        self.note_id_member(&wanted);
        // The other end answers so only if the hello of this end came before the call.
        let counts = self.hello.is_said() && self.hello.window().is_some();
        let window = counts.then_some(self.limits.stream_window);
        let Some(key) = self.incoming.register(id, Stop::Unsubscribe(wanted), window) else {
            return Outcome::Malformed("the id of a stream is in use already".into());
        };
        if let Some(cold) = self.calls.cold_mut(call) {
            self.incoming.link(key, std::mem::take(&mut cold.streams));
            if let Some(message) = cold.again.take() {
                self.incoming.keep_again(key, call, message, true);
            }
        }
        Outcome::Opened(Box::new(Opened { key, names }))
    }

    /// Takes the answer to a call that was handed on and makes its stream anew. The stream has the names that it had:
    /// those who take it know them.
    #[cold]
    pub(super) fn opened_again(
        &mut self,
        call: u64,
        answer: &str,
        subscribe: Subscribe,
    ) -> Outcome {
        let Some(OpenedStream { id, names }) = OpenedStream::read(answer) else {
            return Outcome::Malformed("the method opens no stream any more".into());
        };
        if Wanted::of_names(&names) != subscribe.wanted {
            self.send_unsubscribe(&names.unsubscribe, id);
            return Outcome::Malformed("the stream has other names than before".into());
        }
        self.subscribed(call, id, subscribe)
    }

    /// Takes params that are an item of a stream which this end takes, whatever the method. Returns
    /// whether they are. An item of an unknown stream may come before the answer to its subscribe call.
    pub(super) fn take_item(
        &mut self,
        params: Option<&str>,
        may_be_early: bool,
        is_too_deep: bool,
    ) -> bool {
        if self.incoming.is_idle() && self.calls.subscribing() == 0 {
            return false;
        }
        let Some(params) = params.filter(|params| params.starts_with('{')) else { return false };
        if self.knows_unusual_items() && self.take_unusual_item(params, may_be_early, is_too_deep) {
            return true;
        }
        let Some(item) = ItemParams::read(params) else { return false };
        match self.incoming.find(item.subscription) {
            Some(key) if self.is_item_of(key, &item) => {
                self.take_item_of(key, &item.within_depth(is_too_deep));
                true
            }
            Some(_) => false,
            None => may_be_early && item.is_single() && self.keep_early(&item, params, is_too_deep),
        }
    }

    /// Returns whether params that name a stream are an item of the stream. Several items in one message are only known
    /// to an end that has said so, which counts them.
    fn is_item_of(&self, key: IncomingKey, item: &ItemParams<'_>) -> bool {
        item.is_single() || self.incoming.is_counted(key)
    }

    /// As [`receive`](Self::receive), for an item in the usual spelling. Returns whether the item was taken. If not,
    /// nothing has happened, and its message is to be received as any other.
    pub(crate) fn take_usual_item(&mut self, item: UsualItem<'_>) -> bool {
        let Some(key) = self.find_usual(item.subscription) else { return false };
        let is_counted = self.incoming.is_counted(key);
        let (window, seq) = (self.limits.stream_window, item.seq.filter(|_| is_counted));
        let pushed = match item.said {
            UsualSaid::Result(json) => self.incoming.push(key, json.into(), seq, window),
            UsualSaid::Results(values) if is_counted => {
                self.incoming.push_several(key, values, seq, window)
            }
            UsualSaid::Results(_) => return false,
        };
        self.note_pushed(key, pushed, item.asks_credit);
        true
    }

    /// As [`take_usual_item`](Self::take_usual_item), for a message with bytes beside its text.
    pub(crate) fn take_attached_item(&mut self, item: UsualItem<'_>, attached: &Attached) -> bool {
        let UsualSaid::Result(value) = item.said else { return false };
        let key = self.find_usual(item.subscription);
        let Some(key) = key.filter(|_| attached.are_within(value)) else { return false };
        let seq = item.seq.filter(|_| self.incoming.is_counted(key));
        let window = self.limits.stream_window;
        let pushed = self.incoming.push_attached(key, attached.part(value), seq, window);
        self.note_pushed(key, pushed, item.asks_credit);
        true
    }

    /// Returns the stream of an item in the usual spelling, if nothing is unusual about the connection.
    #[inline(always)] // for all items; what is attached adds is a copy
    fn find_usual(&mut self, subscription: &str) -> Option<IncomingKey> {
        let is_usual = self.ended.is_none() && self.held.is_none() && !self.knows_unusual_items();
        self.incoming.find_recent(subscription).filter(|_| is_usual)
    }

    /// Returns whether items may hold the id of their stream in another member than `subscription`.
    fn knows_unusual_items(&self) -> bool {
        self.abandonments.as_ref().is_some_and(|asked| !asked.id_members.is_empty())
    }

    fn note_pushed(&mut self, key: IncomingKey, pushed: Result<Option<W>, ()>, asks_credit: bool) {
        match pushed {
            Ok(waiter) => {
                if asks_credit {
                    self.incoming.ask_credit(key);
                }
                self.to_wake.extend(waiter);
            }
            Err(()) => self.malformed(),
        }
    }

    /// As [`take_item`](Self::take_item), for items that may hold the id of their stream in another
    /// member than `subscription`.
    #[cold]
    fn take_unusual_item(&mut self, params: &str, may_be_early: bool, is_too_deep: bool) -> bool {
        let (mut known, mut unknown) = (None, None);
        for id_member in self.abandonments.iter().flat_map(|asked| &asked.id_members) {
            let Some(item) = ItemParams::read_by(params, id_member) else { continue };
            match self.incoming.find_by(item.subscription, id_member) {
                Some(key) if self.is_item_of(key, &item) => known = known.or(Some((key, item))),
                None if item.is_single() => unknown = unknown.or(Some(item)),
                _ => {}
            }
        }
        if let Some((key, item)) = known {
            self.take_item_of(key, &item.within_depth(is_too_deep));
            return true;
        }
        // One that another stream knows by the usual member is no early one of a stream to come.
        let usual = ItemParams::read(params).and_then(|item| self.incoming.find(item.subscription));
        match unknown {
            Some(item) if may_be_early && usual.is_none() => {
                self.keep_early(&item, params, is_too_deep)
            }
            _ => false,
        }
    }

    fn take_item_of(&mut self, key: IncomingKey, item: &ItemParams<'_>) {
        let window = self.limits.stream_window;
        let said = item.said(self.incoming.is_counted(key));
        let incoming = said.and_then(|(said, seq)| match said {
            Said::Result(result) => self.incoming.push(key, result.into(), seq, window),
            Said::Results(array) => self.take_results(key, array, seq),
            Said::Unreadable(why) => self.incoming.push_unreadable(key, why, seq, window),
            Said::Error(error) => self.end_incoming(key, Some(last_item(error)), seq),
            Said::Failed(why) => self.end_incoming(key, Some(Item::Failed(why)), seq),
            Said::Done => self.end_incoming(key, None, seq),
        });
        self.note_pushed(key, incoming, item.asks_credit());
    }

    /// Takes the items whose values are in an array.
    fn take_results(
        &mut self,
        key: IncomingKey,
        array: &str,
        mut seq: Option<u64>,
    ) -> Result<Option<W>, ()> {
        let (window, depth) = (self.limits.stream_window, self.limits.depth);
        if let Some(values) = Values::take(&mut Scanner::new(array), depth) {
            return self.incoming.push_several(key, values, seq, window);
        }
        let mut waiter = None;
        for (value, complexity) in item::values(array) {
            let pushed = match item::refusal(complexity, depth) {
                None => self.incoming.push(key, value.into(), seq, window),
                Some(why) => self.incoming.push_unreadable(key, why, seq, window),
            };
            waiter = waiter.or(pushed?);
            seq = match seq {
                Some(seq) => Some(seq.checked_add(1).ok_or(())?),
                None => None,
            };
        }
        Ok(waiter)
    }

    /// Keeps an item of an unknown stream, if a subscribe call may be about to be answered with its id.
    /// Returns whether such a call waits.
    #[cold]
    fn keep_early(&mut self, item: &ItemParams<'_>, params: &str, is_too_deep: bool) -> bool {
        if self.calls.subscribing() == 0 {
            return false;
        }
        let (id, is_end) = (item.subscription, item.may_end());
        if id.len() > self.limits.id_bytes {
            return false;
        }
        let early = self.early.get_or_insert_default();
        // One that nests too deep is counted among those that did not fit.
        let room = if is_too_deep { 0 } else { self.limits.stream_window };
        let kept = early.keep(id, params, is_end, room);
        self.counters.add_dropped(u64::from(!kept));
        true
    }

    /// Takes the items that came before the id of their stream was known, and forgets those of other
    /// streams if no subscribe call waits.
    fn take_early(&mut self, key: IncomingKey, id: &str, id_member: &str) {
        let stream = self.early.as_mut().and_then(|early| early.take(id));
        self.shrink_early();
        let Some(stream) = stream else { return };
        for params in &stream.items {
            // Nothing comes behind its end.
            let item = ItemParams::read_by(params, id_member);
            if let Some(item) = item.filter(|_| self.incoming.find(id).is_some()) {
                self.take_item_of(key, &item);
            }
        }
        if self.incoming.find(id).is_none() {
            return;
        }
        self.incoming.miss(key, stream.missed);
        if stream.has_ended {
            let last = Item::Error(stream_failed().into());
            let _ = self.end_incoming(key, Some(last), None);
        }
    }

    /// Forgets early items, if no subscribe call waits.
    pub(super) fn shrink_early(&mut self) {
        if self.calls.subscribing() == 0 {
            self.early = None;
        }
    }

    /// Ends a stream that the other end has ended. Returns its waiter.
    fn end_incoming(
        &mut self,
        key: IncomingKey,
        last: Option<Item>,
        seq: Option<u64>,
    ) -> Result<Option<W>, ()> {
        let waiter = self.incoming.end(key, last, seq)?;
        let linked_streams = self.incoming.take_companions(key);
        self.drop_all(linked_streams);
        Ok(waiter)
    }

    /// Takes the next items of a stream. Returns `Some(None)` at its end. Without an item `keep` stores a
    /// waiter, and `None` is returned. The window of the stream grows by as much as `lend` returns of what is wanted.
    pub(crate) fn poll_item(
        &mut self,
        key: IncomingKey,
        now: impl FnOnce() -> Duration,
        lend: impl FnOnce(usize) -> usize,
        keep: impl FnOnce(&mut Option<W>),
    ) -> Option<Option<Entry>> {
        let next = self.incoming.next(key, keep);
        self.grant_credit(key, now, lend);
        next
    }

    /// Takes note that items which were taken together are consumed. The window of the stream grows as by
    /// [`poll_item`](Self::poll_item).
    pub(crate) fn consume_items(
        &mut self,
        key: IncomingKey,
        items: &Texts,
        now: impl FnOnce() -> Duration,
        lend: impl FnOnce(usize) -> usize,
    ) {
        self.incoming.consume(key, items);
        self.grant_credit(key, now, lend);
    }

    /// Grants the other end credit for what was consumed, if it is time for that.
    fn grant_credit(
        &mut self,
        key: IncomingKey,
        now: impl FnOnce() -> Duration,
        lend: impl FnOnce(usize) -> usize,
    ) {
        let room = self.room_to_lend();
        let lend = |wanted: usize| lend(wanted.min(room));
        if self.ended.is_none()
            && let Some(Granted { id, bytes, seq }) =
                self.incoming.credit(key, &self.limits, now, lend)
        {
            self.outbox.push(encode::credit(id, bytes, seq), Carried::None);
            self.asks_round_trip |= std::mem::take(&mut self.incoming.asks_round_trip);
        }
    }

    /// Takes the bytes that were lent to windows which need them no more.
    pub(crate) fn take_given_back(&mut self) -> usize {
        std::mem::take(&mut self.incoming.given_back) + self.given_back_by_session()
    }

    /// Notes how long a message and its answer take on the link.
    pub(crate) fn on_round_trip(&mut self, round_trip: Duration) {
        self.incoming.round_trip = Some(round_trip);
    }

    /// Removes a stream that was dropped, and tells the other end, whatever the queue holds. Returns the
    /// waiter, to be dropped without the lock.
    pub(crate) fn unsubscribe(&mut self, key: IncomingKey) -> Option<W> {
        let linked_streams = self.incoming.take_companions(key);
        self.drop_all(linked_streams);
        let renewal = self.incoming.renewal(key);
        let removed = self.incoming.remove(key)?;
        if let Some(call) = renewal {
            // The id is that of an earlier session. The call that asks for another one is cancelled.
            let nobody = self.abandon(call);
            debug_assert!(nobody.is_none(), "nobody waits for the call");
            return removed.waiter;
        }
        if let Some((stop, id)) = removed.stop {
            self.send_stop(stop, &id);
        }
        removed.waiter
    }

    /// Returns the id in the answer to a subscribe call. It is `None` if there is no id, or if the id is
    /// longer than `id_bytes`: the id is kept as long as the stream.
    pub(super) fn subscription_id<'a>(&self, answer: &'a str, wanted: &Wanted) -> Option<&'a str> {
        let id = if answer.starts_with('{') { member(answer, &wanted.id_member)? } else { answer };
        (is_stream_id(id) && id.len() <= self.limits.id_bytes).then_some(id)
    }
}

/// Returns the JSON text of a member of an object.
#[cold]
fn member<'a>(object: &'a str, name: &str) -> Option<&'a str> {
    let members = serde_json::from_str::<HashMap<Cow<'_, str>, &RawValue>>(object).ok()?;
    members.get(name).map(|value| value.get())
}

/// Returns why there is no id in the answer to a subscribe call.
#[cold]
fn no_id(answer: &str, wanted: &Wanted) -> String {
    let what = "the id of a subscription must be a string or a number, and not too long";
    if answer.starts_with('{') {
        let name = Escaped(&wanted.id_member);
        return format!("{what}; of an answer that is an object it is the member `{name}`");
    }
    what.into()
}

/// Returns the last item of a stream that ends with this error.
fn last_item(error: &str) -> Item {
    let error = stream_error(error);
    match error.kind() {
        Some(Kind::Cancelled) => Item::Cancelled,
        _ => Item::Error(error.into()),
    }
}

/// Returns the error of an error item. Some peers send something else there than an error object.
fn stream_error(json: &str) -> ErrorObject {
    let object = Some(json).filter(|json| json.starts_with('{'));
    object
        .and_then(|json| serde_json::from_str(json).ok())
        .unwrap_or_else(|| stream_failed().with_data(&serde_json::from_str::<&RawValue>(json).ok()))
}

fn stream_failed() -> ErrorObject {
    ErrorObject::new(crate::error::code::ErrorCode::INTERNAL, "the stream failed")
}
