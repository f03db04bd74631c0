//! Notifications of the other end: of methods, of streams, and those of the framework.

use std::time::Duration;

use crate::error::object::ErrorObject;
use crate::protocol::tables::notifications::Waiting;
use crate::protocol::tables::serving::{ColdFields, New};
use crate::protocol::target::Target;
use crate::protocol::unknown_method::{named, unnamed};
use crate::protocol::{Arrival, Event, Protocol, Serve, Started};
use crate::wire::decode::Notification;
use crate::wire::scan::TOO_DEEP;

impl<W> Protocol<W> {
    pub(super) fn notification<'a>(
        &mut self,
        notification: Notification<'a>,
        arrival: Arrival<'_>,
    ) -> Event<'a> {
        // One that has a method of ours is for that.
        let may_be_early = !matches!(
            arrival.target,
            Some(Target::Method(_) | Target::Ordered(_) | Target::Unsubscribe)
        ) && !notification.method.starts_with("$/");
        let is_too_deep = notification.complexity.depth > self.limits.depth;
        if self.take_item(notification.params, may_be_early, is_too_deep) {
            return Event::Done;
        }
        if is_too_deep {
            return self.too_complex(TOO_DEEP);
        }
        if notification.method.starts_with("$/")
            && let Some(event) =
                self.about_the_protocol(&notification, arrival.batch.is_none(), arrival.now)
        {
            return event;
        }
        let method = match arrival.target {
            Some(Target::Method(method) | Target::Ordered(method)) => method,
            Some(Target::Unsubscribe) => return self.stop_outgoing(notification.params),
            // It has crossed the end of its stream.
            Some(Target::Item) => return Event::Done,
            target @ (Some(Target::Fallback(_)) | None) => {
                match self.notification_not_offered(&notification, target, arrival.now) {
                    Ok(method) => method,
                    Err(event) => return event,
                }
            }
        };
        if self.is_unwanted(&notification.method) {
            return Event::Done;
        }
        let Ok(cost) = self.cost(notification.params, notification.complexity) else {
            return self.too_complex("too complex, or with a reserved name");
        };
        if self.restricted && self.restriction(method).is_some() {
            self.counters.dropped += 1;
            return Event::Dropped("shutting down, or not logged in");
        }
        let number = self.serving.number();
        let extensions = match arrival.target {
            Some(Target::Fallback(_)) => named(notification.extensions, &notification.method),
            _ => unnamed(notification.extensions),
        };
        let members = arrival.batch.map(|batch| self.batches.members(batch));
        let params = notification.params;
        let waiting = Waiting { number, method, params, cost, extensions, members };
        if !arrival.late && self.notifications.is_free() && self.outbox.has_room() {
            let (started, serve) = self.start_notification(waiting, arrival.now);
            return Event::Serve(started, serve);
        }
        self.notifications.register(waiting.into_owned());
        Event::Queued
    }

    /// Drops a notification that asks for too much.
    #[cold]
    fn too_complex<'a>(&mut self, why: &'static str) -> Event<'a> {
        // Not by its rate: a request of this kind is none of those either.
        self.counters.malformed += 1;
        Event::Dropped(why)
    }

    /// Takes a notification of the framework's own. Returns `None` if its name is unknown.
    fn about_the_protocol<'a>(
        &mut self,
        notification: &Notification<'_>,
        is_single: bool,
        now: Duration,
    ) -> Option<Event<'a>> {
        Some(match &*notification.method {
            "$/cancelRequest" => self.cancel_request(notification.params),
            "$/hello" => self.greeted(notification.params, is_single, now),
            "$/ack" if is_single => self.acknowledged(notification.params),
            "$/ack" => Event::Done,
            "$/credit" => self.credit(notification.params, now),
            "$/throttle" => self.throttled(notification.params),
            "$/stop" => self.stop_outgoing(notification.params),
            "$/mute" if !self.hello.is_plain() => self.heard_mute(notification.params),
            "$/goaway" => self.told_to_go(notification.params, now),
            "$/progress" => return self.reported(notification, now),
            // An item of a stream that is over.
            "$/item" => Event::Done,
            _ => return None,
        })
    }

    pub(in crate::protocol) fn start_notification<P>(
        &mut self,
        waiting: Waiting<P>,
        now: Duration,
    ) -> (Started, Serve<P>) {
        let Waiting { number, method, params, cost, extensions, members } = waiting;
        let deadline = Some(now.saturating_add(self.limits.notification_timeout));
        let (is_request, greeted, place) = (false, false, None);
        let mut cold = ColdFields::of(extensions.clone(), Vec::new());
        if members.is_some() {
            cold.get_or_insert_default().members = members;
        }
        let new = New { is_request, greeted, place, method, cost, deadline, cold, now };
        let key = self.serving.register_numbered(new, number);
        self.notifications.started(key);
        let serve = Serve { id: None, has_room: true, method, params, deadline, extensions };
        (Started::new(key), serve)
    }

    fn cancel_request<'a>(&mut self, params: Option<&str>) -> Event<'a> {
        #[derive(serde::Deserialize)]
        struct Cancel<'a> {
            #[serde(borrow)]
            id: &'a serde_json::value::RawValue,
        }
        let Some(cancel) =
            params.and_then(|params| serde_json::from_str::<Cancel<'_>>(params).ok())
        else {
            self.malformed();
            return Event::Done;
        };
        self.cancels |= !self.hello.is_plain();
        let id = cancel.id.get();
        let Some(key) = self.serving.find(id) else { return self.cancelled_late(id) };
        self.stop(key, &ErrorObject::cancelled());
        Event::Stop(key)
    }

    /// Takes a cancel that came after the answer. The stream that the request opened ends as well.
    pub(in crate::protocol) fn cancelled_late<'a>(&mut self, id: &str) -> Event<'a> {
        match self.outgoing.made_by(id) {
            Some(key) => self.end_stream(key),
            None => self.count_unknown_cancel(),
        }
    }
}
