//! Calls that nobody waits for any more, and whose answers mean something all the same: subscribe calls
//! that were given up, and the ends of streams.

use std::borrow::Cow;
use std::collections::HashMap;

use rustc_hash::FxBuildHasher;

use super::Protocol;
use crate::method::SUBSCRIPTION;
use crate::protocol::tables::outbox::Carried;
use crate::protocol::tables::streams::Wanted;
use crate::wire::decode::Response;
use crate::wire::encode;
use crate::wire::item::ItemParams;

/// The most abandoned calls that are remembered until their answer comes. For further ones the cancel of
/// the call ends the stream, at a peer that knows cancels.
const MARKS: usize = 1024;

/// What is remembered of subscribe calls and of the ends of streams. Few connections have any.
#[derive(Default)]
pub(super) struct Abandonments {
    /// Abandoned calls, by their ids.
    pub(super) abandoned_subscribes: HashMap<u64, Abandoned, FxBuildHasher>,
    /// The names of the members that hold the id of a stream in its items, of all streams that were ever
    /// asked for, without the usual name.
    pub(super) id_members: Vec<Cow<'static, str>>,
}

/// A call that nobody waits for, and whose answer matters.
pub(super) enum Abandoned {
    /// A subscribe call that was given up, and the names that belong to its subscription.
    Subscribe(Box<Wanted>),
    /// An unsubscribe call for this stream, whose items may come until the call is answered.
    Unsubscribe(Box<str>),
}

impl<W> Protocol<W> {
    /// Notes the member that holds the id of a stream in its items, if it is not the usual member.
    pub(super) fn note_id_member(&mut self, wanted: &Wanted) {
        if wanted.id_member == SUBSCRIPTION {
            return;
        }
        let Abandonments { id_members, .. } = &mut **self.abandonments.get_or_insert_default();
        if !id_members.contains(&wanted.id_member) {
            id_members.push(wanted.id_member.clone());
        }
    }

    pub(super) fn send_unsubscribe(&mut self, method: &str, subscription: &str) {
        if self.ended.is_none() {
            let id = self.calls.issue();
            self.outbox.push(encode::unsubscribe(method, subscription, id), Carried::None);
            self.insert_mark(id, Abandoned::Unsubscribe(subscription.into()));
        }
    }

    /// Remembers a subscribe call that was given up. If its answer comes, the stream must be ended.
    pub(super) fn mark(&mut self, call: u64, wanted: Option<Box<Wanted>>) {
        let Some(wanted) = wanted else { return };
        self.insert_mark(call, Abandoned::Subscribe(wanted));
    }

    fn insert_mark(&mut self, call: u64, mark: Abandoned) {
        let Abandonments { abandoned_subscribes, .. } =
            &mut **self.abandonments.get_or_insert_default();
        if abandoned_subscribes.len() < MARKS {
            abandoned_subscribes.insert(call, mark);
        }
    }

    /// Returns whether these params are an item of a stream that was dropped here and that the other end
    /// has not ended yet.
    pub(super) fn is_late_item(&self, params: Option<&str>) -> bool {
        let Some(asked) =
            self.abandonments.as_ref().filter(|asked| !asked.abandoned_subscribes.is_empty())
        else {
            return false;
        };
        let Some(params) = params else { return false };
        let names = asked.id_members.iter().map(|name| &**name).chain([SUBSCRIPTION]);
        names.filter_map(|name| ItemParams::read_by(params, name)).any(|item| {
            let is_it =
                |mark: &Abandoned| matches!(mark, Abandoned::Unsubscribe(id) if **id == *item.subscription);
            asked.abandoned_subscribes.values().any(is_it)
        })
    }

    /// Takes an answer that no open call waits for. The stream of an abandoned subscribe call is ended.
    pub(super) fn answer_to_mark(&mut self, call: Option<u64>, answer: &Response<'_>) {
        let abandoned_subscribes =
            self.abandonments.as_mut().map(|asked| &mut asked.abandoned_subscribes);
        let marked = abandoned_subscribes
            .zip(call)
            .and_then(|(abandoned_subscribes, call)| abandoned_subscribes.remove(&call));
        self.abandonments
            .take_if(|asked| asked.abandoned_subscribes.is_empty() && asked.id_members.is_empty());
        if let Some(Abandoned::Subscribe(wanted)) = marked
            && let Some(answer) = answer.result()
            && let Some(id) = self.subscription_id(answer, &wanted)
        {
            self.send_unsubscribe(&wanted.unsubscribe, id);
        }
    }
}
