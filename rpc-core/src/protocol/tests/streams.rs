//! Streams: their ids, their limits, and stops that cross their end.

use super::*;

#[test]
fn no_open_stream_has_the_id_of_a_new_one() {
    let mut protocol = protocol(|_| {});
    let key = request(&mut protocol, 1).unwrap();
    protocol.open_outgoing(key, "1", "7".into()).unwrap();
    let mut chances = ["7", "7", "8", "9"].into_iter();
    assert_eq!(protocol.unused_id(|| chances.next().map(Box::from)).as_deref(), Some("8"));
    assert_eq!(protocol.unused_id(|| None), None);
}

#[test]
fn subscriptions_that_are_asked_for_count_as_streams() {
    let mut protocol = protocol(|limits| limits.streams = 2);
    let start =
        || Start { wanted: Some(Wanted::ended_by("unsubscribe".into())), ..Start::default() };
    let mut subscribe = || protocol.start(start(), &mut None, |_| Bytes::from_static(b"subscribe"));
    let first = subscribe().unwrap();
    subscribe().unwrap();
    assert_eq!(subscribe(), Err(Refused::Busy));
    protocol.abandon(first);
    let mut subscribe = || protocol.start(start(), &mut None, |_| Bytes::from_static(b"subscribe"));
    let third = subscribe().unwrap();
    assert_eq!(subscribe(), Err(Refused::Busy));
    while next(&mut protocol).is_some() {}
    receive(&mut protocol, &format!(r#"{{"id":{third},"error":{{"code":1,"message":"no"}}}}"#));
    let mut subscribe = || protocol.start(start(), &mut None, |_| Bytes::from_static(b"subscribe"));
    assert!(subscribe().is_ok(), "the error has made room");
}

/// The other end tells that it wants no more of a stream just as that ends with its call. It makes no
/// request for that, so the streams themselves make up for it.
#[test]
fn a_stop_that_crosses_the_end_of_a_stream_among_params_is_not_stray() {
    let mut protocol = protocol(|limits| limits.stray_rate = 1);
    let hello = r#"{"jsonrpc":"2.0","method":"$/hello","params":{"duplex":1}}"#;
    receive(&mut protocol, hello);
    let stop = r#"{"jsonrpc":"2.0","method":"$/stop","params":{"subscription":"s"}}"#;
    for _ in 0..50 {
        let start = Start { streams: vec![r#""s""#.into()], ..Start::default() };
        let id = protocol.start(start, &mut None, |_| Bytes::from_static(b"call")).unwrap();
        while next(&mut protocol).is_some() {}
        let answer = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":1}}"#);
        receive(&mut protocol, &answer);
        assert!(protocol.poll_outcome(id, |_| unreachable!()).is_some());
        receive(&mut protocol, stop);
        assert_eq!((protocol.counters.stray, protocol.overdue(ZERO, true)), (0, None));
    }
    receive(&mut protocol, stop);
    assert_eq!((protocol.counters.stray, protocol.overdue(ZERO, true)), (1, None));
    receive(&mut protocol, stop);
    let reason = "more stray messages than `stray_rate`";
    assert_eq!(protocol.overdue(ZERO, true), Some(CloseReason::us(CloseCode::POLICY, reason)));
}
