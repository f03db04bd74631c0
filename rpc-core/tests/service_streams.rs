//! Subscriptions of a trait: a method that returns a `Streaming`.

mod support;

use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use rpc_core::schema::{MethodInfo, MethodKind};
use rpc_core::types::StreamEnd;
use rpc_core::{
    Call, CallError, Context, ErrorObject, Limits, Router, RpcError, SendError, Service,
    StreamError, StreamSender, Streaming, memory, service,
};
use serde_json::Value;
use support::{Raw, assert_same};
use tokio::sync::Mutex;

#[service(namespace = "clock")]
trait Ticker {
    /// Counts to `count`.
    async fn ticks(&self, count: u32) -> Streaming<u32>;
    /// Without waiting, and by a path.
    fn now(&self) -> rpc_core::Streaming<String>;
    async fn alarms(&self, cx: &Context, room: &str) -> Result<Streaming<String>, TickError>;
    #[subscription(
        name = "watch_feed",
        item = "feed_update",
        unsubscribe = "clock.unwatch",
        aliases("watch"),
        timeout = "1s"
    )]
    async fn feed(&self) -> rpc_core::Result<Streaming<Vec<u8>>>;
    #[subscription(unsubscribe = "clock.unwatch")]
    async fn held(&self) -> Streaming<u32>;
}

#[derive(Debug, Clone, PartialEq, thiserror::Error, RpcError)]
enum TickError {
    #[error("no room `{0}`")]
    #[rpc(code = 1)]
    NoRoom(String),
}

#[derive(Default)]
struct Clock {
    held: Mutex<Option<StreamSender<u32>>>,
}

impl Ticker for Clock {
    async fn ticks(&self, count: u32) -> Streaming<u32> {
        Streaming::new(stream::iter(0..count))
    }
    fn now(&self) -> Streaming<String> {
        Streaming::new(stream::iter(["noon".to_owned()]))
    }
    async fn alarms(&self, cx: &Context, room: &str) -> Result<Streaming<String>, TickError> {
        if room.is_empty() {
            return Err(TickError::NoRoom(room.to_owned()));
        }
        let items = [Ok(format!("{room} by {}", cx.method())), Err(ErrorObject::new(7, "broken"))];
        Ok(Streaming::try_new(stream::iter(items)))
    }
    async fn feed(&self) -> rpc_core::Result<Streaming<Vec<u8>>> {
        tokio::time::sleep(Duration::from_secs(2)).await;
        Err(ErrorObject::new(2, "no feed today"))
    }
    async fn held(&self) -> Streaming<u32> {
        let (sender, stream) = Streaming::channel(1);
        *self.held.lock().await = Some(sender);
        stream
    }
}

#[tokio::test(start_paused = true)]
async fn the_stub_takes_what_the_implementation_streams() {
    let (peer, _server) = memory::pair(Router::new(), TickerServer::new(Clock::default()));
    let clock = TickerClient::new(peer);
    let ticks: Call<Streaming<u32>> = clock.ticks(3);
    let ticks: Vec<_> = ticks.await.unwrap().take(3).collect().await;
    assert_eq!(ticks, [Ok(0), Ok(1), Ok(2)]);
    let now = clock.now().await.unwrap().next().await;
    assert_eq!(now, Some(Ok("noon".to_owned())));
}

#[tokio::test(start_paused = true)]
async fn a_subscription_may_be_refused_and_may_break() {
    let (peer, _server) = memory::pair(Router::new(), TickerServer::new(Clock::default()));
    let clock = TickerClient::new(peer);
    let alarms: Call<Streaming<String>, TickError> = clock.alarms("");
    assert_eq!(alarms.await.unwrap_err(), CallError::Method(TickError::NoRoom(String::new())));
    let mut alarms = clock.alarms("kitchen").await.unwrap();
    assert_eq!(alarms.next().await, Some(Ok("kitchen by clock.alarms".to_owned())));
    let broken = StreamError::Remote(ErrorObject::new(7, "broken"));
    assert_eq!(alarms.next().await, Some(Err(broken)));
}

#[tokio::test(start_paused = true)]
async fn a_dropped_stream_ends_by_the_name_that_the_trait_has_for_it() {
    let clock = Arc::new(Clock::default());
    let (peer, _server) = memory::pair(Router::new(), TickerServer::shared(clock.clone()));
    let stub = TickerClient::new(peer);
    let mut held = stub.held().await.unwrap();
    let sender = clock.held.lock().await.take().unwrap();
    sender.send(1).await.unwrap();
    assert_eq!(held.next().await, Some(Ok(1)));
    drop(held);
    drop(stub.now().await.unwrap());
    assert_eq!(sender.send(2).await, Err(SendError { item: 2, end: StreamEnd::Stopped }));
}

#[tokio::test(start_paused = true)]
async fn the_traits_timeout_is_for_the_answer_and_its_caller_may_choose_another() {
    let (peer, _server) = memory::pair(Router::new(), TickerServer::new(Clock::default()));
    let clock = TickerClient::new(peer);
    let start = tokio::time::Instant::now();
    assert!(matches!(clock.feed().await, Err(CallError::Timeout { .. })));
    assert_eq!(start.elapsed().as_secs(), 1);
    let refused = clock.feed().timeout(Duration::from_secs(5)).await.unwrap_err();
    assert_eq!(refused, CallError::Method(ErrorObject::new(2, "no feed today")));
}

#[tokio::test(start_paused = true)]
async fn all_names_are_those_of_the_trait() {
    let services = Router::new().service(TickerServer::new(Clock::default()));
    let (mut raw, peer) = Raw::connect(services, Limits::server());
    raw.send(r#"{"jsonrpc":"2.0","id":1,"method":"clock.ticks","params":[1]}"#).await;
    let answer: Value = serde_json::from_str(&raw.receive().await).unwrap();
    let item: Value = serde_json::from_str(&raw.receive().await).unwrap();
    assert_eq!(item["method"], "clock.ticks");
    assert_eq!(item["params"]["subscription"], answer["result"]);
    assert_eq!(item["params"]["result"], 0);

    let held = TickerClient::new(peer).held().start();
    assert_same(
        &raw.receive().await,
        r#"{"jsonrpc":"2.0","method":"clock.held","id":1,"timeoutMs":30000}"#,
    );
    raw.send(r#"{"jsonrpc":"2.0","id":1,"result":"abc"}"#).await;
    drop(held.await.unwrap());
    let unsubscribe = raw.receive().await;
    assert!(unsubscribe.contains(r#""method":"clock.unwatch","#), "{unsubscribe}");
}

#[test]
fn the_table_names_what_carries_the_items_and_what_ends_them() {
    let clock = TickerServer::new(Clock::default());
    let [ticks, _, alarms, feed, held, watch] = clock.methods() else { panic!("{clock:?}") };
    let names = ("clock.ticks", "clock.ticks", "clock.unsubscribe_ticks");
    assert_eq!((names_of(ticks), ticks.docs), (names, "Counts to `count`."));
    assert_eq!((alarms.params[0].name, alarms.errors[0].code), ("room", 1));
    assert_eq!(names_of(feed), ("clock.watch_feed", "feed_update", "clock.unwatch"));
    assert_eq!(names_of(held), ("clock.held", "clock.held", "clock.unwatch"));
    assert_eq!(names_of(watch), ("watch", "feed_update", "clock.unwatch"));
}

/// Its own name, that of its items, and that of its end.
fn names_of(method: &MethodInfo) -> (&str, &str, &str) {
    match &method.kind {
        MethodKind::Subscription { item, unsubscribe, .. } => {
            (&*method.name, &**item, &**unsubscribe)
        }
        kind => panic!("{kind:?}"),
    }
}

#[service(namespace = "eth", separator = "_", rename_all = "camelCase")]
trait Chain {
    fn new_heads(&self) -> Streaming<u64>;
    #[subscription(name = "pendingTransactions")]
    fn pending(&self) -> Streaming<u64>;
    #[subscription(unsubscribe = "eth_unsubscribe")]
    fn logs(&self) -> Streaming<u64>;
}

struct Empty;

impl Chain for Empty {
    fn new_heads(&self) -> Streaming<u64> {
        Streaming::new(stream::empty())
    }
    fn pending(&self) -> Streaming<u64> {
        Streaming::new(stream::empty())
    }
    fn logs(&self) -> Streaming<u64> {
        Streaming::new(stream::empty())
    }
}

#[test]
fn the_name_of_the_end_is_spelled_as_the_others_are() {
    let chain = ChainServer::new(Empty);
    let [new_heads, pending, logs] = chain.methods() else { panic!("three methods") };
    assert_eq!(names_of(new_heads).2, "eth_unsubscribeNewHeads");
    let names = ("eth_pendingTransactions", "eth_pendingTransactions");
    assert_eq!((names_of(pending).0, names_of(pending).1), names);
    assert_eq!(names_of(pending).2, "eth_unsubscribePendingTransactions");
    assert_eq!(names_of(logs).2, "eth_unsubscribe");
}
