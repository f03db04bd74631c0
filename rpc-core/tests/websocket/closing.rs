//! The end: told in order, never lost, never waited for without bound.

use std::io::{Read, Write};

use super::far::*;

#[test]
fn a_close_sends_what_is_buffered_then_code_and_reason_then_the_end() {
    let (mut server, far) = server(&Limits::server());
    far.has_room_for(0);
    server.send(Bytes::from("goodbye")).unwrap();
    assert!(!server.close(CloseCode::RESTARTING, "back soon"));
    far.has_room_for(12);
    assert!(!server.close(CloseCode::RESTARTING, "back soon"));
    assert!(!far.line().shut_down);
    far.has_room_for(usize::MAX);
    assert!(!server.close(CloseCode::RESTARTING, "back soon"));

    let goodbye = (TEXT, b"goodbye".to_vec());
    assert_eq!(frames(&far.took()), [goodbye, (CLOSE, closing(1012, "back soon"))]);
    assert!(far.line().shut_down);
    far.sends(masked(CLOSE, closing(1012, "")));
    assert!(server.close(CloseCode::RESTARTING, "back soon"));
    assert!(far.took().is_empty());
}

#[test]
fn a_client_waits_for_the_server_to_hang_up() {
    let (mut client, far) = client(&Limits::client());
    assert!(!client.close(CloseCode::NORMAL, ""));
    far.sends(frame(CLOSE, closing(1000, "")));
    assert!(!client.close(CloseCode::NORMAL, ""));
    far.hangs_up();
    assert!(client.close(CloseCode::NORMAL, ""));
}

#[test]
fn a_close_of_the_other_end_is_answered_with_its_own_code() {
    let (mut server, far) = server(&Limits::server());
    far.has_room_for(0);
    server.send(Bytes::from("last words")).unwrap();
    far.sends(masked(CLOSE, closing(4001, "enough")));
    assert_eq!(server.ending(), "closed 4001 enough");
    assert!(!server.close(CloseCode::NORMAL, "not sent"));
    far.has_room_for(usize::MAX);
    assert!(server.close(CloseCode::NORMAL, "not sent"));
    let last_words = (TEXT, b"last words".to_vec());
    assert_eq!(frames(&far.took()), [last_words, (CLOSE, closing(4001, "enough"))]);
}

/// An error instead would make the caller give up before the close is answered.
#[test]
fn what_is_sent_after_the_other_end_closed_is_dropped() {
    let (mut server, far) = server(&Limits::server());
    far.has_room_for(65_000);
    server.send(Bytes::from(vec![b'x'; 100_000])).unwrap();
    assert!(!server.flush());
    far.sends(masked(CLOSE, closing(1001, "leaving")));
    assert_eq!(server.ending(), "closed 1001 leaving");
    far.has_room_for(usize::MAX);
    assert!(server.flush() && server.ready());
    server.send(Bytes::from("too late")).unwrap();
    server.ping().unwrap();
    assert!(server.flush());
    assert!(server.close(CloseCode::NORMAL, ""));
    let frames = frames(&far.took());
    assert_eq!((frames.len(), frames[0].0), (2, BEGIN));
    assert_eq!(frames[1], (CLOSE, closing(1001, "leaving")));
    assert_eq!(server.accepted(), 0);
}

#[test]
fn nothing_leaves_after_our_close_whatever_is_called() {
    let (mut server, far) = server(&Limits::server());
    far.sends(masked(TEXT, "x".repeat(2000)));
    server.text();
    assert!(server.receive().is_pending());
    assert!(!server.close(CloseCode::NORMAL, ""));
    assert_eq!(frames(&far.took()), [(CLOSE, closing(1000, ""))]);
    server.shrink();
    server.send(Bytes::from("too late")).unwrap();
    server.ping().unwrap();
    assert!(server.flush());
    assert!(far.took().is_empty());
}

/// A close has room even if pongs have filled the buffer.
#[test]
fn the_answer_to_a_close_survives_a_full_buffer() {
    let (mut server, far) = server(&Limits::server());
    far.has_room_for(0);
    far.sends(masked(PING, [b'?'; 125]).repeat(2000));
    far.sends(masked(CLOSE, closing(1001, &"x".repeat(123))));
    assert_eq!(server.ending(), format!("closed 1001 {}", "x".repeat(123)));
    far.has_room_for(usize::MAX);
    assert!(server.close(CloseCode::NORMAL, ""));
    let frames = frames(&far.took());
    assert_eq!(frames.last().unwrap(), &(CLOSE, closing(1001, &"x".repeat(123))));
}

#[test]
fn our_close_survives_a_full_buffer() {
    let (mut server, far) = server(&Limits::server());
    far.has_room_for(0);
    far.sends(masked(PING, [b'?'; 125]).repeat(2000));
    assert!(server.receive().is_pending());
    assert!(!server.close(CloseCode::POLICY, "flood"));
    far.has_room_for(usize::MAX);
    assert!(!server.close(CloseCode::POLICY, "flood"));
    let frames = frames(&far.took());
    assert_eq!(frames.last().unwrap(), &(CLOSE, closing(1008, "flood")));
    let closes = frames.iter().filter(|(first, _)| *first == CLOSE);
    assert_eq!(closes.count(), 1);
}

#[test]
fn what_was_broken_is_told_to_whoever_broke_it() {
    for (broken, code) in [
        (frame(TEXT, "no mask"), CloseCode::PROTOCOL),
        (masked(BEGIN, b"\xff"), CloseCode::INVALID_TEXT),
        (masked(TEXT, vec![b'x'; 1024 * 1024 + 1]), CloseCode::TOO_BIG),
        ([masked(BEGIN, ""), masked(MORE, "").repeat(5000)].concat(), CloseCode::POLICY),
    ] {
        let (mut server, far) = server(&Limits::server());
        far.sends(broken);
        assert!(server.ending().starts_with(&code.to_string()));
        assert!(!server.close(code, "why"));
        assert_eq!(frames(&far.took()), [(CLOSE, closing(code.value(), "why"))]);
        far.hangs_up();
        while !server.close(code, "why") {}
    }
}

#[test]
fn a_message_half_out_is_cut_short_by_a_close() {
    let (mut server, far) = server(&Limits::server());
    far.has_room_for(10_000);
    server.send(Bytes::from(vec![b'x'; 1_000_000])).unwrap();
    assert!(!server.flush());
    assert!(!server.close(CloseCode::SLOW_READER, "too slow"));
    far.has_room_for(usize::MAX);
    assert!(!server.close(CloseCode::SLOW_READER, "too slow"));
    let frames = frames(&far.took());
    assert_eq!((frames.len(), frames[0].0), (2, BEGIN));
    assert_eq!(frames[1], (CLOSE, closing(4008, "too slow")));
    assert_eq!(server.accepted(), 0);
}

#[test]
fn a_reason_is_cut_between_characters_and_a_private_code_is_replaced() {
    for (code, reason, expected) in [
        (CloseCode::NORMAL, "é".repeat(70), closing(1000, &"é".repeat(61))),
        (CloseCode::NORMAL, "e".repeat(124), closing(1000, &"e".repeat(123))),
        (CloseCode::new(1006), "lost".into(), closing(1000, "lost")),
        (CloseCode::new(999), String::new(), closing(1000, "")),
        (CloseCode::new(4999), String::new(), closing(4999, "")),
    ] {
        let (mut server, far) = server(&Limits::server());
        server.close(code, &reason);
        assert_eq!(frames(&far.took()), [(CLOSE, expected)]);
    }
}

#[test]
fn what_still_comes_is_discarded_but_not_for_ever() {
    let limits = message_in(100_000);
    let (mut server, far) = server(&limits);
    far.sends_for_ever(masked(TEXT, "more"));
    let mut polls = 1;
    while !server.close(CloseCode::POLICY, "") {
        polls += 1;
    }
    assert!((400_000..410_000).contains(&far.line().bytes_read));
    assert!(polls > 5, "others get their turn in between");
}

/// The other end does not read before it has written all it has.
#[test]
fn listening_does_not_wait_for_telling() {
    let (mut server, far) = server(&Limits::server());
    far.has_room_for(0);
    server.send(Bytes::from("unread")).unwrap();
    far.sends(vec![0; 500_000]);
    for _ in 0..10 {
        assert!(!server.close(CloseCode::TOO_BIG, "stop"));
    }
    assert_eq!(far.line().bytes_read, 500_000);
}

#[test]
fn a_peer_that_left_is_not_waited_for() {
    for mut end in [server(&Limits::server()), client(&Limits::client())].map(|(end, far)| {
        far.hangs_up();
        end
    }) {
        assert_eq!(end.ending(), "the other end left without a close");
        assert!(end.close(CloseCode::NORMAL, ""));
    }
}

/// On a real socket, with more than its buffers hold: a sender that first writes all it has would be
/// reset amid that by an end which does not go on reading.
#[tokio::test]
async fn the_sender_of_a_message_too_big_learns_why() {
    const MESSAGE_IN: usize = 8 * 1024 * 1024;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let sender = std::thread::spawn(move || {
        let mut socket = std::net::TcpStream::connect(address).unwrap();
        socket.write_all(&masked(TEXT, vec![b'x'; 3 * MESSAGE_IN])).unwrap();
        let mut answer = Vec::new();
        socket.read_to_end(&mut answer).unwrap();
        answer
    });
    let (socket, _) = listener.accept().await.unwrap();
    let mut server = WebSocket::new(socket, Role::Server, Bytes::new(), &message_in(MESSAGE_IN));
    let received = std::future::poll_fn(|cx| server.poll_receive(cx, 10_000)).await;
    assert!(matches!(received, Received::Failed(_)));
    std::future::poll_fn(|cx| server.poll_close(cx, CloseCode::TOO_BIG, "too big")).await;
    drop(server);
    assert_eq!(sender.join().unwrap(), frame(CLOSE, closing(1009, "too big")));
}
