//! From a message to a handler, and from a handler to its answer.

use std::time::Duration;

use bytes::Bytes;

use super::MESSAGES;
use super::driver::Driver;
use super::streams::{Origin, Stream};
use crate::connection::subscription_id::subscription_id;
use crate::error::close::CloseCode;
use crate::error::code::ErrorCode;
use crate::error::kind::Kind;
use crate::error::object::ErrorObject;
use crate::peer::Peer;
use crate::peer::known::RemoteSupport;
use crate::protocol::tables::key::Key;
use crate::protocol::target::Target;
use crate::protocol::{Arrival, Event, Room, Serve, Started};
use crate::service::current::Mark;
use crate::service::failure_log;
use crate::service::handler::Finished;
use crate::service::handler::Handler;
use crate::service::idempotency;
use crate::service::router::Router;
use crate::service::running::{self, Polled, Running};
use crate::service::{Params, Service};
use crate::stream::Items;
use crate::transport::LinkError;
use crate::util::bounded_writer::BoundedWriter;
use crate::util::catch::drop_quietly;
use crate::util::excerpt::Excerpt;
use crate::util::log_throttle::LogThrottle;
use crate::util::sync::Ordering;
use crate::wire::decode::{self, Incoming, NOT_JSON, Payload, Response, Shape};
use crate::wire::encode;
use crate::wire::id::{Id, whole};

/// Leaves of the params of an unsubscribe call the id alone, where the id has a name of its own.
#[cold]
fn find_id(services: &Router, incoming: &mut Incoming<'_>) {
    let (method, params) = match incoming {
        Incoming::Request(request) => (&request.method, &mut request.params),
        Incoming::Notification(notification) => (&notification.method, &mut notification.params),
        _ => return,
    };
    if let Some(id) = params.and_then(|params| services.unsubscribed_id(method, params)) {
        *params = Some(id);
    }
}

/// Something that is no JSON-RPC.
struct Foreign {
    is_first: bool,
}

impl Driver {
    /// Deals with one message, or with a batch of them; how many that were.
    pub(super) fn dispatch(&mut self, text: &str, now: Duration) -> usize {
        match decode::decode(text, &self.rules) {
            Payload::Single(incoming) => {
                if let Some(foreign) = self.receive_one(incoming, None, now) {
                    self.hear(text, foreign);
                }
                1
            }
            Payload::Batch(messages) => self.receive_batch(messages, text, now),
            Payload::Broken => {
                self.receive_broken(text, now);
                1
            }
        }
    }

    fn receive_batch(&mut self, messages: Vec<Incoming<'_>>, text: &str, now: Duration) -> usize {
        let count = messages.len();
        let mut foreign = Vec::new();
        let mut answered: Vec<u64> = messages.iter().filter_map(Incoming::answers).collect();
        let batch = self.shared.lock().protocol.begin_batch(count);
        // An error under no id is about a member, unless the array holds nothing else.
        let mut is_refusal = answered.is_empty();
        for (at, incoming) in messages.into_iter().enumerate() {
            let is_single = is_refusal && incoming.is_unaddressed();
            is_refusal &= !is_single;
            let is_foreign = self.receive_one(incoming, (!is_single).then_some(batch), now);
            foreign.extend(is_foreign.map(|is_foreign| (at, is_foreign)));
        }
        let mut state = self.shared.lock();
        state.protocol.end_batch(batch);
        if !answered.is_empty() {
            state.protocol.on_batch_answered(&mut answered);
        }
        drop(state);
        if !foreign.is_empty() {
            let members = decode::members_of(text);
            foreign.into_iter().for_each(|(at, foreign)| self.hear(members[at], foreign));
        }
        count
    }

    /// Deals with a message that is not marked as text: web3.py sends nothing else, and means text.
    #[cold]
    pub(super) fn dispatch_binary(
        &mut self,
        bytes: &[u8],
        now: Duration,
    ) -> Result<usize, LinkError> {
        let text = str::from_utf8(bytes).map_err(|_| LinkError::Violation {
            code: CloseCode::UNSUPPORTED,
            reason: "a binary message that is not UTF-8: send JSON",
        })?;
        Ok(self.dispatch(text, now))
    }

    /// Deals with what is not JSON.
    #[cold]
    fn receive_broken(&mut self, text: &str, now: Duration) {
        // There are ends that say nothing, as their answer to a notification.
        if text.trim().is_empty() {
            return;
        }
        let answers = decode::answers_in(text);
        for id in &answers {
            let answer = Response::Malformed(NOT_JSON.into());
            self.receive_one(Incoming::Response { id: Some(id), answer }, None, now);
        }
        if text.trim_start().starts_with('[') {
            let mut answered: Vec<u64> = answers.iter().filter_map(|id| whole(id)).collect();
            self.shared.lock().protocol.on_batch_answered(&mut answered);
        }
        if answers.is_empty() {
            let error = ErrorObject::new(ErrorCode::PARSE, NOT_JSON);
            let incoming = Incoming::Invalid { id: None, error, shape: Shape::Other };
            if let Some(foreign) = self.receive_one(incoming, None, now) {
                self.hear(text, foreign);
            }
        }
    }

    /// Passes on what is no JSON-RPC, or says once that there is such.
    #[cold]
    fn hear(&self, text: &str, Foreign { is_first }: Foreign) {
        if let Some(on_foreign) = &self.shared.config.on_foreign {
            // It is code of the user's.
            let _ = running::caught(|| {
                on_foreign.hear(text);
                Ok(())
            });
        } else if is_first {
            tracing::warn!(
                peer = %self.shared.id,
                text = %Excerpt(text),
                "the other end sends what is no JSON-RPC: it is left out, unless `on_foreign` takes it"
            );
        }
    }

    /// Deals with one message; if it was none, that.
    #[inline(always)] // for single messages; what batches and binary messages add is a copy
    fn receive_one(
        &mut self,
        mut incoming: Incoming<'_>,
        batch: Option<usize>,
        now: Duration,
    ) -> Option<Foreign> {
        let services = &self.shared.config.services;
        let target = match &incoming {
            Incoming::Request(request) => services.find(&request.method),
            Incoming::Notification(notification) => {
                services.find_notified(&notification.method, notification.params)
            }
            _ => None,
        };
        let streams = match target {
            Some(Target::Method(method) | Target::Ordered(method)) => {
                services.stream_params(method)
            }
            Some(Target::Unsubscribe) => {
                find_id(services, &mut incoming);
                None
            }
            Some(Target::Item | Target::Fallback(_)) | None => None,
        };
        let orphans = self.shared.orphans.load(Ordering::SeqCst);
        // The members of a batch came at once, but need not be begun in one turn.
        let late = batch.is_some() && self.budget.is_over();
        let arrival = Arrival { target, orphans, batch, late, streams, now };
        let event = self.shared.lock().protocol.receive(incoming, arrival);
        match event {
            Event::Serve(started, serve) => self.serve(started, serve),
            Event::Queued => self.queued = true,
            Event::Stop(key) => self.stop(key),
            Event::Refused { method, code } => self.refused(method, code),
            Event::Dropped(why) => {
                tracing::debug!(peer = %self.shared.id, why, "notification dropped");
            }
            Event::Unaddressed { code, message } => {
                static THROTTLE: LogThrottle = LogThrottle::new();
                if let Some(left_out) = THROTTLE.allow() {
                    tracing::warn!(
                        peer = %self.shared.id,
                        code,
                        message = %message.escape_debug(),
                        left_out,
                        "the other end sends an error under no id: a call may wait for an answer in vain"
                    );
                }
            }
            Event::Foreign { is_first } => return Some(Foreign { is_first }),
            Event::Greeted => self.shared.other.set(RemoteSupport::Known),
            Event::Done => {}
        }
        None
    }

    /// Tells the layers of a request that comes to no handler.
    #[cold]
    fn refused(&self, method: Option<usize>, code: i64) {
        if self.layers.is_empty() {
            return;
        }
        let peer = Peer { shared: self.shared.clone() };
        let method = method.map(|method| &self.shared.config.services.methods()[method]);
        for layer in self.layers.iter() {
            // They are code of the user's.
            let _ = running::caught(|| {
                layer.refused(&peer, method, code);
                Ok(())
            });
        }
    }

    /// Drops a handler where it stands, if it is there.
    pub(super) fn stop(&mut self, key: Key) {
        drop_quietly(self.handlers.take(key.index, |running| running.key == key));
        for waiting in [&mut self.returned, &mut self.woken] {
            if let Some(at) = waiting.iter().position(|running| running.key == key) {
                drop_quietly(waiting.remove(at));
            }
        }
    }

    /// Starts the handlers that had to wait, as far as they may; how many.
    pub(super) fn start_waiting(&mut self, now: Duration) -> usize {
        for count in 0..MESSAGES {
            let next = self.shared.lock().protocol.next_to_start(now);
            let Some((started, serve)) = next else { return count };
            self.serve(started, serve.borrowed());
            if self.budget.is_over() {
                return count + 1;
            }
        }
        MESSAGES
    }

    /// Polls the handlers that were woken; whether there are more than one turn has time for.
    pub(super) fn run_woken(&mut self) -> bool {
        let woken = &mut self.woken;
        self.handlers.take_woken(|running| woken.push_back(running));
        for _ in 0..MESSAGES {
            let Some(running) = self.woken.pop_front() else { return false };
            self.poll(running);
            if self.budget.is_over() {
                break;
            }
        }
        !self.woken.is_empty()
    }

    /// Writes the results that waited for room, as far as there is some; how many.
    pub(super) fn answer_returned(&mut self) -> usize {
        let (mut at, mut answered) = (0, 0);
        while let Some(key) = self.returned.get(at).map(|running| running.key) {
            // One that waits for its batch does not keep the others.
            let room = self.shared.lock().protocol.room_for_answer(key);
            if room == Room::Deferred {
                at += 1;
            } else if let Some(Running { id: Some(id), method, handler, .. }) =
                self.returned.remove(at)
            {
                let started = Started::resume(key);
                match room {
                    Room::Now => self.answer(started, &id, method, handler),
                    _ => self.answer_too_big(started, &id, handler),
                }
                self.check_budget(method);
                answered += 1;
                if self.budget.is_over() {
                    break;
                }
            }
        }
        answered
    }

    fn serve(&mut self, started: Started, serve: Serve<&str>) {
        let method = serve.method;
        self.begin_handler(started, serve);
        self.check_budget(method);
    }

    /// Has a method told of that has just kept this task from everything else for long.
    pub(super) fn check_budget(&mut self, method: usize) {
        if let Some(took) = self.budget.checkpoint() {
            self.shared.config.services.took_long(method, took);
        }
    }

    fn begin_handler(&mut self, started: Started, serve: Serve<&str>) {
        let Serve { id, has_room, method, params, deadline, beside } = serve;
        let key = started.key();
        let deadline = deadline.map(|deadline| self.shared.clock.instant(deadline));
        let traced = beside.as_ref().is_some_and(|beside| beside.extensions.trace.is_some());
        let cx = self.context.reuse(key, method, deadline, beside);
        let (services, waker) = (&self.shared.config.services, self.handlers.waker(key.index));
        let layers = &self.layers;
        // Decoding runs code of the user's, and a method may do its work before it returns. Outside
        // of the closure, the handler is dropped where another panic of its is caught.
        let mut handler = None;
        let polled = running::run(Mark { key, deadline, traced }, waker, |task| {
            let params = Params(params);
            let started = if layers.is_empty() {
                idempotency::call(&**services, method, cx, params)
            } else {
                layers.serve(services, method, cx, params)
            };
            handler.insert(started).run(task)
        });
        let Some(handler) = handler else { return self.panicked(started, id) };
        // Most handlers are done at their first poll: they enter no table beside the protocol's.
        let is_done = match polled {
            Polled::Pending => false,
            Polled::Returned => has_room,
            Polled::Panicked => {
                drop_quietly(handler);
                return self.panicked(started, id);
            }
        };
        match id {
            Some(id) if is_done => self.answer(started, id, method, handler),
            None if is_done => self.finish_notification(started, method, handler),
            _ => {
                let id = id.map(Id::new);
                let key = self.shared.lock().protocol.keep(started, id.as_ref());
                let running = Running { key, id, method, handler, deadline, traced };
                match polled {
                    Polled::Pending => self.handlers.insert(key.index, running),
                    _ => self.keep_result(running),
                }
            }
        }
    }

    /// Polls a handler that was polled before.
    fn poll(&mut self, running: Running) {
        let method = running.method;
        self.poll_handler(running);
        self.check_budget(method);
    }

    fn poll_handler(&mut self, mut running: Running) {
        let polled = running.poll(self.handlers.waker(running.key.index));
        if let Polled::Pending = polled {
            return self.handlers.insert(running.key.index, running);
        }
        let may_answer = self.returned.is_empty()
            && self.shared.lock().protocol.room_for_answer(running.key) == Room::Now;
        let Running { key, id, method, handler, deadline, traced } = running;
        match (polled, id) {
            (Polled::Panicked, id) => {
                drop_quietly(handler);
                self.panicked(Started::resume(key), id.as_deref());
            }
            (_, None) => self.finish_notification(Started::resume(key), method, handler),
            (_, Some(id)) if may_answer => {
                self.answer(Started::resume(key), &id, method, handler);
            }
            (_, id) => {
                self.keep_result(Running { key, id, method, handler, deadline, traced });
            }
        }
    }

    /// Keeps a handler that has returned until there is room for its result.
    fn keep_result(&mut self, running: Running) {
        self.shared.lock().protocol.on_returned(running.key);
        self.returned.push_back(running);
    }

    fn panicked(&self, started: Started, id: Option<&str>) {
        let answer = id.map(|id| (id, encode::error(Some(id), &ErrorObject::internal())));
        self.shared.lock().protocol.finish(started, answer);
    }

    /// Nobody is told how a notification went; who looks into the log is.
    fn finish_notification(&mut self, started: Started, method: usize, mut handler: Handler) {
        self.scratch.prepare();
        let out = &mut BoundedWriter::new(&mut self.scratch.buffer, usize::MAX, 0);
        let finished = running::caught_in(method, || handler.finish(out));
        self.scratch.discard();
        drop_quietly(handler);
        let mut is_busy = false;
        match finished {
            Ok(finished) => drop_quietly(finished),
            Err(error) => {
                is_busy = error.kind() == Some(Kind::Busy);
                failure_log::failed(&self.shared, method, &error);
            }
        }
        let protocol = &mut self.shared.lock().protocol;
        protocol.counters.dropped += u64::from(is_busy);
        protocol.finish(started, None);
    }

    /// Writes the answer of a handler that has returned.
    fn answer(&mut self, started: Started, id: &str, method: usize, mut handler: Handler) {
        match self.encode(&mut handler, id, method) {
            Ok((answer, None)) => self.finish(started, id, handler, answer),
            Ok((_, Some(items))) => {
                self.answer_with_stream(started, id, method, handler, items);
            }
            Err(error) => {
                failure_log::refused(&self.shared, method, &error);
                self.finish(started, id, handler, self.error(id, &error));
            }
        }
    }

    fn finish(&mut self, started: Started, id: &str, handler: Handler, answer: Bytes) {
        drop_quietly(handler);
        self.shared.lock().protocol.finish(started, Some((id, answer)));
    }

    /// Answers for a handler that has returned, and whose result its batch cannot keep.
    fn answer_too_big(&mut self, started: Started, id: &str, handler: Handler) {
        let limit = self.shared.config.limits.message_out;
        self.finish(
            started,
            id,
            handler,
            self.error(id, &ErrorObject::batch_answer_too_big(limit)),
        );
    }

    /// The response to a request whose handler has returned, or the stream that it came to.
    fn encode(
        &mut self,
        handler: &mut Handler,
        id: &str,
        method: usize,
    ) -> Result<(Bytes, Option<Box<dyn Items>>), ErrorObject> {
        let limit = self.shared.config.limits.message_out;
        self.scratch.prepare();
        let buffer = &mut self.scratch.buffer;
        encode::write_head(id, buffer);
        // `Serialize` is code of the user's too.
        match running::caught_in(method, || {
            handler.finish(&mut BoundedWriter::new(buffer, limit, 1))
        }) {
            Ok(Finished::Result) => {
                encode::write_tail(buffer);
                Ok((self.scratch.cut(), None))
            }
            Ok(Finished::Stream(items)) => {
                self.scratch.discard();
                Ok((Bytes::new(), Some(items)))
            }
            Err(error) => {
                self.scratch.discard();
                Err(error)
            }
        }
    }

    /// Answers a subscription with its id. The items follow when the answer has left.
    fn answer_with_stream(
        &mut self,
        started: Started,
        id: &str,
        method: usize,
        handler: Handler,
        items: Box<dyn Items>,
    ) {
        drop_quietly(handler);
        let ids = self.shared.config.services.subscription_ids(method);
        let mut state = self.shared.lock();
        let unused = state.protocol.unused_id(|| subscription_id(ids));
        let offered = unused.ok_or_else(ErrorObject::internal).and_then(|name| {
            let stream = state.protocol.open_outgoing(started.key(), id, name.clone())?;
            Ok((stream, name))
        });
        match offered {
            Ok((stream, name)) => {
                let answer = encode::result(id, &name);
                let counted = state.protocol.is_counted(stream);
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

    /// A response with an error, which is a short one if this one would be too long to be sent.
    fn error(&self, id: &str, error: &ErrorObject) -> Bytes {
        let limit = self.shared.config.limits.message_out;
        let response = encode::error(Some(id), error);
        if response.len() <= limit {
            return response;
        }
        encode::error(Some(id), &ErrorObject::answer_too_big(limit))
    }
}
