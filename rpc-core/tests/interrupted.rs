//! A request that is cut by the end of its connection is answered before that, so that no caller waits for ever and
//! none takes it for not executed: ethers hangs without an answer, dedot makes the call again.

mod support;

use std::future::pending;
use std::time::Duration;

use rpc_core::types::{ClosedBy, GoAway};
use rpc_core::{CallError, CloseCode, Context, Fate, Limits, Router};
use serde_json::Value;
use support::Raw;
use support::ends::{ends, settle};

fn services() -> Router {
    Router::new()
        .method("stuck", |_: Context, (): ()| async { pending::<rpc_core::Result<()>>().await })
        .method("done", |_: Context, (): ()| async { Ok(1) })
        .notification("note", |_: Context, (): ()| pending())
}

/// The kind of the error that must come, and its id.
async fn refused(raw: &mut Raw) -> (i64, Value, Value) {
    let mut answer = raw.receive().await;
    if answer.contains("$/goaway") {
        answer = raw.receive().await;
    }
    let answer: Value = serde_json::from_str(&answer).unwrap();
    let code = answer["error"]["code"].as_i64().unwrap();
    (code, answer["error"]["data"]["kind"].clone(), answer["id"].clone())
}

#[tokio::test(start_paused = true)]
async fn what_runs_is_answered_before_every_planned_close() {
    for way in 0..4 {
        let (mut raw, peer) = Raw::connect(services(), Limits::server());
        for id in [1, 2] {
            raw.send(&format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"stuck"}}"#)).await;
        }
        raw.send(r#"{"jsonrpc":"2.0","method":"note"}"#).await;
        settle().await;
        let code = match way {
            0 => {
                peer.drain(CloseCode::RESTARTING, &GoAway::new("update"), Duration::from_secs(1));
                CloseCode::RESTARTING
            }
            1 => {
                peer.kick(CloseCode::FORBIDDEN, "banned");
                CloseCode::FORBIDDEN
            }
            2 => {
                peer.set_expiry(Duration::ZERO);
                CloseCode::NOT_AUTHENTICATED
            }
            _ => {
                peer.close(CloseCode::NORMAL, "bye");
                CloseCode::NORMAL
            }
        };
        for id in [1, 2] {
            assert_eq!(refused(&mut raw).await, (-32014, "interrupted".into(), id.into()), "{way}");
        }
        assert_eq!(raw.closed().await.0, Some(code));
    }
}

#[tokio::test(start_paused = true)]
async fn members_of_batches_are_answered_as_well() {
    let (mut raw, peer) = Raw::connect(services(), Limits::server());
    let [done, stuck] = ["done", "stuck"]
        .map(|method| format!(r#"{{"jsonrpc":"2.0","id":"{method}","method":"{method}"}}"#));
    raw.send(&format!("[{done},{stuck}]")).await;
    settle().await;
    peer.close(CloseCode::NORMAL, "bye");
    let answers: Value = serde_json::from_str(&raw.receive().await).unwrap();
    assert_eq!(
        (&answers[0]["result"], &answers[1]["error"]["code"]),
        (&1.into(), &(-32014).into())
    );
}

#[tokio::test(start_paused = true)]
async fn what_has_not_started_is_told_so() {
    let mut limits = Limits::server();
    limits.queue = 1;
    let (mut raw, peer) = Raw::connect_with(services(), limits, 10);
    // The first one fills the pipe, the second the queue.
    for id in 1..=4 {
        raw.send(&format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"done"}}"#)).await;
    }
    settle().await;
    peer.close(CloseCode::NORMAL, "bye");
    let mut busy = 0;
    for _ in 1..=4 {
        let answer = raw.receive().await;
        assert!(!answer.contains("-32014"), "{answer}");
        busy += usize::from(answer.contains("-32009"));
    }
    assert!((1..=3).contains(&busy), "{busy}");
}

#[tokio::test(start_paused = true)]
async fn who_is_closed_for_a_fault_of_its_own_gets_no_answer() {
    let mut limits = Limits::server();
    limits.malformed_rate = 1;
    let (mut raw, _peer) = Raw::connect(services(), limits);
    raw.send(r#"{"jsonrpc":"2.0","id":1,"method":"stuck"}"#).await;
    for _ in 0..2 {
        raw.send("{").await;
    }
    let (closed, mut interrupted) = (CloseCode::POLICY, false);
    for _ in 0..2 {
        interrupted |= raw.receive().await.contains("-32014");
    }
    assert_eq!((raw.closed().await.0, interrupted), (Some(closed), false));
}

#[tokio::test(start_paused = true)]
async fn its_caller_sees_a_close_after_which_it_may_have_run() {
    let server = (services(), Limits::server());
    let (peer, server) = ends((Router::new(), Limits::client()), server);
    let call = peer.call::<()>("stuck", ()).start();
    settle().await;
    server.close(CloseCode::RESTARTING, "update");
    match call.await {
        Err(CallError::Closed { reason, fate: Fate::MaybeExecuted }) => {
            assert_eq!((reason.by, reason.code), (ClosedBy::Peer, Some(CloseCode::RESTARTING)));
        }
        other => panic!("{other:?}"),
    }
}
