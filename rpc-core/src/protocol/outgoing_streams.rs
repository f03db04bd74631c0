//! Streams that this end sends: how a subscription of the other end begins, what is sent of it, and how it
//! ends.

use std::time::Duration;

use bytes::Bytes;
use serde_json::value::RawValue;

use super::{Event, Protocol};
use crate::error::object::ErrorObject;
use crate::protocol::tables::batches::BatchSlot;
use crate::protocol::tables::key::Key;
use crate::protocol::tables::outbox::Carried;
use crate::protocol::tables::streams::{InFlight, Origin, OutgoingKey, is_stream_id};
use crate::wire::encode;
use crate::wire::hello::MOST;

/// The most that the items of one message may count for: enough that the message costs little for each of them, and so
/// little that one frame carries it.
const TOGETHER: usize = 4096;

/// The items of one message may take this part of the window.
const PART: u64 = 8;

/// What may be sent of a stream now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ItemRoom {
    /// The credit for items. The last item may overdraw it.
    pub(crate) credit: usize,
    /// The memory that is left in the queue. The last message may exceed it.
    pub(crate) queue: usize,
    /// The most that items may count for that are in one message; 0 if each has a message of its own.
    pub(crate) together: usize,
    /// Whether the next item asks for credit as soon as it is consumed.
    pub(crate) asks_credit: bool,
    /// Whether the other end takes bytes beside the text of an item.
    pub(crate) takes_bytes: bool,
}

/// A message with items of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ItemMessage {
    pub(crate) message: Bytes,
    /// What the items count for.
    pub(crate) cost: usize,
    /// The number of the last item, if the other end counts items.
    pub(crate) seq: Option<u64>,
}

impl<W> Protocol<W> {
    /// Returns an id from `make`, as JSON text, that no open stream has; `None` if `make` gives none.
    pub(crate) fn unused_id(&self, mut make: impl FnMut() -> Option<Box<str>>) -> Option<Box<str>> {
        loop {
            let id = make()?;
            if self.outgoing.find(&id).is_none() {
                return Some(id);
            }
        }
    }

    /// Opens the stream that the handler of a request returned, under an `id`, which is JSON text.
    ///
    /// # Errors
    /// There are too many streams, or the other end takes only answers.
    pub(crate) fn open_outgoing(
        &mut self,
        key: Key,
        request: &str,
        id: Box<str>,
    ) -> Result<OutgoingKey, ErrorObject> {
        if self.answers_only {
            return Err(ErrorObject::invalid_request("a subscription needs a WebSocket"));
        }
        let limit = self.limits.subscriptions;
        if self.outgoing.len() - self.outgoing.arguments() >= limit {
            return Err(ErrorObject::too_many_subscriptions(limit));
        }
        let greeted = self.serving.get(key).is_some_and(|served| served.greeted);
        let window = self.hello.window().filter(|_| greeted);
        Ok(self.outgoing.register(id, Origin::Request(Some(request.into())), window))
    }

    /// Returns whether the other end counts the items of this stream and gives credit for them.
    pub(crate) fn is_counted(&self, stream: OutgoingKey) -> bool {
        self.outgoing.is_counted(stream)
    }

    /// Bounds the items of a stream that are on their way: sent, and not consumed.
    pub(crate) fn bound_stream(&mut self, stream: OutgoingKey, bound: InFlight) {
        self.outgoing.bound(stream, bound, self.hello.answers_asking());
    }

    /// Returns the room for items of this stream, of which so many items with different keys wait. `None` if the other
    /// end has no room: when it has room again, the stream is in `released`.
    pub(crate) fn room_for_items(
        &mut self,
        stream: OutgoingKey,
        waiting: usize,
    ) -> Option<ItemRoom> {
        if !self.outgoing.has_room(stream, waiting) {
            return None;
        }
        let is_bounded = self.outgoing.is_bounded(stream);
        let takes_several = self.hello.takes_results() && self.outgoing.is_counted(stream);
        // A part of the window, since credit comes when all of them are consumed.
        let part = self.hello.window().unwrap_or_default() / PART;
        let part = usize::try_from(part).unwrap_or(usize::MAX);
        Some(ItemRoom {
            credit: if is_bounded { 1 } else { self.outgoing.credit(stream) },
            queue: self.outbox.room(),
            together: if takes_several && !is_bounded { part.min(TOGETHER) } else { 0 },
            asks_credit: self.outgoing.asks_credit(stream),
            takes_bytes: self.hello.takes_bytes(),
        })
    }

    /// Takes messages with items of a stream. Returns whether the stream is still open and there is room for more.
    pub(crate) fn push_items(
        &mut self,
        stream: OutgoingKey,
        messages: impl IntoIterator<Item = ItemMessage>,
        now: Duration,
    ) -> bool {
        if self.outgoing.id(stream).is_none() {
            return false;
        }
        self.renew(stream, now);
        for ItemMessage { message, cost, seq } in messages {
            self.outgoing.spend(stream, cost);
            let bytes = message.len();
            let ticket = self.outbox.push(message, Carried::None);
            self.outgoing.queued(stream, (ticket, bytes), seq, now);
        }
        self.outbox.has_room()
    }

    /// Takes a `$/credit`: the other end has room for more of a stream.
    pub(super) fn credit<'a>(&mut self, params: Option<&str>, now: Duration) -> Event<'a> {
        #[derive(serde::Deserialize)]
        struct Credit<'a> {
            #[serde(borrow)]
            subscription: &'a RawValue,
            bytes: u64,
            seq: Option<u64>,
        }
        let credit = params.and_then(|params| serde_json::from_str::<Credit<'_>>(params).ok());
        let granted = match credit {
            Some(Credit { subscription, bytes: bytes @ 1..=MOST, seq })
                if is_stream_id(subscription.get()) =>
            {
                self.outgoing.grant(subscription.get(), bytes, seq, now)
            }
            _ => Err(()),
        };
        match granted {
            Ok(waited) => self.released.extend(waited),
            Err(()) => self.malformed(),
        }
        Event::Done
    }

    /// Returns whether no stream is in `released` or in `dropped`.
    pub(crate) fn no_stream_events(&self) -> bool {
        self.released.is_empty() && self.dropped.is_empty()
    }

    /// Removes a stream that has ended by itself. `last` tells the other end, if it is to be told.
    pub(crate) fn finish_stream(&mut self, stream: OutgoingKey, last: Option<Bytes>) {
        if let Some(linked_streams) = self.outgoing.remove(stream) {
            self.outbox.extend(last);
            self.cancel_streams(linked_streams);
        }
    }

    /// Ends a stream that the other end does not want any more.
    pub(super) fn end_stream<'a>(&mut self, stream: OutgoingKey) -> Event<'a> {
        if let Some(linked_streams) = self.outgoing.remove(stream) {
            self.cancel_streams(linked_streams);
        }
        self.dropped.push(stream);
        Event::Done
    }

    pub(super) fn unsubscribe_request<'a>(
        &mut self,
        place: Option<BatchSlot>,
        id: &str,
        params: Option<&str>,
    ) -> Event<'a> {
        let (ended, event) = self.end_outgoing(params);
        match ended {
            Some(ended) => {
                let json = if ended { "true" } else { "false" };
                self.reply(place, Some(id), encode::result(id, json));
                event
            }
            None => {
                let error = ErrorObject::invalid_params("takes the id of a subscription");
                self.refuse(None, place, Some(id), &error)
            }
        }
    }

    /// Ends the stream that a notification names.
    pub(super) fn stop_outgoing<'a>(&mut self, params: Option<&str>) -> Event<'a> {
        let (ended, event) = self.end_outgoing(params);
        if ended.is_none() {
            self.malformed();
        }
        event
    }

    /// Ends the stream that these params name. Returns whether there was such a stream; `None` if the
    /// params name no stream.
    fn end_outgoing<'a>(&mut self, params: Option<&str>) -> (Option<bool>, Event<'a>) {
        let Some(id) = params.and_then(only_param) else { return (None, Event::Done) };
        match self.outgoing.find(id) {
            Some(stream) => (Some(true), self.end_stream(stream)),
            None => (Some(false), self.nothing_to_end()),
        }
    }
}

/// Returns the one value in an array or in an object. Params that are neither are the id itself, which
/// the router found under a name of its own.
fn only_param(params: &str) -> Option<&str> {
    if !params.starts_with(['[', '{']) {
        return Some(params);
    }
    if params.starts_with('[') {
        return serde_json::from_str::<[&RawValue; 1]>(params).ok().map(|[id]| id.get());
    }
    #[derive(serde::Deserialize)]
    struct Named<'a> {
        #[serde(borrow, alias = "id")]
        subscription: &'a RawValue,
    }
    serde_json::from_str::<Named<'_>>(params).ok().map(|named| named.subscription.get())
}
