//! Requests that start only when all that came before them has ended, and G5 for them.

mod support;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rpc_core::transport::{Endpoint, EndpointConfig};
use rpc_core::{Context, ErrorObject, Limits, Peer, Router, memory};
use support::{Raw, assert_same};
use tokio::time::{Instant, sleep};

type Log = Arc<Mutex<Vec<String>>>;

fn lines(log: &Log) -> Vec<String> {
    std::mem::take(&mut *log.lock().unwrap())
}

/// `ask`, `ordered` and `note` take a name and for how many milliseconds they run, and say when
/// they start and end.
fn logging(log: &Log) -> Router {
    let run = |log: &Log| {
        let log = log.clone();
        move |_: Context, (name, ms): (String, u64)| {
            let log = log.clone();
            async move {
                log.lock().unwrap().push(format!("{name} starts"));
                sleep(Duration::from_millis(ms)).await;
                log.lock().unwrap().push(format!("{name} ends"));
                Ok(name)
            }
        }
    };
    let note = run(log);
    Router::new()
        .method("ask", run(log))
        .method("ordered", run(log))
        .ordered("ordered")
        .notification("note", move |cx, params| {
            let run = note(cx, params);
            async { drop(run.await) }
        })
        .method("big", |_: Context, (bytes,): (usize,)| async move { Ok("x".repeat(bytes)) })
}

#[tokio::test(start_paused = true)]
async fn an_ordered_request_starts_when_all_before_it_has_ended_and_holds_up_nothing_after_it() {
    let log = Log::default();
    let (mut raw, peer) = Raw::connect(logging(&log), Limits::server());
    raw.play(
        r#"
--> {"jsonrpc":"2.0","id":1,"method":"ask","params":["before",30]}
--> {"jsonrpc":"2.0","method":"note","params":["one",10]}
--> {"jsonrpc":"2.0","method":"note","params":["two",40]}
--> {"jsonrpc":"2.0","id":2,"method":"ordered","params":["ordered",10]}
--> {"jsonrpc":"2.0","id":3,"method":"ask","params":["after",5]}
--> {"jsonrpc":"2.0","method":"note","params":["three",40]}
<-- {"jsonrpc":"2.0","id":3,"result":"after"}
<-- {"jsonrpc":"2.0","id":1,"result":"before"}
<-- {"jsonrpc":"2.0","id":2,"result":"ordered"}
"#,
    )
    .await;
    assert_eq!(
        lines(&log),
        [
            "before starts",
            "one starts",
            "after starts",
            "after ends",
            "one ends",
            "two starts",
            "before ends",
            "two ends",
            "three starts",
            "ordered starts",
            "ordered ends",
            "three ends"
        ]
    );
    assert_eq!(peer.stats().in_flight, 0);
}

#[tokio::test(start_paused = true)]
async fn ordered_requests_run_one_after_the_other_and_at_once_where_nothing_runs() {
    let log = Log::default();
    let (mut raw, _peer) = Raw::connect(logging(&log), Limits::server());
    raw.play(
        r#"
--> {"jsonrpc":"2.0","id":1,"method":"ordered","params":["one",20]}
--> {"jsonrpc":"2.0","id":2,"method":"ordered","params":["two",20]}
--> {"jsonrpc":"2.0","id":3,"method":"ask","params":["beside",5]}
--> {"jsonrpc":"2.0","id":4,"method":"ordered","params":["three",0]}
<-- {"jsonrpc":"2.0","id":3,"result":"beside"}
<-- {"jsonrpc":"2.0","id":1,"result":"one"}
<-- {"jsonrpc":"2.0","id":2,"result":"two"}
<-- {"jsonrpc":"2.0","id":4,"result":"three"}
"#,
    )
    .await;
    assert_eq!(
        lines(&log),
        [
            "one starts",
            "beside starts",
            "beside ends",
            "one ends",
            "two starts",
            "two ends",
            "three starts",
            "three ends"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn one_that_waits_counts_and_can_be_cancelled_and_run_out_of_time() {
    let log = Log::default();
    let mut limits = Limits::server();
    limits.inflight_requests = 4;
    let (mut raw, peer) = Raw::connect(logging(&log), limits);
    raw.play(
        r#"
--> {"jsonrpc":"2.0","id":1,"method":"ask","params":["long",1000]}
--> {"jsonrpc":"2.0","id":2,"method":"ordered","params":["cancelled",0]}
--> {"jsonrpc":"2.0","id":3,"method":"ordered","params":["late",0],"timeoutMs":10}
--> {"jsonrpc":"2.0","id":4,"method":"ordered","params":["in time",0]}
--> {"jsonrpc":"2.0","id":5,"method":"ask","params":["too much",0]}
<-- {"jsonrpc":"2.0","id":5,"error":{"code":-32009,"message":"busy: not executed, `inflight_requests` is reached","data":{"kind":"busy"}}}
--> {"jsonrpc":"2.0","id":2,"method":"ask","params":["same id",0]}
<-- {"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"`id` is in flight already"}}
--> {"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":2}}
<-- {"jsonrpc":"2.0","id":2,"error":{"code":-32800,"message":"request cancelled","data":{"kind":"cancelled"}}}
<-- {"jsonrpc":"2.0","id":3,"error":{"code":-32012,"message":"the deadline ran out","data":{"kind":"deadline"}}}
"#,
    )
    .await;
    assert_eq!((peer.stats().in_flight, lines(&log).len()), (2, 1), "of the others none started");
    assert_same(&raw.receive().await, r#"{"jsonrpc":"2.0","id":1,"result":"long"}"#);
    assert_same(&raw.receive().await, r#"{"jsonrpc":"2.0","id":4,"result":"in time"}"#);
    assert_eq!(lines(&log), ["long ends", "in time starts", "in time ends"]);
}

#[tokio::test(start_paused = true)]
async fn members_of_a_batch_are_ordered_as_if_they_came_alone() {
    let log = Log::default();
    let (mut raw, _peer) = Raw::connect(logging(&log), Limits::server());
    raw.send(
        r#"[{"jsonrpc":"2.0","id":1,"method":"ask","params":["before",10]},
            {"jsonrpc":"2.0","id":2,"method":"ordered","params":["ordered",0]},
            {"jsonrpc":"2.0","id":3,"method":"ask","params":["after",0]}]"#,
    )
    .await;
    assert_same(
        &raw.receive().await,
        r#"[{"jsonrpc":"2.0","id":1,"result":"before"},{"jsonrpc":"2.0","id":2,"result":"ordered"},
            {"jsonrpc":"2.0","id":3,"result":"after"}]"#,
    );
    let starts = |line: &String| line.ends_with("starts");
    let started: Vec<_> = lines(&log).into_iter().filter(starts).collect();
    assert_eq!(started, ["before starts", "after starts", "ordered starts"]);
}

/// Beyond the limit one batch alone may gather answers. A member of another had returned and waited
/// for that one to be whole; in there an ordered request waited for that member.
#[tokio::test(start_paused = true)]
async fn an_ordered_request_does_not_wait_for_an_answer_that_waits_for_its_batch() {
    let log = Log::default();
    let mut limits = Limits::server();
    limits.queue = 1_000;
    let (mut raw, _peer) = Raw::connect(logging(&log), limits);
    raw.send(
        r#"[{"jsonrpc":"2.0","id":1,"method":"ask","params":["held back",50]},
            {"jsonrpc":"2.0","id":2,"method":"big","params":[1000]}]"#,
    )
    .await;
    raw.send(
        r#"[{"jsonrpc":"2.0","id":3,"method":"ask","params":["privileged",10]},
            {"jsonrpc":"2.0","id":4,"method":"ordered","params":["ordered",0]}]"#,
    )
    .await;
    assert!(raw.receive().await.contains("\"ordered\""));
    assert!(raw.receive().await.contains("\"held back\""));
}

/// Both in one turn: the request must not overtake what could have started just before it.
#[tokio::test(start_paused = true)]
async fn what_comes_behind_an_ordered_request_that_may_start_starts_behind_it() {
    let log = Log::default();
    let (near, far) = memory::transports(64 * 1024);
    let endpoint = Endpoint::new(EndpointConfig::new(logging(&log), Limits::server()));
    let mut raw = Raw::over(far);
    raw.send(r#"{"jsonrpc":"2.0","id":1,"method":"ask","params":["before",10]}"#).await;
    raw.send(r#"{"jsonrpc":"2.0","id":2,"method":"ordered","params":["ordered",0]}"#).await;
    let connection = tokio::spawn(endpoint.connect(near));
    sleep(Duration::from_millis(5)).await;
    raw.send(r#"{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":1}}"#).await;
    raw.send(r#"{"jsonrpc":"2.0","id":3,"method":"ask","params":["after",0]}"#).await;
    for _ in 0..3 {
        raw.receive().await;
    }
    connection.abort();
    let starts = |line: &String| line.ends_with("starts");
    let started: Vec<_> = lines(&log).into_iter().filter(starts).collect();
    assert_eq!(started, ["before starts", "ordered starts", "after starts"]);
}

/// Two ends whose ordered `bounce` calls that of the other, each with one place for a request.
fn bouncing() -> [Peer; 2] {
    let (left, right) = memory::transports(64 * 1024);
    [left, right].map(|transport| {
        let services = Router::new()
            .method("bounce", |cx: Context, (depth,): (u32,)| async move {
                if depth == 0 {
                    return Ok(0);
                }
                Ok(cx.peer().call::<u32>("bounce", (depth - 1,)).await? + 1)
            })
            .ordered("bounce");
        let mut limits = Limits::server();
        limits.inflight_requests = 1;
        limits.calls_on_wire = 1;
        let endpoint = Endpoint::new(EndpointConfig::new(services, limits));
        let peer = endpoint.peer();
        tokio::spawn(endpoint.connect(transport));
        peer
    })
}

#[tokio::test(start_paused = true)]
async fn ordered_calls_nest_to_depth_50_at_limit_1() {
    let [a, b] = bouncing();
    let start = Instant::now();
    assert_eq!(a.call::<u32>("bounce", (50,)).await, Ok(50));
    assert_eq!(b.call::<u32>("bounce", (50,)).await, Ok(50), "and nothing is left behind");
    assert_eq!(start.elapsed(), Duration::ZERO);
}

/// The handler of a notification asks the other end, which asks back in order before it answers;
/// another notification stands behind the first.
#[tokio::test(start_paused = true)]
async fn a_notification_that_waits_for_a_call_does_not_hold_up_what_that_call_needs() {
    let log = Log::default();
    let services = logging(&log).notification("asks", |cx: Context, (): ()| async move {
        cx.peer().call::<()>("question", ()).await.unwrap();
    });
    let (mut raw, _peer) = Raw::connect(services, Limits::server());
    raw.play(
        r#"
--> {"jsonrpc":"2.0","method":"asks"}
--> {"jsonrpc":"2.0","method":"note","params":["behind",0]}
<-- {"jsonrpc":"2.0","id":1,"method":"question","timeoutMs":30000}
--> {"jsonrpc":"2.0","id":7,"method":"ordered","params":["ordered",0]}
<-- {"jsonrpc":"2.0","id":7,"result":"ordered"}
--> {"jsonrpc":"2.0","id":1,"result":null}
"#,
    )
    .await;
    assert_eq!(lines(&log), ["ordered starts", "ordered ends", "behind starts", "behind ends"]);
}

/// With a call on another connection, from another task, nothing comes to this one that would wake
/// it: it slept on while the ordered request could have started.
#[tokio::test(start_paused = true)]
async fn a_call_over_another_connection_lets_an_ordered_request_start_at_once() {
    let far = Router::new().method("far", |_: Context, (): ()| async {
        sleep(Duration::from_secs(1)).await;
        Ok(7)
    });
    let (through, _far) = memory::pair(Router::new(), far);
    let log = Log::default();
    let services = logging(&log).method("relay", move |cx: Context, (): ()| {
        let call = through.call::<u32>("far", ());
        let task = tokio::spawn(cx.scope(async move {
            sleep(Duration::from_millis(10)).await;
            call.await
        }));
        async move { Ok(task.await.map_err(|_| ErrorObject::internal())??) }
    });
    let (mut raw, _peer) = Raw::connect(services, Limits::server());
    let start = Instant::now();
    raw.send(r#"{"jsonrpc":"2.0","id":1,"method":"relay"}"#).await;
    raw.send(r#"{"jsonrpc":"2.0","id":2,"method":"ordered","params":["ordered",0]}"#).await;
    assert_same(&raw.receive().await, r#"{"jsonrpc":"2.0","id":2,"result":"ordered"}"#);
    assert!(start.elapsed() < Duration::from_millis(100), "{:?}", start.elapsed());
    assert_same(&raw.receive().await, r#"{"jsonrpc":"2.0","id":1,"result":7}"#);
}

#[tokio::test(start_paused = true)]
async fn without_room_for_answers_ordered_requests_start_where_they_stand() {
    let log = Log::default();
    let mut limits = Limits::server();
    limits.queue = 1_000;
    let (mut raw, _peer) = Raw::connect_with(logging(&log), limits, 1);
    raw.send(r#"{"jsonrpc":"2.0","id":1,"method":"big","params":[2000]}"#).await;
    raw.send(r#"{"jsonrpc":"2.0","id":2,"method":"big","params":[2000]}"#).await;
    raw.send(r#"{"jsonrpc":"2.0","id":3,"method":"ask","params":["before",10]}"#).await;
    raw.send(r#"{"jsonrpc":"2.0","id":4,"method":"ordered","params":["ordered",0]}"#).await;
    raw.send(r#"{"jsonrpc":"2.0","id":5,"method":"ask","params":["after",0]}"#).await;
    sleep(Duration::from_millis(100)).await;
    assert_eq!(lines(&log), Vec::<String>::new(), "there is no room");
    for _ in 0..5 {
        raw.receive().await;
    }
    assert_eq!(
        lines(&log),
        [
            "before starts",
            "after starts",
            "after ends",
            "before ends",
            "ordered starts",
            "ordered ends"
        ]
    );
}
