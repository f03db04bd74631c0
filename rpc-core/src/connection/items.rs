//! Items of the streams that this end sends, asked for while there is room.

use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;

use super::driver::Driver;
use super::streams::{Origin, Panicked, Stream, Streams};
use crate::error::close::{CloseCode, CloseReason};
use crate::error::object::ErrorObject;
use crate::peer::slot::Command;
use crate::stream::{Argument, BufferProgress, Step, StreamEnd};
use crate::util::bounded_writer::BoundedWriter;
use crate::util::catch::drop_quietly;
use crate::wire::encode::{self};

/// The most items that one stream sends before the other streams get their turn, and the most items of all streams in
/// one turn of the connection.
const OF_ONE: usize = 16;
const OF_ALL: usize = 256;

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
                    StreamPoll::More => self.streams.ready.push_back(stream),
                    StreamPoll::Pending => self.streams.waiting.insert(stream.key.index, stream),
                    StreamPoll::Over => drop_quietly(stream),
                }
            }
            if self.budget.is_over() {
                return asked + 1;
            }
        }
        OF_ALL / OF_ONE
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
        for _ in 0..OF_ONE {
            if stream.item_ready {
                // The stream is released when there is credit again.
                if !self.has_credit(stream) {
                    let absorbed = self.absorb(stream);
                    if matches!(absorbed, StreamPoll::Over) {
                        return absorbed;
                    }
                    // More items may be on their way when more keys wait.
                    if !self.has_credit(stream) {
                        if matches!(absorbed, StreamPoll::More) {
                            // In the next turn: credit may have come by then.
                            self.streams.waiting.waker(stream.key.index).wake_by_ref();
                        }
                        return StreamPoll::Pending;
                    }
                }
                stream.item_ready = false;
                match stream.choose().and_then(|()| self.encode_item(stream)) {
                    Ok((item, bytes)) => {
                        stream.seq = stream.seq.map(|seq| seq + 1);
                        let mut state = self.shared.lock();
                        if !state.protocol.push_item(stream.key, item, bytes, stream.seq, now) {
                            return StreamPoll::More;
                        }
                    }
                    Err(error) => return self.finish_stream(stream, Some(&error)),
                }
            }
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
                Ok(Poll::Pending) => return StreamPoll::Pending,
                Ok(Poll::Ready(Step::Item)) if self.budget.is_over() => {
                    stream.item_ready = true;
                    return StreamPoll::More;
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
        StreamPoll::More
    }

    fn has_credit(&self, stream: &Stream) -> bool {
        let waiting = stream.items.waiting();
        self.shared.lock().protocol.has_credit(stream.key, waiting)
    }

    /// Writes the message of the next item. Returns the message and the bytes of the item alone.
    fn encode_item(&mut self, stream: &mut Stream) -> Result<(Bytes, usize), ErrorObject> {
        let limit = self.shared.config.limits.message_out;
        self.scratch.prepare();
        let is_bounded = stream.items.in_flight().is_some();
        let asks_credit = is_bounded && self.shared.lock().protocol.asks_credit(stream.key);
        let head = stream.head(&self.shared.config.services, asks_credit);
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

    /// Ends a stream. The receiver is told of an error, and of a normal end if the receiver counts items.
    fn finish_stream(&mut self, stream: &mut Stream, error: Option<&ErrorObject>) -> StreamPoll {
        // The stream is over, whatever items are missing.
        let _ = stream.choose();
        if let Some(error) = error {
            stream.items.tell_end(&StreamEnd::Failed(error.clone()));
        }
        let head = stream.head(&self.shared.config.services, false);
        let last = match error {
            Some(error) => Some(encode::error_item(head, error)),
            None => stream.seq.map(|_| encode::done_item(head)),
        };
        self.shared.lock().protocol.finish_stream(stream.key, last);
        StreamPoll::Over
    }
}
