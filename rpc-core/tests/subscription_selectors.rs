//! One method on the wire for several subscriptions of a trait: the first param picks one, as with the
//! `eth_subscribe` of Ethereum's nodes.

mod support;

use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use rpc_core::layers::{Layer, ServeNext, ServeRequest};
use rpc_core::schema::MethodKind;
use rpc_core::types::Handler;
use rpc_core::{
    CallError, Context, Limits, Peer, Router, RpcError, Service, StreamError, Streaming, memory,
    service,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use support::Raw;
use support::layers::Log;

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Filter {
    address: Option<String>,
}

#[derive(Debug, PartialEq, thiserror::Error, RpcError)]
enum NodeError {
    #[error("too broad")]
    #[rpc(code = 7)]
    TooBroad,
}

#[service(namespace = "eth", separator = "_", dyn)]
trait Node {
    async fn block_number(&self) -> u64;
    /// Each new head.
    #[subscription(
        name = "subscribe",
        selector = "newHeads",
        item = "eth_subscription",
        unsubscribe = "eth_unsubscribe",
        aliases("parity_subscribe")
    )]
    async fn new_heads(&self) -> Streaming<u64>;
    /// The logs that `filter` lets pass.
    #[subscription(
        name = "subscribe",
        selector = "logs",
        item = "eth_subscription",
        unsubscribe = "eth_unsubscribe",
        timeout = "2s"
    )]
    async fn logs(
        &self,
        cx: &Context,
        filter: Filter,
        #[param(default)] from: u32,
    ) -> Result<Streaming<String>, NodeError>;
    #[cfg(not(test))]
    #[subscription(
        name = "subscribe",
        selector = "hidden",
        item = "eth_subscription",
        unsubscribe = "eth_unsubscribe"
    )]
    fn hidden(&self) -> Streaming<NoSuchType>;
    #[cfg(not(test))]
    #[subscription(name = "gone", selector = "a", item = "x", unsubscribe = "y")]
    fn gone(&self) -> Streaming<NoSuchType>;
    #[cfg_attr(test, cfg(not(test)))]
    #[subscription(name = "gone", selector = "b", item = "x", unsubscribe = "y")]
    fn gone_too(&self) -> Streaming<NoSuchType>;
    #[cfg(not(test))]
    #[subscription(name = "half", selector = "a", spawn)]
    fn no_half(&self) -> Streaming<NoSuchType>;
    #[cfg(test)]
    #[cfg_attr(test, cfg(test))]
    #[subscription(name = "half", selector = "b", spawn)]
    fn half(&self) -> Streaming<u64>;
}

struct Chain;

impl Node for Chain {
    async fn block_number(&self) -> u64 {
        7
    }
    async fn new_heads(&self) -> Streaming<u64> {
        endless(1)
    }
    async fn logs(
        &self,
        cx: &Context,
        filter: Filter,
        from: u32,
    ) -> Result<Streaming<String>, NodeError> {
        let address = filter.address.ok_or(NodeError::TooBroad)?;
        Ok(endless(format!("{} {address} {from}", cx.method())))
    }
    fn half(&self) -> Streaming<u64> {
        endless(2)
    }
}

/// One item, and no end.
fn endless<T: Send + 'static>(item: T) -> Streaming<T> {
    Streaming::new(stream::iter([item]).chain(stream::pending()))
}

/// What comes next of a stream; panics if that is nothing for a minute.
async fn next<T: DeserializeOwned + Send + 'static>(
    stream: &mut Streaming<T>,
) -> Option<Result<T, StreamError>> {
    tokio::time::timeout(Duration::from_secs(60), stream.next()).await.expect("something comes")
}

fn node() -> Router {
    Router::new().service(NodeServer::new(Chain))
}

#[tokio::test(start_paused = true)]
async fn the_first_param_picks_the_method() {
    let (mut raw, _peer) = Raw::connect(node(), Limits::server());
    for (name, params, result) in [
        ("eth_subscribe", r#"["newHeads"]"#, json!(1)),
        ("parity_subscribe", r#"["newHeads"]"#, json!(1)),
        ("eth_subscribe", r#"["logs",{"address":"0x1"}]"#, json!("eth_subscribe 0x1 0")),
        ("eth_subscribe", r#"["l\u006fgs",{"address":"0x1"},9]"#, json!("eth_subscribe 0x1 9")),
    ] {
        raw.send(&format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{name}","params":{params}}}"#))
            .await;
        let answer: Value = serde_json::from_str(&raw.receive().await).unwrap();
        let item: Value = serde_json::from_str(&raw.receive().await).unwrap();
        assert_eq!(item["method"], "eth_subscription");
        assert_eq!(item["params"], json!({"subscription": answer["result"], "result": result}));
        raw.play(&format!(
            r#"
--> {{"jsonrpc":"2.0","id":2,"method":"eth_unsubscribe","params":[{}]}}
<-- {{"jsonrpc":"2.0","id":2,"result":true}}
"#,
            answer["result"]
        ))
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_picks_nothing_is_told_what_there_is() {
    let (mut raw, _peer) = Raw::connect(node(), Limits::server());
    raw.play(
        r#"
--> {"jsonrpc":"2.0","id":1,"method":"eth_subscribe","params":["hidden"]}
<-- {"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"the first param is one of `newHeads`, `logs`, and not `hidden`","data":{"kind":"invalid_params","violations":[{"path":"[0]","message":"the first param is one of `newHeads`, `logs`, and not `hidden`"}]}}}
--> {"jsonrpc":"2.0","id":2,"method":"eth_subscribe"}
<-- {"jsonrpc":"2.0","id":2,"error":{"code":-32602,"message":"the first param is missing: it is one of `newHeads`, `logs`","data":{"kind":"invalid_params","violations":[{"path":"[0]","message":"the first param is missing: it is one of `newHeads`, `logs`"}]}}}
--> {"jsonrpc":"2.0","id":3,"method":"eth_subscribe","params":{"filter":{}}}
<-- {"jsonrpc":"2.0","id":3,"error":{"code":-32602,"message":"send params by position: the first is one of `newHeads`, `logs`"}}
--> {"jsonrpc":"2.0","id":4,"method":"eth_subscribe","params":["logs",{"address":"0x1"},1,2]}
<-- {"jsonrpc":"2.0","id":4,"error":{"code":-32602,"message":"takes 3 params (\"logs\", filter, from), got 4"}}
--> {"jsonrpc":"2.0","id":5,"method":"eth_subscribe","params":["logs",{}]}
<-- {"jsonrpc":"2.0","id":5,"error":{"code":7,"message":"too broad"}}
--> {"jsonrpc":"2.0","id":6,"method":"eth_gone","params":["a"]}
<-- {"jsonrpc":"2.0","id":6,"error":{"code":-32601,"message":"no method `eth_gone`"}}
--> {"jsonrpc":"2.0","id":7,"method":"parity_subscribe","params":["logs",{}]}
<-- {"jsonrpc":"2.0","id":7,"error":{"code":-32602,"message":"the first param is one of `newHeads`, and not `logs`","data":{"kind":"invalid_params","violations":[{"path":"[0]","message":"the first param is one of `newHeads`, and not `logs`"}]}}}
"#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_stub_sends_what_picks_the_method_first() {
    let (mut raw, peer) = Raw::connect(Router::new(), Limits::client());
    let node = NodeClient::new(peer);
    let _heads = node.new_heads().no_timeout().start();
    let _logs = node.logs(Filter { address: Some("0x1".into()) }, 0).start();
    let _half = node.half().no_timeout().start();
    raw.play(
        r#"
<-- {"jsonrpc":"2.0","id":1,"method":"eth_subscribe","params":["newHeads"]}
<-- {"jsonrpc":"2.0","id":2,"method":"eth_subscribe","params":["logs",{"address":"0x1"},0],"timeoutMs":2000}
<-- {"jsonrpc":"2.0","id":3,"method":"eth_half","params":["b"]}
"#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_implementation_behind_a_dyn_is_picked_as_well() {
    let chain: Arc<dyn DynNode> = Arc::new(Chain);
    let service = NodeServer::shared(chain);
    let (peer, node) = memory::pair(Router::new(), Router::new().service(service));
    let stub = NodeClient::new(peer);
    let mut heads = stub.new_heads().await.unwrap();
    let mut logs = stub.logs(Filter { address: Some("0x1".into()) }, 3).await.unwrap();
    assert_eq!(stub.block_number().await, Ok(7));
    assert_eq!(next(&mut heads).await, Some(Ok(1)));
    assert_eq!(next(&mut logs).await, Some(Ok("eth_subscribe 0x1 3".to_owned())));
    assert_eq!(next(&mut stub.half().await.unwrap()).await, Some(Ok(2)));
    let refused = stub.logs(Filter::default(), 0).await.unwrap_err();
    assert_eq!(refused, CallError::Method(NodeError::TooBroad));
    drop((heads, logs));
    stub.block_number().await.unwrap(); // behind what ends them
    assert_eq!(node.stats().subscriptions, 0);
}

/// Notes what it serves.
#[derive(Clone, Default)]
struct Notes(Log);

impl Layer for Notes {
    fn serve(&self, call: ServeRequest<'_>, next: ServeNext<'_>) -> Handler {
        let params = call.params().as_str().unwrap_or_default();
        self.0.add(format!("{} {params}", call.method().name));
        next.serve(call)
    }
}

#[tokio::test(start_paused = true)]
async fn layers_see_the_name_and_the_params_that_came() {
    let notes = Notes::default();
    let service = NodeServer::new(Chain).layer(notes.clone());
    let (peer, _node): (Peer, _) = memory::pair(Router::new(), Router::new().service(service));
    let mut heads = NodeClient::new(peer).new_heads().await.unwrap();
    assert_eq!(next(&mut heads).await, Some(Ok(1)));
    assert_eq!(notes.0.take(), [r#"eth_subscribe ["newHeads"]"#]);
}

#[test]
fn the_table_has_one_row_for_a_name_and_tells_what_it_may_mean() {
    let node = NodeServer::new(Chain);
    let names: Vec<_> = node.methods().iter().map(|method| &*method.name).collect();
    assert_eq!(names, ["eth_block_number", "eth_subscribe", "eth_half", "parity_subscribe"]);
    assert!(node.methods()[0].selected.is_empty());
    let subscribe = &node.methods()[1];
    let MethodKind::Subscription { item, unsubscribe, .. } = &subscribe.kind else { panic!() };
    assert_eq!((&**item, &**unsubscribe), ("eth_subscription", "eth_unsubscribe"));
    let [(heads, new_heads), (logs, logs_info)] = &*subscribe.selected else { panic!() };
    assert_eq!((*heads, *logs), ("newHeads", "logs"));
    assert_eq!((new_heads.docs, new_heads.params.len()), ("Each new head.", 0));
    let params: Vec<_> = logs_info.params.iter().map(|param| param.name).collect();
    assert_eq!((params, logs_info.errors[0].code), (vec!["filter", "from"], 7));
    let [(half, half_info)] = &*node.methods()[2].selected else { panic!() };
    assert_eq!((*half, half_info.flags.spawn), ("b", true));
    assert!(Router::new().service(node).check().is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_name_that_several_share_is_in_another_namespace_once() {
    let service = NodeServer::new(Chain).namespace("geth");
    let names: Vec<_> = service.methods().iter().map(|method| method.name.to_string()).collect();
    assert_eq!(names, ["geth_block_number", "geth_subscribe", "geth_half", "parity_subscribe"]);
    // What the name may mean is there as well.
    for (row, alias_of) in [(1, None), (3, Some("geth_subscribe"))] {
        let row = &service.methods()[row];
        for (_, selected) in &*row.selected {
            assert_eq!((&selected.name, &selected.kind), (&row.name, &row.kind));
            assert_eq!(selected.alias_of.as_deref(), alias_of);
        }
        assert!(!row.selected.is_empty());
    }
    let (peer, _node) = memory::pair(Router::new(), Router::new().service(service));
    let mut heads = NodeClient::new(peer).namespace("geth").new_heads().await.unwrap();
    assert_eq!(next(&mut heads).await, Some(Ok(1)));
}
