//! `Dialect`: how LSP and MCP cancel calls, ask for progress and report it, in both roles.

mod support;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rpc_core::transport::{Endpoint, EndpointConfig, Hello};
use rpc_core::types::RawParams;
use rpc_core::{
    CallError, Context, Dialect, Fate, Limits, Peer, Progress, Router, Service, memory, service,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use support::layers::Log;
use support::rest::{Lives, settles};
use support::{Raw, assert_same, id_of};

#[service]
trait Tools {
    /// Reports what it is given.
    #[method(name = "tools/call", by_name)]
    async fn call(&self, reports: Vec<Value>, progress: Progress<Value>) -> u32;

    /// Runs until it is stopped.
    #[method(name = "wait")]
    async fn wait(&self);
}

#[derive(Default)]
struct Toolbox {
    running: Arc<AtomicUsize>,
}

impl Tools for Toolbox {
    async fn call(&self, reports: Vec<Value>, progress: Progress<Value>) -> u32 {
        reports.iter().for_each(|report| progress.report(report));
        7
    }

    async fn wait(&self) {
        let _life = Lives::new(&self.running);
        std::future::pending().await
    }
}

fn config(dialect: Dialect, services: impl Service) -> EndpointConfig {
    EndpointConfig::new(Router::new().service(services), Limits::server())
        .with(|config| config.dialect = dialect)
}

/// A raw end that has said nothing of what it knows, and the other, which speaks a dialect.
fn speaking(dialect: Dialect, services: impl Service) -> (Raw, Peer) {
    Raw::connect_to_stranger(config(dialect, services))
}

type Seen<T> = Arc<Mutex<Vec<T>>>;

fn into<T: Send + 'static>(seen: &Seen<T>) -> impl FnMut(T) + Send + use<T> {
    let seen = seen.clone();
    move |value| seen.lock().unwrap().push(value)
}

/// The next message, with its id as 1 wherever that stands; and the id.
async fn call_of(raw: &mut Raw) -> (String, String) {
    let message = raw.receive().await;
    let id = id_of(&message);
    (message.replace(&id, "1"), id)
}

#[tokio::test(start_paused = true)]
async fn a_call_of_mcp_that_is_cancelled_stops_and_is_not_answered() {
    let tools = Toolbox::default();
    let running = tools.running.clone();
    let (mut raw, peer) = speaking(Dialect::Mcp, ToolsServer::new(tools));
    raw.play(
        r#"
--> {"jsonrpc":"2.0","id":"a","method":"wait"}
--> {"jsonrpc":"2.0","id":2,"method":"wait"}
"#,
    )
    .await;
    assert_eq!(running.load(Ordering::SeqCst), 2);
    raw.play(
        r#"
--> {"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"a","reason":"no need"}}
--> {"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"2"}}
"#,
    )
    .await;
    assert_eq!(running.load(Ordering::SeqCst), 1, "`2` and `\"2\"` are two ids");
    // Its id can be used again; and our own cancel is answered, as ever.
    raw.play(
        r#"
--> {"jsonrpc":"2.0","id":"a","method":"wait"}
--> {"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":"a"}}
<-- {"jsonrpc":"2.0","id":"a","error":{"code":-32800,"message":"request cancelled","data":{"kind":"cancelled"}}}
--> {"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":2}}
--> {"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":2}}
"#,
    )
    .await;
    assert_eq!((running.load(Ordering::SeqCst), peer.stats().in_flight), (0, 0));
    assert_eq!(peer.stats().counters.malformed, 0);
    raw.notify("notifications/cancelled", "{}").await;
    settles(|| peer.stats().counters.malformed == 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_member_of_a_batch_that_is_cancelled_by_mcp_is_left_out_of_its_answer() {
    let (mut raw, _peer) = speaking(Dialect::Mcp, ToolsServer::new(Toolbox::default()));
    raw.play(
        r#"
--> [{"jsonrpc":"2.0","id":1,"method":"wait"},{"jsonrpc":"2.0","id":2,"method":"ping"}]
--> [{"jsonrpc":"2.0","id":3,"method":"wait"}]
--> {"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}
<-- [{"jsonrpc":"2.0","id":2,"result":{}}]
--> {"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":3}}
"#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn reports_to_mcp_are_in_its_words() {
    let (mut raw, peer) = speaking(Dialect::Mcp, ToolsServer::new(Toolbox::default()));
    raw.play(
        r#"
--> {"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"reports":[1,2.50,{"progress":3,"total":4,"message":"a}"},{ "progress":-1e2 }],"_meta":{"progressToken":"t"}}}
<-- {"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"t","progress":1}}
<-- {"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"t","progress":2.50}}
<-- {"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"t","progress":3,"total":4,"message":"a}"}}
<-- {"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"t","progress":-1e2}}
<-- {"jsonrpc":"2.0","id":1,"result":7}
--> {"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"reports":[1]}}
<-- {"jsonrpc":"2.0","id":2,"result":7}
--> {"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"reports":[1],"workDoneToken":9}}
<-- {"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":9,"progress":1}}
<-- {"jsonrpc":"2.0","id":3,"result":7}
--> {"jsonrpc":"2.0","id":4,"method":"tools/call","params":{"reports":["half",null,[1],{"total":1},{"progress":"1"},{"progress":1,"progressToken":2},5]},"progressToken":0}
<-- {"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":0,"progress":5}}
<-- {"jsonrpc":"2.0","id":4,"result":7}
"#,
    )
    .await;
    assert_eq!(peer.stats().counters.dropped, 6, "MCP has no words for these");
}

#[tokio::test(start_paused = true)]
async fn who_speaks_mcp_answers_its_ping() {
    let echo = |_: Context, method: String, _: RawParams| async move { Ok(method) };
    let own = Router::new().method("ping", |_: Context, (): ()| async { Ok("own") });
    for (services, expected) in
        [(Router::new(), "{}"), (Router::new().fallback(echo), "{}"), (own, r#""own""#)]
    {
        let (mut raw, _peer) = speaking(Dialect::Mcp, services);
        raw.send(r#"{"jsonrpc":"2.0","id":"p","method":"ping"}"#).await;
        let answer = format!(r#"{{"jsonrpc":"2.0","id":"p","result":{expected}}}"#);
        assert_same(&raw.receive().await, &answer);
    }
    let (mut raw, _peer) = speaking(Dialect::JsonRpc, Router::new());
    raw.send(r#"{"jsonrpc":"2.0","id":"p","method":"ping"}"#).await;
    assert!(raw.receive().await.contains("-32601"));
}

#[tokio::test(start_paused = true)]
async fn a_call_to_mcp_asks_for_progress_in_its_params_and_hears_it() {
    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Step {
        progress: f64,
        total: Option<f64>,
        message: Option<String>,
    }
    let (mut raw, peer) = speaking(Dialect::Mcp, Router::new());
    let (steps, numbers) = (Seen::<Step>::default(), Seen::<u32>::default());
    let call = peer
        .call::<u32>("tools/call", json!({"name":"x","_meta":{"a":1}}))
        .on_progress(into(&steps))
        .start();
    let (request, id) = call_of(&mut raw).await;
    assert_same(
        &request,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x","_meta":{"a":1,"progressToken":1}}}"#,
    );
    let report = |id: &str, rest: &str| format!(r#"{{"progressToken":{id},{rest}}}"#);
    let progress = "notifications/progress";
    raw.notify(progress, &report(&id, r#""progress":1"#)).await;
    raw.notify(progress, &report(&id, r#""progress":2,"total":4,"message":"half","_meta":{}"#))
        .await;
    raw.notify(progress, &report("\"other\"", r#""progress":9"#)).await;
    raw.notify(progress, &report(&id, r#""progress":"x""#)).await;
    raw.notify(progress, &format!("[{id},5]")).await;
    raw.send(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":1}}"#)).await;
    assert_eq!(call.await.unwrap(), 1);
    let half = Step { progress: 2.0, total: Some(4.0), message: Some("half".into()) };
    assert_eq!(*steps.lock().unwrap(), [Step { progress: 1.0, total: None, message: None }, half]);
    let counters = peer.stats().counters;
    assert_eq!(counters.malformed, 2, "params are an object, whose `progress` is a number");

    // Without params, and for a listener of numbers; in a batch as well.
    let call = peer.call::<u32>("x", ()).on_progress(into(&numbers)).start();
    let (request, id) = call_of(&mut raw).await;
    assert_same(
        &request,
        r#"{"jsonrpc":"2.0","id":1,"method":"x","params":{"_meta":{"progressToken":1}}}"#,
    );
    raw.notify(progress, &report(&id, r#""progress":3,"total":4"#)).await;
    raw.send(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":1}}"#)).await;
    assert_eq!((call.await.unwrap(), &**numbers.lock().unwrap()), (1, &[3][..]));
    let batch = peer.batch();
    let call = batch.call::<u32>("x", json!({"a":1})).on_progress(into(&numbers));
    batch.send().await.unwrap();
    let text = raw.receive().await;
    let id = id_of(&text[1..text.len() - 1]);
    assert_same(
        &text.replace(&id, "1"),
        r#"[{"jsonrpc":"2.0","id":1,"method":"x","params":{"a":1,"_meta":{"progressToken":1}}}]"#,
    );
    raw.send(&format!(r#"[{{"jsonrpc":"2.0","id":{id},"result":1}}]"#)).await;
    assert_eq!(call.await.unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_call_by_position_cannot_ask_for_progress_where_the_token_has_a_name() {
    for (dialect, place) in
        [(Dialect::Mcp, "`progressToken` in `_meta`"), (Dialect::Lsp, "`workDoneToken`")]
    {
        let (mut raw, peer) = speaking(dialect, Router::new());
        let asked = peer.call::<u32>("x", (1,)).on_progress(|_: u32| {}).await;
        let Err(CallError::Encode(why)) = asked else { panic!("{asked:?}") };
        assert!(
            why.message().contains(place) && why.message().contains("`by_name` in a trait"),
            "{why}"
        );
        assert!(raw.is_silent().await);
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_to_mcp_that_is_given_up_is_cancelled_in_its_words() {
    for hello in [Hello::Auto, Hello::Never] {
        let config = config(Dialect::Mcp, Router::new()).with(|config| config.hello = hello);
        let (mut raw, peer) = Raw::connect_to_stranger(config);
        let cancelled =
            r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#;
        let call = peer.call::<u32>("tools/call", ()).start();
        let (_, id) = call_of(&mut raw).await;
        drop(call);
        assert_same(&raw.receive().await.replace(&id, "1"), cancelled);
        let late = peer.call::<u32>("tools/call", ()).timeout(Duration::from_secs(1)).start();
        let (_, id) = call_of(&mut raw).await;
        let late = late.await;
        assert_eq!(late, Err(CallError::Timeout { fate: Fate::MaybeExecuted, heard: None }));
        assert_same(&raw.receive().await.replace(&id, "1"), cancelled);
        // MCP forbids that for this one.
        let call = peer.call::<u32>("initialize", json!({})).start();
        assert!(raw.receive().await.contains("initialize"));
        drop(call);
        let late = peer.call::<u32>("initialize", ()).timeout(Duration::from_secs(1)).await;
        assert!(late.is_err() && raw.receive().await.contains("initialize"));
        assert!(raw.is_silent().await);
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_to_a_language_server_asks_for_progress_in_its_params_and_is_cancelled() {
    let (mut raw, peer) = speaking(Dialect::Lsp, Router::new());
    let seen = Seen::<Value>::default();
    let position = json!({"textDocument":{"uri":"file:///a"},"workDoneToken":null});
    let call = peer.call::<u32>("textDocument/x", position).on_progress(into(&seen)).start();
    let (request, id) = call_of(&mut raw).await;
    assert_same(
        &request,
        r#"{"jsonrpc":"2.0","id":1,"method":"textDocument/x","params":{"textDocument":{"uri":"file:///a"},"workDoneToken":1}}"#,
    );
    let begin = r#"{"kind":"begin","title":"Indexing"}"#;
    raw.notify("$/progress", &format!(r#"{{"token":{id},"value":{begin}}}"#)).await;
    raw.send(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":1}}"#)).await;
    assert_eq!(call.await.unwrap(), 1);
    assert_eq!(*seen.lock().unwrap(), [json!({"kind":"begin","title":"Indexing"})]);
    // `shutdown` has no params; a plain call has nothing beside them.
    let call = peer.call::<()>("shutdown", ()).start();
    let (request, id) = call_of(&mut raw).await;
    drop(call);
    assert_same(&request, r#"{"jsonrpc":"2.0","id":1,"method":"shutdown"}"#);
    assert_same(
        &raw.receive().await.replace(&id, "1"),
        r#"{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":1}}"#,
    );
}

#[tokio::test(start_paused = true)]
async fn a_language_client_gets_reports_and_answers_to_what_it_cancels() {
    let (mut raw, _peer) = speaking(Dialect::Lsp, ToolsServer::new(Toolbox::default()));
    raw.play(
        r#"
--> {"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"reports":[{"kind":"begin"}],"workDoneToken":"w"}}
<-- {"jsonrpc":"2.0","method":"$/progress","params":{"token":"w","value":{"kind":"begin"}}}
<-- {"jsonrpc":"2.0","id":1,"result":7}
--> {"jsonrpc":"2.0","id":2,"method":"wait"}
--> {"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":2}}
<-- {"jsonrpc":"2.0","id":2,"error":{"code":-32800,"message":"request cancelled","data":{"kind":"cancelled"}}}
"#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_closure_reports_under_the_token_that_its_params_name() {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Rename {
        work_done_token: Option<Value>,
    }
    let rename = |cx: Context, params: Rename| async move {
        let progress = cx.progress_under(&params.work_done_token);
        progress.report(&1);
        Ok(progress.is_wanted())
    };
    let (mut raw, _peer) = speaking(Dialect::Lsp, Router::new().method("rename", rename));
    raw.play(
        r#"
--> {"jsonrpc":"2.0","id":1,"method":"rename","params":{"workDoneToken":"w"}}
<-- {"jsonrpc":"2.0","method":"$/progress","params":{"token":"w","value":1}}
<-- {"jsonrpc":"2.0","id":1,"result":true}
--> {"jsonrpc":"2.0","id":2,"method":"rename","params":{"workDoneToken":[1]}}
<-- {"jsonrpc":"2.0","id":2,"result":false}
--> {"jsonrpc":"2.0","id":3,"method":"rename","params":{"workDoneToken":null},"progressToken":7}
<-- {"jsonrpc":"2.0","method":"$/progress","params":{"token":7,"value":1}}
<-- {"jsonrpc":"2.0","id":3,"result":true}
"#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn reports_that_belong_to_no_call_reach_a_fallback_in_lsp_and_mcp() {
    for (dialect, name, rest) in [
        (Dialect::JsonRpc, "$/progress", None),
        (Dialect::Lsp, "$/progress", Some((r#""token""#, r#""value":{"kind":"end"}"#))),
        (Dialect::Mcp, "notifications/progress", Some((r#""progressToken""#, r#""progress":1"#))),
    ] {
        let log = Log::default();
        let heard = log.clone();
        let router =
            Router::new().fallback(move |_: Context, method: String, params: RawParams| {
                heard.add(format!("{method} {}", params.as_str().unwrap_or_default()));
                std::future::ready(Ok(()))
            });
        let (mut raw, peer) = speaking(dialect, router);
        let call = peer.call::<u32>("x", ()).start();
        let id = id_of(&raw.receive().await);
        drop(call);
        if dialect != Dialect::JsonRpc {
            assert!(raw.receive().await.contains(&id), "it is cancelled");
        }
        let (token, value) = rest.unwrap_or((r#""token""#, r#""value":1"#));
        for of in ["\"indexing\"", &id] {
            raw.notify(name, &format!("{{{token}:{of},{value}}}")).await;
        }
        if dialect == Dialect::Mcp {
            raw.notify("notifications/cancelled", r#"{"requestId":1}"#).await;
        }
        raw.notify("$/ours", "{}").await;
        assert!(raw.is_silent().await);
        let mut expected = vec!["$/ours {}".to_owned()];
        if rest.is_some() {
            expected.insert(0, format!("{name} {{{token}:\"indexing\",{value}}}"));
        }
        assert_eq!(log.take(), expected, "{dialect:?}");
        // A request of that name is none of these.
        raw.send(r#"{"jsonrpc":"2.0","id":1,"method":"$/progress"}"#).await;
        assert!(raw.receive().await.contains("-32601"));
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_dialect_its_words_are_names_as_any_other() {
    let log = Log::default();
    let heard = log.clone();
    let router = Router::new().service(ToolsServer::new(Toolbox::default())).notification(
        "notifications/cancelled",
        move |_: Context, params: Value| {
            heard.add(params.to_string());
            std::future::ready(())
        },
    );
    assert!(router.check().is_ok() && Dialect::Lsp.check(router.methods()).is_ok());
    let (mut raw, peer) = speaking(Dialect::JsonRpc, router);
    raw.play(
        r#"
--> {"jsonrpc":"2.0","id":1,"method":"wait"}
--> {"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}
--> {"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"reports":["a"],"_meta":{"progressToken":"t"}}}
<-- {"jsonrpc":"2.0","method":"$/progress","params":{"token":"t","value":"a"}}
<-- {"jsonrpc":"2.0","id":2,"result":7}
"#,
    )
    .await;
    assert_eq!((log.take(), peer.stats().in_flight), (vec![r#"{"requestId":1}"#.into()], 1));
    // To a stranger nothing is said of a call that is given up.
    let call = peer.call::<u32>("x", json!({})).on_progress(|_: u32| {}).start();
    let (request, _) = call_of(&mut raw).await;
    drop(call);
    assert_same(&request, r#"{"jsonrpc":"2.0","id":1,"method":"x","params":{},"progressToken":1}"#);
    assert!(raw.is_silent().await);
}

#[test]
fn names_that_a_dialect_has_for_itself_cannot_be_offered() {
    for name in ["notifications/cancelled", "notifications/progress"] {
        let router = || Router::new().notification(name, |_: Context, _: Value| async {});
        let error = Dialect::Mcp.check(router().methods()).unwrap_err().to_string();
        assert!(error.contains(name) && error.contains("`Dialect::Mcp`"), "{error}");
        assert!(Dialect::JsonRpc.check(router().methods()).is_ok());
        let endpoint = Endpoint::new(EndpointConfig::new(router(), Limits::server()));
        assert!(
            endpoint.set_dialect(Dialect::Mcp).is_err()
                && endpoint.set_dialect(Dialect::Lsp).is_ok()
        );
        let made = || Endpoint::new(config(Dialect::Mcp, router()));
        assert!(std::panic::catch_unwind(made).is_err());
    }
}

/// Both ends of ours: all of it together, over one trait.
#[tokio::test(start_paused = true)]
async fn two_ends_that_speak_one_dialect_understand_each_other() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Step {
        progress: u32,
    }
    for dialect in [Dialect::JsonRpc, Dialect::Lsp, Dialect::Mcp] {
        for knows in [false, true] {
            let tools = Toolbox::default();
            let running = tools.running.clone();
            let (left, right) = memory::transports(64 * 1024);
            let near = Endpoint::new(config(dialect, Router::new()));
            let far = Endpoint::new(EndpointConfig::new(
                Router::new().service(ToolsServer::new(tools)),
                Limits::server(),
            ));
            far.set_dialect(dialect).unwrap();
            if knows {
                near.set_extended(true);
                far.set_extended(false);
            }
            let (peer, other) = (near.peer(), far.peer());
            tokio::spawn(near.connect(left));
            tokio::spawn(far.connect(right));
            let steps = Seen::<Step>::default();
            let reports = json!({"reports":[{"progress":1},{"progress":2}]});
            let call = peer.call::<u32>("tools/call", reports).on_progress(into(&steps));
            assert_eq!(call.await.unwrap(), 7);
            let expected = [Step { progress: 1 }, Step { progress: 2 }];
            assert_eq!(*steps.lock().unwrap(), expected, "{dialect:?}");
            let waits = peer.call::<()>("wait", ()).start();
            settles(|| running.load(Ordering::SeqCst) == 1).await;
            drop(waits);
            if knows || dialect != Dialect::JsonRpc {
                settles(|| running.load(Ordering::SeqCst) == 0).await;
                assert_eq!(other.stats().in_flight, 0);
            }
            let counted = (peer.stats().counters, other.stats().counters);
            assert_eq!(counted, Default::default(), "{dialect:?}");
        }
    }
}
