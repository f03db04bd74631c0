//! Handlers: how they start, are polled, and stop.

use std::time::Duration;

use super::MESSAGES;
use super::answer::Written;
use super::driver::Driver;
use crate::protocol::tables::key::Key;
use crate::protocol::{Room, Serve, Started};
use crate::service::Params;
use crate::service::current::Mark;
use crate::service::idempotency;
use crate::service::running::{self, Polled, Running};
use crate::util::catch::drop_quietly;
use crate::wire::attached::Attached;
use crate::wire::id::Id;

impl Driver {
    /// Drops the handler of `key`, if there is one.
    pub(super) fn stop(&mut self, key: Key) {
        drop_quietly(self.handlers.take(key.index, |running| running.key == key));
        for waiting in [&mut self.returned, &mut self.woken] {
            if let Some(at) = waiting.iter().position(|running| running.key == key) {
                drop_quietly(waiting.remove(at));
            }
        }
    }

    /// Starts handlers that had to wait and may start now. Returns how many.
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

    /// Polls the handlers that were woken. Returns whether some are left for the next turn.
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

    /// Writes the results that waited for room, while there is room. Returns how many.
    pub(super) fn answer_returned(&mut self) -> usize {
        let (mut at, mut answered) = (0, 0);
        while let Some(key) = self.returned.get(at).map(|running| running.key) {
            // A result that waits for its batch does not hold up the others.
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

    pub(super) fn serve(&mut self, started: Started, serve: Serve<&str>) {
        if let Some(Written { started, id }) = self.serve_and_write(started, serve) {
            self.shared.lock().protocol.finish_written(started, id, &mut self.scratch);
        }
    }

    /// As [`serve`](Self::serve). If the handler returns a result at once, only writes the response, which the caller is
    /// to pass to the protocol.
    #[inline(always)] // for single requests and for members of batches
    pub(super) fn serve_and_write<'a>(
        &mut self,
        started: Started,
        serve: Serve<&'a str>,
    ) -> Option<Written<'a>> {
        let method = serve.method;
        let written = self.begin_handler(started, serve, None);
        self.check_budget(method);
        written
    }

    /// [Serves](Self::serve) a request whose params have all the bytes of its message beside them.
    pub(super) fn serve_attached(
        &mut self,
        started: Started,
        serve: Serve<&str>,
        attached: &Attached,
    ) {
        let method = serve.method;
        let params = serve.params.map(|params| attached.part(params));
        let written = self.begin_handler(started, serve, params.as_ref());
        self.check_budget(method);
        if let Some(Written { started, id }) = written {
            self.shared.lock().protocol.finish_written(started, id, &mut self.scratch);
        }
    }

    /// Logs the method if it has just blocked this task for long.
    pub(super) fn check_budget(&mut self, method: usize) {
        if let Some(took) = self.budget.checkpoint() {
            self.shared.config.services.took_long(method, took);
        }
    }

    fn begin_handler<'a>(
        &mut self,
        started: Started,
        serve: Serve<&'a str>,
        attached: Option<&Attached>,
    ) -> Option<Written<'a>> {
        let Serve { id, has_room, method, params, deadline, extensions } = serve;
        let key = started.key();
        let deadline = deadline.map(|deadline| self.shared.clock.instant(deadline));
        let traced =
            extensions.as_ref().is_some_and(|extensions| extensions.members.trace.is_some());
        let cx = self.context.reuse(key, method, deadline, extensions);
        let (services, waker) = (&self.shared.config.services, self.handlers.waker(key.index));
        let layers = &self.layers;
        // Decoding runs code of the application, and a method may do its work before it returns. The handler is kept
        // outside of the closure, so that a panic of its destructor is caught as well.
        let mut handler = None;
        let polled = running::run(Mark { key, deadline, traced }, waker, |task| {
            let params = Params { text: params, attached };
            let started = if layers.is_empty() {
                idempotency::call(&**services, method, cx, params)
            } else {
                layers.serve(services, method, cx, params)
            };
            handler.insert(started).run(task)
        });
        let Some(handler) = handler else {
            self.panicked(started, id);
            return None;
        };
        // Most handlers are done at their first poll. They enter no table but the protocol's.
        let is_done = match polled {
            Polled::Pending => false,
            Polled::Returned => has_room,
            Polled::Panicked => {
                drop_quietly(handler);
                self.panicked(started, id);
                return None;
            }
        };
        match id {
            Some(id) if is_done => return self.write_answer(started, id, method, handler),
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
        None
    }

    /// Polls a handler again.
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
}
