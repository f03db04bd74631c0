//! Executors whose wakers own their task, as the one of the Async Book does: whoever drops the last waker of
//! a task drops what the task holds, calls and streams among it, which come back to the connection. So no
//! waker is dropped or cloned under the connection's lock.
//!
//! What is wrong locks a thread up, and then the connection. So each test runs in a thread of its own, and
//! one that does not come back fails.

use std::future::pending;
use std::pin::Pin;
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::task::{Context as Task, Poll, Wake, Waker};
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::{FutureExt, Stream, StreamExt};
use rpc_core::{Call, CloseCode, Context, Limits, Peer, Router, Streaming, memory};

/// A task that lives as long as a waker of it does.
struct Owned(#[expect(dead_code, reason = "it is kept")] Mutex<BoxFuture<'static, ()>>);

impl Wake for Owned {
    fn wake(self: Arc<Self>) {}
}

/// The last waker of a task that holds `kept`.
fn waker_that_owns<T: Send + 'static>(kept: T) -> Waker {
    let task = async move {
        pending::<()>().await;
        drop(kept);
    };
    Waker::from(Arc::new(Owned(Mutex::new(task.boxed()))))
}

fn services() -> Router {
    Router::new()
        .method("never", |_: Context, (): ()| pending::<rpc_core::Result<()>>())
        .method("soon", |_: Context, (): ()| async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            Ok(())
        })
        .subscription("silence", "stop", |_: Context, (): ()| async {
            Ok(Streaming::<u8>::new(futures_util::stream::pending()))
        })
}

/// Runs `test` in a thread of its own; panics if it does not come back.
fn comes_back<F: Future<Output = ()>>(test: impl FnOnce() -> F + Send + 'static) {
    let (done, ended) = mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async { test().await });
        done.send(()).unwrap();
    });
    match ended.recv_timeout(Duration::from_secs(10)) {
        Ok(()) => {}
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("it locked itself up"),
        Err(mpsc::RecvTimeoutError::Disconnected) => panic!("it failed, see above"),
    }
}

/// The same over a connection, which goes on afterwards.
fn goes_on<F: Future<Output = ()>>(test: impl FnOnce(Peer) -> F + Send + 'static) {
    comes_back(|| async {
        let (peer, _far) = memory::pair(Router::new(), services());
        test(peer.clone()).await;
        peer.call::<()>("soon", ()).await.unwrap();
        assert_eq!(peer.stats().pending, 0, "what the wakers held is gone");
    });
}

fn never(peer: &Peer) -> Call<()> {
    peer.call::<()>("never", ()).no_timeout()
}

fn poll<F: Future + Unpin>(future: &mut F, waker: &Waker) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Task::from_waker(waker))
}

#[test]
fn a_call_that_is_dropped_may_drop_another_call_with_its_waker() {
    goes_on(|peer| async move {
        let mut call = never(&peer);
        // The first poll starts it, the second leaves a waker there.
        for _ in 0..2 {
            let waker = waker_that_owns(never(&peer).start());
            assert!(poll(&mut call, &waker).is_pending());
        }
        drop(call);
    });
}

#[test]
fn a_call_polled_by_another_task_may_drop_a_call_with_the_waker_it_had() {
    goes_on(|peer| async move {
        let mut call = never(&peer);
        for _ in 0..4 {
            let waker = waker_that_owns(never(&peer).start());
            assert!(poll(&mut call, &waker).is_pending());
        }
        // The task that it moves to at last owns nothing.
        assert!(poll(&mut call, Waker::noop()).is_pending());
        drop(call);
    });
}

#[test]
fn an_answer_and_a_deadline_may_drop_a_call_with_the_waker_they_wake() {
    goes_on(|peer| async move {
        let calls = [
            peer.call::<()>("soon", ()),
            peer.call::<()>("never", ()).timeout(Duration::from_millis(10)),
        ];
        for mut call in calls {
            for _ in 0..2 {
                let waker = waker_that_owns(never(&peer).start());
                assert!(poll(&mut call, &waker).is_pending());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
            assert!(poll(&mut call, Waker::noop()).is_ready());
        }
    });
}

#[test]
fn a_stream_polled_by_another_task_or_dropped_may_drop_a_call_with_the_waker_it_had() {
    goes_on(|peer| async move {
        let mut stream = peer.subscribe::<u8>("silence", "stop", ()).await.unwrap();
        for _ in 0..3 {
            let waker = waker_that_owns(never(&peer).start());
            let next = stream.poll_next_unpin(&mut Task::from_waker(&waker));
            assert!(next.is_pending());
        }
        drop(stream);
    });
}

/// A stream whose taker is a task that only the stream's waker keeps.
#[test]
fn a_stream_may_drop_another_stream_with_its_waker() {
    goes_on(|peer| async move {
        let mut stream = peer.subscribe::<u8>("silence", "stop", ()).await.unwrap();
        let other = peer.subscribe::<u8>("silence", "stop", ()).await.unwrap();
        let waker = waker_that_owns(other);
        assert!(Pin::new(&mut stream).poll_next(&mut Task::from_waker(&waker)).is_pending());
        drop(waker);
        drop(stream);
    });
}

#[test]
fn a_notification_that_waits_for_room_may_drop_a_call_with_its_waker() {
    comes_back(|| async {
        let mut limits = Limits::client();
        limits.queue = 1;
        let config = rpc_core::transport::EndpointConfig::new(Router::new(), limits);
        let endpoint = rpc_core::transport::Endpoint::new(config);
        let peer = endpoint.peer();
        peer.notify("fills", ()).await.unwrap();
        for ends_by_drop in [true, false] {
            let mut notify = peer.notify("waits", ());
            for _ in 0..3 {
                let waker = waker_that_owns(never(&peer).start());
                assert!(poll(&mut notify, &waker).is_pending());
            }
            if !ends_by_drop {
                assert!(poll(&mut notify, Waker::noop()).is_pending());
            }
            drop(notify);
        }
        assert_eq!(peer.stats().pending, 0);
    });
}

/// The end of a connection tells everyone, and with it goes what only they held.
#[test]
fn the_end_of_a_connection_may_drop_calls_with_the_wakers_it_wakes() {
    comes_back(|| async {
        let (peer, _far) = memory::pair(Router::new(), services());
        let mut call = never(&peer);
        let mut stream = peer.subscribe::<u8>("silence", "stop", ()).await.unwrap();
        for _ in 0..2 {
            let waker = waker_that_owns((never(&peer).start(), never(&peer).start()));
            assert!(poll(&mut call, &waker).is_pending());
            let waker = waker_that_owns(never(&peer).start());
            let next = stream.poll_next_unpin(&mut Task::from_waker(&waker));
            assert!(next.is_pending());
        }
        peer.close(CloseCode::NORMAL, "enough");
        peer.closed().await;
        drop(peer);
        assert!(poll(&mut call, Waker::noop()).is_ready());
    });
}
