//! Sessions over a network that cuts, stalls and delays links at random places, with everything at once on top.
//!
//! A seed chooses the limits, the faults and what both ends do: calls, notifications, streams both ways, progress,
//! batches, group pushes, calls that are given up, servers that restart or ask for another link, clients that begin
//! another session or have none, sessions that expire at either end. Some links fail at a hello or an acknowledgement.
//! What each end did and was told goes into the [books](books); at the end the two must agree, and nothing is left.
//!
//! ```text
//! cargo test -p rpc-core --features testing --test session_random                      # some seeds
//! SESSION_RUNS=5000 cargo test -p rpc-core --features testing --test session_random   # more of them
//! SESSION_FIRST=300 cargo test -p rpc-core --features testing --test session_random   # other ones
//! SESSION_SEED=1211 cargo test -p rpc-core --features testing --test session_random   # this one alone
//! ```
//!
//! [Another run](cuts) cuts one session a thousand times; its seeds are chosen by `CUTS_SEED` and so on.
//!
//! The clock is paused and there is one thread, so a seed does nearly the same each time; only how long a turn of a
//! connection may take is told by a real clock.

#![allow(unreachable_pub, reason = "modules of a test are reached from here only")]

mod actors;
#[path = "../support/binary.rs"]
#[allow(dead_code, reason = "the link is one of its own")]
mod binary;
mod books;
mod checks;
mod cuts;
mod link;
mod network;
mod plan;
mod run;
#[path = "../support/seeds.rs"]
mod seeds;
#[path = "../support/sequences.rs"]
#[allow(dead_code, reason = "the link is one of its own")]
mod sequences;
mod services;
mod streams;

use plan::Plan;

#[test]
fn whatever_happens_to_its_links_a_session_loses_nothing_and_does_nothing_twice() {
    seeds::run("SESSION", seeds::RUNS, Plan::of, run::of);
}

#[test]
fn a_thousand_cuts_under_load_change_nothing() {
    seeds::run("CUTS", 1, cuts::plan, cuts::of);
}
