//! What threads share, under a model checker: each test runs thousands of times, each time with its
//! threads in another order, chosen anew at each lock and atomic. A wake that is lost shows itself as
//! a deadlock, a count that is wrong at the end.
//!
//! The clock stands still, unless a test moves it and wakes the connection as its timer would. Wakers in
//! an `AtomicWaker` of futures, and the channels of tokio, are what the checker does not see into.
//!
//! Only with `--cfg model`, which puts the checker's locks into `util::sync` of the core:
//!
//! ```text
//! RUSTFLAGS="--cfg model" cargo test -p rpc-core --test model --release --target-dir target/model
//! ```
//!
//! shuttle and not loom: loom has no `Weak` and no `Arc<str>`, and must try every order, of which there
//! are too many for a whole connection. `MODEL_RUNS` says how often (2,000 times each).

#![cfg(model)]

mod batches;
mod groups;
mod names;
mod pair;
mod parked;
mod plain;
mod streams;
#[path = "../support/mod.rs"]
mod support;
