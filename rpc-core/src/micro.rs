//! What the micro-benchmarks of this repository (`examples/bench/benches`) reach of the pure parts.
//! Only with the feature `micro`, and promised to nobody.

use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;

use crate::limits::Limits;
use crate::method::ParamInfo;
use crate::protocol::tables::calls::{self, Calls};
use crate::protocol::tables::outbox::{Carried, Outbox};
use crate::protocol::tables::serving::{Cost, New, Serving};
use crate::service::Params;
use crate::service::params::ParamList;
use crate::stream::json;
use crate::util::bounded_writer::BoundedWriter;
use crate::wire::buffer::Scratch;
use crate::wire::decode::{self, Payload, Rules};
use crate::wire::encode;

/// Reads a message; how many there are in it.
pub fn envelope(text: &str, limits: &Limits) -> usize {
    match decode::decode(text, &Rules::new(limits, false)) {
        Payload::Single(_) | Payload::Broken => 1,
        Payload::Batch(batch) => batch.len(),
    }
}

/// Where answers are written.
#[derive(Default)]
pub struct Answers(Scratch);

impl Answers {
    /// Writes the answer to a request.
    pub fn write(&mut self, id: &str, result: &impl Serialize) -> Bytes {
        self.0.prepare();
        encode::write_head(id, &mut self.0.buffer);
        let out = &mut BoundedWriter::new(&mut self.0.buffer, usize::MAX, 1);
        let written = json::write(out, result);
        written.expect("what is measured can be written");
        encode::write_tail(&mut self.0.buffer);
        self.0.cut()
    }
}

/// Requests that are served.
pub struct Served(Serving<()>);

impl Served {
    /// With so many that wait for something.
    pub fn with(waiting: usize) -> Self {
        let mut serving = Serving::new();
        for id in 0..waiting {
            let key = serving.register(request());
            serving.keep(key, &id.to_string().into());
        }
        Self(serving)
    }

    /// One that ends at once.
    pub fn come_and_go(&mut self) {
        let key = self.0.register(request());
        self.0.complete(key).expect("it was just added");
    }

    /// One that is kept in between.
    pub fn come_stay_and_go(&mut self, id: &str) {
        let key = self.0.register(request());
        self.0.keep(key, &id.into());
        self.0.complete(key).expect("it was just added");
    }
}

fn request() -> New<()> {
    let (cost, now) = (Cost { bytes: 5, tokens: 3 }, Duration::ZERO);
    let (greeted, place, deadline, cold) = (false, None, None, None);
    New { is_request: true, greeted, place, method: 0, cost, deadline, cold, now }
}

/// Calls that this end made.
pub struct Made(Calls<(), ()>);

impl Made {
    /// With so many that have no answer yet.
    pub fn with(open: usize) -> Self {
        let mut made = Self(Calls::new());
        for _ in 0..open {
            made.call();
        }
        made
    }

    /// Makes one.
    pub fn call(&mut self) -> u64 {
        let id = self.0.next_id();
        let deadline = Some(Duration::from_secs(30));
        let place = calls::MessageState::InFlight(id);
        let (handler, cold, waiter) = (None, None, Some(()));
        let new = calls::New { place, deadline, handler, cold, waiter, is_forwarded: false };
        self.0.register(id, new);
        id
    }

    /// Makes one, which is answered and collected.
    pub fn come_and_go(&mut self) {
        let id = self.call();
        self.0.complete(id, ());
        self.0.take(id, |kept| *kept = Some(())).expect("it was just answered");
    }
}

/// Messages that wait for the transport.
pub struct Queue(Outbox<()>);

impl Queue {
    /// With so many in it.
    pub fn with(messages: usize) -> Self {
        let mut queue = Self(Outbox::new(usize::MAX));
        (0..messages).for_each(|_| queue.push());
        queue
    }

    fn push(&mut self) {
        self.0.push(Bytes::from_static(b"{}"), Carried::None);
    }

    /// One more at the end, and the first one out.
    pub fn pass(&mut self) {
        self.push();
        self.0.pop().expect("there is one");
    }
}

/// Reads params, as generated code does; whether they fit.
pub fn params<L: ParamList>(text: &str, info: &[ParamInfo]) -> bool {
    crate::service::params::decode_list::<L>(None, Params::of(Some(text)), info, &mut None).is_ok()
}
