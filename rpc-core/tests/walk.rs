//! G6 and G23: after any mixture of calls, drops, timeouts and closes nothing is left.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use rpc_core::transport::{Endpoint, EndpointConfig};
use rpc_core::{CallError, CloseCode, Context, ErrorObject, Limits, Peer, Router, memory};

/// The same numbers in every run of a seed.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

/// How many handlers are alive, and how many calls were made and resolved or dropped.
#[derive(Default)]
struct Count {
    handlers: AtomicI64,
    calls: AtomicU64,
}

struct Alive(Arc<Count>);

impl Alive {
    fn new(count: &Arc<Count>) -> Self {
        count.handlers.fetch_add(1, Ordering::SeqCst);
        Self(count.clone())
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.handlers.fetch_sub(1, Ordering::SeqCst);
    }
}

fn services(count: &Arc<Count>) -> Router {
    let [a, b, c, d] = [(); 4].map(|()| count.clone());
    Router::new()
        .method("sleep", move |_: Context, (ms,): (u64,)| {
            let alive = Alive::new(&a);
            async move {
                tokio::time::sleep(Duration::from_millis(ms)).await;
                drop(alive);
                Ok(ms)
            }
        })
        .method("bounce", move |cx: Context, (depth,): (u64,)| {
            let alive = Alive::new(&b);
            async move {
                let _alive = alive;
                if depth == 0 {
                    return Ok(0);
                }
                let below = cx.peer().call::<u64>("bounce", (depth - 1,)).await;
                below.map_err(|error| ErrorObject::new(1, error.to_string()))
            }
        })
        .method("big", move |_: Context, (bytes,): (usize,)| {
            let alive = Alive::new(&c);
            async move {
                drop(alive);
                Ok("x".repeat(bytes))
            }
        })
        .notification("note", move |_: Context, (ms,): (u64,)| {
            let alive = Alive::new(&d);
            async move {
                tokio::time::sleep(Duration::from_millis(ms)).await;
                drop(alive);
            }
        })
}

fn tight() -> Limits {
    let mut limits = Limits::server();
    limits.inflight_requests = 4;
    limits.live_handlers = 20;
    limits.calls_on_wire = 5;
    limits.pending_calls = 30;
    limits.queue = 5_000;
    limits.message_out = 20_000;
    limits.waiting_notifications = 40;
    limits
}

fn connect(count: &Arc<Count>, capacity: usize) -> [Peer; 2] {
    let (left, right) = memory::transports(capacity);
    [left, right].map(|transport| {
        let mut config = EndpointConfig::new(services(count), tight());
        config.keepalive = false;
        let endpoint = Endpoint::new(config);
        let peer = endpoint.peer();
        tokio::spawn(endpoint.connect(transport));
        peer
    })
}

/// One task's way: calls of all kinds, dropped at random times.
async fn wander(peer: Peer, count: Arc<Count>, seed: u64, steps: u32) {
    let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    for _ in 0..steps {
        count.calls.fetch_add(1, Ordering::Relaxed);
        let patience = Duration::from_micros(random.below(4_000));
        let deadline = Duration::from_millis(1 + random.below(6));
        let ms = random.below(8);
        let outcome: Result<(), CallError> = match random.below(5) {
            0 => {
                let call = peer.call::<u64>("sleep", (ms,)).timeout(deadline);
                tokio::time::timeout(patience, call).await.map_or(Ok(()), |got| got.map(drop))
            }
            1 => {
                let call = peer.call::<u64>("bounce", (random.below(12),)).start();
                tokio::time::timeout(patience, call).await.map_or(Ok(()), |got| got.map(drop))
            }
            2 => peer.call::<String>("big", (random.below(3_000),)).await.map(drop),
            3 => {
                let note = tokio::time::timeout(patience, peer.notify("note", (ms % 2,)));
                drop(note.await);
                Ok(())
            }
            _ => {
                drop(peer.call::<u64>("sleep", (ms,)).start());
                tokio::task::yield_now().await;
                Ok(())
            }
        };
        match outcome {
            Ok(()) | Err(CallError::Busy | CallError::Timeout { .. } | CallError::Remote(_)) => {}
            Err(CallError::Closed { .. }) => return,
            Err(other) => panic!("{other:?}"),
        }
    }
}

async fn walk(seed: u64, tasks: u64, steps: u32) {
    let count = Arc::new(Count::default());
    let mut random = Random(seed + 1);
    let peers = connect(&count, [1, 500, 64 * 1024][random.below(3) as usize]);
    let wanderers: Vec<_> = (0..tasks)
        .map(|task| {
            let peer = peers[task as usize % 2].clone();
            tokio::spawn(wander(peer, count.clone(), seed * 1000 + task, steps))
        })
        .collect();
    let early = random.below(3) == 0;
    if early {
        tokio::time::sleep(Duration::from_millis(random.below(60))).await;
        peers[random.below(2) as usize].close(CloseCode::NORMAL, "enough");
    }
    for wanderer in wanderers {
        tokio::time::timeout(Duration::from_secs(120), wanderer)
            .await
            .unwrap_or_else(|_| panic!("seed {seed} stands still"))
            .unwrap();
    }
    // Cancels are still on their way; handlers end when they arrive.
    let quiet = async {
        loop {
            let stats = peers.each_ref().map(Peer::stats);
            let left = stats.iter().map(|s| s.in_flight + s.pending + s.queue_bytes).sum::<usize>();
            if left == 0 && count.handlers.load(Ordering::SeqCst) == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    if tokio::time::timeout(Duration::from_secs(40), quiet).await.is_err() {
        let stats = peers.each_ref().map(Peer::stats);
        panic!("seed {seed}: {stats:?}, handlers {:?}", count.handlers);
    }
    if !early {
        for peer in &peers {
            assert_eq!(peer.stats().counters.stray, 0, "seed {seed}");
            if peer.is_closed() {
                // The limits are tight; nothing else may end a connection here.
                let reason = peer.closed().await.reason;
                assert!(reason.contains("notifications"), "seed {seed}: {reason}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_random_walk_leaves_nothing() {
    for seed in 0..60 {
        walk(seed, 12, 60).await;
    }
}

/// The same on several threads, where wakes, drops and answers really meet.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_random_walk_on_several_threads_leaves_nothing() {
    for seed in 0..12 {
        walk(seed, 16, 60).await;
    }
}
