//! What waits above the limit of the queue, and peers that read too slowly.

use super::*;

#[test]
fn above_the_queue_limit_calls_wait_and_answers_enter() {
    let mut protocol = protocol(|limits| limits.queue = 4);
    let served = request(&mut protocol, 7).unwrap();
    call(&mut protocol, "full");
    let waits = call(&mut protocol, "call");
    let ticket = protocol.notify(Bytes::from_static(b"note"), || false).unwrap().unwrap();
    assert_eq!(protocol.poll_entered(ticket, |kept| *kept = Some("note waits")), Ok(false));

    assert_eq!(protocol.room_for_answer(served), Room::Deferred, "results wait for room");
    protocol.finish(Started::resume(served), Some(("1", Bytes::from_static(b"answer"))));
    receive(&mut protocol, r#"{"jsonrpc":"2.0","id":8,"method":"none"}"#);
    assert_eq!(next(&mut protocol).unwrap(), "full");
    assert_eq!(next(&mut protocol).unwrap(), "answer");
    assert!(next(&mut protocol).unwrap().contains("-32601"));
    assert_eq!(next(&mut protocol), None);

    protocol.on_sent(0, ZERO);
    assert_eq!(next(&mut protocol).unwrap(), "call");
    protocol.on_sent(0, ZERO);
    assert_eq!(protocol.to_wake, ["note waits"]);
    assert_eq!(protocol.poll_entered(ticket, |_| unreachable!()), Ok(true));
    assert_eq!(next(&mut protocol).unwrap(), "note");
    let _ = waits;
}

#[test]
fn above_the_queue_limit_no_handler_starts_and_later_they_do_in_order() {
    let mut protocol = protocol(|limits| limits.queue = 4);
    call(&mut protocol, "full");
    assert_eq!(request(&mut protocol, 1), None);
    assert_eq!(request(&mut protocol, 2), None);
    assert_eq!(notification(&mut protocol), None);
    assert_eq!(protocol.in_flight(), 2, "they count");
    assert!(protocol.next_to_start(ZERO).is_none());

    next(&mut protocol);
    assert_eq!(request(&mut protocol, 3), None, "it must not overtake");
    let mut started = Vec::new();
    while let Some((_running, serve)) = protocol.next_to_start(ZERO) {
        assert_eq!(serve.params.as_deref(), Some("[1]"));
        started.push(serve.id);
    }
    let ids = ["1", "2", "3"].map(|id| Some(id.into()));
    assert_eq!(started, [&[None], &ids[..]].concat());
}

#[test]
fn a_slow_reader_is_found_by_bytes_and_by_time() {
    let mut protocol = protocol(|limits| {
        limits.queue = 300;
        limits.message_out = 250;
    });
    for id in 0..4 {
        receive(&mut protocol, &format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"none"}}"#));
        protocol.on_sent(0, secs(1));
    }
    assert!(protocol.queue_bytes() > 200);
    assert_eq!(protocol.overdue(secs(1), true).unwrap().code, Some(CloseCode::SLOW_READER));
    (0..3).for_each(|_| drop(next(&mut protocol)));
    protocol.on_sent(100, secs(2));
    assert_eq!(protocol.overdue(secs(10), true), None);
    assert_eq!(protocol.next_deadline(), Some(secs(11)));
    assert_eq!(protocol.overdue(secs(11), true).unwrap().code, Some(CloseCode::SLOW_READER));
    protocol.on_sent(0, secs(11));
    assert_eq!(protocol.overdue(secs(30), true), None);
}

/// Many callers over a slow link closed a connection whose other end read all the time.
#[test]
fn who_reads_is_not_slow_although_what_waits_fills_the_queue_again() {
    let mut protocol = protocol(|limits| limits.queue = 4);
    for method in ["full", "waits", "waits"] {
        call(&mut protocol, method);
    }
    protocol.on_sent(0, secs(1));
    assert_eq!(next(&mut protocol).unwrap(), "full");
    protocol.on_sent(0, secs(8));
    assert_eq!(protocol.overdue(secs(17), true), None);
    protocol.on_sent(0, secs(17));
    assert_eq!(protocol.overdue(secs(18), true).unwrap().code, Some(CloseCode::SLOW_READER));
}

/// What the queue keeps beside the text closed healthy connections.
#[test]
fn a_message_of_message_out_is_not_too_much_where_there_was_room_for_a_byte() {
    for takes in 0..300 {
        let mut protocol = protocol(|limits| {
            limits.queue = 300;
            limits.message_out = 1000;
        });
        protocol.on_sent(takes, ZERO);
        assert!(protocol.outbox.has_room());
        protocol.reply(None, None, Bytes::from(vec![b' '; 1000]));
        assert_eq!(protocol.overdue(ZERO, true), None, "above {takes} bytes");
    }
}
