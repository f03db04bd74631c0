//! Methods that may change or go: only who asks for them is served.

mod support;

use futures_util::stream;
use rpc_core::layers::{Layer, Layers};
use rpc_core::schema::{Discovery, MethodInfo};
use rpc_core::transport::{Endpoint, EndpointConfig};
use rpc_core::types::RawParams;
use rpc_core::{
    CallError, Context, ErrorCode, ErrorObject, Limits, Peer, Router, Service, Streaming, memory,
    service,
};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use support::Raw;

#[service(namespace = "lab")]
trait Lab {
    async fn known(&self) -> u8;
    #[method(unstable, aliases("probe"), ordered)]
    async fn peek(&self) -> u8;
    #[method(unstable, optional)]
    async fn guess(&self) -> u8;
    #[notification(unstable)]
    async fn poke(&self);
    #[subscription(unstable, unsubscribe = "lab.stop")]
    async fn watch(&self) -> Streaming<u8>;
    #[subscription(
        name = "feed",
        selector = "a",
        item = "lab.item",
        unsubscribe = "lab.end",
        unstable
    )]
    async fn feed_a(&self) -> Streaming<u8>;
    #[subscription(
        name = "feed",
        selector = "b",
        item = "lab.item",
        unsubscribe = "lab.end",
        unstable
    )]
    async fn feed_b(&self) -> Streaming<u8>;
}

#[derive(Clone, Default)]
struct Bench {
    poked: Arc<AtomicUsize>,
}

impl Lab for Bench {
    async fn known(&self) -> u8 {
        1
    }
    async fn peek(&self) -> u8 {
        2
    }
    async fn guess(&self) -> u8 {
        3
    }
    async fn poke(&self) {
        self.poked.fetch_add(1, Ordering::SeqCst);
    }
    async fn watch(&self) -> Streaming<u8> {
        Streaming::new(stream::iter([4]))
    }
    async fn feed_a(&self) -> Streaming<u8> {
        Streaming::new(stream::iter([5]))
    }
    async fn feed_b(&self) -> Streaming<u8> {
        Streaming::new(stream::iter([6]))
    }
}

/// A client that asks for unstable methods, or does not.
fn client(served: impl Service, unstable: bool) -> Peer {
    let (left, right) = memory::transports(64 * 1024);
    let near = EndpointConfig::new(Router::new(), Limits::client());
    let far = EndpointConfig::new(Router::new().service(served), Limits::server());
    let near = near.with(|config| config.unstable = unstable);
    let [near, _] = [(near, left, true), (far, right, false)].map(|(config, transport, opens)| {
        let endpoint = Endpoint::new(config.with(|config| config.keepalive = false));
        endpoint.set_extended(opens);
        let peer = endpoint.peer();
        tokio::spawn(endpoint.connect(transport));
        peer
    });
    near
}

fn code<T>(result: Result<T, CallError>) -> i64 {
    match result {
        Err(CallError::Remote(error)) => error.code,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was served"),
    }
}

#[tokio::test]
async fn who_asks_is_served() {
    let bench = Bench::default();
    let poked = bench.poked.clone();
    let peer = client(LabServer::new(bench), true);
    let lab = LabClient::new(peer.clone());
    assert_eq!(
        (lab.known().await, lab.peek().await, lab.guess().await),
        (Ok(1), Ok(2), Ok(Some(3)))
    );
    assert_eq!(peer.call::<u8>("probe", ()).await, Ok(2));
    lab.poke().await.unwrap();
    assert_eq!(lab.watch().await.unwrap().next().await.unwrap().unwrap(), 4);
    assert_eq!(lab.feed_b().await.unwrap().next().await.unwrap().unwrap(), 6);
    assert_eq!(peer.call::<bool>("lab.stop", ("none",)).await, Ok(false));
    assert_eq!(poked.load(Ordering::SeqCst), 1);
    let batch = peer.batch();
    let peek = LabClient::new(&batch).peek();
    batch.send().await.unwrap();
    assert_eq!(peek.await, Ok(2));
}

#[tokio::test]
async fn for_anyone_else_there_is_no_such_method() {
    let bench = Bench::default();
    let poked = bench.poked.clone();
    let peer = client(LabServer::new(bench), false);
    let lab = LabClient::new(peer.clone());
    assert_eq!(lab.known().await, Ok(1));
    let CallError::Remote(error) = lab.peek().await.unwrap_err() else { panic!() };
    assert_eq!(
        (error.code, &*error.message),
        (ErrorCode::METHOD_NOT_FOUND, "no method `lab.peek`")
    );
    assert_eq!(lab.guess().await, Ok(None));
    for method in ["probe", "lab.stop", "lab.end", "feed"] {
        let answer = peer.call::<Value>(method, ("a",)).await;
        assert_eq!(code(answer), ErrorCode::METHOD_NOT_FOUND, "{method}");
    }
    assert_eq!(code(lab.watch().await), ErrorCode::METHOD_NOT_FOUND);
    lab.poke().await.unwrap();
    let batch = peer.batch();
    let peek = LabClient::new(&batch).peek();
    batch.send().await.unwrap();
    assert_eq!(code(peek.await), ErrorCode::METHOD_NOT_FOUND);
    assert_eq!(poked.load(Ordering::SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn the_hello_of_the_other_end_decides() {
    let served = Router::new().service(LabServer::new(Bench::default()));
    let (mut raw, _peer) = Raw::connect(served, Limits::server());
    raw.play(
        r#"
--> {"jsonrpc":"2.0","id":1,"method":"lab.peek"}
<-- {"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no method `lab.peek`"}}
--> {"jsonrpc":"2.0","method":"$/hello","params":{"duplex":1,"unstable":true}}
<-- {"jsonrpc":"2.0","method":"$/hello","params":{"duplex":1,"window":65536,"batch":100,"ack":true,"results":true,"sequences":true}}
--> {"jsonrpc":"2.0","id":2,"method":"lab.peek"}
<-- {"jsonrpc":"2.0","id":2,"result":2}
--> {"jsonrpc":"2.0","method":"$/hello","params":{"duplex":1}}
--> {"jsonrpc":"2.0","id":3,"method":"lab.peek"}
<-- {"jsonrpc":"2.0","id":3,"result":2}
"#,
    )
    .await;
    let config = EndpointConfig::new(Router::new(), Limits::server());
    let (mut raw, _peer) = Raw::connect_as(config.with(|config| config.unstable = true), 1024);
    raw.play(
        r#"
--> {"jsonrpc":"2.0","method":"$/hello","params":{"duplex":1}}
<-- {"jsonrpc":"2.0","method":"$/hello","params":{"duplex":1,"window":65536,"batch":100,"ack":true,"results":true,"sequences":true,"unstable":true}}
"#,
    )
    .await;
}

/// As for any other name that is not offered.
#[tokio::test]
async fn a_fallback_serves_the_name_of_what_is_not_there() {
    let named = |_: Context, method: String, _: RawParams| async move { Ok(method) };
    let served = || Router::new().service(LabServer::new(Bench::default())).fallback(named);
    let ask = |peer: Peer| async move { peer.call::<Value>("lab.peek", ()).await.unwrap() };
    assert_eq!(ask(client(served(), false)).await, json!("lab.peek"));
    assert_eq!(ask(client(served(), true)).await, json!(2));
}

#[tokio::test]
async fn layers_see_no_method_where_there_is_none() {
    #[derive(Clone, Default)]
    struct Refused(Arc<AtomicUsize>);
    impl Layer for Refused {
        fn refused(&self, _: &Peer, method: Option<&MethodInfo>, code: i64) {
            assert_eq!((method.is_none(), code), (true, ErrorCode::METHOD_NOT_FOUND));
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    let refused = Refused::default();
    let served = Router::new().service(LabServer::new(Bench::default()));
    let (mut raw, _peer) = Raw::connect_within(served, Layers::new().layer(refused.clone()));
    raw.send(r#"{"jsonrpc":"2.0","id":1,"method":"lab.peek"}"#).await;
    raw.receive().await;
    assert_eq!(refused.0.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_name_is_offered_once_unstable_or_not() {
    let nothing = |_: Context, (): ()| async { Ok::<_, ErrorObject>(()) };
    let lab = || Router::new().service(LabServer::new(Bench::default()));
    assert!(lab().check().is_ok());
    for name in ["lab.peek", "probe", "lab.stop"] {
        let told = lab().method(name, nothing).check().unwrap_err().to_string();
        assert_eq!(told, format!("`{name}` is offered twice"));
        let told = Router::new().method(name, nothing).service(lab()).check().unwrap_err();
        assert_eq!(told.to_string(), format!("`{name}` is offered twice"));
    }
    let watch = |_: Context, (): ()| async { Ok(Streaming::<u8>::new(stream::empty())) };
    let shared = lab().subscription("stable", "lab.stop", watch);
    assert!(shared.check().is_ok(), "both end by one method");
    let peer = client(shared, false);
    assert_eq!(peer.call::<bool>("lab.stop", ("none",)).await, Ok(false));
}

#[tokio::test]
async fn a_document_has_unstable_methods_only_for_who_asks() {
    let method = |name: &str, unstable: bool| json!({"name": name, "x-unstable": unstable});
    let document = json!({"methods": [method("a", false), method("b", true)]});
    let served = || Discovery::new(&document);
    let names = |peer: Peer| async move {
        let document: Value = peer.call("rpc.discover", ()).await.unwrap();
        let methods = document["methods"].as_array().unwrap().iter();
        methods.map(|method| method["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(client(served(), true)).await, ["a", "b"]);
    assert_eq!(names(client(served(), false)).await, ["a"]);
}
