//! A server is the same by whatever way it is reached: mounted in an app of axum or hyper, on a port of
//! its own, on a Unix socket.

#![cfg(unix)]

mod support;

#[path = "support/ways.rs"]
mod ways;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rpc_core::{CloseCode, CloseReason, Context, ErrorObject, Peer, Router};
use rpc_server::{Connecting, Rejection, Server, ServerBuilder, StatusCode};
use support::{CLOSE, HANDSHAKE, echo, frame, limits, soon, until};
use tokio::sync::{Notify, Semaphore, mpsc};
use ways::{Client, User, WAYS, Way, whole};

const LONG: Duration = Duration::from_secs(3600);

const ECHO: &str = r#"{"jsonrpc":"2.0","id":1,"method":"echo","params":["hi"]}"#;
const HI: &str = r#"{"jsonrpc":"2.0","id":1,"result":"hi"}"#;

/// Whether a connection is there: it answers.
async fn answers(client: &mut Client) -> bool {
    client.send_text(ECHO).await;
    client.text().await == HI
}

#[tokio::test]
async fn calls_go_both_ways() {
    let greet = |cx: Context, (): ()| async move {
        let name: String = cx.peer().call("name", ()).await?;
        Ok(format!("hello, {name}"))
    };
    for way in WAYS {
        let router = Router::new().method("greet", greet);
        let running = way.serve(Server::builder().service(router)).await;
        let mut client = running.open().await;
        client.send_text(r#"{"jsonrpc":"2.0","id":7,"method":"greet"}"#).await;
        let asked = client.text().await;
        let asked: serde_json::Value = serde_json::from_str(&asked).unwrap();
        assert_eq!(asked["method"], "name", "{way:?}: {asked}");
        let name = format!(r#"{{"jsonrpc":"2.0","id":{},"result":"Ada"}}"#, asked["id"]);
        client.send_text(&name).await;
        let greeted = r#"{"jsonrpc":"2.0","id":7,"result":"hello, Ada"}"#;
        assert_eq!(client.text().await, greeted, "{way:?}");

        let url = running.url();
        let me =
            Router::new().method("name", |_: Context, (): ()| async { Ok("x".repeat(100_000)) });
        let ours = rpc_client::Client::builder().service(me).connect(url).await.unwrap();
        let greeted = soon(ours.peer().call::<String>("greet", ())).await.unwrap();
        assert_eq!(greeted.len(), 100_007, "{way:?}");
    }
}

#[tokio::test]
async fn the_hook_sees_the_subprotocol_that_the_answer_names() {
    const NAME: &str = "sec-websocket-protocol: ";
    for way in WAYS {
        let (tell, mut seen) = mpsc::unbounded_channel();
        let builder = echo().subprotocol("mcp").subprotocol("v1").on_connect(move |connecting| {
            tell.send(connecting.subprotocol().map(str::to_owned)).unwrap();
            async { Ok::<_, Rejection>(()) }
        });
        let running = way.serve(builder).await;
        for (offer, expected) in [
            ("mcp", Some("mcp")),
            ("v1, token.x\r\nSec-WebSocket-Protocol: mcp", Some("mcp")),
            ("jsonrpc2, v1", Some("v1")),
            ("mqtt, jsonrpc2", Some("jsonrpc2")),
            ("mqtt", None),
        ] {
            let lines = format!("Sec-WebSocket-Protocol: {offer}\r\n");
            let (head, _client) = running.head("localhost", &lines).await;
            assert!(head.starts_with("HTTP/1.1 101 "), "{way:?} {offer}: {head}");
            let named = head.lines().find_map(|line| line.strip_prefix(NAME));
            assert_eq!(named, expected, "{way:?} {offer}");
            assert_eq!(soon(seen.recv()).await.unwrap().as_deref(), expected, "{way:?} {offer}");
        }
        let _client = running.open().await;
        assert_eq!(soon(seen.recv()).await.unwrap(), None, "{way:?}");
        let (status, _) = running.post("Sec-WebSocket-Protocol: mcp\r\n", ECHO).await;
        assert_eq!((status, soon(seen.recv()).await), (200, Some(None)), "{way:?}");
    }
}

#[tokio::test]
async fn the_hook_sees_that_a_client_announces_a_resume() {
    const NAME: &str = "sec-websocket-protocol: ";
    for way in WAYS {
        let (tell, mut seen) = mpsc::unbounded_channel();
        let running = way
            .serve(echo().on_connect(move |connecting: Connecting| {
                tell.send(connecting.is_resuming()).unwrap();
                async { Ok::<_, Rejection>(()) }
            }))
            .await;
        for (lines, announces, picked) in [
            ("Rpc-Resume: 1\r\n", true, None),
            ("Sec-WebSocket-Protocol: jsonrpc2, jsonrpc2.resume\r\n", true, Some("jsonrpc2")),
            ("Sec-WebSocket-Protocol: jsonrpc2\r\n", false, Some("jsonrpc2")),
            ("", false, None),
        ] {
            let (head, mut client) = running.head("localhost", lines).await;
            let named = head.lines().find_map(|line| line.strip_prefix(NAME));
            assert_eq!(named, picked, "{way:?} {lines}: {head}");
            assert_eq!(soon(seen.recv()).await, Some(announces), "{way:?} {lines}");
            assert!(answers(&mut client).await, "{way:?} {lines}");
        }
        let (status, _) = running.post("Rpc-Resume: 1\r\n", ECHO).await;
        assert_eq!((status, soon(seen.recv()).await), (200, Some(false)), "{way:?}");
    }
}

#[tokio::test]
async fn a_page_is_told_by_a_close_code_why_it_may_not_connect_and_others_by_the_status() {
    let long = "no".repeat(100);
    for way in WAYS {
        let (ended, mut ends) = mpsc::unbounded_channel();
        let text = long.clone();
        let builder =
            echo()
                .allow_origins(["*"])
                .on_connect(move |connecting: Connecting| {
                    let status = connecting.header("x-status").unwrap().parse().unwrap();
                    let status = StatusCode::from_u16(status).unwrap();
                    let rejection = Rejection::new(status, text.clone()).header("x-why", "secret");
                    let is_by_close = connecting.header("x-plainly").is_none();
                    async move {
                        Err::<(), _>(if is_by_close { rejection.by_close() } else { rejection })
                    }
                })
                .on_disconnect(move |_, _| {
                    ended.send(()).unwrap();
                    async {}
                });
        let running = way.serve(builder).await;
        for (status, code) in [(401, 4401), (403, 4403), (404, 4403), (429, 1013), (503, 1013)] {
            let lines = format!("X-Status: {status}\r\n");
            let page = format!("Origin: https://page.example\r\nRpc-Hello: 1\r\n{lines}");
            let (head, mut client) = running.head("localhost", &page).await;
            assert!(head.starts_with("HTTP/1.1 101 "), "{way:?} {status}: {head}");
            assert!(!head.contains("rpc-hello") && !head.contains("x-why"), "{way:?}: {head}");
            // What the page has sent meanwhile is not read.
            client.send_text(ECHO).await;
            assert_eq!(client.frame().await.unwrap(), close(code, &long[..123]), "{way:?}");
            assert_eq!(client.frame().await, None, "{way:?}: the connection is closed");

            let (other, _) = running.knock("localhost", &lines).await;
            assert_eq!(other, status, "{way:?}: no page");
            let (other, _) = running.knock("localhost", &format!("{page}X-Plainly: 1\r\n")).await;
            assert_eq!(other, status, "{way:?}: a page that is told by the status");
            let (other, _) = running.post(&page, ECHO).await;
            assert_eq!(other, status, "{way:?}: no WebSocket");
        }
        until(|| running.server.stats().refused == 20).await;
        assert!(ends.try_recv().is_err(), "{way:?}: nobody was admitted");
    }
}

/// A close frame: opcode and payload.
fn close(code: u16, reason: &str) -> (u8, Vec<u8>) {
    (CLOSE, [&code.to_be_bytes(), reason.as_bytes()].concat())
}

#[tokio::test]
async fn who_is_told_by_a_close_code_holds_a_seat_until_the_close_is_over() {
    for way in WAYS {
        for (close_within, is_silent) in [(LONG, false), (Duration::from_millis(1), true)] {
            let builder = echo()
                .allow_origins(["*"])
                .limits(limits(|limits| {
                    limits.connections = 1;
                    limits.close = close_within;
                }))
                .on_connect(|connecting: Connecting| {
                    let is_page = connecting.header("origin").is_some();
                    let rejection = Rejection::new(StatusCode::FORBIDDEN, "no").by_close();
                    async move { if is_page { Err(rejection) } else { Ok(()) } }
                });
            let running = way.serve(builder).await;
            let mut page = running.open_with("Origin: https://page.example\r\n").await;
            assert_eq!(page.frame().await.unwrap(), close(4403, "no"), "{way:?}");
            if !is_silent {
                assert_eq!(running.knock("localhost", "").await.0, 503, "{way:?}");
                page.send(frame(CLOSE, &[])).await;
            }
            soon(async { while running.knock("localhost", "").await.0 != 101 {} }).await;
        }
    }
}

/// Others may refuse a member that they do not know, or leave such a request unanswered.
#[tokio::test]
async fn what_json_rpc_does_not_have_goes_to_clients_alone_that_ask_by_rpc_hello() {
    let ask = |cx: Context, (): ()| async move {
        let asked = cx.peer().call::<u64>("size", ()).timeout(LONG).await?;
        Ok(asked)
    };
    let server = || Server::builder().service(Router::new().method("ask", ask));
    let hook = |connecting: Connecting| {
        if connecting.header("x-plain").is_some() {
            connecting.plain();
        }
        async { Ok::<_, Rejection>(()) }
    };
    for way in WAYS {
        let running = way.serve(server().on_connect(hook)).await;
        let plain = way.serve(server().plain(true)).await;
        for (running, lines, knows) in [
            (&running, "Rpc-Hello: 1\r\n", true),
            (&running, "", false),
            (&running, "Rpc-Hello: 2\r\n", false),
            (&running, "Rpc-Hello: 1\r\nRpc-Hello: 1\r\n", false),
            (&running, "Rpc-Hello: 1\r\nX-Plain: 1\r\n", false),
            (&plain, "Rpc-Hello: 1\r\n", false),
        ] {
            let (head, mut client) = running.head("localhost", lines).await;
            let answers = head.lines().any(|line| line == "rpc-hello: 1");
            assert_eq!(answers, knows, "{way:?} {lines}: {head}");
            client.send_text(r#"{"jsonrpc":"2.0","id":1,"method":"ask"}"#).await;
            let call: serde_json::Value = serde_json::from_str(&client.text().await).unwrap();
            assert_eq!(call["method"], "size", "no hello comes before: {call}");
            assert_eq!(call.get("timeoutMs").is_some(), knows, "{way:?} {lines}: {call}");
            assert_eq!(call["id"] == 1, knows, "{way:?} {lines}: {call}");
            assert!(knows || call["id"].as_u64() >= Some(1 << 30), "{call}");
            let answer = format!(r#"{{"jsonrpc":"2.0","id":{},"result":7}}"#, call["id"]);
            client.send_text(&answer).await;
            let asked = r#"{"jsonrpc":"2.0","id":1,"result":7}"#;
            assert_eq!(client.text().await, asked, "{way:?} {lines}");
        }
    }
}

#[tokio::test]
async fn pages_of_other_origins_and_other_hosts_are_refused() {
    for way in WAYS {
        // No page gets at a Unix socket.
        let by_name = if way == Way::Unix { 101 } else { 403 };
        let running = way.serve(echo()).await;
        for (host, lines, expected) in [
            ("localhost", "", 101),
            ("127.0.0.1:9", "Origin: http://127.0.0.1:9\r\n", 101),
            ("127.0.0.1:9", "Origin: http://127.0.0.1:10\r\n", 403),
            ("localhost", "Origin: http://evil.example\r\n", 403),
            ("localhost", "Origin: null\r\n", 403),
            ("evil.example", "", by_name),
            ("evil.example", "Origin: http://evil.example\r\n", by_name),
        ] {
            let (status, _) = running.knock(host, lines).await;
            assert_eq!(status, expected, "{way:?} {host} {lines}");
        }
        let (status, why) = running.post("Origin: http://evil.example\r\n", ECHO).await;
        assert_eq!((status, why.contains("`Origin`")), (403, true), "{way:?}: {why}");
    }
}

#[tokio::test]
async fn there_are_no_more_connections_than_there_may_be() {
    for way in WAYS {
        let running = way.serve(echo().limits(limits(|limits| limits.connections = 1))).await;
        let server = &running.server;
        let mut first = running.open().await;
        assert_eq!(running.knock("localhost", "").await.0, 503, "{way:?}");
        assert_eq!(running.post("", ECHO).await.0, 503, "{way:?}");
        until(|| server.stats().refused == 2).await;
        assert!(answers(&mut first).await, "{way:?}");
        drop(first);
        until(|| server.peers().is_empty()).await;
        // The place is free only when all is done that is to be done at the end.
        let freed = async { while running.post("", ECHO).await.0 == 503 {} };
        soon(freed).await;
    }
}

#[tokio::test]
async fn an_address_has_no_more_connections_than_it_may_have() {
    let builder = || echo().limits(limits(|limits| limits.connections_per_address = 1));
    for way in WAYS {
        let running = way.serve(builder()).await;
        let _first = running.open().await;
        let second = if way == Way::Unix { 101 } else { 429 };
        assert_eq!(running.knock("localhost", "").await.0, second, "{way:?}");
    }
    // An app that does not tell addresses has no limit for each.
    let running = Way::Axum.mount(builder().into_tower_service().unwrap()).await;
    let _first = running.open().await;
    assert!(answers(&mut running.open().await).await);
}

#[tokio::test]
async fn each_path_has_its_use() {
    for way in WAYS {
        let running = way.serve(echo()).await;
        let server = &running.server;
        assert_eq!(running.get("/healthz", "").await, (200, "alive".into()), "{way:?}");
        assert_eq!(running.get("/readyz", "").await, (200, "ready".into()), "{way:?}");
        assert_eq!(running.get("/rpc", "").await.0, 426, "{way:?}");
        assert_eq!(running.get("/other", "").await.0, 404, "{way:?}");
        server.set_ready(false);
        assert_eq!(running.get("/readyz", "").await, (503, "not ready".into()), "{way:?}");
        server.set_ready(true);
        if way.is_mounted() {
            assert_eq!(running.get("/page", "").await, (200, "a page".into()), "{way:?}");
            assert_eq!(server.url(), "/rpc", "{way:?}");
        }
    }
}

#[tokio::test]
async fn a_message_is_served_by_post() {
    for way in WAYS {
        let running = way.serve(echo()).await;
        assert_eq!(running.post("", ECHO).await, (200, HI.into()), "{way:?}");
        let notification = ECHO.replace(r#""id":1,"#, "");
        assert_eq!(running.post("", &notification).await, (204, "".into()), "{way:?}");
        let text = running.post("Content-Type: text/plain\r\n", ECHO).await;
        assert_eq!(text.0, 415, "{way:?}");
        until(|| running.server.stats().connections == 0).await;
    }
}

/// The app's middleware comes first: it refuses some by itself, and what it knows of others is there in
/// `on_connect`.
#[tokio::test]
async fn on_connect_sees_what_the_app_has_found_out() {
    let whoami = |cx: Context, (): ()| async move { Ok(cx.caller::<User>().unwrap().0.clone()) };
    for way in WAYS.into_iter().filter(|way| way.is_mounted()) {
        let router = Router::new().method("whoami", whoami);
        let builder = Server::builder().service(router).on_connect(|connecting| async move {
            assert!(connecting.remote_addr().unwrap().ip().is_loopback());
            let user = connecting.request().extensions().get::<User>().cloned();
            user.ok_or_else(|| Rejection::new(StatusCode::UNAUTHORIZED, "log in"))
        });
        let running = way.serve(builder).await;
        let ask = r#"{"jsonrpc":"2.0","id":1,"method":"whoami"}"#;
        let mut client = running.open_with("X-User: Ada\r\n").await;
        client.send_text(ask).await;
        let is_ada = r#"{"jsonrpc":"2.0","id":1,"result":"Ada"}"#;
        assert_eq!(client.text().await, is_ada, "{way:?}");
        assert_eq!(running.post("X-User: Ada\r\n", ask).await, (200, is_ada.into()), "{way:?}");
        assert_eq!(running.knock("localhost", "").await.0, 401, "{way:?}");
        assert_eq!(running.server.stats().refused, 1, "{way:?}");
        assert_eq!(running.knock("localhost", "X-User: stranger\r\n").await.0, 418, "{way:?}");
        assert_eq!(running.server.stats().refused, 1, "the server was not asked, {way:?}");
    }
}

/// A server whose method `work` ends when the semaphore lets it, the news that one has begun, and the
/// number of connections that are gone.
fn worker() -> (ServerBuilder, Arc<Semaphore>, Arc<Notify>, Arc<AtomicUsize>) {
    let (gate, begun) = (Arc::new(Semaphore::new(0)), Arc::new(Notify::new()));
    let (opened, told) = (gate.clone(), begun.clone());
    let work = move |_: Context, (): ()| {
        let (gate, begun) = (opened.clone(), told.clone());
        async move {
            begun.notify_one();
            let _ = gate.acquire().await;
            Ok("done")
        }
    };
    let (builder, gone) = counting(Server::builder().service(Router::new().method("work", work)));
    (builder, gate, begun, gone)
}

/// Counts the connections that are gone.
fn counting(builder: ServerBuilder) -> (ServerBuilder, Arc<AtomicUsize>) {
    let gone = Arc::new(AtomicUsize::new(0));
    let counted = gone.clone();
    let builder = builder.on_disconnect(move |_: Peer, _: CloseReason| {
        counted.fetch_add(1, Ordering::SeqCst);
        async {}
    });
    (builder, gone)
}

const WORK: &str = r#"{"jsonrpc":"2.0","id":1,"method":"work"}"#;
const DONE: &str = r#"{"jsonrpc":"2.0","id":1,"result":"done"}"#;

#[tokio::test]
async fn what_runs_is_finished_before_the_end_and_who_knows_is_told() {
    for way in WAYS {
        let (builder, gate, begun, gone) = worker();
        let window = (Duration::from_secs(1), Duration::from_secs(2));
        let running = way.serve(builder.reconnect_after(window.0, window.1)).await;
        let mut client = running.open().await;
        client.send_text(r#"{"jsonrpc":"2.0","method":"$/hello","params":{"duplex":1}}"#).await;
        client.send_text(WORK).await;
        soon(begun.notified()).await;
        let mut posting = running.connect().await;
        posting.send(whole(&ways::Running::post_head(""), WORK)).await;
        soon(begun.notified()).await;

        let server = running.server.clone();
        let ending = tokio::spawn(async move { server.shutdown(LONG).await });
        assert!(client.text().await.contains(r#""method":"$/hello""#), "{way:?}");
        let news = client.text().await;
        assert!(news.contains(r#""method":"$/goaway""#), "{way:?}: {news}");
        assert!(news.contains(r#""reconnectAfterMs":[1000,2000]"#), "{way:?}: {news}");
        if way.is_mounted() {
            // The app goes on, and says so.
            assert_eq!(running.knock("localhost", "").await.0, 503, "{way:?}");
            assert_eq!(running.get("/readyz", "").await, (503, "shutting down".into()), "{way:?}");
            assert_eq!(running.get("/page", "").await.0, 200, "{way:?}");
        } else {
            soon(async { while !running.is_closed().await {} }).await;
        }
        assert_eq!(gone.load(Ordering::SeqCst), 0, "{way:?}");
        gate.add_permits(1);
        assert_eq!(client.text().await, DONE, "{way:?}");
        assert_eq!(client.close_frame().await, (1012, "shutting down".into()), "{way:?}");
        drop(client);
        let answer = posting.rest().await;
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with(DONE), "{way:?}: {answer}");
        drop(posting);
        let drained = soon(ending).await.unwrap();
        assert_eq!((drained.finished, drained.cut), (2, 0), "{way:?}");
        assert_eq!(gone.load(Ordering::SeqCst), 2, "{way:?}: each once, and before the end");
    }
}

#[tokio::test]
async fn what_takes_longer_than_the_grace_is_cut() {
    for way in WAYS {
        let (builder, _gate, begun, gone) = worker();
        let running = way.serve(builder).await;
        let mut client = running.open().await;
        client.send_text(WORK).await;
        soon(begun.notified()).await;
        let mut posting = running.connect().await;
        posting.send(whole(&ways::Running::post_head(""), WORK)).await;
        soon(begun.notified()).await;
        let server = running.server.clone();
        let ending = tokio::spawn(async move { server.shutdown(Duration::ZERO).await });
        assert_eq!(client.close_frame().await.0, 1012, "{way:?}");
        drop(client);
        let answer = posting.rest().await;
        assert!(answer.starts_with("HTTP/1.1 503 "), "{way:?}: {answer}");
        drop(posting);
        let drained = soon(ending).await.unwrap();
        assert_eq!((drained.finished, drained.cut), (0, 2), "{way:?}");
        assert_eq!(drained.requests[0].method, "work", "{way:?}");
        assert_eq!(gone.load(Ordering::SeqCst), 2, "{way:?}");
    }
}

/// Begins a message by `POST`, of which only so much of the body comes.
async fn begin_post(running: &ways::Running, body: &str) -> Client {
    let mut posting = running.connect().await;
    let head = ways::Running::post_head("");
    posting.send(format!("{head}Content-Length: {}\r\n\r\n{body}", WORK.len())).await;
    posting
}

/// The wait for it held a shutdown for as long as a message may take, and nobody could be kicked.
#[tokio::test]
async fn a_message_whose_body_does_not_come_holds_nobody_up() {
    for way in WAYS {
        for body in ["", &WORK[..10]] {
            let patient = || limits(|limits| limits.assembly = LONG);
            let (builder, _gate, _begun, gone) = worker();
            let running = way.serve(builder.limits(patient())).await;
            let mut posting = begin_post(&running, body).await;
            until(|| running.server.peers().len() == 1).await;
            let drained = soon(running.server.shutdown(Duration::ZERO)).await;
            assert_eq!(drained.cut, 0, "{way:?}");
            let answer = posting.rest().await;
            assert!(answer.starts_with("HTTP/1.1 503 "), "{way:?}: {answer}");
            assert!(answer.ends_with("shutting down"), "{way:?}: {answer}");
            assert_eq!(gone.load(Ordering::SeqCst), 1, "{way:?}: it was let in");

            for (code, status) in [(CloseCode::FORBIDDEN, 403), (CloseCode::NOT_AUTHENTICATED, 401)]
            {
                let (builder, _gate, _begun, gone) = worker();
                let running = way.serve(builder.limits(patient())).await;
                let mut posting = begin_post(&running, body).await;
                until(|| running.server.peers().len() == 1).await;
                assert_eq!(running.server.kick(|_| true, code, "revoked"), 1, "{way:?}");
                let answer = posting.rest().await;
                assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{way:?}: {answer}");
                assert!(answer.ends_with("revoked"), "{way:?}: {answer}");
                drop(posting);
                until(|| running.server.stats().connections == 0).await;
                until(|| gone.load(Ordering::SeqCst) == 1).await;
            }
        }
    }
}

/// What runs may finish in the grace, but what has not even come is broken off at once.
#[tokio::test]
async fn the_grace_is_for_what_runs_and_not_for_what_has_not_come() {
    for way in WAYS {
        let (builder, gate, begun, _) = worker();
        let running = way.serve(builder.limits(limits(|limits| limits.assembly = LONG))).await;
        let mut running_one = running.connect().await;
        running_one.send(whole(&ways::Running::post_head(""), WORK)).await;
        soon(begun.notified()).await;
        let mut posting = begin_post(&running, "").await;
        until(|| running.server.peers().len() == 2).await;
        let server = running.server.clone();
        let ending = tokio::spawn(async move { server.shutdown(LONG).await });
        assert!(posting.rest().await.starts_with("HTTP/1.1 503 "), "{way:?}");
        assert!(!ending.is_finished(), "{way:?}");
        gate.add_permits(1);
        assert!(running_one.rest().await.ends_with(DONE), "{way:?}");
        drop((posting, running_one));
        soon(ending).await.unwrap();
    }
}

#[tokio::test]
async fn who_leaves_stops_what_it_asked_for_and_is_seen_off_once() {
    struct Stopped(Arc<AtomicUsize>);
    impl Drop for Stopped {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    for way in WAYS {
        let (begun, stopped) = (Arc::new(Notify::new()), Arc::new(AtomicUsize::new(0)));
        let (told, counted) = (begun.clone(), stopped.clone());
        let wait = move |_: Context, (): ()| {
            let (begun, stopped) = (told.clone(), Stopped(counted.clone()));
            async move {
                let _stopped = stopped;
                begun.notify_one();
                std::future::pending::<Result<(), ErrorObject>>().await
            }
        };
        let router = Router::new().method("wait", wait);
        let (builder, gone) = counting(Server::builder().service(router));
        let running = way.serve(builder).await;
        let message = r#"{"jsonrpc":"2.0","id":1,"method":"wait"}"#;
        let mut client = running.open().await;
        client.send_text(message).await;
        let mut posting = running.connect().await;
        posting.send(whole(&ways::Running::post_head(""), message)).await;
        soon(begun.notified()).await;
        until(|| running.server.stats().in_flight == 2).await;
        drop((client, posting));
        until(|| stopped.load(Ordering::SeqCst) == 2).await;
        soon(running.server.shutdown(LONG)).await;
        assert_eq!(gone.load(Ordering::SeqCst), 2, "{way:?}");
    }
}

/// What an app that tells no addresses is asked may come from a page whose name was made to point here.
#[tokio::test]
async fn a_mounted_server_has_only_loopback_names_until_it_is_told_others_or_who_comes() {
    let public = |_: &http::Extensions| Some(SocketAddr::from(([203, 0, 113, 7], 1)));
    let local = |_: &http::Extensions| Some(SocketAddr::from(([127, 0, 0, 1], 1)));
    for way in WAYS.into_iter().filter(|way| way.is_mounted()) {
        let service = |builder: ServerBuilder| builder.path("/rpc").into_tower_service().unwrap();
        let named = || service(echo().allow_hosts(["app.example"]));
        for (name, service, expected) in [
            ("unknown", service(echo()), [101, 403, 403]),
            ("local", service(echo()).remote_addr(local), [101, 403, 403]),
            ("public", service(echo()).remote_addr(public), [101, 101, 101]),
            ("unknown, named", named(), [101, 101, 403]),
            ("public, named", named().remote_addr(public), [403, 101, 403]),
        ] {
            let running = way.mount(service).await;
            for (host, expected) in
                ["localhost", "app.example", "other.example"].into_iter().zip(expected)
            {
                let (status, _) = running.knock(host, "").await;
                assert_eq!(status, expected, "{way:?} {name} {host}");
            }
            let page = "Origin: http://other.example\r\n";
            assert_eq!(running.knock("app.example", page).await.0, 403, "{way:?} {name}");
        }
    }
}

#[tokio::test]
async fn where_an_app_or_a_proxy_speaks_tls_pages_that_came_without_are_foreign() {
    for way in WAYS {
        let builder = || echo().allow_hosts(["a.example"]);
        let (open, secure) = (way.serve(builder()).await, way.serve(builder().secure()).await);
        for (host, origin, by_any, by_tls) in [
            ("a.example", "https://a.example", 101, 101),
            ("a.example:443", "https://a.example", 101, 101),
            ("a.example", "http://a.example", 101, 403),
            ("a.example:80", "http://a.example", 101, 403),
        ] {
            let lines = format!("Origin: {origin}\r\n");
            for (running, expected) in [(&open, by_any), (&secure, by_tls)] {
                let (status, _) = running.knock(host, &lines).await;
                assert_eq!(status, expected, "{way:?} {host} {origin}");
            }
        }
        let page = "Origin: http://localhost\r\n";
        assert_eq!(secure.post(page, ECHO).await.0, 403, "{way:?}");
    }
}

/// A client that makes the proxy's line unreadable, or whose proxy says nothing, was nobody: it had all
/// places that there are.
#[tokio::test]
async fn whom_a_trusted_proxy_does_not_name_counts_as_the_proxy_itself() {
    for way in WAYS {
        let builder = echo()
            .limits(limits(|limits| limits.connections_per_address = 2))
            .trusted_proxies(["127.0.0.0/8", "unix"]);
        let running = way.serve(builder).await;
        let mut open = Vec::new();
        for (line, expected) in [
            // What the client has written stands before what the proxy has.
            ("X-Forwarded-For: \u{ff}, 203.0.113.5\r\n", 101),
            ("X-Forwarded-For: 203.0.113.5\r\n", 101),
            ("X-Forwarded-For: \u{ff}\r\nX-Forwarded-For: 203.0.113.5\r\n", 429),
            // And here the proxy names nobody.
            ("", 101),
            ("X-Forwarded-For: 203.0.113.6, \u{ff}\r\n", 101),
            ("X-Forwarded-For: unknown\r\n", 429),
            ("", 429),
            // Others have their own.
            ("X-Forwarded-For: 203.0.113.7\r\n", 101),
        ] {
            let (status, client) = running.knock("localhost", line).await;
            assert_eq!(status, expected, "{way:?} {line:?}");
            open.push(client);
        }
        assert_eq!(running.post("", ECHO).await.0, 429, "{way:?}");
        assert_eq!(running.post("X-Forwarded-For: 203.0.113.8\r\n", ECHO).await.0, 200, "{way:?}");
        drop(open);
        until(|| running.server.peers().is_empty()).await;
        let freed = async { while running.post("", ECHO).await.0 == 429 {} };
        soon(freed).await;
    }
}

#[tokio::test]
async fn a_host_that_is_none_is_refused_whatever_is_asked_for() {
    for way in WAYS {
        let running = way.serve(echo()).await;
        for lines in ["", "Host: a\r\nHost: a\r\n", "Host: a@b\r\n", "Host: a b\r\n"] {
            for asked in [
                format!("POST /rpc HTTP/1.1\r\n{lines}Content-Type: application/json\r\n"),
                HANDSHAKE.replace("GET / ", "GET /rpc ").replace("Host: localhost\r\n", lines),
                format!("GET /healthz HTTP/1.1\r\n{lines}"),
            ] {
                let mut client = running.connect().await;
                client.send(whole(&asked.replace("\r\n\r\n", "\r\n"), "")).await;
                let answer = client.rest().await;
                assert!(answer.starts_with("HTTP/1.1 400 "), "{way:?} {asked}: {answer}");
                assert!(answer.contains("`Host` must be"), "{way:?} {asked}: {answer}");
            }
        }
        // The whole target says whom it is for, and `Host` nothing then.
        for (target, host, expected) in [
            ("http://localhost/rpc", "evil.example", 200),
            ("http://evil.example/rpc", "localhost", if way == Way::Unix { 200 } else { 403 }),
        ] {
            let head = ways::Running::post_head("").replace("/rpc", target);
            let head = head.replace("Host: localhost", &format!("Host: {host}"));
            let mut client = running.connect().await;
            client.send(whole(&head, ECHO)).await;
            let head = client.head().await;
            assert!(head.starts_with(&format!("HTTP/1.1 {expected} ")), "{way:?} {target}: {head}");
        }
    }
}

#[tokio::test]
async fn only_trusted_proxies_are_believed_for_whom_they_ask() {
    let whence = |cx: Context, (): ()| async move {
        // Handlers and layers know it as well.
        assert_eq!(cx.caller(), Some(&format!("{:?}", cx.peer().address())));
        Ok(cx.caller::<String>().cloned())
    };
    for (way, trusts) in WAYS.into_iter().flat_map(|way| [(way, true), (way, false)]) {
        let mut builder = Server::builder()
            .service(Router::new().method("whence", whence))
            .limits(limits(|limits| {
                limits.connections_per_address = 1;
                // Those of a proxy are not its own.
                limits.connect_rate_per_address = 2;
            }))
            .on_connect(|connecting: Connecting| async move {
                Ok(format!("{:?}", connecting.client_addr()))
            });
        if trusts {
            builder = builder.trusted_proxies(["127.0.0.0/8", "unix"]);
        }
        let running = way.serve(builder).await;
        let forwarded = |address| format!("X-Forwarded-For: 198.51.100.1, {address}\r\n");
        let mut first = running.open_with(&forwarded("203.0.113.7")).await;
        first.send_text(r#"{"jsonrpc":"2.0","id":1,"method":"whence"}"#).await;
        let told = first.text().await;
        let (client, same, other) = match (trusts, way) {
            (true, _) => ("Some(203.0.113.7)", 429, 101),
            (false, Way::Unix) => ("None", 101, 101),
            (false, _) => ("Some(127.0.0.1)", 429, 429),
        };
        assert!(told.ends_with(&format!(r#""result":"{client}"}}"#)), "{way:?} {trusts}: {told}");
        for (address, expected) in [("203.0.113.7", same), ("203.0.113.8", other)] {
            let (status, _) = running.knock("localhost", &forwarded(address)).await;
            assert_eq!(status, expected, "{way:?} {trusts} {address}");
        }
    }
}
