//! Notifications: one after the other, within their limits, and pauses of reading.

use super::*;

#[test]
fn notifications_start_one_after_the_other_and_requests_beside_them() {
    let mut protocol = protocol(|_| {});
    let first = notification(&mut protocol).unwrap();
    assert_eq!(notification(&mut protocol), None);
    assert!(request(&mut protocol, 1).is_some());
    assert!(protocol.next_to_start(ZERO).is_none());
    protocol.finish(Started::resume(first), None);
    let (second, _) = protocol.next_to_start(ZERO).unwrap();
    assert!(notification(&mut protocol).is_none());
    protocol.finish(second, None);
    assert!(protocol.next_to_start(ZERO).is_some());
}

#[test]
fn a_notification_that_runs_too_long_is_stopped_and_counted() {
    let mut protocol = protocol(|_| {});
    let stuck = notification(&mut protocol).unwrap();
    assert_eq!(notification(&mut protocol), None);
    assert_eq!(protocol.expire(secs(30)), [stuck]);
    assert_eq!(protocol.counters.stopped_notifications, 1);
    assert!(protocol.next_to_start(secs(30)).is_some());
    assert_eq!(next(&mut protocol), None, "nobody is told");
}

#[test]
fn reading_pauses_for_notifications_unless_a_call_of_ours_waits() {
    let mut protocol = protocol(|limits| limits.waiting_notifications = 1);
    let running = notification(&mut protocol).unwrap();
    notification(&mut protocol);
    assert_eq!(protocol.may_read(ZERO), Ok(Reading::On));
    notification(&mut protocol);
    assert_eq!(protocol.may_read(secs(1)), Ok(Reading::Paused));
    assert_eq!(protocol.overdue(secs(10), true), None);
    assert_eq!(protocol.overdue(secs(11), true).unwrap().code, Some(CloseCode::POLICY));

    protocol.finish(Started::resume(running), None);
    assert!(protocol.next_to_start(secs(2)).is_some());
    assert_eq!(protocol.may_read(secs(2)), Ok(Reading::On));
    assert_eq!(protocol.overdue(secs(20), true), None);

    notification(&mut protocol);
    call(&mut protocol, "call");
    assert_eq!(protocol.may_read(ZERO).unwrap_err().code, Some(CloseCode::POLICY));
}

#[test]
fn reading_never_pauses_while_a_stream_waits_for_credit() {
    let mut protocol = protocol(|limits| limits.waiting_notifications = 1);
    let hello = r#"{"jsonrpc":"2.0","method":"$/hello","params":{"duplex":1,"window":64}}"#;
    receive(&mut protocol, hello);
    let key = request(&mut protocol, 1).unwrap();
    let stream = protocol.open_outgoing(key, "1", r#""s""#.into()).unwrap();
    let message = Bytes::from_static(b"item");
    protocol.push_items(stream, [ItemMessage { message, cost: 64, seq: Some(1) }], ZERO);
    assert_eq!(protocol.room_for_items(stream, 0), None);
    for _ in 0..3 {
        notification(&mut protocol);
    }
    assert_eq!(protocol.may_read(ZERO).unwrap_err().code, Some(CloseCode::POLICY));
    let credit = r#"{"jsonrpc":"2.0","method":"$/credit","params":{"subscription":"s","bytes":1}}"#;
    receive(&mut protocol, credit);
    assert_eq!(protocol.may_read(ZERO), Ok(Reading::Paused));
}

#[test]
fn waiting_notifications_are_bounded_in_bytes_too() {
    let mut protocol = protocol(|limits| limits.inflight_bytes = 7);
    notification(&mut protocol).unwrap();
    notification(&mut protocol);
    assert_eq!(protocol.may_read(ZERO), Ok(Reading::On));
    assert_eq!(request(&mut protocol, 1), None, "there is no room for its params");
    assert!(next(&mut protocol).unwrap().contains("`inflight_bytes`"));
    notification(&mut protocol);
    assert_eq!(protocol.may_read(ZERO), Ok(Reading::On));
    notification(&mut protocol);
    assert_eq!(protocol.may_read(ZERO), Ok(Reading::Paused));
}

/// Their sender takes them for received, so that nobody else counts them.
#[test]
fn notifications_that_wait_when_the_connection_ends_are_counted() {
    let mut protocol = protocol(|_| {});
    let running = notification(&mut protocol);
    assert!(running.is_some() && notification(&mut protocol).is_none());
    protocol.end(&CloseReason::link("lost"));
    assert_eq!(protocol.counters.dropped, 1, "the second one has not begun");
}
