//! What only a link over server-sent events and `POST` lets an attacker do.

use std::time::Duration;

use futures_util::future::join_all;

use crate::canary::Target;
use crate::link::{HELLO, Link, opening};
use crate::raw::{Raw, Socket};
use crate::support::{CLOSE, until};

const HANG: &str = r#"{"jsonrpc":"2.0","id":1,"method":"hang"}"#;
const ECHO: &str = r#"{"jsonrpc":"2.0","id":"alive","method":"echo","params":["alive"]}"#;

/// A server that soon gives up what does not come.
async fn target() -> Target {
    Target::with(|limits| {
        limits.handshake = Duration::from_millis(500);
        limits.assembly = Duration::from_millis(300);
    })
    .await
}

async fn status(socket: &mut Socket) -> u16 {
    let head = socket.head().await;
    head.split(' ').nth(1).unwrap_or("0").parse().unwrap()
}

/// The status of the answer to a request over a connection of its own.
async fn asked(target: &Target, request: impl AsRef<[u8]>) -> u16 {
    let mut socket = target.way.connect().await;
    socket.send(request).await;
    status(&mut socket).await
}

/// A request of a link with this body.
fn post(link: &Link, body: &[u8]) -> Vec<u8> {
    let head = link.head(&format!("Content-Length: {}\r\n", body.len()), true);
    [head.as_bytes(), body].concat()
}

async fn is_alive(link: Link) {
    let mut raw = Raw::Link(link.into());
    raw.send_text(ECHO).await;
    while !raw.text().await.contains(r#""result":"alive""#) {}
}

#[tokio::test]
async fn openings_that_never_end() {
    let target = target().await;
    let whole = opening("", HELLO);
    let mut crowd = Vec::new();
    for number in 0..100 {
        let mut socket = target.way.connect().await;
        let behind_the_head = number % HELLO.len();
        socket.send(&whole[..whole.len() - 1 - behind_the_head]).await;
        crowd.push(socket);
    }
    target.is_serving().await;
    for mut socket in crowd {
        assert!(socket.ended().await);
    }
    assert_eq!(target.server.stats().connections, 1);
    target.unharmed().await;
}

/// The links of a crowd go on when what they declared has not come.
#[tokio::test]
async fn messages_that_are_declared_and_never_come() {
    let target = target().await;
    let mut crowd = Vec::new();
    for number in 0..100 {
        let link = Link::open(&target.way, "").await;
        let mut socket = target.way.connect().await;
        socket.send(link.head("Content-Length: 1048576\r\n", true)).await;
        // Empty lines are nothing, so they bring no more time.
        socket.send(if number % 2 == 0 { "[" } else { "\n\r\n\n" }).await;
        crowd.push((link, socket));
    }
    target.is_serving().await;
    for (link, mut socket) in crowd {
        assert_eq!(status(&mut socket).await, 408);
        is_alive(link).await;
    }
    target.unharmed().await;
}

#[tokio::test]
async fn a_message_that_comes_byte_by_byte() {
    let target = target().await;
    for byte in ["1\r\n \r\n", "1\r\n\n\r\n"] {
        let link = Link::open(&target.way, "").await;
        let mut socket = target.way.connect().await;
        socket.send(link.head("Transfer-Encoding: chunked\r\n", true)).await;
        let drip = async {
            while socket.try_send(byte).await {
                if socket.some().await {
                    break;
                }
            }
        };
        let drips = tokio::time::timeout(Duration::from_secs(10), drip).await;
        assert!(drips.is_ok(), "it takes for ever");
        assert_eq!(status(&mut socket).await, 408);
        is_alive(link).await;
    }
    target.unharmed().await;
}

/// Many requests with the same call: all but two are broken off, and the call runs once.
#[tokio::test]
async fn one_call_in_many_requests_at_once() {
    let target = target().await;
    let mut link = Link::open(&target.way, "").await;
    let request = post(&link, HANG.as_bytes());
    for _ in 0..10 {
        let statuses = join_all((0..50).map(|_| asked(&target, &request))).await;
        assert!(statuses.iter().all(|status| [204, 409].contains(status)), "{statuses:?}");
        assert!(statuses.contains(&204), "{statuses:?}");
    }
    assert_eq!(target.lives.most(), 1);
    link.skip(1);
    is_alive(link).await;
    target.unharmed().await;
}

#[tokio::test]
async fn names_that_are_guessed() {
    let target = target().await;
    let link = Link::open(&target.way, "").await;
    let (lookup, secret) = link.name().split_once('.').unwrap();
    let flipped = if secret.starts_with('0') { '1' } else { '0' };
    let guesses = [
        format!("{lookup}.{flipped}{}", &secret[1..]),
        format!("{lookup}.{}", "0".repeat(secret.len())),
        format!("{secret}.{lookup}"),
        lookup.to_owned(),
        format!("{lookup}."),
        String::new(),
        "x".repeat(5000),
    ];
    for number in 0..500 {
        let guess = &guesses[number % guesses.len()];
        let request = post(&link, HANG.as_bytes()).to_vec();
        let request = String::from_utf8(request).unwrap().replace(link.name(), guess);
        assert_eq!(asked(&target, request).await, 404, "{guess}");
    }
    assert_eq!(target.lives.most(), 0);
    is_alive(link).await;
    target.unharmed().await;
}

/// Each stream takes the place of the one before, which ends.
#[tokio::test]
async fn streams_without_end() {
    let target = target().await;
    let mut link = Link::open(&target.way, "").await;
    let mut streams = Vec::new();
    for _ in 0..300 {
        let mut stream = target.way.connect().await;
        stream.send(link.head("Accept: text/event-stream\r\n", false)).await;
        streams.push(stream);
    }
    let last = loop {
        let mut stream = target.way.connect().await;
        stream.send(link.head("Accept: text/event-stream\r\n", false)).await;
        assert_eq!(status(&mut stream).await, 200);
        streams.push(std::mem::replace(link.stream(), stream));
        if streams.len() > 310 {
            break streams;
        }
    };
    for mut stream in last {
        assert!(stream.ended().await);
    }
    is_alive(link).await;
    target.unharmed().await;
}

/// Its client reads all of it, but says of none that it has come.
#[tokio::test]
async fn events_that_are_never_acknowledged() {
    let target = Target::with(|limits| {
        limits.slow_reader = Duration::from_millis(300);
        limits.close = Duration::from_millis(300);
    })
    .await;
    let mut link = Link::open(&target.way, "").await;
    link.acknowledge(false);
    let mut raw = Raw::Link(link.into());
    for id in 0..100 {
        let big = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"big","params":[524288]}}"#);
        raw.send_text(&big).await;
        let queued = target.server.stats().queue_bytes;
        assert!(queued < 5 * 1024 * 1024 + 160 * 1024, "{queued} bytes wait");
        if raw.frame().await.is_none_or(|(opcode, _)| opcode == CLOSE) {
            break;
        }
    }
    until(|| target.closes("4008") == 1).await;
    target.unharmed().await;
}

/// Bytes of no meaning, the same in each run, wherever a link has a place for bytes.
#[tokio::test]
async fn noise() {
    let target = target().await;
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    let mut noise = |count: usize| -> Vec<u8> {
        let bytes = std::iter::repeat_with(|| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            random as u8
        });
        bytes.take(count).collect()
    };
    for round in 0..100 {
        let link = Link::open(&target.way, "").await;
        let bytes = noise(4096);
        let request = match round % 5 {
            // As messages, whole and not.
            0 => post(&link, &bytes),
            1 => post(&link, &bytes)[..2000].to_vec(),
            2 => link.head("Transfer-Encoding: chunked\r\n", true).into_bytes(),
            // In the place of the hello, and of a header.
            3 => {
                [opening("", HELLO).split_once(HELLO).unwrap().0.as_bytes(), &bytes[..57]].concat()
            }
            _ => link.head("Rpc-Close: ", false).into_bytes(),
        };
        let mut socket = target.way.connect().await;
        socket.send(request).await;
        socket.send(&bytes).await;
        let status = status(&mut socket).await;
        assert!(status == 204 || (400..500).contains(&status) || status == 0, "{round}: {status}");
    }
    target.unharmed().await;
}
