//! Messages from the other end: what each message is, and what follows from it.

mod notification;
mod request;
mod response;
mod usual;

pub(crate) use usual::UsualArrival;

use super::{Arrival, Event, Protocol};
use crate::error::object::ErrorObject;
use crate::wire::decode::{self, Incoming, Response, Shape};
use crate::wire::id::whole;

impl<W> Protocol<W> {
    /// Deals with one message. Answers, cancels and refusals are complete when this returns.
    pub(crate) fn receive<'a>(
        &mut self,
        incoming: Incoming<'a>,
        arrival: Arrival<'_>,
    ) -> Event<'a> {
        if self.ended.is_some() {
            return Event::Done;
        }
        if self.held.is_some() && self.heard_while_held(&incoming) {
            return Event::Done;
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
            Incoming::Response { id, answer } => {
                let answer = match (answer, arrival.attached) {
                    (Response::Result(result), Some(attached)) => {
                        Response::Attached(attached.part(result).into())
                    }
                    (answer, _) => answer,
                };
                self.response(id, answer)
            }
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

    /// Takes a message that is neither request, notification nor response.
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

    /// Takes note that `count` members of a batch are going to be received. Returns the number of the
    /// batch.
    pub(crate) fn begin_batch(&mut self, count: usize) -> usize {
        if let Some(rates) = &mut self.rates {
            rates.begin_batch();
        }
        self.batches.register(count)
    }

    /// Takes note that all members of a batch were received. The last answer sends all answers.
    pub(crate) fn end_batch(&mut self, batch: usize) {
        if let Some(rates) = &mut self.rates {
            rates.end_batch();
        }
        let whole = self.batches.all_read(batch);
        self.send_batch(whole);
    }
}
