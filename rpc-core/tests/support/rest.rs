//! What is left when all is over: nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rpc_core::Peer;
use tokio::time::sleep;

/// Counts one while it lives.
pub struct Lives(Arc<AtomicUsize>);

impl Lives {
    pub fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count.clone())
    }
}

impl Drop for Lives {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Waits until `what` is so.
pub async fn settles(what: impl Fn() -> bool) {
    for _ in 0..1000 {
        if what() {
            return;
        }
        sleep(Duration::from_millis(1)).await;
    }
    panic!("it does not come to rest");
}

/// What one end holds of calls, streams and messages.
pub fn held(peer: &Peer) -> usize {
    let stats = peer.stats();
    stats.pending + stats.in_flight + stats.subscriptions + stats.queue_bytes
}

/// Waits until these ends hold nothing.
pub async fn at_rest(peers: &[&Peer]) {
    settles(|| peers.iter().all(|peer| held(peer) == 0)).await;
}
