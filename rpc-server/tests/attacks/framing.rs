//! Frames that cost more to take than to send.

use std::time::Duration;

use crate::canary::Target;
use crate::support::{CLOSE, TEXT, frame, until};

const FIRST_OF_TEXT: u8 = 0x01;
const CONTINUES: u8 = 0x00;
const WHOLE_TEXT: u8 = 0x81;
const PING: u8 = 9;

/// The head of a frame that says it has so many bytes.
fn head(first: u8, length: u64) -> Vec<u8> {
    [&[first, 0xff], &length.to_be_bytes()[..], &[0; 4]].concat()
}

fn fragment(first: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).unwrap();
    [&[first, 0x80 | length, 0, 0, 0, 0], payload].concat()
}

/// Each pong is as long as its ping, and only the last one is owed when there is no room.
#[tokio::test]
async fn pings_without_end_from_who_never_reads() {
    let target = Target::new().await;
    let mut raw = target.open().await;
    let pings = frame(PING, &[b'p'; 125]).repeat(512);
    let most = target.server.stats().queue_bytes + 160 * 1024 + 1024;
    for _ in 0..256 {
        if !raw.try_send(&pings).await {
            break;
        }
        let queued = target.server.stats().queue_bytes;
        assert!(queued <= most, "{queued} bytes of pongs wait");
    }
    target.is_exceeded("`control_rate`").await;
    target.is_serving().await;
    drop(raw);
    target.unharmed().await;
}

#[tokio::test]
async fn pongs_that_nobody_asked_for() {
    let target = Target::new().await;
    let mut raw = target.open().await;
    let pongs = frame(10, b"pong").repeat(5000);
    for _ in 0..20 {
        raw.send(&pongs).await;
    }
    target.is_exceeded("`control_rate`").await;
    target.is_serving().await;
    drop(raw);
    target.unharmed().await;
}

#[tokio::test]
async fn a_message_of_endless_fragments() {
    for payload in [&b""[..], b" "] {
        let target = Target::new().await;
        let mut raw = target.open().await;
        raw.send(fragment(FIRST_OF_TEXT, b"[")).await;
        raw.send(fragment(CONTINUES, payload).repeat(50_000)).await;
        let (code, reason) = raw.close_frame().await;
        assert_eq!((code, reason.as_str()), (1008, "too many fragments"));
        target.unharmed().await;
    }
}

/// A head is enough to be refused: nothing is reserved for what it declares.
#[tokio::test]
async fn a_frame_that_declares_too_much() {
    const MIB: u64 = 1024 * 1024;
    let target = Target::new().await;
    let cases = [
        ("a byte too much", head(WHOLE_TEXT, MIB + 1), 1009),
        ("2^62", head(WHOLE_TEXT, 1 << 62), 1009),
        ("2^63 - 1", head(WHOLE_TEXT, (1 << 63) - 1), 1009),
        ("the top bit, which must be 0", head(WHOLE_TEXT, u64::MAX), 1009),
        ("binary", head(0x82, 1 << 62), 1009),
        ("in fragments", [fragment(FIRST_OF_TEXT, b"[1"), head(CONTINUES, MIB - 1)].concat(), 1009),
        ("an overflow", [fragment(FIRST_OF_TEXT, b"[1"), head(CONTINUES, u64::MAX)].concat(), 1009),
        ("a ping", head(0x89, 1 << 62), 1002),
        ("a close", head(0x88, 126), 1002),
    ];
    for (what, bytes, code) in cases {
        let mut raw = target.open().await;
        raw.send(bytes).await;
        let (found, reason) = raw.close_frame().await;
        assert_eq!(found, code, "{what}: {reason}");
    }
    target.unharmed().await;
}

/// As much as may be declared, by many, and then silence.
#[tokio::test]
async fn messages_that_are_declared_and_never_come() {
    const CROWD: u64 = 100;
    let target = Target::with(|limits| limits.assembly = Duration::from_millis(300)).await;
    let mut crowd = Vec::new();
    for _ in 0..CROWD {
        let mut raw = target.open().await;
        raw.send(head(WHOLE_TEXT, 1024 * 1024)).await;
        crowd.push(raw);
    }
    target.is_serving().await;
    for mut raw in crowd {
        assert_eq!(raw.close_frame().await.0, 1008);
    }
    until(|| target.closes("1008") == CROWD).await;
    target.unharmed().await;
}

/// Bytes of no meaning behind a handshake of good faith, the same in each run.
#[tokio::test]
async fn noise() {
    let target = Target::with(|limits| {
        limits.assembly = Duration::from_millis(300);
        limits.close = Duration::from_millis(300);
    })
    .await;
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    let mut noise = || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random.to_be_bytes()
    };
    for round in 0..100 {
        let mut raw = target.open().await;
        let mut bytes: Vec<u8> = (0..512).flat_map(|_| noise()).collect();
        // Half of it begins as a frame does, so that not all of it ends at the first bit.
        if round % 2 == 0 {
            bytes = bytes.chunks(40).flat_map(|chunk| frame(TEXT, chunk)).collect();
        }
        raw.send(bytes).await;
        raw.send(frame(CLOSE, b"")).await;
        assert!(raw.ended().await);
    }
    target.unharmed().await;
}
