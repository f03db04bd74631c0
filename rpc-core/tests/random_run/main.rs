//! A random run of everything at once, within limits so tiny that each of them is met.
//!
//! A seed chooses the ends, their limits and what happens between them: calls that call back, batches, streams
//! both ways, progress, keys, groups, deadlines, drops at any point, ends of connections. What each end was
//! promised and what each end did goes into the [books](books), and at the end the two must agree.
//!
//! ```text
//! cargo test -p rpc-core --test random_run                        # some seeds
//! RANDOM_RUNS=5000 cargo test -p rpc-core --test random_run      # more of them
//! RANDOM_SEED=1211 cargo test -p rpc-core --test random_run      # this one alone
//! ```
//!
//! The clock is paused and there is one thread, so a seed does nearly the same each time; only how long a turn
//! of a connection may take is told by a real clock, and the order of a group's members by chance.

#![allow(unreachable_pub, reason = "modules of a test are reached from here only")]

mod books;
mod calls;
mod checks;
mod cut;
mod ends;
mod flows;
mod plan;
mod services;
mod steps;
mod to_many;

use std::sync::mpsc;
use std::time::Duration;

use plan::Plan;

/// How many seeds there are unless `RANDOM_RUNS` says otherwise.
const RUNS: u64 = 150;

/// Longer than any seed takes: one that spins never ends.
const PATIENCE: Duration = Duration::from_secs(60);

fn variable(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("`{name}` is a number, not `{value}`")))
}

/// What went wrong under this seed.
fn faults(seed: u64) -> Vec<String> {
    let (tell, told) = mpsc::channel();
    let run = std::thread::spawn(move || drop(tell.send(run(seed))));
    match told.recv_timeout(PATIENCE) {
        Ok(faults) => faults,
        Err(mpsc::RecvTimeoutError::Timeout) => vec![format!("no end after {PATIENCE:?}")],
        Err(mpsc::RecvTimeoutError::Disconnected) => {
            drop(run.join());
            vec!["it panicked, see above".to_owned()]
        }
    }
}

fn run(seed: u64) -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime needs nothing that may be missing");
    runtime.block_on(checks::of(Plan::of(seed)))
}

#[test]
fn whatever_happens_at_the_same_time_each_end_keeps_its_promises() {
    let seeds = match variable("RANDOM_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..variable("RANDOM_RUNS").unwrap_or(RUNS),
    };
    let mut failed = Vec::new();
    let mut report = String::new();
    for seed in seeds {
        let faults = faults(seed);
        if !faults.is_empty() {
            report += &format!("\nseed {seed}: {}\n    {}", Plan::of(seed), faults.join("\n    "));
            failed.push(seed);
        }
    }
    assert!(failed.is_empty(), "run each by `RANDOM_SEED=…`: {failed:?}{report}");
}
