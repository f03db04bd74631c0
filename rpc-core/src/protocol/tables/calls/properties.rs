//! Calls against a plain list, in what the random walk beside them leaves out: deadlines that begin
//! anew, reports of progress, and answers that come late.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

type TestCalls = Calls<(), ()>;

#[derive(Debug, Clone)]
enum Step {
    /// A call with so many milliseconds, which may begin anew so long in all.
    Start(u64, Option<u64>),
    Renew(usize),
    Response(usize),
    GiveUp(usize),
    Late(u64),
    Report(usize, usize),
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let at = 0..12usize;
    prop_oneof![
        (1..40u64, proptest::option::of(1..100u64))
            .prop_map(|(span, most)| Step::Start(span, most)),
        at.clone().prop_map(Step::Renew),
        at.clone().prop_map(Step::Response),
        at.clone().prop_map(Step::GiveUp),
        (0..20u64).prop_map(Step::Late),
        (at, 0..60usize).prop_map(|(at, bytes)| Step::Report(at, bytes)),
        (0..20u64).prop_map(Step::Wait),
    ]
}

/// What is known of an open call.
struct Known {
    id: u64,
    span: Duration,
    until: Option<Duration>,
    deadline: Duration,
    reports: Vec<usize>,
}

/// Bytes of reports that are kept for a call.
const WINDOW: usize = 100;

#[derive(Default)]
struct Model {
    open: Vec<Known>,
    issued: u64,
    given_up: usize,
    now: Duration,
}

fn start(calls: &mut TestCalls, model: &mut Model, span: u64, most: Option<u64>) {
    let id = calls.next_id();
    let until = most.map(|most| model.now + ms(most));
    let (span, by_items, by_progress) = (ms(span), true, false);
    let sliding = Some(SlidingDeadline { span, until, by_items, by_progress });
    let cold = ColdFields { sliding, progress: Some(Reported::default()), ..ColdFields::default() };
    let (place, deadline) = (MessageState::InFlight(0), model.now + span);
    let deadline = until.map_or(deadline, |until| until.min(deadline));
    let cold = Some(Box::new(cold));
    let (handler, is_forwarded, waiter) = (None, false, None);
    let new = New { place, deadline: Some(deadline), handler, is_forwarded, cold, waiter };
    calls.register(id, new);
    model.issued = id;
    model.open.push(Known { id, span, until, deadline, reports: Vec::new() });
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

proptest! {
    #[test]
    fn calls_agree_with_a_list(steps in vec(step(), 0..80)) {
        let (mut calls, mut model) = (TestCalls::new(), Model::default());
        for step in steps {
            let open = model.open.len();
            match step {
                Step::Start(span, most) if open < 12 => start(&mut calls, &mut model, span, most),
                Step::Renew(at) if at < open => {
                    let known = &mut model.open[at];
                    calls.renew(known.id, model.now, |it| it.by_items);
                    calls.renew(known.id, model.now + ms(1000), |it| it.by_progress);
                    known.deadline = model.now + known.span;
                    known.deadline = known.until.map_or(known.deadline, |it| it.min(known.deadline));
                }
                Step::Response(at) if at < open => {
                    let known = model.open.remove(at);
                    prop_assert_eq!(calls.complete(known.id, ()), None);
                    prop_assert_eq!(calls.take(known.id, |kept| *kept = Some(())), Some(()));
                }
                Step::GiveUp(at) if at < open => {
                    let known = model.open.remove(at);
                    prop_assert_eq!(calls.cancel(known.id).0, None);
                    calls.give_up();
                    model.given_up += 1;
                }
                Step::Late(id) => {
                    let expected = (1..=model.issued).contains(&id) && model.given_up > 0;
                    prop_assert_eq!(calls.late(id), expected);
                    model.given_up -= usize::from(expected);
                }
                Step::Report(at, bytes) if at < open => {
                    let known = &mut model.open[at];
                    calls.report(known.id, &"x".repeat(bytes), WINDOW).unwrap();
                    known.reports.push(bytes);
                    latest(&mut known.reports);
                    if bytes % 5 == 0 {
                        let kept = calls.take_reports(known.id);
                        let kept: Vec<_> = kept.iter().map(|report| report.len()).collect();
                        prop_assert_eq!(kept, std::mem::take(&mut known.reports));
                    }
                }
                Step::Wait(span) => {
                    model.now += ms(span);
                    let now = model.now;
                    let mut over = calls.expired(now);
                    over.sort_unstable();
                    let expected = model.open.iter().filter(|known| known.deadline <= now);
                    prop_assert_eq!(&over, &expected.map(|known| known.id).collect::<Vec<_>>());
                    model.open.retain(|known| known.deadline > now);
                    for id in &over {
                        calls.cancel(*id);
                    }
                }
                _ => {}
            }
            prop_assert_eq!(calls.open_ids(), model.open.iter().map(|it| it.id).collect::<Vec<_>>());
            if let Some(earliest) = model.open.iter().map(|known| known.deadline).min() {
                // One that began anew may let the timer ring for nothing, never too late.
                prop_assert!(calls.next_deadline().is_some_and(|next| next <= earliest));
            }
        }
    }

    /// No id is used twice and none of a call that is open meets another one, however long it stays.
    #[test]
    fn ids_count_up_past_whatever_is_open(stays in vec(any::<bool>(), 0..200)) {
        let (mut calls, mut model) = (TestCalls::new(), Model::default());
        let mut last = 0;
        for stays in stays {
            start(&mut calls, &mut model, 30_000, None);
            prop_assert!(model.issued > last);
            last = model.issued;
            if !stays {
                let known = model.open.pop().unwrap();
                calls.cancel(known.id);
            }
            for known in &model.open {
                prop_assert!(calls.open_mut(known.id).is_some());
            }
        }
    }
}

/// The latest that fit, as a slow reader would choose them.
fn latest(reports: &mut Vec<usize>) {
    while reports.len() > REPORTS || reports.iter().sum::<usize>() > WINDOW {
        reports.remove(0);
    }
}
