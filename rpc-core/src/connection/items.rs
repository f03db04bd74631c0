//! Items of the streams that this end sends, asked for while there is room.

use std::task::{Context, Poll};
use std::time::Duration;

use super::driver::Driver;
use super::item_writer::ItemWriter;
use super::streams::{Origin, Panicked, Stream, Streams};
use crate::error::close::{CloseCode, CloseReason};
use crate::error::object::ErrorObject;
use crate::peer::slot::Command;
use crate::protocol::ItemRoom;
use crate::stream::{Argument, BufferProgress, Step, StreamEnd};
use crate::util::catch::drop_quietly;
use crate::wire::encode;

/// The most items and messages that one stream sends before the other streams get their turn.
const OF_ONE: usize = 64;
const MESSAGES_OF_ONE: usize = 16;

/// How many streams are asked in one turn of the connection.
const ASKED: usize = 16;

/// What a stream may still send before the other streams get their turn.
struct Share {
    items: usize,
    messages: usize,
}

/// Why no more items of a stream were written.
enum Asked {
    /// The stream will wake the connection.
    Pending,
    /// The stream has an item, and the room that there was is used up.
    RoomUsed,
    /// The stream has an item, for which the other end has no room.
    NoCredit,
    /// The stream has an item, and the other streams get their turn.
    Enough,
    /// The stream has ended.
    End,
    /// The stream ends with this error.
    Error(ErrorObject),
}

/// The result of asking a stream for items.
enum StreamPoll {
    /// The stream may have more items.
    More,
    /// The stream will wake the connection.
    Pending,
    /// The stream is over.
    Over,
}

impl Driver {
    /// Asks the streams that may have items, in turn, while there is room. Returns how many streams were asked.
    pub(super) fn run_streams(&mut self, now: Duration) -> usize {
        self.take_in_streams();
        let Streams { waiting, ready, .. } = &mut self.streams;
        waiting.take_woken(|stream| ready.push_back(stream));
        for asked in 0..ASKED {
            if self.streams.ready.is_empty() {
                return asked;
            }
            if !self.shared.lock().protocol.is_open() {
                self.absorb_ready();
                return asked;
            }
            if let Some(mut stream) = self.streams.ready.pop_front() {
                match self.ask(&mut stream, now) {
                    StreamPoll::More => self.streams.ready.push_back(stream),
                    StreamPoll::Pending => self.streams.waiting.insert(stream.key.index, stream),
                    StreamPoll::Over => drop_quietly(stream),
                }
            }
            if self.budget.is_over() {
                return asked + 1;
            }
        }
        ASKED
    }

    /// Takes in the streams of calls, releases streams that may begin, and drops streams that were stopped.
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
            if let Some(bound) = items.in_flight() {
                self.shared.lock().protocol.bound_stream(key, bound);
            }
            self.streams.hold(Stream::new((key, id), Origin::Call, true, items));
        }
        released.into_iter().for_each(|key| self.streams.release(key));
        dropped.into_iter().for_each(|key| self.streams.end(key));
    }

    /// Lets streams that do not wait for room buffer their items.
    fn absorb_ready(&mut self) {
        for _ in 0..self.streams.ready.len() {
            let Some(mut stream) = self.streams.ready.pop_front() else { return };
            match self.absorb(&mut stream) {
                StreamPoll::Over => drop_quietly(stream),
                asked => {
                    // A wake of the stream wakes the connection, which looks at all streams again.
                    self.streams.has_backlog |= matches!(asked, StreamPoll::More);
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

    /// Lets a stream buffer its items while no item can be sent.
    fn absorb(&mut self, stream: &mut Stream) -> StreamPoll {
        let waker = self.streams.waiting.waker(stream.key.index);
        let mut cx = Context::from_waker(waker);
        let absorbed = stream.run(|items| items.poll_buffer(&mut cx));
        self.count_lost(stream);
        match absorbed {
            Ok(BufferProgress::All) => StreamPoll::Pending,
            Ok(BufferProgress::Some) => StreamPoll::More,
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

    /// Takes items of one stream while the stream has items and there is room.
    fn ask(&mut self, stream: &mut Stream, now: Duration) -> StreamPoll {
        let mut share = Share { items: OF_ONE, messages: MESSAGES_OF_ONE };
        loop {
            let asked = self.write_items(stream, &mut share);
            let has_room = self.hand_over(stream, now);
            return match asked {
                Asked::RoomUsed if has_room => continue,
                Asked::RoomUsed | Asked::Enough => StreamPoll::More,
                Asked::NoCredit => self.wait_for_credit(stream),
                Asked::Pending => StreamPoll::Pending,
                Asked::End => self.finish_stream(stream, None),
                Asked::Error(error) => self.finish_stream(stream, Some(&error)),
            };
        }
    }

    /// Hands the messages that were written to the protocol, under one lock. Returns whether there is room for more.
    fn hand_over(&mut self, stream: &Stream, now: Duration) -> bool {
        let written = &mut self.streams.written;
        written.is_empty()
            || self.shared.lock().protocol.push_items(stream.key, written.drain(..), now)
    }

    /// Writes items of one stream, up to its share and to the room that there is now.
    fn write_items(&mut self, stream: &mut Stream, share: &mut Share) -> Asked {
        if !stream.item_ready
            && let Some(asked) = self.step(stream)
        {
            return asked;
        }
        let Some(room) = self.room_for_items(stream) else { return Asked::NoCredit };
        let limit = self.shared.config.limits.message_out;
        let scratch = std::mem::take(&mut self.scratch);
        let written = std::mem::take(&mut self.streams.written);
        let attached = std::mem::take(&mut self.attached);
        let mut writer = ItemWriter::new(scratch, attached, written, limit);
        let asked = self.fill(&mut writer, stream, &room, share);
        (self.scratch, self.attached, self.streams.written) = writer.finish();
        share.messages = share.messages.saturating_sub(self.streams.written.len());
        asked
    }

    /// Writes the item that is ready, and those behind it.
    fn fill(
        &mut self,
        writer: &mut ItemWriter,
        stream: &mut Stream,
        room: &ItemRoom,
        share: &mut Share,
    ) -> Asked {
        loop {
            share.items = share.items.saturating_sub(1);
            stream.item_ready = false;
            if let Err(error) = self.write_item(writer, stream, room) {
                return Asked::Error(error);
            }
            if let Some(asked) = self.step(stream) {
                return asked;
            }
            if share.items == 0 || writer.messages() > share.messages {
                return Asked::Enough;
            }
            if !writer.is_within(room) {
                return Asked::RoomUsed;
            }
        }
    }

    fn write_item(
        &self,
        writer: &mut ItemWriter,
        stream: &mut Stream,
        room: &ItemRoom,
    ) -> Result<(), ErrorObject> {
        let is_next = stream.choose()?;
        if !is_next {
            self.count_lost(stream);
        }
        let (head, mut code) = stream.split(&self.shared.config.services, room.asks_credit);
        writer.add(head, is_next, room, |out| {
            let written = code.run(|items| items.write(out));
            written.unwrap_or_else(|Panicked| Err(ErrorObject::internal()))
        })?;
        stream.seq = stream.seq.map(|seq| seq + 1);
        Ok(())
    }

    /// Polls a stream without an item. Returns `None` if it has an item now, and there is time to write it.
    fn step(&mut self, stream: &mut Stream) -> Option<Asked> {
        let waker = self.streams.waiting.waker(stream.key.index);
        let mut cx = Context::from_waker(waker);
        // Streams and `Serialize` are code of the application.
        let step = stream.run(|items| items.poll_step(&mut cx));
        match stream.origin {
            Origin::Method(method) => self.check_budget(method),
            // The stream belongs to a call of this end: there is no method to log.
            Origin::Call => _ = self.budget.checkpoint(),
        }
        match step {
            Ok(Poll::Ready(Step::Item)) => {
                stream.item_ready = true;
                self.budget.is_over().then_some(Asked::Enough)
            }
            Ok(Poll::Ready(Step::Error(error))) => Some(Asked::Error(error)),
            Ok(Poll::Ready(Step::End)) => Some(Asked::End),
            Ok(Poll::Pending) => Some(Asked::Pending),
            Err(Panicked) => Some(Asked::Error(ErrorObject::internal())),
        }
    }

    /// Lets a stream with an item wait for credit, and buffer its items until then. The stream is released when there
    /// is credit again.
    fn wait_for_credit(&mut self, stream: &mut Stream) -> StreamPoll {
        let absorbed = self.absorb(stream);
        if matches!(absorbed, StreamPoll::Over) {
            return absorbed;
        }
        // More items may be on their way when more keys wait.
        if self.room_for_items(stream).is_some() {
            return StreamPoll::More;
        }
        if matches!(absorbed, StreamPoll::More) {
            // In the next turn: credit may have come by then.
            self.streams.waiting.waker(stream.key.index).wake_by_ref();
        }
        StreamPoll::Pending
    }

    fn room_for_items(&self, stream: &Stream) -> Option<ItemRoom> {
        let waiting = stream.items.waiting();
        self.shared.lock().protocol.room_for_items(stream.key, waiting)
    }

    /// Ends a stream. The receiver is told of an error, and of a normal end if the receiver counts items.
    fn finish_stream(&mut self, stream: &mut Stream, error: Option<&ErrorObject>) -> StreamPoll {
        // The stream is over, whatever items are missing: a receiver that cannot be told of a gap is told an error.
        let gap = stream.choose().err();
        let error = error.or(gap.as_ref());
        if let Some(error) = error {
            stream.items.tell_end(&StreamEnd::Failed(error.clone()));
        }
        let is_counted = stream.seq.is_some();
        let head = stream.head(&self.shared.config.services);
        let last = match error {
            Some(error) => Some(encode::error_item(head, error)),
            None => is_counted.then(|| encode::done_item(head)),
        };
        self.shared.lock().protocol.finish_stream(stream.key, last);
        StreamPoll::Over
    }
}
