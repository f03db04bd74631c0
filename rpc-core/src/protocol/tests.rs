use super::*;
use crate::error::call::Fate;
use crate::error::close::CloseCode;
use crate::error::object::ErrorObject;
use crate::protocol::tables::streams::Wanted;
use crate::protocol::target::Target;
use crate::wire::decode::{Payload, Rules, decode};
use crate::wire::goaway::GoAway;
use crate::wire::id::Id;
use bytes::Bytes;

pub(super) type TestProtocol = Protocol<&'static str>;

pub(super) fn protocol(change: impl FnOnce(&mut Limits)) -> TestProtocol {
    let mut limits = Limits::server();
    change(&mut limits);
    let mut protocol = Protocol::new(Arc::new(limits));
    protocol.know_other(false);
    protocol
}

fn rules() -> Rules {
    Rules::new(&Limits::server(), false)
}

const ZERO: Duration = Duration::ZERO;

pub(super) fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Receives a message; all methods but `none` exist, and none under a reserved name, as a router has none.
pub(super) fn receive<'a>(protocol: &mut TestProtocol, text: &'a str) -> Event<'a> {
    let Payload::Single(incoming) = decode(text, &rules()) else { panic!("{text}") };
    let is_absent = text.contains("none") || text.contains(r#""method":"$/"#);
    let target = if is_absent { None } else { Some(Target::Method(0)) };
    protocol.receive(
        incoming,
        Arrival { target, orphans: 0, batch: None, late: false, streams: None, now: ZERO },
    )
}

pub(super) fn request(protocol: &mut TestProtocol, id: u32) -> Option<Key> {
    let text = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"m","params":[1]}}"#);
    match receive(protocol, &text) {
        Event::Serve(started, serve) => {
            let id = serve.id.map(Id::new);
            Some(protocol.keep(started, id.as_ref()))
        }
        _ => None,
    }
}

/// A member of a batch; its key if it starts at once.
fn member(protocol: &mut TestProtocol, batch: usize, id: u32) -> Option<Key> {
    let text = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"m"}}"#);
    let Payload::Single(incoming) = decode(&text, &rules()) else { panic!("{text}") };
    let (target, batch) = (Some(Target::Method(0)), Some(batch));
    let arrival = Arrival { target, orphans: 0, batch, late: false, streams: None, now: ZERO };
    match protocol.receive(incoming, arrival) {
        Event::Serve(started, serve) => {
            let id = serve.id.map(Id::new);
            Some(protocol.keep(started, id.as_ref()))
        }
        _ => None,
    }
}

/// A member of a batch that calls no method.
fn refused_member(protocol: &mut TestProtocol, batch: usize) {
    let text = r#"{"jsonrpc":"2.0","id":"x","method":"none"}"#;
    let Payload::Single(incoming) = decode(text, &rules()) else { panic!("{text}") };
    let (target, batch) = (None, Some(batch));
    let arrival = Arrival { target, orphans: 0, batch, late: false, streams: None, now: ZERO };
    assert!(matches!(protocol.receive(incoming, arrival), Event::Refused { .. }));
}

/// Whether an ordered request starts at once.
fn ordered(protocol: &mut TestProtocol, id: u32) -> bool {
    let text = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"m","params":[1]}}"#);
    let Payload::Single(incoming) = decode(&text, &rules()) else { panic!("{text}") };
    let target = Some(Target::Ordered(0));
    let arrival =
        Arrival { target, orphans: 0, batch: None, late: false, streams: None, now: ZERO };
    matches!(protocol.receive(incoming, arrival), Event::Serve(..))
}

/// The id of what may start now; the empty text of a notification.
fn start(protocol: &mut TestProtocol) -> Option<String> {
    let (_running, serve) = protocol.next_to_start(ZERO)?;
    Some(serve.id.unwrap_or_default().into())
}

fn notification(protocol: &mut TestProtocol) -> Option<Key> {
    match receive(protocol, r#"{"jsonrpc":"2.0","method":"m","params":[1]}"#) {
        Event::Serve(started, _) => Some(protocol.keep(started, None)),
        _ => None,
    }
}

pub(super) fn call(protocol: &mut TestProtocol, text: &'static str) -> u64 {
    protocol.start(Start::default(), &mut None, |_| Bytes::from_static(text.as_bytes())).unwrap()
}

pub(super) fn next(protocol: &mut TestProtocol) -> Option<String> {
    protocol.next_message().map(|message| String::from_utf8(message.to_vec()).unwrap())
}

pub(super) fn fate(protocol: &mut TestProtocol, id: u64) -> Fate {
    match protocol.poll_outcome(id, |kept| *kept = Some("waker")) {
        Some(Outcome::Closed(_, fate) | Outcome::Timeout(fate, _)) => fate,
        other => panic!("{other:?}"),
    }
}

#[test]
fn above_the_queue_limit_calls_wait_and_answers_enter() {
    let mut protocol = protocol(|limits| limits.queue = 4);
    let served = request(&mut protocol, 7).unwrap();
    call(&mut protocol, "full");
    let waits = call(&mut protocol, "call");
    let ticket = protocol.notify(Bytes::from_static(b"note")).unwrap().unwrap();
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
    let mut stopped = Vec::new();
    protocol.expire(secs(30), &mut stopped);
    assert_eq!(stopped, [stuck]);
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
fn no_open_stream_has_the_id_of_a_new_one() {
    let mut protocol = protocol(|_| {});
    let key = request(&mut protocol, 1).unwrap();
    protocol.open_outgoing(key, "1", "7".into()).unwrap();
    let mut chances = ["7", "7", "8", "9"].into_iter();
    assert_eq!(protocol.unused_id(|| chances.next().map(Box::from)).as_deref(), Some("8"));
    assert_eq!(protocol.unused_id(|| None), None);
}

#[test]
fn reading_never_pauses_while_a_stream_waits_for_credit() {
    let mut protocol = protocol(|limits| limits.waiting_notifications = 1);
    let hello = r#"{"jsonrpc":"2.0","method":"$/hello","params":{"duplex":1,"window":64}}"#;
    receive(&mut protocol, hello);
    let key = request(&mut protocol, 1).unwrap();
    let stream = protocol.open_outgoing(key, "1", r#""s""#.into()).unwrap();
    protocol.push_item(stream, Bytes::from_static(b"item"), 1, ZERO);
    assert!(!protocol.has_credit(stream));
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
    protocol.expire(secs(1), &mut Vec::new());
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
        protocol.expire(at, &mut Vec::new());
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
    protocol.expire(secs(2), &mut Vec::new());
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
            2 => protocol.expire(secs(1), &mut Vec::new()),
            _ => drop(protocol.abandon(id)),
        }
        assert_eq!(request(&mut protocol, 3), None, "way {way}");
        protocol.finish(Started::resume(key), None);
        assert!(request(&mut protocol, 4).is_some());
    }
}

#[test]
fn draining_refuses_what_is_new_and_waits_for_what_runs() {
    let mut protocol = protocol(|_| {});
    let runs = request(&mut protocol, 1).unwrap();
    protocol.drain(&GoAway::new("shutting down"));
    assert!(next(&mut protocol).unwrap().contains("$/goaway"));
    assert_eq!(request(&mut protocol, 2), None);
    let busy = next(&mut protocol).unwrap();
    let text = r#""code":-32009,"message":"busy: not executed, the server is shutting down""#;
    assert!(busy.contains(text), "{busy}");
    assert!(!protocol.is_drained());
    protocol.finish(Started::resume(runs), Some(("1", Bytes::from_static(b"answer"))));
    assert!(!protocol.is_drained(), "the answer is still to be sent");
    next(&mut protocol);
    assert!(protocol.is_drained());
}

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
                    let mut stopped = Vec::new();
                    protocol.expire(now, &mut stopped);
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
