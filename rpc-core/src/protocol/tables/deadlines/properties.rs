//! Whatever comes and goes: nothing runs out unseen, and nothing before its time.

use std::time::Duration;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Step {
    Add(Option<u64>),
    Leave(usize),
    /// The clock goes on by so much, and the table is asked.
    Ask(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        option::of(0..50u64).prop_map(Step::Add),
        (0..20usize).prop_map(Step::Leave),
        (0..20u64).prop_map(Step::Ask),
    ]
}

proptest! {
    #[test]
    fn exactly_what_has_run_out_is_found(steps in vec(step(), 0..60)) {
        let mut deadlines = Deadlines::new();
        let mut entries: Vec<(usize, Option<Duration>)> = Vec::new();
        let mut now = Duration::ZERO;
        for (number, step) in steps.into_iter().enumerate() {
            match step {
                Step::Add(span) => {
                    let deadline = span.map(|span| now + Duration::from_millis(span));
                    deadlines.add(deadline);
                    entries.push((number, deadline));
                }
                Step::Leave(at) if at < entries.len() => drop(entries.swap_remove(at)),
                Step::Leave(_) => {}
                Step::Ask(span) => {
                    now += Duration::from_millis(span);
                    let found = deadlines.expired(now, entries.iter().copied());
                    let is_over = |deadline: &Option<Duration>| deadline.is_some_and(|it| it <= now);
                    let over = entries.iter().filter(|(_, it)| is_over(it));
                    prop_assert_eq!(found, over.map(|(number, _)| *number).collect::<Vec<_>>());
                    entries.retain(|(_, deadline)| !is_over(deadline));
                }
            }
            // A timer that is set for this never rings too late.
            if let Some(earliest) = entries.iter().filter_map(|(_, deadline)| *deadline).min() {
                prop_assert!(deadlines.next().is_some_and(|next| next <= earliest));
            }
        }
    }
}
