//! What leaves: fragments, pongs between them, and how far the line took it.

use std::sync::Arc;
use std::task::{Context, Waker};

use futures_util::{SinkExt, StreamExt};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{self, Message};

use super::far::*;

const KIB: usize = 1024;

fn send(end: &mut impl Transport, message: impl Into<Vec<u8>>) {
    end.send(Bytes::from(message.into())).unwrap();
}

#[test]
fn a_long_message_leaves_in_fragments_of_64_kib_with_pongs_between() {
    let (mut server, far) = server(&Limits::server());
    let message: Vec<u8> = (0..200 * KIB).map(|i| b'a' + (i % 26) as u8).collect();
    far.has_room_for(70 * KIB);
    send(&mut server, message.clone());
    assert!(!server.flush());
    far.sends(masked(PING, "still there?"));
    assert!(server.receive().is_pending());
    far.has_room_for(usize::MAX);
    assert!(server.flush());

    let frames = frames(&far.took());
    let shape: Vec<_> = frames.iter().map(|(first, payload)| (*first, payload.len())).collect();
    let full = 64 * KIB;
    assert_eq!(shape, [(BEGIN, full), (MORE, full), (PONG, 12), (MORE, full), (LAST, 8 * KIB)]);
    let data = frames.iter().filter(|(first, _)| *first != PONG);
    assert_eq!(data.flat_map(|(_, payload)| payload.clone()).collect::<Vec<_>>(), message);
}

/// Half a payload has left when the pong comes: the pong must not get into the payload, nor the rest of the message in
/// front of the pong.
#[test]
fn a_long_payload_leaves_from_where_it_lies_with_pongs_behind_it() {
    let (mut server, far) = server(&Limits::server());
    far.line().gathers = true;
    let message: Vec<u8> = (0..100 * KIB).map(|i| b'a' + (i % 26) as u8).collect();
    for room in [0, 1, 9, 10, 11, 64 * KIB + 9] {
        far.has_room_for(room);
        let before = server.accepted();
        send(&mut server, message.clone());
        assert!(!server.flush());
        far.sends([masked(PING, "one"), masked(PING, "two")].concat());
        assert!(server.receive().is_pending());
        assert!(!server.ready());
        far.has_room_for(usize::MAX);
        let writes = far.line().writes;
        assert!(server.flush());
        assert!(far.line().writes - writes <= 2, "a write for each fragment");
        assert_eq!((server.accepted(), server.backlog()), (before + 1, 0));
        send(&mut server, "short");
        assert!(server.flush());

        let frames = frames(&far.took());
        let shape: Vec<_> = frames.iter().map(|(first, payload)| (*first, payload.len())).collect();
        let (begin, last) = ((BEGIN, 64 * KIB), (LAST, 36 * KIB));
        let pongs = [(PONG, 3), (PONG, 3)];
        assert_eq!(shape, [&[begin][..], &pongs, &[last, (TEXT, 5)]].concat(), "{room}");
        let data = frames.iter().filter(|(first, _)| matches!(*first, BEGIN | LAST));
        assert_eq!(data.flat_map(|(_, payload)| payload.clone()).collect::<Vec<_>>(), message);
    }
}

#[test]
fn a_binary_message_leaves_marked_as_binary_with_its_first_fragment() {
    let (mut server, far) = server(&Limits::server());
    server.send_binary(Bytes::from(vec![0xff; 65 * KIB])).unwrap();
    assert!(server.ready());
    server.send_binary(Bytes::from_static(b"\xfe")).unwrap();
    assert!(server.flush());
    assert_eq!(server.accepted(), 2);
    let frames = frames(&far.took());
    let shape: Vec<_> = frames.iter().map(|(first, payload)| (*first, payload.len())).collect();
    assert_eq!(shape, [(BEGIN_BINARY, 64 * KIB), (LAST, KIB), (BINARY, 1)]);
}

#[test]
fn with_whole_frames_a_long_message_leaves_as_one_frame_and_pongs_wait_behind_it() {
    let (mut server, far) = server(&Limits::server());
    server.set_whole_frames();
    far.has_room_for(70 * KIB);
    send(&mut server, vec![b'x'; 4096 * KIB]);
    assert!(!server.flush());
    assert!((4026 * KIB..4027 * KIB).contains(&server.backlog()), "{}", server.backlog());
    assert!(!server.ready());
    far.sends(masked(PING, "still there?"));
    assert!(server.receive().is_pending());
    far.has_room_for(usize::MAX);
    assert!(server.ready());
    server.send_binary(Bytes::from(vec![0xff; 5000 * KIB])).unwrap();
    assert!(server.flush());
    let frames = frames(&far.took());
    let shape: Vec<_> = frames.iter().map(|(first, payload)| (*first, payload.len())).collect();
    assert_eq!(shape, [(TEXT, 4096 * KIB), (PONG, 12), (BINARY, 5000 * KIB)]);
    assert_eq!((server.accepted(), server.backlog()), (2, 0));
}

/// A frame that does not fit waits for room that there must be one day: after a flood of pongs, and after other limits.
#[test]
fn a_whole_frame_is_never_too_long_for_the_buffer() {
    for other_limits in [false, true] {
        let (mut server, far) = server(&Limits::server());
        server.set_whole_frames();
        far.has_room_for(0);
        assert!(server.ready());
        far.sends(masked(PING, [b'?'; 125]).repeat(2000));
        assert!(server.receive().is_pending());
        send(&mut server, vec![b'x'; 1024 * KIB]);
        if other_limits {
            server.set_limits(&Limits::client());
        }
        far.has_room_for(usize::MAX);
        assert!(server.ready());
        assert!(server.flush());
        server.shrink();
        send(&mut server, vec![b'y'; 2048 * KIB]);
        assert!(server.flush());
        let frames = frames(&far.took());
        let data = frames.iter().filter(|(first, _)| *first != PONG);
        let shape: Vec<_> = data.map(|(first, payload)| (*first, payload.len())).collect();
        assert_eq!(shape, [(TEXT, 1024 * KIB), (TEXT, 2048 * KIB)]);
    }
}

#[test]
fn another_message_must_wait_until_the_last_was_handed_over_whole() {
    let (mut server, far) = server(&Limits::server());
    far.has_room_for(0);
    send(&mut server, vec![b'x'; 100 * KIB]);
    assert!(!server.ready());
    far.has_room_for(64 * KIB);
    assert!(!server.ready(), "36 KiB of it are still in the buffer");
    far.has_room_for(20 * KIB + 28);
    assert!(server.ready(), "16 KiB may stay");
    send(&mut server, "next");
    far.has_room_for(usize::MAX);
    assert!(server.flush());
    let frames = frames(&far.took());
    assert_eq!(frames.last().unwrap(), &(TEXT, b"next".to_vec()));
    assert_eq!(server.accepted(), 2);
}

#[test]
fn the_backlog_is_what_the_line_has_yet_to_take() {
    let (mut server, far) = server(&Limits::server());
    far.has_room_for(0);
    far.sends(masked(PING, [b'?'; 100]).repeat(10));
    assert!(server.receive().is_pending());
    let pongs = frame(PONG, [b'?'; 100]).len() * 10;
    assert!((pongs..pongs + 200).contains(&server.backlog()));

    send(&mut server, vec![b'x'; 4096 * KIB]);
    assert!((4096 * KIB + pongs..4097 * KIB + pongs).contains(&server.backlog()));
    far.has_room_for(1096 * KIB + pongs);
    assert!(!server.flush());
    assert!((3000 * KIB..3001 * KIB).contains(&server.backlog()));
    far.has_room_for(usize::MAX);
    assert!(server.flush());
    assert_eq!(server.backlog(), 0);
}

/// What was buffered when the ping was queued stands before it.
#[test]
fn a_message_of_4_mib_never_has_more_than_80_kib_in_the_buffer() {
    let (mut server, far) = server(&Limits::server());
    let mut random = random(2);
    far.has_room_for(0);
    send(&mut server, vec![b'x'; 4096 * KIB]);
    let (mut left, mut asked) = (Vec::new(), Vec::new());
    while !server.flush() {
        if random(2) == 0 {
            server.ready();
        }
        left.extend(far.took());
        server.ping().unwrap();
        asked.push(left.len());
        far.has_room_for(random(150 * KIB));
    }
    left.extend(far.took());
    let (mut sent, mut pings) = (0, asked.into_iter());
    for (first, payload) in frames(&left) {
        if first == PING {
            let backlog = sent - pings.next().unwrap();
            assert!(backlog <= 80 * KIB + 100, "{backlog} bytes were buffered");
        }
        sent += frame(first, payload).len();
    }
    assert_eq!(pings.next(), None, "every ping left");
}

#[test]
fn a_message_is_accepted_with_its_last_byte() {
    let (mut server, far) = server(&Limits::server());
    far.has_room_for(0);
    let messages = ["", "one", "a message of more than 125 bytes ".repeat(5).leak(), ""];
    far.sends(masked(PING, "ping"));
    let mut ends = Vec::new();
    let mut length = frame(PONG, "ping").len();
    assert!(server.receive().is_pending());
    for message in messages {
        assert!(server.ready());
        send(&mut server, message);
        server.ping().unwrap();
        length += frame(TEXT, message).len();
        ends.push(length);
        length += frame(PING, "").len();
    }
    for taken in 1..=length {
        far.has_room_for(1);
        server.flush();
        let expected = ends.iter().filter(|end| **end <= taken).count();
        assert_eq!(server.accepted(), expected as u64, "after {taken} bytes");
    }
    assert_eq!(far.took().len(), length);
}

#[test]
fn a_message_in_fragments_is_accepted_with_the_last_of_them() {
    for (close_by, gathers) in [(Role::Server, false), (Role::Server, true), (Role::Client, true)] {
        let (mut end, far) = end(close_by, &Limits::server(), Bytes::new());
        far.line().gathers = gathers;
        send(&mut end, vec![b'x'; 130 * KIB]);
        let mask = if close_by == Role::Client { 4 } else { 0 };
        far.has_room_for(130 * KIB + 10 + 10 + 4 + 3 * mask - 1);
        assert!(!end.flush());
        assert_eq!(end.accepted(), 0);
        far.has_room_for(1);
        assert!(end.flush());
        assert_eq!(end.accepted(), 1);
    }
}

/// At each end: one frame of a client has one mask.
#[test]
fn a_sequence_leaves_as_one_frame_and_all_its_messages_are_accepted_with_its_last_byte() {
    for role in [Role::Server, Role::Client] {
        let (mut end, far) = end(role, &Limits::server(), Bytes::new());
        send(&mut end, "alone");
        assert!(end.ready());
        let long = "x".repeat(200);
        let messages =
            ["one", "two", &long].map(|message| Bytes::copy_from_slice(message.as_bytes()));
        end.send_sequence(&messages).unwrap();
        let header = if role == Role::Client { 2 + 4 + 4 + 4 } else { 2 + 4 };
        far.has_room_for(header + "alone".len() + 206 + 2 * 3 - 1);
        assert!(!end.flush());
        assert_eq!(end.accepted(), 1);
        far.has_room_for(1);
        assert!(end.flush());
        assert_eq!((end.accepted(), end.backlog()), (4, 0));
        let sequence = format!("\u{1e}one\n\u{1e}two\n\u{1e}{long}\n");
        if role == Role::Server {
            assert_eq!(
                frames(&far.took()),
                [(TEXT, b"alone".to_vec()), (TEXT, sequence.into_bytes())]
            );
        }
    }
}

#[test]
fn nothing_is_written_but_by_flush_ready_and_the_wait_for_more() {
    let (mut server, far) = server(&Limits::server());
    far.sends(masked(PING, "1").repeat(100));
    far.sends(masked(TEXT, "x"));
    assert_eq!(server.text(), "x");
    for _ in 0..100 {
        assert!(server.ready());
        send(&mut server, "answer");
        server.ping().unwrap();
    }
    assert_eq!(far.line().writes, 0);
    assert!(server.flush());
    assert_eq!(far.line().writes, 1, "one system call for all of it");
    assert_eq!(frames(&far.took()).len(), 300);
    assert!(server.flush());
    assert_eq!(far.line().writes, 1);
}

#[test]
fn pings_are_answered_without_a_flush_by_the_caller() {
    let (mut server, far) = server(&Limits::server());
    far.sends([masked(PING, "1"), masked(PING, "2")].concat());
    assert!(server.receive().is_pending());
    assert_eq!(far.took(), [frame(PONG, "1"), frame(PONG, "2")].concat());
    assert_eq!(far.line().writes, 1);
    send(&mut server, "not urgent");
    assert!(server.receive().is_pending());
    assert_eq!(far.line().writes, 1, "messages leave with the caller's flush");
}

/// Unbounded, this is 1.3 GiB in five seconds.
#[test]
fn pings_of_a_peer_that_never_reads_cost_the_write_buffer_and_no_spinning() {
    let (mut server, far) = server(&Limits::server());
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(woken.clone());
    let cx = &mut Context::from_waker(&waker);
    far.has_room_for(0);
    for turn in 1..=200 {
        far.sends(masked(PING, [b'?'; 125]).repeat(200));
        assert!(server.poll_receive(cx, usize::MAX).is_pending());
        assert!(far.line().writes <= turn, "one attempt for each poll");
    }
    far.sends(masked(PING, "last"));
    assert!(server.poll_receive(cx, usize::MAX).is_pending());
    assert_eq!(woken.count(), 0);
    let pong = frame(PONG, [b'?'; 125]).len();
    assert_eq!(server.backlog(), 160 * KIB / pong * pong, "what was dropped does not count");

    far.has_room_for(usize::MAX);
    assert!(server.flush());
    let pongs = far.took();
    assert!(pongs.len() <= 161 * KIB, "{} bytes were buffered", pongs.len());
    assert!(pongs.ends_with(&frame(PONG, "last")), "the newest ping is the one to answer");
}

#[test]
fn a_buffer_full_of_pongs_loses_no_message() {
    for length in [200, 70 * KIB] {
        let (mut server, far) = server(&Limits::server());
        far.has_room_for(0);
        assert!(server.ready());
        far.sends(masked(PING, [b'?'; 125]).repeat(2000));
        assert!(server.receive().is_pending());
        // It was ready before the pings came.
        send(&mut server, vec![b'x'; length]);
        assert!(!server.ready());
        far.has_room_for(usize::MAX);
        assert!(server.ready());
        assert!(server.flush());
        let frames = frames(&far.took());
        let data = frames.iter().filter(|(first, _)| *first != PONG);
        assert_eq!(data.map(|(_, payload)| payload.len()).sum::<usize>(), length);
        assert_eq!(server.accepted(), 1);
    }
}

#[test]
fn a_ping_that_does_not_fit_is_skipped() {
    let (mut server, far) = server(&Limits::server());
    far.has_room_for(0);
    for _ in 0..100_000 {
        server.ping().unwrap();
    }
    far.has_room_for(usize::MAX);
    assert!(server.flush());
    assert_eq!(far.took(), frame(PING, "").repeat(80 * KIB));
}

#[test]
fn a_line_that_takes_a_byte_at_a_time_gets_all_of_it() {
    let (mut server, far) = server(&Limits::server());
    far.has_room_for(0);
    let message = vec![b'x'; 66 * KIB];
    send(&mut server, message.clone());
    for _ in 0..66 * KIB + 14 {
        assert!(!server.flush());
        far.has_room_for(1);
    }
    assert!(server.flush());
    let frames = frames(&far.took());
    assert_eq!(frames.iter().flat_map(|(_, payload)| payload.clone()).collect::<Vec<_>>(), message);
}

#[tokio::test]
async fn tungstenite_understands_us_in_both_roles() {
    use std::future::poll_fn;
    for (ours, theirs) in [
        (Role::Server, tungstenite::protocol::Role::Client),
        (Role::Client, tungstenite::protocol::Role::Server),
    ] {
        let (near, far) = tokio::io::duplex(1000);
        let mut near = WebSocket::new(near, ours, Bytes::new(), &Limits::client());
        let echo = tokio::spawn(async move {
            let mut far = WebSocketStream::from_raw_socket(far, theirs, None).await;
            while let Some(Ok(message)) = far.next().await {
                if message.is_text() {
                    far.send(Message::Ping("?".into())).await.unwrap();
                    far.send(message).await.unwrap();
                }
            }
        });
        for length in [0, 1, 125, 126, 65535, 65536, 65537, 300_000] {
            let message = "é".repeat(length / 2) + &"e".repeat(length % 2);
            send(&mut near, message.clone());
            poll_fn(|cx| near.poll_flush(cx)).await.unwrap();
            match poll_fn(|cx| near.poll_receive(cx, 10_000)).await {
                Received::Text => assert_eq!(near.message(), message.as_bytes()),
                other => panic!("{:?}", matches!(other, Received::Failed(_))),
            }
        }
        poll_fn(|cx| near.poll_close(cx, CloseCode::NORMAL, "done")).await;
        echo.await.unwrap();
    }
}
