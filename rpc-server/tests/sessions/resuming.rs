//! What goes on over another link.

use std::sync::Arc;

use rpc_core::{Context, Link, Router};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::session::greet;
use crate::support::{HANDSHAKE, Raw, TEXT, spawn, until};
use crate::{announced, away, begin, cut, open_with, sessions};

#[tokio::test]
async fn a_header_or_a_subprotocol_announces_the_resume() {
    let server = spawn(sessions(|_| {})).await;
    let offers = ["Rpc-Resume: 1\r\n", "Sec-WebSocket-Protocol: jsonrpc2, jsonrpc2.resume\r\n"];
    for headers in offers {
        let (mut session, peer) = away(&server).await;
        assert!(matches!(peer.link(), Link::Away { .. }));
        let mut raw = Raw::connect(&server).await;
        raw.send(HANDSHAKE.replacen("Host", &format!("{headers}Host"), 1)).await;
        let head = raw.head().await;
        let picks = head.to_lowercase().contains("sec-websocket-protocol: jsonrpc2\r\n");
        assert_eq!(picks, headers.contains("jsonrpc2"), "{head}");
        session.resume(raw).await;
        assert_eq!((server.peers(), peer.link()), (vec![peer.clone()], Link::Up));
        session.echoes("the same").await;
        session.close(1000).await;
        until(|| server.peers().is_empty()).await;
    }
    let sessions = server.stats().sessions;
    assert_eq!((sessions.resumed, sessions.taken_over), (2, 0));
    assert_eq!((sessions.up, sessions.away, sessions.away_bytes), (0, 0, 0));
    assert!(sessions.refused.is_empty() && sessions.evicted.is_empty(), "{sessions:?}");
}

/// Nothing is sent twice and nothing is left out.
#[tokio::test]
async fn what_the_client_has_not_received_is_sent_again_in_order() {
    let server = spawn(sessions(|_| {})).await;
    let mut session = begin(&server).await;
    let peer = server.peers().pop().unwrap();
    for n in 1..=5 {
        peer.notify("note", (n,)).await.unwrap();
    }
    for n in 1..=2 {
        assert_eq!(session.next().await["params"], json!([n]));
    }
    for id in 6..=8 {
        session.call(id, "echo", json!(["hi"])).await;
    }
    let mut session = cut(&server, session).await;
    for n in 9..=10 {
        peer.notify("note", (n,)).await.unwrap();
    }
    let (said, _) = session.resume(announced(&server).await).await;
    assert_eq!(said["received"], 3, "the requests were taken in, `$/ack` does not count");
    let mut got = Vec::new();
    for _ in 3..=10 {
        let message = session.next().await;
        got.push(if message["id"].is_null() {
            message["params"][0].clone()
        } else {
            message["id"].clone()
        });
    }
    assert_eq!(Value::from(got), json!([3, 4, 5, 6, 7, 8, 9, 10]));
    // 10 - 2 were kept; two of them had not been given to a link before.
    assert_eq!(server.stats().sessions.away_bytes, 0);

    // Once more, with all of it received.
    let mut session = cut(&server, session).await;
    let (said, _) = session.resume(announced(&server).await).await;
    assert_eq!(said["received"], 3);
    session.echoes("next").await;
}

#[tokio::test]
async fn half_a_message_does_not_exist() {
    let server = spawn(sessions(|_| {})).await;
    let mut session = begin(&server).await;
    session.echoes("one").await;
    // A fragment that is not the last one, and the beginning of another.
    session.raw.send([TEXT, 0x80 | 3, 0, 0, 0, 0, b'{', b' ', b' ', 0x00, 0x80 | 9, 0]).await;
    let mut session = cut(&server, session).await;
    let (said, _) = session.resume(announced(&server).await).await;
    assert_eq!(said["received"], 1);
    session.echoes("two").await;
}

#[tokio::test]
async fn calls_both_ways_outlive_the_link() {
    let gate = Arc::new(Semaphore::new(0));
    let opened = gate.clone();
    let wait = Router::new().method("wait", move |_: Context, (): ()| {
        let gate = opened.clone();
        async move {
            gate.acquire().await.unwrap().forget();
            Ok("done")
        }
    });
    let server = spawn(sessions(|_| {}).service(wait)).await;
    let mut session = begin(&server).await;
    let peer = server.peers().pop().unwrap();
    session.call(1, "wait", json!([])).await;
    let call = peer.call::<String>("name", ()).start();
    let asked = session.next().await;
    let mut session = cut(&server, session).await;
    gate.add_permits(1);
    session.resume(announced(&server).await).await;
    assert_eq!(session.next().await, json!({ "jsonrpc": "2.0", "id": 1, "result": "done" }));
    let answer = json!({ "jsonrpc": "2.0", "id": asked["id"], "result": "Ada" });
    session.raw.send_text(&answer.to_string()).await;
    assert_eq!(crate::soon(call).await.unwrap(), "Ada");
}

/// The link that is still there is read no more, and told so.
#[tokio::test]
async fn a_link_that_works_is_taken_over() {
    let server = spawn(sessions(|_| {})).await;
    let mut session = begin(&server).await;
    session.echoes("one").await;
    let (said, mut before) = session.resume(announced(&server).await).await;
    assert_eq!(said["received"], 1);
    assert_eq!(before.close_frame().await.0, 4409);
    session.echoes("two").await;
    let sessions = server.stats().sessions;
    assert_eq!((sessions.resumed, sessions.taken_over, sessions.up), (1, 1, 1));
    assert_eq!(server.peers().len(), 1);
}

/// Such a link is an ordinary one, and its session a fresh one.
#[tokio::test]
async fn an_announced_link_whose_first_message_resumes_nothing_is_an_ordinary_one() {
    let server = spawn(sessions(|_| {}).on_open(|_| async {})).await;
    let mut raw = announced(&server).await;
    raw.send_text(r#"{"jsonrpc":"2.0","id":1,"method":"echo","params":["hi"]}"#).await;
    assert_eq!(raw.text().await, r#"{"jsonrpc":"2.0","id":1,"result":"hi"}"#);

    let mut raw = announced(&server).await;
    assert_eq!(greet(&mut raw, Value::Null).await, Value::Null);
    raw.send_text(r#"{"jsonrpc":"2.0","id":1,"method":"echo","params":["hi"]}"#).await;
    assert_eq!(raw.text().await, r#"{"jsonrpc":"2.0","id":1,"result":"hi"}"#);

    let raw = announced(&server).await;
    crate::Session::begin(raw).await.echoes("hi").await;
    until(|| server.stats().sessions.up == 1).await;
}

#[tokio::test]
async fn a_server_without_sessions_takes_an_announced_link_as_any_other() {
    let server = spawn(crate::echo().on_open(|_| async {})).await;
    let mut raw = open_with(&server, "Rpc-Resume: 1\r\nRpc-Hello: 1\r\n").await;
    let asks = json!({ "token": "abc.def", "attempt": 1, "received": 0 });
    assert_eq!(greet(&mut raw, asks).await, Value::Null);
    raw.send_text(r#"{"jsonrpc":"2.0","id":1,"method":"echo","params":["hi"]}"#).await;
    assert_eq!(raw.text().await, r#"{"jsonrpc":"2.0","id":1,"result":"hi"}"#);
}
