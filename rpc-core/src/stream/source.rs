//! A stream, as the connection that sends it uses it.

use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::StreamExt;
use serde::Serialize;

use super::buffered::Lagging;
use super::emitted::{Emitted, Published};
use super::ended::{Ending, StreamEnd};
use super::remote::NextItem;
use super::{Local, Source, Streaming};
use crate::error::object::ErrorObject;
use crate::protocol::tables::streams::{InFlight, Item, OutgoingKey};
use crate::util::bounded_writer::BoundedWriter;
use crate::util::catch::drop_quietly;
use crate::util::sync::Arc;
use crate::wire::attached::Attached;
use crate::wire::opened::StreamNames;

/// A stream that this end sends, for any item type.
pub(crate) trait Items: Send {
    /// Polls the next step of the stream.
    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<Step>;

    /// Returns whether items may be missing, so that [`missed`](Self::missed) is called before each item is written.
    fn may_miss(&self) -> bool {
        false
    }

    /// Chooses the item that is to be written, and returns how many items are missing before it, or before the end.
    fn missed(&mut self) -> u64 {
        0
    }

    /// Returns whether the stream ends where items are missing, if its receiver cannot be told of that.
    fn ends_at_gap(&self) -> bool {
        false
    }

    /// Writes the item of the last step as JSON at the end of `out`.
    fn write(&mut self, out: &mut BoundedWriter<'_>) -> Result<(), ErrorObject>;

    /// Takes items into the buffer while nothing can be sent, if the stream has a buffer.
    fn poll_buffer(&mut self, _: &mut Context<'_>) -> BufferProgress {
        BufferProgress::All
    }

    /// Returns what bounds the items that are on their way, if more does than the credit.
    fn in_flight(&self) -> Option<InFlight>;

    /// Returns how many items with different keys wait in the buffer.
    fn waiting(&self) -> usize {
        0
    }

    /// Tells the sender of the items why the stream has no receiver any more. The first reason counts. The stream is
    /// dropped next.
    fn tell_end(&self, end: &StreamEnd);

    /// Returns how many items were dropped since the last call.
    fn take_lost(&mut self) -> u64 {
        0
    }

    /// Returns the names of the stream, if it is passed on from another peer under the names that it has there.
    fn names(&self) -> Option<Arc<StreamNames>> {
        None
    }

    /// Lets at most one item leave in this time, if the items are changes of a value, which can be merged.
    fn throttle(&mut self, _: Duration) {}
}

/// A source of items that can be kept.
pub(super) trait Emitter<T>: Send {
    fn poll_emit(&mut self, cx: &mut Context<'_>) -> Poll<Next<T>>;
}

/// What comes next of a source.
pub(super) enum Next<T> {
    Item(Emitted<T>),
    /// So many items are missing here.
    Missed(u64),
    /// The end, or the error that ends the stream.
    End(Result<(), ErrorObject>),
}

impl<T> Emitter<T> for Local<T> {
    fn poll_emit(&mut self, cx: &mut Context<'_>) -> Poll<Next<T>> {
        self.poll_next_unpin(cx).map(|item| match item {
            Some(Ok(item)) => Next::Item(Emitted::Own(item)),
            Some(Err(error)) => Next::End(Err(error)),
            None => Next::End(Ok(())),
        })
    }
}

/// The result of taking items into the buffer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum BufferProgress {
    /// The source has no more items for now.
    All,
    /// The source may have more items. Other streams get their turn first.
    Some,
    /// More items than the buffer may hold.
    TooMuch,
}

/// A stream among the params of a call.
pub(crate) struct Argument {
    pub(crate) key: OutgoingKey,
    /// The id as JSON text.
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

/// The code of the error item that reports a gap. A peer that does not know gaps takes the item for the end of the
/// stream.
const GAP: i64 = crate::error::code::ErrorCode::INTERNAL;

/// A step of a stream.
pub(crate) enum Step {
    Item,
    Error(ErrorObject),
    End,
}

impl Step {
    /// The end of a stream, with its error if there is one.
    pub(super) fn of(end: Result<(), ErrorObject>) -> Self {
        end.map_or_else(Self::Error, |()| Self::End)
    }
}

/// A [`Streaming`] without a buffer, and the last item that it gave.
struct Offer<T> {
    source: Source<T>,
    item: Option<Last<T>>,
    /// Items that are missing before that item.
    missed: u64,
    lost: u64,
    in_flight: Option<InFlight>,
    ending: Ending,
}

enum Last<T> {
    Value(T),
    Shared(Arc<dyn Published<T>>),
    /// An item of a stream from a third peer, passed on without being parsed.
    Json(Box<str>),
    /// The same, with bytes beside its text.
    Attached(Box<Attached>),
}

impl<T, E> Streaming<T, E>
where
    T: Serialize + Send + 'static,
{
    /// Returns the stream in the form that the connection sends.
    pub(crate) fn into_items(self) -> Box<dyn Items> {
        let Self { source, buffer, in_flight, ending, .. } = self;
        let kept: Box<dyn Emitter<T>> = match (source, &buffer) {
            (Source::Local(stream), Some(_)) => Box::new(stream),
            (Source::Topic(taker), Some(_)) => taker,
            (Source::Live(changes), _) => return changes,
            (source, _) => {
                return Box::new(Offer {
                    source,
                    item: None,
                    missed: 0,
                    lost: 0,
                    in_flight,
                    ending,
                });
            }
        };
        let buffer = buffer.expect("the streams that are kept have a buffer");
        let in_flight = in_flight.or(buffer.in_flight());
        Box::new(Lagging::new(kept, buffer, in_flight, ending))
    }
}

/// What a third peer has sent, as it is passed on.
enum Passed {
    /// The JSON text of an item.
    Text(Box<str>),
    Attached(Box<Attached>),
    /// So many items are missing here; 0 if the number is not known.
    Gap(u64),
    /// The error that ends the stream.
    End(ErrorObject),
}

impl Passed {
    fn of(next: NextItem<'_>) -> Self {
        let item = match next {
            NextItem::Text(json) => return Self::Text(json.into()),
            NextItem::Item(item) => item,
        };
        match item {
            Item::Result(json) => Self::Text(json),
            Item::Attached(item) => Self::Attached(item),
            Item::Gap(missed) => Self::Gap(missed),
            last => Self::End(ending(last)),
        }
    }
}

/// Returns what a third peer has sent as it is passed on: the JSON text of the item, or the error that ends the stream.
pub(super) fn passed_on(next: NextItem<'_>) -> Result<Box<str>, ErrorObject> {
    match Passed::of(next) {
        Passed::Text(json) => Ok(json),
        Passed::Attached(item) => Ok(item.whole().into()),
        Passed::Gap(missed) => Err(gap(missed)),
        Passed::End(error) => Err(error),
    }
}

/// Returns the error that ends a stream in which items are missing, towards a receiver that cannot be told of a gap.
#[cold]
pub(crate) fn gap(missed: u64) -> ErrorObject {
    ErrorObject::new(GAP, format!("{missed} items are missing"))
}

/// Returns the error with which a stream of a third peer ends here.
#[cold]
fn ending(item: Item) -> ErrorObject {
    match item {
        Item::Error(error) => *error,
        Item::Gap(missed) => gap(missed),
        Item::Cancelled => ErrorObject::cancelled(),
        // The third peer is gone: the stream broke off, and its other end did not fail.
        Item::Closed(_) => ErrorObject::interrupted(None),
        Item::Result(_) | Item::Attached(_) | Item::Unreadable(_) | Item::Failed(_) => {
            ErrorObject::internal()
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
        loop {
            let next = match &mut self.source {
                // Not as a topic: what most streams do is short.
                Source::Local(stream) => {
                    return stream.poll_next_unpin(cx).map(|item| match item {
                        Some(Ok(item)) => self.step(Last::Value(item)),
                        Some(Err(error)) => Step::Error(error),
                        None => Step::End,
                    });
                }
                Source::Topic(taker) => taker.poll_emit(cx),
                Source::Remote(remote) => {
                    return Poll::Ready(match ready!(remote.poll_next(cx, Passed::of)) {
                        Some(Passed::Text(json)) => self.step(Last::Json(json)),
                        Some(Passed::Attached(item)) => self.step(Last::Attached(item)),
                        Some(Passed::Gap(missed)) => {
                            self.missed += missed.max(1); // how many may be unknown
                            continue;
                        }
                        Some(Passed::End(error)) => Step::Error(error),
                        None => Step::End,
                    });
                }
                Source::Live(_) | Source::Ended => return Poll::Ready(Step::End),
            };
            return Poll::Ready(match ready!(next) {
                Next::Item(Emitted::Own(item)) => self.step(Last::Value(item)),
                Next::Item(Emitted::Shared(item)) => self.step(Last::Shared(item)),
                Next::End(end) => Step::of(end),
                Next::Missed(count) => {
                    self.missed += count;
                    self.lost += count;
                    continue;
                }
            });
        }
    }

    fn may_miss(&self) -> bool {
        matches!(self.source, Source::Topic(_) | Source::Remote(_))
    }

    fn missed(&mut self) -> u64 {
        std::mem::take(&mut self.missed)
    }

    fn ends_at_gap(&self) -> bool {
        matches!(self.source, Source::Remote(_))
    }

    fn take_lost(&mut self) -> u64 {
        std::mem::take(&mut self.lost)
    }

    fn write(&mut self, out: &mut BoundedWriter<'_>) -> Result<(), ErrorObject> {
        match self.item.take().expect("written once, after a step that gave an item") {
            Last::Value(item) => super::json::write(out, &item),
            Last::Shared(item) => super::json::write_raw(out, item.json()),
            Last::Json(json) => super::json::write_raw(out, &json),
            Last::Attached(item) => super::json::write_attached(out, &item),
        }
    }

    fn names(&self) -> Option<Arc<StreamNames>> {
        match &self.source {
            Source::Remote(remote) => remote.names(),
            _ => None,
        }
    }

    fn in_flight(&self) -> Option<InFlight> {
        self.in_flight
    }

    fn tell_end(&self, end: &StreamEnd) {
        self.ending.tell(end);
    }
}
