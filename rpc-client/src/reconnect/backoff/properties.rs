//! The plan of attempts against random histories: what holds for each of them.

use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// One event in the life of a client.
#[derive(Debug, Clone)]
enum Step {
    Pass(u64),
    Begin,
    Up(Option<u64>),
    GoingAway(u64, u64),
    Lost,
    Failed,
    Rejected(u16, Option<u64>),
    NoHello,
}

fn step() -> impl Strategy<Value = Step> {
    let status = prop::sample::select(vec![302, 404, 429, 502, 503]);
    prop_oneof![
        (0..30_000u64).prop_map(Step::Pass),
        Just(Step::Begin),
        prop::option::of(0..200_000u64).prop_map(Step::Up),
        (0..100_000u64, 0..200_000u64).prop_map(|(min, max)| Step::GoingAway(min, max)),
        Just(Step::Lost),
        Just(Step::Failed),
        (status, prop::option::of(0..200_000u64))
            .prop_map(|(status, wait)| Step::Rejected(status, wait)),
        Just(Step::NoHello),
    ]
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

proptest! {
    /// No attempt comes before now or before a time that the server asked for, and none comes later than the longest
    /// wait behind these.
    #[test]
    fn no_attempt_is_early_or_late(
        min in 1..1000u64,
        more in 0..60_000u64,
        steps in vec((step(), any::<u64>()), 0..200),
    ) {
        let (min, max) = (ms(min), ms(min + more));
        let policy = Reconnect::default().min_delay(min).max_delay(max);
        let mut backoff = Backoff::new(&policy, false, Duration::ZERO);
        let (mut now, mut spread) = (Duration::ZERO, ms(250));
        // The earliest time that the server may have meant, and the latest one.
        let (mut asked, mut at_most) = (Duration::ZERO, Duration::ZERO);
        let mut window = None;
        let mut begun = 0;
        let mut link = None;
        for (step, random) in steps {
            // By a loop, and not as the code does it.
            let mut within = if begun == 0 { Duration::ZERO } else { min };
            (1..begun).for_each(|_| within = (within * 2).min(max));
            let lost = Setback::Lost(CloseReason::new(ClosedBy::Link, None, ""));
            let (setback, latest) = match step {
                Step::Pass(time) => {
                    now += ms(time);
                    continue;
                }
                Step::Begin => {
                    backoff.begin();
                    begun += 1;
                    continue;
                }
                Step::Up(server) => {
                    backoff.up(now, server.map(ms));
                    spread = ms(server.unwrap_or(250).min(60_000));
                    (link, window) = (Some(now), None);
                    (asked, at_most) = (Duration::ZERO, Duration::ZERO);
                    continue;
                }
                Step::GoingAway(from, to) => {
                    backoff.going_away(GoAway::new("").reconnect_after(ms(from), ms(to)));
                    window = Some((ms(from), ms(to.max(from)))).filter(|(_, to)| !to.is_zero());
                    continue;
                }
                Step::Lost => {
                    if link.take().is_some_and(|since| now - since >= ms(10_000)) {
                        (begun, within) = (0, Duration::ZERO);
                    }
                    let latest = match window.take() {
                        Some((from, to)) => {
                            (asked, at_most) = (asked.max(now + from), at_most.max(now + to));
                            at_most.max(now + within)
                        }
                        None => now.max(at_most) + within.max(spread),
                    };
                    (lost, latest)
                }
                Step::Failed => {
                    let error = Arc::new(ConnectError::Timeout(ms(1)));
                    (Setback::Failed(error), now.max(at_most) + within)
                }
                Step::Rejected(status, wait) => {
                    let status = StatusCode::from_u16(status).unwrap();
                    let (body, retry_after) = (String::new(), wait.map(ms));
                    let error =
                        ConnectError::Rejected { status, body, location: None, retry_after };
                    let until = now + ms(wait.unwrap_or(0));
                    (asked, at_most) = (asked.max(until), at_most.max(until));
                    (Setback::Failed(Arc::new(error)), now.max(at_most) + within)
                }
                Step::NoHello => {
                    link = None;
                    let reason = CloseReason::new(ClosedBy::Link, None, "");
                    (Setback::NoHello(reason), now.max(at_most) + within)
                }
            };
            let plan = backoff.after(&setback, now, random).unwrap();
            prop_assert!(now.max(asked) <= plan.at, "{plan:?} {now:?} {asked:?}");
            prop_assert!(plan.at <= latest, "{plan:?} {latest:?}");
        }
    }

    /// Between no wait and the longest one, all waits are reached, and a larger random number never gives a shorter one.
    #[test]
    fn a_wait_grows_with_its_random_number(begun in 0..20u32, low in any::<u64>(), high in any::<u64>()) {
        let mut backoff = Backoff::new(&Reconnect::default(), false, Duration::ZERO);
        (0..begun).for_each(|_| backoff.begin());
        let failed = Setback::Failed(Arc::new(ConnectError::Timeout(ms(1))));
        let mut wait = |random| backoff.after(&failed, Duration::ZERO, random).unwrap().at;
        let (shorter, longer) = (wait(low.min(high)), wait(low.max(high)));
        prop_assert!(wait(0).is_zero() && shorter <= longer && longer <= wait(u64::MAX));
    }
}
