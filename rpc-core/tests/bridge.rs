//! A bridge: it passes on every request and notification of one peer to another, and what comes of them back.

mod support;

use std::time::Duration;

use rpc_core::layers::{Layers, Timeout};
use rpc_core::transport::EndpointConfig;
use rpc_core::types::RawParams;
use rpc_core::{CallError, Context, Dialect, ErrorObject, Limits, Peer, Router, memory};
use serde_json::Value;
use serde_json::value::RawValue;
use support::rest::settles;
use support::{Raw, assert_same, id_of};

/// Offers all that `target` does, whatever that is.
fn bridge_to(target: Peer) -> Router {
    Router::new().fallback(move |cx: Context, method: String, params: RawParams| {
        let target = target.clone();
        async move {
            if cx.is_notification() {
                target.notify(&method, params).await.map_err(|_| ErrorObject::internal())?;
                return Ok(RawValue::NULL.to_owned());
            }
            target.call::<Box<RawValue>>(&method, params).forwarded().await
        }
    })
}

/// Two raw ends with a bridge between them, the asking one first, and the bridge's peers of both.
fn bridge(layers: Layers) -> (Raw, Raw, Peer, Peer) {
    let mut config = EndpointConfig::new(Router::new(), Limits::client());
    config.layers = layers;
    let (far, target) = Raw::connect_as(config, 64 * 1024);
    let (near, peer) = Raw::connect(bridge_to(target.clone()), Limits::server());
    (near, far, peer, target)
}

/// The request that arrives at the far end, without what is of the second leg alone; and its id there.
async fn arrived(far: &mut Raw) -> (String, String) {
    let message = far.receive().await;
    let mut message: serde_json::Map<_, _> = serde_json::from_str(&message).unwrap();
    let id = message.remove("id").map(|id| id.to_string()).unwrap_or_default();
    message.remove("timeoutMs");
    (serde_json::Value::from(message).to_string(), id)
}

#[tokio::test(start_paused = true)]
async fn requests_and_notifications_pass_as_they_are_and_so_do_answers() {
    let (mut near, mut far, _peer, _target) = bridge(Layers::new());
    near.send(r#"{"jsonrpc":"2.0","id":"x","method":"a/b","params":{"n":1.50,"z":[],"a":null}}"#)
        .await;
    let text = far.receive().await;
    assert!(text.contains(r#""params":{"n":1.50,"z":[],"a":null}"#), "copied: {text}");
    let id = id_of(&text);
    far.send(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"b":1.0, "a":1e2}}}}"#)).await;
    assert_eq!(near.receive().await, r#"{"jsonrpc":"2.0","id":"x","result":{"b":1.0, "a":1e2}}"#);

    near.send(r#"{"jsonrpc":"2.0","id":1,"method":"none"}"#).await;
    let (request, id) = arrived(&mut far).await;
    assert_same(&request, r#"{"jsonrpc":"2.0","method":"none"}"#);
    far.send(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":null}}"#)).await;
    assert_eq!(near.receive().await, r#"{"jsonrpc":"2.0","id":1,"result":null}"#);

    for (method, params) in [("$/setTrace", r#"{"value":"off"}"#), ("Other.x", "[1]")] {
        near.notify(method, params).await;
        assert_same(
            &far.receive().await,
            &format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":{params}}}"#),
        );
    }
    assert!(near.is_silent().await && far.is_silent().await);
}

#[tokio::test(start_paused = true)]
async fn errors_keep_code_message_and_data() {
    let errors = [
        r#"{"code":-32601,"message":"no such method","data":[1.0]}"#,
        r#"{"code":-32602,"message":"bad","data":{"kind":"invalid_params","violations":[]}}"#,
        r#"{"code":1001,"message":"refused","data":{"who":"Ada"}}"#,
        r#"{"code":-32009,"message":"busy: later","data":{"kind":"busy","retryAfterMs":250}}"#,
        r#"{"code":-32012,"message":"late","data":{"kind":"deadline","at":3}}"#,
        r#"{"code":-32800,"message":"stopped","data":{"kind":"cancelled"}}"#,
        r#"{"code":-32014,"message":"gone","data":{"kind":"interrupted","closeCode":1012}}"#,
        r#"{"code":-32603,"message":"internal error"}"#,
    ];
    let (mut near, mut far, _peer, _target) = bridge(Layers::new());
    for error in errors {
        near.send(r#"{"jsonrpc":"2.0","id":1,"method":"m"}"#).await;
        let (_, id) = arrived(&mut far).await;
        far.send(&format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{error}}}"#)).await;
        assert_eq!(near.receive().await, format!(r#"{{"jsonrpc":"2.0","id":1,"error":{error}}}"#));
    }
    // Within layers, which have read what is busy or late, the code remains.
    let (mut near, mut far, _peer, _target) =
        bridge(Layers::new().layer(Timeout::new(Duration::from_secs(60))));
    for error in errors {
        near.send(r#"{"jsonrpc":"2.0","id":1,"method":"m"}"#).await;
        let (_, id) = arrived(&mut far).await;
        far.send(&format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{error}}}"#)).await;
        let code = &error[..error.find(',').unwrap()];
        let answer = near.receive().await;
        assert!(answer.contains(code), "{answer} for {error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_cancel_and_a_deadline_pass_through() {
    let (mut near, mut far, _peer, target) = bridge(Layers::new());
    near.send(r#"{"jsonrpc":"2.0","id":1,"method":"m"}"#).await;
    let (_, id) = arrived(&mut far).await;
    near.notify("$/cancelRequest", r#"{"id":1}"#).await;
    assert!(near.receive().await.contains("-32800"));
    let cancel =
        format!(r#"{{"jsonrpc":"2.0","method":"$/cancelRequest","params":{{"id":{id}}}}}"#);
    assert_same(&far.receive().await, &cancel);
    near.send(r#"{"jsonrpc":"2.0","id":2,"method":"m","timeoutMs":1000}"#).await;
    let request: serde_json::Value = serde_json::from_str(&far.receive().await).unwrap();
    assert!(request["timeoutMs"].as_u64().unwrap() <= 1000, "{request}");
    assert!(near.receive().await.contains("-32012"));
    assert!(far.receive().await.contains("$/cancelRequest"));
    settles(|| target.stats().pending == 0).await;
}

#[tokio::test(start_paused = true)]
async fn progress_and_cancels_of_mcp_pass_through_with_the_tokens_and_ids_of_each_leg() {
    let speaking = |services| {
        let config = EndpointConfig::new(services, Limits::server());
        Raw::connect_to_stranger(config.with(|config| config.dialect = Dialect::Mcp))
    };
    let (mut far, target) = speaking(Router::new());
    let (mut near, _peer) =
        speaking(Router::new().fallback(move |cx: Context, method: String, params: RawParams| {
            let (call, progress) = (target.call::<Box<RawValue>>(&method, params), cx.progress());
            let call = match progress.is_wanted() {
                true => call.on_progress(move |report: Value| progress.report(&report)),
                false => call,
            };
            call.forwarded()
        }));
    near.send(r#"{"jsonrpc":"2.0","id":"a","method":"tools/call","params":{"_meta":{"progressToken":"t"},"n":1.0}}"#)
        .await;
    let (request, id) = arrived(&mut far).await;
    assert_same(
        &request,
        &format!(
            r#"{{"jsonrpc":"2.0","method":"tools/call","params":{{"_meta":{{"progressToken":{id}}},"n":1.0}}}}"#
        ),
    );
    let step = r#""progress":1,"total":2"#;
    far.notify("notifications/progress", &format!(r#"{{"progressToken":{id},{step}}}"#)).await;
    assert_same(
        &near.receive().await,
        &format!(
            r#"{{"jsonrpc":"2.0","method":"notifications/progress","params":{{"progressToken":"t",{step}}}}}"#
        ),
    );
    near.notify("notifications/cancelled", r#"{"requestId":"a"}"#).await;
    assert_same(
        &far.receive().await,
        &format!(
            r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{id}}}}}"#
        ),
    );
    assert!(near.is_silent().await && far.is_silent().await);
}

#[tokio::test(start_paused = true)]
async fn where_nobody_is_there_any_more_calls_can_be_tried_again() {
    let (mut near, mut far, _peer, target) = bridge(Layers::new());
    near.send(r#"{"jsonrpc":"2.0","id":1,"method":"m"}"#).await;
    arrived(&mut far).await;
    far.close().await;
    target.closed().await;
    let lost = near.receive().await;
    assert!(lost.contains("-32014"), "it may have run: {lost}");
    near.send(r#"{"jsonrpc":"2.0","id":2,"method":"m"}"#).await;
    let busy = near.receive().await;
    assert!(busy.contains("-32009") && busy.contains("nobody is there"), "{busy}");
}

#[tokio::test(start_paused = true)]
async fn what_is_wrong_with_a_bridged_call_is_what_a_direct_caller_sees() {
    let target = Router::new().method("add", |_: Context, (a, b): (i64, i64)| async move {
        a.checked_add(b).ok_or_else(|| ErrorObject::new(7, "too much"))
    });
    let (direct, _target) = memory::pair(Router::new(), target);
    let (bridged, _bridge) = memory::pair(Router::new(), bridge_to(direct.clone()));
    for params in [(1, 2), (i64::MAX, 1)] {
        let (here, there) = (direct.call("add", params).await, bridged.call("add", params).await);
        assert_eq!(here, there);
        assert_eq!(here.is_ok(), params.0 == 1, "{here:?}");
        let _: Result<i64, CallError> = here;
    }
    for method in ["add", "sub"] {
        let (here, there) = (direct.call::<i64>(method, (1,)), bridged.call::<i64>(method, (1,)));
        assert_eq!(here.await, there.await);
    }
}
