//! Idle connections keep no memory of the large messages they carried.
//!
//! A process of its own: what is measured is the memory of the process.
#![cfg(target_os = "linux")]

use std::future::poll_fn;
use std::task::{Context, Waker};

use bytes::Bytes;
use rpc_core::Limits;
use rpc_core::transport::{Received, Role, Transport, WebSocket};
use tokio::io::DuplexStream;

const MIB: usize = 1024 * 1024;

#[tokio::test]
async fn large_messages_leave_nothing_behind() {
    let mut idle = Vec::new();
    for _ in 0..30 {
        idle.push(used_and_idle(Role::Server).await);
        idle.push(used_and_idle(Role::Client).await);
    }
    // By now the allocator has what it keeps for itself.
    let before = resident_kib();
    for _ in 0..50 {
        idle.push(used_and_idle(Role::Server).await);
        idle.push(used_and_idle(Role::Client).await);
    }
    let each = resident_kib().saturating_sub(before) / 200;
    assert!(each <= 10, "{each} KiB for each idle end, the 2 KiB of its in-memory line included");
}

/// Two ends, one of which sent the other 1 MiB.
async fn used_and_idle(sender: Role) -> [WebSocket<DuplexStream>; 2] {
    let (server, client) = tokio::io::duplex(2048);
    let server = WebSocket::new(server, Role::Server, Bytes::new(), &Limits::server());
    let client = WebSocket::new(client, Role::Client, Bytes::new(), &Limits::client());
    let mut ends = [server, client];
    if sender == Role::Client {
        ends.reverse();
    }
    let [from, to] = &mut ends;
    from.send(Bytes::from(vec![b'x'; MIB])).unwrap();
    let (flushed, received) =
        tokio::join!(poll_fn(|cx| from.poll_flush(cx)), poll_fn(|cx| to.poll_receive(cx, MIB)),);
    flushed.unwrap();
    assert!(matches!(received, Received::Text));
    assert_eq!(to.message().len(), MIB);
    for end in &mut ends {
        let cx = &mut Context::from_waker(Waker::noop());
        assert!(end.poll_receive(cx, MIB).is_pending());
        end.shrink();
    }
    ends
}

fn resident_kib() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
