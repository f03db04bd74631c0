//! Mutes (`$/mute`): notifications that an end does not want are not sent to it.
//!
//! The end that mutes tells the other end, once the other end is known, and says it again to each end that knows nothing
//! of it: at the beginning of a session, before anything else. What comes all the same is not run, so a mute holds
//! towards plain peers as well.

use std::borrow::Cow;

use serde::Deserialize;

use crate::protocol::tables::mutes::{Mute, TooMany};
use crate::protocol::tables::outbox::{Carried, Queued};
use crate::protocol::{Event, Protocol};
use crate::util::sync::Arc;
use crate::wire::encode;
use crate::wire::request::written_name;

impl<W> Protocol<W> {
    /// Mutes the notifications of a method. No effect if the method is muted.
    pub(crate) fn mute(&mut self, method: &str) -> Result<(), TooMany> {
        self.mutes.get_or_insert_default().mute(method)?;
        self.say_mutes();
        Ok(())
    }

    /// Takes the mute of a method back. No effect if the method is not muted.
    pub(crate) fn unmute(&mut self, method: &str) {
        if let Some(mutes) = &mut self.mutes {
            mutes.unmute(method);
            self.say_mutes();
            self.drop_empty_mutes();
        }
    }

    /// Returns the methods that this end has muted.
    pub(crate) fn muted(&self) -> impl Iterator<Item = &Arc<str>> {
        self.mutes.iter().flat_map(|mutes| mutes.own())
    }

    /// Takes note that a notification of this method has come. Returns whether this end has muted the method, so that
    /// the notification is not to be run.
    #[inline]
    pub(super) fn is_unwanted(&mut self, method: &str) -> bool {
        let is_unwanted = self.mutes.as_deref().is_some_and(|mutes| mutes.is_muted(method));
        if is_unwanted {
            self.counters.skipped += 1;
        }
        is_unwanted
    }

    /// Takes note that this notification is about to be sent. Returns whether the other end has muted its method, so
    /// that the notification is not to be queued.
    #[inline] // asked for each member of a group
    pub(crate) fn skips(&mut self, message: &[u8]) -> bool {
        let skips = self.is_muted(message);
        if skips {
            self.counters.skipped += 1;
        }
        skips
    }

    /// Returns whether the other end has muted the method of this notification.
    #[inline]
    pub(crate) fn is_muted(&self, message: &[u8]) -> bool {
        let Some(mutes) = &self.mutes else { return false };
        written_name(message).is_some_and(|name| mutes.is_heard(name))
    }

    /// Takes a `$/mute`. What is malformed, or beyond the bound, is ignored and counted.
    pub(super) fn heard_mute<'a>(&mut self, params: Option<&str>) -> Event<'a> {
        #[derive(Deserialize)]
        struct Params<'a> {
            #[serde(borrow)]
            method: Cow<'a, str>,
            muted: bool,
        }
        let longest = self.limits.method_bytes;
        let params = serde_json::from_str::<Params<'_>>(params.unwrap_or_default()).ok();
        let is_taken =
            params.filter(|params| params.method.len() <= longest).is_some_and(|params| {
                let Params { method, muted } = params;
                self.mutes.get_or_insert_default().hear(&method, muted).is_ok()
            });
        if !is_taken {
            self.malformed();
        }
        self.drop_empty_mutes();
        Event::Done
    }

    /// Says what the other end does not know of the mutes of this end, if there is room.
    pub(super) fn say_mutes(&mut self) {
        if self.has_unsaid_mutes()
            && self.outbox.has_room_for_callers()
            && let Some(mutes) = &mut self.mutes
        {
            let messages = mutes.say().into_iter().map(|it| encode::mute(&it.method, it.is_muted));
            self.outbox.extend(messages);
        }
    }

    /// Says the mutes of this end to an end of which nothing was known, before all that waits.
    pub(super) fn say_mutes_first(&mut self) {
        if self.has_unsaid_mutes()
            && let Some(mutes) = self.mutes.as_mut().filter(|mutes| mutes.has_said_nothing())
        {
            for Mute { method, is_muted } in mutes.say().into_iter().rev() {
                let (message, calls) = (encode::mute(&method, is_muted), Carried::None);
                self.outbox.push_behind_hello(Queued { message, calls, is_put_back: false });
            }
        }
    }

    /// Returns whether the other end can be told of mutes and does not know of all.
    pub(super) fn has_unsaid_mutes(&self) -> bool {
        self.mutes.as_deref().is_some_and(|mutes| mutes.has_unsaid())
            && self.is_known()
            // Between two sessions nothing is known of the next end.
            && self.is_in_session()
            && self.ended.is_none()
    }

    /// Forgets the mutes that were said in a session that has ended. Those of this end are said again.
    pub(super) fn forget_mutes(&mut self) {
        if let Some(mutes) = &mut self.mutes {
            mutes.forget_said();
            self.drop_empty_mutes();
        }
    }

    fn drop_empty_mutes(&mut self) {
        self.mutes.take_if(|mutes| mutes.is_empty());
    }
}
