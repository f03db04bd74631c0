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
#[path = "../support/seeds.rs"]
mod seeds;
mod services;
mod steps;
mod to_many;

use plan::Plan;

#[test]
fn whatever_happens_at_the_same_time_each_end_keeps_its_promises() {
    seeds::run("RANDOM", seeds::RUNS, Plan::of, checks::of);
}
