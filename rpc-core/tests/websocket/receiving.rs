//! What arrives, and how a link ends.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::far::*;

#[test]
fn messages_arrive_whole_and_in_order_however_they_are_cut() {
    let long = "x".repeat(10_000);
    for read_at_once in [1, 2, 3, 7, 0] {
        let (mut server, far) = server(&Limits::server());
        far.line().read_at_once = read_at_once;
        far.sends(masked(TEXT, "one"));
        far.sends([masked(BEGIN, "tw"), masked(PING, "?"), masked(LAST, "o")].concat());
        far.sends(masked(TEXT, ""));
        far.sends(masked(TEXT, &long));
        assert_eq!([server.text(), server.text(), server.text()], ["one", "two", ""]);
        assert_eq!(server.text(), long);
        assert!(server.receive().is_pending());
        assert_eq!(server.received_bytes(), far.line().bytes_read as u64);
    }
}

#[test]
fn what_the_handshake_read_beyond_its_head_comes_first() {
    let first = [masked(TEXT, "first"), masked(TEXT, "second")].concat();
    let (early, late) = first.split_at(first.len() - 1);
    let already_read = Bytes::copy_from_slice(early);
    let (mut server, far) = end(Role::Server, &Limits::server(), already_read);
    assert_eq!(server.text(), "first");
    assert!(server.receive().is_pending());
    assert_eq!((server.received_bytes(), server.assembling()), (early.len() as u64, Some(1)));
    far.sends(late);
    assert_eq!(server.text(), "second");
}

#[test]
fn a_broken_rule_is_named_by_code_and_reason() {
    let limits = message_in(1000);
    let oversized = vec![b'x'; 1001];
    let cases: [(&str, &[&[u8]]); _] = [
        ("1009 a message above the limit `message_in`", &[&masked(TEXT, &oversized)]),
        (
            "1009 a message above the limit `message_in`",
            &[&masked(BEGIN, &oversized[..600]), &masked(LAST, &oversized[..401])],
        ),
        ("1009 a message above the limit `message_in`", &[&masked(BINARY, &oversized)]),
        (
            "1009 a message above the limit `message_in`",
            &[&masked(BEGIN_BINARY, &oversized[..600]), &masked(LAST, &oversized[..401])],
        ),
        (
            "1008 too many fragments",
            &[&masked(BEGIN_BINARY, "x"), &masked(MORE, "").repeat(limits.fragments)],
        ),
        ("1009 a message above the limit `message_in`", &[&[TEXT, 0xff], &[0xff; 8], &[0; 4]]),
        // What is whole is checked by the connection.
        ("1007 text that is not UTF-8", &[&masked(BEGIN, b"\xff")]),
        ("1007 text that is not UTF-8", &[&masked(BEGIN, b"\xc3"), &masked(MORE, "x")]),
        ("1007 text that is not UTF-8", &[&masked(CLOSE, b"\x03\xe8\xff")]),
        ("1002 a client's frame without mask", &[&frame(TEXT, "x")]),
        ("1002 reserved bits are set", &[&masked(TEXT | 0x40, "x")]),
        ("1002 an opcode without meaning", &[&masked(0x83, "x")]),
        ("1002 an opcode without meaning", &[&masked(0x8b, "x")]),
        ("1002 a continuation of no message", &[&masked(LAST, "x")]),
        (
            "1002 a new message before the last was whole",
            &[&masked(BEGIN, "x"), &masked(TEXT, "y")],
        ),
        ("1002 a control frame in fragments", &[&masked(0x09, "x")]),
        ("1002 a control frame of more than 125 bytes", &[&masked(PING, [0; 126])]),
        ("1002 a close frame with half a code", &[&masked(CLOSE, "x")]),
    ];
    for (expected, frames) in cases {
        let (mut server, far) = server(&limits);
        far.sends([masked(TEXT, "before"), frames.concat()].concat());
        assert_eq!(server.text(), "before", "{expected}");
        assert_eq!(server.ending(), expected);
    }
}

#[test]
fn what_is_marked_as_binary_is_handed_over_as_such_and_unread() {
    let (mut server, far) = server(&Limits::server());
    far.sends([masked(BINARY, "one"), masked(TEXT, "two"), masked(BINARY, "")].concat());
    far.sends([masked(BEGIN_BINARY, b"\xc3"), masked(PING, "?"), masked(LAST, b"\xff")].concat());
    let received = [(); 4].map(|()| server.ending());
    assert_eq!(received, ["binary one", "text two", "binary ", "binary \\xc3\\xff"]);
}

#[test]
fn a_message_as_long_as_the_limit_is_taken() {
    let limits = message_in(1000);
    let (mut server, far) = server(&limits);
    far.sends(masked(TEXT, [b'x'; 1000]));
    far.sends([masked(BEGIN, [b'x'; 999]), masked(MORE, "x"), masked(LAST, "")].concat());
    assert_eq!([server.text().len(), server.text().len()], [1000, 1000]);
}

#[test]
fn a_server_may_not_mask() {
    let (mut client, far) = client(&Limits::client());
    far.sends(masked(TEXT, "x"));
    assert_eq!(client.ending(), "1002 a server's frame with mask");
}

#[test]
fn a_close_tells_its_code_and_reason() {
    for (payload, expected) in [
        (closing(1001, "moving"), "closed 1001 moving"),
        (closing(4401, ""), "closed 4401 "),
        (Vec::new(), "closed without code "),
    ] {
        let (mut server, far) = server(&Limits::server());
        far.sends(masked(CLOSE, payload));
        assert_eq!(server.ending(), expected);
    }
}

#[test]
fn a_link_that_just_ends_is_no_close() {
    for last_words in [Vec::new(), masked(TEXT, "half")[..7].to_vec(), masked(BEGIN, "half")] {
        let (mut server, far) = server(&Limits::server());
        far.sends(last_words);
        far.hangs_up();
        assert_eq!(server.ending(), "the other end left without a close");
    }
}

#[test]
fn a_message_has_begun_with_its_first_byte() {
    let (mut server, far) = server(&Limits::server());
    let message = [masked(BEGIN, "a"), masked(PING, ""), masked(LAST, "b")].concat();
    for number in 0..3 {
        assert_eq!(server.assembling(), None);
        for byte in &message[..message.len() - 1] {
            far.sends([*byte]);
            assert!(server.receive().is_pending());
            assert_eq!(server.assembling(), Some(number));
        }
        far.sends(&message[message.len() - 1..]);
        assert_eq!(server.text(), "ab");
    }
}

/// Empty fragments make no message: a reader that goes on until there is one would not return as long as they come.
#[test]
fn empty_fragments_without_end_are_stopped_inside_one_read() {
    let (mut server, far) = server(&Limits::server());
    far.sends(masked(BEGIN, "x"));
    far.sends_for_ever(masked(MORE, ""));
    assert_eq!(server.ending(), "1008 too many fragments");
    assert!(far.line().bytes_read < 4096 * 6 + 4096);
}

#[test]
fn a_poll_reads_what_it_is_allowed_and_wakes_itself() {
    let (mut server, far) = server(&Limits::server());
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(woken.clone());
    let cx = &mut Context::from_waker(&waker);
    far.sends(masked(BEGIN, vec![b'x'; 100_000]));

    for turn in 1..10 {
        assert!(server.poll_receive(cx, 10_000).is_pending());
        assert_eq!((far.line().bytes_read, woken.count()), (turn * 10_000, turn));
    }
    // With nothing left to read it is the line's turn to wake.
    assert!(server.poll_receive(cx, 1_000_000).is_pending());
    assert_eq!(woken.count(), 9);
}

/// By 4 KiB at once, the system calls cost more than the message.
#[test]
fn a_long_message_is_read_in_long_pieces() {
    let (mut server, far) = server(&Limits::server());
    let (long, next) = ("x".repeat(1_000_000), "next");
    far.sends([masked(TEXT, &*long), masked(TEXT, next)].concat());
    assert_eq!(server.text(), long);
    let line = far.line();
    assert!(line.reads <= 1_000_000 / (16 * 1024) + 2, "{} reads", line.reads);
    drop(line);
    assert_eq!(server.text(), next);
}

#[test]
fn a_message_that_was_read_already_needs_no_allowance() {
    let (mut server, far) = server(&Limits::server());
    far.sends([masked(TEXT, "one"), masked(TEXT, "two")].concat());
    assert_eq!(server.text(), "one");
    let cx = &mut Context::from_waker(Waker::noop());
    assert!(matches!(server.poll_receive(cx, 0), Poll::Ready(Received::Text)));
}

#[test]
fn pings_and_unasked_pongs_are_counted() {
    let (mut server, far) = server(&Limits::server());
    server.ping().unwrap();
    far.sends([masked(PONG, ""), masked(PONG, ""), masked(PING, "")].concat());
    assert!(server.receive().is_pending());
    assert_eq!(server.unasked_controls(), 2);
}

/// Requests with a close right behind them, in one segment: their answers come before our close.
#[tokio::test(start_paused = true)]
async fn what_was_asked_right_before_a_close_is_answered() {
    use rpc_core::transport::{Endpoint, EndpointConfig};
    use rpc_core::{Context, Router};
    let services =
        Router::new().method("add", |_: Context, (a, b): (i64, i64)| async move { Ok(a + b) });
    let (near, mut far) = tokio::io::duplex(64 * 1024);
    let limits = Limits::server();
    let near = WebSocket::new(near, Role::Server, Bytes::new(), &limits);
    tokio::spawn(Endpoint::new(EndpointConfig::new(services, limits)).connect(near));
    let frame = |opcode: u8, payload: &[u8]| {
        // Masked with zeros, as a client must and may.
        [&[0x80 | opcode, 0x80 | payload.len() as u8, 0, 0, 0, 0][..], payload].concat()
    };
    let mut segment = Vec::new();
    for id in 0..5 {
        let text = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"add","params":[1,2]}}"#);
        segment.extend(frame(1, text.as_bytes()));
    }
    segment.extend(frame(8, &1000u16.to_be_bytes()));
    tokio::io::AsyncWriteExt::write_all(&mut far, &segment).await.unwrap();
    let mut got = Vec::new();
    tokio::io::AsyncReadExt::read_to_end(&mut far, &mut got).await.unwrap();
    let got = String::from_utf8_lossy(&got);
    assert_eq!(got.matches("\"result\":3").count(), 5, "{got}");
    assert!(got.ends_with("\u{3}\u{fffd}"), "and then the close, 1000: {got:?}");
}

#[test]
fn whatever_came_behind_a_message_is_dealt_with_though_nothing_more_comes() {
    for behind in [masked(PING, "?"), masked(TEXT, "second"), masked(CLOSE, b"\x03\xe8bye")] {
        for read_at_once in [0, 1, 9] {
            let (mut server, far) = server(&Limits::server());
            far.line().read_at_once = read_at_once;
            far.sends([masked(TEXT, "first"), behind.clone()].concat());
            assert_eq!(server.text(), "first");
            match behind[0] {
                TEXT => assert_eq!(server.text(), "second"),
                PING => {
                    assert!(server.receive().is_pending());
                    assert_eq!(far.took(), frame(PONG, "?"));
                }
                _ => assert_eq!(server.ending(), "closed 1000 bye"),
            }
        }
    }
}
