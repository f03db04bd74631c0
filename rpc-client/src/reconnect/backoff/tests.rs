//! The rules of reconnecting, one test for each rule.

use std::sync::Arc;

use super::*;

/// The smallest and the largest random number: no wait, and the longest one.
const ENDS: [u64; 2] = [0, u64::MAX];

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn new(has_provider: bool) -> Backoff {
    Backoff::new(&Reconnect::default(), has_provider, Duration::ZERO)
}

/// A plan whose first link lasts from the beginning on.
fn up() -> Backoff {
    let mut backoff = new(false);
    backoff.begin();
    backoff.up(Duration::ZERO, None);
    backoff
}

fn lost(by: ClosedBy, code: u16) -> Setback {
    let code = (code != 0).then_some(CloseCode::new(code));
    Setback::Lost(CloseReason::new(by, code, ""))
}

fn link() -> Setback {
    lost(ClosedBy::Link, 0)
}

fn failed(error: ConnectError) -> Setback {
    Setback::Failed(Arc::new(error))
}

fn rejected(status: u16, retry_after: Option<Duration>) -> Setback {
    let status = StatusCode::from_u16(status).unwrap();
    failed(ConnectError::Rejected { status, body: String::new(), location: None, retry_after })
}

fn timeout() -> Setback {
    failed(ConnectError::Timeout(ms(1)))
}

fn no_hello() -> Setback {
    Setback::NoHello(CloseReason::new(ClosedBy::Link, None, ""))
}

/// The longest wait of the next attempt, of one that begins and fails at `now`.
fn longest(backoff: &mut Backoff, now: Duration) -> Duration {
    backoff.begin();
    assert_eq!(backoff.after(&timeout(), now, 0).unwrap().at, now);
    backoff.after(&timeout(), now, u64::MAX).unwrap().at - now
}

#[test]
fn waits_double_from_250_ms_to_30_s() {
    let mut backoff = new(false);
    let waits: Vec<_> = (0..10).map(|_| longest(&mut backoff, ms(5)).as_millis()).collect();
    assert_eq!(waits, [250, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
    for _ in 0..100 {
        assert_eq!(longest(&mut backoff, ms(5)), ms(30_000));
    }
}

#[test]
fn waits_are_evenly_spread() {
    let mut backoff = new(false);
    (0..3).for_each(|_| backoff.begin());
    let mut tenths = [0; 10];
    // Random numbers as a generator gives them, but always the same.
    let mut random = 1u64;
    for _ in 0..10_000 {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let wait = backoff.after(&timeout(), Duration::ZERO, random).unwrap().at;
        tenths[usize::try_from(wait.as_micros() / 100_001).unwrap()] += 1;
    }
    assert!(tenths.iter().all(|count| (850..1150).contains(count)), "{tenths:?}");
}

#[test]
fn the_settings_bound_the_waits() {
    let policy = Reconnect::default().min_delay(ms(3)).max_delay(ms(10));
    let mut backoff = Backoff::new(&policy, false, Duration::ZERO);
    let waits: Vec<_> = (0..4).map(|_| longest(&mut backoff, ms(0)).as_millis()).collect();
    assert_eq!(waits, [3, 6, 10, 10]);
}

#[test]
fn the_first_attempt_after_a_loss_is_within_the_spread_of_the_server() {
    for (spread, expected) in [
        (None, ms(250)),
        (Some(ms(5000)), ms(5000)),
        (Some(ms(60_000)), ms(60_000)),
        (Some(ms(60_001)), ms(60_000)),
        (Some(Duration::MAX), ms(60_000)),
        (Some(Duration::ZERO), Duration::ZERO),
    ] {
        let [shortest, longest] = ENDS.map(|random| {
            let mut backoff = up();
            backoff.up(ms(0), spread);
            backoff.after(&link(), ms(10_000), random).unwrap().at - ms(10_000)
        });
        assert_eq!((shortest, longest), (Duration::ZERO, expected), "{spread:?}");
    }
}

#[test]
fn ten_seconds_of_stability_reset_the_doubling() {
    for (lasted, first, second) in [(10_000, 250, 250), (9_999, 8000, 16_000)] {
        let mut backoff = new(false);
        let waits = [(); 5].map(|()| longest(&mut backoff, ms(0)));
        assert_eq!(waits[4], ms(4000));
        backoff.begin();
        backoff.up(ms(1000), None);
        let now = ms(1000 + lasted);
        let at = backoff.after(&link(), now, u64::MAX).unwrap().at;
        assert_eq!(at - now, ms(first), "{lasted}");
        assert_eq!(longest(&mut backoff, now), ms(second), "{lasted}");
    }
}

#[test]
fn a_server_that_lets_in_and_drops_at_once_is_asked_ever_less_often() {
    let mut backoff = new(false);
    let waits: Vec<_> = (0..8)
        .map(|_| {
            backoff.begin();
            backoff.up(ms(0), None);
            backoff.after(&link(), ms(1), u64::MAX).unwrap().at - ms(1)
        })
        .collect();
    assert_eq!(*waits.last().unwrap(), ms(30_000), "{waits:?}");
}

#[test]
fn an_attempt_at_once_skips_the_wait_and_not_the_doubling() {
    let mut backoff = new(false);
    assert_eq!(longest(&mut backoff, ms(0)), ms(250));
    backoff.begin(); // long before its time
    assert_eq!(longest(&mut backoff, ms(0)), ms(1000));
}

#[test]
fn a_goaway_sets_the_window_of_the_first_attempt_alone() {
    let news = |min, max| GoAway::new("update").reconnect_after(ms(min), ms(max));
    for (news, expected) in
        [(news(1000, 9000), [1000, 9000]), (news(7, 7), [7, 7]), (news(0, 0), [0, 250])]
    {
        let waits = ENDS.map(|random| {
            let mut backoff = up();
            backoff.going_away(news.clone());
            let closed = lost(ClosedBy::Peer, 1012);
            backoff.after(&closed, ms(20_000), random).unwrap().at - ms(20_000)
        });
        assert_eq!(waits, expected.map(ms));
    }
    let mut backoff = up();
    backoff.going_away(news(1000, 9000));
    let at = backoff.after(&link(), ms(20_000), u64::MAX).unwrap().at;
    backoff.begin();
    backoff.up(at, None);
    let now = at + ms(10_000);
    assert_eq!(backoff.after(&link(), now, u64::MAX).unwrap().at - now, ms(250));
}

#[test]
fn no_attempt_comes_before_a_retry_after() {
    let mut backoff = new(false);
    backoff.begin();
    let asked = rejected(503, Some(ms(120_000)));
    let waits = ENDS.map(|random| backoff.after(&asked, ms(0), random).unwrap().at);
    assert_eq!(waits, [ms(120_000), ms(120_250)]);
    // An attempt at once has failed in another way. The server's time holds on.
    backoff.begin();
    assert_eq!(backoff.after(&timeout(), ms(5), 0).unwrap().at, ms(120_000));
    // Until there is a link.
    backoff.up(ms(10), None);
    assert_eq!(backoff.after(&link(), ms(10), 0).unwrap().at, ms(10));
    let for_ever = rejected(503, Some(Duration::MAX));
    let day = Duration::from_secs(24 * 60 * 60);
    assert_eq!(backoff.after(&for_ever, ms(0), 0).unwrap().at, day);
}

#[test]
fn who_is_not_wanted_does_not_come_back() {
    for never in [
        lost(ClosedBy::Peer, 4401),
        lost(ClosedBy::Peer, 4403),
        lost(ClosedBy::Peer, 4409),
        lost(ClosedBy::Us, 1000),
        Setback::NoHello(CloseReason::new(ClosedBy::Peer, CloseCode::FORBIDDEN, "")),
        rejected(401, None),
        rejected(403, None),
        failed(ConnectError::Url("no")),
    ] {
        assert_eq!(up().after(&never, ms(0), 0), None, "{never}");
    }
    for again in [link(), lost(ClosedBy::Peer, 1008), rejected(404, None), rejected(409, None)] {
        assert!(up().after(&again, ms(0), 0).is_some(), "{again}");
    }
}

#[test]
fn after_401_another_credential_is_tried_once() {
    let mut backoff = new(true);
    backoff.begin();
    assert!(!backoff.after(&timeout(), ms(0), 0).unwrap().other_credential);
    assert!(backoff.after(&rejected(401, None), ms(0), 0).unwrap().other_credential);
    // What says nothing about the credential changes nothing.
    assert!(backoff.after(&rejected(503, None), ms(0), 0).unwrap().other_credential);
    assert!(backoff.after(&timeout(), ms(0), 0).unwrap().other_credential);
    assert_eq!(backoff.after(&rejected(401, None), ms(0), 0), None);

    let mut backoff = new(true);
    assert!(backoff.after(&rejected(401, None), ms(0), 0).is_some());
    backoff.up(ms(0), None);
    assert!(!backoff.after(&link(), ms(0), 0).unwrap().other_credential);
    assert!(backoff.after(&rejected(401, None), ms(0), 0).unwrap().other_credential);
}

#[test]
fn a_close_that_ended_the_session_leaves_no_token() {
    for (setback, with_token) in [
        (link(), true),
        (lost(ClosedBy::Peer, 1000), false),
        (lost(ClosedBy::Peer, 1001), true),
        (lost(ClosedBy::Peer, 1002), true),
        (lost(ClosedBy::Peer, 4008), true),
        (lost(ClosedBy::Us, 4410), true),
        (lost(ClosedBy::Us, 1002), false),
        (lost(ClosedBy::Us, 4008), false),
        (Setback::Setup(Arc::from(Box::<dyn std::error::Error + Send + Sync>::from(""))), false),
    ] {
        let mut backoff = up();
        assert_eq!(backoff.after(&setback, ms(0), 0).unwrap().with_token, with_token, "{setback}");
        assert_eq!(backoff.after(&timeout(), ms(0), 0).unwrap().with_token, with_token);
        backoff.up(ms(0), None);
        assert!(backoff.after(&link(), ms(0), 0).unwrap().with_token);
    }
}

#[test]
fn three_answers_without_a_hello_in_a_row_leave_no_token() {
    let full = Setback::NoHello(CloseReason::new(ClosedBy::Peer, CloseCode::TRY_LATER, ""));
    let silent = failed(ConnectError::Handshake(crate::error::NO_ANSWER));
    let no_vault = failed(ConnectError::Credentials("the vault is closed".into()));
    for (setbacks, with_token) in [
        (vec![no_hello(), no_hello()], true),
        (vec![no_hello(), no_hello(), no_hello()], false),
        (vec![no_hello(), rejected(502, None), rejected(404, None)], false),
        // A server that is full has not refused the resume.
        (vec![rejected(503, None), rejected(429, None), full.clone(), rejected(503, None)], true),
        (vec![no_hello(), rejected(503, None), no_hello(), full, no_vault, no_hello()], false),
        // In a row.
        (vec![no_hello(), no_hello(), timeout(), no_hello(), no_hello()], true),
        (vec![no_hello(), no_hello(), silent, no_hello(), no_hello()], true),
    ] {
        let mut backoff = up();
        backoff.after(&link(), ms(0), 0).unwrap();
        let last = setbacks.iter().map(|setback| backoff.after(setback, ms(0), 0).unwrap()).last();
        assert_eq!(last.unwrap().with_token, with_token, "{setbacks:?}");
    }
}

#[test]
fn a_client_gives_up_after_its_time_without_a_link() {
    assert_eq!(new(false).gives_up_at(), None);
    let policy = Reconnect::default().give_up_after(ms(60_000));
    let mut backoff = Backoff::new(&policy, false, ms(500));
    assert_eq!(backoff.gives_up_at(), Some(ms(60_500)));
    backoff.begin();
    backoff.after(&timeout(), ms(10_000), 0).unwrap();
    assert_eq!(backoff.gives_up_at(), Some(ms(60_500)));
    // 20 s are used up, and a short link does not bring them back.
    backoff.up(ms(20_500), None);
    assert_eq!(backoff.gives_up_at(), None);
    backoff.after(&link(), ms(30_000), 0).unwrap();
    assert_eq!(backoff.gives_up_at(), Some(ms(70_000)));
    // A stable one does.
    backoff.up(ms(40_000), None);
    backoff.after(&link(), ms(50_000), 0).unwrap();
    assert_eq!(backoff.gives_up_at(), Some(ms(110_000)));

    let policy = Reconnect::default().give_up_after(Duration::MAX);
    assert_eq!(Backoff::new(&policy, false, ms(500)).gives_up_at(), None);
}

#[test]
fn an_attempt_beside_a_link_that_fails_leaves_the_link() {
    let mut backoff = up();
    backoff.begin();
    backoff.after(&timeout(), ms(1000), 0).unwrap();
    assert_eq!(backoff.link, Link::Up(Duration::ZERO));
    // The old link was stable all the same.
    assert_eq!(backoff.after(&link(), ms(10_000), u64::MAX).unwrap().at, ms(10_250));
}

/// The link without a hello may have taken the place of one that worked: from then on there is none.
#[test]
fn a_link_without_a_hello_leaves_none() {
    let mut backoff = Backoff::new(&Reconnect::default().give_up_after(ms(1000)), false, ms(0));
    backoff.up(ms(0), None);
    backoff.after(&no_hello(), ms(5000), 0).unwrap();
    assert_eq!(backoff.gives_up_at(), Some(ms(6000)));
    backoff.up(ms(5000), None);
    backoff.renewed(ms(7000));
    assert_eq!(backoff.gives_up_at(), Some(ms(8000)));
}

/// The hello of the server may come behind the beginning of the link.
#[test]
fn the_spread_may_come_late() {
    let mut backoff = up();
    backoff.spread_over(Some(ms(5000)));
    assert_eq!(backoff.after(&link(), ms(1), u64::MAX).unwrap().at, ms(5001));
}
