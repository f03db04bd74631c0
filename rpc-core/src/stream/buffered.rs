//! A stream with a buffer, which goes on while the receiver is slow.

use std::task::{Context, Poll};

use futures_util::StreamExt;
use serde::Serialize;

use super::Local;
use super::ended::{Ending, StreamEnd};
use super::lag::{Buffer, Overflow};
use super::source::{BufferProgress, Items, Step};
use crate::error::object::ErrorObject;
use crate::protocol::tables::streams::InFlight;
use crate::util::bounded_writer::BoundedWriter;

/// How many items are taken at once before other streams get their turn.
const AT_ONCE: usize = 64;

/// A source that is polled for items whether or not they can be sent.
pub(super) struct Lagging<T> {
    source: Local<T>,
    buffer: Box<dyn Buffer<T>>,
    /// How the source ended, if it has ended.
    end: Option<Result<(), ErrorObject>>,
    /// The item that is to be written.
    chosen: Option<T>,
    lost: u64,
    in_flight: Option<InFlight>,
    ending: Ending,
}

impl<T> Lagging<T> {
    pub(super) fn new(
        source: Local<T>,
        buffer: Box<dyn Buffer<T>>,
        in_flight: Option<InFlight>,
        ending: Ending,
    ) -> Self {
        Self { source, buffer, end: None, chosen: None, lost: 0, in_flight, ending }
    }

    /// Takes one item into the buffer if there is one. Ready if the source gave an item or its end.
    fn poll_source(&mut self, cx: &mut Context<'_>) -> Result<Poll<()>, Overflow> {
        if self.end.is_some() {
            return Ok(Poll::Pending);
        }
        match self.source.poll_next_unpin(cx) {
            Poll::Pending => return Ok(Poll::Pending),
            Poll::Ready(Some(Ok(item))) => self.lost += self.buffer.push(item)?,
            Poll::Ready(Some(Err(error))) => self.end = Some(Err(error)),
            Poll::Ready(None) => self.end = Some(Ok(())),
        }
        Ok(Poll::Ready(()))
    }
}

impl<T: Serialize + Send> Items for Lagging<T> {
    /// While items can be sent, the source is polled for one item at a time, so that nothing is lost.
    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<Step> {
        if self.buffer.is_empty() {
            // An empty buffer has room for one item.
            let _ = self.poll_source(cx);
        }
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
        match self.buffer.pop() {
            Some((missed, item)) => {
                self.chosen = Some(item);
                missed
            }
            None => self.buffer.missed_after(),
        }
    }

    fn write(&mut self, out: &mut BoundedWriter<'_>) -> Result<(), ErrorObject> {
        super::json::write(out, &self.chosen.take().expect("`missed` was asked, and chose it"))
    }

    fn poll_buffer(&mut self, cx: &mut Context<'_>) -> BufferProgress {
        for _ in 0..AT_ONCE {
            match self.poll_source(cx) {
                Ok(Poll::Ready(())) => {}
                Ok(Poll::Pending) => return BufferProgress::All,
                Err(Overflow) => return BufferProgress::TooMuch,
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
