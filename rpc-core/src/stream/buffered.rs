//! A stream with a buffer, which goes on while the receiver is slow.

use std::task::{Context, Poll, ready};

use serde::Serialize;

use super::emitted::Emitted;
use super::ended::{Ending, StreamEnd};
use super::lag::{Buffer, Overflow};
use super::source::{BufferProgress, Emitter, Items, Next, Step};
use crate::error::object::ErrorObject;
use crate::protocol::tables::streams::InFlight;
use crate::util::bounded_writer::BoundedWriter;

/// How many items are taken at once before other streams get their turn.
const AT_ONCE: usize = 64;

/// A source that is polled for items whether or not they can be sent.
pub(super) struct Lagging<T> {
    source: Box<dyn Emitter<T>>,
    buffer: Box<dyn Buffer<T>>,
    /// How the source ended, if it has ended.
    end: Option<Result<(), ErrorObject>>,
    /// The item that is to be written.
    chosen: Option<Emitted<T>>,
    /// Items that the source has lost, before the next one that is chosen.
    missed: u64,
    lost: u64,
    in_flight: Option<InFlight>,
    ending: Ending,
}

impl<T> Lagging<T> {
    pub(super) fn new(
        source: Box<dyn Emitter<T>>,
        buffer: Box<dyn Buffer<T>>,
        in_flight: Option<InFlight>,
        ending: Ending,
    ) -> Self {
        Self { source, buffer, end: None, chosen: None, missed: 0, lost: 0, in_flight, ending }
    }

    /// Takes one item into the buffer if there is one. Ready if the source gave an item or its end.
    fn poll_source(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Overflow>> {
        if self.end.is_some() {
            return Poll::Pending;
        }
        match ready!(self.source.poll_emit(cx)) {
            Next::Item(item) => self.lost += self.buffer.push(item)?,
            Next::Missed(count) => {
                self.missed += count;
                self.lost += count;
            }
            Next::End(end) => self.end = Some(end),
        }
        Poll::Ready(Ok(()))
    }
}

impl<T: Serialize + Send> Items for Lagging<T> {
    /// While items can be sent, the source is polled for one item at a time, so that nothing is lost.
    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<Step> {
        // An empty buffer has room for one item.
        while self.buffer.is_empty() && self.end.is_none() && self.poll_source(cx).is_ready() {}
        match &self.end {
            _ if !self.buffer.is_empty() => Poll::Ready(Step::Item),
            None => Poll::Pending,
            Some(Ok(())) => Poll::Ready(Step::End),
            Some(Err(error)) => Poll::Ready(Step::Error(error.clone())),
        }
    }

    fn may_miss(&self) -> bool {
        true
    }

    fn missed(&mut self) -> u64 {
        let before = std::mem::take(&mut self.missed);
        match self.buffer.pop() {
            Some((missed, item)) => {
                self.chosen = Some(item);
                before + missed
            }
            None => before + self.buffer.missed_after(),
        }
    }

    fn write(&mut self, out: &mut BoundedWriter<'_>) -> Result<(), ErrorObject> {
        self.chosen.take().expect("`missed` was asked, and chose it").write(out)
    }

    fn poll_buffer(&mut self, cx: &mut Context<'_>) -> BufferProgress {
        for _ in 0..AT_ONCE {
            match self.poll_source(cx) {
                Poll::Ready(Ok(())) => {}
                Poll::Pending => return BufferProgress::All,
                Poll::Ready(Err(Overflow)) => return BufferProgress::TooMuch,
            }
        }
        BufferProgress::Some
    }

    fn in_flight(&self) -> Option<InFlight> {
        self.in_flight
    }

    fn waiting(&self) -> usize {
        self.buffer.len()
    }

    fn tell_end(&self, end: &StreamEnd) {
        self.ending.tell(end);
    }

    fn take_lost(&mut self) -> u64 {
        std::mem::take(&mut self.lost)
    }
}
