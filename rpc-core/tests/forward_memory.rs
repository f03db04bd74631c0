//! The memory of an end that hands calls on.
//!
//! A process of its own: what is measured is the memory of the process.
#![cfg(target_os = "linux")]

mod support;

use rpc_core::types::RawParams;
use rpc_core::{Context, Router, memory};
use support::rest::held;

#[tokio::test(start_paused = true)]
async fn memory_is_flat_over_100_000_calls() {
    let target = Router::new()
        .fallback(|_: Context, _: String, params: RawParams| async move { Ok(params) });
    let (target, _far) = memory::pair(Router::new(), target);
    let (peer, end) = memory::pair(Router::new(), Router::new().forward("*", target.clone()));
    let run = async |calls: usize| {
        for round in 0..calls / 100 {
            let text = "x".repeat(round % 300);
            let many = (0..100).map(|at| peer.call::<(usize, String)>("m", (at, &text)));
            let answers = futures_util::future::join_all(many.collect::<Vec<_>>()).await;
            assert!(answers.iter().enumerate().all(|(at, it)| it.as_ref().unwrap().0 == at));
        }
    };
    run(10_000).await;
    let before = resident_kib();
    run(100_000).await;
    let grown = resident_kib().saturating_sub(before);
    assert!(grown <= 2048, "{grown} KiB more after 100,000 calls");
    assert_eq!([&peer, &end, &target].map(held), [0; 3]);
}

fn resident_kib() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
