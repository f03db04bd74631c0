//! What a connection in memory says to texts that come one after the other.

use std::future::poll_fn;
use std::task::Poll;

use bytes::Bytes;
use futures_util::stream;
use rpc_core::memory::{self, Pipe};
use rpc_core::transport::{Connection, Endpoint, EndpointConfig, Received, Transport};
use rpc_core::{Context, Limits, Peer, Router, Streaming};
use serde_json::value::RawValue;

/// Methods of all kinds, all of which end by themselves.
pub fn services() -> Router {
    Router::new()
        .method("echo", |_: Context, (value,): (Box<RawValue>,)| async move { Ok(value) })
        .method("later", |_: Context, (): ()| async {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            Ok("done")
        })
        .method("back", |cx: Context, (): ()| async move {
            Ok(cx.peer().call::<Box<RawValue>>("b", ()).await?)
        })
        .notification("note", |_: Context, (): ()| async {})
        .subscription("ticks", "unticks", |_: Context, (): ()| async {
            Ok(Streaming::new(stream::iter(0..100)))
        })
}

/// An end that offers [`services`].
pub fn endpoint(limits: Limits) -> Endpoint {
    Endpoint::new(EndpointConfig::new(services(), limits))
}

/// What a connection sends when it is sent these texts, one after the other; nothing may be left of it.
pub async fn answers<'a>(texts: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let endpoint = endpoint(Limits::server());
    let peer = endpoint.peer();
    let (near, mut far) = memory::transports(64 * 1024);
    let connection = tokio::spawn(endpoint.connect(near));
    let mut answers = Vec::new();
    for text in texts {
        let send = poll_fn(|cx| far.poll_ready(cx)).await;
        if send.is_err() || far.send(Bytes::copy_from_slice(text.as_bytes())).is_err() {
            break;
        }
        let _ = poll_fn(|cx| far.poll_flush(cx)).await;
        receive(&mut far, &mut answers).await;
    }
    drop(far);
    at_rest(connection, &peer).await;
    answers
}

/// Takes what comes until nothing has come for a while; the clock stands still until all wait for it.
async fn receive(far: &mut Pipe, answers: &mut Vec<String>) {
    let quiet = std::time::Duration::from_millis(50);
    loop {
        let next = poll_fn(|cx| far.poll_receive(cx, usize::MAX));
        match tokio::time::timeout(quiet, next).await {
            Ok(Received::Text) => {
                answers.push(String::from_utf8(far.message().to_owned()).expect("text is UTF-8"));
            }
            Ok(_) | Err(_) => return,
        }
    }
}

/// Waits for the end of a connection, which must come, and leave nothing.
pub async fn at_rest(
    connection: tokio::task::JoinHandle<<Connection as Future>::Output>,
    peer: &Peer,
) {
    let hour = std::time::Duration::from_secs(3600);
    tokio::time::timeout(hour, connection).await.expect("it ends").expect("it does not panic");
    let stats = peer.stats();
    let left = [stats.pending, stats.in_flight, stats.subscriptions, stats.queue_bytes];
    assert_eq!(left, [0; 4], "{stats:?}");
    assert!(poll_once(peer.call::<()>("late", ())).is_some(), "a call fails at once");
}

fn poll_once<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = std::pin::pin!(future);
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    match future.as_mut().poll(&mut cx) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}
