//! Responses of the other end to calls of this end.

use crate::protocol::{Event, Outcome, Protocol};
use crate::wire::decode::Response;
use crate::wire::id::whole;
use crate::wire::opened;

impl<W> Protocol<W> {
    /// Returns whether this call of this end was sent and is not answered.
    pub(in crate::protocol) fn is_in_flight(&mut self, id: u64) -> bool {
        let call = self.calls.open_mut(id);
        call.is_some_and(|call| call.place.is_sent())
    }

    pub(super) fn response<'a>(&mut self, id: Option<&str>, answer: Response<'_>) -> Event<'a> {
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
        if !call.place.is_sent() {
            // It was not even sent: no answer of a call is this.
            if !is_error {
                self.stray();
            }
            return Event::Done;
        }
        let is_forwarded = call.is_forwarded;
        let subscribe = self.calls.take_subscribe(id);
        self.on_wire -= 1;
        self.stall = None;
        let outcome = match (answer, subscribe) {
            (Response::Result(result), None) if is_forwarded && opened::is_stream(result) => {
                self.opened(id, result)
            }
            (Response::Result(answer), Some(subscribe)) if is_forwarded => {
                self.opened_again(id, answer, subscribe)
            }
            (Response::Result(result), None) => Outcome::Result(result.into()),
            (Response::Attached(result), None) => Outcome::Attached(result),
            (Response::Result(name), Some(subscribe)) => self.subscribed(id, name, subscribe),
            (Response::Attached(name), Some(subscribe)) => {
                self.subscribed(id, name.whole(), subscribe)
            }
            (Response::Error(error), _) => Outcome::Error(error.into()),
            (Response::Malformed(why), _) => Outcome::Malformed(why.into()),
        };
        self.resolve(id, outcome);
        self.unpark();
        Event::Done
    }
}
