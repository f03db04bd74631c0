//! Links over server-sent events and `POST`, over real sockets.

#[path = "../support/mod.rs"]
mod support;

mod by_hand;
mod callers;
mod clients;
mod cuts;
mod hostile;
mod pages;
mod proxy;
mod sessions;

use std::sync::Arc;
use std::time::Duration;

use by_hand::{Answer, Events, HELLO, Http, call};
use rpc_core::{Context, Router};
use rpc_server::ServerBuilder;
use support::{echo, limits, soon, spawn, until};

/// A server with `echo` and `ask`, which asks the caller for its `name`.
pub(crate) fn asking() -> ServerBuilder {
    let ask = |cx: Context, (): ()| async move {
        let name = cx.peer().call::<String>("name", ()).await;
        Ok(name.unwrap_or_else(|error| error.to_string()))
    };
    echo().service(Router::new().method("ask", ask)).sse(true)
}

#[tokio::test]
async fn a_link_is_opened_by_a_hello_and_named_in_the_answer() {
    let server = spawn(asking()).await;
    let mut events = Events::open(&server, HELLO).await;
    assert!(events.head.contains("content-type: text/event-stream\r\n"), "{}", events.head);
    assert!(events.head.contains("x-accel-buffering: no\r\n"), "{}", events.head);
    assert!(events.head.contains("cache-control: no-store, no-transform\r\n"), "{}", events.head);
    let hello = events.next().await;
    assert!(
        hello.starts_with("id: 1\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"$/hello\""),
        "{hello}"
    );
    assert_eq!(server.stats().connections, 1);

    let link = events.link.clone().unwrap();
    assert!(link.len() >= 32, "{link}");
    let answer = Http::post(&server, &link, "Rpc-First: 2\r\n", &call(7, "echo", "x")).await;
    assert_eq!((answer.status, answer.header("rpc-received")), (204, Some("2")), "{answer:?}");
    assert_eq!(events.next().await, "id: 2\ndata: {\"jsonrpc\":\"2.0\",\"id\":7,\"result\":\"x\"}");
}

#[tokio::test]
async fn several_messages_are_lines_and_may_come_in_any_pieces() {
    let server = spawn(asking()).await;
    let (mut events, link) = Events::open_named(&server).await;
    let body = [call(1, "echo", "a"), String::new(), call(2, "echo", "b")].join("\r\n");
    let mut http = Http::connect(&server).await;
    let head = http.head_of(&link, "Rpc-First: 2\r\nTransfer-Encoding: chunked\r\n");
    http.send(&head).await;
    for byte in body.chars() {
        http.send(&format!("1\r\n{byte}\r\n")).await;
    }
    http.send("0\r\n\r\n").await;
    let answer = http.answer().await;
    assert_eq!((answer.status, answer.header("rpc-received")), (204, Some("3")));
    assert!(events.next().await.contains("\"result\":\"a\""));
    assert!(events.next().await.contains("\"result\":\"b\""));

    // The same connection goes on.
    let answer = http.up(&link, "Rpc-First: 4\r\n", &call(3, "echo", "c")).await;
    assert_eq!((answer.status, answer.header("rpc-received")), (204, Some("4")));
    assert!(events.next().await.contains("\"result\":\"c\""));
}

#[tokio::test]
async fn a_repeated_post_is_taken_once_and_a_gap_is_refused() {
    let calls = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counted = calls.clone();
    let count = move |_: Context, (): ()| {
        let number = counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1;
        async move { Ok(number) }
    };
    let server = spawn(asking().service(Router::new().method("count", count))).await;
    let (mut events, link) = Events::open_named(&server).await;
    let counting = r#"{"jsonrpc":"2.0","id":1,"method":"count"}"#;
    for _ in 0..3 {
        let answer = Http::post(&server, &link, "Rpc-First: 2\r\n", counting).await;
        assert_eq!((answer.status, answer.header("rpc-received")), (204, Some("2")));
    }
    assert!(events.next().await.contains("\"result\":1"));
    let answer = Http::post(&server, &link, "Rpc-First: 4\r\n", counting).await;
    assert_eq!((answer.status, answer.header("rpc-received")), (409, Some("2")), "{answer:?}");
    // A request that overlaps brings only what is new.
    let both = format!("{counting}\n{}", counting.replace("\"id\":1", "\"id\":2"));
    let answer = Http::post(&server, &link, "Rpc-First: 2\r\n", &both).await;
    assert_eq!((answer.status, answer.header("rpc-received")), (204, Some("3")));
    assert!(events.next().await.contains("\"id\":2,\"result\":2"));
    assert_eq!(calls.load(std::sync::atomic::Ordering::Relaxed), 2);
}

#[tokio::test]
async fn a_post_that_is_cut_in_a_message_has_brought_those_before_it() {
    let server = spawn(asking()).await;
    let (mut events, link) = Events::open_named(&server).await;
    let two = format!("{}\n{}", call(1, "echo", "a"), call(2, "echo", "b"));
    let mut http = Http::connect(&server).await;
    let head = http.head_of(&link, &format!("Rpc-First: 2\r\nContent-Length: {}\r\n", two.len()));
    http.send(&head).await;
    http.send(&two[..two.len() - 3]).await;
    assert!(events.next().await.contains("\"result\":\"a\""));
    drop(http);
    let answer = Http::post(&server, &link, "Rpc-First: 2\r\n", &two).await;
    assert_eq!((answer.status, answer.header("rpc-received")), (204, Some("3")));
    assert!(events.next().await.contains("\"result\":\"b\""));
}

#[tokio::test]
async fn a_stream_is_mended_behind_what_was_received() {
    let server = spawn(asking()).await;
    let (mut events, link) = Events::open_named(&server).await;
    let answer = Http::post(&server, &link, "Rpc-First: 2\r\n", &call(1, "echo", "a")).await;
    assert_eq!(answer.status, 204);
    let first = events.next().await;
    drop(events);
    Http::post(&server, &link, "Rpc-First: 3\r\n", &call(2, "echo", "b")).await;
    for received in [1, 2] {
        let mut events = Events::again(&server, &link, received).await;
        assert_eq!(events.status, 200);
        if received == 1 {
            assert_eq!(events.next().await, first);
        }
        assert!(events.next().await.starts_with("id: 3\n"));
    }
    // What was acknowledged is not kept, and what was not sent cannot be acknowledged.
    assert_eq!(Events::again(&server, &link, 1).await.status, 409);
    assert_eq!(server.stats().connections, 1, "a late request harms nothing");
    assert_eq!(Events::again(&server, &link, 9).await.status, 409);
    until(|| server.stats().connections == 0).await;
}

#[tokio::test]
async fn another_stream_takes_the_place_of_the_first() {
    let server = spawn(asking()).await;
    let (mut events, link) = Events::open_named(&server).await;
    let mut later = Events::again(&server, &link, 1).await;
    assert!(events.ended().await);
    Http::post(&server, &link, "Rpc-First: 2\r\n", &call(1, "echo", "a")).await;
    assert!(later.next().await.contains("\"result\":\"a\""));
}

#[tokio::test]
async fn each_end_closes_with_a_code() {
    let server = spawn(asking()).await;
    // The server.
    let (mut events, link) = Events::open_named(&server).await;
    server.peers()[0].close(rpc_core::CloseCode::from(4999), "enough");
    assert_eq!(events.next().await, "event: close\ndata: {\"code\":4999,\"reason\":\"enough\"}");
    assert!(events.ended().await);
    until(|| server.stats().connections == 0).await;
    assert_eq!(Http::post(&server, &link, "Rpc-First: 2\r\n", "{}").await.status, 404);
    assert_eq!(Events::again(&server, &link, 1).await.status, 404);

    // The client, with a last message.
    let (_events, link) = Events::open_named(&server).await;
    let peer = server.peers()[0].clone();
    let last = "Rpc-First: 2\r\nRpc-Close: 1000 done\r\n";
    let answer = Http::post(&server, &link, last, &call(1, "echo", "a")).await;
    assert_eq!((answer.status, answer.header("rpc-received")), (204, Some("2")));
    let reason = soon(peer.closed()).await;
    assert_eq!(reason.to_string(), "closed by the other end with code 1000: done");
}

/// The stream has ended before, so that nobody is told of the close of the server, however long that may take.
#[tokio::test]
async fn a_link_that_its_client_has_closed_is_over_at_once() {
    let limits = limits(|limits| limits.close = Duration::from_secs(600));
    let server = spawn(asking().limits(limits)).await;
    let (events, link) = Events::open_named(&server).await;
    let peer = server.peers()[0].clone();
    drop(events);
    // The server hears of the end of the stream meanwhile.
    let answer = Http::post(&server, &link, "Rpc-First: 2\r\n", &call(1, "echo", "a")).await;
    assert_eq!(answer.status, 204);
    let answer = Http::post(&server, &link, "Rpc-Close: 1000 done\r\n", "").await;
    assert_eq!(answer.status, 204);
    assert_eq!(
        soon(peer.closed()).await.to_string(),
        "closed by the other end with code 1000: done"
    );
}

#[tokio::test]
async fn a_link_without_its_stream_is_lost_after_a_while() {
    let limits = limits(|limits| limits.mend = Duration::from_millis(50));
    let server = spawn(asking().limits(limits)).await;
    let (events, _) = Events::open_named(&server).await;
    let peer = server.peers()[0].clone();
    drop(events);
    let reason = soon(peer.closed()).await.to_string();
    assert!(reason.contains("did not ask for its stream again"), "{reason}");
}

#[tokio::test]
async fn without_the_setting_there_is_no_link() {
    let server = spawn(echo()).await;
    let mut http = Http::connect(&server).await;
    let answer = http.open("", HELLO).await;
    assert_eq!((answer.status, &*answer.body), (204, ""), "a hello is a message as any other");
    // A plain server says no hello.
    let server = spawn(asking().plain(true)).await;
    let answer: Answer = Http::connect(&server).await.open("", HELLO).await;
    assert_eq!(answer.status, 406, "{answer:?}");
}

/// A client that acknowledges answers pings, and is given up when it does not. Its stream alone shows no life: the network
/// may have swallowed it.
#[tokio::test]
async fn who_acknowledges_is_asked_for_signs_of_life() {
    let limits = limits(|limits| {
        limits.ping = Duration::from_millis(200);
        limits.dead_after = Duration::from_millis(800);
    });
    let server = spawn(asking().limits(limits)).await;
    let (mut events, link) = Events::open_with(&server, "Rpc-Received: 0\r\n").await;
    let peer = server.peers()[0].clone();
    for _ in 0..6 {
        assert_eq!(events.next().await, "event: ping\ndata");
        let answer = Http::post(&server, &link, "Rpc-Received: 1\r\n", "").await;
        assert_eq!(answer.status, 204);
    }
    assert_eq!(server.stats().connections, 1, "longer than a silent client is kept");
    let reason = soon(peer.closed()).await.to_string();
    assert!(reason.contains("no sign of life"), "{reason}");
}

/// A person with a terminal reads for ever, and acknowledges nothing.
#[tokio::test]
async fn who_only_reads_is_not_given_up() {
    let tell = |cx: Context, (count,): (usize,)| async move {
        for _ in 0..count {
            let _ = cx.peer().notify("told", ("x".repeat(1000),)).await;
        }
        Ok(())
    };
    let limits = limits(|limits| {
        limits.queue = 64 * 1024;
        limits.slow_reader = Duration::from_millis(200);
        limits.ping = Duration::from_millis(100);
        limits.dead_after = Duration::from_millis(300);
    });
    let server = spawn(asking().service(Router::new().method("tell", tell)).limits(limits)).await;
    let (mut events, link) = Events::open_named(&server).await;
    let tell = r#"{"jsonrpc":"2.0","id":1,"method":"tell","params":[500]}"#;
    Http::post(&server, &link, "Rpc-First: 2\r\n", tell).await;
    // More than may wait: what such a client has read is let go.
    for number in 2..502 {
        let event = events.next().await;
        assert!(event.starts_with(&format!("id: {number}\n")), "{event}");
    }
    assert!(events.next().await.contains("\"result\":null"));
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(server.stats().connections, 1);
}
