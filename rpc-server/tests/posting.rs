//! Messages by `POST`: served as over a WebSocket, as far as one answer goes.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::stream;
use rpc_core::{
    CallError, CloseReason, Context, Dialect, ErrorObject, Fate, Peer, Router, Streaming,
};
use rpc_server::{Connecting, Rejection, Server, ServerBuilder, StatusCode};
use support::{Raw, limits, soon, spawn, until};
use tokio::sync::Notify;

/// A request as a script sends it.
fn post(body: &str) -> String {
    post_with("", body)
}

fn post_with(headers: &str, body: &str) -> String {
    format!(
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{headers}\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Status and body of the answer.
async fn answer(server: &Server, request: &str) -> (u16, String) {
    let mut raw = Raw::connect(server).await;
    raw.send(request).await;
    let answer = raw.rest().await;
    let (head, body) = answer.split_once("\r\n\r\n").expect(&answer);
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, body.to_owned())
}

fn math() -> ServerBuilder {
    let add = |_: Context, (a, b): (i64, i64)| async move { Ok(a + b) };
    let shout = |_: Context, (text,): (String,)| async move { Ok(text.to_uppercase()) };
    Server::builder().service(Router::new().method("add", add).method("shout", shout))
}

#[tokio::test]
async fn a_request_or_a_batch_has_one_answer() {
    let server = spawn(math()).await;
    for (message, expected) in [
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"add","params":[1,2]}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":3}"#,
        ),
        (
            r#"[{"jsonrpc":"2.0","id":"a","method":"add","params":[1,2]},{"jsonrpc":"2.0","id":2,"method":"no"}]"#,
            r#"[{"jsonrpc":"2.0","id":"a","result":3},{"jsonrpc":"2.0","id":2,"error":{"code":-32601,"message":"no method `no`"}}]"#,
        ),
        (r#"{"#, r#""code":-32700"#),
        (r#"[]"#, r#""code":-32600"#),
        (r#"{"jsonrpc":"2.0","id":1,"method":"add","params":[1]}"#, r#""code":-32602"#),
        // It has no use for what is not asked by a hello.
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"add","params":[1,2],"progressToken":7}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":3}"#,
        ),
    ] {
        let (status, body) = answer(&server, &post(message)).await;
        assert_eq!(status, 200, "{message}: {body}");
        assert!(body.contains(expected), "{message}: {body}");
    }
    // None is owed: a notification, a hello, an answer.
    for message in [
        r#"{"jsonrpc":"2.0","method":"add","params":[1,2]}"#,
        r#"{"jsonrpc":"2.0","method":"$/hello","params":{"duplex":1}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":1}"#,
    ] {
        assert_eq!(answer(&server, &post(message)).await, (204, String::new()), "{message}");
    }
    until(|| server.stats().connections == 0).await;
}

#[tokio::test]
async fn a_report_of_a_request_that_is_owed_no_answer_is_not_taken_for_one() {
    let work = |cx: Context, (): ()| {
        cx.progress::<u8>().report(&50);
        std::future::pending::<rpc_core::Result<()>>()
    };
    let services = Router::new().method("work", work);
    let server = spawn(Server::builder().service(services).dialect(Dialect::Mcp)).await;
    let message = r#"[{"jsonrpc":"2.0","id":1,"method":"work","progressToken":7},{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}]"#;
    assert_eq!(answer(&server, &post(message)).await, (204, String::new()));
}

#[tokio::test]
async fn what_is_no_message_is_refused_with_what_to_change() {
    let server = spawn(math().limits(limits(|limits| limits.message_in = 100))).await;
    let long = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"shout","params":["{:100}"]}}"#, "");
    for (request, status, text) in [
        (post(&long), 413, "`message_in`"),
        (
            "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
             Transfer-Encoding: chunked\r\n\r\n80\r\n"
                .to_owned()
                + &"x".repeat(0x80)
                + "\r\n0\r\n\r\n",
            413,
            "`message_in`",
        ),
        (post("{}").replace("application/json", "text/plain"), 415, "application/json"),
        (post_with("Content-Encoding: gzip\r\n", "{}"), 415, "`Content-Encoding`"),
        (post_with("Content-Encoding: identity, br\r\n", "{}"), 415, "`Content-Encoding`"),
        (post_with("Content-Encoding: \u{ff}\r\n", "{}"), 415, "`Content-Encoding`"),
        (post("{}").replace("Host: localhost", "Host: evil.example"), 403, "`Host`"),
        (post_with("Origin: http://evil.example\r\n", "{}"), 403, "`Origin`"),
    ] {
        let (found, body) = answer(&server, &request).await;
        assert_eq!(found, status, "{request}: {body}");
        assert!(body.contains(text), "{request}: {body}");
    }
    for fine in ["application/json", "application/json; charset=utf-8; x=\u{ff}"] {
        let asked = post_with("Content-Encoding: identity\r\n", "{}");
        let asked = asked.replace("application/json", fine);
        assert_eq!(answer(&server, &asked).await.0, 200, "{fine}");
    }
    let mut raw = Raw::connect(&server).await;
    raw.send(post("12").replace("12", "").as_bytes()).await;
    raw.send(b"\xff\xff").await;
    assert!(raw.rest().await.contains(" 400 "), "not UTF-8");
    let without = spawn(math().post(false)).await;
    assert_eq!(answer(&without, &post("{}")).await.0, 405);
}

/// A connection is for one message: what comes right behind it is not served.
#[tokio::test]
async fn of_two_messages_at_once_the_first_is_answered() {
    let server = spawn(math()).await;
    let ask = |id| post(&format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"add","params":[1,2]}}"#));
    let (_, body) = answer(&server, &(ask(1) + &ask(2))).await;
    assert_eq!(body, r#"{"jsonrpc":"2.0","id":1,"result":3}"#);
    until(|| server.stats().connections == 0).await;
}

#[tokio::test]
async fn it_is_let_in_and_seen_off_like_any_other() {
    let gone = Arc::new(AtomicUsize::new(0));
    let counted = gone.clone();
    let whoami = |cx: Context, (): ()| async move { Ok(cx.caller::<String>().cloned()) };
    let builder = Server::builder()
        .service(Router::new().method("whoami", whoami))
        .on_connect(|connecting: Connecting| async move {
            assert_eq!(connecting.method(), "POST");
            match connecting.bearer_token() {
                Some(token) => Ok(format!("owner of {token}")),
                None => Err(Rejection::new(StatusCode::UNAUTHORIZED, "who are you?")),
            }
        })
        .on_disconnect(move |_: Peer, _: CloseReason| {
            let gone = counted.clone();
            async move {
                gone.fetch_add(1, Ordering::SeqCst);
            }
        });
    let server = spawn(builder).await;
    let ask = r#"{"jsonrpc":"2.0","id":1,"method":"whoami"}"#;
    assert_eq!(answer(&server, &post(ask)).await, (401, "who are you?".to_owned()));
    let (status, body) = answer(&server, &post_with("Authorization: Bearer abc\r\n", ask)).await;
    assert_eq!((status, body.contains("owner of abc")), (200, true), "{body}");
    until(|| gone.load(Ordering::SeqCst) == 1).await;
}

#[tokio::test]
async fn its_client_cannot_be_called_nor_subscribe() {
    let call_back = |cx: Context, (): ()| async move {
        let called = cx.peer().call::<()>("x", ()).await.unwrap_err();
        assert!(matches!(called, CallError::Closed { fate: Fate::NotSent, .. }), "{called:?}");
        assert!(cx.peer().notify("x", ()).await.is_err());
        Ok(called.to_string())
    };
    let ticks = |_: Context, (): ()| async { Ok(Streaming::new(stream::iter([1, 2]))) };
    let router =
        Router::new().method("call_back", call_back).subscription("ticks", "unticks", ticks);
    let server = spawn(Server::builder().service(router)).await;
    let ask = |method| post(&format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}"}}"#));
    let (_, body) = answer(&server, &ask("call_back")).await;
    assert!(body.contains("cannot be called"), "{body}");
    let (_, body) = answer(&server, &ask("ticks")).await;
    assert!(body.contains("a subscription needs a WebSocket"), "{body}");
}

#[tokio::test]
async fn a_client_that_does_not_wait_stops_its_handler() {
    struct Stopped(Arc<AtomicUsize>);
    impl Drop for Stopped {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
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
    let server = spawn(Server::builder().service(Router::new().method("wait", wait))).await;
    let mut raw = Raw::connect(&server).await;
    raw.send(post(r#"{"jsonrpc":"2.0","id":1,"method":"wait"}"#)).await;
    soon(begun.notified()).await;
    raw.reset();
    until(|| stopped.load(Ordering::SeqCst) == 1).await;
    until(|| server.stats().connections == 0).await;
}

/// A handler may take longer than a handshake, and what it comes to is sent though the server stops.
/// A network that loses everything is hard to come by in a test, so the system is asked what it would do.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_system_finds_out_whether_a_client_has_vanished_that_waits() {
    let wait = |_: Context, (): ()| std::future::pending::<rpc_core::Result<()>>();
    let builder = Server::builder().service(Router::new().method("wait", wait));
    let server = spawn(builder).await;
    let mut clients = Vec::new();
    // The first one may be connected before the server runs.
    for count in 1..=2 {
        let mut raw = Raw::connect(&server).await;
        raw.send(post(r#"{"jsonrpc":"2.0","id":1,"method":"wait"}"#)).await;
        until(|| server.stats().in_flight == count).await;
        has_keepalive(server.local_addr().unwrap(), raw.local_addr());
        clients.push(raw);
    }
}

/// Checks that the system probes a client `to` that is connected `at` this address.
#[cfg(target_os = "linux")]
fn has_keepalive(at: std::net::SocketAddr, to: std::net::SocketAddr) {
    use std::net::SocketAddr;

    let [at, to] = [at, to].map(|address| match address {
        SocketAddr::V4(v4) => {
            let ip = u32::from_ne_bytes(v4.ip().octets());
            format!("{ip:08X}:{:04X}", v4.port())
        }
        SocketAddr::V6(_) => panic!("{address}"),
    });
    let sockets = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let mut sockets = sockets.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let socket = sockets.find(|fields| fields[1] == at && fields[2] == to).unwrap();
    // Which timer it has, and when that is due, in hundredths of a second.
    let (kind, due) = socket[5].split_once(':').unwrap();
    let due = u64::from_str_radix(due, 16).unwrap();
    assert!(kind == "02" && due <= 20 * 100, "a keepalive within `ping`: {socket:?}");
}

#[tokio::test]
async fn a_message_that_is_served_is_answered_before_a_server_stops() {
    let (begun, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (told, waits) = (begun.clone(), go.clone());
    let wait = move |_: Context, (): ()| {
        let (begun, go) = (told.clone(), waits.clone());
        async move {
            begun.notify_one();
            go.notified().await;
            Ok("done")
        }
    };
    let builder = Server::builder()
        .service(Router::new().method("wait", wait))
        .limits(limits(|limits| limits.handshake = Duration::from_millis(50)));
    let server = spawn(builder).await;
    let mut raw = Raw::connect(&server).await;
    raw.send(post(r#"{"jsonrpc":"2.0","id":1,"method":"wait"}"#)).await;
    soon(begun.notified()).await;
    tokio::time::sleep(Duration::from_millis(100)).await; // longer than a handshake
    let stopping = tokio::spawn({
        let server = server.clone();
        async move { server.shutdown(Duration::from_secs(60)).await }
    });
    until(|| server.stats().in_flight == 1 && raw_is_refused(&server)).await;
    go.notify_one();
    let answer = raw.rest().await;
    assert!(answer.contains(r#""result":"done""#), "{answer}");
    let drained = soon(stopping).await.unwrap();
    assert_eq!((drained.finished, drained.cut), (1, 0));
}

/// Whether the listener is closed.
fn raw_is_refused(server: &Server) -> bool {
    std::net::TcpStream::connect(server.local_addr().unwrap()).is_err()
}
