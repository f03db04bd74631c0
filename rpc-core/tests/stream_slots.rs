//! Places of streams that are used again, while something still points to the stream that had one before.

mod support;

use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::time::Duration;

use futures_util::{Stream, StreamExt, stream};
use rpc_core::{CallError, Context, Fate, Limits, Peer, Router, Streaming, service};
use serde_json::Value;
use support::Raw;
use support::ends::{ends, settle};
use support::rest::at_rest;

#[service]
trait Taker {
    /// All items, and after them what went wrong, if something did.
    async fn all(&self, items: Streaming<u64>) -> Vec<u64>;
    /// Answers without a look at them.
    async fn refuse(&self, items: Streaming<u64>) -> Result<(), rpc_core::ErrorObject>;
}

struct Takes;

impl Taker for Takes {
    async fn all(&self, items: Streaming<u64>) -> Vec<u64> {
        items.map(|item| item.unwrap_or(u64::MAX)).collect().await
    }
    async fn refuse(&self, _: Streaming<u64>) -> Result<(), rpc_core::ErrorObject> {
        Err(rpc_core::ErrorObject::new(1, "no"))
    }
}

fn services() -> Router {
    Router::new()
        .service(TakerServer::new(Takes))
        .method("slow", |_: Context, (ms,): (u64,)| async move {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            Ok(ms)
        })
        .subscription("ticks", "stop", |_: Context, (count,): (u64,)| async move {
            Ok(Streaming::new(stream::iter(0..count)))
        })
}

/// Two ends that offer the same, within these limits and those of a server, and have said hello.
async fn greeted(near: Limits) -> (Peer, Peer) {
    let (near, far) = ends((services(), near), (services(), Limits::server()));
    let said = TakerClient::new(near.clone()).all(Streaming::new(stream::iter(0..3))).await;
    assert_eq!(said.unwrap(), [0, 1, 2]);
    let said = TakerClient::new(far.clone()).all(Streaming::new(stream::iter(0..3))).await;
    assert_eq!(said.unwrap(), [0, 1, 2]);
    (near, far)
}

/// All items of a stream to its end, which must come.
async fn taken(items: Streaming<u64>) -> Vec<u64> {
    let items = items.map(Result::unwrap).collect();
    tokio::time::timeout(Duration::from_secs(5), items).await.expect("it comes to its end")
}

/// What a channel's sender, a broadcast or a timer keeps of a stream: whom to wake.
#[derive(Clone, Default)]
struct OwnedServeRequest(Arc<Mutex<Option<Waker>>>);

impl OwnedServeRequest {
    /// A stream that gives nothing, and leaves its waker here.
    fn stream(&self) -> impl Stream<Item = u64> + Send + use<> {
        let kept = self.0.clone();
        stream::poll_fn(move |cx| {
            *kept.lock().unwrap() = Some(cx.waker().clone());
            Poll::Pending
        })
    }

    fn wake(&self) {
        self.0.lock().unwrap().take().expect("the stream was polled").wake();
    }
}

/// The stream of a call that is parked has the place of one that is gone. Woken for that one it began, and
/// its items and its end went to nobody: the method waited for ever.
#[tokio::test(start_paused = true)]
async fn a_wake_of_a_stream_that_is_gone_does_not_begin_one_whose_call_has_not_left() {
    for window in [64, 65_536] {
        let mut limits = Limits::client();
        (limits.calls_on_wire, limits.stream_window) = (1, window);
        let (near, far) = greeted(limits).await;
        let stub = TakerClient::new(near.clone());
        let kept = OwnedServeRequest::default();
        let first = stub.all(Streaming::new(kept.stream())).start();
        settle().await;
        drop(first);
        settle().await;
        let holds_the_wire = near.call::<u64>("slow", (50,)).start();
        let second = stub.all(Streaming::new(stream::iter(0..10)));
        let second = second.timeout(Duration::from_secs(2)).start();
        kept.wake();
        let second = second.await.unwrap();
        assert_eq!(second, (0..10).collect::<Vec<_>>(), "a window of {window}");
        assert_eq!(holds_the_wire.await, Ok(50));
        at_rest(&[&near, &far]).await;
    }
}

/// The same of what a method offers: the answer of a batch leaves when its last member has one, and names
/// the stream; until then no item may.
#[tokio::test(start_paused = true)]
async fn a_wake_of_a_stream_that_is_gone_does_not_begin_one_whose_answer_has_not_left() {
    for greets in [false, true] {
        let kept = OwnedServeRequest::default();
        let waits = kept.clone();
        let services = services().subscription("waits", "stop", move |_: Context, (): ()| {
            let stream = Streaming::new(waits.stream());
            async move { Ok(stream) }
        });
        let (mut raw, peer) = Raw::connect(services, Limits::server());
        if greets {
            raw.send(r#"{"jsonrpc":"2.0","method":"$/hello","params":{"duplex":1}}"#).await;
            assert!(raw.receive().await.contains("$/hello"));
        }
        raw.send(r#"{"jsonrpc":"2.0","id":1,"method":"waits"}"#).await;
        let answer: Value = serde_json::from_str(&raw.receive().await).unwrap();
        settle().await;
        raw.send(&format!(
            r#"{{"jsonrpc":"2.0","id":2,"method":"stop","params":[{}]}}"#,
            answer["result"]
        ))
        .await;
        assert!(raw.receive().await.contains("true"));
        raw.send(
            r#"[{"jsonrpc":"2.0","id":3,"method":"slow","params":[50]},
                {"jsonrpc":"2.0","id":4,"method":"ticks","params":[3]}]"#,
        )
        .await;
        settle().await;
        kept.wake();
        let first = raw.receive().await;
        assert!(first.starts_with('['), "an item before the answer: {first}");
        for item in 0..3 {
            assert!(raw.receive().await.contains(&format!(r#""result":{item}"#)));
        }
        drop(peer);
    }
}

/// Woken again and again, whoever it is that is woken: a stream that may begin does so once, whole.
#[tokio::test(start_paused = true)]
async fn however_often_an_old_place_is_woken_each_new_stream_in_it_arrives_whole() {
    let mut limits = Limits::client();
    limits.calls_on_wire = 1;
    let (near, far) = greeted(limits).await;
    let stub = TakerClient::new(near.clone());
    for _ in 0..5 {
        let wakers: [OwnedServeRequest; 3] = Default::default();
        for kept in &wakers {
            let gone = stub.all(Streaming::new(kept.stream())).start();
            settle().await;
            drop(gone);
            settle().await;
        }
        let slow = near.call::<u64>("slow", (50,)).start();
        let streams: Vec<_> =
            (1..4).map(|count| stub.all(Streaming::new(stream::iter(0..count))).start()).collect();
        for kept in &wakers {
            kept.wake();
            settle().await;
        }
        slow.await.unwrap();
        for (count, call) in (1..4).zip(streams) {
            assert_eq!(call.await.unwrap(), (0..count).collect::<Vec<u64>>());
        }
    }
    at_rest(&[&near, &far]).await;
}

/// Whose call ended before the connection looked at its stream, in the very turn in which another stream
/// got that place. The one that was over was put there, and displaced the new one without a word.
#[tokio::test(start_paused = true)]
async fn the_stream_of_a_call_that_timed_out_leaves_its_place_to_the_next() {
    let (near, far) = greeted(Limits::client()).await;
    let asked = far.subscribe::<u64>("ticks", "stop", (3,)).start();
    let late = TakerClient::new(near.clone()).all(Streaming::new(stream::iter(0..3)));
    let late = late.timeout(Duration::from_millis(1)).start();
    // Whatever delays the connection: it finds the deadline over and the other end's message there.
    tokio::time::advance(Duration::from_millis(20)).await;
    let late = late.await;
    let fate = Fate::NotSent;
    assert!(matches!(&late, Ok(_) | Err(CallError::Timeout { .. })), "{late:?}");
    if let Err(CallError::Timeout { fate: told, heard: None }) = &late {
        assert_eq!(*told, fate);
    }
    assert_eq!(taken(asked.await.unwrap()).await, [0, 1, 2]);
    at_rest(&[&near, &far]).await;
}

/// The same where the call was dropped or answered instead, and where several meet.
#[tokio::test(start_paused = true)]
async fn streams_of_calls_that_ended_in_any_way_leave_their_places_to_the_next() {
    let (near, far) = greeted(Limits::client()).await;
    let stub = TakerClient::new(near.clone());
    for round in 0..30_u64 {
        let asked: Vec<_> =
            (0..3).map(|_| far.subscribe::<u64>("ticks", "stop", (3,)).start()).collect();
        let items = || Streaming::new(stream::iter(0..3));
        let ended = [
            stub.all(items()).timeout(Duration::from_millis(round % 3)).start(),
            stub.all(items()).timeout(Duration::from_millis(1)).start(),
        ];
        let refused = stub.refuse(items()).start();
        let dropped = stub.all(items()).start();
        if round % 2 == 0 {
            drop(dropped);
        } else {
            tokio::spawn(async move { drop(dropped) });
        }
        if round % 5 == 0 {
            drop(refused);
        } else {
            tokio::spawn(refused);
        }
        tokio::time::advance(Duration::from_millis(round % 4)).await;
        for asked in asked {
            assert_eq!(taken(asked.await.unwrap()).await, [0, 1, 2], "round {round}");
        }
        drop(ended);
        at_rest(&[&near, &far]).await;
    }
}
