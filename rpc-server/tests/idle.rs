//! What an idle connection costs. Alone in its process, since it looks at the whole of that.

#![cfg(target_os = "linux")]

mod support;

use support::{Raw, echo, spawn};

const KIB: usize = 1024;

/// The memory of this process.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse::<usize>().unwrap() * KIB
}

/// The server's part of it is 7 KiB, 4 of them the read buffer; the rest is this test's own end. If
/// the HTTP part were kept it would be twice as much.
#[tokio::test]
async fn an_idle_connection_costs_little() {
    const COUNT: usize = 400;
    let server = spawn(echo()).await;
    let mut all = Vec::with_capacity(COUNT + 1);
    all.push(Raw::open(&server).await);
    let before = resident();
    for _ in 0..COUNT {
        all.push(Raw::open(&server).await);
    }
    let each = resident().saturating_sub(before) / COUNT;
    assert!(each < 12 * KIB, "{each} bytes");
}
