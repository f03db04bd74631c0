//! Messages from the other end: what each one is, and what follows from it.

use std::time::Duration;

use super::unknown_method::{beside, named};
use super::{Arrival, Event, Outcome, Protocol, Room, Serve, Started};
use crate::error::object::ErrorObject;
use crate::protocol::tables::batches::BatchSlot;
use crate::protocol::tables::calls;
use crate::protocol::tables::notifications::Waiting;
use crate::protocol::tables::serving::{ColdFields, Cost, New};
use crate::protocol::target::Target;
use crate::wire::decode::{self, Incoming, Notification, Request, Response, Shape};
use crate::wire::encode;
use crate::wire::id::whole;
use crate::wire::scan::{Complexity, DISGUISED, TOO_DEEP};

impl<W> Protocol<W> {
    /// Deals with one message. Answers, cancels and refusals are complete when this returns.
    pub(crate) fn receive<'a>(&mut self, incoming: Incoming<'a>, arrival: Arrival) -> Event<'a> {
        if self.ended.is_some() {
            return Event::Done;
        }
        if self.held.is_some() {
            self.heard_while_held(&incoming);
        }
        match incoming {
            Incoming::Request(request) => {
                let place = arrival.batch.map(|batch| self.batches.add_slot(batch));
                self.request(request, arrival, place)
            }
            Incoming::Notification(notification) => self.notification(notification, arrival),
            Incoming::Response { id, answer: Response::Error(error) }
                if decode::names_no_call(id) =>
            {
                self.unaddressed(error, arrival.batch.is_none())
            }
            Incoming::Response { id, answer } => self.response(id, answer),
            Incoming::Invalid { id, error, shape } => {
                self.invalid(id, &error, shape, arrival.batch)
            }
            Incoming::Dropped(_) if !self.answers_malformed => self.foreign(),
            Incoming::Dropped(why) => {
                self.malformed();
                Event::Dropped(why)
            }
        }
    }

    /// Something is neither request, notification nor response.
    #[cold]
    fn invalid<'a>(
        &mut self,
        id: Option<&str>,
        error: &ErrorObject,
        shape: Shape<'_>,
        batch: Option<usize>,
    ) -> Event<'a> {
        if let Shape::Response(id) = shape
            && whole(id).is_some_and(|id| self.is_in_flight(id))
        {
            return self.response(Some(id), Response::Malformed(error.message.clone()));
        }
        if shape == Shape::Nothing && self.answered_by_nothing() {
            return Event::Done;
        }
        match shape {
            // Each member may still be cancelled by who has not read the refusal yet.
            Shape::Batch(members) => self.serving.number_more(members),
            Shape::Request => self.malformed(),
            _ if !self.answers_malformed => return self.foreign(),
            _ => self.malformed(),
        }
        let place = batch.map(|batch| self.batches.add_slot(batch));
        // Under an id in flight it would be taken for the answer of that call.
        let id = id.filter(|id| self.serving.find(id).is_none());
        self.refuse(None, place, id, error)
    }

    /// Whether this is a call of ours that the other end has, and has not answered.
    pub(super) fn is_in_flight(&mut self, id: u64) -> bool {
        let call = self.calls.open_mut(id);
        call.is_some_and(|call| matches!(call.place, calls::MessageState::InFlight(_)))
    }

    /// So many members of a batch are going to be received.
    pub(crate) fn begin_batch(&mut self, count: usize) -> usize {
        if let Some(rates) = &mut self.rates {
            rates.begin_batch();
        }
        self.batches.register(count)
    }

    /// They all were: from now on the last answer sends them all.
    pub(crate) fn end_batch(&mut self, batch: usize) {
        if let Some(rates) = &mut self.rates {
            rates.end_batch();
        }
        let whole = self.batches.all_read(batch);
        self.send_batch(whole);
    }

    fn request<'a>(
        &mut self,
        request: Request<'a>,
        arrival: Arrival,
        place: Option<BatchSlot>,
    ) -> Event<'a> {
        let now = arrival.now;
        let id = request.id;
        if self.serving.find(id).is_some() {
            self.malformed();
            let error = ErrorObject::invalid_request("`id` is in flight already");
            return self.refuse(method_of(arrival.target), place, None, &error);
        }
        if request.complexity.depth > self.limits.depth {
            let error =
                ErrorObject::too_complex(format!("{TOO_DEEP}, which is {}", self.limits.depth));
            return self.refuse(method_of(arrival.target), place, Some(id), &error);
        }
        if request.method == "$/ping" {
            self.serving.number();
            self.reply(place, Some(id), encode::result(id, "null"));
            return Event::Done;
        }
        let (method, is_ordered) = match arrival.target {
            Some(Target::Method(method)) => (method, false),
            Some(Target::Ordered(method)) => (method, true),
            Some(Target::Unsubscribe) => {
                return self.unsubscribe_request(place, id, request.params);
            }
            Some(Target::Fallback(_) | Target::Item) | None => {
                match self.request_not_offered(&request.method, id, arrival.target, place) {
                    Ok(method) => (method, false),
                    Err(event) => return event,
                }
            }
        };
        if request.timeout == Some(Duration::ZERO) {
            return self.refuse(Some(method), place, Some(id), &ErrorObject::deadline());
        }
        if self.restricted
            && let Some(error) = self.restriction(method)
        {
            return self.refuse(Some(method), place, Some(id), &error);
        }
        let cost = match self.cost(request.params, request.complexity) {
            Ok(cost) => cost,
            Err(error) => return self.refuse(Some(method), place, Some(id), &error),
        };
        if let Some(limit) = self.limit_reached(cost, arrival.orphans) {
            return self.refuse(Some(method), place, Some(id), &ErrorObject::busy(limit));
        }
        let streams = match arrival.streams.map(|infos| self.take_streams(request.params, infos)) {
            None => Vec::new(),
            Some(Ok(streams)) => streams,
            Some(Err(error)) => return self.refuse(Some(method), place, Some(id), &error),
        };
        self.outgoing.forget_request(id);
        let deadline = request.timeout.map(|timeout| now + timeout);
        let greeted = self.hello.window().is_some();
        let beside = match arrival.target {
            Some(Target::Fallback(_)) => named(request.extensions, &request.method),
            _ => beside(request.extensions),
        };
        let new = New {
            is_request: true,
            greeted,
            place,
            method,
            cost,
            deadline,
            cold: ColdFields::of(beside.clone(), streams),
            now,
        };
        let params = request.params.unwrap_or_default();
        if is_ordered && self.must_wait_for_earlier() {
            self.serving.register_ordered(new, id, params);
            return Event::Done;
        }
        if arrival.late
            || !self.outbox.has_room()
            || self.must_not_overtake()
            || self.room_to_gather(place) != Room::Now
        {
            self.serving.register_unstarted(new, id, params);
            return Event::Done;
        }
        let key = self.serving.register(new);
        let has_room = self.room_to_gather(place) == Room::Now;
        let (id, params) = (Some(id), request.params);
        let serve = Serve { id, has_room, method, params, deadline, beside };
        Event::Serve(Started::new(key), serve)
    }

    fn limit_reached(&self, cost: Cost, orphans: usize) -> Option<&'static str> {
        let waiting = self.notifications.bytes();
        self.serving.limit_reached(
            Cost { bytes: cost.bytes + waiting, ..cost },
            orphans,
            &self.limits,
        )
    }

    /// What these params cost, unless they are too complex for us altogether.
    #[inline(always)] // three comparisons for each request
    fn cost(
        &self,
        params: Option<&str>,
        Complexity { tokens, is_disguised, .. }: Complexity,
    ) -> Result<Cost, ErrorObject> {
        if is_disguised {
            return Err(ErrorObject::invalid_params(DISGUISED));
        }
        if tokens > self.limits.tokens_inflight {
            let limit = self.limits.tokens_inflight;
            let message = format!("params hold more values than `tokens_inflight`, {limit}");
            return Err(ErrorObject::too_complex(message));
        }
        Ok(Cost { bytes: params.map_or(0, str::len), tokens })
    }

    fn notification<'a>(&mut self, notification: Notification<'a>, arrival: Arrival) -> Event<'a> {
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
            && let Some(event) = self.about_the_protocol(&notification, arrival.now)
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
        let Ok(cost) = self.cost(notification.params, notification.complexity) else {
            return self.too_complex("too complex, or with a reserved name");
        };
        if self.restricted && self.restriction(method).is_some() {
            self.counters.dropped += 1;
            return Event::Dropped("shutting down, or not logged in");
        }
        let number = self.serving.number();
        let beside = match arrival.target {
            Some(Target::Fallback(_)) => named(notification.extensions, &notification.method),
            _ => beside(notification.extensions),
        };
        let members = arrival.batch.map(|batch| self.batches.members(batch));
        let params = notification.params;
        let waiting = Waiting { number, method, params, cost, beside, members };
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

    /// A notification of the framework's own; `None` if it is none of those that we know.
    fn about_the_protocol<'a>(
        &mut self,
        notification: &Notification<'_>,
        now: Duration,
    ) -> Option<Event<'a>> {
        Some(match &*notification.method {
            "$/cancelRequest" => self.cancel_request(notification.params),
            "$/hello" => self.greeted(notification.params),
            "$/credit" => self.credit(notification.params),
            "$/stop" => self.stop_outgoing(notification.params),
            "$/goaway" => {
                self.told_to_go(notification.params);
                Event::Done
            }
            "$/progress" => return self.reported(notification, now),
            // An item of a stream that is over.
            "$/item" => Event::Done,
            _ => return None,
        })
    }

    pub(super) fn start_notification<P>(
        &mut self,
        waiting: Waiting<P>,
        now: Duration,
    ) -> (Started, Serve<P>) {
        let Waiting { number, method, params, cost, beside, members } = waiting;
        let deadline = Some(now.saturating_add(self.limits.notification_timeout));
        let (is_request, greeted, place) = (false, false, None);
        let mut cold = ColdFields::of(beside.clone(), Vec::new());
        if members.is_some() {
            cold.get_or_insert_default().members = members;
        }
        let new = New { is_request, greeted, place, method, cost, deadline, cold, now };
        let key = self.serving.register_numbered(new, number);
        self.notifications.started(key);
        let serve = Serve { id: None, has_room: true, method, params, deadline, beside };
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

    /// A request was answered while its cancel was on its way: what it made ends as well.
    pub(super) fn cancelled_late<'a>(&mut self, id: &str) -> Event<'a> {
        match self.outgoing.made_by(id) {
            Some(key) => self.end_stream(key),
            None => self.count_unknown_cancel(),
        }
    }

    fn response<'a>(&mut self, id: Option<&str>, answer: Response<'_>) -> Event<'a> {
        let is_error = matches!(answer, Response::Error(_));
        let id = id.and_then(whole);
        let Some(call) = id.and_then(|id| self.calls.open_mut(id)) else {
            self.answer_to_mark(id, &answer);
            if !id.is_some_and(|id| self.calls.late(id)) && !is_error {
                self.stray();
            }
            return Event::Done;
        };
        let id = id.expect("an open call has an id");
        if !matches!(call.place, calls::MessageState::InFlight(_)) {
            // It was not even sent: no answer of a call is this.
            if !is_error {
                self.stray();
            }
            return Event::Done;
        }
        let subscribe = self.calls.take_subscribe(id);
        self.on_wire -= 1;
        self.stall = None;
        let outcome = match (answer, subscribe) {
            (Response::Result(result), None) => Outcome::Result(result.into()),
            (Response::Result(name), Some(subscribe)) => self.subscribed(id, name, subscribe),
            (Response::Error(error), _) => Outcome::Error(error.into()),
            (Response::Malformed(why), _) => Outcome::Malformed(why.into()),
        };
        self.resolve(id, outcome);
        self.unpark();
        Event::Done
    }
}

/// The method that a request is for, if there is one.
#[cold]
fn method_of(target: Option<Target>) -> Option<usize> {
    match target {
        Some(Target::Method(method) | Target::Ordered(method) | Target::Fallback(method)) => {
            Some(method)
        }
        Some(Target::Unsubscribe | Target::Item) | None => None,
    }
}
