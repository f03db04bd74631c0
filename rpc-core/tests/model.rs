//! What threads share, under a model checker: each test runs thousands of times, each time with its
//! threads in another order, chosen anew at each lock and atomic. A wake that is lost shows itself as
//! a deadlock, a count that is wrong at the end.
//!
//! The clock stands still, unless a test moves it and wakes the connection as its timer would. Wakers in
//! an `AtomicWaker` of futures are the one thing that the checker does not see into.
//!
//! Only with `--cfg model`, which puts the checker's locks into `rpc_core::sync`:
//!
//! ```text
//! RUSTFLAGS="--cfg model" cargo test -p rpc-core --test model --release --target-dir target/model
//! ```
//!
//! shuttle and not loom: loom has no `Weak` and no `Arc<str>`, and must try every order, of which there
//! are too many for a whole connection. `MODEL_RUNS` says how often (2,000 times each).

#![cfg(model)]

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context as Task, Poll, Waker};
use std::time::Duration;

use futures_util::task::AtomicWaker;
use rpc_core::{
    CallError, CloseCode, Connection, Context, Endpoint, Limits, Peer, Router, Setup, memory,
};
use shuttle::future::block_on;
use shuttle::thread::{self, JoinHandle};

/// Two ends, each with a thread for its connection.
struct Pair {
    near: Peer,
    far: Peer,
    threads: [JoinHandle<()>; 2],
    notes: Arc<AtomicUsize>,
    /// Of the connection of `near`.
    timer: Arc<AtomicWaker>,
}

impl Pair {
    /// The pipe between them holds `capacity` bytes each way.
    fn connect(capacity: usize) -> Self {
        let notes = Arc::new(AtomicUsize::new(0));
        let counted = notes.clone();
        let services = Router::new()
            .method("add", |_: Context, (a, b): (u64, u64)| std::future::ready(Ok(a + b)))
            .notification("note", move |_: Context, (): ()| {
                counted.fetch_add(1, Ordering::SeqCst);
                std::future::ready(())
            });
        let (left, right) = memory::transports(capacity);
        let (near, far) = (endpoint(Router::new()), endpoint(services));
        let peers = (near.peer(), far.peer());
        let timer = Arc::new(AtomicWaker::new());
        let near = Timed(near.connect(left), timer.clone());
        let threads = [run(near), run(far.connect(right))];
        Self { near: peers.0, far: peers.1, threads, notes, timer }
    }

    /// Ends it; nothing may be left then, at either end.
    fn end(self) {
        self.near.close(CloseCode::NORMAL, "");
        self.threads.into_iter().for_each(|thread| thread.join().unwrap());
        for peer in [&self.near, &self.far] {
            let stats = peer.stats();
            let left = (stats.pending, stats.in_flight, stats.queue_bytes, stats.counters.stray);
            assert_eq!(left, (0, 0, 0, 0), "{stats:?}");
        }
    }
}

fn endpoint(services: Router) -> Endpoint {
    let mut setup = Setup::new(services, Limits::client());
    setup.keepalive = false;
    Endpoint::new(setup)
}

/// A connection that another thread can wake, as the timer does.
struct Timed(Connection<memory::Pipe>, Arc<AtomicWaker>);

impl Future for Timed {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Task<'_>) -> Poll<()> {
        self.1.register(cx.waker());
        Pin::new(&mut self.0).poll(cx).map(drop)
    }
}

fn run<T>(connection: impl Future<Output = T> + Send + 'static) -> JoinHandle<()> {
    thread::spawn(|| drop(block_on(connection)))
}

fn check(test: fn()) {
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

fn add(peer: &Peer) -> rpc_core::Call<u64> {
    peer.call("add", (1, 2)).no_timeout()
}

#[test]
fn a_call_made_while_the_connection_closes_is_resolved() {
    check(|| {
        let pair = Pair::connect(1 << 16);
        let (caller, closer) = (pair.near.clone(), pair.near.clone());
        let calls = thread::spawn(move || {
            for _ in 0..2 {
                match block_on(add(&caller)) {
                    Ok(sum) => assert_eq!(sum, 3),
                    Err(CallError::Closed { .. }) => {}
                    Err(error) => panic!("{error}"),
                }
            }
        });
        let close = thread::spawn(move || closer.close(CloseCode::NORMAL, "enough"));
        calls.join().unwrap();
        close.join().unwrap();
        pair.end();
    });
}

#[test]
fn an_answer_a_deadline_and_a_drop_that_meet_leave_nothing_behind() {
    check(|| {
        let pair = Pair::connect(1 << 16);
        let callers: Vec<_> = (0..3)
            .map(|number| {
                let peer = pair.near.clone();
                thread::spawn(move || match number {
                    0 => match block_on(peer.call::<u64>("add", (1, 2)).timeout(Duration::ZERO)) {
                        Ok(sum) => assert_eq!(sum, 3),
                        Err(CallError::Timeout { .. }) => {}
                        Err(error) => panic!("{error}"),
                    },
                    1 => {
                        let mut call = pin!(add(&peer));
                        let once = std::future::poll_fn(|cx| Poll::Ready(call.as_mut().poll(cx)));
                        drop(block_on(once));
                    }
                    _ => assert_eq!(block_on(add(&peer)).unwrap(), 3),
                })
            })
            .collect();
        callers.into_iter().for_each(|caller| caller.join().unwrap());
        pair.end();
    });
}

/// The answer, the deadline and whoever has enough, all at the same time. Nothing of that disturbs the
/// call behind them, and a late answer is no stray.
#[test]
fn a_deadline_that_comes_with_the_answer_resolves_a_call_once() {
    const DEADLINE: Duration = Duration::from_secs(1);
    check(|| {
        let pair = Pair::connect(1 << 16);
        let (waits, drops) = (pair.near.clone(), pair.near.clone());
        let waits = thread::spawn(move || match block_on(add(&waits).timeout(DEADLINE)) {
            Ok(sum) => assert_eq!(sum, 3),
            Err(CallError::Timeout { .. }) => {}
            Err(error) => panic!("{error}"),
        });
        let dropped = add(&drops).timeout(DEADLINE).start();
        let drops = thread::spawn(move || drop(dropped));
        let timer = pair.timer.clone();
        let clock = thread::spawn(move || {
            // Polled once it has moved the clock; the rest of it would wait for a runtime.
            let advance = pin!(tokio::time::advance(DEADLINE));
            let _ = advance.poll(&mut Task::from_waker(Waker::noop()));
            timer.wake();
        });
        clock.join().unwrap();
        // It may have begun when the clock had moved: then only the answer can end it.
        waits.join().unwrap();
        drops.join().unwrap();
        assert_eq!(block_on(add(&pair.near)).unwrap(), 3);
        pair.end();
    });
}

/// The pipe takes one message at a time, so that each waits for room.
#[test]
fn bytes_of_the_queue_are_counted_right_and_nobody_is_forgotten() {
    check(|| {
        let pair = Pair::connect(1);
        let senders: Vec<_> = (0..3)
            .map(|_| {
                let peer = pair.near.clone();
                thread::spawn(move || {
                    block_on(peer.notify("note", ())).unwrap();
                    assert_eq!(block_on(add(&peer)).unwrap(), 3);
                })
            })
            .collect();
        senders.into_iter().for_each(|sender| sender.join().unwrap());
        assert_eq!(pair.notes.load(Ordering::SeqCst), 3);
        pair.end();
    });
}

#[test]
fn both_ends_may_close_at_once() {
    check(|| {
        let pair = Pair::connect(1 << 16);
        let far = pair.far.clone();
        let close = thread::spawn(move || far.close(CloseCode::GOING_AWAY, "me, too"));
        let waiting = {
            let peer = pair.near.clone();
            thread::spawn(move || block_on(peer.closed()))
        };
        pair.near.close(CloseCode::NORMAL, "enough");
        close.join().unwrap();
        waiting.join().unwrap();
        pair.end();
    });
}
