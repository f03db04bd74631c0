//! Messages from the other end: what each one is, and what follows from it.

use std::time::Duration;

use super::{Event, Outcome, Protocol, Received, Serve};
use crate::answer;
use crate::calls::Place;
use crate::complexity::{self, Complexity};
use crate::envelope::{Answer, Incoming, Notification, Request};
use crate::error::ErrorObject;
use crate::id::{Id, canonical};
use crate::notifications::Waiting;
use crate::serving::{Cost, Key, New};

impl<W> Protocol<W> {
    /// Deals with one message. Answers, cancels and refusals are complete when this returns.
    pub(crate) fn receive<'a>(&mut self, received: Received<'a>, now: Duration) -> Event<'a> {
        if self.ended.is_some() {
            return Event::Done;
        }
        match received.incoming {
            Incoming::Request(request) => self.request(request, received.method, now),
            Incoming::Notification(notification) => {
                self.notification(notification, received.method, now)
            }
            Incoming::Response { id, answer } => self.response(id, answer),
            Incoming::Invalid { id, error } => {
                self.counters.malformed += 1;
                self.refuse(id.map(Id::new).as_ref(), &error)
            }
            Incoming::Dropped(why) => {
                self.counters.malformed += 1;
                tracing::debug!(why, "malformed notification dropped");
                Event::Done
            }
        }
    }

    fn request<'a>(
        &mut self,
        request: Request<'a>,
        method: Option<usize>,
        now: Duration,
    ) -> Event<'a> {
        let id = Id::new(request.id);
        if self.serving.find(&id).is_some() {
            let error = ErrorObject::invalid_request("`id` is in flight already");
            return self.refuse(None, &error);
        }
        if request.method == "$/ping" {
            self.outbox.push(answer::result(&id, "null"), None);
            return Event::Done;
        }
        let Some(method) = method else {
            return self.refuse(Some(&id), &ErrorObject::method_not_found(&request.method));
        };
        if request.timeout == Some(Duration::ZERO) {
            return self.refuse(Some(&id), &ErrorObject::deadline());
        }
        let cost = match self.cost(request.params) {
            Ok(cost) => cost,
            Err(error) => return self.refuse(Some(&id), &error),
        };
        if let Some(limit) = self.limit_reached(cost) {
            return self.refuse(Some(&id), &ErrorObject::busy(limit));
        }
        let deadline = request.timeout.map(|timeout| now + timeout);
        let new = New { id: Some(id.clone()), method, cost, deadline, now };
        if !self.outbox.has_room() || self.serving.has_unstarted() {
            self.serving.insert_unstarted(new, request.params.unwrap_or_default());
            return Event::Done;
        }
        let key = self.serving.insert(new);
        Event::Serve(Serve { key, id: Some(id), method, params: request.params, deadline })
    }

    fn limit_reached(&self, cost: Cost) -> Option<&'static str> {
        if self.draining {
            return Some("shutdown");
        }
        let waiting = self.notifications.bytes();
        self.serving.limit_reached(Cost { bytes: cost.bytes + waiting, ..cost }, &self.limits)
    }

    /// What these params cost, unless they are too complex for us altogether.
    fn cost(&self, params: Option<&str>) -> Result<Cost, ErrorObject> {
        let params = params.unwrap_or_default();
        let Complexity { depth, tokens } = complexity::measure(params);
        if depth > self.limits.depth {
            let limit = self.limits.depth;
            let message = format!("params nest deeper than `depth`, which is {limit}");
            return Err(ErrorObject::too_complex(message));
        }
        if tokens > self.limits.tokens_inflight {
            let limit = self.limits.tokens_inflight;
            let message = format!("params hold more values than `tokens_inflight`, {limit}");
            return Err(ErrorObject::too_complex(message));
        }
        Ok(Cost { bytes: params.len(), tokens })
    }

    fn notification<'a>(
        &mut self,
        notification: Notification<'a>,
        method: Option<usize>,
        now: Duration,
    ) -> Event<'a> {
        if notification.method == "$/cancelRequest" {
            return self.cancel_request(notification.params);
        }
        let Some(method) = method else {
            tracing::debug!("notification of no method of ours ignored");
            return Event::Done;
        };
        let Ok(cost) = self.cost(notification.params) else {
            self.counters.malformed += 1;
            return Event::Done;
        };
        if self.draining {
            return Event::Done;
        }
        if self.notifications.is_free() && self.outbox.has_room() {
            let params = notification.params;
            return Event::Serve(self.start_notification(method, params, cost, now));
        }
        let params = notification.params.unwrap_or_default().into();
        self.notifications.push(Waiting { method, params, tokens: cost.tokens });
        Event::Done
    }

    pub(super) fn start_notification<P>(
        &mut self,
        method: usize,
        params: Option<P>,
        cost: Cost,
        now: Duration,
    ) -> Serve<P> {
        let deadline = Some(now + self.limits.notification_timeout);
        let key = self.serving.insert(New { id: None, method, cost, deadline, now });
        self.notifications.started(key);
        Serve { key, id: None, method, params, deadline }
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
            self.counters.malformed += 1;
            return Event::Done;
        };
        let Some(key) = self.serving.find(&Id::new(cancel.id.get())) else {
            // It was answered while the cancel was on its way.
            return Event::Done;
        };
        self.stop(key, &ErrorObject::cancelled());
        Event::Stop(key)
    }

    fn response<'a>(&mut self, id: Option<&str>, answer: Answer<'_>) -> Event<'a> {
        let is_error = matches!(answer, Answer::Error(_));
        let id = id.and_then(canonical);
        let Some(call) = id.and_then(|id| self.calls.open_mut(id)) else {
            if !id.is_some_and(|id| self.calls.late(id)) && !is_error {
                self.counters.stray += 1;
            }
            return Event::Done;
        };
        let id = id.expect("an open call has an id");
        if !matches!(call.place, Place::Handed(_)) {
            // It was not even sent: no answer of a call is this.
            self.counters.stray += 1;
            return Event::Done;
        }
        self.on_wire -= 1;
        self.resolve(
            id,
            match answer {
                Answer::Result(result) => Outcome::Result(result.into()),
                Answer::Error(error) => Outcome::Error(error),
                Answer::Malformed(why) => Outcome::Malformed(why),
            },
        );
        self.unpark();
        Event::Done
    }

    /// Answers with an error what will not be served.
    fn refuse<'a>(&mut self, id: Option<&Id>, error: &ErrorObject) -> Event<'a> {
        self.outbox.push(answer::error(id, error), None);
        Event::Done
    }

    /// Answers with an error what is being served, and stops it.
    pub(super) fn stop(&mut self, key: Key, error: &ErrorObject) {
        self.notifications.ended(key);
        let Some(served) = self.serving.remove(key) else {
            return;
        };
        self.told.extend(served.watcher);
        match served.id {
            Some(id) => {
                self.outbox.push(answer::error(Some(&id), error), None);
            }
            None => self.counters.stopped_notifications += 1,
        }
    }
}
