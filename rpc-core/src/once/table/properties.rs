//! Calls under keys against a plain list: one runs at a time, its answer is given again, and nobody
//! has more than a share.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

type TestTable = Table<u64, u64>;

#[derive(Debug, Clone)]
enum Step {
    /// A caller calls something under a key.
    Begin(usize, usize, u64),
    /// The answer of one that runs, of so many bytes.
    Answer(usize, usize),
    /// One that runs comes to nothing.
    Forget(usize),
    Wait(u64),
    ForgetCaller(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..3usize, 0..4usize, 0..2u64).prop_map(|(who, key, hash)| Step::Begin(who, key, hash)),
        3 => (0..6usize, 0..300usize).prop_map(|(at, bytes)| Step::Answer(at, bytes)),
        1 => (0..6usize).prop_map(Step::Forget),
        1 => (0..200u64).prop_map(Step::Wait),
        1 => (0..3usize).prop_map(Step::ForgetCaller),
    ]
}

/// One that runs, or has come to an answer at a time.
struct Known {
    caller: usize,
    key: usize,
    hash: u64,
    run: u64,
    name: Name,
    answered: Option<(u64, Duration)>,
}

const MOST: usize = 16;
const ROOM: usize = 8_000;

fn caller(number: usize) -> Arc<str> {
    format!("caller {number}").into()
}

proptest! {
    #[test]
    fn a_key_runs_once_and_answers_the_same(steps in vec(step(), 0..120)) {
        let (mut table, mut known) = (TestTable::new(), Vec::<Known>::new());
        let mut now = Duration::ZERO;
        for (number, step) in steps.into_iter().enumerate() {
            let number = number as u64;
            match step {
                Step::Begin(who, key, hash) => {
                    let fingerprint = Fingerprint { method: 0, hash, length: 1 };
                    let name = key.to_string();
                    let begun =
                        table.begin(&caller(who), &name, fingerprint, MOST, now, || number);
                    known.retain(|it| it.answered.is_none_or(|(_, at)| at + KEPT > now));
                    let found = known.iter().position(|it| (it.caller, it.key) == (who, key));
                    let running = |it: &&Known| it.answered.is_none() && it.caller == who;
                    match (begun, found) {
                        (Begun::Mismatch, Some(at)) => prop_assert_ne!(known[at].hash, hash),
                        (Begun::Wait(run), Some(at)) => {
                            prop_assert_eq!(known[at].hash, hash);
                            prop_assert_eq!((run, known[at].answered), (known[at].run, None));
                        }
                        (Begun::Answer(answer), Some(at)) => {
                            prop_assert_eq!(known[at].hash, hash);
                            prop_assert_eq!(Some(answer), known[at].answered.map(|it| it.0));
                        }
                        (Begun::Full, found) => {
                            // Its answer was forgotten, to make room.
                            prop_assert!(found.is_none_or(|at| known[at].answered.is_some()));
                            prop_assert_eq!(known.iter().filter(running).count(), MOST / SHARE);
                        }
                        (Begun::Run(name), found) => {
                            // What was forgotten to make room may run again, what runs may not.
                            if let Some(at) = found {
                                prop_assert!(known.remove(at).answered.is_some());
                            }
                            prop_assert!(known.iter().filter(running).count() < MOST / SHARE);
                            let (run, answered) = (number, None);
                            known.push(Known { caller: who, key, hash, run, name, answered });
                        }
                        (begun, _) => prop_assert!(false, "{:?}", begun),
                    }
                }
                Step::Answer(at, bytes) if at < known.len() && known[at].answered.is_none() => {
                    table.answer(&known[at].name, number, bytes, ROOM, now);
                    known[at].answered = Some((number, now));
                }
                Step::Forget(at) if at < known.len() && known[at].answered.is_none() => {
                    table.forget(&known.remove(at).name);
                }
                Step::Wait(seconds) => now += Duration::from_secs(seconds),
                Step::ForgetCaller(who) => {
                    table.forget_caller(&caller(who));
                    known.retain(|it| it.caller != who);
                }
                Step::Answer(..) | Step::Forget(_) => {}
            }
            let running = known.iter().filter(|it| it.answered.is_none()).count();
            prop_assert_eq!(table.running, running);
            let kept: usize = table.callers.values().map(|caller| caller.bytes).sum();
            prop_assert_eq!(table.bytes(), kept);
            prop_assert!(table.callers.values().all(|caller| caller.bytes <= ROOM / SHARE));
        }
        table.sweep(now + KEPT);
        prop_assert_eq!((table.bytes(), table.given.len()), (0, 0));
        prop_assert!(table.callers.values().all(|caller| caller.running == caller.calls.len()));
    }
}
