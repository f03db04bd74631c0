//! Which hooks run, how often, and when.

use std::sync::Arc;

use rpc_core::{CloseReason, Context, Link, Peer, Router};
use rpc_server::{Connecting, Rejection, ServerBuilder};
use serde_json::json;
use tokio::sync::{Semaphore, mpsc};

use crate::session::greet;
use crate::support::{soon, spawn, until};
use crate::{Session, announced, begin, cut, open_with, sessions};

/// Tells the server in the handshake that a hello will come: it says nothing before.
const KNOWN: &str = "Rpc-Hello: 1\r\n";

/// Tells of each run of a hook, in order.
fn told(builder: ServerBuilder) -> (ServerBuilder, mpsc::UnboundedReceiver<String>) {
    let (tell, told) = mpsc::unbounded_channel();
    let [connects, opens, links, disconnects] = [(); 4].map(|()| tell.clone());
    let builder = builder
        .on_connect(move |connecting: Connecting| {
            let _ = connects.send(format!("connect, resuming: {}", connecting.is_resuming()));
            async { Ok::<_, Rejection>(()) }
        })
        .on_open(move |_: Peer| {
            let _ = opens.send("open".into());
            async {}
        })
        .on_link(move |_: Peer, link: Link| {
            let link = if link == Link::Up { "up" } else { "away" };
            let _ = links.send(link.into());
        })
        .on_disconnect(move |_: Peer, reason: CloseReason| {
            let code = reason.code.map_or(0, |code| code.value());
            let _ = disconnects.send(format!("disconnect {code}"));
            async {}
        });
    (builder, told)
}

async fn next(told: &mut mpsc::UnboundedReceiver<String>, expected: &[&str]) {
    for expected in expected {
        assert_eq!(soon(told.recv()).await.unwrap(), *expected);
    }
    assert!(told.try_recv().is_err(), "nothing more");
}

#[tokio::test]
async fn a_session_is_opened_once_and_each_link_is_authenticated() {
    let (builder, mut told) = told(sessions(|_| {}));
    let server = spawn(builder).await;
    let mut session = begin(&server).await;
    session.echoes("one").await;
    next(&mut told, &["connect, resuming: false", "open"]).await;
    for _ in 0..3 {
        session = cut(&server, session).await;
        next(&mut told, &["away"]).await;
        session.resume(announced(&server).await).await;
        session.echoes("again").await;
        next(&mut told, &["connect, resuming: true", "up"]).await;
    }
    // Taken over while the link works: the session was never away.
    session.resume(announced(&server).await).await;
    session.echoes("taken over").await;
    next(&mut told, &["connect, resuming: true", "up"]).await;
    session.close(1000).await;
    until(|| server.peers().is_empty()).await;
    next(&mut told, &["disconnect 1000"]).await;
}

#[tokio::test]
async fn on_disconnect_runs_once_for_a_session_that_ends_while_away() {
    let keep = |limits: &mut rpc_core::Limits| {
        limits.session_keep = std::time::Duration::from_millis(100);
    };
    let (builder, mut told) = told(sessions(keep));
    let server = spawn(builder).await;
    begin(&server).await.raw.reset();
    next(&mut told, &["connect, resuming: false", "open", "away", "disconnect 0"]).await;
    // A link that announces a resume and says nothing was never a session.
    let announced = announced(&server).await;
    until(|| server.stats().connections == 1).await;
    announced.reset();
    until(|| server.stats().connections == 0).await;
    next(&mut told, &["connect, resuming: true"]).await;
    assert!(server.peers().is_empty());
}

/// The link may be one that was given up long ago: then nothing has begun.
#[tokio::test]
async fn after_a_refused_resume_on_open_waits_for_the_acknowledgement() {
    let (builder, mut told) = told(sessions(|_| {}));
    let server = spawn(builder).await;
    let lost = json!({ "token": "abc.def", "attempt": 1, "received": 0 });
    for acknowledges in [true, false] {
        let mut raw = announced(&server).await;
        let said = greet(&mut raw, lost.clone()).await;
        assert_eq!(said["refused"], "unknown");
        let token = said["token"].as_str().unwrap().to_owned();
        let mut session = Session { raw, token, attempt: 0, received: 0 };
        session.call(1, "echo", json!(["hi"])).await;
        session.call(2, "nobody", json!([])).await;
        assert_eq!(session.next().await["id"], 2, "the first one waits");
        next(&mut told, &["connect, resuming: true"]).await;
        if !acknowledges {
            session.raw.reset();
            until(|| server.peers().is_empty()).await;
            next(&mut told, &[]).await;
            continue;
        }
        session.ack(0).await;
        assert_eq!(session.next().await["result"], "hi");
        next(&mut told, &["open"]).await;
        // It is a session like any other.
        let mut session = cut(&server, session).await;
        session.resume(announced(&server).await).await;
        next(&mut told, &["away", "connect, resuming: true", "up"]).await;
        session.close(1000).await;
        until(|| server.peers().is_empty()).await;
        next(&mut told, &["disconnect 1000"]).await;
    }
}

/// A slow hook, which calls the client, is waited for.
#[tokio::test]
async fn no_request_is_served_before_on_open_has_ended() {
    let gate = Arc::new(Semaphore::new(0));
    let opened = gate.clone();
    let whoami = |cx: Context, (): ()| async move {
        Ok(cx.peer().value::<String>().map(|name| (*name).clone()))
    };
    let builder = sessions(|_| {}).service(Router::new().method("whoami", whoami)).on_open(
        move |peer: Peer| {
            let gate = opened.clone();
            async move {
                let name: String = peer.call("name", ()).await.unwrap();
                gate.acquire().await.unwrap().forget();
                peer.set_value(name);
            }
        },
    );
    let server = spawn(builder).await;
    // With a session and without one.
    for has_session in [true, false] {
        let raw = open_with(&server, KNOWN).await;
        let mut session = if has_session {
            Session::begin(raw).await
        } else {
            Session { raw, token: String::new(), attempt: 0, received: 0 }
        };
        session.call(7, "whoami", json!([])).await;
        let asked = session.next().await;
        assert_eq!(asked["method"], "name");
        let answer = json!({ "jsonrpc": "2.0", "id": asked["id"], "result": "Ada" });
        session.raw.send_text(&answer.to_string()).await;
        // What is refused at once shows that all before it was read.
        session.call(8, "nobody", json!([])).await;
        assert_eq!(session.next().await["id"], 8);
        gate.add_permits(1);
        assert_eq!(session.next().await, json!({ "jsonrpc": "2.0", "id": 7, "result": "Ada" }));
        session.close(1000).await;
        until(|| server.peers().is_empty()).await;
    }
}

/// The link is cut while the hook runs: the hook goes on over the next one.
#[tokio::test]
async fn on_open_outlives_the_link() {
    let server = spawn(sessions(|_| {}).on_open(|peer: Peer| async move {
        let name: String = peer.call("name", ()).await.unwrap();
        peer.set_value(name);
    }))
    .await;
    let mut session = Session::begin(open_with(&server, KNOWN).await).await;
    let asked = session.next().await;
    session.call(7, "echo", json!(["hi"])).await;
    let mut session = cut(&server, session).await;
    session.resume(announced(&server).await).await;
    let answer = json!({ "jsonrpc": "2.0", "id": asked["id"], "result": "Ada" });
    session.raw.send_text(&answer.to_string()).await;
    assert_eq!(session.next().await["result"], "hi");
    assert_eq!(*server.peers()[0].value::<String>().unwrap(), "Ada");
}
