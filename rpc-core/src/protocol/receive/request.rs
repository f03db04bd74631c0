//! Requests of the other end: which are served, now or later, and which are refused.

use std::time::Duration;

use crate::error::object::ErrorObject;
use crate::protocol::tables::batches::BatchSlot;
use crate::protocol::tables::serving::{ColdFields, Cost, New};
use crate::protocol::target::Target;
use crate::protocol::unknown_method::{named, unnamed};
use crate::protocol::{Arrival, Event, Protocol, Room, Serve, Started};
use crate::wire::attached::Attached;
use crate::wire::decode::Request;
use crate::wire::encode;
use crate::wire::scan::{Complexity, DISGUISED, TOO_DEEP};

impl<W> Protocol<W> {
    pub(super) fn request<'a>(
        &mut self,
        request: Request<'a>,
        arrival: Arrival<'_>,
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
        let mut cost = match self.cost(request.params, request.complexity) {
            Ok(cost) => cost,
            Err(error) => return self.refuse(Some(method), place, Some(id), &error),
        };
        if let Some(attached) = arrival.attached {
            cost.bytes = attached.length();
        }
        if let Some(limit) = self.limit_reached(cost, arrival.orphans) {
            return self.refuse(Some(method), place, Some(id), &ErrorObject::busy(limit));
        }
        let streams =
            match arrival.streams.map(|expected| self.take_streams(request.params, expected)) {
                None => Vec::new(),
                Some(Ok(streams)) => streams,
                Some(Err(error)) => return self.refuse(Some(method), place, Some(id), &error),
            };
        self.outgoing.forget_request(id);
        let deadline = request.timeout.map(|timeout| now + timeout);
        let greeted = self.hello.window().is_some();
        let has_members = request.extensions.is_some();
        let extensions = match arrival.target {
            Some(Target::Fallback(_)) => named(request.extensions, &request.method),
            _ => unnamed(request.extensions),
        };
        let waits_in_order = is_ordered && self.must_wait_for_earlier();
        let waits = waits_in_order
            || arrival.late
            || !self.outbox.has_room()
            || self.must_not_overtake()
            || self.room_to_gather(place) != Room::Now;
        // A name alone is of no use here once the handler has it.
        let kept = extensions.clone().filter(|_| has_members || waits);
        let new = New {
            is_request: true,
            greeted,
            place,
            method,
            cost,
            deadline,
            cold: ColdFields::of(kept, streams),
            now,
        };
        if waits {
            let params = to_keep(request.params, arrival.attached);
            match waits_in_order {
                true => self.serving.register_ordered(new, id, params),
                false => self.serving.register_unstarted(new, id, params),
            };
            return Event::Done;
        }
        let key = self.serving.register(new);
        let (id, params, has_room) = (Some(id), request.params, true);
        let serve = Serve { id, has_room, method, params, deadline, extensions };
        Event::Serve(Started::new(key), serve)
    }

    pub(super) fn limit_reached(&self, cost: Cost, orphans: usize) -> Option<&'static str> {
        let waiting = self.notifications.bytes();
        self.serving.limit_reached(
            Cost { bytes: cost.bytes + waiting, ..cost },
            orphans,
            &self.limits,
        )
    }

    /// Returns what these params cost against the limits.
    ///
    /// # Errors
    /// The params are too complex, whatever else is served.
    #[inline(always)] // three comparisons for each request
    pub(super) fn cost(
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
}

/// Returns params that wait, as text; empty params stand for none.
fn to_keep(params: Option<&str>, attached: Option<&Attached>) -> Box<str> {
    match (params, attached) {
        (Some(params), Some(attached)) => attached.part(params).whole().into(),
        (params, _) => params.unwrap_or_default().into(),
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
