//! Names in `$/`: the protocol has some, and an application may have others.

mod support;

use std::sync::Mutex;

use rpc_core::{Context, Limits, Router, service};
use support::Raw;

/// What a language server has in `$/`: some of it is the protocol's, some its own.
#[service]
trait Traces {
    #[notification(name = "$/setTrace")]
    async fn set_trace(&self, value: &str);
    #[method(name = "$/trace")]
    async fn trace(&self) -> Vec<String>;
}

#[service(namespace = "$", separator = "/", rename_all = "camelCase")]
trait Logs {
    #[notification]
    async fn log_trace(&self, message: &str);
}

#[derive(Default)]
struct Tracer {
    set: Mutex<Vec<String>>,
}

impl Traces for Tracer {
    async fn set_trace(&self, value: &str) {
        self.set.lock().unwrap().push(value.to_owned());
    }
    async fn trace(&self) -> Vec<String> {
        self.set.lock().unwrap().clone()
    }
}

#[tokio::test(start_paused = true)]
async fn names_in_the_protocols_place_that_are_not_its_own_are_the_applications() {
    let services = Router::new().service(TracesServer::new(Tracer::default())).notification(
        "$/tell",
        |cx: Context, (): ()| async move {
            LogsClient::new(cx.peer()).log_trace("told").await.unwrap();
        },
    );
    let (mut raw, peer) = Raw::connect(services, Limits::server());
    raw.play(
        r#"
--> {"jsonrpc":"2.0","method":"$/setTrace","params":{"value":"verbose"}}
--> {"jsonrpc":"2.0","method":"$/setTrace","params":["off"]}
--> {"jsonrpc":"2.0","id":1,"method":"$/trace"}
<-- {"jsonrpc":"2.0","id":1,"result":["verbose","off"]}
--> {"jsonrpc":"2.0","method":"$/tell"}
<-- {"jsonrpc":"2.0","method":"$/logTrace","params":["told"]}
--> {"jsonrpc":"2.0","id":2,"method":"$/ping"}
<-- {"jsonrpc":"2.0","id":2,"result":null}
"#,
    )
    .await;
    assert_eq!(peer.stats().counters.malformed, 0);
}

#[tokio::test(start_paused = true)]
async fn unknown_names_in_the_protocols_place_are_ignored_or_not_found() {
    let services = Router::new().service(TracesServer::new(Tracer::default()));
    let (mut raw, peer) = Raw::connect(services, Limits::server());
    raw.play(
        r#"
--> {"jsonrpc":"2.0","method":"$/logTrace","params":{"message":"x"}}
--> {"jsonrpc":"2.0","method":"$/setTrace/","params":["x"]}
--> {"jsonrpc":"2.0","id":1,"method":"$/logTrace"}
<-- {"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no method `$/logTrace`"}}
--> {"jsonrpc":"2.0","id":2,"method":"$/trace"}
<-- {"jsonrpc":"2.0","id":2,"result":[]}
"#,
    )
    .await;
    let counters = peer.stats().counters;
    assert_eq!((counters.malformed, counters.dropped, counters.stray), (0, 0, 0));
}
