//! A stream that the peer sends, without its item type.

use std::fmt;
use std::task::{Context, Poll};

use crate::peer::slot::Shared;
use crate::protocol::tables::streams::{IncomingKey, Item};
use crate::util::sync::Arc;
use crate::util::waiter::poll_registered;

/// A stream that the peer sends. Dropping the value ends the stream at the peer.
pub(crate) struct Remote {
    shared: Arc<Shared>,
    key: IncomingKey,
}

impl Remote {
    pub(crate) fn new(shared: Arc<Shared>, key: IncomingKey) -> Self {
        Self { shared, key }
    }

    /// Lets the stream end with its session.
    pub(super) fn end_with_session(&self) {
        self.shared.with(|state| state.protocol.end_with_session(self.key));
    }

    pub(super) fn poll_next(&self, cx: &mut Context<'_>) -> Poll<Option<Item>> {
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
