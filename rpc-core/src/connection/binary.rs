//! Messages that are not marked as text: text all the same, or text with bytes beside it.

use std::time::Duration;

use bytes::Bytes;

use super::driver::Driver;
use crate::error::close::CloseCode;
use crate::protocol::{Arrival, Event};
use crate::transport::LinkError;
use crate::wire::attached::{Attached, is_attached};
use crate::wire::decode::{self, Incoming, Payload, Response};

impl Driver {
    /// Dispatches a message that is not marked as text. Returns how many messages there were.
    ///
    /// # Errors
    /// The message is neither text, which web3.py sends in that way, nor has bytes beside its text.
    #[inline(never)]
    pub(super) fn dispatch_binary(
        &mut self,
        message: &Bytes,
        now: Duration,
    ) -> Result<usize, LinkError> {
        if let Ok(text) = str::from_utf8(message) {
            return Ok(self.dispatch(text, now));
        }
        let (offers_bytes, message_in) = {
            let protocol = &self.shared.lock().protocol;
            (protocol.offers_bytes(), protocol.limits().message_in)
        };
        if !is_attached(message) || !offers_bytes {
            let reason = "a binary message that is not UTF-8: send JSON";
            return Err(LinkError::violation(CloseCode::UNSUPPORTED, reason));
        }
        let Some(attached) = Attached::read(message) else {
            let reason = "a binary message whose head does not fit its length and its text";
            return Err(LinkError::violation(CloseCode::UNSUPPORTED, reason));
        };
        if attached.length() > message_in {
            let reason = "with base64 text the message is larger than `message_in`";
            return Err(LinkError::violation(CloseCode::TOO_BIG, reason));
        }
        if self.counts {
            self.taken_in.add(message.len());
        }
        Ok(self.dispatch_attached(&attached, now))
    }

    /// Dispatches a message with bytes beside its text. The bytes of an item, of params and of a result go on as they
    /// are; elsewhere their base64 text takes their place.
    fn dispatch_attached(&mut self, attached: &Attached, now: Duration) -> usize {
        let take = |item| self.shared.lock().protocol.take_attached_item(item, attached);
        match decode::decode_beside_items(attached.text(), &self.rules, take) {
            None => 1,
            Some(Payload::Single(incoming)) if value(&incoming, attached).is_some() => {
                self.receive_attached(incoming, attached, now);
                1
            }
            Some(_) => self.dispatch_text(attached.whole(), now),
        }
    }

    fn receive_attached(&mut self, mut incoming: Incoming<'_>, attached: &Attached, now: Duration) {
        let arrival = self.arrival(&mut incoming, None, now);
        let arrival = Arrival { attached: Some(attached), ..arrival };
        let event = self.shared.lock().protocol.receive(incoming, arrival);
        match event {
            Event::Serve(started, serve) => self.serve_attached(started, serve, attached),
            event => _ = self.follow(event),
        }
    }
}

/// Returns the params or the result of a message, if all bytes belong there.
fn value<'a>(incoming: &Incoming<'a>, attached: &Attached) -> Option<&'a str> {
    let value = match incoming {
        Incoming::Request(request) => request.params,
        Incoming::Response { answer: Response::Result(result), .. } => Some(*result),
        _ => None,
    };
    value.filter(|value| attached.are_within(value))
}
