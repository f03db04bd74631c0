//! Ends that take their time, or do not move at all.

use std::time::Duration;

use crate::canary::Target;
use crate::support::{HANDSHAKE, TEXT, frame};

fn request(id: usize, method: &str, params: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{params}}}"#)
}

#[tokio::test]
async fn heads_that_come_byte_by_byte_or_not_at_all() {
    let target = Target::with(|limits| limits.handshake = Duration::from_millis(500)).await;
    let mut crowd = Vec::new();
    for _ in 0..100 {
        crowd.push(target.way.connect().await);
    }
    for byte in HANDSHAKE.as_bytes()[..40].chunks(1) {
        for raw in &mut crowd[50..] {
            raw.send(byte).await;
        }
    }
    target.is_serving().await;
    for mut raw in crowd {
        assert!(raw.ended().await);
    }
    target.unharmed().await;
}

#[tokio::test]
async fn a_message_that_comes_byte_by_byte_with_signs_of_life_between() {
    let target = Target::with(|limits| limits.assembly = Duration::from_millis(300)).await;
    let mut raw = target.open().await;
    let ping = frame(9, b"alive");
    let byte = [0, 0x81, 0, 0, 0, 0, b' ']; // a fragment that is not the last
    raw.send([1, 0x81, 0, 0, 0, 0, b'[']).await;
    while target.closes("1008") == 0 && raw.try_send([&byte[..], &ping].concat()).await {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(raw.close_frame().await, (1008, "a message took too long".into()));
    target.unharmed().await;
}

/// Each of them asks for a hundred times what may wait for it.
#[tokio::test]
async fn hoarders_of_answers_that_they_never_read() {
    const CROWD: usize = 4;
    let target = Target::with(|limits| {
        limits.slow_reader = Duration::from_millis(300);
        limits.close = Duration::from_millis(300);
    })
    .await;
    let mut crowd = Vec::new();
    for _ in 0..CROWD {
        let mut raw = target.open().await;
        for id in 0..200 {
            raw.send_text(&request(id, "big", "[524288]")).await;
            // `queue`, one `message_out` beyond it, and what the transport holds.
            let queued = target.server.stats().queue_bytes;
            assert!(queued < CROWD * (5 * 1024 * 1024 + 160 * 1024), "{queued} bytes wait");
        }
        crowd.push(raw);
    }
    target.is_serving().await;
    crate::support::until(|| target.closes("4008") == CROWD as u64).await;
    drop(crowd);
    target.unharmed().await;
}

/// Refusals enter whatever waits already, so that only their sum can end it.
#[tokio::test]
async fn hoarders_of_refusals() {
    let target = Target::with(|limits| {
        limits.slow_reader = Duration::from_secs(1);
        limits.close = Duration::from_millis(300);
    })
    .await;
    let mut raw = target.open().await;
    let requests: Vec<u8> =
        (0..1000).flat_map(|id| frame(TEXT, request(id, "none", "[]").as_bytes())).collect();
    while raw.try_send(&requests).await {
        let queued = target.server.stats().queue_bytes;
        assert!(queued < 6 * 1024 * 1024, "{queued} bytes wait");
    }
    crate::support::until(|| target.closes("4008") == 1).await;
    target.unharmed().await;
}

#[tokio::test]
async fn a_peer_that_has_vanished() {
    let target = Target::with(|limits| {
        limits.ping = Duration::from_secs(1);
        limits.dead_after = Duration::from_secs(3);
    })
    .await;
    let mut raw = target.open().await;
    raw.send_text(&request(1, "hang", "[]")).await;
    raw.send_text(&request(2, "ticks", "[]")).await;
    crate::support::until(|| target.lives.now() == 2).await;
    target.is_serving().await;
    // It is there, says nothing and takes nothing: as if the cable had been cut.
    crate::support::until(|| target.server.stats().connections == 1).await;
    target.unharmed().await;
    drop(raw);
}
