//! Code of the application that fails, and connections that come and go.

use std::time::Duration;

use futures_util::stream;
use rpc_client::Client;
use rpc_core::{Context, Peer, Router, Streaming};
use rpc_server::{Connecting, Rejection};
use serde::{Serialize, Serializer};

use crate::canary::{Life, Lives, Target};
use crate::support::{HANDSHAKE, echo, until};

/// A value that cannot be written.
struct Panics;

impl Serialize for Panics {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        panic!("secret")
    }
}

/// A value that must not be dropped.
struct Bomb(#[expect(dead_code, reason = "it only lives")] Life);

impl Drop for Bomb {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "secret");
    }
}

/// Panics wherever an application's code is run.
fn panicking(lives: &Lives) -> Router {
    let [lives, bombs, streams] = [(); 3].map(|()| lives.clone());
    Router::new()
        .method("now", |_: Context, (): ()| -> std::future::Ready<Result<(), _>> {
            panic!("secret")
        })
        .method("later", move |_: Context, (): ()| {
            let life = lives.one();
            async move {
                let _life = life;
                tokio::task::yield_now().await;
                if true {
                    panic!("secret");
                }
                Ok(())
            }
        })
        .method("result", |_: Context, (): ()| async { Ok(Panics) })
        .method("dropped", move |_: Context, (): ()| {
            let bomb = Bomb(bombs.one());
            async move {
                std::future::pending::<()>().await;
                drop(bomb);
                Ok(())
            }
        })
        .notification("note", |_: Context, (): ()| async { panic!("secret") })
        .subscription("stream", "unstream", move |_: Context, (): ()| {
            let life = streams.one();
            async move {
                Ok(Streaming::new(stream::poll_fn(move |_| -> std::task::Poll<Option<u8>> {
                    let _ = &life;
                    panic!("secret")
                })))
            }
        })
        .subscription("items", "unitems", |_: Context, (): ()| async {
            Ok(Streaming::new(stream::iter([Panics, Panics])))
        })
        .subscription("subscribing", "unsub", |_: Context, (): ()| async {
            if true {
                panic!("secret");
            }
            Ok(Streaming::new(stream::iter([1])))
        })
}

#[tokio::test]
async fn panics_in_handlers_streams_and_values() {
    let lives = Lives::default();
    let target = Target::of(echo().service(panicking(&lives)), lives).await;
    let mut raw = target.open().await;
    let requests = ["now", "later", "result", "subscribing", "stream", "items"];
    for (id, method) in requests.iter().cycle().take(60).enumerate() {
        raw.send_text(&format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}"}}"#)).await;
        raw.send_text(r#"{"jsonrpc":"2.0","method":"note"}"#).await;
        let answer = loop {
            let text = raw.text().await;
            assert!(!text.contains("secret"), "{method}: {text}");
            if text.contains(&format!(r#""id":{id},"#)) {
                break text;
            }
        };
        let is_stream = ["stream", "items"].contains(method);
        assert!(is_stream || answer.contains("-32603"), "{method}: {answer}");
    }
    let members = requests
        .map(|method| format!(r#"{{"jsonrpc":"2.0","id":"{method}","method":"{method}"}}"#));
    raw.send_text(&format!("[{}]", members.join(","))).await;
    while !raw.text().await.starts_with('[') {}
    raw.send_text(r#"{"jsonrpc":"2.0","id":"last","method":"echo","params":["still here"]}"#).await;
    while !raw.text().await.contains("still here") {}
    target.unharmed_after(raw).await;
}

/// A handler is dropped when it is cancelled, and when its connection ends.
#[tokio::test]
async fn panics_in_handlers_that_are_dropped() {
    let lives = Lives::default();
    let target = Target::of(echo().service(panicking(&lives)), lives).await;
    let mut raw = target.open().await;
    for id in 0..100 {
        raw.send_text(&format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"dropped"}}"#)).await;
    }
    until(|| target.lives.now() == 100).await;
    for id in 0..50 {
        let cancel =
            format!(r#"{{"jsonrpc":"2.0","method":"$/cancelRequest","params":{{"id":{id}}}}}"#);
        raw.send_text(&cancel).await;
        assert!(raw.text().await.contains("-32800"));
    }
    raw.reset();
    target.unharmed().await;
}

#[tokio::test]
async fn panics_in_the_hooks() {
    let builder = echo()
        .on_connect(|connecting: Connecting| {
            assert!(connecting.header("x-now").is_none(), "secret");
            async move {
                tokio::task::yield_now().await;
                assert!(connecting.header("x-later").is_none(), "secret");
                // The requests of a link must be of one caller.
                connecting.peer().identify("anyone")?;
                Ok::<_, Rejection>(())
            }
        })
        .on_disconnect(|_: Peer, _| {
            assert!(std::hint::black_box(false), "secret");
            async {}
        });
    let target = Target::of(builder, Lives::default()).await;
    for header in ["x-now: 1\r\n", "x-later: 1\r\n", ""].into_iter().cycle().take(60) {
        let (status, _connection) = target.way.knock(header).await;
        assert_eq!(status >= 500, !header.is_empty(), "{status}");
    }
    target.unharmed().await;
}

/// Each ends in another way, and none of them is waited for.
#[tokio::test]
async fn connections_that_come_and_go() {
    let target = Target::with(|limits| limits.handshake = Duration::from_secs(2)).await;
    for number in 0..500 {
        let mut raw = target.way.connect().await;
        match number % 5 {
            0 => raw.reset(),
            1 => drop(raw),
            2 => {
                raw.send("GARBAGE\r\n\r\n").await;
                assert!(raw.ended().await);
            }
            3 => {
                raw.send(HANDSHAKE).await;
                raw.reset();
            }
            _ => drop(target.open().await),
        }
    }
    target.unharmed().await;
}

/// Values of a connection, its groups and its session go when it does.
#[tokio::test]
async fn groups_of_connections_that_are_gone() {
    let join =
        |cx: Context, (name,): (String,)| async move { Ok(cx.peer().join_group(&name).is_ok()) };
    let builder = echo().service(Router::new().method("join", join));
    let target = Target::of(builder, Lives::default()).await;
    for round in 0..10 {
        let client = target.way.client(Client::builder()).await;
        for number in 0..65 {
            let name = format!("{round}/{number}");
            let joined = client.peer().call::<bool>("join", (name,)).await;
            assert_eq!(joined, Ok(number < 64), "`groups` is a limit");
        }
        assert!(target.server.stats().groups >= 64);
    }
    target.unharmed().await;
}
