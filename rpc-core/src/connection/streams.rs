//! The streams that this end sends: subscriptions of the other end, and streams among the params of calls.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Waker;
use std::time::Duration;

use crate::connection::tasks::Tasks;
use crate::error::object::ErrorObject;
use crate::method::SUBSCRIPTION;
use crate::protocol::ItemMessage;
use crate::protocol::tables::streams::OutgoingKey;
use crate::service::current;
use crate::service::failure_log;
use crate::service::router::Router;
use crate::stream::{Items, StreamEnd, gap};
use crate::util::catch::drop_quietly;
use crate::util::sync::Arc;
use crate::wire::encode::ItemHead;
use crate::wire::opened::StreamNames;

/// The streams of one connection.
pub(super) struct Streams {
    /// Streams whose call or answer has not left. They are not polled: items that arrive before the other end knows the
    /// stream would be lost.
    #[expect(clippy::box_collection, reason = "what an idle connection costs is counted")]
    pub(super) held: Option<Box<Vec<Stream>>>,
    /// Streams that wait to be woken, or for credit.
    pub(super) waiting: Tasks<Stream>,
    /// Streams that may have an item, in the order in which they are asked.
    pub(super) ready: VecDeque<Stream>,
    pub(super) has_backlog: bool,
    /// Whether a stream was passed on for a third peer.
    has_passed_on: bool,
    /// Room for messages with items, between their writing and the queue.
    pub(super) written: Vec<ItemMessage>,
}

/// One stream.
pub(super) struct Stream {
    pub(super) key: OutgoingKey,
    /// JSON text.
    id: Box<str>,
    pub(super) origin: Origin,
    /// The number of the last item; `None` if the receiver does not count items.
    pub(super) seq: Option<u64>,
    /// Whether the stream has an item that was not sent. The stream is polled for one item without credit, because the
    /// next step may be the end, which needs no credit.
    pub(super) item_ready: bool,
    /// Whether an item is chosen only when it is to be written.
    chooses: bool,
    /// The names at the third peer, if the stream is passed on for it.
    names: Option<Arc<StreamNames>>,
    pub(super) items: Box<dyn Items>,
}

/// What a stream belongs to.
#[derive(Clone, Copy)]
pub(super) enum Origin {
    /// The result of this method, by its number in the router.
    Method(usize),
    /// The params of a call.
    Call,
}

impl Stream {
    pub(super) fn new(
        (key, id): (OutgoingKey, Box<str>),
        origin: Origin,
        counted: bool,
        items: Box<dyn Items>,
    ) -> Self {
        let (chooses, names) = (items.may_miss(), items.names());
        let seq = counted.then_some(0);
        Self { key, id, origin, seq, item_ready: false, chooses, names, items }
    }

    /// Runs code of the application, as a part of the method that returned the stream.
    pub(super) fn run<R>(&mut self, run: impl FnOnce(&mut dyn Items) -> R) -> Result<R, Panicked> {
        Code { origin: self.origin, items: &mut *self.items }.run(run)
    }

    /// Chooses the next item, and counts the items that are missing before it. Returns whether none is missing.
    ///
    /// # Errors
    /// The code of the application that compares items has panicked, or the receiver cannot be told of the gap.
    pub(super) fn choose(&mut self) -> Result<bool, ErrorObject> {
        if !self.chooses {
            return Ok(true);
        }
        let missed =
            self.run(|items| items.missed()).map_err(|Panicked| ErrorObject::internal())?;
        if missed > 0 && self.seq.is_none() && self.items.ends_at_gap() {
            return Err(gap(missed));
        }
        self.seq = self.seq.map(|seq| seq + missed);
        Ok(missed == 0)
    }

    /// Returns the members in front of the item that ends the stream.
    pub(super) fn head<'a>(&'a mut self, services: &'a Router) -> ItemHead<'a> {
        self.split(services, false).0
    }

    /// Returns the members in front of the next item, which may ask for credit (`ack`), and what writes the item.
    pub(super) fn split<'a>(
        &'a mut self,
        services: &'a Router,
        ack: bool,
    ) -> (ItemHead<'a>, Code<'a>) {
        let (method, id_member) = match (self.origin, &self.names) {
            (Origin::Method(_), Some(names)) => (&*names.item, &*names.id_member),
            (Origin::Method(method), None) => services.item_names(method),
            (Origin::Call, _) => ("$/item", SUBSCRIPTION),
        };
        let seq = self.seq.map(|seq| seq + 1);
        let head = ItemHead { method, id_member, subscription: &self.id, seq, ack };
        (head, Code { origin: self.origin, items: &mut *self.items })
    }
}

/// The code of the application that makes the items of a stream.
pub(super) struct Code<'a> {
    origin: Origin,
    items: &'a mut dyn Items,
}

impl Code<'_> {
    /// Runs code of the application, as a part of the method that returned the stream.
    pub(super) fn run<R>(&mut self, run: impl FnOnce(&mut dyn Items) -> R) -> Result<R, Panicked> {
        let items = &mut *self.items;
        let run = || {
            catch_unwind(AssertUnwindSafe(|| run(items))).map_err(|panic| {
                failure_log::panicked(&*panic);
                drop_quietly(panic);
                Panicked
            })
        };
        match self.origin {
            Origin::Method(method) => current::with_method(method, run),
            Origin::Call => run(),
        }
    }
}

/// Code of the application has panicked. The log has the panic.
pub(super) struct Panicked;

impl Streams {
    pub(super) fn new(capacity: usize) -> Self {
        let (held, ready) = (None, VecDeque::new());
        let (waiting, written) = (Tasks::new(capacity), Vec::new());
        Self { held, waiting, ready, has_backlog: false, written, has_passed_on: false }
    }

    pub(super) fn begin_turn(&self) {
        self.waiting.begin_turn();
    }

    /// Ends the turn. Returns whether streams were woken in the turn and not asked.
    pub(super) fn end_turn(&self, connection: &Waker) -> bool {
        self.waiting.end_turn(connection)
    }

    /// Keeps a stream until its call or its answer has left.
    pub(super) fn hold(&mut self, stream: Stream) {
        self.has_passed_on |= stream.names.is_some();
        self.held.get_or_insert_default().push(stream);
    }

    /// Releases a stream whose call or answer has left, or which has credit again.
    pub(super) fn release(&mut self, key: OutgoingKey) {
        let stream = self.take_held(key).or_else(|| self.take_waiting(key));
        self.ready.extend(stream);
    }

    fn take_held(&mut self, key: OutgoingKey) -> Option<Stream> {
        let held = self.held.as_mut()?;
        let at = held.iter().position(|stream| stream.key == key)?;
        let stream = held.swap_remove(at);
        self.held.take_if(|held| held.is_empty());
        Some(stream)
    }

    fn take_waiting(&mut self, key: OutgoingKey) -> Option<Stream> {
        self.waiting.take(key.index, |stream| stream.key == key)
    }

    /// Lets at most one item of a stream leave in this time. A stream that waits for its time is asked anew.
    pub(super) fn throttle(&mut self, key: OutgoingKey, interval: Duration) {
        if let Some(stream) = self.take_waiting(key) {
            self.ready.push_back(stream);
        }
        let held = self.held.iter_mut().flat_map(|held| held.iter_mut());
        let throttled = held.chain(&mut self.ready).find(|stream| stream.key == key);
        if let Some(stream) = throttled {
            stream.items.throttle(interval);
        }
    }

    /// Drops a stream that was stopped.
    pub(super) fn end(&mut self, key: OutgoingKey) {
        drop_quietly(self.take_held(key));
        drop_quietly(self.take_waiting(key));
        if let Some(at) = self.ready.iter().position(|stream| stream.key == key) {
            drop_quietly(self.ready.remove(at));
        }
    }

    /// Returns whether a stream may be open that is passed on for a third peer.
    pub(super) fn are_passed_on(&self) -> bool {
        self.has_passed_on
    }

    /// Returns whether a call of this method ends the stream with this id, which is passed on for a third peer.
    pub(super) fn is_ended_by(&self, method: &str, id: &str) -> bool {
        let mut passed_on = self.all().filter(|stream| *stream.id == *id);
        passed_on
            .any(|stream| stream.names.as_ref().is_some_and(|names| *names.unsubscribe == *method))
    }

    /// Drops a stream because its session ends.
    pub(super) fn lose(&mut self, key: OutgoingKey, end: &StreamEnd) {
        self.all().filter(|stream| stream.key == key).for_each(|stream| stream.items.tell_end(end));
        self.end(key);
    }

    fn all(&self) -> impl Iterator<Item = &Stream> {
        let held = self.held.iter().flat_map(|held| held.iter());
        held.chain(self.waiting.iter()).chain(&self.ready)
    }

    /// Returns whether a stream may have an item.
    pub(super) fn are_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Returns whether a stream buffers items while there is no room, and has more items than one turn has time for.
    pub(super) fn take_backlog(&mut self) -> bool {
        std::mem::take(&mut self.has_backlog)
    }

    /// Drops all streams because the connection ends.
    pub(super) fn clear(&mut self, end: &StreamEnd) {
        self.all().for_each(|stream| stream.items.tell_end(end));
        self.held.take().into_iter().for_each(|held| held.into_iter().for_each(drop_quietly));
        self.waiting.clear();
        self.ready.drain(..).for_each(drop_quietly);
    }

    pub(super) fn shrink(&mut self) {
        self.waiting.shrink();
        self.ready.shrink_to_fit();
        self.written.shrink_to_fit();
    }
}
