//! From a message to what the message asks for.

use std::time::Duration;

use super::driver::Driver;
use crate::error::code::ErrorCode;
use crate::error::object::ErrorObject;
use crate::peer::Peer;
use crate::protocol::target::Target;
use crate::protocol::{Arrival, Event, Serve, StreamParams, UsualArrival};
use crate::service::Service;
use crate::service::router::Router;
use crate::service::running::{self};
use crate::util::excerpt::Excerpt;
use crate::util::log_throttle::LogThrottle;
use crate::util::sync::Ordering;
use crate::wire::decode::{
    self, Incoming, NOT_JSON, Notification, Payload, Request, Response, Shape,
};
use crate::wire::id::whole;
use crate::wire::scan::Scanner;

/// Replaces the params of an unsubscribe call by the id in them, where the id is a named member.
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

/// Returns the JSON text of the one value in an array or in an object.
fn only_value(params: &str) -> Option<&str> {
    let mut scanner = Scanner::new(params);
    if scanner.next()? == b'{' {
        scanner.name()?;
    }
    let (value, _) = scanner.value()?;
    matches!(scanner.next()?, b']' | b'}').then_some(value)
}

/// The message is no JSON-RPC.
pub(super) struct Foreign {
    is_first: bool,
}

impl Driver {
    /// Dispatches one message, or all messages of a batch. Returns how many messages there were.
    #[inline]
    pub(super) fn dispatch(&mut self, text: &str, now: Duration) -> usize {
        if self.counts {
            self.taken_in.add(text.len());
        }
        self.dispatch_text(text, now)
    }

    /// Dispatches the text of a message that was counted already. Returns how many messages there were.
    pub(super) fn dispatch_text(&mut self, text: &str, now: Duration) -> usize {
        let take = |item| self.shared.lock().protocol.take_usual_item(item);
        let Some(payload) = decode::decode_beside_items(text, &self.rules, take) else { return 1 };
        match payload {
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

    /// Dispatches a message that is not JSON.
    #[cold]
    fn receive_broken(&mut self, text: &str, now: Duration) {
        // Some peers answer a notification with an empty message.
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

    /// Gives a message that is no JSON-RPC to `on_foreign`. Without `on_foreign`, logs the first such message.
    #[cold]
    pub(super) fn hear(&self, text: &str, Foreign { is_first }: Foreign) {
        if let Some(on_foreign) = &self.shared.config.on_foreign {
            // `on_foreign` is code of the application.
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

    /// Dispatches one message. Returns `Foreign` if the message is no JSON-RPC.
    #[inline(always)] // for single messages; what binary messages add is a copy
    fn receive_one(
        &mut self,
        mut incoming: Incoming<'_>,
        batch: Option<usize>,
        now: Duration,
    ) -> Option<Foreign> {
        if let Incoming::Request(request) = &incoming
            && let Some(arrival) = self.usual_arrival(request, batch, now)
        {
            let started = self.shared.lock().protocol.receive_usual(request, arrival);
            if let Some(started) = started {
                self.serve(started, Serve::usual(request, arrival.method));
                return None;
            }
        }
        let arrival = self.arrival(&mut incoming, batch, now);
        let event = self.shared.lock().protocol.receive(incoming, arrival);
        self.follow(event)
    }

    /// Returns what the protocol is told about a request that may be a usual one.
    #[inline(always)] // for single messages and for members of batches
    pub(super) fn usual_arrival(
        &self,
        request: &Request<'_>,
        batch: Option<usize>,
        now: Duration,
    ) -> Option<UsualArrival> {
        let services = &self.shared.config.services;
        // An unstable method is no usual one.
        let found = services.find(&request.method, || false);
        let Some(Target::Method(method)) = found else { return None };
        // The members of a batch came at once, but need not start in one turn.
        let is_late = batch.is_some() && self.budget.is_over();
        if is_late || services.stream_params(method).is_some() {
            return None;
        }
        let orphans = self.shared.orphans.load(Ordering::SeqCst);
        Some(UsualArrival { method, orphans, batch, now })
    }

    /// Returns what the protocol is told about a message.
    pub(super) fn arrival(
        &self,
        incoming: &mut Incoming<'_>,
        batch: Option<usize>,
        now: Duration,
    ) -> Arrival<'static> {
        let services = &self.shared.config.services;
        let asks = || self.shared.lock().protocol.is_asked_for_unstable();
        let target = match &*incoming {
            Incoming::Request(request) => services.find(&request.method, asks),
            Incoming::Notification(Notification { method, params, .. }) => {
                services.find_notified(method, *params, asks)
            }
            _ => None,
        };
        let mut target = target;
        let streams = match target {
            Some(Target::Method(method) | Target::Ordered(method)) => {
                services.stream_params(method).map(StreamParams::Declared)
            }
            Some(Target::Unsubscribe) => {
                find_id(services, incoming);
                None
            }
            Some(Target::Fallback(method)) if services.is_forward(method) => {
                if self.streams.are_passed_on() && self.ends_stream(incoming) {
                    target = Some(Target::Unsubscribe);
                }
                Some(StreamParams::Any)
            }
            Some(Target::Item | Target::Fallback(_)) | None => None,
        };
        let orphans = self.shared.orphans.load(Ordering::SeqCst);
        // The members of a batch came at once, but need not start in one turn.
        let late = batch.is_some() && self.budget.is_over();
        Arrival { target, orphans, batch, late, streams, attached: None, now }
    }

    /// Returns whether a call ends a stream that is passed on from a third peer. Its params are replaced by the id in
    /// them: the stream has another id here than there.
    #[cold]
    fn ends_stream(&self, incoming: &mut Incoming<'_>) -> bool {
        let (method, params) = match incoming {
            Incoming::Request(request) => (&*request.method, &mut request.params),
            Incoming::Notification(notification) => {
                (&*notification.method, &mut notification.params)
            }
            _ => return false,
        };
        let id = params.and_then(only_value).filter(|id| self.streams.is_ended_by(method, id));
        if id.is_some() {
            *params = id;
        }
        id.is_some()
    }

    /// Does what a message asks for.
    pub(super) fn follow(&mut self, event: Event<'_>) -> Option<Foreign> {
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
            Event::Greeted => self.greeted(),
            Event::AsksForSession(asked) => self.grant_session(asked),
            Event::Confirmed => self.up(false, None),
            Event::AskedToMove => self.asked_to_move(),
            Event::Resumed => self.resumed(),
            Event::SessionEnded => self.session_ended(),
            Event::Throttle(stream, interval) => self.streams.throttle(stream, interval),
            Event::Done => {}
        }
        None
    }

    /// Reports to the layers a request for which no handler starts.
    #[cold]
    fn refused(&self, method: Option<usize>, code: i64) {
        if self.layers.is_empty() {
            return;
        }
        let peer = Peer { shared: self.shared.clone() };
        let method = method.map(|method| &self.shared.config.services.methods()[method]);
        for layer in self.layers.iter() {
            // Layers are code of the application.
            let _ = running::caught(|| {
                layer.refused(&peer, method, code);
                Ok(())
            });
        }
    }
}
