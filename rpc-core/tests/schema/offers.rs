//! What two ends of different versions know of each other: from their hellos, and by asking.

use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use rpc_core::layers::{
    AccessLog, Authorize, Concurrency, Layer, Layers, ServeNext, ServeRequest, Timeout, Tracing,
};
use rpc_core::schema::{Discovery, Mismatch, Model, Offer};
use rpc_core::transport::{Endpoint, EndpointConfig, Hello};
use rpc_core::types::Handler;
use rpc_core::{CallError, ErrorCode, Limits, Peer, Router, Service, memory, service};

use crate::support::Raw;
use crate::support::ends::{ends, settle};

/// The server's version.
mod old {
    #[rpc_core::service(namespace = "chat", version = "1.1", schema)]
    pub(super) trait Chat {
        async fn join(&self, room: &str, seat: u8) -> u32;
        async fn leave(&self, room: &str) -> bool;
    }

    pub(super) struct Rooms;

    impl Chat for Rooms {
        async fn join(&self, _: &str, seat: u8) -> u32 {
            seat.into()
        }
        async fn leave(&self, _: &str) -> bool {
            true
        }
    }
}

/// The client's version.
#[service(namespace = "chat", version = "1.2", schema)]
trait Chat {
    async fn join(&self, room: &str) -> u32;
    async fn leave(&self, room: &str) -> bool;
    #[method(aliases("pin"))]
    async fn pin_up(&self, room: &str) -> bool;
}

/// The old version with one method more, which breaks nobody.
mod more {
    #[rpc_core::service(namespace = "chat", version = "1.1.1", schema)]
    pub(super) trait Chat {
        async fn join(&self, room: &str, seat: u8) -> u32;
        async fn leave(&self, room: &str) -> bool;
        async fn stay(&self) -> bool;
    }
}

#[service(namespace = "admin", schema)]
trait Admin {
    async fn stop(&self);
}

fn served() -> Model {
    Model::server().serves(old::ChatServer::INFO).build().unwrap()
}

fn called() -> Model {
    let model = Model::client().calls(ChatClient::INFO).calls(AdminClient::INFO);
    model.build().unwrap()
}

/// The hash of the services that a model has of this name.
fn hash<'a>(model: &'a Model, name: &str) -> &'a str {
    &model.services.iter().find(|service| service.name == name).unwrap().digest
}

/// The services of the old version, and a discovery.
fn server(discovery: Discovery) -> Router {
    Router::new().service(old::ChatServer::new(old::Rooms)).service(discovery)
}

fn discovery(model: &Model) -> Discovery {
    Discovery::new(&()).with_model(model)
}

fn hello(more: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","method":"$/hello","params":{{"duplex":1,"window":65536,"batch":100,"ack":true,"results":true,"sequences":true{more}}}}}"#
    )
}

const HELLO: &str = r#"{"jsonrpc":"2.0","method":"$/hello","params":{"duplex":1}}"#;

/// The hello with which an end answers.
async fn answered(config: EndpointConfig) -> String {
    let (mut raw, _peer) = Raw::connect_as(config, 64 * 1024);
    raw.send(HELLO).await;
    raw.receive().await
}

fn config(services: Router) -> EndpointConfig {
    EndpointConfig::new(services, Limits::server())
}

fn offers_of_server() -> String {
    let digest = hash(&served(), "Chat").to_owned();
    hello(&format!(r#","offers":[{{"name":"chat","version":"1.1","hash":"{digest}"}}]"#))
}

#[tokio::test(start_paused = true)]
async fn a_hello_tells_what_is_offered_only_if_the_program_says_so() {
    assert_eq!(answered(config(server(discovery(&served())))).await, hello(""));
    assert_eq!(answered(config(server(discovery(&served()).in_hello()))).await, offers_of_server());
    // Also in another router, and by who says hello first.
    let inner = Router::new().service(server(discovery(&served()).in_hello()));
    let (near, far) = memory::transports(64 * 1024);
    let first = config(inner).with(|config| config.hello = Hello::Always);
    tokio::spawn(Endpoint::new(first).connect(near));
    assert_eq!(Raw::over(far).receive().await, offers_of_server());
    // A session begins with it as well, and a plain end says nothing at all.
    let (near, far) = memory::transports(64 * 1024);
    let opens = Endpoint::new(config(server(discovery(&served()).in_hello())));
    opens.set_extended(true);
    tokio::spawn(opens.connect(near));
    assert_eq!(Raw::over(far).receive().await, offers_of_server());
}

/// A layer of an application, of which nobody knows what it lets through.
struct Unknown;

impl Layer for Unknown {
    fn serve(&self, call: ServeRequest<'_>, next: ServeNext<'_>) -> Handler {
        next.serve(call)
    }
}

struct Admins;

#[tokio::test(start_paused = true)]
async fn a_hello_tells_nothing_where_the_method_would_be_refused() {
    let open = || server(discovery(&served()).in_hello());
    let within = |layers: Layers| config(open()).with(|config| config.layers = layers);
    let around = |layer: Box<dyn Fn(Router) -> Router>| config(layer(open()));

    let harmless = Layers::new()
        .layer(Tracing::new())
        .layer(AccessLog::new())
        .layer(Arc::new(Concurrency::new(8)))
        .layer(Timeout::new(Duration::from_secs(1)))
        .layer(Authorize::new(|_, method| method.name == "rpc.model"));
    assert_eq!(answered(within(harmless)).await, offers_of_server());

    let denied = Authorize::new(|_, method| method.name != "rpc.model");
    assert_eq!(answered(within(Layers::new().layer(denied))).await, hello(""));
    let waits = Authorize::new_async(|_, _| ready(true));
    assert_eq!(
        answered(within(Layers::new().layer(waits))).await,
        hello(""),
        "a hello cannot wait"
    );
    let panics = Authorize::new(|_, _| -> bool { panic!("on purpose") });
    assert_eq!(answered(within(Layers::new().layer(panics))).await, hello(""));
    assert_eq!(answered(within(Layers::new().layer(Unknown))).await, hello(""));

    // Around a service, and around one connection.
    let service = |inner: Router| Router::new().service(inner.layer(Unknown));
    assert_eq!(answered(around(Box::new(service))).await, hello(""));
    let service = |inner: Router| Router::new().service(inner.layer(Tracing::new()));
    assert_eq!(answered(around(Box::new(service))).await, offers_of_server());
    for (is_admin, told) in [(false, hello("")), (true, offers_of_server())] {
        let endpoint = Endpoint::new(config(open()));
        endpoint.add_layer(Authorize::new(|cx, _| cx.caller::<Admins>().is_some()));
        if is_admin {
            endpoint.set_caller(Admins);
        }
        let (near, far) = memory::transports(64 * 1024);
        tokio::spawn(endpoint.connect(near));
        let mut raw = Raw::over(far);
        raw.send(HELLO).await;
        assert_eq!(raw.receive().await, told);
    }

    // A guest is told if it may call the method.
    for (method, told) in [("chat.leave", hello("")), ("rpc.model", offers_of_server())] {
        let endpoint = Endpoint::new(config(open()));
        let (limits, time) = (Limits::server(), Duration::from_secs(9));
        endpoint.require_login(&[method.into()], limits, time, ()).unwrap();
        let (near, far) = memory::transports(64 * 1024);
        tokio::spawn(endpoint.connect(near));
        let mut raw = Raw::over(far);
        raw.send(HELLO).await;
        assert_eq!(raw.receive().await, told);
    }
}

#[tokio::test(start_paused = true)]
async fn offers_that_cannot_be_are_ignored_and_counted() {
    let long = format!(r#"[{{"name":"{}","hash":""}}]"#, "x".repeat(2_048));
    let many = format!("[{}]", [r#"{"name":"","hash":""}"#; 65].join(","));
    for (wrong, malformed) in [
        ("1", 1),
        (r#"[{"name":"chat"}]"#, 1),
        (&*long, 1),
        (&*many, 1),
        ("[]", 0),
        (r#"[{"name":"chat","hash":"?","later":[1]}]"#, 0),
    ] {
        let (mut raw, peer) = Raw::connect_as(config(Router::new()), 64 * 1024);
        let said = format!(r#"{{"duplex":1,"batch":2,"offers":{wrong}}}"#);
        raw.notify("$/hello", &said).await;
        assert_eq!(raw.receive().await, hello(""), "the hello counts");
        assert_eq!(peer.stats().counters.malformed, malformed, "{wrong}");
        // Nobody is asked but by a program.
        assert!(raw.is_silent().await);
    }
}

/// A raw server that has said what it offers, and the client that calls it.
async fn raw_server(client: Router, offers: &str) -> (Raw, Peer) {
    let (near, far) = memory::transports(64 * 1024);
    let config = EndpointConfig::new(client, Limits::client());
    let endpoint = Endpoint::new(config.with(|config| config.keepalive = false));
    endpoint.set_extended(true);
    let peer = endpoint.peer();
    tokio::spawn(endpoint.connect(near));
    let mut raw = Raw::over(far);
    assert!(raw.receive().await.contains("$/hello"));
    raw.notify("$/hello", &format!(r#"{{"duplex":1,"offers":{offers}}}"#)).await;
    settle().await;
    (raw, peer)
}

#[tokio::test(start_paused = true)]
async fn equal_hashes_cost_no_message() {
    let model = called();
    let offers = format!(
        r#"[{{"name":"chat","hash":"{}"}},{{"name":"admin","hash":"{}"}}]"#,
        hash(&model, "Chat"),
        hash(&model, "Admin")
    );
    let (mut raw, peer) = raw_server(Router::new(), &offers).await;
    assert_eq!(peer.offers::<ChatClient>().await, Offer::Same);
    assert_eq!(peer.offers::<AdminClient>().await, Offer::Same);
    assert_eq!(model.offered_by(&peer).await, Offer::Same);
    assert!(raw.is_silent().await);
}

#[tokio::test(start_paused = true)]
async fn other_hashes_are_asked_about_when_the_program_asks() {
    let (mut raw, peer) = raw_server(Router::new(), r#"[{"name":"chat","hash":"?"}]"#).await;
    assert!(raw.is_silent().await);
    let asks = tokio::spawn({
        let peer = peer.clone();
        async move { peer.offers::<ChatClient>().await }
    });
    let asked = raw.receive().await;
    assert!(asked.contains(r#""method":"rpc.model""#), "{asked}");
    let id = crate::support::id_of(&asked);
    let model = serde_json::to_string(&served()).unwrap();
    raw.send(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{model}}}"#)).await;
    let Offer::Differs(diff) = asks.await.unwrap() else { panic!() };
    let told: Vec<_> = diff.changes.iter().map(|it| (&*it.method, &*it.text)).collect();
    assert_eq!(
        told,
        [
            ("chat.join", "the param `seat` is required, and is not sent"),
            ("chat.pin_up", "the other end has no such method"),
        ]
    );
}

fn answer(error: CallError) -> (i64, String, Option<Mismatch>) {
    let CallError::Remote(object) = &error else { panic!("{error}") };
    assert_eq!(error.mismatch(), object.mismatch());
    (object.code, error.to_string(), object.mismatch().cloned())
}

#[tokio::test(start_paused = true)]
async fn an_answer_tells_that_the_other_end_has_another_version() {
    let client = || Router::new().service(discovery(&called()).in_hello());
    let far = server(discovery(&served()).in_hello());
    let (peer, _far) = ends((client(), Limits::client()), (far, Limits::server()));
    let chat = ChatClient::new(peer.clone());
    settle().await;
    // The hellos alone tell the versions.
    let (code, text, mismatch) = answer(chat.pin_up("lobby").await.unwrap_err());
    assert_eq!(code, ErrorCode::METHOD_NOT_FOUND);
    assert_eq!(
        text,
        "no method `chat.pin_up` (code -32601): the other end's `chat` is version 1.1, not 1.2, and \
         lacks `chat.pin_up`"
    );
    let mismatch = mismatch.unwrap();
    assert_eq!((&*mismatch.service, mismatch.lacks.as_deref()), ("chat", Some("chat.pin_up")));
    assert_eq!(mismatch.offered.unwrap().version.as_deref(), Some("1.1"));
    let (code, text, _) = answer(chat.join("lobby").await.unwrap_err());
    assert_eq!(code, ErrorCode::INVALID_PARAMS);
    assert!(text.ends_with(": the other end's `chat` is version 1.1, not 1.2"), "{text}");
    let (.., mismatch) = answer(AdminClient::new(peer.clone()).stop().await.unwrap_err());
    assert_eq!(mismatch.unwrap().to_string(), "the other end offers no `admin`");
    // By an alias, by name and in a batch.
    let (.., mismatch) = answer(peer.call::<bool>("pin", ("lobby",)).await.unwrap_err());
    assert_eq!(mismatch.unwrap().lacks.as_deref(), Some("pin"));
    let batch = peer.batch();
    let pin = ChatClient::new(&batch).pin_up("lobby");
    batch.send().await.unwrap();
    assert!(answer(pin.await.unwrap_err()).2.is_some());
    // Nothing is known of a method that no service has.
    let (.., mismatch) = answer(peer.call::<bool>("other", ()).await.unwrap_err());
    assert_eq!(mismatch, None);
    // When the program has asked, an answer tells what differs.
    assert!(matches!(peer.offers::<ChatClient>().await, Offer::Differs(_)));
    let (_, text, _) = answer(chat.join("lobby").await.unwrap_err());
    assert!(
        text.ends_with(
            "the other end's `chat` is version 1.1, not 1.2: the param `seat` is required, and is not sent"
        ),
        "{text}"
    );
}

/// As with layers, whose calls come back as they are.
#[tokio::test(start_paused = true)]
async fn an_answer_passes_through_layers_with_what_it_tells() {
    let client = Router::new().service(discovery(&called()).in_hello());
    let near = EndpointConfig::new(client, Limits::client());
    let near = near.with(|config| config.layers = Layers::new().layer(Tracing::new()));
    let far = config(server(discovery(&served()).in_hello()));
    let near = near.with(|config| config.hello = Hello::Always);
    let (peer, _far) = crate::support::ends::ends_of(near, far, 64 * 1024);
    settle().await;
    let error = ChatClient::new(peer).pin_up("lobby").await.unwrap_err();
    assert!(error.mismatch().is_some(), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_call_before_the_hello_of_the_other_end_learns_of_its_version() {
    let client = Router::new().service(discovery(&called()).in_hello());
    let far = server(discovery(&served()).in_hello());
    let (peer, _far) = ends((client, Limits::client()), (far, Limits::server()));
    let error = ChatClient::new(peer).pin_up("lobby").await.unwrap_err();
    assert!(error.mismatch().is_some(), "{error}");
}

#[tokio::test(start_paused = true)]
async fn without_a_difference_an_answer_is_as_it_was() {
    let same = Model::client().calls(old::ChatClient::INFO).build().unwrap();
    let client = Router::new().service(discovery(&same).in_hello());
    let far = Router::new().service(discovery(&served()).in_hello());
    let (peer, _far) = ends((client, Limits::client()), (far, Limits::server()));
    settle().await;
    let (_, text, mismatch) =
        answer(old::ChatClient::new(peer.clone()).leave("x").await.unwrap_err());
    assert_eq!((&*text, mismatch), ("no method `chat.leave` (code -32601)", None));
    // And where nobody tells or asks, nothing is known.
    let (peer, _far) = memory::pair(Router::new(), Router::new());
    assert_eq!(answer(ChatClient::new(peer).pin_up("x").await.unwrap_err()).2, None);
}

#[tokio::test]
async fn each_end_may_ask_the_other() {
    let of_client = Model::client().serves(old::ChatServer::INFO).build().unwrap();
    let client = Router::new().service(discovery(&of_client));
    let (_peer, server) = memory::pair(client, Router::new());
    assert_eq!(server.offers::<old::ChatClient>().await, Offer::Same);
    let Offer::Differs(diff) = server.offers::<ChatClient>().await else { panic!() };
    assert_eq!(diff.changes[0].caller.as_str(), "server");
    assert_eq!(server.offers::<more::ChatClient>().await.to_owned(), {
        let own = Model::server().calls(more::ChatClient::INFO).build().unwrap();
        own.offered_by(&server).await
    });
}

#[tokio::test]
async fn what_breaks_no_call_is_compatible() {
    let more = Model::server().serves(more::ChatServer::INFO).build().unwrap();
    let far = Router::new().service(discovery(&more).in_hello());
    let (peer, _far) = memory::pair(Router::new(), far);
    let Offer::Compatible(diff) = peer.offers::<old::ChatClient>().await else { panic!() };
    assert_eq!(diff.changes, []);
    let (stranger, _) = memory::pair(Router::new(), Router::new());
    assert_eq!(stranger.offers::<ChatClient>().await, Offer::Unknown);
}
