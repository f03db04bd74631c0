//! Streams that begin and end beside each other: in one place of the table in turn, and with calls that
//! end before them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::time::Duration;

use futures_util::task::AtomicWaker;
use futures_util::{Stream, StreamExt, stream};
use rpc_core::transport::EndpointConfig;
use rpc_core::{CallError, Context, Limits, Router, Streaming, service};
use serde_json::Value;
use shuttle::future::block_on;
use shuttle::thread;

use crate::pair::{Pair, WIDE, WithRaw, adder, check, pass};
use crate::support::rest::Lives;

#[service]
trait Taker {
    async fn all(&self, items: Streaming<u64>) -> Vec<u64>;
}

struct Takes;

impl Taker for Takes {
    async fn all(&self, items: Streaming<u64>) -> Vec<u64> {
        items.map(|item| item.unwrap_or(u64::MAX)).collect().await
    }
}

/// What takes streams, and what gives some: `ticks`, and `waits`, which does not give anything.
fn services(kept: &OwnedServeRequest) -> Router {
    let [waits, ticks] = [(); 2].map(|()| kept.clone());
    adder()
        .service(TakerServer::new(Takes))
        .method("slow", |_: Context, (): ()| async {
            for _ in 0..3 {
                turn().await;
            }
            Ok(())
        })
        .subscription("ticks", "stop", move |_: Context, (): ()| {
            std::future::ready(Ok(ticks.three()))
        })
        .subscription("waits", "stop", move |_: Context, (): ()| {
            std::future::ready(Ok(waits.stream()))
        })
}

/// Lets the others have a turn.
async fn turn() {
    let mut is_over = false;
    std::future::poll_fn(|cx| {
        cx.waker().wake_by_ref();
        if std::mem::replace(&mut is_over, true) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

/// An end of which each stream has credit for one item only, and which has one call on the wire.
fn tight(kept: &OwnedServeRequest) -> EndpointConfig {
    let mut limits = Limits::client();
    (limits.calls_on_wire, limits.stream_window) = (1, 64);
    EndpointConfig::new(services(kept), limits)
}

/// What a channel's sender, a broadcast or a timer keeps of streams: whom to wake. They are gone when they
/// are dropped.
#[derive(Clone, Default)]
struct OwnedServeRequest(Arc<Inner>);

#[derive(Default)]
struct Inner {
    waker: Mutex<Option<Waker>>,
    streams: Arc<AtomicUsize>,
    changed: AtomicWaker,
}

impl OwnedServeRequest {
    /// A stream that gives nothing, and leaves its waker here.
    fn stream(&self) -> Streaming<u64> {
        let kept = self.clone();
        self.own(stream::poll_fn(move |cx| {
            *kept.0.waker.lock().unwrap() = Some(cx.waker().clone());
            kept.0.changed.wake();
            Poll::Pending
        }))
    }

    /// A stream of three items.
    fn three(&self) -> Streaming<u64> {
        self.own(stream::iter(0..3))
    }

    fn own(&self, items: impl Stream<Item = u64> + Send + 'static) -> Streaming<u64> {
        let lives = Lives::new(&self.0.streams);
        let kept = self.clone();
        let tells = Tells(Some(lives), kept);
        Streaming::new(items.inspect(move |_| _ = &tells))
    }

    /// What a stream has left, when it has.
    fn waker(&self) -> Waker {
        self.wait(|kept| kept.waker.lock().unwrap().clone())
    }

    /// Waits until all are dropped.
    fn are_gone(&self) {
        self.wait(|kept| (kept.streams.load(Ordering::SeqCst) == 0).then_some(()));
    }

    fn wait<T>(&self, look: impl Fn(&Inner) -> Option<T>) -> T {
        block_on(std::future::poll_fn(|cx| {
            self.0.changed.register(cx.waker());
            look(&self.0).map_or(Poll::Pending, Poll::Ready)
        }))
    }
}

/// Tells that a stream is dropped.
struct Tells(Option<Lives>, OwnedServeRequest);

impl Drop for Tells {
    fn drop(&mut self) {
        self.0 = None;
        self.1.0.changed.wake();
    }
}

/// All items of a stream, to its end.
fn taken(items: Streaming<u64>) -> Vec<u64> {
    block_on(items.map(Result::unwrap).collect())
}

/// The call of the second is parked when the place of the first is woken: no item may leave before it.
#[test]
fn a_stream_that_goes_with_a_call_is_whole_whoever_wakes_the_place_that_it_has() {
    check(|| {
        let kept = OwnedServeRequest::default();
        let pair = Pair::connect(tight(&kept), tight(&kept), WIDE);
        let stub = TakerClient::new(pair.near.clone());
        let first = stub.all(kept.stream()).no_timeout().start();
        let waker = kept.waker();
        let wakes = thread::spawn(move || (0..3).for_each(|_| waker.wake_by_ref()));
        drop(first);
        let slow = pair.near.call::<()>("slow", ()).no_timeout().start();
        let second = stub.all(kept.three()).no_timeout().start();
        assert_eq!(block_on(second).unwrap(), [0, 1, 2]);
        block_on(slow).unwrap();
        wakes.join().unwrap();
        pair.comes_to_rest();
        kept.are_gone();
        pair.end();
    });
}

/// The answer that names the second waits for the rest of its batch when the place of the first is woken.
#[test]
fn a_stream_that_a_method_gives_begins_behind_its_answer_whoever_wakes_its_place() {
    check(|| {
        let kept = OwnedServeRequest::default();
        let (far, mut raw) = WithRaw::connect(tight(&kept));
        block_on(raw.send(r#"{"jsonrpc":"2.0","method":"$/hello","params":{"duplex":1}}"#));
        assert!(block_on(raw.receive()).contains("$/hello"));
        block_on(raw.send(r#"{"jsonrpc":"2.0","id":1,"method":"waits"}"#));
        let answer: Value = serde_json::from_str(&block_on(raw.receive())).unwrap();
        let waker = kept.waker();
        let wakes = thread::spawn(move || (0..3).for_each(|_| waker.wake_by_ref()));
        let id = &answer["result"];
        block_on(
            raw.send(&format!(r#"{{"jsonrpc":"2.0","id":2,"method":"stop","params":[{id}]}}"#)),
        );
        block_on(raw.send(
            r#"[{"jsonrpc":"2.0","id":3,"method":"slow"},{"jsonrpc":"2.0","id":4,"method":"ticks"}]"#,
        ));
        assert!(block_on(raw.receive()).contains("true"));
        let first = block_on(raw.receive());
        assert!(first.starts_with('['), "an item before the answer: {first}");
        for what in [r#""result":0"#, r#""result":1"#, r#""result":2"#, r#""done":true"#] {
            let item = block_on(raw.receive());
            assert!(item.contains(what), "{item} is not {what}");
        }
        wakes.join().unwrap();
        kept.are_gone();
        far.end();
    });
}

/// Nothing has left that had to be cancelled, and nothing comes: only whoever drops the call can see to it.
#[test]
fn the_stream_of_a_call_that_is_dropped_while_it_is_parked_is_dropped_at_once() {
    check(|| {
        let (kept, parked) = (OwnedServeRequest::default(), OwnedServeRequest::default());
        let pair = Pair::connect(tight(&kept), tight(&kept), WIDE);
        let stub = TakerClient::new(pair.near.clone());
        let first = stub.all(kept.stream()).no_timeout().start();
        kept.waker(); // so it has the wire
        let dropped = stub.all(parked.stream()).no_timeout().start();
        let drops = thread::spawn(move || drop(dropped));
        parked.are_gone();
        drops.join().unwrap();
        drop(first);
        pair.comes_to_rest();
        kept.are_gone();
        pair.end();
    });
}

/// The far end subscribes while streams of calls are given up, by a deadline and by a drop, before or after
/// they have a place: all three may meet in one turn, and in one place of the table.
#[test]
fn streams_of_calls_that_end_early_leave_those_of_others_alone() {
    const DEADLINE: Duration = Duration::from_secs(1);
    check(|| {
        let kept = OwnedServeRequest::default();
        let pair = Pair::connect(tight(&kept), tight(&kept), WIDE);
        let stub = TakerClient::new(pair.near.clone());
        assert_eq!(block_on(stub.all(kept.three()).no_timeout()).unwrap(), [0, 1, 2]);
        let subscriber = pair.far.clone();
        let subscribes = thread::spawn(move || {
            let ticks = subscriber.subscribe::<u64>("ticks", "stop", ()).no_timeout();
            assert_eq!(taken(block_on(ticks).unwrap()), [0, 1, 2]);
        });
        let late = stub.all(kept.three()).timeout(DEADLINE).start();
        let dropped = stub.all(kept.stream()).no_timeout().start();
        let timer = pair.timer.clone();
        let clock = thread::spawn(move || pass(DEADLINE, &timer));
        let drops = thread::spawn(move || drop(dropped));
        match block_on(late) {
            Ok(items) => assert_eq!(items, [0, 1, 2]),
            Err(CallError::Timeout { .. }) => {}
            Err(error) => panic!("{error}"),
        }
        let next = stub.all(kept.three()).no_timeout();
        assert_eq!(block_on(next).unwrap(), [0, 1, 2]);
        [subscribes, clock, drops].into_iter().for_each(|thread| thread.join().unwrap());
        pair.comes_to_rest();
        kept.are_gone();
        pair.end();
    });
}
