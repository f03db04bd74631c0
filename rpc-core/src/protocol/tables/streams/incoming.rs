//! Streams that this end takes: streams that it has made at the other, and params of calls that
//! it serves.

use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use bytes::Bytes;

use super::credit::Credit;
use super::{IncomingKey, OutgoingKey, Texts, cost};
use crate::error::close::CloseReason;
use crate::error::object::ErrorObject;
use crate::limits::Limits;
use crate::method::SUBSCRIPTION;
use crate::protocol::tables::key::Incoming;
use crate::protocol::tables::slab::Slab;
use crate::util::keyed_hash::KeyedHash;
use crate::wire::attached::Attached;
use crate::wire::item::Values;
use crate::wire::opened::StreamNames;

/// An entry of a stream, in order. The large last entries are in a box: of the others many may wait.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Item {
    /// The JSON text of an item.
    Result(Box<str>),
    /// An item with bytes beside its JSON text.
    Attached(Box<Attached>),
    /// This number of items is missing here; 0 if the number is not known.
    Gap(u64),
    /// An item that cannot be read, and why.
    Unreadable(&'static str),
    /// The stream ends with this error.
    Error(Box<ErrorObject>),
    /// The stream ends with an error that cannot be read, and why.
    Failed(&'static str),
    /// The stream ends, since its call was cancelled or is over.
    Cancelled,
    /// The stream ends with the connection.
    Closed(Box<CloseReason>),
}

/// What waits in a stream at one place.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Entry {
    One(Item),
    /// Items that came in one message. They are taken together, and count as waiting until they are consumed.
    Several(Box<Texts>),
}

struct Stream<W> {
    id: Box<str>,
    state: State<W>,
    /// Streams of this end that went with the call, and end with this one.
    linked_streams: Vec<OutgoingKey>,
    items: VecDeque<Entry>,
    bytes: usize,
    /// The most bytes of items that may wait, but for the last one.
    window: usize,
    /// The credit, if the other end counts the items.
    credit: Option<Credit>,
    /// The number of the last item.
    seq: u64,
    /// How many numbers wait here: items, and those that are missing.
    waiting: u64,
    /// The numbers of items that wait here and ask for credit as soon as they are consumed.
    asking: VecDeque<u64>,
    /// How the subscription is made anew if its session ends.
    again: Option<Box<Again>>,
}

/// How a subscription is made anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Again {
    /// The id of the call.
    pub(crate) call: u64,
    /// The message of the call.
    pub(crate) message: Bytes,
    /// The names that belong to the subscription.
    pub(crate) wanted: Box<Wanted>,
    /// Whether the call was handed on for another end, so that its answer holds the names too.
    pub(crate) is_forwarded: bool,
    /// Whether the call has no answer yet.
    is_pending: bool,
}

/// How far a stream has come. The picture is in [the module](super).
enum State<W> {
    /// Items may come. Nobody takes them yet: the handler has not read its params.
    Unclaimed,
    /// Items may come, and someone takes them.
    Open {
        stop: Stop,
        /// Told of the next item or of the end, if there was none to take.
        waiter: Option<W>,
    },
    /// The other end ended the stream before the handler read its params.
    EndedUnclaimed,
    /// Nothing comes after the items that wait here.
    Ended,
}

impl<W> State<W> {
    fn new(stop: Stop) -> Self {
        match stop {
            Stop::Argument => Self::Unclaimed,
            Stop::Unsubscribe(_) => Self::Open { stop, waiter: None },
        }
    }

    fn is_ended(&self) -> bool {
        matches!(self, Self::Ended | Self::EndedUnclaimed)
    }

    fn is_claimed(&self) -> bool {
        matches!(self, Self::Open { .. } | Self::Ended)
    }

    /// Someone takes the items from now on. Returns whether nobody did before.
    fn claim(&mut self) -> bool {
        *self = match self {
            Self::Unclaimed => Self::Open { stop: Stop::Argument, waiter: None },
            Self::EndedUnclaimed => Self::Ended,
            Self::Open { .. } | Self::Ended => return false,
        };
        true
    }

    /// Nothing comes any more. Returns who is to be told.
    fn end(&mut self) -> Option<W> {
        let ended = if self.is_claimed() { Self::Ended } else { Self::EndedUnclaimed };
        match std::mem::replace(self, ended) {
            Self::Open { waiter, .. } => waiter,
            Self::Unclaimed | Self::EndedUnclaimed | Self::Ended => None,
        }
    }

    fn take_waiter(&mut self) -> Option<W> {
        match self {
            Self::Open { waiter, .. } => waiter.take(),
            Self::Unclaimed | Self::EndedUnclaimed | Self::Ended => None,
        }
    }
}

/// The names that belong to the subscription that a call asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// The method that ends the subscription.
    pub(crate) unsubscribe: Cow<'static, str>,
    /// The member that holds the id, in items and in an answer that is an object.
    pub(crate) id_member: Cow<'static, str>,
}

impl Wanted {
    /// A subscription that this method ends, with the usual member for the id.
    pub(crate) fn ended_by(unsubscribe: Cow<'static, str>) -> Box<Self> {
        Box::new(Self { unsubscribe, id_member: SUBSCRIPTION.into() })
    }

    /// A subscription that the other end has opened under these names.
    pub(crate) fn of_names(names: &StreamNames) -> Box<Self> {
        let StreamNames { unsubscribe, id_member, .. } = names;
        Box::new(Self {
            unsubscribe: String::from(&**unsubscribe).into(),
            id_member: match &**id_member {
                SUBSCRIPTION => SUBSCRIPTION.into(),
                other => String::from(other).into(),
            },
        })
    }
}

/// How the other end is told that nobody takes the items any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stop {
    /// By a call of the unsubscribe method: the stream is a subscription.
    Unsubscribe(Box<Wanted>),
    /// By `$/stop`: the stream is a param of a call of the other end.
    Argument,
}

/// The open streams of one connection, by id.
pub(crate) struct IncomingStreams<W> {
    open: Slab<Stream<W>, Incoming>,
    /// Ids of the other end's choice, so hashed under a key: else they could be chosen to collide.
    by_id: HashMap<Box<str>, IncomingKey, KeyedHash>,
    /// A stream in `by_id` that got an item: the next item is likely to be for the same one.
    recent: IncomingKey,
    /// The bytes of items that wait beyond the windows of their streams, all together, and the most that
    /// there may be. The last item of each stream may overdraw the window, by the length of a message.
    beyond: usize,
    most_beyond: usize,
    /// By how much windows have grown, all together, and how much of what was lent for that is to be given back.
    lent: usize,
    pub(crate) given_back: usize,
    /// How long a message and its answer take on the link, if that is known.
    pub(crate) round_trip: Option<Duration>,
    /// Whether the round trip is to be measured anew, because a window depends on it.
    pub(crate) asks_round_trip: bool,
}

/// Credit that is granted again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Granted<'a> {
    /// The id of the stream, as JSON text.
    pub(crate) id: &'a str,
    pub(crate) bytes: u64,
    /// The number of the last item that was consumed, if one was and items have numbers.
    pub(crate) seq: Option<u64>,
}

/// What is left of a stream that was removed.
#[derive(Debug, PartialEq)]
pub(crate) struct Removed<W> {
    /// How to stop the stream at the other end, and its id as JSON text; `None` if the other end has
    /// ended it.
    pub(crate) stop: Option<(Stop, Box<str>)>,
    /// The waiter of the stream.
    pub(crate) waiter: Option<W>,
}

impl<W> IncomingStreams<W> {
    /// Makes a table whose streams together may have `most_beyond` bytes waiting beyond their windows.
    pub(crate) fn new(most_beyond: usize) -> Self {
        let (open, by_id) = (Slab::new(), HashMap::default());
        Self {
            open,
            by_id,
            recent: IncomingKey::default(),
            beyond: 0,
            most_beyond,
            lent: 0,
            given_back: 0,
            round_trip: None,
            asks_round_trip: false,
        }
    }

    /// Returns how many streams there are, with those that have ended and were not removed.
    pub(crate) fn len(&self) -> usize {
        self.open.len()
    }

    /// Returns whether no stream can get an item.
    pub(crate) fn is_idle(&self) -> bool {
        self.by_id.is_empty()
    }

    /// Adds a stream under the id that the other end gave it, as JSON text. Returns `None` if the id is
    /// in use. With a `window` the other end waits for credit.
    pub(crate) fn register(
        &mut self,
        id: &str,
        stop: Stop,
        window: Option<usize>,
    ) -> Option<IncomingKey> {
        if self.by_id.contains_key(id) {
            return None;
        }
        let key = self.open.register(Stream {
            id: id.into(),
            state: State::new(stop),
            linked_streams: Vec::new(),
            items: VecDeque::new(),
            bytes: 0,
            window: 0,
            credit: window.map(Credit::new),
            seq: 0,
            waiting: 0,
            asking: VecDeque::new(),
            again: None,
        });
        self.by_id.insert(id.into(), key);
        Some(key)
    }

    /// Returns the stream with this id, as JSON text, if it can get an item.
    pub(crate) fn find(&self, id: &str) -> Option<IncomingKey> {
        self.by_id.get(id).copied()
    }

    /// As [`find`](Self::find), for a stream that is likely to get the next item as well.
    pub(crate) fn find_recent(&mut self, id: &str) -> Option<IncomingKey> {
        if self.open.get(self.recent).is_some_and(|stream| *stream.id == *id) {
            return Some(self.recent);
        }
        self.recent = self.find(id)?;
        Some(self.recent)
    }

    /// Returns the stream with this id, if its items hold the id in the member of this name.
    pub(crate) fn find_by(&self, id: &str, id_member: &str) -> Option<IncomingKey> {
        let key = self.find(id)?;
        match &self.open.get(key)?.state {
            State::Open { stop: Stop::Unsubscribe(wanted), .. } => {
                (wanted.id_member == id_member).then_some(key)
            }
            _ => None,
        }
    }

    /// Returns the id of a stream, as JSON text. The stream may have ended.
    pub(crate) fn id(&self, key: IncomingKey) -> Option<&str> {
        self.open.get(key).map(|stream| &*stream.id)
    }

    /// Returns whether the other end counts the items and waits for credit.
    pub(crate) fn is_counted(&self, key: IncomingKey) -> bool {
        self.open.get(key).is_some_and(|stream| stream.credit.is_some())
    }

    /// Notes that this number of items came before they could be kept, and is missing.
    pub(crate) fn miss(&mut self, key: IncomingKey, items: u64) {
        if let Some(stream) = self.open.get_mut(key).filter(|_| items > 0) {
            stream.miss(items);
        }
    }

    /// As [`push`](Self::push), for an item that cannot be read.
    pub(crate) fn push_unreadable(
        &mut self,
        key: IncomingKey,
        why: &'static str,
        seq: Option<u64>,
        window: usize,
    ) -> Result<Option<W>, ()> {
        self.keep(key, Item::Unreadable(why), 0, seq, window)
    }

    /// Adds an item, which may have a number. An item that finds more than `window` bytes waiting, or no
    /// credit, becomes a gap. Returns the waiter.
    ///
    /// # Errors
    /// The number has come already.
    pub(crate) fn push(
        &mut self,
        key: IncomingKey,
        json: Box<str>,
        seq: Option<u64>,
        window: usize,
    ) -> Result<Option<W>, ()> {
        let bytes = json.len();
        self.keep(key, Item::Result(json), bytes, seq, window)
    }

    /// As [`push`](Self::push), for an item with bytes beside its text.
    pub(crate) fn push_attached(
        &mut self,
        key: IncomingKey,
        item: Attached,
        seq: Option<u64>,
        window: usize,
    ) -> Result<Option<W>, ()> {
        let bytes = item.length();
        self.keep(key, Item::Attached(item.into()), bytes, seq, window)
    }

    /// Adds items that came in one message, of which the first may have a number. Returns the waiter.
    ///
    /// # Errors
    /// A number has come already, or there is none so high.
    pub(crate) fn push_several(
        &mut self,
        key: IncomingKey,
        values: Values<'_>,
        seq: Option<u64>,
        window: usize,
    ) -> Result<Option<W>, ()> {
        let Some(stream) = self.open.get_mut(key) else { return Ok(None) };
        let more = values.ends.len() as u64 - 1;
        if seq.is_some_and(|seq| seq.checked_add(more).is_none()) {
            return Err(());
        }
        let texts = Texts::new(values);
        if !stream.has_room_within_window(texts.cost) {
            return self.push_one_by_one(key, texts, seq, window);
        }
        stream.count(seq)?;
        stream.seq += if seq.is_some() { more } else { 0 };
        stream.take_room_within_window(texts.cost);
        stream.waiting = stream.waiting.saturating_add(texts.len());
        stream.items.push_back(Entry::Several(texts.into()));
        Ok(stream.state.take_waiter())
    }

    /// Adds items for which the window may have no room.
    #[cold]
    fn push_one_by_one(
        &mut self,
        key: IncomingKey,
        mut texts: Texts,
        mut seq: Option<u64>,
        window: usize,
    ) -> Result<Option<W>, ()> {
        let mut waiter = None;
        while let Some(json) = texts.next() {
            waiter = waiter.or(self.push(key, json.into(), seq, window)?);
            seq = seq.map(|seq| seq.saturating_add(1));
        }
        Ok(waiter)
    }

    fn keep(
        &mut self,
        key: IncomingKey,
        item: Item,
        bytes: usize,
        seq: Option<u64>,
        window: usize,
    ) -> Result<Option<W>, ()> {
        let left = self.most_beyond.saturating_sub(self.beyond);
        let Some(stream) = self.open.get_mut(key) else { return Ok(None) };
        stream.count(seq)?;
        stream.window = stream.credit.as_ref().map_or(window, Credit::window);
        let window = stream.window;
        let (bytes, before) = (cost(bytes), stream.beyond());
        let more = (stream.bytes + bytes).saturating_sub(window) - before;
        let kept = more <= left && stream.has_room_for(bytes, window);
        if kept {
            stream.items.push_back(Entry::One(item));
            stream.waiting = stream.waiting.saturating_add(1);
        } else {
            if more > left {
                stream.pass_over(bytes);
            }
            stream.miss(1);
        }
        let waiter = stream.state.take_waiter();
        self.beyond += if kept { more } else { 0 };
        Ok(waiter)
    }

    /// Notes that the item which came last asks for credit as soon as it is consumed. So does an item for which there
    /// was no room, when its gap is taken.
    pub(crate) fn ask_credit(&mut self, key: IncomingKey) {
        let Some(stream) = self.open.get_mut(key) else { return };
        // The later number answers for the earlier one. So not more of them wait than items.
        if stream.asking.len() >= stream.items.len() {
            stream.asking.pop_back();
        }
        stream.asking.push_back(stream.seq);
    }

    /// Ends a stream, with a `last` entry if it fails. Returns the waiter.
    ///
    /// # Errors
    /// The number has come already.
    pub(crate) fn end(
        &mut self,
        key: IncomingKey,
        last: Option<Item>,
        seq: Option<u64>,
    ) -> Result<Option<W>, ()> {
        let Some(stream) = self.open.get_mut(key) else { return Ok(None) };
        stream.count(seq)?;
        stream.items.extend(last.map(Entry::One));
        self.by_id.remove(&stream.id);
        self.recent = IncomingKey::default();
        Ok(stream.state.end())
    }

    /// Takes the next entry. Returns `Some(None)` at the end. Without an entry `keep` stores a waiter,
    /// and `None` is returned. Several items are consumed by [`consume`](Self::consume).
    pub(crate) fn next(
        &mut self,
        key: IncomingKey,
        keep: impl FnOnce(&mut Option<W>),
    ) -> Option<Option<Entry>> {
        let Some(stream) = self.open.get_mut(key) else { return Some(None) };
        if let Some(entry) = stream.items.pop_front() {
            let (bytes, numbers) = match &entry {
                Entry::One(Item::Result(json)) => (cost(json.len()), 1),
                Entry::One(Item::Attached(item)) => (cost(item.length()), 1),
                Entry::One(Item::Unreadable(_)) => (cost(0), 1),
                Entry::One(Item::Gap(missing)) => (0, *missing),
                _ => (0, 0),
            };
            self.beyond -= stream.consume(bytes, numbers);
            return Some(Some(entry));
        }
        match &mut stream.state {
            State::Open { waiter, .. } => {
                keep(waiter);
                None
            }
            State::Unclaimed | State::EndedUnclaimed | State::Ended => Some(None),
        }
    }

    /// Notes that items which were taken together were consumed.
    pub(crate) fn consume(&mut self, key: IncomingKey, texts: &Texts) {
        if let Some(stream) = self.open.get_mut(key) {
            self.beyond -= stream.consume(texts.cost, texts.len());
        }
    }

    /// Takes the credit to grant again, when half of the window was consumed, or an item that asks for credit. The
    /// window may grow, within the limits, by as much as `lend` returns of what is wanted.
    pub(crate) fn credit(
        &mut self,
        key: IncomingKey,
        limits: &Limits,
        now: impl FnOnce() -> Duration,
        lend: impl FnOnce(usize) -> usize,
    ) -> Option<Granted<'_>> {
        let stream = self.open.get_mut(key).filter(|stream| !stream.state.is_ended())?;
        let seq = stream.consumed();
        let is_asked = stream.asking.front().is_some_and(|asking| *asking <= seq);
        let (beyond, lent) = (stream.beyond(), stream.lent());
        let credit = stream
            .credit
            .as_mut()
            .filter(|credit| credit.is_due() || (is_asked && credit.has_any()))?;
        let of_connection = limits.stream_windows.saturating_sub(self.lent);
        let of_stream = limits.stream_window_max.saturating_sub(credit.window());
        let room = of_connection.min(of_stream);
        let lend = |wanted: usize| if room == 0 { 0 } else { lend(wanted.min(room)) };
        let least = usize::from(is_asked);
        let bytes = credit.grant(now(), self.round_trip, least, lend);
        self.asks_round_trip |= credit.asks_round_trip();
        stream.window = credit.window();
        self.lent = self.lent - lent + credit.lent();
        self.given_back += lent.saturating_sub(credit.lent());
        self.beyond = self.beyond - beyond + stream.beyond();
        if bytes > 0 {
            stream.answer_asking(seq);
        }
        let seq = (seq > 0).then_some(seq);
        (bytes > 0).then_some(Granted { id: &stream.id, bytes: bytes as u64, seq })
    }

    /// Returns by how much windows have grown, all together.
    pub(crate) fn lent(&self) -> usize {
        self.lent
    }

    /// Links streams of this end, which end with this stream.
    pub(crate) fn link(&mut self, key: IncomingKey, linked_streams: Vec<OutgoingKey>) {
        if let Some(stream) = self.open.get_mut(key) {
            stream.linked_streams = linked_streams;
        }
    }

    /// Takes the streams of this end that end with this stream.
    pub(crate) fn take_companions(&mut self, key: IncomingKey) -> Vec<OutgoingKey> {
        self.open.get_mut(key).map(|it| std::mem::take(&mut it.linked_streams)).unwrap_or_default()
    }

    /// Notes that someone takes the items from now on. Returns whether nobody did before.
    pub(crate) fn claim(&mut self, key: IncomingKey) -> bool {
        self.open.get_mut(key).is_some_and(|stream| stream.state.claim())
    }

    /// Ends a stream whose call is over. Returns the waiter.
    pub(crate) fn cancel(&mut self, key: IncomingKey) -> Option<W> {
        match self.open.get(key)?.state {
            State::Unclaimed | State::EndedUnclaimed => self.remove(key)?.waiter,
            State::Open { .. } => self.end(key, Some(Item::Cancelled), None).ok().flatten(),
            State::Ended => None,
        }
    }

    /// Removes a stream. Returns `None` if it was removed before.
    pub(crate) fn remove(&mut self, key: IncomingKey) -> Option<Removed<W>> {
        let stream = self.open.remove(key)?;
        self.beyond -= stream.beyond();
        self.lent -= stream.lent();
        self.given_back += stream.lent();
        let (stop, waiter) = match stream.state {
            State::Unclaimed => (Some(Stop::Argument), None),
            State::Open { stop, waiter } => (Some(stop), waiter),
            State::EndedUnclaimed | State::Ended => (None, None),
        };
        if self.open.is_empty() {
            self.open.shrink();
            self.by_id = HashMap::default();
        } else if stop.is_some() {
            // With its end its id was free: another one may have it by now.
            self.by_id.remove(&stream.id);
        }
        Some(Removed { stop: stop.map(|stop| (stop, stream.id)), waiter })
    }

    /// Ends all streams with the connection, and removes those that nobody takes. Returns the waiters.
    pub(crate) fn end_all(&mut self, reason: &CloseReason) -> Vec<W> {
        self.by_id.clear();
        self.recent = IncomingKey::default();
        let keys: Vec<_> = self.open.iter().map(|(key, _)| key).collect();
        let mut waiters = Vec::new();
        for key in keys {
            let Some(stream) = self.open.get_mut(key) else { continue };
            match stream.state {
                State::Unclaimed | State::EndedUnclaimed => drop(self.remove(key)),
                State::Open { .. } => {
                    stream.items.push_back(Entry::One(Item::Closed(reason.clone().into())));
                    waiters.extend(stream.state.end());
                }
                State::Ended => {}
            }
        }
        waiters
    }

    /// Bytes of items that wait beyond the windows of their streams, and bytes by which windows have grown.
    #[cfg(test)]
    pub(super) fn beyond(&self) -> (usize, usize) {
        (self.beyond, self.lent)
    }
}

impl<W> Stream<W> {
    /// Takes note of the number of an item, if it has one. The numbers that were skipped are a gap.
    fn count(&mut self, seq: Option<u64>) -> Result<(), ()> {
        let Some(seq) = seq else { return Ok(()) };
        let skipped = seq.checked_sub(self.seq).and_then(|ahead| ahead.checked_sub(1)).ok_or(())?;
        self.seq = seq;
        if skipped > 0 {
            self.miss(skipped);
        }
        Ok(())
    }

    /// Takes room for an item. Returns whether there was room.
    fn has_room_for(&mut self, bytes: usize, window: usize) -> bool {
        let has_room = match &mut self.credit {
            Some(credit) => credit.spend(bytes),
            // Alone it may be larger.
            None => self.bytes + bytes <= window.max(bytes),
        };
        self.bytes += if has_room { bytes } else { 0 };
        has_room
    }

    /// Returns whether items that count for so many bytes have credit, and room within the window.
    fn has_room_within_window(&self, bytes: usize) -> bool {
        let fits = |credit: &Credit| {
            credit.has_left(bytes) && self.bytes.saturating_add(bytes) <= credit.window()
        };
        self.credit.as_ref().is_some_and(fits)
    }

    /// Takes the room for items for which there is room within the window.
    fn take_room_within_window(&mut self, bytes: usize) {
        if let Some(credit) = &mut self.credit {
            credit.spend(bytes);
            self.window = credit.window();
        }
        self.bytes += bytes;
    }

    /// Returns how many bytes wait beyond the window.
    fn beyond(&self) -> usize {
        self.bytes.saturating_sub(self.window)
    }

    /// Returns by how much the window has grown.
    fn lent(&self) -> usize {
        self.credit.as_ref().map_or(0, Credit::lent)
    }

    /// Nothing more comes under the credit. Returns by how much the window had grown.
    fn give_up_credit(&mut self) -> usize {
        let Some(credit) = self.credit.take() else { return 0 };
        self.window = credit.least();
        credit.lent()
    }

    /// Gives the credit back for an item that is not kept.
    fn pass_over(&mut self, bytes: usize) {
        if let Some(credit) = &mut self.credit
            && credit.spend(bytes)
        {
            credit.consume(bytes);
        }
    }

    /// Notes that items of these bytes and so many numbers are consumed. Returns how many bytes less wait beyond the
    /// window.
    fn consume(&mut self, bytes: usize, numbers: u64) -> usize {
        self.waiting = self.waiting.saturating_sub(numbers);
        let before = self.beyond();
        self.bytes -= bytes;
        if let Some(credit) = &mut self.credit {
            credit.consume(bytes);
        }
        before - self.beyond()
    }

    /// Returns the number of the last item that was consumed, or that is missing right behind it.
    fn consumed(&self) -> u64 {
        let missing = match self.items.front() {
            Some(Entry::One(Item::Gap(missing))) => *missing,
            _ => 0,
        };
        self.seq.saturating_sub(self.waiting.saturating_sub(missing))
    }

    /// Credit was granted for the items up to this number.
    fn answer_asking(&mut self, seq: u64) {
        while self.asking.front().is_some_and(|asking| *asking <= seq) {
            self.asking.pop_front();
        }
        if self.asking.is_empty() {
            self.asking = VecDeque::new();
        }
    }

    /// Notes that this number of items is missing behind those that wait.
    fn miss(&mut self, items: u64) {
        self.waiting = self.waiting.saturating_add(items);
        match self.items.back_mut() {
            Some(Entry::One(Item::Gap(missing))) => *missing = missing.saturating_add(items),
            _ => self.items.push_back(Entry::One(Item::Gap(items))),
        }
    }
}

mod renewal;
#[cfg(test)]
mod tests;
