//! The least time between two items of a stream, which the end that takes the items may ask for.

use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Event, Protocol};
use crate::protocol::tables::outbox::Carried;
use crate::protocol::tables::streams::{IncomingKey, is_stream_id};
use crate::wire::encode;

/// A longer interval is a day, as with other times of the other end.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

impl<W> Protocol<W> {
    /// Asks the other end for at most one item of a stream in this time. Only an end that counts items is asked.
    pub(crate) fn throttle(&mut self, stream: IncomingKey, interval: Duration) {
        if self.ended.is_none()
            && self.incoming.is_counted(stream)
            && let Some(id) = self.incoming.id(stream)
        {
            let interval = interval.min(LONGEST).as_millis().try_into().unwrap_or(u64::MAX);
            self.outbox.push(encode::throttle(id, interval), Carried::None);
        }
    }

    /// Takes a `$/throttle`: the other end wants at most one item of a stream in a time. A stream that has ended is none
    /// of its faults.
    pub(super) fn throttled<'a>(&mut self, params: Option<&str>) -> Event<'a> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Throttle<'a> {
            #[serde(borrow)]
            subscription: &'a RawValue,
            interval_ms: u64,
        }
        let throttle = params.and_then(|params| serde_json::from_str::<Throttle<'_>>(params).ok());
        let Some(throttle) = throttle.filter(|it| is_stream_id(it.subscription.get())) else {
            self.malformed();
            return Event::Done;
        };
        let interval = Duration::from_millis(throttle.interval_ms).min(LONGEST);
        match self.outgoing.find(throttle.subscription.get()) {
            Some(stream) => Event::Throttle(stream, interval),
            None => Event::Done,
        }
    }
}
