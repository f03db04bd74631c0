//! What waits for `calls_on_wire`, and what must not: nothing on the wire may depend on what waits for it.

mod support;

use std::time::Duration;

use futures_util::future::{join, join_all};
use rpc_core::{CallError, Context, ErrorObject, Fate, Limits, Peer, Router};
use support::Raw;
use support::ends::{ends, settle};
use support::rest::at_rest;
use tokio::time::Instant;

/// How a handler asks for what it needs while its own caller holds the wire.
#[derive(Debug, Clone, Copy)]
enum Way {
    Plain,
    Batch,
    TwoAtOnce,
    TwoInTurn,
    BatchOfTwoAndACall,
    TwoBatches,
    Spawned,
}

const MARKED: [Way; 6] = [
    Way::Plain,
    Way::Batch,
    Way::TwoAtOnce,
    Way::TwoInTurn,
    Way::BatchOfTwoAndACall,
    Way::TwoBatches,
];

async fn in_batch(peer: &Peer, method: &str, count: usize) -> Result<(), CallError> {
    let batch = peer.batch();
    let calls: Vec<_> = (0..count).map(|_| batch.call::<()>(method, ())).collect();
    batch.send().await.unwrap();
    join_all(calls).await.into_iter().collect()
}

impl Way {
    async fn ask(self, peer: Peer, method: &'static str) -> Result<(), CallError> {
        let call = || peer.call::<()>(method, ());
        match self {
            Self::Plain => call().await,
            Self::Batch => in_batch(&peer, method, 1).await,
            Self::TwoAtOnce => {
                let (one, other) = join(call(), call()).await;
                one.and(other)
            }
            Self::TwoInTurn => {
                call().await?;
                call().await
            }
            Self::BatchOfTwoAndACall => {
                let (one, other) = join(in_batch(&peer, method, 2), call()).await;
                one.and(other)
            }
            Self::TwoBatches => {
                let (one, other) =
                    join(in_batch(&peer, method, 2), in_batch(&peer, method, 3)).await;
                one.and(other)
            }
            Self::Spawned => {
                let call = call();
                tokio::spawn(call).await.unwrap()
            }
        }
    }
}

/// `ask` at the far end calls `question` at the near one, which calls `help` at the far one, each in this
/// way.
fn asking(way: Way, near: Limits, far: Limits) -> (Peer, Peer) {
    let say = |error: CallError| ErrorObject::new(1, error.to_string());
    let question = Router::new().method("question", move |cx: Context, (): ()| async move {
        way.ask(cx.peer(), "help").await.map_err(say)
    });
    let ask = Router::new()
        .method("ask", move |cx: Context, (): ()| async move {
            way.ask(cx.peer(), "question").await.map_err(say)
        })
        .method("help", |_: Context, (): ()| async { Ok(()) });
    ends((question, near), (ask, far))
}

/// So many calls at once, all of which are to be answered before the clock moves.
async fn all_are_answered_at_once(way: Way, calls: usize, near: Limits, far: Limits) {
    let (peer, other) = asking(way, near, far);
    let start = Instant::now();
    let calls = (0..calls).map(|_| peer.call::<()>("ask", ()).timeout(Duration::from_secs(3)));
    for answer in join_all(calls).await {
        assert_eq!(answer, Ok(()), "{way:?}");
    }
    assert_eq!(start.elapsed(), Duration::ZERO, "{way:?}");
    at_rest(&[&peer, &other]).await;
}

fn one_on_wire(mut limits: Limits) -> Limits {
    limits.calls_on_wire = 1;
    limits
}

/// One outer call has the whole wire of its end. What its callbacks ask for in turn was let on only if it
/// was a handler's first call, and that a lone one.
#[tokio::test(start_paused = true)]
async fn whatever_a_handler_asks_for_never_waits_for_a_wire_of_one() {
    for way in MARKED {
        let (near, far) = (one_on_wire(Limits::client()), one_on_wire(Limits::server()));
        all_are_answered_at_once(way, 1, near, far).await;
    }
}

/// By default 256 outer calls have the wire: none of them was answered if their callbacks made a batch.
#[tokio::test(start_paused = true)]
async fn whatever_handlers_ask_for_never_waits_at_the_defaults() {
    for way in MARKED {
        // Asked for in both directions, so as many handlers as that need room.
        let mut far = Limits::server();
        far.live_handlers = 4096;
        let mut near = Limits::client();
        near.inflight_requests = 4096;
        near.live_handlers = 4096;
        near.pending_calls = 16_384;
        far.inflight_requests = 4096;
        all_are_answered_at_once(way, 256, near, far).await;
    }
}

/// To any depth: each call on the way is a batch, and each end has one place and a wire of one.
#[tokio::test(start_paused = true)]
async fn batches_that_call_back_go_50_deep_at_limit_1() {
    let bounce = || {
        Router::new().method("bounce", |cx: Context, (depth,): (u32,)| async move {
            if depth == 0 {
                return Ok(0);
            }
            let batch = cx.peer().batch();
            let below = batch.call::<u32>("bounce", (depth - 1,));
            batch.send().await.unwrap();
            let below = below.await.map_err(|error| ErrorObject::new(1, error.to_string()))?;
            Ok::<_, ErrorObject>(below + 1)
        })
    };
    let mut limits = one_on_wire(Limits::client());
    limits.inflight_requests = 1;
    let (peer, other) = ends((bounce(), limits.clone()), (bounce(), limits));
    assert_eq!(peer.call::<u32>("bounce", (50,)).await, Ok(50));
    assert_eq!(other.call::<u32>("bounce", (50,)).await, Ok(50), "places were given back");
    at_rest(&[&peer, &other]).await;
}

/// A call from a task that a handler spawned is like any other, and waits for the wire in its order. But
/// the handler that waits for it is what the wire waits for: it was stuck until its deadline.
#[tokio::test(start_paused = true)]
async fn a_call_from_a_task_that_a_handler_spawned_is_let_on_when_nothing_moves() {
    for calls in [1, 256] {
        let mut near = Limits::client();
        near.calls_on_wire = calls;
        let (peer, other) = asking(Way::Spawned, near, Limits::server());
        let start = Instant::now();
        let calls = (0..calls).map(|_| peer.call::<()>("ask", ()).timeout(Duration::from_secs(3)));
        for answer in join_all(calls).await {
            assert_eq!(answer, Ok(()));
        }
        assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
        at_rest(&[&peer, &other]).await;
    }
}

/// More than a second wire takes: whoever cannot be let on is told to be busy, nobody waits for ever.
#[tokio::test(start_paused = true)]
async fn of_what_spawned_tasks_ask_for_beyond_that_all_is_answered_or_busy() {
    let question = Router::new().method("question", |cx: Context, (): ()| async move {
        let peer = cx.peer();
        // These wait for each other's ends: `meet` is answered when three have come.
        let calls = (0..3).map(|_| tokio::spawn(peer.call::<()>("meet", ()).no_timeout()));
        let met = join_all(calls).await.into_iter().map(|call| call.unwrap());
        Ok(met.map(|met| u32::from(met == Err(CallError::Busy))).sum::<u32>())
    });
    let barrier = std::sync::Arc::new(tokio::sync::Barrier::new(3));
    let ask = Router::new()
        .method("ask", |cx: Context, (): ()| async move {
            Ok(cx.peer().call::<u32>("question", ()).no_timeout().await?)
        })
        .method("meet", move |_: Context, (): ()| {
            let barrier = barrier.clone();
            async move {
                drop(tokio::time::timeout(Duration::from_secs(20), barrier.wait()).await);
                Ok(())
            }
        });
    let (peer, other) = ends((question, one_on_wire(Limits::client())), (ask, Limits::server()));
    let start = Instant::now();
    let busy = peer.call::<u32>("ask", ()).no_timeout();
    let busy = tokio::time::timeout(Duration::from_secs(100), busy).await;
    let busy = busy.expect("nobody waits for ever").unwrap();
    assert!(busy >= 1, "one of three was let on, the others were not all");
    assert!(start.elapsed() < Duration::from_secs(60), "{:?}", start.elapsed());
    at_rest(&[&peer, &other]).await;
}

/// Calls from outside wait in their order as ever, while no handler runs here.
#[tokio::test(start_paused = true)]
async fn a_call_from_outside_waits_for_the_wire_as_long_as_it_takes() {
    let (mut raw, peer) = Raw::connect(Router::new(), one_on_wire(Limits::client()));
    let first = peer.call::<u8>("first", ()).no_timeout().start();
    let second = peer.call::<u8>("second", ()).no_timeout().start();
    assert!(raw.receive().await.contains("first"));
    for _ in 0..50 {
        assert!(raw.is_silent().await, "no handler runs here that could be waited for");
    }
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(raw.is_silent().await);
    raw.send(r#"{"jsonrpc":"2.0","id":1,"result":1}"#).await;
    assert!(raw.receive().await.contains("second"));
    raw.send(r#"{"jsonrpc":"2.0","id":2,"result":2}"#).await;
    assert_eq!((first.await, second.await), (Ok(1), Ok(2)));
}

fn adder() -> Router {
    Router::new().method("add", |_: Context, (a, b): (i64, i64)| async move { Ok(a + b) })
}

/// Batches that fill the wire and were given up before they left: their members came off the wire as they
/// were handed out, and nobody looked at what was parked behind them. The connection was idle, and calls
/// timed out.
#[tokio::test(start_paused = true)]
async fn calls_behind_batches_that_were_given_up_are_let_on() {
    for (wire, sizes) in [(256, &[100, 100, 56][..]), (1, &[1][..]), (3, &[2, 1][..])] {
        let mut limits = Limits::client();
        limits.calls_on_wire = wire;
        let (peer, other) = ends((Router::new(), limits), (adder(), Limits::server()));
        assert_eq!(peer.call::<i64>("add", (1, 2)).await, Ok(3));
        for &size in sizes {
            let batch = peer.batch();
            let calls: Vec<_> = (0..size).map(|_| batch.call::<i64>("add", (1, 2))).collect();
            batch.send().await.unwrap();
            drop(calls);
        }
        let start = Instant::now();
        let behind = peer.call::<i64>("add", (1, 2)).timeout(Duration::from_secs(3)).await;
        assert_eq!(behind, Ok(3), "a wire of {wire}");
        assert_eq!(start.elapsed(), Duration::ZERO);
        at_rest(&[&peer, &other]).await;
    }
}

/// The same where their deadlines ended them, and where a whole batch is parked behind them.
#[tokio::test(start_paused = true)]
async fn a_batch_behind_batches_that_timed_out_is_let_on() {
    let mut limits = Limits::client();
    limits.calls_on_wire = 2;
    let (mut raw, peer) = Raw::connect_with(Router::new(), limits, 1);
    // The pipe is full, so that the batch stays behind this.
    peer.notify("fills", ("the pipe",)).await.unwrap();
    settle().await;
    let late = peer.batch();
    let calls = [(); 2].map(|()| late.call::<u8>("late", ()).timeout(Duration::from_millis(5)));
    late.send().await.unwrap();
    let next = peer.batch();
    let kept = [(); 2].map(|()| next.call::<u8>("next", ()).no_timeout());
    next.send().await.unwrap();
    for call in calls {
        assert_eq!(call.await, Err(CallError::Timeout { fate: Fate::MaybeExecuted, heard: None }));
    }
    let mut seen = Vec::new();
    while seen.len() < 5 {
        seen.push(raw.receive().await);
    }
    let position = |what: &str| seen.iter().position(|text| text.contains(what));
    assert!(position("late").is_some() && position("next").is_some(), "{seen:?}");
    raw.send(r#"[{"jsonrpc":"2.0","id":3,"result":3},{"jsonrpc":"2.0","id":4,"result":4}]"#).await;
    let [three, four] = kept;
    assert_eq!((three.await, four.await), (Ok(3), Ok(4)));
}
