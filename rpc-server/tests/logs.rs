//! What the log tells at its most talkative: no credential, and no flood.
//!
//! In a process of its own, since a log is one for all of it.

mod support;

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rpc_client::Client;
use rpc_core::{CloseReason, Context, Limits, Peer, Router};
use rpc_server::{Connecting, Rejection, Server, StatusCode};
use support::{Raw, limits, soon, spawn, until};

/// In whatever a client proves itself by.
const SECRET: &str = "s3cr3t";

/// All that was written, by both facades.
#[derive(Clone, Default)]
struct Everything(Arc<Mutex<Vec<u8>>>);

impl Everything {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Everything {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl log::Log for Everything {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        writeln!(self.clone(), "{} {}", record.target(), record.args()).unwrap();
    }

    fn flush(&self) {}
}

fn listen() -> Everything {
    let everything = Everything::default();
    log::set_boxed_logger(Box::new(everything.clone())).unwrap();
    log::set_max_level(log::LevelFilter::Trace);
    let writer = everything.clone();
    tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_writer(move || writer.clone())
        .init();
    everything
}

/// Lets everyone in who shows the secret, wherever, and anyone else as a guest.
async fn decide(connecting: Connecting) -> Result<String, Rejection> {
    let shown = [
        connecting.bearer_token().map(str::to_owned),
        connecting.cookie("session").map(str::to_owned),
        connecting.query("token").map(|token| token.into_owned()),
        connecting.subprotocols().find_map(|name| name.strip_prefix("token.")).map(str::to_owned),
    ];
    tracing::trace!(?connecting, "decides");
    match shown.into_iter().flatten().next() {
        Some(token) if token == SECRET => Ok(token),
        Some(_) => Err(Rejection::new(StatusCode::UNAUTHORIZED, "wrong token")),
        None => Err(Rejection::until_login(["login"])),
    }
}

#[tokio::test]
async fn no_credential_and_no_flood_is_in_the_log() {
    let everything = listen();
    let login = |cx: Context, (token,): (String,)| async move {
        Ok(token == SECRET && cx.peer().log_in(token))
    };
    let builder = Server::builder()
        .service(Router::new().method("login", login))
        .limits(limits(|limits: &mut Limits| limits.close = Duration::from_millis(1)))
        .on_connect(decide)
        .on_disconnect(|_: Peer, _: CloseReason| std::future::pending());
    let server = spawn(builder).await;
    let url = server.url();

    let by = Client::builder;
    for client in [
        by().header("authorization", &format!("Bearer {SECRET}")).connect(&url).await,
        by().header("cookie", &format!("session={SECRET}")).connect(&url).await,
        by().subprotocol("jsonrpc2").subprotocol(&format!("token.{SECRET}")).connect(&url).await,
        by().connect(format!("{url}/?token={SECRET}")).await,
        by().connect(&url).await,
    ] {
        let client = client.unwrap();
        let login = client.peer().call::<bool>("login", (SECRET,));
        let _: bool = soon(login).await.unwrap();
        client.close().await;
    }
    for wrong in [format!("{SECRET}x"), format!("{SECRET}\u{1}")] {
        let _ = by().header("authorization", &format!("Bearer {wrong}")).connect(&url).await;
        let mut raw = Raw::connect(&server).await;
        raw.send(format!(
            "GET /?token={wrong} HTTP/1.1\r\nHost: localhost\r\nCookie: {wrong}\r\n\r\n"
        ))
        .await;
        raw.rest().await;
        let mut raw = Raw::connect(&server).await;
        let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"login","params":["{SECRET}"]}}"#);
        raw.send(format!(
            "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
             Authorization: Bearer {wrong}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        ))
        .await;
        raw.rest().await;
    }
    // Messages that are none, and a close whose reason is one.
    let mut raw = Raw::open(&server).await;
    raw.send_text(&format!(r#"{{"password":"{SECRET}""#)).await;
    raw.text().await;
    raw.send_text(&format!(r#"{{"jsonrpc":"2.0","method":"login","params":"{SECRET}"}}"#)).await;
    raw.send_text(&format!(r#"{{"jsonrpc":"2.0","id":9,"result":"{SECRET}"}}"#)).await;
    drop(raw);
    until(|| server.stats().connections == 0).await;

    let text = everything.text();
    assert!(text.contains("decides"), "it listens: {text}");
    assert!(text.contains("connection ended"), "{text}");
    let told = text.lines().find(|line| line.contains(SECRET));
    assert_eq!(told, None);

    // Each of these connections has a hook that takes too long.
    let before = text.matches("`on_disconnect` took too long").count();
    assert_eq!(before, 1, "{text}");
    server.shutdown(Duration::ZERO).await;
    let after = everything.text();
    assert!(after.matches("`on_disconnect` took too long").count() <= 2, "{after}");
}
