//! A hello that comes while a subscribe call waits to be sent.

mod support;

use rpc_core::{Limits, Router};
use support::Raw;

/// A stream is negotiated if the hello left before its request did, not before it was made: the other end
/// counts what it sends, and waits for credit. This one gave none, and the stream stood still after one
/// window.
#[tokio::test(start_paused = true)]
async fn a_stream_whose_request_left_after_the_hello_gives_credit() {
    let mut limits = Limits::client();
    (limits.calls_on_wire, limits.stream_window) = (1, 640);
    let (mut raw, peer) = Raw::connect(Router::new(), limits);
    let slow = peer.call::<u8>("slow", ()).no_timeout().start();
    let parked = peer.subscribe::<u64>("ticks", "stop", ()).no_timeout().start();
    assert!(raw.receive().await.contains("slow"));
    raw.greet().await;
    raw.send(r#"{"jsonrpc":"2.0","id":1,"result":1}"#).await;
    assert!(raw.receive().await.contains("ticks"), "it leaves after the hello");
    raw.send(r#"{"jsonrpc":"2.0","id":2,"result":"s"}"#).await;
    let mut ticks = parked.await.unwrap();
    assert_eq!(slow.await, Ok(1));
    for seq in 1..=10 {
        raw.notify("ticks", &format!(r#"{{"subscription":"s","seq":{seq},"result":{seq}}}"#)).await;
        assert_eq!(ticks.next().await, Some(Ok(seq)));
    }
    let credit = raw.receive().await;
    assert!(credit.contains("$/credit"), "half of the window was taken: {credit}");
    raw.notify("ticks", r#"{"subscription":"s","seq":11,"done":true}"#).await;
    assert_eq!(ticks.next().await, None, "its end is told");
}

/// The other way round: sent before the hello, though answered after it, it is none.
#[tokio::test(start_paused = true)]
async fn a_stream_whose_request_left_before_the_hello_gives_no_credit() {
    let (mut raw, peer) = Raw::connect(Router::new(), Limits::client());
    let ticks = peer.subscribe::<u64>("ticks", "stop", ()).no_timeout().start();
    assert!(raw.receive().await.contains("ticks"));
    raw.greet().await;
    raw.send(r#"{"jsonrpc":"2.0","id":1,"result":"s"}"#).await;
    let mut ticks = ticks.await.unwrap();
    for n in 0..2_000 {
        raw.notify("ticks", &format!(r#"{{"subscription":"s","result":{n}}}"#)).await;
        assert_eq!(ticks.next().await, Some(Ok(n)));
    }
    assert!(raw.is_silent().await);
}
