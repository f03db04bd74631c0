//! What stands beside the params of a call: deadlines have their own tests.

mod support;

use rpc_core::{CallError, Context, Limits, Router, memory};
use support::Raw;

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// Tells its caller back, by a call, a notification and a batch.
fn tells_back() -> Router {
    Router::new().method("ask", |cx: Context, (): ()| async move {
        let trace = cx.trace().map(|trace| trace.trace_id().to_owned());
        cx.peer().notify("note", ()).await.unwrap();
        let batch = cx.peer().batch();
        let call = batch.call::<()>("in_batch", ()).no_timeout();
        batch.notify("note", ()).unwrap();
        batch.send().await.unwrap();
        call.await?;
        cx.peer().call::<()>("back", ()).no_timeout().await?;
        Ok(trace)
    })
}

#[tokio::test(start_paused = true)]
async fn a_trace_comes_in_and_goes_out_with_all_that_its_handler_sends() {
    let (mut raw, _) = Raw::connect(tells_back(), Limits::server());
    let beside = format!(r#""traceparent":"{PARENT}","tracestate":"v=1""#);
    let script = r#"
--> {"jsonrpc":"2.0","id":1,"method":"ask",BESIDE}
<-- {"jsonrpc":"2.0","method":"note",BESIDE}
<-- [{"jsonrpc":"2.0","method":"in_batch","id":1,BESIDE},{"jsonrpc":"2.0","method":"note",BESIDE}]
--> {"jsonrpc":"2.0","id":1,"result":null}
<-- {"jsonrpc":"2.0","method":"back","id":2,BESIDE}
--> {"jsonrpc":"2.0","id":2,"result":null}
<-- {"jsonrpc":"2.0","id":1,"result":"0af7651916cd43dd8448eb211c80319c"}
"#;
    raw.play(&script.replace("BESIDE", &beside)).await;
}

#[tokio::test(start_paused = true)]
async fn a_trace_may_come_in_the_meta_of_params_and_a_broken_one_is_none() {
    let (mut raw, _) = Raw::connect(
        Router::new().method("ask", |cx: Context, _: serde_json::Value| async move {
            Ok(cx.trace().map(|trace| trace.parent_id().to_owned()))
        }),
        Limits::server(),
    );
    let script = r#"
--> {"jsonrpc":"2.0","id":1,"method":"ask","params":{"_meta":{"traceparent":"PARENT"}}}
<-- {"jsonrpc":"2.0","id":1,"result":"b7ad6b7169203331"}
--> {"jsonrpc":"2.0","id":2,"method":"ask","traceparent":"00-0-0-0"}
<-- {"jsonrpc":"2.0","id":2,"result":null}
--> {"jsonrpc":"2.0","id":3,"method":"ask","traceparent":7,"tracestate":{}}
<-- {"jsonrpc":"2.0","id":3,"result":null}
--> {"jsonrpc":"2.0","id":4,"method":"ask","traceparent":"PARENT","traceparent":"PARENT"}
<-- {"jsonrpc":"2.0","id":4,"error":{"code":-32600,"message":"`traceparent` is given twice"}}
"#;
    raw.play(&script.replace("PARENT", PARENT)).await;
}

#[tokio::test(start_paused = true)]
async fn an_idempotency_key_goes_along_and_has_a_length() {
    let (mut raw, peer) = Raw::connect(Router::new(), Limits::client());
    let call = peer.call::<()>("pay", (1,)).idempotency_key("k-1").no_timeout().start();
    let expected = r#"{"jsonrpc":"2.0","method":"pay","params":[1],"id":1,"idempotencyKey":"k-1"}"#;
    assert_eq!(raw.receive().await, expected);
    drop(call);
    for wrong in [String::new(), "x".repeat(129)] {
        let refused = peer.call::<()>("pay", (1,)).idempotency_key(wrong).await;
        assert!(matches!(refused, Err(CallError::Encode(_))), "{refused:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn extra_members_count_for_the_size_of_a_message() {
    let mut limits = Limits::client();
    limits.message_out = 200;
    let config = rpc_core::transport::EndpointConfig::new(Router::new(), limits);
    let peer = rpc_core::transport::Endpoint::new(config).peer();
    let refused = peer.call::<()>("pay", ()).idempotency_key("k".repeat(128)).await;
    let Err(CallError::Encode(why)) = refused else { panic!("{refused:?}") };
    assert!(why.message().contains("`message_out`"), "{why}");
}

#[tokio::test(start_paused = true)]
async fn a_trace_crosses_connections() {
    let back = Router::new().method("seen", |cx: Context, (): ()| async move {
        Ok(cx.trace().map(|trace| trace.traceparent().to_owned()))
    });
    let (far, _keep) = memory::pair(Router::new(), back);
    let middle = Router::new().method("pass", move |_: Context, (): ()| {
        let far = far.clone();
        async move { Ok(far.call::<Option<String>>("seen", ()).await?) }
    });
    let (mut raw, _) = Raw::connect(middle, Limits::server());
    let script = r#"
--> {"jsonrpc":"2.0","id":1,"method":"pass","traceparent":"PARENT"}
<-- {"jsonrpc":"2.0","id":1,"result":"PARENT"}
--> {"jsonrpc":"2.0","id":2,"method":"pass"}
<-- {"jsonrpc":"2.0","id":2,"result":null}
"#;
    raw.play(&script.replace("PARENT", PARENT)).await;
}
