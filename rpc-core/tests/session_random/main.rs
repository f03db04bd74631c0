//! Sessions over a network that cuts, stalls and delays links at random places, with everything at once on top.
//!
//! A seed chooses the limits, the faults and what both ends do: calls, notifications, streams both ways, progress,
//! batches, group pushes, calls that are given up, servers that restart. What each end did and was told goes into the
//! [books](books); at the end the two must agree, and nothing is left.
//!
//! ```text
//! cargo test -p rpc-core --features testing --test session_random                      # some seeds
//! SESSION_RUNS=5000 cargo test -p rpc-core --features testing --test session_random   # more of them
//! SESSION_FIRST=300 cargo test -p rpc-core --features testing --test session_random   # other ones
//! SESSION_SEED=1211 cargo test -p rpc-core --features testing --test session_random   # this one alone
//! ```
//!
//! The clock is paused and there is one thread, so a seed does nearly the same each time; only how long a turn of a
//! connection may take is told by a real clock.

#![allow(unreachable_pub, reason = "modules of a test are reached from here only")]

mod actors;
mod books;
mod checks;
mod network;
mod plan;
mod services;
mod streams;

use std::sync::mpsc;
use std::time::Duration;

use plan::Plan;

/// How many seeds there are unless `SESSION_RUNS` says otherwise.
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
fn whatever_happens_to_its_links_a_session_loses_nothing_and_does_nothing_twice() {
    let seeds = match variable("SESSION_SEED") {
        Some(seed) => seed..seed + 1,
        None => {
            let first = variable("SESSION_FIRST").unwrap_or(0);
            first..first + variable("SESSION_RUNS").unwrap_or(RUNS)
        }
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
    assert!(failed.is_empty(), "run each by `SESSION_SEED=…`: {failed:?}{report}");
}
