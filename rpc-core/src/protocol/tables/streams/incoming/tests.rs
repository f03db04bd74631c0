use super::*;

type TestTaken = IncomingStreams<&'static str>;

fn item(json: &str) -> Entry {
    Entry::One(Item::Result(json.into()))
}

fn gap(missing: u64) -> Entry {
    Entry::One(Item::Gap(missing))
}

fn stop_of(removed: Option<Removed<&str>>) -> Option<(Stop, Box<str>)> {
    removed.expect("it was not forgotten").stop
}

#[test]
fn items_come_in_their_order_and_then_the_end() {
    let mut incoming = TestTaken::new(1 << 20);
    let key = incoming
        .register("\"a\"", Stop::Unsubscribe(Wanted::ended_by("stop".into())), None)
        .unwrap();
    assert_eq!(
        incoming.register("\"a\"", Stop::Unsubscribe(Wanted::ended_by("stop".into())), None),
        None
    );
    assert_eq!(incoming.next(key, |kept| *kept = Some("waker")), None);
    assert_eq!(incoming.push(key, "1".into(), None, 1000), Ok(Some("waker")));
    let error = Item::Error(ErrorObject::new(1, "m").into());
    incoming.end(key, Some(error.clone()), None).unwrap();
    assert_eq!(incoming.find("\"a\""), None, "nothing comes any more");
    let mut next = || incoming.next(key, |_| unreachable!());
    assert_eq!(next(), Some(Some(item("1"))));
    assert_eq!(next(), Some(Some(Entry::One(error))));
    assert_eq!(next(), Some(None));
    assert_eq!(stop_of(incoming.remove(key)), None, "the other end has ended it");
    assert_eq!(incoming.len(), 0);
}

#[test]
fn what_does_not_fit_is_one_gap_in_its_place() {
    let mut incoming = TestTaken::new(1 << 20);
    let key =
        incoming.register("1", Stop::Unsubscribe(Wanted::ended_by("stop".into())), None).unwrap();
    for number in ["1", "2", "3", "4"] {
        incoming.push(key, number.into(), None, 2 * cost(1)).unwrap();
    }
    let mut next = || incoming.next(key, |kept| *kept = Some("waker"));
    assert_eq!([next(), next()], [Some(Some(item("1"))), Some(Some(item("2")))]);
    assert_eq!(next(), Some(Some(gap(2))));
    assert_eq!(next(), None);
    let large = "x".repeat(1000);
    incoming.push(key, large.as_str().into(), None, 100).unwrap();
    assert_eq!(
        incoming.next(key, |kept| *kept = Some("w")),
        Some(Some(item(&large))),
        "alone it may be larger"
    );
}

#[test]
fn one_that_is_dropped_is_to_be_unsubscribed() {
    let mut incoming = TestTaken::new(1 << 20);
    let key =
        incoming.register("7", Stop::Unsubscribe(Wanted::ended_by("stop".into())), None).unwrap();
    let stop = Some((Stop::Unsubscribe(Wanted::ended_by("stop".into())), "7".into()));
    assert_eq!(stop_of(incoming.remove(key)), stop);
    assert_eq!(incoming.remove(key), None);
    assert!(incoming.is_idle());
}

#[test]
fn credit_is_granted_again_when_half_of_the_window_was_consumed() {
    let mut incoming = TestTaken::new(1 << 20);
    let key = incoming
        .register("7", Stop::Unsubscribe(Wanted::ended_by("stop".into())), Some(200))
        .unwrap();
    let push = |incoming: &mut TestTaken, seq| {
        incoming.push(key, "x".repeat(100).into(), Some(seq), 0).unwrap();
    };
    let next =
        |incoming: &mut TestTaken| incoming.next(key, |kept| *kept = Some("waker")).flatten();
    (1..=3).for_each(|seq| push(&mut incoming, seq));
    assert_eq!(incoming.credit(key, &Limits::server(), Duration::default, |_| 0), None);
    assert_eq!(next(&mut incoming), Some(item(&"x".repeat(100))));
    assert_eq!(
        incoming.credit(key, &Limits::server(), Duration::default, |_| 0),
        Some(Granted { id: "7", bytes: 100, seq: Some(1) })
    );
    assert_eq!(incoming.credit(key, &Limits::server(), Duration::default, |_| 0), None, "once");
    push(&mut incoming, 4);
    push(&mut incoming, 5);
    assert!(matches!(next(&mut incoming), Some(Entry::One(Item::Result(_)))));
    assert_eq!(next(&mut incoming), Some(gap(1)), "the third had no credit");
    assert!(matches!(next(&mut incoming), Some(Entry::One(Item::Result(_)))));
    assert_eq!(next(&mut incoming), Some(gap(1)), "nor had the fifth");
    assert_eq!(
        incoming.credit(key, &Limits::server(), Duration::default, |_| 0),
        Some(Granted { id: "7", bytes: 200, seq: Some(5) })
    );
    incoming.end(key, None, Some(6)).unwrap();
    assert_eq!(incoming.next(key, |_| unreachable!()), Some(None));
    assert_eq!(stop_of(incoming.remove(key)), None);
}

#[test]
fn an_item_that_asks_for_credit_gets_it_as_soon_as_it_is_consumed() {
    let mut incoming = TestTaken::new(1 << 20);
    let key = incoming.register("7", Stop::Argument, Some(64 << 10)).unwrap();
    incoming.claim(key);
    for (seq, asks) in [(1, true), (2, false), (5, true), (6, true)] {
        incoming.push(key, "1".into(), Some(seq), 0).unwrap();
        if asks {
            incoming.ask_credit(key);
        }
    }
    let limits = Limits::server();
    let mut next = || {
        let taken = incoming.next(key, |kept| *kept = Some("waker")).flatten();
        let credit = incoming.credit(key, &limits, Duration::default, |_| 0);
        (taken, credit.and_then(|Granted { bytes, seq, .. }| Some((bytes, seq?))))
    };
    assert_eq!(next(), (Some(item("1")), Some((64, 1))));
    assert_eq!(next(), (Some(item("1")), None));
    assert_eq!(next(), (Some(gap(2)), None));
    assert_eq!(next(), (Some(item("1")), Some((128, 5))));
    assert_eq!(next(), (Some(item("1")), Some((64, 6))));
    assert_eq!(next(), (None, None));
    assert!(!incoming.asks_round_trip, "the window is not used up");
}

/// Else its sender could wait for ever.
#[test]
fn an_item_for_which_there_is_no_room_is_answered_with_its_gap() {
    let mut incoming = TestTaken::new(0);
    let key = incoming.register("7", Stop::Argument, Some(100)).unwrap();
    incoming.claim(key);
    for (seq, bytes) in [(1, 64), (2, 64)] {
        incoming.push(key, "x".repeat(bytes).into(), Some(seq), 0).unwrap();
        incoming.ask_credit(key);
    }
    let limits = Limits::server();
    assert_eq!(incoming.next(key, |_| ()).flatten(), Some(item(&"x".repeat(64))));
    let credit = incoming.credit(key, &limits, Duration::default, |_| 0);
    let expected = Granted { id: "7", bytes: 128, seq: Some(2) };
    assert_eq!(credit, Some(expected), "the second one is not kept, and comes no more");
    assert_eq!(incoming.next(key, |_| ()).flatten(), Some(gap(1)));
    assert_eq!(incoming.credit(key, &limits, Duration::default, |_| 0), None);
}

/// A hostile end can ask with every number that it makes up.
#[test]
fn not_more_items_ask_than_wait() {
    let mut incoming = TestTaken::new(0);
    let key = incoming.register("7", Stop::Argument, Some(100)).unwrap();
    incoming.claim(key);
    for seq in 1..1000 {
        incoming.push(key, "1".into(), Some(seq), 0).unwrap();
        incoming.ask_credit(key);
    }
    let stream = incoming.open.get(key).unwrap();
    assert_eq!((stream.items.len(), stream.asking.len()), (2, 2));
}

#[test]
fn a_jump_in_the_numbers_is_a_gap_and_a_step_back_is_ignored() {
    let mut incoming = TestTaken::new(1 << 20);
    let key =
        incoming.register("7", Stop::Unsubscribe(Wanted::ended_by("stop".into())), None).unwrap();
    assert!(incoming.push(key, "1".into(), Some(3), 1000).is_ok());
    for old in [0, 1, 3] {
        assert_eq!(incoming.push(key, "2".into(), Some(old), 1000), Err(()));
        assert_eq!(incoming.end(key, None, Some(old)), Err(()));
    }
    assert!(incoming.end(key, None, Some(u64::MAX)).is_ok());
    let mut next = || incoming.next(key, |_| unreachable!()).unwrap();
    assert_eq!([next(), next()], [Some(gap(2)), Some(item("1"))]);
    assert_eq!(next(), Some(gap(u64::MAX - 4)));
    assert_eq!(next(), None);
}

#[test]
fn what_waits_beyond_all_windows_is_bounded_and_its_credit_comes_back() {
    let mut incoming = TestTaken::new(1000);
    let [a, b] = ["1", "2"].map(|id| incoming.register(id, Stop::Argument, Some(100)).unwrap());
    let large = "x".repeat(900);
    for key in [a, b] {
        incoming.push(key, large.as_str().into(), None, 100).unwrap();
    }
    let mut next = |key| incoming.next(key, |_| unreachable!()).unwrap();
    assert_eq!((next(b), next(a)), (Some(gap(1)), Some(item(&large))));
    assert_eq!(
        incoming.credit(b, &Limits::server(), Duration::default, |_| 0),
        Some(Granted { id: "2", bytes: 900, seq: None }),
        "its sender may go on"
    );
    assert_eq!(incoming.beyond, 0);
    incoming.push(b, large.as_str().into(), None, 100).unwrap();
    assert_eq!(incoming.beyond, 800);
    incoming.remove(b);
    assert_eq!(incoming.beyond, 0);
    incoming.push(a, large.as_str().into(), None, 100).unwrap();
    assert_eq!(incoming.end_all(&CloseReason::link("lost")).len(), 0);
    assert_eq!((incoming.len(), incoming.beyond), (0, 0), "nobody claimed them");
}
