//! Calls under an idempotency key: done once, and answered as often as they are made.

mod support;

use std::time::Duration;

use rpc_core::layers::{Layer, ServeNext, ServeRequest};
use rpc_core::transport::{Endpoint, EndpointConfig};
use rpc_core::types::Handler;
use rpc_core::{CallError, CloseCode, ErrorObject, Limits, Router, memory};
use support::Raw;
use support::bank::{Bank, a_moment, pay};

#[tokio::test(start_paused = true)]
async fn a_repeat_gets_the_answer_of_the_first() {
    let bank = Bank::new(|_| {});
    let (peer, _) = bank.connect(None);
    assert_eq!(pay(&peer, "a").await, 0);
    assert_eq!(pay(&peer, "a").await, 0);
    assert_eq!(pay(&peer, "b").await, 1);
    // The method's own error is an answer like any other.
    for _ in 0..2 {
        let refused = peer.call::<u32>("pay", (-1,)).idempotency_key("c").await;
        assert_eq!(refused, Err(CallError::Remote(ErrorObject::new(7, "no"))));
    }
    assert_eq!(bank.paid(), 3);
    // In one batch as well.
    let batch = peer.batch();
    let calls = [(); 3].map(|()| batch.call::<u32>("pay", (1,)).idempotency_key("d"));
    batch.send().await.unwrap();
    for call in calls {
        assert_eq!(call.await, Ok(3));
    }
}

#[tokio::test(start_paused = true)]
async fn a_repeat_that_comes_meanwhile_waits() {
    let bank = Bank::new(|_| {});
    let (peer, _) = bank.connect(None);
    let calls = [(); 3].map(|()| peer.call::<u32>("slow", (1000,)).idempotency_key("a").start());
    // Its own deadline holds, and its own cancel stops nothing.
    let late =
        peer.call::<u32>("slow", (1000,)).idempotency_key("a").timeout(Duration::from_millis(5));
    assert!(matches!(late.await, Err(CallError::Timeout { .. })));
    for call in calls {
        assert_eq!(call.await, Ok(0));
    }
    assert_eq!(bank.paid(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_was_cancelled_or_panicked_is_not_an_answer() {
    let bank = Bank::new(|_| {});
    let (peer, server) = bank.connect(Some("ada"));
    let first = peer.call::<u32>("slow", (1000,)).idempotency_key("a").start();
    a_moment().await;
    let second = peer.call::<u32>("slow", (1000,)).idempotency_key("a").start();
    a_moment().await;
    drop(first);
    assert_eq!(second.await, Err(CallError::Busy), "the first came to nothing");
    assert_eq!(peer.call::<u32>("slow", (1000,)).idempotency_key("a").await, Ok(0));
    for _ in 0..2 {
        let panicked = peer.call::<()>("panics", ()).idempotency_key("p").await;
        assert!(matches!(panicked, Err(CallError::Remote(error)) if error.code == -32603));
    }
    assert_eq!(bank.paid(), 3);
    assert_eq!(server.stats().in_flight, 0);
}

#[tokio::test(start_paused = true)]
async fn a_caller_with_a_name_finds_its_answer_on_another_connection() {
    let bank = Bank::new(|_| {});
    let (peer, _) = bank.connect(Some("ada"));
    let call = peer.call::<u32>("slow", (1000,)).idempotency_key("a").start();
    a_moment().await;
    peer.close(CloseCode::NORMAL, "");
    assert!(matches!(call.await, Err(CallError::Closed { .. })));
    // It goes on, and the repeat waits for it.
    let (again, _) = bank.connect(Some("ada"));
    let call = again.call::<u32>("slow", (1000,)).idempotency_key("a");
    assert_eq!(call.await, Ok(0));
    assert_eq!(bank.paid(), 1);
    // Another caller has keys of its own.
    let (other, _) = bank.connect(Some("eve"));
    assert_eq!(other.call::<u32>("slow", (1000,)).idempotency_key("a").await, Ok(1));
}

#[tokio::test(start_paused = true)]
async fn without_a_name_keys_end_with_their_connection() {
    let bank = Bank::new(|_| {});
    let (peer, server) = bank.connect(None);
    assert_eq!(pay(&peer, "a").await, 0);
    assert!(bank.registry.idempotency_bytes() > 0);
    let _call = peer.call::<u32>("slow", (1000,)).idempotency_key("b").start();
    a_moment().await;
    // A name that looks like the connection is another one.
    let (other, _) = bank.connect(Some(server.id()));
    assert_eq!(pay(&other, "a").await, 1);
    peer.close(CloseCode::NORMAL, "");
    server.closed().await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(bank.paid(), 2, "it was stopped as any other");
}

#[tokio::test(start_paused = true)]
async fn a_key_is_for_one_call() {
    let bank = Bank::new(|_| {});
    let (mut raw, _) = Raw::connect(bank.services(), Limits::server());
    raw.play(
        r#"
--> {"jsonrpc":"2.0","id":1,"method":"pay","params":[1],"idempotencyKey":"a"}
<-- {"jsonrpc":"2.0","id":1,"result":0}
--> {"jsonrpc":"2.0","id":2,"method":"pay","params":[2],"idempotencyKey":"a"}
<-- {"jsonrpc":"2.0","id":2,"error":{"code":-32602,"message":"`idempotencyKey` was used for another call, or for other params"}}
--> {"jsonrpc":"2.0","id":3,"method":"slow","params":[1],"idempotencyKey":"a"}
<-- {"jsonrpc":"2.0","id":3,"error":{"code":-32602,"message":"`idempotencyKey` was used for another call, or for other params"}}
--> {"jsonrpc":"2.0","id":4,"method":"ticks","idempotencyKey":"b"}
<-- {"jsonrpc":"2.0","id":4,"error":{"code":-32602,"message":"`idempotencyKey`: a stream cannot be given again"}}
--> {"jsonrpc":"2.0","id":5,"method":"pay","params":["x"],"idempotencyKey":"c"}
<-- {"jsonrpc":"2.0","id":5,"error":{"code":-32602,"message":"parameter 1: invalid type: string \"x\", expected i64","data":{"kind":"invalid_params","violations":[{"path":"[0]","message":"invalid type: string \"x\", expected i64"}]}}}
--> {"jsonrpc":"2.0","id":6,"method":"pay","params":[1],"idempotencyKey":"c"}
<-- {"jsonrpc":"2.0","id":6,"result":1}
--> {"jsonrpc":"2.0","method":"pay","params":[1],"idempotencyKey":"d"}
--> {"jsonrpc":"2.0","method":"pay","params":[1],"idempotencyKey":"d"}
--> {"jsonrpc":"2.0","id":7,"method":"pay","params":[1],"idempotencyKey":"d"}
<-- {"jsonrpc":"2.0","id":7,"result":4}
"#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_call_that_takes_a_stream_has_no_key() {
    let bank = Bank::new(|_| {});
    let (mut raw, _) = bank.connect_raw(None);
    raw.send(r#"{"jsonrpc":"2.0","method":"$/hello","params":{"duplex":1}}"#).await;
    raw.receive().await;
    raw.play(
        r#"
--> {"jsonrpc":"2.0","id":1,"method":"collect","params":[{"$stream":"s"}],"idempotencyKey":"a"}
<-- {"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"`idempotencyKey`: a stream cannot be given again"}}
"#,
    )
    .await;
    assert_eq!(bank.paid(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_kept_for_five_minutes_and_then_its_memory_is_free() {
    let bank = Bank::new(|_| {});
    let (peer, _) = bank.connect(Some("ada"));
    assert_eq!(pay(&peer, "a").await, 0);
    tokio::time::sleep(Duration::from_secs(299)).await;
    assert_eq!(pay(&peer, "a").await, 0);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(bank.registry.idempotency_bytes(), 0, "nobody had to ask");
    assert_eq!(pay(&peer, "a").await, 1);
    tokio::time::sleep(Duration::from_secs(301)).await;
    assert_eq!(bank.registry.idempotency_bytes(), 0, "the second time as well");
}

struct Denies;

impl Layer for Denies {
    fn serve(&self, call: ServeRequest<'_>, next: ServeNext<'_>) -> Handler {
        let denied = call.cx().value::<bool>().is_some();
        if denied { Handler::error(ErrorObject::not_authorized()) } else { next.serve(call) }
    }
}

#[tokio::test(start_paused = true)]
async fn a_repeat_goes_through_the_layers_of_its_connection() {
    let bank = Bank::new(|_| {});
    let (near, far) = memory::transports(1 << 16);
    let served = Endpoint::new(EndpointConfig::new(bank.services(), Limits::server()));
    served.add_layer(Denies);
    let client = Endpoint::new(EndpointConfig::new(Router::new(), Limits::client()));
    let (peer, server) = (client.peer(), served.peer());
    tokio::spawn(served.connect(far));
    tokio::spawn(client.connect(near));
    assert_eq!((pay(&peer, "a").await, pay(&peer, "a").await), (0, 0));
    server.set_value(true);
    let denied = peer.call::<u32>("pay", (100,)).idempotency_key("a").await;
    assert!(matches!(denied, Err(CallError::Remote(error)) if error.code == -32013));
}
