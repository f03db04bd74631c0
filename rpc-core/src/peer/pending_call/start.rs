//! The start of a call: the protocol registers and sends the request.

use std::task::Waker;

use super::{Failure, PendingCall, StartOptions, State, Streams};
use crate::protocol::Start;
use crate::service::current;
use crate::stream::Argument;
use crate::util::runtime::Instant;
use crate::util::sync::Mutex;
use crate::util::waiter::Waiter;
use crate::wire::request::{Outgoing, RequestExtensions};

const ALREADY_SENT: &str = "the streams among the params were sent with the first attempt";

impl PendingCall {
    /// Encodes the request and passes it to the protocol. The protocol keeps the `waiter`.
    pub(super) fn send(&mut self, mut message: Outgoing, waiter: Option<&Waker>) -> State {
        let options = self.options.start_options(Instant::now(), &self.shared);
        if options.is_late {
            return State::Failed(Failure::Late);
        }
        let StartOptions { deadline, sliding, mut extensions, .. } = options;
        if let Err(why) = message.prepare(&mut extensions, self.shared.config.limits.message_out) {
            return State::Failed(Failure::Encode(why));
        }
        let RequestExtensions { progress, is_lasting, .. } = extensions;
        let (caller, released) = current::caller(&self.shared);
        let kept = self.options.rare.as_mut().and_then(|rare| rare.streams.take());
        let streams = match kept.as_deref().map(take_streams) {
            None => Vec::new(),
            Some(streams) if streams.is_empty() => {
                return State::Failed(Failure::Encode(ALREADY_SENT.into()));
            }
            Some(streams) => streams,
        };
        let ids = streams.iter().map(|(id, _)| id.clone()).collect();
        let wanted = self.wanted.take();
        let may_repeat = self.options.may_repeat() || wanted.is_some();
        let start = Start {
            deadline,
            caller,
            wanted,
            streams: ids,
            sliding,
            progress,
            is_lasting,
            may_repeat,
        };
        let mut waiter = waiter.map(|waker| Waiter::Task(waker.clone()));
        let mut streams = streams.into_iter();
        let started = self.shared.with(|state| {
            let scratch = &mut state.scratch;
            let message = |id| message.request_in(scratch, id, &extensions);
            let id = state.protocol.start(start, &mut waiter, message)?;
            if streams.len() > 0 {
                let keys = state.protocol.streams_of(id).iter().copied().zip(&mut streams);
                let arguments = keys.map(|(key, (id, items))| Argument { key, id, items });
                state.arguments.extend(arguments);
            }
            Ok(id)
        });
        match started {
            Ok(id) => State::Started { id, _released: released },
            Err(refused) => {
                // None of the streams was sent, so the streams are kept for another attempt of a layer.
                if let Some(kept) = kept {
                    *kept.lock().unwrap() = streams.collect();
                }
                State::Failed(Failure::Refused(refused))
            }
        }
    }
}

fn take_streams(kept: &Mutex<Streams>) -> Streams {
    std::mem::take(&mut *kept.lock().unwrap())
}
