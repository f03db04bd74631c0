//! Subscriptions at the end of their session: those that are made anew in the next one go on, with a gap.

use bytes::Bytes;

use super::{Again, Credit, Entry, IncomingKey, IncomingStreams, Item, State, Stop};
use crate::error::close::CloseReason;

impl<W> IncomingStreams<W> {
    /// Keeps the message of the call that has made a subscription, to make the subscription anew.
    pub(crate) fn keep_again(
        &mut self,
        key: IncomingKey,
        call: u64,
        message: Bytes,
        is_forwarded: bool,
    ) {
        if let Some(stream) = self.open.get_mut(key)
            && let State::Open { stop: Stop::Unsubscribe(wanted), .. } = &stream.state
        {
            let wanted = wanted.clone();
            let is_pending = false;
            let again = Again { call, message, wanted, is_forwarded, is_pending };
            stream.again = Some(Box::new(again));
        }
    }

    /// Lets a subscription end with its session.
    pub(crate) fn forget_again(&mut self, key: IncomingKey) {
        if let Some(stream) = self.open.get_mut(key) {
            stream.again.take_if(|again| !again.is_pending);
        }
    }

    /// Returns the call that makes a subscription anew, if it has no answer yet.
    pub(crate) fn renewal(&self, key: IncomingKey) -> Option<u64> {
        let again = self.open.get(key)?.again.as_ref()?;
        again.is_pending.then_some(again.call)
    }

    /// Gives a subscription that was made anew the id of the answer, as JSON text. Returns whether that worked: the id
    /// is not in use, and the stream was not dropped.
    pub(crate) fn renew(&mut self, key: IncomingKey, id: &str, window: Option<usize>) -> bool {
        if self.by_id.contains_key(id) {
            return false;
        }
        let Some(stream) = self.open.get_mut(key) else { return false };
        stream.id = id.into();
        stream.credit = window.map(Credit::new);
        if let Some(again) = &mut stream.again {
            again.is_pending = false;
        }
        self.by_id.insert(id.into(), key);
        true
    }

    /// Removes the subscriptions of which nobody knows yet, as `is_unknown` tells by each subscription and its call.
    /// Returns how these are made anew.
    pub(crate) fn take_unknown(
        &mut self,
        is_unknown: impl Fn(IncomingKey, u64) -> bool,
    ) -> Vec<Again> {
        let unknown = self.open.iter().filter_map(|(key, stream)| {
            let again = stream.again.as_ref().filter(|again| !again.is_pending)?;
            let is_open = matches!(stream.state, State::Open { .. });
            let is_alone = stream.linked_streams.is_empty();
            (is_open && is_alone && is_unknown(key, again.call)).then(|| (key, (**again).clone()))
        });
        let unknown: Vec<_> = unknown.collect();
        let remove = |(key, again)| {
            drop(self.remove(key));
            again
        };
        unknown.into_iter().map(remove).collect()
    }

    /// Ends all streams with their session, or shows a gap where the subscription is made anew. Returns the waiters, and
    /// the subscriptions to make anew.
    pub(crate) fn lose_all(&mut self, reason: &CloseReason) -> (Vec<W>, Vec<(IncomingKey, Again)>) {
        self.by_id.clear();
        self.recent = IncomingKey::default();
        let keys: Vec<_> = self.open.iter().map(|(key, _)| key).collect();
        let (mut waiters, mut renewed) = (Vec::new(), Vec::new());
        for key in keys {
            let Some(stream) = self.open.get_mut(key) else { continue };
            let is_alone = stream.linked_streams.is_empty();
            match (&stream.state, stream.again.as_mut().filter(|_| is_alone)) {
                (State::Open { .. }, Some(again)) => {
                    // A subscription that is being made anew has shown its gap, and its call goes on by itself.
                    if !std::mem::replace(&mut again.is_pending, true) {
                        renewed.push((key, (**again).clone()));
                        let (before, lent) = (stream.beyond(), stream.give_up_credit());
                        self.beyond = self.beyond - before + stream.beyond();
                        self.lent -= lent;
                        self.given_back += lent;
                        stream.seq = 0;
                        stream.asking = Default::default();
                        stream.miss(0);
                        waiters.extend(stream.state.take_waiter());
                    }
                }
                (State::Open { .. }, None) => {
                    stream.items.push_back(Entry::One(Item::Closed(reason.clone().into())));
                    waiters.extend(stream.state.end());
                }
                (State::Unclaimed | State::EndedUnclaimed, _) => drop(self.remove(key)),
                (State::Ended, _) => {}
            }
        }
        (waiters, renewed)
    }
}
