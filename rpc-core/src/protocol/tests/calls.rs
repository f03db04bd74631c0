//! Calls of this end: their fate, the wire, and the permits of the handlers that make them.

use super::*;

#[test]
fn the_fate_of_a_call_is_decided_by_how_far_it_went() {
    let mut protocol = protocol(|limits| limits.calls_on_wire = 3);
    let calls = ["accepted", "handed", "queued", "parked"].map(|text| call(&mut protocol, text));
    next(&mut protocol);
    next(&mut protocol);
    protocol.link_lost(1);
    protocol.end(&CloseReason::link("lost"));
    let fates = calls.map(|id| fate(&mut protocol, id));
    assert_eq!(fates, [Fate::MaybeExecuted, Fate::NotSent, Fate::NotSent, Fate::NotSent]);
    assert_eq!(next(&mut protocol), None, "what is not sent stays unsent");
    assert!(matches!(
        protocol.start(Start::default(), &mut None, |_| unreachable!()),
        Err(Refused::Closed(_))
    ));
}

#[test]
fn a_live_link_may_still_pass_on_what_it_was_given() {
    let mut protocol = protocol(|_| {});
    let deadline = Some(secs(1));
    let start = Start { deadline, ..Start::default() };
    let calls = [(); 2]
        .map(|()| protocol.start(start.clone(), &mut None, |_| Bytes::from_static(b"m")).unwrap());
    next(&mut protocol);
    protocol.expire(secs(1));
    let fates = calls.map(|id| fate(&mut protocol, id));
    assert_eq!(fates, [Fate::MaybeExecuted, Fate::NotSent]);
    assert!(next(&mut protocol).unwrap().contains("$/cancelRequest"));
    assert_eq!(next(&mut protocol), None);
}

#[test]
fn what_a_handler_asks_for_never_waits_for_the_wire() {
    let mut protocol = protocol(|limits| limits.calls_on_wire = 1);
    call(&mut protocol, "busy wire");
    let marked = Start { caller: Caller::Elsewhere, ..Start::default() };
    for text in ["first", "second"] {
        protocol.start(marked.clone(), &mut None, |_| Bytes::from(text)).unwrap();
    }
    let members = [Start::default(), marked];
    protocol.start_batch(&members, 0, |_| Bytes::from_static(b"batch")).unwrap();
    call(&mut protocol, "parked");
    next(&mut protocol);
    let sent = [(); 3].map(|()| next(&mut protocol).unwrap());
    assert_eq!(sent, ["first", "second", "batch"]);
    assert_eq!(next(&mut protocol), None);
}

#[test]
fn a_wire_that_nothing_comes_back_from_is_widened_once_while_a_handler_runs_and_then_given_up() {
    let mut protocol = protocol(|limits| limits.calls_on_wire = 1);
    call(&mut protocol, "on the wire");
    let waiting = ["let on", "busy", "busy as well"].map(|text| call(&mut protocol, text));
    let look = |protocol: &mut Protocol<&str>, at| {
        protocol.expire(at);
        assert_eq!(protocol.overdue(at, true), None);
    };
    next(&mut protocol);
    look(&mut protocol, secs(9));
    assert_eq!(next(&mut protocol), None, "no handler runs that could be waited for");

    request(&mut protocol, 1).unwrap();
    assert!(protocol.wire_is_unwatched(), "somebody has to look at the clock");
    look(&mut protocol, secs(10));
    let relief = Duration::from_millis(250);
    assert_eq!(protocol.next_deadline(), Some(secs(10) + relief));
    look(&mut protocol, secs(10) + relief);
    assert_eq!(next(&mut protocol).unwrap(), "let on");
    assert_eq!(next(&mut protocol), None);
    look(&mut protocol, secs(20));
    let outcomes = waiting.map(|id| protocol.poll_outcome(id, |kept| *kept = Some("again")));
    assert_eq!(outcomes, [None, Some(Outcome::Busy), Some(Outcome::Busy)]);
    assert_eq!(protocol.pending(), 2);
}

#[test]
fn an_answer_shows_that_the_wire_is_alive() {
    let mut protocol = protocol(|limits| limits.calls_on_wire = 2);
    let calls = ["one", "two", "three", "four"].map(|text| call(&mut protocol, text));
    request(&mut protocol, 1).unwrap();
    next(&mut protocol);
    next(&mut protocol);
    protocol.overdue(secs(1), true);
    receive(&mut protocol, &format!(r#"{{"id":{},"result":1}}"#, calls[0]));
    protocol.overdue(secs(2), true);
    assert_eq!(next(&mut protocol).unwrap(), "three");
    protocol.expire(secs(2));
    assert_eq!(next(&mut protocol), None, "it is a second old, but that was before the answer");
}

#[test]
fn calls_behind_a_batch_that_was_given_up_are_let_on() {
    let mut protocol = protocol(|limits| limits.calls_on_wire = 2);
    let members = [Start::default(), Start::default()];
    let ids = protocol.start_batch(&members, 0, |_| Bytes::from_static(b"batch")).unwrap();
    for id in ids.iter() {
        protocol.abandon(*id);
    }
    call(&mut protocol, "behind");
    let sent: Vec<_> = std::iter::from_fn(|| next(&mut protocol)).collect();
    assert!(sent.contains(&"behind".to_owned()), "{sent:?}");
}

#[test]
fn a_place_is_lent_until_the_call_is_resolved_however_it_is() {
    for way in 0..4 {
        let mut protocol = protocol(|limits| limits.inflight_requests = 1);
        let key = request(&mut protocol, 1).unwrap();
        let start =
            Start { deadline: Some(secs(1)), caller: Caller::Handler(key), ..Start::default() };
        let id = protocol.start(start, &mut None, |_| Bytes::from_static(b"call")).unwrap();
        let other = request(&mut protocol, 2).expect("the place is lent");
        protocol.finish(Started::resume(other), None);
        next(&mut protocol);
        match way {
            0 => drop(receive(&mut protocol, r#"{"id":1,"result":1}"#)),
            1 => drop(receive(&mut protocol, r#"{"id":1,"error":7}"#)),
            2 => drop(protocol.expire(secs(1))),
            _ => drop(protocol.abandon(id)),
        }
        assert_eq!(request(&mut protocol, 3), None, "way {way}");
        protocol.finish(Started::resume(key), None);
        assert!(request(&mut protocol, 4).is_some());
    }
}

#[test]
fn who_waits_for_an_answer_is_told_with_it_and_dropped_without_one() {
    let mut protocol = protocol(|_| {});
    let keys = [1, 2, 3].map(|id| request(&mut protocol, id).unwrap());
    let note = notification(&mut protocol).unwrap();
    for (key, name) in keys.iter().zip(["answered", "stopped", "left"]) {
        assert!(protocol.after_answer(*key, |_| name));
    }
    assert!(protocol.after_answer(note, |_| "ended"));
    protocol.finish(Started::resume(keys[0]), Some(("1", Bytes::from_static(b"1"))));
    protocol.stop(keys[1], &ErrorObject::cancelled());
    protocol.finish(Started::resume(note), None);
    assert_eq!(protocol.to_wake, ["answered", "stopped", "ended"]);
    assert!(!protocol.after_answer(keys[0], |_| unreachable!()));
    assert_eq!(protocol.end(&CloseReason::link("lost")), ["left"]);
    assert_eq!(protocol.to_wake.len(), 3);
}
