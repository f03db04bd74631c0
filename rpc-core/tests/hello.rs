//! What two ends of this kind do for each other once they have said hello: streams whose items are
//! counted, wait for their taker, and are told to be at their end.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::{Stream, StreamExt, stream};
use rpc_core::transport::{Endpoint, EndpointConfig, Hello};
use rpc_core::{Context, Limits, Router, StreamError, Streaming, memory};
use serde_json::Value;
use support::Raw;

/// Counts how many items were made.
#[derive(Clone, Default)]
struct Made(Arc<AtomicU64>);

impl Made {
    fn count(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    fn numbers(&self) -> impl Stream<Item = u64> + Send + use<> {
        let made = self.clone();
        stream::iter(0..).inspect(move |_| {
            made.0.fetch_add(1, Ordering::SeqCst);
        })
    }
}

fn services(made: &Made) -> Router {
    let [endless, some, late] = [(); 3].map(|()| made.clone());
    Router::new()
        .method("add", |_: Context, (a, b): (i64, i64)| async move { Ok(a + b) })
        .subscription("endless", "stop", move |_: Context, (): ()| {
            let made = endless.clone();
            async move { Ok(Streaming::new(made.numbers())) }
        })
        .subscription("late", "stop", move |_: Context, (count,): (usize,)| {
            let made = late.clone();
            async move {
                tokio::time::sleep(Duration::from_millis(10)).await;
                Ok(Streaming::new(made.numbers().take(count)))
            }
        })
        .subscription("some", "stop", move |_: Context, (count,): (usize,)| {
            let made = some.clone();
            async move { Ok(Streaming::new(made.numbers().take(count))) }
        })
}

fn field(text: &str, pointer: &str) -> Value {
    let value: Value = serde_json::from_str(text).unwrap();
    value.pointer(pointer).cloned().unwrap_or_default()
}

const HELLO: &str = r#"{"jsonrpc":"2.0","method":"$/hello","params":{"duplex":1,"window":128}}"#;

/// A raw end that has said hello, and a stream of it: its id.
async fn subscribed(raw: &mut Raw, call: &str) -> String {
    raw.send(HELLO).await;
    assert_eq!(field(&raw.receive().await, "/method"), "$/hello");
    raw.send(call).await;
    field(&raw.receive().await, "/result").as_str().unwrap().to_owned()
}

async fn credit(raw: &mut Raw, id: &str, bytes: &str) {
    raw.notify("$/credit", &format!(r#"{{"subscription":"{id}","bytes":{bytes}}}"#)).await;
}

#[tokio::test(start_paused = true)]
async fn a_hello_is_answered_once_and_before_anything_else() {
    let (mut raw, peer) = Raw::connect(services(&Made::default()), Limits::server());
    raw.play(
        r#"
--> {"jsonrpc":"2.0","id":1,"method":"add","params":[1,2]}
<-- {"jsonrpc":"2.0","id":1,"result":3}
--> [{"jsonrpc":"2.0","method":"$/hello","params":{"duplex":1}},{"jsonrpc":"2.0","id":2,"method":"add","params":[1,2]}]
<-- {"jsonrpc":"2.0","method":"$/hello","params":{"duplex":1,"window":65536,"batch":100,"ack":true,"results":true,"sequences":true}}
<-- [{"jsonrpc":"2.0","id":2,"result":3}]
--> {"jsonrpc":"2.0","method":"$/hello","params":{"duplex":1}}
--> {"jsonrpc":"2.0","method":"$/hello"}
--> {"jsonrpc":"2.0","method":"$/unheard-of","params":[1]}
"#,
    )
    .await;
    assert_eq!(peer.stats().counters.malformed, 1);
}

#[tokio::test(start_paused = true)]
async fn who_greets_does_so_with_its_first_message() {
    for plain in [false, true] {
        let (near, far) = memory::transports(64 * 1024);
        let mut config = EndpointConfig::new(Router::new(), Limits::client());
        config.hello = if plain { Hello::Never } else { Hello::Always };
        let endpoint = Endpoint::new(config);
        let _early = endpoint.peer().call::<()>("early", ()).start();
        tokio::spawn(endpoint.connect(near));
        let mut raw = Raw::over(far);
        let first = if plain { "early" } else { "$/hello" };
        assert_eq!(field(&raw.receive().await, "/method"), first);
    }
}

#[tokio::test(start_paused = true)]
async fn items_are_counted_wait_for_credit_and_come_to_an_end() {
    let made = Made::default();
    let (mut raw, peer) = Raw::connect(services(&made), Limits::server());
    let call = r#"{"jsonrpc":"2.0","id":1,"method":"some","params":[4]}"#;
    let id = subscribed(&mut raw, call).await;
    let item = |n: u64, what: &str| {
        let seq = n + 1;
        format!(
            r#"{{"jsonrpc":"2.0","method":"some","params":{{"subscription":"{id}","seq":{seq},{what}}}}}"#
        )
    };
    for n in 0..2 {
        assert_eq!(raw.receive().await, item(n, &format!(r#""result":{n}"#)));
    }
    assert!(raw.is_silent().await, "the window of 128 is used up");
    assert_eq!(made.count(), 3, "one is made ahead");
    credit(&mut raw, &id, "1").await;
    assert_eq!(raw.receive().await, item(2, r#""result":2"#), "the last may overdraw it");
    assert!(raw.is_silent().await);
    credit(&mut raw, &id, "64").await;
    assert_eq!(raw.receive().await, item(3, r#""result":3"#));
    assert_eq!(raw.receive().await, item(4, r#""done":true"#), "an end needs no credit");
    assert!(raw.is_silent().await);
    assert_eq!((peer.stats().subscriptions, peer.stats().counters.malformed), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn who_says_hello_later_gets_no_counted_items_of_what_it_asked_for_before() {
    let (mut raw, _peer) = Raw::connect(services(&Made::default()), Limits::server());
    raw.send(r#"{"jsonrpc":"2.0","id":1,"method":"late","params":[3]}"#).await;
    raw.send(HELLO).await;
    let mut seen = Vec::new();
    for _ in 0..5 {
        seen.push(raw.receive().await);
    }
    assert!(raw.is_silent().await);
    assert!(seen.iter().all(|message| !message.contains("\"seq\"") && !message.contains("done")));
}

#[tokio::test(start_paused = true)]
async fn credit_that_cannot_be_is_ignored_and_counted() {
    let made = Made::default();
    let (mut raw, peer) = Raw::connect(services(&made), Limits::server());
    let call = r#"{"jsonrpc":"2.0","id":1,"method":"endless"}"#;
    let id = subscribed(&mut raw, call).await;
    raw.receive().await;
    raw.receive().await;
    let wrong = ["0", "-1", "1.5", "18446744073709551616", "2147483649", "\"1\"", "null"];
    for bytes in wrong {
        credit(&mut raw, &id, bytes).await;
    }
    assert!(raw.is_silent().await);
    assert_eq!(peer.stats().counters.malformed, wrong.len() as u64);
    credit(&mut raw, "of nothing", "1").await;
    assert_eq!(peer.stats().counters.malformed, wrong.len() as u64, "it may just have ended");
    raw.notify("$/stop", &format!(r#"{{"subscription":"{id}"}}"#)).await;
    assert!(raw.is_silent().await);
    assert_eq!((peer.stats().subscriptions, made.count()), (0, 3));
}

/// However slow its taker is, nothing of a stream is lost and little of it is made ahead.
#[tokio::test(start_paused = true)]
async fn a_producer_never_outruns_its_consumer() {
    let made = Made::default();
    let (peer, other) = memory::pair(Router::new(), services(&made));
    let mut numbers = peer.subscribe::<u64>("endless", "stop", ()).await.unwrap();
    for n in 0..3000 {
        if n % 100 == 0 {
            tokio::time::sleep(Duration::from_secs(1)).await;
            // A window of 65,536 is 1,024 small items.
            assert!(made.count() <= n + 1024 + 512 + 2, "{} made, {n} taken", made.count());
            assert!(other.stats().queue_bytes < 64 * 1024);
        }
        assert_eq!(numbers.next().await, Some(Ok(n)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_taker_that_stalls_delays_neither_calls_nor_other_streams() {
    let made = Made::default();
    let (peer, _other) = memory::pair(Router::new(), services(&made));
    let mut streams = Vec::new();
    for _ in 0..10 {
        streams.push(peer.subscribe::<u64>("endless", "stop", ()).await.unwrap());
    }
    let _stalled = streams.pop();
    for n in 0..2000 {
        for numbers in &mut streams {
            assert_eq!(numbers.next().await, Some(Ok(n)));
        }
        assert_eq!(peer.call::<u64>("add", (n, 1)).await, Ok(n + 1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_normal_end_an_error_and_a_lost_connection_are_three_things() {
    let made = Made::default();
    let (peer, other) = memory::pair(Router::new(), services(&made));
    let numbers = peer.subscribe::<u64>("some", "stop", (3,)).await.unwrap();
    assert_eq!(numbers.collect::<Vec<_>>().await, [Ok(0), Ok(1), Ok(2)]);
    let open = peer.subscribe::<u64>("endless", "stop", ()).await.unwrap();
    other.close(rpc_core::CloseCode::NORMAL, "");
    let last = open.skip_while(|item| std::future::ready(item.is_ok())).next().await;
    assert!(matches!(last, Some(Err(StreamError::Closed { .. }))), "{last:?}");
    assert_eq!((peer.stats().subscriptions, other.stats().subscriptions), (0, 0));
}
