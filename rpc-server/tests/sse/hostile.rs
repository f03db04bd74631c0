//! What no decent client would send: each request gets a clear error, and the link that it names goes on, or ends with a
//! code.

use std::time::Duration;

use rpc_core::CloseCode;

use crate::asking;
use crate::by_hand::{Events, HELLO, Http, call, opening};
use crate::support::{limits, soon, spawn, until};

/// Requests of a link that change nothing, and their statuses. `LINK` stands for its name, `NEXT` for the number that comes
/// next, and `GAP` for the one behind.
const REQUESTS: &[(&str, &str, u16)] = &[
    // Numbers that are none.
    ("Rpc-First: 0", "{}", 400),
    ("Rpc-First: -1", "{}", 400),
    ("Rpc-First: +2", "{}", 400),
    ("Rpc-First: 2.0", "{}", 400),
    ("Rpc-First: 0x2", "{}", 400),
    ("Rpc-First: two", "{}", 400),
    ("Rpc-First:", "{}", 400),
    ("Rpc-First: 2, 3", "{}", 400),
    ("Rpc-First: 2\r\nRpc-First: 2", "{}", 400),
    ("Rpc-First: 9007199254740992", "{}", 400),
    ("Rpc-First: 18446744073709551616", "{}", 400),
    ("Rpc-First: 99999999999999999999999999", "{}", 400),
    ("Rpc-First: \u{661}", "{}", 400),
    ("Rpc-Received: -1", "", 400),
    ("Rpc-Received: x", "", 400),
    ("Rpc-Received:", "", 400),
    ("Rpc-Received: 1\r\nRpc-Received: 1", "", 400),
    ("Rpc-Received: 9007199254740992", "", 400),
    ("Rpc-Received: 1e3", "", 400),
    ("Rpc-First: 2\r\nRpc-Received: y", "{}", 400),
    // No number.
    ("X: 1", "{}", 400),
    ("Rpc-Received: 1", "{}", 400),
    // A gap.
    ("Rpc-First: GAP", "{}", 409),
    ("Rpc-First: 9007199254740991", "{}", 409),
    // Closes that are none.
    ("Rpc-Close:", "", 400),
    ("Rpc-Close: done", "", 400),
    ("Rpc-Close: 999", "", 400),
    ("Rpc-Close: 1005", "", 400),
    ("Rpc-Close: 1006 gone", "", 400),
    ("Rpc-Close: 1000\r\nRpc-Close: 1000", "", 400),
    ("Rpc-Close: 70000", "", 400),
    ("Rpc-Close: -1000", "", 400),
    // Streams that are none.
    ("Accept: text/event-stream\r\nRpc-Received: x", "", 400),
    ("Accept: text/event-stream\r\nRpc-Received: 1", "{}", 400),
    // Bodies that are none.
    ("Rpc-First: 2\r\nContent-Encoding: gzip", "{}", 415),
    // Names of links.
    ("Rpc-Link: LINK\r\nRpc-First: 2", "{}", 400),
    ("Rpc-Link: x\r\nRpc-First: 2", "{}", 400),
    // What is taken in already.
    ("Rpc-First: 1", "{}", 204),
    ("Rpc-First: 1", "not JSON", 204),
    ("Rpc-First: NEXT", "", 204),
    ("Rpc-First: NEXT", "\n\r\n\n", 204),
    ("Rpc-Received: 0", "", 204),
];

/// Openings that open nothing, and their statuses.
const OPENINGS: &[(&str, &str, u16)] = &[
    ("", "", 400),
    ("", "{", 400),
    ("", "[]", 400),
    ("", "null", 400),
    ("", "{}", 400),
    ("", r#"{"jsonrpc":"2.0","method":"$/hello"}"#, 400),
    ("", r#"{"jsonrpc":"2.0","method":"$/hello","params":{}}"#, 400),
    ("", r#"{"jsonrpc":"2.0","method":"$/hello","params":{"duplex":0}}"#, 400),
    ("", r#"{"jsonrpc":"2.0","method":"$/hello","params":{"duplex":"1"}}"#, 400),
    ("", r#"{"jsonrpc":"2.0","method":"$/hello","params":{"duplex":1,"window":0}}"#, 400),
    ("", r#"{"jsonrpc":"2.0","method":"$/hello","params":{"duplex":1,"batch":0}}"#, 400),
    ("", r#"{"jsonrpc":"2.0","id":1,"method":"$/hello","params":{"duplex":1}}"#, 400),
    ("", r#"{"jsonrpc":"1.0","method":"$/hello","params":{"duplex":1}}"#, 400),
    ("", r#"{"jsonrpc":"2.0","id":1,"method":"echo","params":["x"]}"#, 400),
    ("", r#"[{"jsonrpc":"2.0","method":"$/hello","params":{"duplex":1}}]"#, 400),
    ("Rpc-Received: 1\r\n", HELLO, 400),
    ("Rpc-Received: x\r\n", HELLO, 400),
    ("Rpc-Link: x\r\n", HELLO, 400),
    ("Content-Encoding: gzip\r\n", HELLO, 415),
];

#[tokio::test]
async fn a_malformed_request_gets_a_clear_error_and_harms_nothing() {
    let server = spawn(asking()).await;
    let (mut events, link) = Events::open_named(&server).await;
    for (next, (headers, body, status)) in (2_u64..).zip(REQUESTS) {
        let headers = headers
            .replace("LINK", &link)
            .replace("NEXT", &next.to_string())
            .replace("GAP", &(next + 1).to_string());
        let answer = Http::post(&server, &link, &format!("{headers}\r\n"), body).await;
        assert_eq!(answer.status, *status, "{headers:?} {body:?}: {answer:?}");
        assert!(*status == 204 || !answer.body.is_empty(), "{headers:?}: nothing says why");
        // The link goes on.
        let first = format!("Rpc-First: {next}\r\n");
        let answer = Http::post(&server, &link, &first, &call(next, "echo", "x")).await;
        assert_eq!(answer.status, 204, "after {headers:?}: {answer:?}");
        assert!(events.next().await.contains(&format!("\"id\":{next},\"result\":\"x\"")));
    }
    assert_eq!(server.stats().connections, 1);
}

#[tokio::test]
async fn what_is_no_hello_opens_nothing() {
    let server = spawn(asking()).await;
    for (headers, body, status) in OPENINGS {
        let answer = Http::connect(&server).await.open(headers, body).await;
        assert_eq!(answer.status, *status, "{headers:?} {body:?}: {answer:?}");
        assert!(!answer.body.is_empty(), "{body:?}: nothing says why");
    }
    let long = HELLO.replace("1}", &format!("1,\"x\":\"{}\"}}", "x".repeat(70_000)));
    assert_eq!(Http::connect(&server).await.open("", &long).await.status, 413);
    let foreign = opening("", HELLO).replace("application/json", "text/plain");
    let mut http = Http::connect(&server).await;
    http.send(foreign).await;
    assert_eq!(http.answer().await.status, 415);
    until(|| server.stats().connections == 0).await;
}

/// Lines that are no messages are messages that are wrong: they have numbers, and are answered.
#[tokio::test]
async fn a_line_that_is_no_message_is_answered_as_over_a_websocket() {
    let server = spawn(asking()).await;
    let (mut events, link) = Events::open_named(&server).await;
    let lines = ["not JSON", "[]", "1", "{}", "\"\u{0}\"", "[1,{}]", "{\"jsonrpc\":\"2.0\"}"];
    let answer = Http::post(&server, &link, "Rpc-First: 2\r\n", &lines.join("\n")).await;
    assert_eq!((answer.status, answer.header("rpc-received")), (204, Some("8")));
    for line in lines {
        let event = events.next().await;
        assert!(event.contains("-32700") || event.contains("-32600"), "{line}: {event}");
    }
}

#[tokio::test]
async fn a_message_that_is_no_text_or_too_long_ends_the_link_with_a_code() {
    for (body, status, code) in [
        (b"\"\xff\"".to_vec(), 204, CloseCode::INVALID_TEXT),
        (vec![b'x'; 5000], 413, CloseCode::TOO_BIG),
        ([&b"{}\n"[..], &[b' '; 5000]].concat(), 413, CloseCode::TOO_BIG),
    ] {
        let limits = limits(|limits| limits.message_in = 4096);
        let server = spawn(asking().limits(limits)).await;
        let (mut events, link) = Events::open_named(&server).await;
        let mut http = Http::connect(&server).await;
        let head =
            http.head_of(&link, &format!("Rpc-First: 2\r\nContent-Length: {}\r\n", body.len()));
        http.send(head).await;
        http.send(&body).await;
        assert_eq!(http.answer().await.status, status);
        let code = format!("event: close\ndata: {{\"code\":{}", code.value());
        loop {
            let event = events.next().await;
            if event.contains("event: close") {
                assert!(event.starts_with(&code), "{event}");
                break;
            }
        }
        assert!(events.ended().await);
        until(|| server.stats().connections == 0).await;
    }
}

#[tokio::test]
async fn requests_that_bring_nothing_have_a_rate() {
    let limits = limits(|limits| limits.control_rate = 20);
    let server = spawn(asking().limits(limits)).await;
    let (mut events, link) = Events::open_named(&server).await;
    let mut http = Http::connect(&server).await;
    for _ in 0..40 {
        http.up(&link, "", "").await;
    }
    assert!(events.next().await.contains("\"code\":1008"));
    until(|| server.stats().connections == 0).await;
}

/// A request that drips or stands still ends; the link goes on.
#[tokio::test]
async fn a_message_that_takes_too_long_is_given_up() {
    let limits = limits(|limits| limits.assembly = Duration::from_millis(100));
    let server = spawn(asking().limits(limits)).await;
    let (mut events, link) = Events::open_named(&server).await;
    let mut http = Http::connect(&server).await;
    let head = http.head_of(&link, "Rpc-First: 2\r\nContent-Length: 1000\r\n");
    http.send(head).await;
    http.send(call(1, "echo", "x") + "\n{").await;
    assert!(events.next().await.contains("\"result\":\"x\""));
    let answer = http.answer().await;
    assert_eq!((answer.status, answer.header("rpc-received")), (408, Some("2")));
    let answer = Http::post(&server, &link, "Rpc-First: 3\r\n", &call(2, "echo", "y")).await;
    assert_eq!(answer.status, 204);
}

/// The client has given up the requests before: the network has swallowed their ends.
#[tokio::test]
async fn a_third_request_breaks_off_the_oldest() {
    let server = spawn(asking()).await;
    let (mut events, link) = Events::open_named(&server).await;
    let mut stuck = Vec::new();
    for number in 0..3 {
        let mut http = Http::connect(&server).await;
        let head = http.head_of(&link, "Rpc-First: 2\r\nContent-Length: 1000\r\n");
        http.send(head).await;
        http.send("{").await;
        if number < 2 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        stuck.push(http);
    }
    let oldest = soon(stuck[0].answer()).await;
    assert_eq!((oldest.status, oldest.header("rpc-received")), (409, Some("1")), "{oldest:?}");
    let answer = Http::post(&server, &link, "Rpc-First: 2\r\n", &call(1, "echo", "x")).await;
    assert_eq!(answer.status, 204);
    assert!(events.next().await.contains("\"result\":\"x\""));
}

/// Reading stops where the connection stops: the sender waits, and nothing gathers.
#[tokio::test]
async fn a_client_that_reads_nothing_is_closed() {
    let limits = limits(|limits| {
        limits.slow_reader = Duration::from_millis(100);
        limits.close = Duration::from_millis(200);
        limits.queue = 64 * 1024;
    });
    let server = spawn(asking().limits(limits)).await;
    let (events, link) = Events::open_with(&server, "Rpc-Received: 0\r\n").await;
    let peer = server.peers()[0].clone();
    let text = "x".repeat(50_000);
    let mut http = Http::connect(&server).await;
    for number in 2..300 {
        let first = format!("Rpc-First: {number}\r\n");
        if http.up(&link, &first, &call(number, "echo", &text)).await.status != 204 {
            break;
        }
    }
    let reason = soon(peer.closed()).await;
    assert_eq!(reason.code, Some(CloseCode::SLOW_READER), "{reason}");
    until(|| server.stats().connections == 0).await;
    drop(events);
}
