//! `Router::forward`: calls that are handed on to another peer, as text.

mod support;

use std::time::Duration;

use rpc_core::layers::{CallFuture, CallNext, CallRequest, Layer, Layers, Timeout};
use rpc_core::transport::EndpointConfig;
use rpc_core::{CallError, Context, Dialect, ErrorObject, Limits, Peer, Router, Service, memory};
use support::rest::{at_rest, settles};
use support::{Raw, assert_same, id_of};

/// Two raw ends with a forwarding end between them.
struct Chain {
    /// Calls.
    near: Raw,
    /// Is called.
    far: Raw,
    /// The peers of the end between them: of `near` and of `far`.
    caller: Peer,
    target: Peer,
}

impl Chain {
    fn new() -> Self {
        Self::within(Layers::new(), Layers::new())
    }

    /// The same within layers around what is served, and around what is called.
    fn within(serving: Layers, calling: Layers) -> Self {
        let config = EndpointConfig::new(Router::new(), Limits::client());
        let config = config.with(|config| config.layers = calling);
        let (far, target) = Raw::connect_as(config, 64 * 1024);
        let router = Router::new()
            .method("own", |_: Context, (): ()| async { Ok("own") })
            .forward("*", target.clone());
        let config = EndpointConfig::new(router, Limits::server());
        let config = config.with(|config| config.layers = serving);
        let (near, caller) = Raw::connect_as(config, 64 * 1024);
        Self { near, far, caller, target }
    }

    async fn play(&mut self, script: &str) {
        play(&mut self.near, &mut self.far, script).await;
        assert!(self.near.is_silent().await && self.far.is_silent().await);
        at_rest(&[&self.caller, &self.target]).await;
    }
}

/// Plays a script: `near-->` is sent by the near end, and `near<--` arrives there; the same for `far`. In lines of the far
/// end `ID` stands for the id of the last request that arrived there.
async fn play(near: &mut Raw, far: &mut Raw, script: &str) {
    let mut id = String::new();
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (end, text) = line.split_once(' ').unwrap();
        match end {
            "near-->" => near.send(text).await,
            "near<--" => assert_same(&near.receive().await, text),
            "far-->" => far.send(&text.replace("ID", &id)).await,
            "far<--" => {
                let message = far.receive().await;
                if message.contains(r#""id":"#) && message.contains(r#""method":"#) {
                    let named = id_of(&message);
                    id = if named == "null" { id } else { named };
                }
                assert_same(&message, &text.replace("ID", &id));
            }
            _ => panic!("a line begins with an end: {line}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn texts_are_passed_on_as_they_are() {
    let mut chain = Chain::new();
    let Chain { near, far, .. } = &mut chain;
    near.send(r#"{"jsonrpc":"2.0","id":"x","method":"a/b\n","params":{"n":1.50, "z":[ 1e2 ]}}"#)
        .await;
    let text = far.receive().await;
    assert!(text.contains(r#""method":"a/b\n","params":{"n":1.50, "z":[ 1e2 ]}"#), "{text}");
    let id = id_of(&text);
    far.send(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"b":1.0, "a":1e2}}}}"#)).await;
    assert_eq!(near.receive().await, r#"{"jsonrpc":"2.0","id":"x","result":{"b":1.0, "a":1e2}}"#);
    chain
        .play(
            r#"
near--> {"jsonrpc":"2.0","id":1,"method":"own"}
near<-- {"jsonrpc":"2.0","id":1,"result":"own"}
near--> {"jsonrpc":"2.0","id":2,"method":"none"}
far<-- {"jsonrpc":"2.0","id":ID,"method":"none","forwarded":1}
far--> {"jsonrpc":"2.0","id":ID,"result":null}
near<-- {"jsonrpc":"2.0","id":2,"result":null}
near--> {"jsonrpc":"2.0","method":"Other.event","params":[1,2]}
far<-- {"jsonrpc":"2.0","method":"Other.event","params":[1,2],"forwarded":1}
near--> {"jsonrpc":"2.0","method":"$/setTrace","params":{"value":"off"}}
far<-- {"jsonrpc":"2.0","method":"$/setTrace","params":{"value":"off"},"forwarded":1}
near--> {"jsonrpc":"2.0","id":3,"method":"rpc.discover"}
near<-- {"jsonrpc":"2.0","id":3,"error":{"code":-32601,"message":"no method `rpc.discover`"}}
"#,
        )
        .await;
}

#[tokio::test(start_paused = true)]
async fn what_stands_beside_the_params_goes_along() {
    const TRACE: &str = r#""traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01","tracestate":"a=1""#;
    let mut chain = Chain::new();
    chain.near.send(&format!(r#"{{"jsonrpc":"2.0","id":1,"method":"m","params":{{"_meta":{{"a":1}}}},"timeoutMs":1000,{TRACE}}}"#)).await;
    let text = chain.far.receive().await;
    let request: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert!(text.contains(TRACE) && text.contains(r#""params":{"_meta":{"a":1}}"#), "{text}");
    assert!((1..=1000).contains(&request["timeoutMs"].as_u64().unwrap()), "the rest of it: {text}");
    assert_eq!(request["forwarded"], 1);
    assert!(chain.near.receive().await.contains("-32012"));
    assert!(chain.far.receive().await.contains("$/cancelRequest"));

    chain.near.send(&format!(r#"{{"jsonrpc":"2.0","method":"n",{TRACE},"forwarded":3}}"#)).await;
    let text = chain.far.receive().await;
    assert!(text.contains(TRACE) && text.contains(r#""forwarded":4"#), "{text}");
    at_rest(&[&chain.caller, &chain.target]).await;
}

#[tokio::test(start_paused = true)]
async fn a_call_without_a_deadline_is_given_none_and_a_cancel_passes_through() {
    let mut chain = Chain::new();
    chain.near.send(r#"{"jsonrpc":"2.0","id":1,"method":"m"}"#).await;
    let text = chain.far.receive().await;
    assert!(!text.contains("timeoutMs"), "{text}");
    tokio::time::sleep(Duration::from_secs(24 * 3600)).await;
    let id = id_of(&text);
    chain.near.notify("$/cancelRequest", r#"{"id":1}"#).await;
    assert!(chain.near.receive().await.contains("-32800"));
    let cancel =
        format!(r#"{{"jsonrpc":"2.0","method":"$/cancelRequest","params":{{"id":{id}}}}}"#);
    assert_same(&chain.far.receive().await, &cancel);
    at_rest(&[&chain.caller, &chain.target]).await;
}

#[tokio::test(start_paused = true)]
async fn a_method_that_has_answered_with_a_result_is_not_said_to_be_handed_on_each_time() {
    Chain::new()
        .play(
            r#"
near--> {"jsonrpc":"2.0","id":1,"method":"m"}
far<-- {"jsonrpc":"2.0","id":ID,"method":"m","forwarded":1}
far--> {"jsonrpc":"2.0","id":ID,"error":{"code":1,"message":"no"}}
near<-- {"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"no"}}
near--> {"jsonrpc":"2.0","id":1,"method":"m"}
far<-- {"jsonrpc":"2.0","id":ID,"method":"m","forwarded":1}
far--> {"jsonrpc":"2.0","id":ID,"result":1}
near<-- {"jsonrpc":"2.0","id":1,"result":1}
near--> {"jsonrpc":"2.0","id":1,"method":"m"}
far<-- {"jsonrpc":"2.0","id":ID,"method":"m"}
far--> {"jsonrpc":"2.0","id":ID,"result":1}
near<-- {"jsonrpc":"2.0","id":1,"result":1}
"#,
        )
        .await;
}

#[tokio::test(start_paused = true)]
async fn progress_is_passed_on_under_the_token_of_each_leg() {
    Chain::new()
        .play(
            r#"
near--> {"jsonrpc":"2.0","id":1,"method":"build","progressToken":"t"}
far<-- {"jsonrpc":"2.0","id":ID,"method":"build","progressToken":ID,"forwarded":1}
far--> {"jsonrpc":"2.0","method":"$/progress","params":{"token":ID,"value":{"step":1.0}}}
near<-- {"jsonrpc":"2.0","method":"$/progress","params":{"token":"t","value":{"step":1.0}}}
far--> {"jsonrpc":"2.0","id":ID,"result":"built"}
near<-- {"jsonrpc":"2.0","id":1,"result":"built"}
"#,
        )
        .await;
}

#[tokio::test(start_paused = true)]
async fn under_mcp_progress_and_cancels_have_its_form() {
    let speaking = |services| {
        let config = EndpointConfig::new(services, Limits::server());
        Raw::connect_to_stranger(config.with(|config| config.dialect = Dialect::Mcp))
    };
    let (mut far, target) = speaking(Router::new());
    let (mut near, caller) = speaking(Router::new().forward("*", target.clone()));
    play(
        &mut near,
        &mut far,
        r#"
near--> {"jsonrpc":"2.0","id":"a","method":"tools/call","params":{"_meta":{"progressToken":"t","x":1},"n":1.0}}
far<-- {"jsonrpc":"2.0","id":ID,"method":"tools/call","params":{"_meta":{"progressToken":ID,"x":1},"n":1.0}}
far--> {"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":ID,"progress":1,"total":2}}
near<-- {"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"t","progress":1,"total":2}}
near--> {"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"a"}}
far<-- {"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":ID}}
"#,
    )
    .await;
    // Params by position cannot ask for progress there. The call goes through all the same.
    near.send(r#"{"jsonrpc":"2.0","id":2,"method":"m","params":[1],"progressToken":5}"#).await;
    let text = far.receive().await;
    assert!(text.contains(r#""params":[1]"#) && !text.contains("oken"), "{text}");
    far.send(&format!(r#"{{"jsonrpc":"2.0","id":{},"result":1}}"#, id_of(&text))).await;
    assert!(near.receive().await.contains(r#""result":1"#));
    at_rest(&[&caller, &target]).await;
}

#[tokio::test(start_paused = true)]
async fn errors_keep_code_message_and_data() {
    let mut chain = Chain::new();
    for error in [
        r#"{"code":-32601,"message":"no such method","data":[1.0]}"#,
        r#"{"code":1001,"message":"refused \"x\"","data":{"who": "Ada", "n":1e2}}"#,
        r#"{"code":-32009,"message":"busy: later","data":{"kind":"busy","retryAfterMs":250}}"#,
        r#"{"code":-32012,"message":"late","data":{"kind":"deadline","at":3}}"#,
        r#"{"code":-32800,"message":"stopped","data":{"kind":"cancelled"}}"#,
        r#"{"code":-32014,"message":"gone","data":{"kind":"interrupted","closeCode":1012}}"#,
    ] {
        chain.near.send(r#"{"jsonrpc":"2.0","id":1,"method":"m"}"#).await;
        let id = id_of(&chain.far.receive().await);
        chain.far.send(&format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{error}}}"#)).await;
        let expected = format!(r#"{{"jsonrpc":"2.0","id":1,"error":{error}}}"#);
        assert_eq!(chain.near.receive().await, expected);
    }
    at_rest(&[&chain.caller, &chain.target]).await;
}

#[tokio::test(start_paused = true)]
async fn members_of_a_batch_are_handed_on_one_by_one() {
    Chain::new()
        .play(
            r#"
near--> [{"jsonrpc":"2.0","id":1,"method":"a"},{"jsonrpc":"2.0","method":"b"},{"jsonrpc":"2.0","id":2,"method":"own"}]
far<-- {"jsonrpc":"2.0","id":ID,"method":"a","forwarded":1}
far<-- {"jsonrpc":"2.0","method":"b","forwarded":1}
far--> {"jsonrpc":"2.0","id":ID,"result":1}
near<-- [{"jsonrpc":"2.0","id":1,"result":1},{"jsonrpc":"2.0","id":2,"result":"own"}]
"#,
        )
        .await;
}

#[tokio::test(start_paused = true)]
async fn the_loss_of_the_other_peer_is_told_with_the_fate_of_the_call() {
    let mut chain = Chain::new();
    chain.near.send(r#"{"jsonrpc":"2.0","id":1,"method":"m"}"#).await;
    chain.far.receive().await;
    chain.far.close().await;
    chain.target.closed().await;
    let lost = chain.near.receive().await;
    assert!(lost.contains("-32014"), "it may have run: {lost}");
    chain.near.send(r#"{"jsonrpc":"2.0","id":2,"method":"m"}"#).await;
    let busy = chain.near.receive().await;
    assert!(busy.contains("-32009") && busy.contains("nobody is there"), "{busy}");
    chain.near.notify("n", "[]").await;
    assert!(chain.near.is_silent().await);
    at_rest(&[&chain.caller, &chain.target]).await;
}

#[tokio::test(start_paused = true)]
async fn the_loss_of_the_caller_cancels_its_calls() {
    let mut chain = Chain::new();
    chain.near.send(r#"{"jsonrpc":"2.0","id":1,"method":"m"}"#).await;
    let id = id_of(&chain.far.receive().await);
    chain.near.close().await;
    let cancel =
        format!(r#"{{"jsonrpc":"2.0","method":"$/cancelRequest","params":{{"id":{id}}}}}"#);
    assert_same(&chain.far.receive().await, &cancel);
    at_rest(&[&chain.caller, &chain.target]).await;
}

#[tokio::test(start_paused = true)]
async fn a_plain_peer_is_sent_nothing_beyond_the_specification() {
    let config = EndpointConfig::new(Router::new(), Limits::server());
    let (mut far, target) = Raw::connect_to_stranger(config);
    let (mut near, caller) =
        Raw::connect(Router::new().forward("*", target.clone()), Limits::server());
    near.send(r#"{"jsonrpc":"2.0","id":1,"method":"m","timeoutMs":50,"idempotencyKey":"k","forwarded":2}"#)
        .await;
    let text = far.receive().await;
    let id = id_of(&text);
    assert_same(&text, &format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"m"}}"#));
    near.send(r#"{"jsonrpc":"2.0","method":"n","forwarded":2}"#).await;
    assert_same(&far.receive().await, r#"{"jsonrpc":"2.0","method":"n"}"#);
    assert!(near.receive().await.contains("-32012"));
    assert!(far.is_silent().await);
    at_rest(&[&caller, &target]).await;
}

#[tokio::test(start_paused = true)]
async fn a_key_is_handed_on_with_its_caller_and_its_answer_is_kept_here() {
    let (mut far, target) = Raw::connect(Router::new(), Limits::server());
    let connect = || Raw::connect(Router::new().forward("pay", target.clone()), Limits::server());
    let pay =
        r#"{"jsonrpc":"2.0","id":1,"method":"pay","params":[100],"idempotencyKey":"order-17"}"#;
    let mut keys = Vec::new();
    for name in [None, Some("ada"), Some("bob")] {
        let (mut near, caller) = connect();
        if let Some(name) = name {
            caller.identify(name).unwrap();
        }
        near.send(pay).await;
        let request: serde_json::Value = serde_json::from_str(&far.receive().await).unwrap();
        let key = request["idempotencyKey"].as_str().unwrap().to_owned();
        let expected = name.unwrap_or(caller.id());
        assert_eq!(key, format!("{}:{expected}order-17", expected.len()));
        keys.push(key);
        let answer = format!(r#"{{"jsonrpc":"2.0","id":{},"result":"paid"}}"#, request["id"]);
        far.send(&answer).await;
        assert!(near.receive().await.contains("paid"));
        near.send(pay).await;
        assert!(near.receive().await.contains("paid"), "from here, and the far end hears nothing");
        assert!(far.is_silent().await);
    }
    keys.dedup();
    assert_eq!(keys.len(), 3, "callers do not share their keys");

    let (mut near, caller) = connect();
    caller.identify("x".repeat(120)).unwrap();
    near.send(pay).await;
    let refused = near.receive().await;
    assert!(
        refused.contains("-32602") && refused.contains("too long to be handed on"),
        "{refused}"
    );
    assert!(far.is_silent().await);
}

#[tokio::test(start_paused = true)]
async fn own_names_come_first_then_the_longest_pattern_then_the_fallback() {
    let echo = |name: &'static str| {
        let served = Router::new().fallback(move |_: Context, method: String, _| async move {
            Ok(format!("{name} {method}"))
        });
        memory::pair(Router::new(), served).0
    };
    let router = Router::new()
        .forward("tools.*", echo("tools"))
        .method("tools.own", |_: Context, (): ()| async { Ok("own") })
        .service(
            Router::new().forward("tools.admin.*", echo("admin")).forward("eth_*", echo("eth")),
        )
        .forward("tools.admin.one", echo("one"))
        .fallback(|_: Context, _: String, _| async { Ok("fallback") });
    assert_eq!(router.check(), Ok(()));
    let names: Vec<_> = router.methods().iter().map(|method| &*method.name).collect();
    assert_eq!(names, ["tools.*", "tools.own", "tools.admin.*", "eth_*", "tools.admin.one", "*"]);
    let (peer, _) = memory::pair(Router::new(), router);
    for (method, expected) in [
        ("tools.own", "own"),
        ("tools.a", "tools tools.a"),
        ("tools.", "tools tools."),
        ("tools.admin.a", "admin tools.admin.a"),
        ("tools.admin.one", "one tools.admin.one"),
        ("tools.admin.one.more", "admin tools.admin.one.more"),
        ("eth_a", "eth eth_a"),
        ("tools", "fallback"),
    ] {
        assert_eq!(peer.call::<String>(method, ()).await.unwrap(), expected, "{method}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_fallback_for_notifications_takes_those_that_a_star_would_hand_on() {
    let (mut far, target) = Raw::connect(Router::new(), Limits::server());
    let (events, mut heard) = tokio::sync::mpsc::unbounded_channel();
    let router = Router::new()
        .forward("*", target.clone())
        .forward("log.*", target.clone())
        .notification_fallback(move |_: Context, method: String, _| {
            events.send(method).unwrap();
            std::future::ready(())
        });
    assert_eq!(router.check(), Ok(()));
    let (mut near, _caller) = Raw::connect(router, Limits::server());
    near.notify("event", "[]").await;
    assert_eq!(heard.recv().await.unwrap(), "event");
    near.notify("log.line", "[]").await;
    assert!(far.receive().await.contains("log.line"));
    near.send(r#"{"jsonrpc":"2.0","id":1,"method":"event"}"#).await;
    assert!(far.receive().await.contains(r#""method":"event""#));
    assert!(heard.is_empty());
}

#[tokio::test]
async fn patterns_that_cannot_be_served_are_mistakes() {
    let (peer, _) = memory::pair(Router::new(), Router::new());
    let nothing = |_: Context, (): ()| async { Ok(()) };
    let fallback = |_: Context, _: String, _| async { Ok(()) };
    let forward = |pattern: &'static str| Router::new().forward(pattern, peer.clone());
    for (router, expected) in [
        (forward("a.*").forward("a.*", peer.clone()), "`a.*` is handed on twice"),
        (forward("a").forward("a", peer.clone()), "`a` is offered twice: once to be handed on"),
        (forward("a").method("a", nothing), "`a` is offered twice"),
        (
            Router::new().method("a", nothing).forward("a", peer.clone()),
            "`a` is offered twice: once to be handed on",
        ),
        (
            forward("a.*.b"),
            "`a.*.b` is no pattern: it is a whole name, or the beginning of names and one `*` behind it",
        ),
        (
            forward("*.*"),
            "`*.*` is no pattern: it is a whole name, or the beginning of names and one `*` behind it",
        ),
        (
            forward("*").fallback(fallback),
            "a fallback beside the pattern `*`: no name is left for it",
        ),
        (
            Router::new().fallback(fallback).service(forward("*")),
            "a fallback beside the pattern `*`: no name is left for it",
        ),
    ] {
        assert_eq!(router.check().unwrap_err().to_string(), expected);
    }
    for reserved in ["rpc.*", "rpc.discover", "$/cancelRequest"] {
        let error = forward(reserved).check().unwrap_err().to_string();
        assert!(error.contains("is reserved"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn peers_that_hand_on_to_each_other_end_a_call_after_16_times() {
    // Each end of the pair hands on to the other what comes from outside, and back.
    let (ends, mut others) = (std::sync::Arc::new(std::sync::OnceLock::<Peer>::new()), Vec::new());
    let to = ends.clone();
    let back = Router::new().forward_to("*", |cx: &Context| Ok(cx.peer()));
    let (a, b) = memory::pair(back, Router::new().forward_to("*", |cx: &Context| Ok(cx.peer())));
    others.push(b.clone());
    ends.set(a.clone()).unwrap();
    // Both ends have heard the hello of the other.
    assert!(a.call::<()>("rpc.x", ()).await.is_err() && b.call::<()>("rpc.x", ()).await.is_err());
    let (peer, _) = memory::pair(
        Router::new(),
        Router::new().forward_to("*", move |_: &Context| Ok(to.get().unwrap().clone())),
    );
    let error = peer.call::<()>("lost", ()).await.unwrap_err();
    let CallError::Remote(error) = error else { panic!("{error:?}") };
    assert_eq!(error.code, -32601);
    assert_eq!(error.message, "`lost` was handed on 16 times: the peers form a loop");
    peer.notify("lost", ()).await.unwrap();
    at_rest(&[&peer, &a, &b]).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_wrong_with_a_call_is_what_a_direct_caller_sees() {
    let target = Router::new().method("add", |_: Context, (a, b): (i64, i64)| async move {
        a.checked_add(b).ok_or_else(|| ErrorObject::new(7, "too much"))
    });
    let (direct, _target) = memory::pair(Router::new(), target);
    let (through, _end) = memory::pair(Router::new(), Router::new().forward("*", direct.clone()));
    for params in [(1, 2), (i64::MAX, 1)] {
        let here: Result<i64, CallError> = direct.call("add", params).await;
        assert_eq!(here, through.call("add", params).await);
        assert_eq!(here.is_ok(), params.0 == 1, "{here:?}");
    }
    for method in ["add", "sub"] {
        let (here, there) = (direct.call::<i64>(method, (1,)), through.call::<i64>(method, (1,)));
        assert_eq!(here.await, there.await);
    }
}

struct Renames;

impl Layer for Renames {
    fn call(&self, mut request: CallRequest, next: CallNext) -> CallFuture {
        request.set_params(&("changed",)).unwrap();
        next.call(request)
    }
}

#[tokio::test(start_paused = true)]
async fn layers_see_calls_that_are_handed_on() {
    let serving = Layers::new().layer(Timeout::new(Duration::from_secs(5)));
    let mut chain = Chain::within(serving, Layers::new().layer(Renames));
    play(
        &mut chain.near,
        &mut chain.far,
        r#"
near--> {"jsonrpc":"2.0","method":"n","params":[1]}
far<-- {"jsonrpc":"2.0","method":"n","params":["changed"],"forwarded":1}
"#,
    )
    .await;
    chain.near.send(r#"{"jsonrpc":"2.0","id":1,"method":"m","params":[1]}"#).await;
    let text = chain.far.receive().await;
    assert!(
        text.contains(r#""params":["changed"]"#) && text.contains(r#""forwarded":1"#),
        "{text}"
    );
    assert!(chain.near.receive().await.contains("-32012"), "the layer's time");
    settles(|| chain.target.stats().pending == 0).await;
}

#[tokio::test(start_paused = true)]
async fn what_exceeds_the_limits_of_a_leg_is_refused_by_name() {
    let [mut client, mut server] = [Limits::client(), Limits::server()];
    (client.message_out, server.message_out) = (1000, 1000);
    let (mut far, target) = Raw::connect(Router::new(), client);
    let (mut near, caller) = Raw::connect(Router::new().forward("*", target.clone()), server);
    let long = "x".repeat(1000);
    near.send(&format!(r#"{{"jsonrpc":"2.0","id":1,"method":"m","params":["{long}"]}}"#)).await;
    let refused = near.receive().await;
    assert!(refused.contains("-32602") && refused.contains("`message_out`"), "{refused}");
    near.notify("n", &format!(r#"["{long}"]"#)).await;
    near.send(r#"{"jsonrpc":"2.0","id":2,"method":"m"}"#).await;
    let id = id_of(&far.receive().await);
    far.send(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":"{long}"}}"#)).await;
    assert!(near.receive().await.contains("-32008"));
    at_rest(&[&caller, &target]).await;
}

#[tokio::test(start_paused = true)]
async fn hostile_answers_and_members_harm_no_other_call() {
    let mut chain = Chain::new();
    for wrong in ["0", "256", "-1", "\"1\"", "null", "[]"] {
        chain
            .near
            .send(&format!(r#"{{"jsonrpc":"2.0","id":1,"method":"m","forwarded":{wrong}}}"#))
            .await;
        let refused = chain.near.receive().await;
        assert!(refused.contains("-32600") && refused.contains("`forwarded`"), "{refused}");
    }
    chain.near.send(r#"{"jsonrpc":"2.0","id":1,"method":"m","forwarded":255}"#).await;
    assert!(chain.near.receive().await.contains("form a loop"));
    let answers = [
        (r#""result":1,"error":{"code":1,"message":"m"}"#, "-32603"),
        (r#""error":[]"#, "-32603"),
        (r#""result":{"$stream":"s"}"#, r#"{"$stream":"s"}"#),
        (r#""result":{"$stream":[1],"item":"i","unsubscribe":"u"}"#, "-32603"),
        (r#""result":{"$stream":"s","item":"i"}"#, r#""item":"i""#),
    ];
    for (at, (answer, expected)) in answers.into_iter().enumerate() {
        chain.near.send(&format!(r#"{{"jsonrpc":"2.0","id":1,"method":"m{at}"}}"#)).await;
        let id = id_of(&chain.far.receive().await);
        chain.far.send(&format!(r#"{{"jsonrpc":"2.0","id":{id},{answer}}}"#)).await;
        let seen = chain.near.receive().await;
        assert!(seen.contains(expected), "{seen}");
        // The same id again is stray.
        chain.far.send(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":2}}"#)).await;
    }
    chain
        .play(
            r#"
near--> {"jsonrpc":"2.0","id":9,"method":"other"}
far<-- {"jsonrpc":"2.0","id":ID,"method":"other","forwarded":1}
far--> {"jsonrpc":"2.0","id":ID,"result":7}
near<-- {"jsonrpc":"2.0","id":9,"result":7}
"#,
        )
        .await;
}
