//! Requests that are small and make for much work; all of them are allowed.

use std::pin::Pin;

use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use rpc_core::{Peer, Streaming};
use serde::Serialize;
use serde::de::IgnoredAny;

pub(crate) struct Attack {
    pub(crate) name: &'static str,
    pub(crate) wage: fn(&Peer) -> Running<'_>,
}

type Running<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

pub(crate) const ATTACKS: [Attack; 7] = [
    Attack {
        name: "answers that are too big to be sent",
        wage: |peer| flood(peer, "big", (5_000_000,)),
    },
    Attack { name: "answers of 1 MB", wage: |peer| flood(peer, "big", (1_000_000,)) },
    Attack { name: "batches of answers that are too big", wage: |peer| Box::pin(batches(peer)) },
    Attack { name: "small calls, 256 at once", wage: |peer| flood(peer, "add", (1, 2)) },
    Attack { name: "an endless stream", wage: |peer| Box::pin(subscribe(peer)) },
    Attack {
        name: "a million notifications, again and again",
        wage: |peer| flood(peer, "push", (1_000_000,)),
    },
    Attack { name: "an echo of 1 MB", wage: |peer| flood(peer, "echo", ("x".repeat(1_000_000),)) },
];

/// 256 calls at once, whatever they come to.
fn flood<'a>(
    peer: &'a Peer,
    method: &'static str,
    params: impl Serialize + Clone + 'a,
) -> Running<'a> {
    let calls = stream::repeat(()).map(move |()| peer.call::<IgnoredAny>(method, params.clone()));
    Box::pin(calls.buffer_unordered(256).for_each(async |_| ()))
}

async fn batches(peer: &Peer) {
    while !peer.is_closed() {
        let batch = peer.batch();
        let calls: Vec<_> =
            (0..100).map(|_| batch.call::<IgnoredAny>("big", (5_000_000,))).collect();
        let (sent, answered) = (batch.send(), join_all(calls));
        let _ = tokio::join!(sent, answered);
    }
}

async fn subscribe(peer: &Peer) {
    let ticks = peer.subscribe::<u64>("ticks", "unsubscribe_ticks", (0, 0)).await;
    let Ok(ticks): Result<Streaming<u64>, _> = ticks else { return };
    ticks.for_each(async |_| ()).await;
}
