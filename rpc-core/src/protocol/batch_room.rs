//! Members of batches whose results wait, since unfinished batches hold as many bytes as they may.

use super::{Protocol, Serve, Started};
use crate::error::object::ErrorObject;
use crate::protocol::tables::batches::BatchSlot;
use crate::protocol::tables::key::Key;

/// When a result may be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Room {
    Now,
    /// Later: when there is room in the outbox, or other batches are finished.
    Deferred,
    /// Never: the batches that it would wait for may wait for this result.
    Never,
}

impl<W> Protocol<W> {
    /// Returns when an answer may be written, by the room in its batch. Unfinished batches together keep
    /// no more than `queue` bytes, but for one privileged batch; further answers wait until that batch is
    /// finished. A handler that waits for a call of its own may keep the privileged batch from its end
    /// until a member of another batch is answered. So while a handler waits there is room for
    /// `message_out` more, and no answer waits beyond that.
    #[inline(always)] // most answers go to no batch
    pub(super) fn room_to_gather(&mut self, place: Option<BatchSlot>) -> Room {
        let Some(place) = place else { return Room::Now };
        self.room_in_batch(place)
    }

    fn room_in_batch(&mut self, place: BatchSlot) -> Room {
        let limit = self.limits.queue;
        if self.batches.may_gather(place.batch, limit) {
            Room::Now
        } else if !self.serving.has_released() {
            Room::Deferred
        } else if self.batches.bytes() < limit.saturating_add(self.limits.message_out) {
            Room::Now
        } else {
            Room::Never
        }
    }

    /// Returns when the result of this handler may be written.
    pub(crate) fn room_for_answer(&mut self, key: Key) -> Room {
        if !self.outbox.has_room() {
            return Room::Deferred;
        }
        let place = self.serving.get(key).and_then(|served| served.place);
        self.room_to_gather(place)
    }

    /// Returns the oldest request that has not started and may do so now. Members of batches without room
    /// step aside: other requests must not wait for them, since a batch may wait for those.
    pub(super) fn next_unstarted(&mut self) -> Option<(Key, Box<str>)> {
        while let Some(key) = self.serving.oldest_unstarted() {
            let place = self.serving.get(key)?.place;
            match self.room_to_gather(place) {
                Room::Now => return self.serving.next_unstarted(),
                Room::Deferred => self.serving.set_aside(),
                Room::Never => self.refuse_member(key),
            }
        }
        self.next_aside()
    }

    fn next_aside(&mut self) -> Option<(Key, Box<str>)> {
        for key in self.serving.aside().to_vec() {
            let place = self.serving.get(key).and_then(|served| served.place);
            match self.room_to_gather(place) {
                Room::Now => return self.serving.take_aside(key),
                Room::Deferred => {}
                Room::Never => self.refuse_member(key),
            }
        }
        None
    }

    fn refuse_member(&mut self, key: Key) {
        self.stop(key, &ErrorObject::busy("queue"));
    }

    /// Returns whether a request that stepped aside may start now, or must be refused.
    pub(super) fn may_come_back(&mut self) -> bool {
        self.serving.aside().to_vec().into_iter().any(|key| {
            let place = self.serving.get(key).and_then(|served| served.place);
            self.room_to_gather(place) != Room::Deferred
        })
    }

    /// Returns whether members of batches must not wait any longer, since a handler has begun to wait for
    /// a call of its own. That can happen on another thread.
    pub(crate) fn must_gather_on(&self) -> bool {
        self.batches.bytes() >= self.limits.queue
            && self.outbox.has_room()
            && self.ended.is_none()
            && self.serving.has_released()
            && self.serving.has_waiting_members()
    }

    /// Returns the handler to start for a request that had to wait.
    pub(super) fn serve_waiting(
        &mut self,
        key: Key,
        params: Box<str>,
    ) -> Option<(Started, Serve<Box<str>>)> {
        let served = self.serving.get(key)?;
        let (method, deadline, place) = (served.method, served.deadline, served.place);
        let extensions = served.cold.as_ref().and_then(|cold| cold.extensions.clone());
        let id = served.id.as_deref().map(Box::from);
        let has_room = self.room_to_gather(place) == Room::Now;
        let params = Some(params).filter(|params| !params.is_empty());
        let serve = Serve { id, has_room, method, params, deadline, extensions };
        Some((Started::new(key), serve))
    }
}
