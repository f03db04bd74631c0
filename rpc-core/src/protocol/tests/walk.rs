//! Everything at random.

use super::*;

/// Calls, drops, answers, cancels and ends in a random order: afterwards every count is zero.
#[test]
fn a_random_walk_ends_at_zero() {
    for seed in 0..200 {
        let mut random = crate::util::testing::Random::new(seed);
        let mut protocol = protocol(|limits| {
            limits.queue = 60;
            limits.calls_on_wire = 3;
            limits.pending_calls = 8;
            limits.inflight_requests = 4;
            limits.live_handlers = 6;
        });
        let (mut calls, mut served) = (Vec::new(), Vec::new());
        for step in 0..400u32 {
            let now = Duration::from_millis(step.into());
            match random.below(9) {
                0 => {
                    let deadline = (random.below(2) == 0).then(|| now + secs(1) / 50);
                    let caller = match served.get(random.below(8)) {
                        Some(key) => Caller::Handler(*key),
                        None => Caller::Outside,
                    };
                    let start = Start { deadline, caller, ..Start::default() };
                    let message = |_| Bytes::from_static(b"0123456789");
                    calls.extend(protocol.start(start, &mut None, message));
                }
                1 if !calls.is_empty() => {
                    protocol.abandon(calls.swap_remove(random.below(calls.len())));
                }
                2 if !calls.is_empty() => {
                    let at = random.below(calls.len());
                    let text = format!(r#"{{"id":{},"result":1}}"#, calls[at]);
                    receive(&mut protocol, &text);
                    if protocol.poll_outcome(calls[at], |kept| *kept = Some("w")).is_some() {
                        calls.swap_remove(at);
                    }
                }
                3 => served.extend(request(&mut protocol, step)),
                4 if !served.is_empty() => {
                    let key = served.swap_remove(random.below(served.len()));
                    protocol
                        .finish(Started::resume(key), Some(("1", Bytes::from_static(b"answer"))));
                }
                5 => served.extend(notification(&mut protocol)),
                6 => {
                    let stopped = protocol.expire(now);
                    served.retain(|key| !stopped.contains(key));
                }
                7 => {
                    let next = protocol.next_to_start(now);
                    served.extend(next.map(|(started, _)| protocol.keep(started, None)));
                }
                _ => {
                    protocol.next_message();
                    protocol.on_sent(random.below(30), now);
                }
            }
            assert!(protocol.on_wire <= protocol.calls.open());
        }
        if seed % 2 == 0 {
            protocol.end(&CloseReason::link("lost"));
            protocol.discard();
        } else {
            for id in calls.drain(..) {
                protocol.abandon(id);
            }
            served.drain(..).for_each(|key| protocol.finish(Started::resume(key), None));
            protocol.on_sent(0, ZERO);
            loop {
                while protocol.next_message().is_some() {}
                protocol.on_sent(0, ZERO);
                match protocol.next_to_start(ZERO) {
                    Some((started, _)) => protocol.finish(started, None),
                    None if protocol.is_sent() => break,
                    None => {}
                }
            }
            assert_eq!(protocol.on_wire, 0);
        }
        assert_eq!(
            (protocol.in_flight(), protocol.pending(), protocol.queue_bytes()),
            (0, 0, 0),
            "seed {seed}"
        );
        assert_eq!(protocol.notifications.bytes(), 0);
    }
}
