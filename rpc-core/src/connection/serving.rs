//! From a message to a handler, and from a handler to its answer.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use bytes::{Bytes, BytesMut};

use super::Connection;
use crate::answer;
use crate::context::Context;
use crate::current;
use crate::envelope::{self, Incoming};
use crate::error::ErrorObject;
use crate::handlers::{Polled, Running, drop_quietly};
use crate::id::Id;
use crate::protocol::{Event, Received, Serve};
use crate::service::{Handler, Limited, Params, Service};
use crate::transport::Transport;

impl<T: Transport> Connection<T> {
    /// Deals with one message.
    pub(super) fn dispatch(&mut self, text: &str, now: Duration) {
        let incoming = envelope::decode(text, &self.shared.setup.limits);
        let services = &self.shared.setup.services;
        let method = match &incoming {
            Incoming::Request(request) => services.find(&request.method),
            Incoming::Notification(notification) => services.find(&notification.method),
            _ => None,
        };
        let received = Received { incoming, method };
        let event = self.shared.lock().protocol.receive(received, now);
        match event {
            Event::Serve(serve) => self.serve(serve),
            Event::Stop(key) => {
                self.handlers.stop(key);
                self.returned.retain(|running| running.key != key);
            }
            Event::Done => {}
        }
    }

    /// Starts the handlers that had to wait, as far as they may.
    pub(super) fn start_waiting(&mut self, now: Duration) {
        loop {
            let next = self.shared.lock().protocol.next_to_start(now);
            let Some(serve) = next else { return };
            self.serve(Serve {
                key: serve.key,
                id: serve.id,
                method: serve.method,
                params: serve.params.as_deref(),
                deadline: serve.deadline,
            });
        }
    }

    /// Polls the handlers that were woken.
    pub(super) fn run_woken(&mut self) {
        let mut woken = std::mem::take(&mut self.woken);
        self.handlers.take_woken(&mut woken);
        for running in woken.drain(..) {
            self.poll(running, false);
        }
        self.woken = woken;
    }

    /// Writes the results that waited for room, as far as there is some.
    pub(super) fn answer_returned(&mut self) {
        while !self.returned.is_empty() && self.shared.lock().protocol.may_answer() {
            if let Some(running) = self.returned.pop_front() {
                self.answer(running);
            }
        }
    }

    fn serve(&mut self, serve: Serve<&str>) {
        let Serve { key, id, method, params, deadline } = serve;
        let deadline = deadline.map(|deadline| self.shared.clock.instant(deadline));
        let cx = Context::new(self.shared.clone(), key, method, deadline);
        let services = &self.shared.setup.services;
        // Decoding runs code of the user's, and a method may do its work before it returns.
        let started = current::with_handler(key, deadline, || {
            catch_unwind(AssertUnwindSafe(|| services.call(method, cx, Params(params))))
        });
        let handler = started.unwrap_or_else(|panic| {
            drop_quietly(panic);
            Handler::error(ErrorObject::internal())
        });
        // Most handlers are done at their first poll: they never enter the table.
        self.poll(Running { key, id, handler, deadline }, true);
    }

    /// Polls a handler and sees to what comes of it. For a new one there is room for its answer.
    fn poll(&mut self, mut running: Running, new: bool) {
        let waker = self.handlers.waker(running.key.index);
        match running.poll(waker) {
            Polled::Pending => self.handlers.insert(running),
            Polled::Returned if running.id.is_none() => {
                let key = running.key;
                drop_quietly(running);
                self.shared.lock().protocol.finish(key, None);
            }
            Polled::Returned if new || self.may_answer() => self.answer(running),
            Polled::Returned => self.returned.push_back(running),
            Polled::Panicked => {
                let (key, id) = (running.key, running.id.take());
                drop_quietly(running);
                let answer = id.map(|id| answer::error(Some(&id), &ErrorObject::internal()));
                self.shared.lock().protocol.finish(key, answer);
            }
        }
    }

    fn may_answer(&self) -> bool {
        self.returned.is_empty() && self.shared.lock().protocol.may_answer()
    }

    /// Writes the answer of a handler that has returned.
    fn answer(&mut self, mut running: Running) {
        let Some(id) = running.id.take() else { return };
        let limit = self.shared.setup.limits.message_out;
        let answer = encode(&mut running.handler, &id, &mut self.scratch, limit);
        let key = running.key;
        drop_quietly(running);
        self.shared.lock().protocol.finish(key, Some(answer));
    }
}

/// Results are cut out of chunks of this size: without it each would be an allocation of its own.
const CHUNK: usize = 4096;

/// What most results need.
const RESULT: usize = 256;

/// The response to a request whose handler has returned, written into `scratch` if it is a result.
fn encode(handler: &mut Handler, id: &Id, scratch: &mut BytesMut, limit: usize) -> Bytes {
    if !scratch.try_reclaim(RESULT) {
        *scratch = BytesMut::with_capacity(CHUNK);
    }
    answer::write_head(id, scratch);
    // `Serialize` is code of the user's too.
    let written = catch_unwind(AssertUnwindSafe(|| {
        handler.write(&mut Limited::new(scratch, limit.saturating_sub(1)))
    }));
    let error = match written {
        Ok(Ok(())) => {
            answer::write_tail(scratch);
            return scratch.split().freeze();
        }
        Ok(Err(error)) => error,
        Err(panic) => {
            drop_quietly(panic);
            ErrorObject::internal()
        }
    };
    scratch.clear();
    let response = answer::error(Some(id), &error);
    if response.len() <= limit {
        return response;
    }
    answer::error(Some(id), &ErrorObject::answer_too_big(limit))
}
