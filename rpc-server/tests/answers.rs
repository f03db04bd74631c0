//! What a server answers to those who knock, byte by byte.

mod support;

use std::time::Duration;

use rpc_client::{Client, ConnectError};
use rpc_server::StatusCode;
use support::{HANDSHAKE, Raw, bind, echo, frame, limits, soon, spawn};

/// Sends a request; the whole answer, up to the close.
async fn answer(request: &str) -> String {
    let server = spawn(echo().path("/")).await;
    let mut raw = Raw::connect(&server).await;
    raw.send(request).await;
    let answer = raw.rest().await;
    let lower = answer.to_ascii_lowercase();
    assert!(!lower.contains("\r\nserver:") && !lower.contains("hyper"), "{answer}");
    answer
}

/// The handshake with one thing changed.
fn changed(from: &str, to: &str) -> String {
    assert!(HANDSHAKE.contains(from));
    HANDSHAKE.replacen(from, to, 1)
}

#[tokio::test]
async fn a_wrong_request_gets_an_answer_that_names_what_is_wrong() {
    let cases = [
        ("GET / ", "GET /other ", 404, "", "under this path"),
        ("GET / ", "PUT / ", 405, "allow: GET, POST", "is a GET request"),
        ("GET / ", "POST / ", 415, "", "`Content-Type: application/json`"),
        ("HTTP/1.1", "HTTP/1.0", 505, "", "HTTP/1.1"),
        ("Host: localhost\r\n", "", 400, "", "`Host`"),
        ("Host: localhost\r\n", "Host: a\r\nHost: b\r\n", 400, "", "`Host`"),
        ("Upgrade: websocket\r\n", "", 426, "upgrade: websocket", "`Upgrade: websocket`"),
        ("Upgrade: websocket\r\n", "Upgrade: h2c\r\n", 426, "upgrade: websocket", "`Upgrade"),
        ("Connection: Upgrade", "Connection: close", 426, "upgrade: websocket", "`Connection"),
        ("Version: 13", "Version: 8", 426, "sec-websocket-version: 13", "must be 13"),
        ("Sec-WebSocket-Version: 13\r\n", "", 426, "sec-websocket-version: 13", "must be 13"),
        ("dGhlIHNhbXBsZSBub25jZQ==", "c2hvcnQ=", 400, "", "`Sec-WebSocket-Key`"),
        ("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", "", 400, "", "`Sec-WebSocket-Key`"),
        ("Host:", "Content-Length: 1\r\nHost:", 400, "", "no body"),
        ("Host:", "Transfer-Encoding: chunked\r\nHost:", 400, "", "no body"),
    ];
    for (from, to, status, header, text) in cases {
        let answer = answer(&changed(from, to)).await;
        let (head, body) = answer.split_once("\r\n\r\n").expect(&answer);
        let line = head.lines().next().unwrap();
        assert_eq!(line.split(' ').nth(1), Some(status.to_string().as_str()), "{to}: {answer}");
        assert!(head.contains(header), "{to}: {answer}");
        assert!(head.contains("connection: close"), "{to}: {answer}");
        assert!(body.contains(text), "{to}: {answer}");
    }
}

#[tokio::test]
async fn names_in_lists_and_their_case_do_not_matter() {
    let server = spawn(echo()).await;
    let mut raw = Raw::connect(&server).await;
    let request = changed("Connection: Upgrade", "CONNECTION: keep-alive, uPGRADE");
    raw.send(request.replace("Upgrade: websocket", "UPGRADE: h2c, WebSocket")).await;
    let head = raw.head().await.to_ascii_lowercase();
    assert!(head.starts_with("http/1.1 101 switching protocols\r\n"), "{head}");
    for line in [
        "upgrade: websocket",
        "connection: upgrade",
        "sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=",
    ] {
        assert!(head.contains(&format!("\r\n{line}\r\n")), "{line}: {head}");
    }
    assert!(!head.contains("sec-websocket-protocol"), "none was offered: {head}");
}

#[tokio::test]
async fn what_is_not_http_is_refused() {
    let tls_hello = "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}\u{1}";
    for garbage in [tls_hello, "\0\0\0\0\r\n\r\n", "{\"jsonrpc\":\"2.0\"}\r\n", "GET /\r\n\r\n"] {
        let answer = answer(garbage).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{garbage:?}: {answer}");
    }
    assert_eq!(answer("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await, "", "closed at once");
}

/// The handshake with a head of so many bytes.
fn with_bytes(bytes: usize) -> String {
    let filler = bytes - HANDSHAKE.len() - "X-Filler: \r\n".len();
    changed("Host:", &format!("X-Filler: {}\r\nHost:", "x".repeat(filler)))
}

/// The handshake with so many headers.
fn with_headers(headers: usize) -> String {
    let own = HANDSHAKE.lines().count() - 2;
    let fillers = (own..headers).map(|number| format!("X-{number}: x\r\n")).collect::<String>();
    changed("Host:", &format!("{fillers}Host:"))
}

#[tokio::test]
async fn a_head_may_have_8_kib_and_64_headers() {
    let server = spawn(echo()).await;
    for request in [with_bytes(8 * 1024), with_headers(64)] {
        let mut raw = Raw::connect(&server).await;
        raw.send(request).await;
        assert!(raw.head().await.starts_with("HTTP/1.1 101 "));
    }
    for request in [with_bytes(8 * 1024 + 1), with_headers(65), with_bytes(100 * 1024)] {
        let answer = answer(&request).await;
        assert!(answer.starts_with("HTTP/1.1 431 "), "{}: {answer}", request.len());
    }
}

/// To close at once, with unread bytes in the socket, resets the connection, and over a slow link
/// the answer is lost to that.
#[tokio::test]
async fn who_is_refused_may_finish_sending() {
    let server = spawn(echo()).await;
    let mut raw = Raw::connect(&server).await;
    raw.send(with_bytes(100 * 1024)).await;
    assert!(raw.rest().await.starts_with("HTTP/1.1 431 "));
    assert!(raw.try_send([b'x'; 1024]).await, "it was reset");
}

#[tokio::test]
async fn a_head_that_does_not_come_to_its_end_is_not_waited_for() {
    let limits = limits(|limits| limits.handshake = Duration::from_millis(200));
    let server = spawn(echo().limits(limits)).await;
    let (mut silent, mut slow) = (Raw::connect(&server).await, Raw::connect(&server).await);
    slow.send("GET / HT").await;
    assert_eq!(slow.rest().await, "");
    assert_eq!(silent.rest().await, "");
    assert_eq!(server.stats().refused, 2);
}

#[tokio::test]
async fn what_comes_right_behind_the_handshake_is_not_lost() {
    let server = spawn(echo()).await;
    let mut raw = Raw::connect(&server).await;
    let call = frame(support::TEXT, br#"{"jsonrpc":"2.0","id":1,"method":"echo","params":["hi"]}"#);
    raw.send([HANDSHAKE.as_bytes(), &call].concat()).await;
    assert!(raw.head().await.starts_with("HTTP/1.1 101 "));
    assert_eq!(raw.text().await, r#"{"jsonrpc":"2.0","id":1,"result":"hi"}"#);
}

#[tokio::test]
async fn one_connection_too_many_is_told_so_and_a_place_is_free_when_one_ends() {
    let server = spawn(echo().limits(limits(|limits| limits.connections = 2))).await;
    let first = Client::builder().connect(&server.url()).await.unwrap();
    let mut knocking = Raw::connect(&server).await; // holds a place before it is a WebSocket
    knocking.send("GET / HT").await;
    let third = Client::builder().connect(&server.url()).await.unwrap_err();
    let ConnectError::Rejected { status, body, .. } = third else { panic!("{third}") };
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(body.contains("as many connections as there may be"));

    first.close().await;
    soon(async { while Client::builder().connect(&server.url()).await.is_err() {} }).await;
}

#[tokio::test]
async fn the_path_is_part_of_the_url() {
    let server = spawn(echo().path("/rpc")).await;
    assert!(server.url().ends_with("/rpc"));
    assert!(Client::builder().connect(&server.url()).await.is_ok());
    let with_query = format!("{}?token=1", server.url());
    assert!(Client::builder().connect(&with_query).await.is_ok());
    let below = format!("{}/below", server.url());
    let Err(ConnectError::Rejected { status, .. }) = Client::builder().connect(&below).await else {
        panic!()
    };
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_wrong_setting_is_found_before_the_server_listens() {
    let wrong = [
        echo().limits(limits(|limits| limits.queue = 0)),
        echo().path("rpc"),
        echo().service(
            rpc_core::Router::new().method("echo", |_: rpc_core::Context, (): ()| async { Ok(()) }),
        ),
    ];
    for builder in wrong {
        assert!(builder.bind("127.0.0.1:0").await.is_err());
    }
    let taken = bind(echo()).await;
    assert!(echo().bind(taken.local_addr().unwrap()).await.is_err());
}

#[tokio::test]
async fn a_subprotocol_of_ours_is_picked() {
    let server = spawn(echo()).await;
    let request = changed("Host:", "Sec-WebSocket-Protocol: mqtt, jsonrpc2\r\nHost:");
    let mut raw = Raw::connect(&server).await;
    raw.send(request).await;
    assert!(raw.head().await.contains("sec-websocket-protocol: jsonrpc2\r\n"));
}
