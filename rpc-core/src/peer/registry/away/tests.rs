//! The rules by which sessions that are away end, one by one.

use super::*;

fn named(name: &str) -> Owner {
    Owner::new(Some(name.into()), None)
}

fn unnamed(last: u8) -> Owner {
    Owner::new(None, Some([192, 0, 2, last].into()))
}

fn seconds(time: u64) -> Duration {
    Duration::from_secs(time)
}

fn limits(change: impl FnOnce(&mut Limits)) -> Limits {
    let mut limits = Limits::server();
    change(&mut limits);
    limits
}

/// Sessions that went away one second after the other, each with its owner.
fn away<const N: usize>(sessions: [(&'static str, Owner); N]) -> Away<&'static str> {
    let mut away = Away::default();
    for (time, (session, owner)) in (0..).zip(sessions) {
        away.enter(session, owner, Site::new(None), seconds(time));
    }
    away
}

fn evicted(away: &mut Away<&'static str>, limits: &Limits) -> Vec<&'static str> {
    away.evict(limits).into_iter().map(|evicted| evicted.session).collect()
}

fn seat(away: &mut Away<&'static str>, now: Duration) -> Option<&'static str> {
    away.evict_for_seat(now).map(|evicted| evicted.session)
}

#[test]
fn a_caller_with_too_many_sessions_loses_the_one_that_has_been_away_for_the_longest_time() {
    let limits = limits(|limits| limits.away_per_caller = 2);
    let mut away = away([
        ("bob", named("Bob")),
        ("one", named("Ada")),
        ("two", named("Ada")),
        ("three", named("Ada")),
    ]);
    assert_eq!(evicted(&mut away, &limits), ["one"]);
    assert_eq!(evicted(&mut away, &limits), [""; 0], "what was taken out is no longer away");
    assert!(!away.leave(&"one"));
    assert_eq!(away.len(), 3);
}

#[test]
fn an_address_has_another_limit_than_a_caller() {
    let limits = limits(|limits| {
        limits.away_per_address = 1;
        limits.away_per_caller = 2;
    });
    let mut away = away([
        ("one", unnamed(1)),
        ("two", unnamed(1)),
        ("three", unnamed(2)),
        ("four", named("Ada")),
        ("five", named("Ada")),
    ]);
    assert_eq!(evicted(&mut away, &limits), ["one"]);
}

#[test]
fn the_owner_with_the_most_bytes_makes_room() {
    let limits = limits(|limits| limits.away_bytes_total = 100);
    let mut away = away([("small", unnamed(1)), ("first", named("Ada")), ("second", named("Ada"))]);
    for (session, bytes) in [("small", 30), ("first", 20), ("second", 50)] {
        away.set_bytes(&session, bytes);
    }
    assert_eq!((away.bytes(), evicted(&mut away, &limits)), (100, vec![]));
    away.set_bytes(&"second", 60);
    assert_eq!((evicted(&mut away, &limits), away.bytes()), (vec!["first"], 90));
}

#[test]
fn a_session_ends_for_bytes_only_if_it_has_some_and_for_handlers_alike() {
    let mut away = away([("idle", unnamed(1)), ("busy", unnamed(1)), ("full", unnamed(1))]);
    away.set_handlers(&"busy", 3);
    away.set_bytes(&"full", 3);
    assert_eq!(evicted(&mut away, &limits(|limits| limits.away_handlers = 2)), ["busy"]);
    assert_eq!(evicted(&mut away, &limits(|limits| limits.away_bytes_total = 2)), ["full"]);
    away.set_bytes(&"idle", 3);
    away.set_bytes(&"idle", 0);
    assert_eq!(evicted(&mut away, &limits(|limits| limits.away_bytes_total = 0)), [""; 0]);
}

#[test]
fn of_owners_with_the_same_the_one_without_a_name_comes_first_then_the_one_away_for_longest() {
    let mut away = away([
        ("named, first", named("Ada")),
        ("named, second", named("Bob")),
        ("unnamed, first", unnamed(1)),
        ("unnamed, second", unnamed(2)),
    ]);
    let order: Vec<_> = std::iter::from_fn(|| seat(&mut away, seconds(60))).collect();
    assert_eq!(order, ["unnamed, first", "unnamed, second", "named, first", "named, second"]);
}

#[test]
fn a_named_caller_with_more_sessions_loses_its_seat_before_one_without_a_name() {
    let mut away = away([("one", named("Ada")), ("two", named("Ada")), ("three", unnamed(1))]);
    assert_eq!(seat(&mut away, seconds(60)), Some("one"));
    assert_eq!(seat(&mut away, seconds(60)), Some("three"));
}

#[test]
fn nobody_loses_a_seat_within_ten_seconds() {
    let mut away = away([("old", named("Ada")), ("one", unnamed(1)), ("two", unnamed(1))]);
    assert_eq!(seat(&mut away, Duration::from_millis(9_999)), None);
    assert_eq!(seat(&mut away, seconds(10)), Some("old"), "although the other has more");
    assert_eq!(seat(&mut away, seconds(10)), None);
    assert_eq!(seat(&mut away, seconds(11)), Some("one"));
}

#[test]
fn a_session_that_goes_away_again_is_away_from_then_on() {
    let mut away = away([("one", unnamed(1))]);
    away.set_bytes(&"one", 7);
    away.enter("one", named("Ada"), Site::new(None), seconds(5));
    assert_eq!((away.len(), away.bytes()), (1, 0));
    assert_eq!(seat(&mut away, seconds(14)), None);
    assert_eq!(seat(&mut away, seconds(15)), Some("one"));
}
