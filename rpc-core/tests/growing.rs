//! Traits grow, and ends that do not know it yet go on.

mod support;

use std::sync::{Arc, Mutex};

use rpc_core::{Context, Limits, Router, memory, service};
use serde::Deserialize;
use support::Raw;
use support::warnings::Warnings;

/// As it was at first.
mod old {
    use rpc_core::service;

    #[service]
    pub(super) trait Chat {
        async fn join(&self, room: &str) -> String;
        async fn count(&self) -> u32;
        #[method(by_name)]
        async fn find(&self, text: String) -> String;
    }
}

/// Each method has gained what may be left out.
#[service]
trait Chat {
    async fn join(&self, room: &str, nick: Option<String>, seat: Option<u8>) -> String;
    async fn count(&self, #[param(default)] of: Option<String>) -> u32;
    #[method(by_name)]
    async fn find(&self, before: Option<u8>, text: String, after: Option<u8>) -> String;
}

struct Old;

impl old::Chat for Old {
    async fn join(&self, room: &str) -> String {
        room.to_owned()
    }

    async fn count(&self) -> u32 {
        7
    }

    async fn find(&self, text: String) -> String {
        text
    }
}

#[tokio::test]
async fn a_trait_may_gain_options_and_be_called_at_ends_that_do_not_know_them() {
    let (peer, _served) =
        memory::pair(Router::new(), Router::new().service(old::ChatServer::new(Old)));
    let chat = ChatClient::new(peer);
    assert_eq!(chat.join("lobby", None, None).await.unwrap(), "lobby");
    assert_eq!(chat.count(None).await.unwrap(), 7);
    assert_eq!(chat.find(None, "x".into(), None).await.unwrap(), "x");
    let said = chat.join("lobby", Some("Ada".into()), None).await.unwrap_err();
    assert!(said.to_string().contains("takes 1 params (room), got 2"), "{said}");
}

#[tokio::test]
async fn what_is_none_is_not_sent_and_with_nothing_to_send_there_are_no_params() {
    let (mut raw, peer) = Raw::connect(Router::new(), Limits::server());
    let chat = ChatClient::new(peer.clone());
    let _calls = (
        chat.join("a", None, None).start(),
        chat.join("a", None, Some(1)).start(),
        chat.count(None).start(),
        chat.find(Some(1), "x".into(), None).start(),
    );
    for params in [
        r#""params":["a"],"#,
        r#""params":["a",null,1],"#,
        "",
        r#""params":{"before":1,"text":"x"},"#,
    ] {
        let request = raw.receive().await;
        assert!(request.contains(&format!(r#"",{params}"id":"#)), "{request}");
    }
    let batch = peer.batch();
    let _counted = ChatClient::new(&batch).count(None);
    batch.send().await.unwrap();
    assert!(!raw.receive().await.contains("params"));
}

#[service]
trait Editor {
    #[notification]
    async fn publish(&self, uri: String, nick: Option<String>);
    async fn open(&self, uri: String);
}

/// What was published.
#[derive(Clone, Default)]
struct Published(Arc<Mutex<Vec<String>>>);

impl Editor for Published {
    async fn publish(&self, uri: String, _: Option<String>) {
        self.0.lock().unwrap().push(uri);
    }

    async fn open(&self, _: String) {}
}

#[derive(Deserialize)]
struct Of {
    uri: String,
}

/// The trait, and a closure that does as it.
fn editor(published: &Published) -> Router {
    let log = published.clone();
    Router::new()
        .service(EditorServer::new(published.clone()))
        .notification("closure", move |_: Context, of: Of| {
            log.0.lock().unwrap().push(of.uri);
            async {}
        })
        .method("closed", |_: Context, of: Of| async move { Ok(of.uri) })
}

#[tokio::test]
async fn a_notification_with_names_that_its_method_does_not_know_is_served_and_warned_of_once() {
    let (warnings, _guard) = Warnings::here();
    let published = Published::default();
    let (mut raw, _peer) = Raw::connect(editor(&published), Limits::server());
    let mut expected = Vec::new();
    for method in ["publish", "closure"] {
        for unknown in ["version", "vers\\nion", "other"] {
            let params = format!(r#"{{"{unknown}":[{{"a":1}}],"uri":"{method}","more":2}}"#);
            raw.send(&format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":{params}}}"#))
                .await;
            expected.push(method);
        }
        raw.play(
            r#"
--> {"jsonrpc":"2.0","id":1,"method":"open","params":{"uri":"a"}}
<-- {"jsonrpc":"2.0","id":1,"result":null}
"#,
        )
        .await;
        let [told] = warnings.take().try_into().expect("one warning for each method");
        assert!(told.contains(&format!("method={method:?}")) && told.contains("version"), "{told}");
    }
    assert_eq!(*published.0.lock().unwrap(), expected);
}

/// Its caller can be told.
#[tokio::test]
async fn a_request_with_names_that_its_method_does_not_know_is_refused() {
    let (mut raw, _peer) = Raw::connect(editor(&Published::default()), Limits::server());
    raw.play(
        r#"
--> {"jsonrpc":"2.0","id":1,"method":"open","params":{"uri":"a","version":1}}
<-- {"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"unknown parameter `version`"}}
--> {"jsonrpc":"2.0","id":2,"method":"closed","params":{"uri":"a","version":1}}
<-- {"jsonrpc":"2.0","id":2,"error":{"code":-32602,"message":"unknown parameter `version`"}}
"#,
    )
    .await;
}

#[tokio::test]
async fn params_that_are_null_are_no_params() {
    let (warnings, _guard) = Warnings::here();
    let published = Published::default();
    let router = editor(&published)
        .service(old::ChatServer::new(Old))
        .method("pair", |_: Context, of: (Option<u8>,)| async move { Ok(of.0) })
        .notification("heard", {
            let log = published.clone();
            move |_: Context, (): ()| {
                log.0.lock().unwrap().push("heard".into());
                async {}
            }
        });
    let (mut raw, _peer) = Raw::connect(router, Limits::server());
    raw.play(
        r#"
--> {"jsonrpc":"2.0","method":"heard","params":null}
--> {"jsonrpc":"2.0","id":1,"method":"count","params":null}
<-- {"jsonrpc":"2.0","id":1,"result":7}
--> {"jsonrpc":"2.0","id":2,"method":"pair","params": null }
<-- {"jsonrpc":"2.0","id":2,"result":null}
--> {"jsonrpc":"2.0","id":3,"method":"$/ping","params":null}
<-- {"jsonrpc":"2.0","id":3,"result":null}
"#,
    )
    .await;
    assert_eq!(
        (&**published.0.lock().unwrap(), warnings.take().len()),
        (&["heard".to_owned()][..], 0)
    );
}
