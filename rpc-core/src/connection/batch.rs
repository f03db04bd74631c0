//! From a batch to its members.

use std::time::Duration;

use super::answer::Written;
use super::driver::Driver;
use crate::protocol::{Event, Serve};
use crate::wire::decode::{self, Incoming};

impl Driver {
    /// Dispatches the messages of a batch. Returns how many messages there were.
    ///
    /// The answer of a member that is answered at once waits in the scratch buffer until the next member is received, so
    /// that both take one lock.
    pub(super) fn receive_batch(
        &mut self,
        messages: Vec<Incoming<'_>>,
        text: &str,
        now: Duration,
    ) -> usize {
        let count = messages.len();
        let mut foreign = Vec::new();
        let mut answered: Vec<u64> = messages.iter().filter_map(Incoming::answers).collect();
        let batch = self.shared.lock().protocol.begin_batch(count);
        // An error without an id refuses the whole batch if the array holds nothing else. Otherwise it is about a member.
        let mut is_refusal = answered.is_empty();
        let mut written: Option<Written<'_>> = None;
        for (at, mut incoming) in messages.into_iter().enumerate() {
            let is_single = is_refusal && incoming.is_unaddressed();
            is_refusal &= !is_single;
            let batch = (!is_single).then_some(batch);
            let usual = match &incoming {
                Incoming::Request(request) => self.usual_arrival(request, batch, now),
                _ => None,
            };
            let mut state = self.shared.lock();
            if let Some(Written { started, id }) = written.take() {
                state.protocol.finish_written(started, id, &mut self.scratch);
            }
            if let (Some(arrival), Incoming::Request(request)) = (usual, &incoming) {
                let started = state.protocol.receive_usual(request, arrival);
                if let Some(started) = started {
                    drop(state);
                    let serve = Serve::usual(request, arrival.method);
                    written = self.serve_and_write(started, serve);
                    continue;
                }
            }
            drop(state);
            let arrival = self.arrival(&mut incoming, batch, now);
            let event = self.shared.lock().protocol.receive(incoming, arrival);
            match event {
                Event::Serve(started, serve) => written = self.serve_and_write(started, serve),
                event => foreign.extend(self.follow(event).map(|is_foreign| (at, is_foreign))),
            }
        }
        let mut state = self.shared.lock();
        if let Some(Written { started, id }) = written {
            state.protocol.finish_written(started, id, &mut self.scratch);
        }
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
}
