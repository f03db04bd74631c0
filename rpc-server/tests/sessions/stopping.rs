//! The end of a server with sessions that are away.

use std::time::Duration;

use rpc_core::{CloseCode, Context, Router};
use rpc_server::Server;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};

use crate::session::shake;
use crate::support::{Raw, soon, spawn};
use crate::{Session, announced, away, begin, cut, sessions};

const LONG: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn sessions_that_are_away_end_at_once() {
    let server = spawn(sessions(|_| {})).await;
    let (_session, peer) = away(&server).await;
    soon(server.shutdown(LONG)).await;
    assert_eq!(peer.closed().await.code, Some(CloseCode::RESTARTING));
    assert_eq!(server.stats().sessions.away, 0);
}

/// It has not said anything that could be finished.
#[tokio::test]
async fn a_link_that_announces_a_resume_and_says_nothing_holds_nothing_up() {
    let server = spawn(sessions(|limits| limits.handshake = LONG)).await;
    let _silent = announced(&server).await;
    soon(server.shutdown(LONG)).await;
}

#[tokio::test]
async fn a_refused_link_that_acknowledges_nothing_holds_nothing_up() {
    let server = spawn(sessions(|_| {}).on_open(|_| async {})).await;
    let mut raw = announced(&server).await;
    crate::session::greet(&mut raw, json!({ "token": "abc.def" })).await;
    let stopping = server.clone();
    let stopping = tokio::spawn(async move { stopping.shutdown(LONG).await });
    assert_eq!(raw.close_frame().await.0, 1012);
    raw.shutdown().await;
    soon(stopping).await.unwrap();
}

/// Handlers of sessions away may finish within the grace, and not longer.
#[tokio::test]
async fn handlers_of_sessions_that_are_away_may_finish() {
    let gate = std::sync::Arc::new(tokio::sync::Semaphore::new(0));
    for finishes in [true, false] {
        let opened = gate.clone();
        let work = Router::new().method("work", move |_: Context, (): ()| {
            let gate = opened.clone();
            async move {
                gate.acquire().await.unwrap().forget();
                Ok(())
            }
        });
        let server = spawn(sessions(|_| {}).service(work)).await;
        let mut session = begin(&server).await;
        session.call(1, "work", json!([])).await;
        cut(&server, session).await;
        let address = server.local_addr().unwrap();
        let stopping = server.clone();
        let stopping = tokio::spawn(async move { stopping.shutdown(LONG).await });
        let late = async { while TcpStream::connect(address).await.is_ok() {} };
        soon(late).await;
        assert!(!stopping.is_finished() && server.stats().in_flight == 1, "{finishes}");
        if finishes {
            gate.add_permits(1);
        } else {
            soon(server.shutdown(Duration::ZERO)).await;
        }
        soon(stopping).await.unwrap();
    }
}

#[tokio::test]
async fn a_mounted_server_that_stops_resumes_nothing() {
    let service = sessions(|_| {}).into_tower_service().unwrap();
    let server: Server = service.handle();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = axum::Router::new().fallback_service(service);
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    let connect = async || Raw::over(soon(TcpStream::connect(address)).await.unwrap());

    let mut raw = connect().await;
    assert!(shake(&mut raw, "").await.starts_with("HTTP/1.1 101 "));
    let mut session = cut(&server, Session::begin(raw).await).await;
    let mut raw = connect().await;
    assert!(shake(&mut raw, crate::ANNOUNCE).await.starts_with("HTTP/1.1 101 "));
    session.resume(raw).await;
    session.echoes("mounted").await;
    let _session = cut(&server, session).await;
    soon(server.shutdown(LONG)).await;
    for headers in ["", crate::ANNOUNCE] {
        let mut raw = connect().await;
        let head = shake(&mut raw, headers).await;
        assert!(head.starts_with("HTTP/1.1 503 "), "{head}");
    }
}

/// Nobody asks about its sessions any more.
#[tokio::test]
async fn nothing_is_left_of_a_server_that_has_stopped() {
    let held = std::sync::Arc::new(());
    for is_waited_for in [true, false] {
        let service = held.clone();
        let method = Router::new().method("held", move |_: Context, (): ()| {
            let _held = &service;
            async { Ok(()) }
        });
        let server = spawn(sessions(|_| {}).service(method)).await;
        // One that ends before, and one that ends with the server.
        let (_first, peer) = away(&server).await;
        peer.kick(CloseCode::FORBIDDEN, "out");
        crate::until(|| server.peers().is_empty()).await;
        let (_second, _) = away(&server).await;
        let stopping = server.clone();
        let stopping = tokio::spawn(async move { stopping.shutdown(LONG).await });
        if is_waited_for {
            soon(stopping).await.unwrap();
        } else {
            tokio::task::yield_now().await;
            stopping.abort();
        }
        drop((server, peer));
        crate::until(|| std::sync::Arc::strong_count(&held) == 1).await;
    }
}
