//! A stream that the peer sends, without its item type.

use std::fmt;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use crate::peer::slot::Shared;
use crate::protocol::tables::streams::{Entry, IncomingKey, Item, Texts};
use crate::util::sync::Arc;
use crate::util::waiter::poll_registered;
use crate::wire::opened::StreamNames;

/// A stream that the peer sends. Dropping the value ends the stream at the peer.
pub(crate) struct Remote {
    shared: Arc<Shared>,
    key: IncomingKey,
    /// Items that were taken together, of which some are left.
    taken: Option<Box<Texts>>,
    /// The names of the stream at the other end, if a call that was handed on has opened the stream.
    names: Option<Arc<StreamNames>>,
}

/// What comes next in a stream.
pub(crate) enum NextItem<'a> {
    /// The JSON text of an item.
    Text(&'a str),
    Item(Item),
}

impl Remote {
    pub(crate) fn new(shared: Arc<Shared>, key: IncomingKey) -> Self {
        Self { shared, key, taken: None, names: None }
    }

    /// Creates the stream that a call which was handed on has opened.
    pub(crate) fn opened(shared: Arc<Shared>, key: IncomingKey, names: StreamNames) -> Self {
        Self { shared, key, taken: None, names: Some(Arc::new(names)) }
    }

    pub(super) fn names(&self) -> Option<Arc<StreamNames>> {
        self.names.clone()
    }

    /// Lets the stream end with its session.
    pub(super) fn end_with_session(&self) {
        self.shared.with(|state| state.protocol.end_with_session(self.key));
    }

    /// Asks the other end for at most one item in this time, if the items are changes of a value.
    pub(super) fn throttle(&self, interval: Duration) {
        self.shared.with(|state| state.protocol.throttle(self.key, interval));
    }

    /// Takes the next item, and returns what `read` makes of it. Items that came in one message are taken under one
    /// lock, and consumed under another one.
    pub(super) fn poll_next<R>(
        &mut self,
        cx: &mut Context<'_>,
        read: impl FnOnce(NextItem<'_>) -> R,
    ) -> Poll<Option<R>> {
        if self.taken.is_none() {
            match ready!(self.poll_entry(cx)) {
                Some(Entry::Several(texts)) => self.taken = Some(texts),
                Some(Entry::One(item)) => return Poll::Ready(Some(read(NextItem::Item(item)))),
                None => return Poll::Ready(None),
            }
        }
        if let Some(mut last) = self.taken.take_if(|texts| texts.is_at_last()) {
            self.consume(&last);
            return Poll::Ready(last.next().map(|text| read(NextItem::Text(text))));
        }
        let next = self.taken.as_mut().and_then(|texts| texts.next());
        Poll::Ready(next.map(|text| read(NextItem::Text(text))))
    }

    fn poll_entry(&self, cx: &mut Context<'_>) -> Poll<Option<Entry>> {
        poll_registered(cx.waker(), |task| {
            let shared = &self.shared;
            let (keep, now) = (|kept: &mut _| task.keep(kept), || shared.clock.now());
            let lend = |wanted| shared.config.lend(wanted);
            let (item, given_back) = shared.with(|state| {
                let item = state.protocol.poll_item(self.key, now, lend, keep);
                (item, state.protocol.take_given_back())
            });
            shared.config.registry.windows().give_back(given_back);
            item
        })
    }

    /// Tells that items which were taken together are consumed.
    fn consume(&self, items: &Texts) {
        let shared = &self.shared;
        let lend = |wanted| shared.config.lend(wanted);
        let given_back = shared.with(|state| {
            state.protocol.consume_items(self.key, items, || shared.clock.now(), lend);
            state.protocol.take_given_back()
        });
        shared.config.registry.windows().give_back(given_back);
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Remote")
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        let (waiter, given_back) = self
            .shared
            .with(|state| (state.protocol.unsubscribe(self.key), state.protocol.take_given_back()));
        self.shared.config.registry.windows().give_back(given_back);
        drop(waiter);
    }
}
