//! Wakes: none is lost, and none is for nothing.

mod support;

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context as Task, Poll};
use std::time::Duration;

use bytes::Bytes;
use rpc_core::transport::{
    Connection, Endpoint, EndpointConfig, Received, Role, Transport, WebSocket,
};
use rpc_core::{CallError, CloseCode, Context, Fate, Limits, Peer, Router, memory};
use support::Raw;
use tokio::time::Instant;

/// A connection whose polls are counted.
struct Counted(Connection, Arc<AtomicUsize>);

impl Future for Counted {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Task<'_>) -> Poll<()> {
        self.1.fetch_add(1, Ordering::Relaxed);
        Pin::new(&mut self.0).poll(cx).map(drop)
    }
}

fn connect(services: Router, capacity: usize) -> (Raw, Peer, Arc<AtomicUsize>) {
    let (near, far) = memory::transports(capacity);
    let mut config = EndpointConfig::new(services, Limits::server());
    config.keepalive = false;
    let endpoint = Endpoint::new(config);
    let peer = endpoint.peer();
    let polls = Arc::new(AtomicUsize::new(0));
    tokio::spawn(Counted(endpoint.connect(near), polls.clone()));
    (Raw::over(far), peer, polls)
}

/// What was due before a close is not looked after any more; it woke the task for ever.
#[tokio::test(start_paused = true)]
async fn a_close_that_is_not_read_does_not_spin() {
    let (_raw, peer, polls) = connect(Router::new(), 1);
    for _ in 0..3 {
        peer.notify("n", ("x".repeat(100),)).await.unwrap();
    }
    let call = peer.call::<u8>("m", ()).timeout(Duration::from_millis(200)).start();
    tokio::time::sleep(Duration::from_millis(50)).await;
    peer.close(CloseCode::NORMAL, "bye");
    peer.closed().await;
    let polls = polls.load(Ordering::Relaxed);
    assert!(polls < 30, "{polls} polls");
    assert!(matches!(call.await, Err(CallError::Closed { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_sends_does_not_wake_the_task_it_runs_in() {
    let services = Router::new().method("push", |cx: Context, (): ()| async move {
        cx.peer().notify("tick", ()).await.unwrap();
        Ok(())
    });
    let (mut raw, _peer, polls) = connect(services, 64 * 1024);
    assert!(raw.is_silent().await);
    let before = polls.load(Ordering::Relaxed);
    for id in 0..100 {
        raw.send(&format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"push"}}"#)).await;
        raw.receive().await;
        raw.receive().await;
    }
    let polls = polls.load(Ordering::Relaxed) - before;
    assert!(polls <= 110, "{polls} polls for 100 requests");
}

/// The timer rang for something else in between, and nobody set it again for the parked call.
#[tokio::test(start_paused = true)]
async fn a_deadline_is_kept_after_a_long_silence() {
    let mut limits = Limits::client();
    limits.calls_on_wire = 1;
    let (_raw, peer) = Raw::connect(Router::new(), limits);
    let _long = peer.call::<u8>("m", ()).no_timeout().start();
    tokio::time::sleep(Duration::from_secs(5)).await;
    let start = Instant::now();
    let short = peer.call::<u8>("m", ()).timeout(Duration::from_secs(1)).await;
    assert_eq!(short, Err(CallError::Timeout { fate: Fate::NotSent, heard: None }));
    assert_eq!(start.elapsed().as_secs(), 1);
}

/// A WebSocket's backlog shrinks by flushing, without another message having been sent.
#[tokio::test(start_paused = true)]
async fn what_a_flush_makes_room_for_goes_on_at_once() {
    let services =
        Router::new().method("big", |_: Context, (bytes, ms): (usize, u64)| async move {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            Ok("x".repeat(bytes))
        });
    let limits = Limits::server();
    let mut config = EndpointConfig::new(services, limits.clone());
    config.keepalive = false;
    let (near, far) = tokio::io::duplex(5 << 19);
    let near = WebSocket::new(near, Role::Server, Bytes::new(), &limits);
    tokio::spawn(Endpoint::new(config).connect(near));
    let mut far = WebSocket::new(far, Role::Client, Bytes::new(), &Limits::client());
    for (id, bytes, ms) in [(2, 1, 5), (1, 4_190_000, 0), (3, 1, 0)] {
        poll_fn(|cx| far.poll_ready(cx)).await.unwrap();
        let text =
            format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"big","params":[{bytes},{ms}]}}"#);
        far.send(text.into()).unwrap();
    }
    poll_fn(|cx| far.poll_flush(cx)).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let start = Instant::now();
    for _ in 0..3 {
        let next = poll_fn(|cx| far.poll_receive(cx, usize::MAX));
        assert!(matches!(tokio::task::unconstrained(next).await, Received::Text));
    }
    assert!(start.elapsed() < Duration::from_millis(100), "{:?}", start.elapsed());
}

/// What is in hand can be looked at from any thread while it changes.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn stats_can_be_read_while_requests_come_and_go() {
    let services = Router::new().method("nap", |_: Context, (): ()| async {
        tokio::task::yield_now().await;
        Ok(())
    });
    let (peer, other) = memory::pair(Router::new(), services);
    let done = Arc::new(AtomicUsize::new(0));
    let watchers = [(); 2].map(|()| {
        let (other, done) = (other.clone(), done.clone());
        std::thread::spawn(move || {
            while done.load(Ordering::Relaxed) == 0 {
                assert!(other.stats().serving.len() <= 512);
            }
        })
    });
    for _ in 0..3_000 {
        let calls = [(); 8].map(|()| peer.call::<()>("nap", ()).start());
        for call in calls {
            call.await.unwrap();
        }
    }
    done.store(1, Ordering::Relaxed);
    for watcher in watchers {
        watcher.join().unwrap();
    }
}
