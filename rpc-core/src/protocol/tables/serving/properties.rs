//! Served calls against a plain list: limits, places that are lent, and what an ordered request waits
//! for, which is counted up and down here and counted anew in the list.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Step {
    Insert(usize),
    Ordered,
    StartOrdered,
    Lend(usize),
    GiveBack(usize),
    Returned(usize),
    Remove(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let at = 0..8usize;
    prop_oneof![
        2 => (0..50usize).prop_map(Step::Insert),
        2 => Just(Step::Ordered),
        2 => Just(Step::StartOrdered),
        1 => at.clone().prop_map(Step::Lend),
        1 => at.clone().prop_map(Step::GiveBack),
        1 => at.clone().prop_map(Step::Returned),
        3 => at.prop_map(Step::Remove),
    ]
}

struct Known {
    key: Key,
    id: String,
    bytes: usize,
    calls: usize,
    returned: bool,
    /// Of an ordered request that has not started.
    waits: bool,
}

impl Known {
    fn holds_up(&self) -> bool {
        self.calls == 0 && !self.returned
    }
}

/// The oldest ordered request, if nothing before it holds it up: what waits itself does too.
fn ready(known: &[Known]) -> Option<usize> {
    let oldest = known.iter().position(|it| it.waits)?;
    known[..oldest].iter().all(|it| !it.holds_up()).then_some(oldest)
}

fn request(bytes: usize) -> New<()> {
    let cost = Cost { bytes, tokens: 1 };
    let (place, deadline, now, cold) = (None, None, Duration::ZERO, None);
    New { is_request: true, greeted: false, place, method: 0, cost, deadline, cold, now }
}

/// The name of the limit that the list finds reached.
fn limit_reached(known: &[Known], limits: &Limits) -> Option<&'static str> {
    let bytes: usize = known.iter().map(|it| it.bytes).sum();
    if known.iter().filter(|it| it.calls == 0).count() >= limits.inflight_requests {
        Some("inflight_requests")
    } else if known.len() >= limits.live_handlers {
        Some("live_handlers")
    } else if bytes + 10 > limits.inflight_bytes {
        Some("inflight_bytes")
    } else if known.len() + 1 > limits.tokens_inflight {
        Some("tokens_inflight")
    } else {
        None
    }
}

proptest! {
    #[test]
    fn served_calls_agree_with_a_list(steps in vec(step(), 0..120)) {
        let mut limits = Limits::server();
        (limits.inflight_requests, limits.live_handlers) = (4, 7);
        (limits.inflight_bytes, limits.tokens_inflight) = (120, 6);
        let (mut serving, mut known) = (Serving::<()>::new(), Vec::<Known>::new());
        for (number, step) in steps.into_iter().enumerate() {
            let (id, count) = (number.to_string(), known.len());
            let (calls, returned) = (0, false);
            match step {
                Step::Insert(bytes) if count < 8 => {
                    let key = serving.register(request(bytes));
                    serving.keep(key, &Id::new(&id));
                    known.push(Known { key, id, bytes, calls, returned, waits: false });
                }
                Step::Ordered if count < 8 => {
                    serving.register_ordered(request(0), &id, "[]".into());
                    let key = serving.find(&id).unwrap();
                    known.push(Known { key, id, bytes: 0, calls, returned, waits: true });
                }
                Step::StartOrdered if serving.has_ready_ordered() => {
                    let at = ready(&known).expect("the list agrees");
                    let (key, params) = serving.next_ordered().expect("one is ready");
                    prop_assert_eq!((key, &*params), (known[at].key, "[]"));
                    known[at].waits = false;
                }
                Step::Lend(at) if at < count && !known[at].waits => {
                    known[at].calls += 1;
                    prop_assert_eq!(serving.release_permit(known[at].key), known[at].calls == 1);
                }
                Step::GiveBack(at) if at < count && known[at].calls > 0 => {
                    known[at].calls -= 1;
                    prop_assert_eq!(serving.reacquire_permit(known[at].key), known[at].calls == 0);
                }
                Step::Returned(at) if at < count && !known[at].waits => {
                    serving.returned(known[at].key);
                    known[at].returned = true;
                }
                Step::Remove(at) if at < count => {
                    let gone = known.remove(at);
                    let ended = serving.complete(gone.key).expect("it was served");
                    prop_assert_eq!(ended.id.as_deref(), Some(&*gone.id));
                    prop_assert!(serving.complete(gone.key).is_none() && serving.find(&gone.id).is_none());
                }
                _ => {}
            }
            prop_assert_eq!(serving.has_ready_ordered(), ready(&known).is_some());
            let would_wait = known.iter().any(|it| it.waits || it.holds_up());
            prop_assert_eq!(serving.holds_up_ordered(), would_wait);
            let cost = Cost { bytes: 10, tokens: 1 };
            prop_assert_eq!(serving.limit_reached(cost, 0, &limits), limit_reached(&known, &limits));
            for it in &known {
                prop_assert_eq!(serving.find(&it.id), Some(it.key));
                prop_assert_eq!(serving.is_released(it.key), it.calls > 0);
            }
        }
        known.iter().for_each(|it| drop(serving.complete(it.key)));
        serving.shrink();
        prop_assert_eq!((serving.requests(), serving.released, serving.cost), (0, 0, Cost::default()));
    }
}
