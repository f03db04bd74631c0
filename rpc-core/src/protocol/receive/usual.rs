//! A fast path for requests of which nothing is unusual, as nearly all are: their handlers start at once.
//!
//! Whatever else may become of a request is left to [`receive`](Protocol::receive): this file refuses nothing. A test
//! checks that both do the same.

use std::time::Duration;

use crate::protocol::tables::serving::{Cost, New};
use crate::protocol::{Protocol, Started};
use crate::wire::decode::Request;

/// What the driver knows of a usual request before the protocol sees it. Its method has no streams among its parameters,
/// and is not ordered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct UsualArrival {
    pub(crate) method: usize,
    /// The number of handlers that were stopped and still run on another task or thread.
    pub(crate) orphans: usize,
    /// The batch that the request is a member of.
    pub(crate) batch: Option<usize>,
    /// The time since the start of the connection.
    pub(crate) now: Duration,
}

impl<W> Protocol<W> {
    /// Takes a request whose handler is to start now. `None` says nothing about the request, and changes nothing: then
    /// [`receive`](Self::receive) takes the request.
    #[inline(always)] // for single requests and for members of batches
    pub(crate) fn receive_usual(
        &mut self,
        request: &Request<'_>,
        UsualArrival { method, orphans, batch, now }: UsualArrival,
    ) -> Option<Started> {
        let Request { id, params, complexity, timeout, extensions, .. } = request;
        let cost = Cost { bytes: params.map_or(0, str::len), tokens: complexity.tokens };
        let is_usual = self.ended.is_none()
            && self.held.is_none()
            && !self.restricted
            && timeout.is_none()
            && extensions.is_none()
            && !complexity.is_disguised
            && complexity.depth <= self.limits.depth
            && self.outbox.has_room()
            && !self.must_not_overtake()
            && !self.serving.has_kept()
            && (batch.is_none() || self.batches.bytes() < self.limits.queue)
            && self.limit_reached(cost, orphans).is_none();
        if !is_usual {
            return None;
        }
        self.outgoing.forget_request(id);
        let place = batch.map(|batch| self.batches.add_slot(batch));
        let (is_request, greeted) = (true, self.hello.window().is_some());
        let (deadline, cold) = (None, None);
        let new = New { is_request, greeted, place, method, cost, deadline, cold, now };
        Some(Started::new(self.serving.register(new)))
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::*;
    use crate::limits::Limits;
    use crate::protocol::target::Target;
    use crate::protocol::{Arrival, Event};
    use crate::util::sync::Arc;
    use crate::wire::decode::{Incoming, Payload, Rules, decode};
    use crate::wire::goaway::GoAway;
    use crate::wire::id::Id;

    /// What the other end and the handlers do.
    #[derive(Debug, Clone)]
    enum Step {
        /// A request: its id, what stands beside the id, and the number of orphans.
        Request(u8, &'static str, usize),
        BeginBatch,
        EndBatch,
        /// A kept handler ends, with an answer of this length.
        Finish(usize, usize),
        Drain,
        /// Messages leave.
        Send,
    }

    fn step() -> impl Strategy<Value = Step> {
        let beside = prop::sample::select(vec![
            "",
            "",
            r#","params":[1,2]"#,
            r#","params":[1,2,3,4,5,6,7,8,9]"#,
            r#","params":[[[1]]]"#,
            r#","params":{"$serde_json::private::Number":"1"}"#,
            r#","timeoutMs":5"#,
            r#","timeoutMs":0"#,
            r#","progressToken":1"#,
        ]);
        prop_oneof![
            8 => (0..6_u8, beside, 0..3_usize).prop_map(|(id, beside, orphans)| Step::Request(id, beside, orphans)),
            1 => Just(Step::BeginBatch),
            1 => Just(Step::EndBatch),
            3 => (0..8_usize, 1..60_usize).prop_map(|(at, length)| Step::Finish(at, length)),
            1 => Just(Step::Send),
        ]
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let drain = prop::option::weighted(0.2, 0..40_usize);
        (prop::collection::vec(step(), 0..40), drain).prop_map(|(mut steps, drain)| {
            if let Some(at) = drain.filter(|at| *at < steps.len()) {
                steps.insert(at, Step::Drain);
            }
            steps
        })
    }

    /// One end, and all that can be seen of it.
    struct End {
        protocol: Protocol<()>,
        /// Whether requests come by the fast path first.
        is_fast: bool,
        batch: Option<usize>,
        kept: Vec<(Started, Id)>,
        seen: Vec<String>,
    }

    impl End {
        fn new(is_fast: bool) -> Self {
            let limits = Limits {
                depth: 2,
                tokens_inflight: 12,
                inflight_requests: 4,
                inflight_bytes: 60,
                queue: 400,
                ..Limits::server()
            };
            let protocol = Protocol::new(Arc::new(limits));
            Self { protocol, is_fast, batch: None, kept: Vec::new(), seen: Vec::new() }
        }

        fn request(&mut self, text: &str, orphans: usize) {
            let rules = Rules::new(&self.protocol.limits, false);
            let Payload::Single(incoming) = decode(text, &rules) else { panic!("{text}") };
            let (method, batch, now) = (7, self.batch, Duration::ZERO);
            if let (true, Incoming::Request(request)) = (self.is_fast, &incoming) {
                let arrival = UsualArrival { method, orphans, batch, now };
                if let Some(started) = self.protocol.receive_usual(request, arrival) {
                    self.seen.push("started".into());
                    return self.begun(started, request.id);
                }
            }
            let (target, late, streams) = (Some(Target::Method(method)), false, None);
            let arrival = Arrival { target, orphans, batch, late, streams, attached: None, now };
            match self.protocol.receive(incoming, arrival) {
                Event::Serve(started, serve) => {
                    assert!(serve.has_room);
                    self.seen.push("started".into());
                    self.begun(started, serve.id.unwrap());
                }
                event => self.seen.push(format!("{event:?}")),
            }
        }

        /// Every third handler goes on after its first poll.
        fn begun(&mut self, started: Started, id: &str) {
            if self.seen.len().is_multiple_of(3) {
                let id = Id::new(id);
                self.protocol.keep(started, Some(&id));
                let key = self.protocol.serving.find(&id).unwrap();
                self.kept.push((Started::resume(key), id));
            } else {
                self.protocol.finish(started, Some((id, Bytes::from(format!("answer {id}")))));
            }
        }

        fn step(&mut self, step: &Step) {
            match step {
                Step::Request(id, beside, orphans) => {
                    let text = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"m"{beside}}}"#);
                    self.request(&text, *orphans);
                }
                Step::BeginBatch if self.batch.is_none() => {
                    self.batch = Some(self.protocol.begin_batch(5));
                }
                Step::EndBatch => {
                    self.batch.take().into_iter().for_each(|batch| self.protocol.end_batch(batch));
                }
                Step::Finish(at, length) if *at < self.kept.len() => {
                    let (started, id) = self.kept.remove(*at);
                    let answer = Bytes::from("x".repeat(*length));
                    self.protocol.finish(started, Some((&id, answer)));
                }
                Step::Drain => self.protocol.drain(&GoAway::new("over")),
                Step::Send => {
                    while let Some(message) = self.protocol.next_message() {
                        self.seen.push(format!("{message:?}"));
                    }
                }
                Step::BeginBatch | Step::Finish(..) => {}
            }
            let Protocol { serving, batches, outbox, .. } = &self.protocol;
            let served: Vec<_> = serving.iter().map(|it| (it.method, it.cost, it.place)).collect();
            let sizes = (batches.bytes(), batches.takes(), outbox.takes());
            self.seen.push(format!("{served:?} {sizes:?} {}", serving.numbered()));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

        #[test]
        fn the_general_path_does_the_same(steps in steps()) {
            let (mut fast, mut general) = (End::new(true), End::new(false));
            for step in &steps {
                fast.step(step);
                general.step(step);
                prop_assert_eq!(&fast.seen, &general.seen);
            }
        }
    }

    #[test]
    fn a_usual_request_is_taken() {
        let mut end = End::new(true);
        let text = r#"{"jsonrpc":"2.0","id":1,"method":"m","params":[1]}"#;
        let rules = Rules::new(&end.protocol.limits, false);
        let Payload::Single(Incoming::Request(request)) = decode(text, &rules) else { panic!() };
        for batch in [None, Some(end.protocol.begin_batch(1))] {
            let arrival = UsualArrival { method: 0, orphans: 0, batch, now: Duration::ZERO };
            let started = end.protocol.receive_usual(&request, arrival).expect("it is usual");
            end.protocol.finish(started, Some(("1", Bytes::from_static(b"1"))));
        }
    }
}
