//! Streams among the params of a call, both ways: what they wait for, and when they end.

use std::time::Duration;

use super::{Outcome, Probe, Protocol};
use crate::answer;
use crate::calls::Place;
use crate::error::ErrorObject;
use crate::method::ParamInfo;
use crate::outbox::Carried;
use crate::serving::Key;
use crate::stream_params;
use crate::subscriptions::{OfferedKey, Origin, Stop, TakenKey};

/// Of calls that this end makes.
impl<W> Protocol<W> {
    /// Whether so many streams more may go with calls.
    pub(super) fn has_room_for_streams(&self, more: usize) -> bool {
        more == 0 || self.offered.arguments() + more <= self.limits.streams
    }

    /// Opens the streams that go with a call. They begin when its message has left.
    pub(super) fn open_streams(&mut self, call: u64, ids: Vec<Box<str>>) -> Vec<OfferedKey> {
        let window = self.hello.window();
        ids.into_iter().map(|id| self.offered.insert(id, Origin::Call(call), window)).collect()
    }

    /// The streams that go with a call.
    pub(crate) fn streams_of(&mut self, call: u64) -> &[OfferedKey] {
        self.calls.more_mut(call).map_or(&[], |more| &more.streams)
    }

    /// Ends the streams that went with a call.
    pub(super) fn drop_streams(&mut self, call: u64) {
        let streams = self.calls.more_mut(call).map(|more| std::mem::take(&mut more.streams));
        self.drop_all(streams.unwrap_or_default());
    }

    pub(super) fn drop_all(&mut self, streams: Vec<OfferedKey>) {
        for stream in streams {
            self.offered.remove(stream);
            self.dropped.push(stream);
        }
    }

    /// Has a call wait until it is known whether the other end takes streams. It is asked with a
    /// `$/ping`: one of our kind has said hello before it answers that.
    pub(super) fn probe(&mut self, call: u64, is_marked: bool) {
        if let Some(probe) = &mut self.probe {
            // Calls that come and go while the other end is silent must not leave their ids behind.
            if probe.calls.len() > 2 * self.calls.open() + 8 {
                probe.calls.retain(|(id, _)| self.calls.open_mut(*id).is_some());
            }
            probe.calls.push((call, is_marked));
            return;
        }
        let id = self.calls.issue();
        self.probe = Some(Box::new(Probe { id, calls: vec![(call, is_marked)] }));
        self.outbox.push(answer::ping(id), Carried::None);
    }

    /// The other end has said hello, or has answered the probe without.
    pub(super) fn settle_probe(&mut self) {
        let Some(probe) = self.probe.take() else { return };
        let window = self.hello.window();
        for (id, is_marked) in probe.calls {
            match window {
                Some(window) => self.begin_probed(id, is_marked, window),
                None => self.resolve(id, Outcome::NoStreams),
            }
        }
    }

    fn begin_probed(&mut self, id: u64, is_marked: bool, window: u64) {
        for stream in self.streams_of(id).to_vec() {
            self.offered.set_window(stream, window);
        }
        let Some(Place::Parked(message)) = self.calls.open_mut(id).map(|call| call.place.clone())
        else {
            return;
        };
        let place = self.take_place(id, message, is_marked);
        if let Some(call) = self.calls.open_mut(id) {
            call.place = place;
        }
        self.note_entry(id);
    }

    /// An item of this stream was sent: the call that it goes with has more time for its answer.
    pub(super) fn renew(&mut self, stream: OfferedKey, now: Duration) {
        if let Some(call) = self.offered.call(stream) {
            self.calls.renew(call, now, |renewed| renewed.by_items);
        }
    }
}

/// Of calls that this end serves.
impl<W> Protocol<W> {
    /// Takes the streams among the params of a request, so that no item that comes right behind is
    /// lost.
    ///
    /// # Errors
    /// What is wrong with them, or too many.
    pub(super) fn take_streams(
        &mut self,
        params: Option<&str>,
        infos: &[ParamInfo],
    ) -> Result<Vec<TakenKey>, ErrorObject> {
        if self.hello.window().is_none() {
            let message = "a stream among params needs a `$/hello` before the request";
            return Err(ErrorObject::invalid_params(message));
        }
        let ids = stream_params::ids(params, infos)?;
        let limit = self.limits.streams;
        if self.taken.len() + ids.len() > limit {
            return Err(ErrorObject::busy("streams"));
        }
        let window = Some(self.limits.stream_window);
        let mut keys = Vec::with_capacity(ids.len());
        for (name, id) in ids {
            if let Some(key) = self.taken.insert(id, Stop::Argument, window) {
                keys.push(key);
                continue;
            }
            keys.into_iter().for_each(|key| drop(self.taken.remove(key)));
            let message = format!("parameter `{name}`: a stream with this id is open already");
            return Err(ErrorObject::invalid_params(message));
        }
        Ok(keys)
    }

    /// The stream with this id, as JSON text, which came with a request that is being served; once.
    pub(crate) fn claim(&mut self, request: Key, id: &str) -> Option<TakenKey> {
        // Not looked up by its id: it may have ended before its request could start.
        let mut streams = self.serving.get(request)?.rare.as_ref()?.streams.iter().copied();
        let key = streams.find(|key| self.taken.id(*key) == Some(id))?;
        self.taken.claim(key).then_some(key)
    }

    /// Ends streams that came with a request, since that is over.
    pub(super) fn cancel_streams(&mut self, streams: Vec<TakenKey>) {
        for stream in streams {
            self.told.extend(self.taken.cancel(stream));
        }
    }

    /// Tells the other end that nobody takes the items of a stream.
    pub(super) fn send_stop(&mut self, stop: Stop, id: &str) {
        if self.ended.is_some() {
            return;
        }
        match stop {
            Stop::Unsubscribe(method) => self.send_unsubscribe(&method, id),
            Stop::Argument => drop(self.outbox.push(answer::stop(id), Carried::None)),
        }
    }
}
