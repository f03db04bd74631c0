//! What models and documents say of methods that may change or go.

use rpc_core::schema::{Discovery, DocumentInfo, End, MethodModel, Model};
use rpc_core::transport::{Endpoint, EndpointConfig};
use rpc_core::{Limits, Router, Streaming, memory, service};
use serde_json::{Value, json};

mod without {
    #[rpc_core::service(namespace = "lab", schema)]
    pub(super) trait Lab {
        async fn known(&self) -> u8;
    }
}

mod stable {
    #[rpc_core::service(namespace = "lab", schema)]
    pub(super) trait Lab {
        async fn known(&self) -> u8;
        async fn peek(&self) -> u64;
    }
}

#[service(namespace = "lab", schema)]
trait Lab {
    async fn known(&self) -> u8;
    /// Looks inside.
    #[method(unstable)]
    async fn peek(&self) -> Inside;
    #[subscription(unstable)]
    async fn watch(&self) -> Streaming<u8>;
}

#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
struct Inside {
    depth: u8,
}

fn model() -> Model {
    Model::server().serves(LabServer::INFO).build().unwrap()
}

fn peek(model: &Model) -> Option<&MethodModel> {
    model.services[0].methods.iter().find(|method| method.name == "lab.peek")
}

#[test]
fn the_model_and_its_documents_tell_that_a_method_is_unstable() {
    let model = model();
    assert!(peek(&model).unwrap().unstable && !model.services[0].methods[0].unstable);
    let read = Model::from_json(&model.to_json()).unwrap();
    assert_eq!(read, model);
    let document = model.openrpc(End::Server, &DocumentInfo::new("Lab", "1"));
    let marks: Vec<_> = document["methods"].as_array().unwrap().iter().collect();
    let marks: Vec<_> = marks
        .iter()
        .map(|method| (method["name"].as_str().unwrap(), method.get("x-unstable")))
        .collect();
    let yes = json!(true);
    assert_eq!(
        marks,
        [
            ("lab.known", None),
            ("lab.peek", Some(&yes)),
            ("lab.watch", Some(&yes)),
            ("lab.unsubscribe_watch", Some(&yes)),
        ]
    );
    let module = model.typescript(End::Client, "two-way-json-rpc").unwrap().code;
    let docs = "   * Looks inside.\n   * @experimental The method may change or go.";
    assert!(module.contains(docs), "{module}");
}

/// Who does not ask has the same service with and without the method.
#[test]
fn an_unstable_method_is_no_part_of_the_digest() {
    let without = Model::client().calls(without::LabClient::INFO).build().unwrap();
    assert_eq!(without.services[0].digest, model().services[0].digest);
    let stable = Model::client().calls(stable::LabClient::INFO).build().unwrap();
    assert_ne!(stable.services[0].digest, model().services[0].digest);
}

#[test]
fn an_unstable_method_may_change_and_go_and_become_stable() {
    let of = |info| Model::server().serves(info).build().unwrap();
    let (without, stable) = (of(without::LabServer::INFO), of(stable::LabServer::INFO));
    let gone = model().diff(&without);
    assert!(!gone.breaks() && gone.changes.len() == 2, "{gone}");
    let old_client: Vec<_> = model().diff(&stable).changes.into_iter().map(|it| it.text).collect();
    assert!(old_client[0].starts_with("the result"), "{old_client:?}");
    assert!(!model().diff(&stable).changes[0].breaks);
    // A new client of an old server counts on the method.
    let new_client = model().diff(&stable).changes.into_iter().find(|it| it.breaks).unwrap();
    assert_eq!(new_client.text, "the result: `object` may come, and only `integer` is read");
    let less = stable.diff(&model()).changes.into_iter().filter(|it| it.breaks);
    let less: Vec<_> = less.map(|it| it.text).collect();
    assert_eq!(less[1], "only who asks for unstable methods is served");
}

#[tokio::test]
async fn the_model_has_unstable_methods_only_for_who_asks() {
    let served = Router::new().service(Discovery::new(&()).with_model(&model()));
    let (left, right) = memory::transports(64 * 1024);
    let far = Endpoint::new(EndpointConfig::new(served, Limits::server()));
    tokio::spawn(far.connect(right));
    let near = EndpointConfig::new(Router::new(), Limits::client());
    let near = Endpoint::new(near.with(|config| config.unstable = true));
    let peer = near.peer();
    tokio::spawn(near.connect(left));
    let told = |peer: rpc_core::Peer| async move {
        let told: Value = peer.call("rpc.model", (["none"],)).await.unwrap();
        Model::from_json(&told.to_string()).unwrap()
    };
    let stranger = told(peer.clone()).await;
    assert_eq!((peek(&stranger), stranger.definitions.len()), (None, 0), "no hello was said");
    peer.notify("$/hello", json!({"duplex": 1, "unstable": true})).await.unwrap();
    assert_eq!(told(peer).await, model());
}
