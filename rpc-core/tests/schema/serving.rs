//! `rpc.discover` is off until a program serves a document, and a call like any other then.

use rpc_core::layers::Authorize;
use std::collections::BTreeMap;

use rpc_core::schema::{Discovery, DocumentInfo, End, Model, Offer, Pair, ServiceModel};
use rpc_core::{CallError, ErrorCode, Peer, Router, Service, memory};
use serde_json::{Value, json};

use crate::contract::{ChatClient, NodeServer, client, server};

fn document() -> Value {
    server().openrpc(End::Server, &DocumentInfo::new("Chat", "1.2.0"))
}

async fn discover(peer: &Peer) -> Result<Value, i64> {
    peer.call("rpc.discover", ()).await.map_err(|error| match error {
        CallError::Remote(error) => error.code,
        other => panic!("{other}"),
    })
}

#[tokio::test]
async fn nobody_is_told_unless_the_program_says_so() {
    let (peer, _) = memory::pair(Router::new(), Router::new());
    assert_eq!(discover(&peer).await, Err(ErrorCode::METHOD_NOT_FOUND));
}

#[tokio::test]
async fn the_document_is_answered_by_either_end() {
    let served = || Router::new().service(Discovery::new(&document()));
    let (first, second) = memory::pair(served(), served());
    assert_eq!(discover(&first).await, Ok(document()));
    assert_eq!(discover(&second).await, Ok(document()));
    assert_eq!(first.call::<Value>("rpc.discover", json!({})).await.unwrap(), document());
    let refused = first.call::<Value>("rpc.discover", (1,)).await.unwrap_err();
    assert!(matches!(refused, CallError::Remote(error) if error.code == ErrorCode::INVALID_PARAMS));
}

#[test]
fn no_other_service_has_its_name() {
    let closure =
        Router::new().method("rpc.discover", |_: rpc_core::Context, (): ()| async { Ok(1) });
    assert!(closure.check().is_err());
    let discovery = || Router::new().service(Discovery::new(&1));
    assert!(discovery().check().is_ok());
    assert!(Router::new().service(discovery()).check().is_ok(), "nor is it lost in another router");
    assert!(discovery().service(Discovery::new(&2)).check().is_err());
}

/// Authorization sees the method as any other.
#[tokio::test]
async fn a_layer_may_refuse_it() {
    let served = Router::new().service(Discovery::new(&document()));
    let closed = served.layer(Authorize::new(|_, method| method.name != "rpc.discover"));
    let (peer, _) = memory::pair(Router::new(), closed);
    assert_eq!(discover(&peer).await, Err(ErrorCode::NOT_AUTHORIZED));
}

/// Each end has its own schemas of `Settings`, and the same digest.
#[test]
fn the_digest_of_a_service_is_the_same_at_both_ends() {
    let digests = |model: &Model| {
        let named = |service: &ServiceModel| (service.name.clone(), service.digest.clone());
        model.services.iter().map(named).collect::<BTreeMap<_, _>>()
    };
    assert_eq!(digests(&server()), digests(&client()));
    assert_ne!(server().definitions, client().definitions);
    let alone = Model::client().calls(ChatClient::INFO).build().unwrap();
    assert_eq!(alone.services[0].digest, server().services[0].digest);
    assert_ne!(server().services[0].digest, server().services[1].digest);
}

async fn offered(discovery: Discovery, model: &Model) -> Offer {
    let (peer, _) = memory::pair(Router::new(), Router::new().service(discovery));
    model.offered_by(&peer).await
}

#[tokio::test]
async fn an_end_says_what_it_offers_to_who_asks() {
    let with_model = || Discovery::new(&document()).with_model(&server());
    assert_eq!(offered(with_model(), &client()).await, Offer::Same);
    assert_eq!(offered(Discovery::new(&document()), &client()).await, Offer::Unknown);
    // A client that does not serve what the server calls.
    let silent = Model::client().calls(ChatClient::INFO).build().unwrap();
    assert_eq!(offered(with_model(), &silent).await, Offer::Same);
    // The model of another server is none of a client.
    assert_eq!(offered(with_model(), &server()).await, Offer::Unknown);
}

#[tokio::test]
async fn what_differs_is_listed() {
    let older = Model::server().serves(NodeServer::INFO).build().unwrap();
    let offer = offered(Discovery::new(&()).with_model(&older), &client()).await;
    let Offer::Differs(diff) = offer else { panic!("{offer:?}") };
    let join = diff.changes.iter().find(|change| change.method == "chat.join").unwrap();
    assert_eq!((join.pair, &*join.text), (Pair::Connected, "the other end has no such method"));
}
