//! Batches whose answers have no room.

use super::*;

/// A batch that holds all that batches may, and the key of its member that does not end.
fn full_batch(protocol: &mut TestProtocol) -> Key {
    let batch = protocol.begin_batch(2);
    let [done, slow] = [100, 101].map(|id| member(protocol, batch, id).unwrap());
    protocol.end_batch(batch);
    protocol.finish(Started::resume(done), Some(("100", Bytes::from_static(b"as much as it may"))));
    // It has asked first, so it may go on.
    assert_eq!(protocol.room_for_answer(slow), Room::Now);
    slow
}

#[test]
fn members_without_room_step_aside_and_come_back() {
    let mut protocol = protocol(|limits| limits.queue = 10);
    let slow = full_batch(&mut protocol);
    let other = protocol.begin_batch(1);
    assert_eq!(member(&mut protocol, other, 1), None);
    protocol.end_batch(other);
    assert_eq!(start(&mut protocol), None);
    assert!(!protocol.has_waiting(), "nothing would come of looking again");
    assert!(request(&mut protocol, 2).is_some(), "others do not wait for it");

    protocol.finish(Started::resume(slow), Some(("101", Bytes::from_static(b"end"))));
    next(&mut protocol);
    assert!(protocol.has_waiting());
    assert_eq!(start(&mut protocol).as_deref(), Some("1"));
}

#[test]
fn what_a_waiting_handler_may_depend_on_is_let_on_or_refused_but_never_waits() {
    let mut protocol = protocol(|limits| {
        limits.queue = 10;
        limits.message_out = 1000;
    });
    let slow = full_batch(&mut protocol);
    let other = protocol.begin_batch(2);
    assert_eq!([1, 2].map(|id| member(&mut protocol, other, id)), [None, None]);
    protocol.end_batch(other);
    assert_eq!(start(&mut protocol), None);
    assert!(!protocol.must_gather_on());

    protocol.release_permit(slow);
    assert!(protocol.must_gather_on(), "whichever thread it was");
    let (first, _) = protocol.next_to_start(ZERO).unwrap();
    assert_eq!(protocol.room_for_answer(first.key()), Room::Now);
    protocol.finish(first, Some(("1", Bytes::from_static(b"help"))));

    let third = protocol.begin_batch(20);
    (0..20).for_each(|_| refused_member(&mut protocol, third));
    assert_eq!(start(&mut protocol), None, "a `message_out` more is all that there is");
    let answer = next(&mut protocol).expect("the batch is whole");
    assert!(answer.contains("help") && answer.contains("-32009"), "{answer}");
    assert!(!protocol.must_gather_on());
}

#[test]
fn refusals_that_unfinished_batches_hold_are_bounded() {
    let mut protocol = protocol(|limits| {
        limits.queue = 1000;
        limits.message_out = 1000;
    });
    let mut batches = 0;
    while protocol.overdue(ZERO, true).is_none() {
        let batch = protocol.begin_batch(2);
        member(&mut protocol, batch, batches);
        refused_member(&mut protocol, batch);
        protocol.end_batch(batch);
        batches += 1;
        assert!(batches < 100, "3,000 bytes hold no more than 15 refusals");
    }
    assert_eq!(protocol.overdue(ZERO, true).unwrap().code, Some(CloseCode::SLOW_READER));
    assert_eq!(next(&mut protocol), None, "not one batch is whole");
}
