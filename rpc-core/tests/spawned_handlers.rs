//! Handlers in tasks and on threads of their own.

mod support;

use std::sync::mpsc;
use std::time::Duration;

use rpc_core::schema::{MethodInfo, MethodKind};
use rpc_core::types::{Handler, Params};
use rpc_core::{Context, ErrorObject, Limits, Router, Service, memory};
use support::Raw;

/// Two methods that run elsewhere: `spin` in a task, `block` on a thread until it is let go.
struct Elsewhere {
    methods: Vec<MethodInfo>,
    gate: std::sync::Arc<std::sync::Mutex<mpsc::Receiver<()>>>,
}

fn elsewhere() -> (mpsc::Sender<()>, Elsewhere) {
    let (open, gate) = mpsc::channel();
    let gate = std::sync::Arc::new(std::sync::Mutex::new(gate));
    let names = ["spawned", "blocking", "panics", "asks"];
    let methods = names.map(|name| MethodInfo::new(name, MethodKind::Request)).into();
    (open, Elsewhere { methods, gate })
}

impl Service for Elsewhere {
    fn methods(&self) -> &[MethodInfo] {
        &self.methods
    }

    fn call(&self, method: usize, cx: &Context, _: Params<'_>) -> Handler {
        let gate = self.gate.clone();
        match method {
            0 => {
                Handler::spawned(cx, async { Ok::<_, ErrorObject>(tokio::task::id().to_string()) })
            }
            1 => Handler::blocking(cx, move || {
                gate.lock().unwrap().recv().expect("the test lets it go");
                Ok::<_, ErrorObject>("done")
            }),
            2 => Handler::spawned(cx, async {
                tokio::task::yield_now().await;
                if true {
                    panic!("secret");
                }
                Ok::<_, ErrorObject>(())
            }),
            _ => {
                let peer = cx.peer();
                Handler::spawned(cx, async move {
                    Ok::<_, ErrorObject>(peer.call::<u8>("question", ()).await.unwrap())
                })
            }
        }
    }
}

#[tokio::test]
async fn a_spawned_handler_has_a_task_of_its_own_and_may_panic_there() {
    let (_open, service) = elsewhere();
    let (peer, _) = memory::pair(Router::new(), service);
    let first: String = peer.call("spawned", ()).await.unwrap();
    assert_ne!(first, peer.call::<String>("spawned", ()).await.unwrap());
    let error = peer.call::<()>("panics", ()).await.unwrap_err().to_string();
    assert!(error.contains("-32603") && !error.contains("secret"), "{error}");
}

/// A thread cannot be stopped: its call is answered, but it keeps a place until it is done.
#[tokio::test]
async fn a_cancelled_handler_keeps_its_place_until_it_has_really_ended() {
    let (open, service) = elsewhere();
    let mut limits = Limits::server();
    limits.inflight_requests = 1;
    let (mut raw, _peer) = Raw::connect(Router::new().service(service), limits);
    raw.send(r#"{"jsonrpc":"2.0","id":1,"method":"blocking"}"#).await;
    assert!(raw.is_silent().await);
    raw.send(r#"{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":1}}"#).await;
    assert!(raw.receive().await.contains("-32800"));
    raw.send(r#"{"jsonrpc":"2.0","id":2,"method":"spawned"}"#).await;
    assert!(raw.receive().await.contains("`inflight_requests`"));
    open.send(()).unwrap();
    loop {
        raw.send(r#"{"jsonrpc":"2.0","id":3,"method":"spawned"}"#).await;
        if raw.receive().await.contains("result") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// The calls of a spawned handler are its own: they lend its place, and inherit its deadline.
#[tokio::test(start_paused = true)]
async fn a_spawned_handler_lends_its_place() {
    let (_open, service) = elsewhere();
    let mut limits = Limits::server();
    limits.inflight_requests = 1;
    let (mut raw, _peer) = Raw::connect(Router::new().service(service), limits);
    raw.send(r#"{"jsonrpc":"2.0","id":1,"method":"asks","timeoutMs":5000}"#).await;
    let question = raw.receive().await;
    assert!(question.contains("\"timeoutMs\":5000"), "{question}");
    raw.send(r#"{"jsonrpc":"2.0","id":2,"method":"spawned"}"#).await;
    assert!(raw.receive().await.contains("\"id\":2,\"result\""));
    raw.send(r#"{"jsonrpc":"2.0","id":1,"result":7}"#).await;
    assert_eq!(raw.receive().await, r#"{"jsonrpc":"2.0","id":1,"result":7}"#);
}
