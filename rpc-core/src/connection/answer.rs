//! From a handler that has returned to its answer.

use bytes::Bytes;

use super::driver::Driver;
use super::streams::{Origin, Stream};
use crate::connection::subscription_id::subscription_id;
use crate::error::kind::Kind;
use crate::error::object::ErrorObject;
use crate::protocol::Started;
use crate::service::failure_log;
use crate::service::handler::Finished;
use crate::service::handler::Handler;
use crate::service::running::{self};
use crate::stream::Items;
use crate::util::bounded_writer::BoundedWriter;
use crate::util::catch::{drop_quietly, quietly};
use crate::util::sync::{Arc, Ordering};
use crate::wire::{encode, opened};

/// A response that stands in the scratch buffer of the driver.
#[must_use = "the response is to be passed to the protocol before another one is written"]
pub(super) struct Written<'a> {
    pub(super) started: Started,
    pub(super) id: &'a str,
}

impl Driver {
    pub(super) fn panicked(&self, started: Started, id: Option<&str>) {
        let answer = id.map(|id| (id, encode::error(Some(id), &ErrorObject::internal())));
        self.shared.lock().protocol.finish(started, answer);
    }

    /// Ends a notification. No peer hears how the notification went; the log tells of an error.
    pub(super) fn finish_notification(
        &mut self,
        started: Started,
        method: usize,
        mut handler: Handler,
    ) {
        self.scratch.prepare();
        let out = &mut BoundedWriter::new(&mut self.scratch.buffer, usize::MAX, 0);
        let finished = running::caught_in(method, || handler.finish(out));
        self.scratch.discard();
        quietly(|| handler.recycle());
        let mut is_busy = false;
        match finished {
            Ok(finished) => drop_quietly(finished),
            Err(error) => {
                is_busy = error.kind() == Some(Kind::Busy);
                failure_log::failed(&self.shared, method, &error);
            }
        }
        let protocol = &mut self.shared.lock().protocol;
        protocol.counters.add_dropped(u64::from(is_busy));
        protocol.finish(started, None);
    }

    /// Answers the request of a handler that has returned.
    pub(super) fn answer(&mut self, started: Started, id: &str, method: usize, handler: Handler) {
        if let Some(written) = self.write_answer(started, id, method, handler) {
            let protocol = &mut self.shared.lock().protocol;
            protocol.finish_written(written.started, id, &mut self.scratch);
        }
    }

    /// Answers as [`answer`](Self::answer) does. If the handler has returned a result, the response is only written, and
    /// the caller passes the response to the protocol.
    pub(super) fn write_answer<'a>(
        &mut self,
        started: Started,
        id: &'a str,
        method: usize,
        mut handler: Handler,
    ) -> Option<Written<'a>> {
        match self.encode(&mut handler, id, method) {
            Ok(None) if !self.attached.is_empty() => {
                let answer = self.attached.finish(&self.scratch.buffer);
                self.scratch.buffer.clear();
                self.finish(started, id, handler, answer);
            }
            Ok(None) => {
                quietly(|| handler.recycle());
                return Some(Written { started, id });
            }
            Ok(Some(items)) => self.answer_with_stream(started, id, method, handler, items),
            Err(error) => {
                failure_log::refused(&self.shared, method, &error);
                self.finish(started, id, handler, self.error(id, &error));
            }
        }
        None
    }

    fn finish(&mut self, started: Started, id: &str, handler: Handler, answer: Bytes) {
        quietly(|| handler.recycle());
        self.shared.lock().protocol.finish(started, Some((id, answer)));
    }

    /// Answers the request of a handler whose result does not fit into its batch.
    pub(super) fn answer_too_big(&mut self, started: Started, id: &str, handler: Handler) {
        let limit = self.shared.config.limits.message_out;
        self.finish(
            started,
            id,
            handler,
            self.error(id, &ErrorObject::batch_answer_too_big(limit)),
        );
    }

    /// Writes the response for a handler that has returned. Returns the stream instead, if the handler returned one.
    /// Then, and after an error, nothing is written.
    fn encode(
        &mut self,
        handler: &mut Handler,
        id: &str,
        method: usize,
    ) -> Result<Option<Box<dyn Items>>, ErrorObject> {
        let limit = self.shared.config.limits.message_out;
        self.scratch.prepare();
        let buffer = &mut self.scratch.buffer;
        encode::write_head(id, buffer);
        let takes_bytes = self.shared.takes_bytes.load(Ordering::Relaxed);
        let attachments = takes_bytes.then(|| self.attached.attachments());
        // `Serialize` is code of the application, too.
        match running::caught_in(method, || {
            let out = BoundedWriter::new(buffer, limit, 1);
            handler.finish(&mut out.with_attachments(attachments))
        }) {
            Ok(Finished::Result) => {
                encode::write_tail(buffer);
                Ok(None)
            }
            Ok(Finished::Stream(items)) => {
                self.scratch.discard();
                Ok(Some(items))
            }
            Err(error) => {
                self.scratch.discard();
                self.attached.clear();
                Err(error)
            }
        }
    }

    /// Answers a subscription with its id. The items follow after the answer has left.
    fn answer_with_stream(
        &mut self,
        started: Started,
        id: &str,
        method: usize,
        handler: Handler,
        items: Box<dyn Items>,
    ) {
        drop_quietly(handler);
        let services = &self.shared.config.services;
        let passed_on = items.names();
        let ids = passed_on.as_ref().map_or(services.subscription_ids(method), |names| names.ids);
        let mut state = self.shared.lock();
        let unused = state.protocol.unused_id(|| subscription_id(ids));
        let offered = unused.ok_or_else(ErrorObject::internal).and_then(|name| {
            let stream = state.protocol.open_outgoing(started.key(), id, name.clone())?;
            Ok((stream, name))
        });
        match offered {
            Ok((stream, name)) => {
                let counted = state.protocol.is_counted(stream);
                let names = if counted && state.protocol.is_forwarded(started.key()) {
                    passed_on.or_else(|| services.stream_names(method).map(Arc::new))
                } else {
                    None
                };
                let answer = match names {
                    Some(names) => opened::response(id, &name, &names),
                    None => encode::result(id, &name),
                };
                if let Some(bound) = items.in_flight() {
                    state.protocol.bound_stream(stream, bound);
                }
                state.protocol.finish_with_stream(started, id, answer, stream);
                drop(state);
                let of = Origin::Method(method);
                self.streams.hold(Stream::new((stream, name), of, counted, items));
            }
            Err(error) => {
                let answer = encode::error(Some(id), &error);
                state.protocol.finish(started, Some((id, answer)));
                drop(state);
                drop_quietly(items);
            }
        }
    }

    /// Writes a response with `error`, or with a short error if that response would exceed `message_out`.
    fn error(&self, id: &str, error: &ErrorObject) -> Bytes {
        let limit = self.shared.config.limits.message_out;
        let response = encode::error(Some(id), error);
        if response.len() <= limit {
            return response;
        }
        encode::error(Some(id), &ErrorObject::answer_too_big(limit))
    }
}
