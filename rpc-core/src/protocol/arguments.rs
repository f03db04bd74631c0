//! Streams among the params of a call, both ways: when they begin, and when they end.

use std::time::Duration;

use super::{Protocol, StreamParams};
use crate::error::object::ErrorObject;
use crate::protocol::tables::key::Key;
use crate::protocol::tables::outbox::Carried;
use crate::protocol::tables::streams::{IncomingKey, Origin, OutgoingKey, Stop};
use crate::wire::encode;
use crate::wire::stream_ref;

/// Calls that this end makes.
impl<W> Protocol<W> {
    /// Returns whether this number of streams more may go with calls.
    pub(super) fn has_room_for_streams(&self, more: usize) -> bool {
        more == 0 || self.outgoing.arguments() + more <= self.limits.streams
    }

    /// Opens the streams that go with a call. They begin when its message has left.
    pub(super) fn open_streams(&mut self, call: u64, ids: Vec<Box<str>>) -> Vec<OutgoingKey> {
        let window = self.hello.window();
        ids.into_iter().map(|id| self.outgoing.register(id, Origin::Call(call), window)).collect()
    }

    /// Returns the streams that go with a call.
    pub(crate) fn streams_of(&mut self, call: u64) -> &[OutgoingKey] {
        self.calls.cold_mut(call).map_or(&[], |cold| &cold.streams)
    }

    /// Ends the streams that went with a call. Returns the stream for which the call makes its subscription anew.
    pub(super) fn drop_streams(&mut self, call: u64) -> Option<IncomingKey> {
        let cold = self.calls.cold_mut(call)?;
        let (streams, renews) = (std::mem::take(&mut cold.streams), cold.renews);
        self.drop_all(streams);
        renews
    }

    pub(super) fn drop_all(&mut self, streams: Vec<OutgoingKey>) {
        for stream in streams {
            self.outgoing.remove(stream);
            self.dropped.push(stream);
        }
    }

    /// Gives the call of a stream more time for its answer, since an item of the stream was sent.
    pub(super) fn renew(&mut self, stream: OutgoingKey, now: Duration) {
        if let Some(call) = self.outgoing.call(stream) {
            self.calls.renew(call, now, |sliding| sliding.by_items);
        }
    }
}

/// Calls that this end serves.
impl<W> Protocol<W> {
    /// Registers the streams among the params of a request, so that no item that comes right behind the
    /// request is lost.
    ///
    /// # Errors
    /// The params are wrong, or there are too many streams.
    pub(super) fn take_streams(
        &mut self,
        params: Option<&str>,
        expected: StreamParams,
    ) -> Result<Vec<IncomingKey>, ErrorObject> {
        if matches!(expected, StreamParams::Any) && stream_ref::all(params).is_empty() {
            return Ok(Vec::new());
        }
        if self.hello.window().is_none() {
            let message = "a stream among params needs a `$/hello` before the request";
            return Err(ErrorObject::invalid_params(message));
        }
        let ids = match expected {
            StreamParams::Declared(infos) => stream_ref::ids(params, infos)?,
            StreamParams::Any => stream_ref::all(params).into_iter().map(|id| (id, id)).collect(),
        };
        let limit = self.limits.streams;
        if self.incoming.len() + ids.len() > limit {
            return Err(ErrorObject::busy("streams"));
        }
        let window = Some(self.limits.stream_window);
        let mut keys = Vec::with_capacity(ids.len());
        for (name, id) in ids {
            if let Some(key) = self.incoming.register(id, Stop::Argument, window) {
                keys.push(key);
                continue;
            }
            keys.into_iter().for_each(|key| drop(self.incoming.remove(key)));
            let message = format!("parameter `{name}`: a stream with this id is open already");
            return Err(ErrorObject::invalid_params(message));
        }
        Ok(keys)
    }

    /// Claims the stream with this id, as JSON text, which came with a request that is served. Returns it
    /// once.
    pub(crate) fn claim(&mut self, request: Key, id: &str) -> Option<IncomingKey> {
        // Not looked up by its id: it may have ended before its request could start.
        let mut streams = self.serving.get(request)?.cold.as_ref()?.streams.iter().copied();
        let key = streams.find(|key| self.incoming.id(*key) == Some(id))?;
        self.incoming.claim(key).then_some(key)
    }

    /// Ends the streams that came with a request, since the request is over.
    pub(super) fn cancel_streams(&mut self, streams: Vec<IncomingKey>) {
        for stream in streams {
            self.to_wake.extend(self.incoming.cancel(stream));
        }
    }

    /// Tells the other end that nobody takes the items of a stream.
    pub(super) fn send_stop(&mut self, stop: Stop, id: &str) {
        if self.ended.is_some() {
            return;
        }
        match stop {
            Stop::Unsubscribe(wanted) => self.send_unsubscribe(&wanted.unsubscribe, id),
            Stop::Argument => drop(self.outbox.push(encode::stop(id), Carried::None)),
        }
    }
}
