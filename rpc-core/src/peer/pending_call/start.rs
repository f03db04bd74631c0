//! The start of a call: the protocol registers and sends the request.

use std::task::Waker;

use super::{Failure, PendingCall, StartOptions, State, Streams};
use crate::protocol::{Refused, Start};
use crate::service::current;
use crate::stream::Argument;
use crate::util::runtime::Instant;
use crate::util::sync::{Mutex, Ordering};
use crate::util::waiter::Waiter;
use crate::wire::attached;
use crate::wire::request::{Outgoing, RequestExtensions};

const ALREADY_SENT: &str = "the streams among the params were sent with the first attempt";

impl PendingCall {
    /// Encodes the request and passes it to the protocol. The protocol keeps the `waiter`.
    pub(super) fn send(&mut self, mut message: Outgoing, waiter: Option<&Waker>) -> State {
        let options = self.options.start_options(Instant::now(), &self.shared);
        if options.is_late {
            return State::Failed(Failure::Late.into());
        }
        let StartOptions { deadline, sliding, mut extensions, .. } = options;
        if let Err(why) = message.prepare(&mut extensions, self.shared.config.limits.message_out) {
            return State::Failed(Failure::Encode(why).into());
        }
        let RequestExtensions { progress, is_lasting, .. } = extensions;
        let is_forwarded = extensions.members.as_ref().is_some_and(|members| members.forwarded > 0);
        let (caller, released) = current::caller(&self.shared);
        let wanted = self.wanted.take();
        let may_repeat = self.options.may_repeat() || wanted.is_some();
        let streams = Vec::new();
        let start = Start {
            deadline,
            caller,
            wanted,
            streams,
            sliding,
            progress,
            is_lasting,
            may_repeat,
            is_forwarded,
        };
        let kept = self.options.rare.as_mut().and_then(|rare| rare.streams.take());
        let started = match kept {
            None => {
                // Without the lock.
                let takes_bytes = self.shared.takes_bytes.load(Ordering::Relaxed);
                let is_attached = message.place_bytes(takes_bytes);
                let mut waiter = waiter.map(|waker| Waiter::Task(waker.clone()));
                self.shared.with(|state| {
                    // Another peer may have taken the place of the one that takes bytes.
                    let is_for_other = is_attached && !state.protocol.takes_bytes();
                    let scratch = &mut state.scratch;
                    let message = |id| {
                        let message = message.request_in(scratch, id, &extensions);
                        let text = if is_for_other { attached::whole(&message) } else { None };
                        text.unwrap_or(message)
                    };
                    state.protocol.start(start, &mut waiter, message)
                })
            }
            Some(kept) => {
                message.fill();
                match self.send_with_streams(&message, &extensions, start, &kept, waiter) {
                    Some(started) => started,
                    None => return State::Failed(Failure::Encode(ALREADY_SENT.into()).into()),
                }
            }
        };
        match started {
            Ok(id) => State::Started { id, _released: released.map(Box::new) },
            Err(refused) => State::Failed(Failure::Refused(refused).into()),
        }
    }

    /// Passes a request with streams among its params to the protocol. Returns `None` if the streams were sent before.
    #[cold]
    fn send_with_streams(
        &self,
        message: &Outgoing,
        extensions: &RequestExtensions,
        start: Start,
        kept: &Mutex<Streams>,
        waiter: Option<&Waker>,
    ) -> Option<Result<u64, Refused>> {
        let streams = take_streams(kept);
        if streams.is_empty() {
            return None;
        }
        let ids = streams.iter().map(|(id, _)| id.clone()).collect();
        let start = Start { streams: ids, ..start };
        let mut waiter = waiter.map(|waker| Waiter::Task(waker.clone()));
        let mut streams = streams.into_iter();
        let started = self.shared.with(|state| {
            let scratch = &mut state.scratch;
            let message = |id| message.clone().request_in(scratch, id, extensions);
            let id = state.protocol.start(start, &mut waiter, message)?;
            let keys = state.protocol.streams_of(id).iter().copied().zip(&mut streams);
            let arguments = keys.map(|(key, (id, items))| Argument { key, id, items });
            state.arguments.extend(arguments);
            Ok(id)
        });
        if started.is_err() {
            // None of the streams was sent, so the streams are kept for another attempt of a layer.
            *kept.lock().unwrap() = streams.collect();
        }
        Some(started)
    }
}

fn take_streams(kept: &Mutex<Streams>) -> Streams {
    std::mem::take(&mut *kept.lock().unwrap())
}
