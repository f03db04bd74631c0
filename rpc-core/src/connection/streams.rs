//! Streams that this end sends, polled while there is room for their items: those that the other end
//! has subscribed to, and those among the params of calls.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;

use super::driver::Driver;
use crate::connection::tasks::Tasks;
use crate::error::close::{CloseCode, CloseReason};
use crate::error::object::ErrorObject;
use crate::method::SUBSCRIPTION;
use crate::peer::slot::Command;
use crate::protocol::tables::streams::OutgoingKey;
use crate::service::current;
use crate::service::failure_log;
use crate::service::router::Router;
use crate::stream::{Argument, BufferProgress, Items, Step, StreamEnd};
use crate::util::bounded_writer::BoundedWriter;
use crate::util::catch::drop_quietly;
use crate::wire::encode::{self, ItemHead};

/// So many items of one stream are sent before others get their turn, and so many in one turn of
/// the connection.
const OF_ONE: usize = 16;
const OF_ALL: usize = 256;

/// The streams of one connection.
pub(super) struct Streams {
    /// Those whose call or answer has not left. Nothing wakes these: items that came before the other end knows the
    /// stream would be lost.
    #[expect(clippy::box_collection, reason = "what an idle connection costs is counted")]
    held: Option<Box<Vec<Stream>>>,
    /// Those that wait to be woken, or for credit.
    waiting: Tasks<Stream>,
    /// Those that may have an item, in the order in which they are asked.
    ready: VecDeque<Stream>,
    has_backlog: bool,
}

/// One stream.
pub(super) struct Stream {
    key: OutgoingKey,
    /// JSON text.
    id: Box<str>,
    origin: Origin,
    /// How many items it had, for another end that counts them.
    seq: Option<u64>,
    /// Whether it has given an item that was not sent: one is asked for without credit as well, since
    /// it may be the end, which needs none.
    item_ready: bool,
    items: Box<dyn Items>,
}

/// What a stream belongs to.
#[derive(Clone, Copy)]
pub(super) enum Origin {
    /// What this method returned, by its number in the router.
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
        Self { key, id, origin, seq: counted.then_some(0), item_ready: false, items }
    }

    /// Runs code of the user's, as a part of the method that gave it.
    fn run<R>(&mut self, run: impl FnOnce(&mut dyn Items) -> R) -> Result<R, Panicked> {
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

    /// Chooses what is written next, and counts what is missing before it.
    ///
    /// # Errors
    /// Code of the user's, by which items are told apart, has panicked.
    fn choose(&mut self) -> Result<(), ErrorObject> {
        let missed =
            self.run(|items| items.missed()).map_err(|Panicked| ErrorObject::internal())?;
        self.seq = self.seq.map(|seq| seq + missed);
        Ok(())
    }

    /// What stands before its next item.
    fn head<'a>(&'a self, services: &'a Router) -> ItemHead<'a> {
        let (method, id_member) = match self.origin {
            Origin::Method(method) => services.item_names(method),
            Origin::Call => ("$/item", SUBSCRIPTION),
        };
        let seq = self.seq.map(|seq| seq + 1);
        ItemHead { method, id_member, subscription: &self.id, seq }
    }
}

/// Code of the user's has panicked; the log was told.
struct Panicked;

/// What came of asking a stream for items.
enum Asked {
    /// It has more.
    More,
    /// It will wake us.
    Pending,
    /// It is over.
    Over,
}

impl Streams {
    pub(super) fn new(capacity: usize) -> Self {
        let (held, ready) = (None, VecDeque::new());
        Self { held, waiting: Tasks::new(capacity), ready, has_backlog: false }
    }

    pub(super) fn begin_turn(&self, connection: &std::task::Waker) {
        self.waiting.begin_turn(connection);
    }

    /// Whether some were woken in the turn, which ends, and were not asked.
    pub(super) fn end_turn(&self) -> bool {
        self.waiting.end_turn()
    }

    /// Keeps a stream until its call or its answer has left.
    pub(super) fn hold(&mut self, stream: Stream) {
        self.held.get_or_insert_default().push(stream);
    }

    /// Lets a stream go on whose call or answer has left, or which has credit again.
    fn release(&mut self, key: OutgoingKey) {
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

    /// Drops a stream that nobody wants any more.
    pub(super) fn end(&mut self, key: OutgoingKey) {
        drop_quietly(self.take_held(key));
        drop_quietly(self.take_waiting(key));
        if let Some(at) = self.ready.iter().position(|stream| stream.key == key) {
            drop_quietly(self.ready.remove(at));
        }
    }

    /// Whether some would have an item if there were room.
    pub(super) fn are_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Whether some take in items while there is no room, and have more than one turn has time for.
    pub(super) fn take_backlog(&mut self) -> bool {
        std::mem::take(&mut self.has_backlog)
    }

    /// Drops all, since the connection ends.
    pub(super) fn clear(&mut self, end: &StreamEnd) {
        let held = self.held.iter().flat_map(|held| held.iter());
        held.chain(self.waiting.iter())
            .chain(&self.ready)
            .for_each(|stream| stream.items.tell_end(end));
        self.held.take().into_iter().for_each(|held| held.into_iter().for_each(drop_quietly));
        self.waiting.clear();
        self.ready.drain(..).for_each(drop_quietly);
    }

    pub(super) fn shrink(&mut self) {
        self.waiting.shrink();
        self.ready.shrink_to_fit();
    }
}

impl Driver {
    /// Asks the streams that may have items, in turn, while there is room; how many times.
    pub(super) fn run_streams(&mut self, now: Duration) -> usize {
        self.take_in_streams();
        let Streams { waiting, ready, .. } = &mut self.streams;
        waiting.take_woken(|stream| ready.push_back(stream));
        for asked in 0..OF_ALL / OF_ONE {
            if self.streams.ready.is_empty() {
                return asked;
            }
            if !self.shared.lock().protocol.is_open() {
                self.absorb_ready();
                return asked;
            }
            if let Some(mut stream) = self.streams.ready.pop_front() {
                match self.ask(&mut stream, now) {
                    Asked::More => self.streams.ready.push_back(stream),
                    Asked::Pending => self.streams.waiting.insert(stream.key.index, stream),
                    Asked::Over => drop_quietly(stream),
                }
            }
            if self.budget.is_over() {
                return asked + 1;
            }
        }
        OF_ALL / OF_ONE
    }

    /// Keeps those that came with calls, lets begin those that may, and drops those that nobody wants
    /// any more.
    fn take_in_streams(&mut self) {
        let mut state = self.shared.lock();
        if state.arguments.is_empty() && state.protocol.no_stream_events() {
            return;
        }
        let arguments = std::mem::take(&mut state.arguments);
        let released = std::mem::take(&mut state.protocol.released);
        let dropped = std::mem::take(&mut state.protocol.dropped);
        drop(state);
        for Argument { key, id, items } in arguments {
            self.streams.hold(Stream::new((key, id), Origin::Call, true, items));
        }
        released.into_iter().for_each(|key| self.streams.release(key));
        dropped.into_iter().for_each(|key| self.streams.end(key));
    }

    /// Lets those that do not wait for room take in what there is.
    fn absorb_ready(&mut self) {
        for _ in 0..self.streams.ready.len() {
            let Some(mut stream) = self.streams.ready.pop_front() else { return };
            match self.absorb(&mut stream) {
                Asked::Over => drop_quietly(stream),
                asked => {
                    // Whatever wakes it wakes this connection, which looks at all of them again.
                    self.streams.has_backlog |= matches!(asked, Asked::More);
                    self.streams.ready.push_back(stream);
                }
            }
            let _ = self.budget.checkpoint();
            if self.budget.is_over() {
                self.streams.has_backlog = true;
                return;
            }
        }
    }

    /// Lets a stream take in what there is while nothing of it can be sent.
    fn absorb(&mut self, stream: &mut Stream) -> Asked {
        let waker = self.streams.waiting.waker(stream.key.index);
        let mut cx = Context::from_waker(waker);
        let absorbed = stream.run(|items| items.poll_buffer(&mut cx));
        self.count_lost(stream);
        match absorbed {
            Ok(BufferProgress::All) => Asked::Pending,
            Ok(BufferProgress::Some) => Asked::More,
            Ok(BufferProgress::TooMuch) => {
                let (code, reason) =
                    (CloseCode::SLOW_READER, "reads a stream too slowly".to_owned());
                let end = StreamEnd::Closed { reason: CloseReason::us(code, &*reason) };
                stream.items.tell_end(&end);
                self.shared.lock().command(Command::Close { code, reason, within: None });
                self.finish_stream(stream, Some(&ErrorObject::internal()))
            }
            Err(Panicked) => self.finish_stream(stream, Some(&ErrorObject::internal())),
        }
    }

    fn count_lost(&self, stream: &mut Stream) {
        let lost = stream.items.take_lost();
        if lost > 0 {
            self.shared.lock().protocol.counters.dropped += lost;
        }
    }

    /// Takes items of one stream while there are some, and room.
    fn ask(&mut self, stream: &mut Stream, now: Duration) -> Asked {
        for _ in 0..OF_ONE {
            if stream.item_ready {
                // It is released when there is credit again.
                if !self.shared.lock().protocol.has_credit(stream.key) {
                    return self.absorb(stream);
                }
                stream.item_ready = false;
                match stream.choose().and_then(|()| self.encode_item(stream)) {
                    Ok((item, bytes)) => {
                        stream.seq = stream.seq.map(|seq| seq + 1);
                        let mut state = self.shared.lock();
                        if !state.protocol.push_item(stream.key, item, bytes, now) {
                            return Asked::More;
                        }
                    }
                    Err(error) => return self.finish_stream(stream, Some(&error)),
                }
            }
            let waker = self.streams.waiting.waker(stream.key.index);
            let mut cx = Context::from_waker(waker);
            // Streams and `Serialize` are code of the user's.
            let step = stream.run(|items| items.poll_step(&mut cx));
            match stream.origin {
                Origin::Method(method) => self.check_budget(method),
                // The caller's own, who has no method to change.
                Origin::Call => _ = self.budget.checkpoint(),
            }
            match step {
                Ok(Poll::Pending) => return Asked::Pending,
                Ok(Poll::Ready(Step::Item)) if self.budget.is_over() => {
                    stream.item_ready = true;
                    return Asked::More;
                }
                Ok(Poll::Ready(Step::Item)) => stream.item_ready = true,
                Ok(Poll::Ready(Step::Error(error))) => {
                    return self.finish_stream(stream, Some(&error));
                }
                Ok(Poll::Ready(Step::End)) => return self.finish_stream(stream, None),
                Err(Panicked) => {
                    return self.finish_stream(stream, Some(&ErrorObject::internal()));
                }
            }
        }
        Asked::More
    }

    /// The message with an item, and how long the item itself is.
    fn encode_item(&mut self, stream: &mut Stream) -> Result<(Bytes, usize), ErrorObject> {
        let limit = self.shared.config.limits.message_out;
        self.scratch.prepare();
        let head = stream.head(&self.shared.config.services);
        encode::write_item_head(head, &mut self.scratch.buffer);
        let before = self.scratch.buffer.len();
        let out = &mut BoundedWriter::new(&mut self.scratch.buffer, limit, 2);
        let written = stream.run(|items| items.write(out));
        match written.unwrap_or_else(|Panicked| Err(ErrorObject::internal())) {
            Ok(()) => {
                let bytes = self.scratch.buffer.len() - before;
                encode::write_item_tail(&mut self.scratch.buffer);
                Ok((self.scratch.cut(), bytes))
            }
            Err(error) => {
                self.scratch.discard();
                Err(error)
            }
        }
    }

    /// Tells that a stream is over: of an error everyone, of a normal end whoever can be told.
    fn finish_stream(&mut self, stream: &mut Stream, error: Option<&ErrorObject>) -> Asked {
        // It is over whatever is missing.
        let _ = stream.choose();
        if let Some(error) = error {
            stream.items.tell_end(&StreamEnd::Failed(error.clone()));
        }
        let head = stream.head(&self.shared.config.services);
        let last = match error {
            Some(error) => Some(encode::error_item(head, error)),
            None => stream.seq.map(|_| encode::done_item(head)),
        };
        self.shared.lock().protocol.finish_stream(stream.key, last);
        Asked::Over
    }
}
