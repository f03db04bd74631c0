//! G8: what leaves, arrives and starts in which order. G7: and that a panic changes none of it.

mod support;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rpc_core::{Context, ErrorObject, Limits, Router, memory};
use support::Raw;

type Log = Arc<Mutex<Vec<String>>>;

/// Notifications and requests that note when they start and end.
fn logging(log: &Log) -> Router {
    let note = |log: &Log, line: String| log.lock().unwrap().push(line);
    let (notes, requests) = (log.clone(), log.clone());
    Router::new()
        .notification("note", move |_: Context, (name, ms): (String, u64)| {
            let log = notes.clone();
            async move {
                note(&log, format!("{name} starts"));
                tokio::time::sleep(Duration::from_millis(ms)).await;
                note(&log, format!("{name} ends"));
            }
        })
        .method("ask", move |_: Context, (name, ms): (String, u64)| {
            let log = requests.clone();
            async move {
                note(&log, format!("{name} starts"));
                tokio::time::sleep(Duration::from_millis(ms)).await;
                note(&log, format!("{name} ends"));
                Ok(name)
            }
        })
}

#[tokio::test(start_paused = true)]
async fn notifications_run_one_after_the_other_and_requests_beside_them() {
    let log = Log::default();
    let (mut raw, _peer) = Raw::connect(logging(&log), Limits::server());
    raw.play(
        r#"
--> {"jsonrpc":"2.0","method":"note","params":["first",30]}
--> {"jsonrpc":"2.0","method":"note","params":["second",0]}
--> {"jsonrpc":"2.0","id":1,"method":"ask","params":["slow",20]}
--> {"jsonrpc":"2.0","id":2,"method":"ask","params":["quick",10]}
<-- {"jsonrpc":"2.0","id":2,"result":"quick"}
<-- {"jsonrpc":"2.0","id":1,"result":"slow"}
"#,
    )
    .await;
    assert_eq!(
        *log.lock().unwrap(),
        [
            "first starts",
            "slow starts",
            "quick starts",
            "quick ends",
            "slow ends",
            "first ends",
            "second starts",
            "second ends"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn messages_leave_in_the_order_in_which_they_were_accepted() {
    let (mut raw, peer) = Raw::connect(Router::new(), Limits::client());
    let unpolled = peer.call::<u8>("last", ());
    let mut calls = Vec::new();
    for number in 0..100 {
        calls.push(peer.call::<u8>("call", (number,)).start());
        peer.notify("note", (number,)).await.unwrap();
    }
    calls.push(unpolled.start());
    for number in 0..100 {
        for method in ["call", "note"] {
            let message = raw.receive().await;
            assert!(message.contains(&format!(r#""{method}","params":[{number}]"#)), "{message}");
        }
    }
    assert!(raw.receive().await.contains("last"));
}

#[tokio::test(start_paused = true)]
async fn what_a_handler_sent_arrives_before_its_answer() {
    let services = Router::new().method("push", |cx: Context, (n,): (u32,)| async move {
        for i in 0..n {
            cx.peer().notify("tick", (i,)).await.unwrap();
        }
        Ok(n)
    });
    let (mut raw, _peer) = Raw::connect(services, Limits::server());
    raw.play(
        r#"
--> {"jsonrpc":"2.0","id":1,"method":"push","params":[3]}
<-- {"jsonrpc":"2.0","method":"tick","params":[0]}
<-- {"jsonrpc":"2.0","method":"tick","params":[1]}
<-- {"jsonrpc":"2.0","method":"tick","params":[2]}
<-- {"jsonrpc":"2.0","id":1,"result":3}
"#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_stuck_notification_is_stopped_and_the_next_one_runs() {
    let log = Log::default();
    let (mut raw, peer) = Raw::connect(logging(&log), Limits::server());
    raw.send(r#"{"jsonrpc":"2.0","method":"note","params":["stuck",3600000]}"#).await;
    raw.send(r#"{"jsonrpc":"2.0","method":"note","params":["next",0]}"#).await;
    tokio::time::sleep(Duration::from_secs(29)).await;
    assert_eq!(log.lock().unwrap().len(), 1);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(*log.lock().unwrap(), ["stuck starts", "next starts", "next ends"]);
    assert_eq!(peer.stats().counters.stopped_notifications, 1);
}

/// Panics wherever code of a user's runs: before the future, in it, after an await, when a result
/// is written, and when something is dropped.
#[tokio::test(start_paused = true)]
async fn a_panic_is_the_end_of_one_call_only() {
    struct Unwritable;
    impl serde::Serialize for Unwritable {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            panic!("in serialize")
        }
    }
    struct PanicsWhenDropped;
    impl Drop for PanicsWhenDropped {
        fn drop(&mut self) {
            panic!("in drop")
        }
    }
    let services = Router::new()
        .method("early", |_: Context, (): ()| -> std::future::Ready<Result<(), ErrorObject>> {
            panic!("before the future")
        })
        .method("late", |_: Context, (): ()| async {
            tokio::time::sleep(Duration::from_millis(1)).await;
            if true {
                panic!("after an await");
            }
            Ok(())
        })
        .method("unwritable", |_: Context, (): ()| async { Ok(Unwritable) })
        .method("stuck", |_: Context, (): ()| async {
            let _guard = PanicsWhenDropped;
            std::future::pending::<()>().await;
            Ok(())
        })
        .notification("note", |_: Context, (): ()| async { panic!("in a notification") })
        .method("fine", |_: Context, (): ()| async { Ok("fine") });
    let (mut raw, peer) = Raw::connect(services, Limits::server());
    raw.play(
        r#"
--> {"jsonrpc":"2.0","id":0,"method":"stuck"}
--> {"jsonrpc":"2.0","method":"note"}
--> {"jsonrpc":"2.0","id":1,"method":"early"}
<-- {"jsonrpc":"2.0","id":1,"error":{"code":-32603,"message":"internal error"}}
--> {"jsonrpc":"2.0","id":2,"method":"late"}
<-- {"jsonrpc":"2.0","id":2,"error":{"code":-32603,"message":"internal error"}}
--> {"jsonrpc":"2.0","id":3,"method":"unwritable"}
<-- {"jsonrpc":"2.0","id":3,"error":{"code":-32603,"message":"internal error"}}
--> {"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":0}}
<-- {"jsonrpc":"2.0","id":0,"error":{"code":-32800,"message":"request cancelled","data":{"kind":"cancelled"}}}
--> {"jsonrpc":"2.0","id":4,"method":"fine"}
<-- {"jsonrpc":"2.0","id":4,"result":"fine"}
"#,
    )
    .await;
    assert_eq!(peer.stats().in_flight, 0);
}

/// A result that waits for room belongs to a call like any other: it may be cancelled, and drop.
#[tokio::test(start_paused = true)]
async fn a_result_that_panics_when_it_is_cancelled_harms_nobody() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("bomb");
        }
    }
    impl serde::Serialize for Bomb {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_unit()
        }
    }
    let services = Router::new()
        .method("bomb", |_: Context, (): ()| async {
            tokio::time::sleep(Duration::from_millis(1)).await;
            Ok(Bomb)
        })
        .method("big", |_: Context, (): ()| async { Ok("x".repeat(5_000)) });
    let mut limits = Limits::server();
    limits.queue = 1_000;
    let (mut raw, peer) = Raw::connect_with(services, limits, 1);
    raw.send(r#"{"jsonrpc":"2.0","id":1,"method":"bomb"}"#).await;
    for id in 2..4 {
        raw.send(&format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"big"}}"#)).await;
    }
    tokio::time::sleep(Duration::from_millis(10)).await;
    raw.send(r#"{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":1}}"#).await;
    let mut cancelled = false;
    for _ in 0..3 {
        cancelled |= raw.receive().await.contains("-32800");
    }
    assert!(cancelled && !peer.is_closed());
}

#[tokio::test(start_paused = true)]
async fn who_watches_a_call_is_told_when_it_is_over() {
    let log = Log::default();
    let noted = log.clone();
    let services = Router::new().method("watch", move |cx: Context, (ends,): (bool,)| {
        let noted = noted.clone();
        async move {
            tokio::spawn(async move {
                cx.cancelled().await;
                noted.lock().unwrap().push(cx.method().to_owned());
            });
            tokio::task::yield_now().await;
            if !ends {
                std::future::pending::<()>().await;
            }
            Ok(())
        }
    });
    let (peer, _other) = memory::pair(Router::new(), services);
    peer.call::<()>("watch", (true,)).await.unwrap();
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(log.lock().unwrap().drain(..).count(), 1, "answered is over as well");
    let call = peer.call::<()>("watch", (false,));
    assert!(tokio::time::timeout(Duration::from_millis(10), call).await.is_err());
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(*log.lock().unwrap(), ["watch"]);
}
