//! Two ends, each with a thread for its connection, and what is done with them.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context as Task, Poll, Waker};
use std::time::Duration;

use futures_util::task::AtomicWaker;
use rpc_core::memory::Pipe;
use rpc_core::transport::{Connection, Endpoint, EndpointConfig};
use rpc_core::{Call, CloseCode, Context, Limits, Peer, Router, memory};
use shuttle::future::block_on;
use shuttle::thread::{self, JoinHandle};

use crate::support::Raw;

/// What the pipe between two ends holds each way, if it does not matter.
pub(crate) const WIDE: usize = 1 << 16;

pub(crate) struct Pair {
    pub(crate) near: Peer,
    pub(crate) far: Peer,
    /// Of the connection of `near`.
    pub(crate) timer: Arc<AtomicWaker>,
    threads: [JoinHandle<()>; 2],
}

impl Pair {
    /// The pipe between them holds `capacity` bytes each way. The near end greets, and each knows the
    /// other, as after a handshake.
    pub(crate) fn connect(near: EndpointConfig, far: EndpointConfig, capacity: usize) -> Self {
        let (left, right) = memory::transports(capacity);
        let timer = Arc::new(AtomicWaker::new());
        let (near, near_thread) = open(near, left, &timer, true);
        let (far, far_thread) = open(far, right, &Arc::default(), false);
        Self { near, far, timer, threads: [near_thread, far_thread] }
    }

    /// What was given up has reached the far end, and what that came to has come back: then neither end
    /// holds anything.
    pub(crate) fn comes_to_rest(&self) {
        // A batch is sent whole, and those of its calls that were given up are cancelled behind it: the first
        // of these calls may be among what is sent before that.
        for _ in 0..2 {
            assert_eq!(block_on(add(&self.near)).unwrap(), 3);
        }
        for peer in [&self.near, &self.far] {
            let stats = peer.stats();
            let held = (stats.pending, stats.in_flight, stats.subscriptions);
            assert_eq!(held, (0, 0, 0), "{stats:?}");
        }
    }

    /// Ends it; nothing may be left then, at either end.
    pub(crate) fn end(self) {
        self.near.close(CloseCode::NORMAL, "");
        self.threads.into_iter().for_each(|thread| thread.join().unwrap());
        [&self.near, &self.far].into_iter().for_each(has_nothing);
    }
}

/// A connection that another thread can wake, as the timer does.
struct Timed(Connection, Arc<AtomicWaker>);

impl Future for Timed {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Task<'_>) -> Poll<()> {
        self.1.register(cx.waker());
        Pin::new(&mut self.0).poll(cx).map(drop)
    }
}

/// An end at this side of a pipe, and the thread of its connection.
fn open(
    mut config: EndpointConfig,
    pipe: Pipe,
    timer: &Arc<AtomicWaker>,
    opens: bool,
) -> (Peer, JoinHandle<()>) {
    config.keepalive = false;
    let endpoint = Endpoint::new(config);
    endpoint.set_extended(opens);
    let peer = endpoint.peer();
    let connection = Timed(endpoint.connect(pipe), timer.clone());
    (peer, thread::spawn(|| block_on(connection)))
}

/// An end that speaks to a raw one.
pub(crate) struct WithRaw {
    pub(crate) peer: Peer,
    thread: JoinHandle<()>,
}

impl WithRaw {
    pub(crate) fn connect(config: EndpointConfig) -> (Self, Raw) {
        let (left, right) = memory::transports(WIDE);
        let (peer, thread) = open(config, left, &Arc::default(), false);
        (Self { peer, thread }, Raw::over(right))
    }

    /// Ends it; nothing may be left then.
    pub(crate) fn end(self) {
        self.peer.close(CloseCode::NORMAL, "");
        self.thread.join().unwrap();
        has_nothing(&self.peer);
    }
}

fn has_nothing(peer: &Peer) {
    let stats = peer.stats();
    let left = (stats.pending, stats.in_flight, stats.queue_bytes, stats.counters.stray);
    assert_eq!(left, (0, 0, 0, 0), "{stats:?}");
}

/// Runs a test often, each time with its threads in another order.
pub(crate) fn check(test: fn()) {
    // The timers of a connection want to know of a runtime, which drives none of them here.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let _entered = runtime.enter();
    let runs = std::env::var("MODEL_RUNS").map_or(2000, |runs| runs.parse().unwrap());
    shuttle::check_random(test, runs);
    // Few switches, each where it hurts most: some mistakes need a thread that sleeps for long.
    shuttle::check_pct(test, runs, 3);
}

/// An end that offers `services`.
pub(crate) fn offering(services: Router) -> EndpointConfig {
    EndpointConfig::new(services, Limits::client())
}

/// `add`, which [`add`] calls.
pub(crate) fn adder() -> Router {
    Router::new().method("add", |_: Context, (a, b): (u64, u64)| std::future::ready(Ok(a + b)))
}

pub(crate) fn add(peer: &Peer) -> Call<u64> {
    peer.call("add", (1, 2)).no_timeout()
}

/// Polls it once, by a waker that wakes nobody.
pub(crate) fn poll_once<F: Future>(future: F) -> Poll<F::Output> {
    pin!(future).poll(&mut Task::from_waker(Waker::noop()))
}

/// Moves the clock, and wakes the connection of `timer` as its timer would.
pub(crate) fn pass(time: Duration, timer: &AtomicWaker) {
    // Polled once it has moved the clock; the rest of it would wait for a runtime.
    let _ = poll_once(tokio::time::advance(time));
    timer.wake();
}
