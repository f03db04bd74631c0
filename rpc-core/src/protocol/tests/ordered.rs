//! Ordered requests, and what holds them up.

use super::*;

#[test]
fn an_ordered_request_starts_at_once_if_all_before_it_has_ended() {
    let mut protocol = protocol(|_| {});
    assert!(ordered(&mut protocol, 1));
    assert!(!ordered(&mut protocol, 2), "one of its kind runs");
    assert_eq!(start(&mut protocol), None);
    assert!(request(&mut protocol, 3).is_some(), "no other waits for them");
    assert!(!protocol.has_waiting() && !protocol.may_start_ordered());
}

#[test]
fn an_ordered_request_waits_for_notifications_that_have_not_started() {
    let mut protocol = protocol(|_| {});
    let running = notification(&mut protocol).unwrap();
    notification(&mut protocol);
    protocol.finish(Started::resume(running), None);
    assert!(!ordered(&mut protocol, 1), "one is to start before it");
    assert_eq!(start(&mut protocol).as_deref(), Some(""));
    assert_eq!(start(&mut protocol), None, "and to end");
    assert!(request(&mut protocol, 2).is_some());
}

#[test]
fn a_call_that_waits_in_front_of_the_wire_lets_an_ordered_request_start() {
    let mut protocol = protocol(|limits| limits.calls_on_wire = 0);
    let running = request(&mut protocol, 1).unwrap();
    assert!(!ordered(&mut protocol, 2));
    assert!(!protocol.may_start_ordered());
    let starts = [Start { caller: Caller::Handler(running), ..Start::default() }];
    let message = |_: &[u64]| Bytes::from_static(b"[]");
    let filler = [Start::default(), Start::default()];
    protocol.start_batch(&filler, 0, message).unwrap();
    protocol.start_batch(&starts, 0, message).unwrap();
    while next(&mut protocol).is_some() {}
    assert!(protocol.is_sent() && protocol.may_start_ordered());
    assert_eq!(start(&mut protocol).as_deref(), Some("2"));
}
