//! The random walk and the thousand cuts of the sessions of rpc-core (`rpc-core/tests/session_random`), over links of
//! server-sent events and `POST`: what both ends do, the books and what must be true of them are the same. Here they are a
//! server and a client, and a proxy between them cuts and stalls connections at random bytes, so that a `POST` ends before
//! or behind the place where its messages were taken in.
//!
//! ```text
//! cargo test -p rpc-server --test sse_random                        # some seeds
//! SESSION_RUNS=50 cargo test -p rpc-server --test sse_random        # more of them
//! SESSION_CUTS=1000 cargo test -p rpc-server --test sse_random      # as many cuts of one session
//! SESSION_SEED=12 cargo test -p rpc-server --test sse_random        # this one alone
//! ```
//!
//! The clock and the sockets are real: a seed does about the same each time.

#![allow(unreachable_pub, dead_code, reason = "modules of another test, of which a part is used")]

#[path = "../../../rpc-core/tests/session_random/actors.rs"]
mod actors;
#[path = "../../../rpc-core/tests/session_random/books.rs"]
mod books;
#[path = "../../../rpc-core/tests/session_random/checks.rs"]
mod checks;
#[path = "../../../rpc-core/tests/session_random/plan.rs"]
mod plan;
#[path = "../sse/proxy.rs"]
mod proxy;
mod run;
#[path = "../../../rpc-core/tests/support/seeds.rs"]
mod seeds;
#[path = "../../../rpc-core/tests/session_random/services.rs"]
mod services;
#[path = "../../../rpc-core/tests/session_random/streams.rs"]
mod streams;
#[path = "../support/mod.rs"]
mod support;

use std::time::Duration;

use plan::Plan;
use rpc_core::Limits;
use rpc_core::transport::SessionMode;
use run::Run;
use tokio::time::sleep;

/// How often one session goes on over another link, unless `SESSION_CUTS` says otherwise.
const CUTS: u64 = 150;

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_happens_to_its_links_a_session_loses_nothing_and_does_nothing_twice() {
    let seeds = match variable("SESSION_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..variable("SESSION_RUNS").unwrap_or(4),
    };
    for seed in seeds {
        let mut plan = Plan::of(seed);
        let mend = plan.random.pick(&[20, 200, 10_000]);
        for limits in [&mut plan.client, &mut plan.server] {
            limits.mend = Duration::from_millis(mend);
        }
        plan.lasts = plan.lasts.min(Duration::from_secs(4));
        let text = format!("seed {seed}, mend {mend} ms: {plan}");
        let lasts = plan.lasts;
        let run = Run::begin(plan).await;
        run.harm().await;
        sleep(lasts).await;
        let faults = run.end().await;
        assert!(faults.is_empty(), "{text}\n{}", faults.join("\n"));
    }
}

/// A link is lost with its stream, and its session goes on over the next one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_done_twice_or_lost_in_silence_by_many_cuts_under_load() {
    let mut limits = Limits::server();
    limits.ack_after = Duration::from_millis(200);
    limits.mend = Duration::from_millis(1);
    let (client, server, mode) = (limits.clone(), limits, SessionMode::Ask);
    let plan = Plan {
        client,
        server,
        mode,
        actors: 3,
        longest: 1000,
        is_cruel: false,
        renews: false,
        ..Plan::of(1)
    };
    let run = Run::begin(plan).await;
    run.cut(variable("SESSION_CUTS").unwrap_or(CUTS)).await;
    // A session may end on the way: over a busy machine three links in a row bring nothing. Then both ends are told.
    let faults = run.end().await;
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
