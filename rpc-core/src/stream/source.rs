//! A stream as the connection that sends it sees it.

use std::task::{Context, Poll};

use futures_util::StreamExt;
use serde::Serialize;

use super::buffered::Lagging;
use super::ended::{Ending, StreamEnd};
use super::{Source, Streaming};
use crate::error::object::ErrorObject;
use crate::protocol::tables::streams::{Item, OutgoingKey};
use crate::util::bounded_writer::BoundedWriter;
use crate::util::catch::drop_quietly;

/// A stream that is offered, whatever its items are.
pub(crate) trait Items: Send {
    /// The next step of the stream.
    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<Step>;

    /// How many items are missing before the one that is to be written, or before the end.
    fn missed(&mut self) -> u64 {
        0
    }

    /// Writes the item of the last step as JSON at the end of `out`.
    fn write(&mut self, out: &mut BoundedWriter<'_>) -> Result<(), ErrorObject>;

    /// Takes in what there is while nothing can be sent, if the stream does not wait.
    fn poll_buffer(&mut self, _: &mut Context<'_>) -> BufferProgress {
        BufferProgress::All
    }

    /// Whoever sends the items hears why nobody takes them any more; what is said first counts. It is dropped
    /// next.
    fn tell_end(&self, end: &StreamEnd);

    /// How many items were dropped since this was last asked.
    fn take_lost(&mut self) -> u64 {
        0
    }
}

/// What came of taking in what there is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum BufferProgress {
    /// There is no more for now.
    All,
    /// There may be more: others get their turn first.
    Some,
    /// More than may wait.
    TooMuch,
}

/// A stream that goes with a call.
pub(crate) struct Argument {
    pub(crate) key: OutgoingKey,
    /// JSON text.
    pub(crate) id: Box<str>,
    pub(crate) items: Box<dyn Items>,
}

impl Argument {
    /// Drops a stream that never began.
    pub(crate) fn end(self, end: &StreamEnd) {
        self.items.tell_end(end);
        drop_quietly(self.items);
    }
}

/// The code of an error item that stands for a gap: a peer that does not know gaps takes it for the
/// end.
const GAP: i64 = crate::error::code::ErrorCode::INTERNAL;

/// A step of a stream.
pub(crate) enum Step {
    Item,
    Error(ErrorObject),
    End,
}

/// A [`Streaming`] that waits, and the item that it gave last.
struct Offer<T> {
    source: Source<T>,
    item: Option<Last<T>>,
    ending: Ending,
}

enum Last<T> {
    Value(T),
    /// Of a stream that was taken from a third peer: passed on as it came.
    Json(Box<str>),
}

impl<T, E> Streaming<T, E>
where
    T: Serialize + Send + 'static,
{
    /// The stream as the connection sends it.
    pub(crate) fn into_items(self) -> Box<dyn Items> {
        match (self.source, self.buffer) {
            (Source::Local(stream), Some(buffer)) => {
                Box::new(Lagging::new(stream, buffer, self.ending))
            }
            (source, _) => Box::new(Offer { source, item: None, ending: self.ending }),
        }
    }
}

impl<T> Offer<T> {
    fn step(&mut self, item: Last<T>) -> Step {
        self.item = Some(item);
        Step::Item
    }
}

impl<T: Serialize + Send> Items for Offer<T> {
    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<Step> {
        match &mut self.source {
            Source::Local(stream) => stream.poll_next_unpin(cx).map(|item| match item {
                Some(Ok(item)) => self.step(Last::Value(item)),
                Some(Err(error)) => Step::Error(error),
                None => Step::End,
            }),
            Source::Remote(remote) => remote.poll_next(cx).map(|item| match item {
                Some(Item::Result(json)) => self.step(Last::Json(json)),
                Some(Item::Error(error)) => Step::Error(*error),
                Some(Item::Gap(missed)) => {
                    Step::Error(ErrorObject::new(GAP, format!("{missed} items are missing")))
                }
                Some(Item::Cancelled) => Step::Error(ErrorObject::cancelled()),
                Some(Item::Unreadable(_) | Item::Failed(_) | Item::Closed(_)) => {
                    Step::Error(ErrorObject::internal())
                }
                None => Step::End,
            }),
            Source::Ended => Poll::Ready(Step::End),
        }
    }

    fn write(&mut self, out: &mut BoundedWriter<'_>) -> Result<(), ErrorObject> {
        match self.item.take().expect("written once, after a step that gave an item") {
            Last::Value(item) => super::json::write(out, &item),
            Last::Json(json) => super::json::write_raw(out, &json),
        }
    }

    fn tell_end(&self, end: &StreamEnd) {
        self.ending.tell(end);
    }
}
