//! The values of a live value, at the end that watches.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::stream::{FusedStream, Next};
use futures_util::{Stream, StreamExt};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::change::Change;
use super::throttle::Throttle;
use crate::patch::{Document, Unfit};
use crate::stream::error::StreamError;
use crate::stream::typing::{StreamErrorType, Untyped};
use crate::stream::{Source, Streaming, decoded, typed};

/// What the value may count for, unless told otherwise.
const BYTES: usize = 64 << 20;

/// The values of a [`Live`](crate::Live) at another peer: a stream of the newest value, whenever the value has changed.
/// [`Streaming::watch`] makes it.
///
/// All changes that have arrived are applied before a value is given. So a program that reads slowly gets the newest
/// value, and skips those between. It gets the last one in any case.
///
/// The watch ends with the stream. A patch that does not fit the value also ends the watch, with
/// [`StreamError::Decode`]: no wrong value is ever given. If the value does not fit a `T`, the watch gives
/// `Decode` and goes on with the next value. If a client that reconnects subscribed anew, or an end that hands the
/// stream on, the watch goes on with the value of that moment. Only a [`Gap`](StreamError::Gap) with no whole value
/// behind it ends the watch.
#[must_use = "a watch that is dropped ends"]
pub struct Watch<T, E = Untyped> {
    stream: Streaming<Change<T>, E>,
    has: Has<T>,
    /// Whether the value was not given yet.
    is_new: bool,
    /// How many items are missing behind the newest value, of which no whole value has come since. 0 if the number is
    /// not known.
    gap: Option<u64>,
    /// The error that ends the watch, when the newest value was given.
    failed: Option<StreamError<E>>,
    throttle: Throttle,
    limit: usize,
    /// The text of the value, while the value is decoded.
    text: String,
}

enum Has<T> {
    Nothing,
    Document(Document),
    /// A value of this process.
    Value(T),
}

/// An item of the stream: its text, or a value of this process.
enum Item<T> {
    Text(Change<Box<RawValue>>),
    Value(Change<T>),
}

impl<T, E> Streaming<Change<T>, E> {
    /// Makes a [`Watch`] of the stream, which gives the values instead of the changes.
    pub fn watch(self) -> Watch<T, E> {
        Watch {
            stream: self,
            has: Has::Nothing,
            is_new: false,
            gap: None,
            failed: None,
            throttle: Throttle::default(),
            limit: BYTES,
            text: String::new(),
        }
    }

    /// Sets the least time between two changes, which are merged meanwhile. The last change always comes.
    ///
    /// On a stream that this end [sends](crate::Live::subscribe) this is the least that any watcher gets; the watcher may ask for
    /// more. On a stream that this end receives it asks the other end for that, as [`Watch::throttle`] does. No effect
    /// on a stream that is not of a [`Live`](crate::Live).
    pub fn throttle(mut self, interval: Duration) -> Self {
        self.set_throttle(interval);
        self
    }

    fn set_throttle(&mut self, interval: Duration) {
        match &mut self.source {
            Source::Live(changes) => changes.set_least(interval),
            Source::Remote(remote) => remote.throttle(interval),
            Source::Local(_) | Source::Topic(_) | Source::Ended => {}
        }
    }
}

impl<T, E> Watch<T, E> {
    /// Sets the least time between two values. The other end is asked to send no more than that (`$/throttle`), and to
    /// merge the changes between. If it does not know how, this end waits and merges. The last value always comes.
    /// `Duration::ZERO` is the default: values are given as they come.
    pub fn throttle(mut self, interval: Duration) -> Self {
        self.set_throttle(interval);
        self
    }

    /// Does what [`throttle`](Self::throttle) does, for a watch that has begun.
    pub fn set_throttle(&mut self, interval: Duration) {
        self.throttle.set(interval);
        self.stream.set_throttle(interval);
    }

    /// Sets what the value may count for at this end, in bytes: its JSON text, and 64 for each part that a patch has
    /// taken out of the text. 64 MiB by default. A larger value ends the watch with [`StreamError::Decode`], so that
    /// the other end cannot exhaust the memory of this one.
    pub fn max_bytes(mut self, bytes: usize) -> Self {
        self.limit = bytes;
        self
    }
}

impl<T: DeserializeOwned, E: StreamErrorType> Watch<T, E> {
    /// Returns the newest value when it has changed since the last call, or an error. Returns `None` when the stream has
    /// ended.
    ///
    /// Cancel safe: a value that was not returned comes with the next call.
    #[expect(clippy::should_implement_trait, reason = "it is what `StreamExt` calls so")]
    pub fn next(&mut self) -> Next<'_, Self> {
        StreamExt::next(self)
    }

    /// Takes in all items that have arrived. Ready when the stream has ended.
    fn poll_items(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            match ready!(self.stream.poll_item(cx)) {
                Some(Ok(item)) => {
                    if let Err(error) = self.take(item) {
                        self.fail(error);
                    }
                }
                // Here or at an end between, the subscription was made anew: what comes next is a whole value.
                Some(Err(StreamError::Gap { missed })) => {
                    self.gap = Some(missed);
                    self.stream.set_throttle(self.throttle.wanted());
                }
                Some(Err(error)) => self.fail(error),
                None => {
                    self.stream.source = Source::Ended;
                    let gap = self.gap.take().map(|missed| StreamError::Gap { missed });
                    self.failed = self.failed.take().or(gap);
                    return Poll::Ready(());
                }
            }
        }
    }

    fn fail(&mut self, error: StreamError<E>) {
        self.stream.source = Source::Ended;
        self.gap = None;
        self.failed = Some(error);
    }

    /// Takes in an item.
    ///
    /// # Errors
    /// The error that ends the watch.
    fn take(&mut self, item: Item<T>) -> Result<(), StreamError<E>> {
        let is_whole = matches!(item, Item::Text(Change::Value(_)) | Item::Value(Change::Value(_)));
        match self.gap.take() {
            Some(missed) if !is_whole => Err(StreamError::Gap { missed }),
            _ => self.apply(item).map_err(|unfit| StreamError::Decode(unfit.to_string().into())),
        }
    }

    fn apply(&mut self, item: Item<T>) -> Result<(), Unfit> {
        match item {
            Item::Text(Change::Value(text)) => {
                self.has = Has::Document(Document::new(text.get(), self.limit)?)
            }
            Item::Value(Change::Value(value)) => self.has = Has::Value(value),
            Item::Text(Change::Patch(patch)) | Item::Value(Change::Patch(patch)) => {
                match &mut self.has {
                    Has::Document(document) => document.apply(patch.get())?,
                    Has::Nothing | Has::Value(_) => {
                        return Err(Unfit::of("a patch came before a value"));
                    }
                }
            }
        }
        self.is_new = true;
        Ok(())
    }

    /// Decodes the value that was taken in.
    fn decode(&mut self) -> Option<Result<T, StreamError<E>>> {
        match &self.has {
            Has::Document(document) => {
                self.text.clear();
                document.write(&mut self.text);
                let value = decoded(&self.text);
                // The text of one large value is not kept.
                self.text.shrink_to(64 << 10);
                Some(value)
            }
            Has::Value(_) | Has::Nothing => match std::mem::replace(&mut self.has, Has::Nothing) {
                Has::Value(value) => Some(Ok(value)),
                _ => None,
            },
        }
    }
}

impl<T: DeserializeOwned, E: StreamErrorType> Streaming<Change<T>, E> {
    fn poll_item(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Item<T>, StreamError<E>>>> {
        let text = match &mut self.source {
            Source::Remote(remote) => ready!(remote.poll_next(cx, typed)),
            Source::Live(changes) => ready!(changes.poll_text(cx)).map(|text| match text {
                Ok(text) => decoded(&text),
                Err(error) => Err(StreamError::from_item(error)),
            }),
            Source::Local(_) | Source::Topic(_) | Source::Ended => {
                return self.poll_next_unpin(cx).map(|item| Some(item?.map(Item::Value)));
            }
        };
        Poll::Ready(text.map(|change| change.map(Item::Text)))
    }
}

impl<T: DeserializeOwned, E: StreamErrorType> Stream for Watch<T, E> {
    type Item = Result<T, StreamError<E>>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let has_ended = this.poll_items(cx).is_ready();
        if this.is_new {
            // The last value does not wait.
            if !has_ended {
                ready!(this.throttle.poll_due(cx));
            }
            this.is_new = false;
            this.throttle.note_item();
            return Poll::Ready(this.decode());
        }
        match this.failed.take() {
            Some(error) => Poll::Ready(Some(Err(error))),
            None if has_ended => Poll::Ready(None),
            None => Poll::Pending,
        }
    }
}

/// A watch is terminated when it has given the last value, and the error that has ended it.
impl<T: DeserializeOwned, E: StreamErrorType> FusedStream for Watch<T, E> {
    fn is_terminated(&self) -> bool {
        matches!(self.stream.source, Source::Ended) && !self.is_new && self.failed.is_none()
    }
}

impl<T, E> Unpin for Watch<T, E> {}

impl<T, E> fmt::Debug for Watch<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watch")
    }
}
