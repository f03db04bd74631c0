//! Services and stubs in another namespace than that of their trait.

mod support;

use std::sync::{Arc, Mutex};

use futures_util::{StreamExt, stream};
use rpc_core::schema::MethodKind;
use rpc_core::transport::{Endpoint, EndpointConfig, PeerRegistry};
use rpc_core::{
    CallError, Context, Limits, NotifyError, Router, Service, Streaming, memory, service,
};
use support::{Raw, assert_same};

#[service(namespace = "chat")]
trait Chat {
    #[method(aliases("finger", "chat.whois"))]
    async fn who(&self, cx: &Context) -> String;
    #[notification]
    async fn say(&self, text: &str);
    async fn said(&self) -> Vec<String>;
    async fn listen(&self) -> Streaming<u8>;
}

#[service(rename_all = "camelCase")]
trait Bare {
    async fn get_it(&self) -> u8;
}

#[service(dyn, namespace = "eth", separator = "_")]
trait Node {
    fn version(&self) -> u8;
}

#[derive(Default)]
struct Room(Mutex<Vec<String>>);

impl Chat for Room {
    async fn who(&self, cx: &Context) -> String {
        cx.method().to_owned()
    }
    async fn say(&self, text: &str) {
        self.0.lock().unwrap().push(text.to_owned());
    }
    async fn said(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
    async fn listen(&self) -> Streaming<u8> {
        Streaming::new(stream::iter([1]).chain(stream::pending()))
    }
}

impl Bare for Room {
    async fn get_it(&self) -> u8 {
        7
    }
}

impl Node for Room {
    fn version(&self) -> u8 {
        1
    }
}

#[service(namespace = "core")]
trait Core {
    #[subscription(item = "core.update", unsubscribe = "core.stop")]
    async fn subscribe(&self) -> Streaming<u8>;
}

impl Core for Room {
    async fn subscribe(&self) -> Streaming<u8> {
        Streaming::new(stream::pending())
    }
}

#[test]
fn the_names_of_items_and_of_what_ends_them_stay_where_they_are_written_whole() {
    let core = CoreServer::new(Room::default()).namespace("other");
    let method = &core.methods()[0];
    let MethodKind::Subscription { item, unsubscribe, .. } = &method.kind else { panic!() };
    assert_eq!(
        (&*method.name, &**item, &**unsubscribe),
        ("other.subscribe", "core.update", "core.stop")
    );
    let both = Router::new().service(CoreServer::new(Room::default())).service(core);
    assert_eq!(both.check(), Ok(()));
}

fn names(service: &impl Service) -> Vec<&str> {
    service.methods().iter().map(|method| &*method.name).collect()
}

#[test]
fn another_namespace_replaces_that_of_the_trait_and_leaves_whole_names_alone() {
    let chat = ChatServer::new(Room::default()).namespace("lobby");
    let own = ["lobby.who", "lobby.say", "lobby.said", "lobby.listen"];
    assert_eq!(names(&chat), [&own[..], &["finger", "chat.whois"]].concat());
    let MethodKind::Subscription { item, unsubscribe, .. } = &chat.methods()[3].kind else {
        panic!()
    };
    assert_eq!((&**item, &**unsubscribe), ("lobby.listen", "lobby.unsubscribe_listen"));
    assert_eq!(names(&chat.clone().namespace(String::from("attic")))[0], "attic.who");
    assert_eq!(names(&BareServer::new(Room::default()).namespace("a.b")), ["a.b.getIt"]);
    let node: Arc<dyn DynNode> = Arc::new(Room::default());
    assert_eq!(names(&NodeServer::shared(node).namespace("net")), ["net_version"]);
}

#[tokio::test(start_paused = true)]
async fn a_service_is_served_and_called_under_two_namespaces() {
    let services = Router::new()
        .service(BareServer::new(Room::default()))
        .service(BareServer::new(Room::default()).namespace("it"))
        .service(NodeServer::new(Room::default()))
        .service(NodeServer::new(Room::default()).namespace("net"))
        .service(ChatServer::new(Room::default()).namespace("lobby"));
    let (peer, _) = memory::pair(Router::new(), services);
    assert_eq!(BareClient::new(peer.clone()).get_it().await, Ok(7));
    assert_eq!(BareClient::new(peer.clone()).namespace("it").get_it().await, Ok(7));
    assert_eq!(NodeClient::new(peer.clone()).namespace("net").version().await, Ok(1));
    let lobby = ChatClient::new(peer.clone()).namespace("lobby");
    assert_eq!(lobby.clone().who().await.as_deref(), Ok("lobby.who"));
    assert_eq!(peer.call::<String>("finger", ()).await.as_deref(), Ok("finger"));
    lobby.say("hello").await.unwrap();
    lobby.try_say("again").unwrap();
    assert_eq!(lobby.said().await, Ok(vec!["hello".to_owned(), "again".to_owned()]));
    let CallError::Remote(error) = ChatClient::new(peer).who().await.unwrap_err() else { panic!() };
    assert_eq!(error.message, "no method `chat.who`");
}

#[tokio::test(start_paused = true)]
async fn a_subscription_is_ended_in_the_namespace_where_it_was_made() {
    let (mut raw, peer) = Raw::connect(Router::new(), Limits::server());
    let call = ChatClient::new(peer).namespace("lobby").listen().no_timeout().start();
    assert_same(&raw.receive().await, r#"{"jsonrpc":"2.0","id":1,"method":"lobby.listen"}"#);
    raw.send(r#"{"jsonrpc":"2.0","id":1,"result":"s"}"#).await;
    drop(call.await.unwrap());
    let unsubscribe = raw.receive().await;
    assert!(unsubscribe.contains(r#""method":"lobby.unsubscribe_listen","params":["s"]"#));

    let chat = ChatServer::new(Room::default()).namespace("lobby");
    let (peer, _) = memory::pair(Router::new(), Router::new().service(chat));
    let mut stream = ChatClient::new(peer.clone()).namespace("lobby").listen().await.unwrap();
    assert_eq!(stream.next().await, Some(Ok(1)));
    assert_eq!(peer.call::<bool>("lobby.unsubscribe_listen", ("x",)).await, Ok(false));
}

#[tokio::test(start_paused = true)]
async fn batches_and_groups_call_in_another_namespace_too() {
    let registry = PeerRegistry::new();
    let (near, far) = memory::transports(64 * 1024);
    let config = EndpointConfig::new(Router::new(), Limits::server())
        .with(|config| config.registry = registry.clone());
    let endpoint = Endpoint::new(config.with(|config| config.keepalive = false));
    let peer = endpoint.peer();
    peer.join_group("all").unwrap();
    tokio::spawn(endpoint.connect(near));
    let mut raw = Raw::over(far);
    let group = ChatClient::new(registry.group("all")).namespace("attic");
    assert_eq!(group.say("hello").await, Ok(1));
    let said = r#"{"jsonrpc":"2.0","method":"attic.say","params":["hello"]}"#;
    assert_same(&raw.receive().await, said);

    let batch = peer.batch();
    ChatClient::new(&batch).namespace("attic").say("hello").unwrap();
    batch.send().await.unwrap();
    assert_same(&raw.receive().await, &format!("[{said}]"));
}

#[test]
fn what_cannot_be_served_under_a_namespace_is_told_when_a_server_is_built() {
    let check = |router: Router| router.check().unwrap_err().to_string();
    let chat = |namespace| ChatServer::new(Room::default()).namespace(namespace);
    assert_eq!(
        check(Router::new().service(chat("lobby")).service(chat("attic"))),
        "`finger` is offered twice; `chat.whois` is offered twice"
    );
    assert_eq!(
        check(Router::new().service(chat(""))),
        "`Chat` is served in an empty namespace: write `.namespace(\"…\")` with a text, or leave it out"
    );
    let reserved =
        check(Router::new().service(NodeServer::new(Room::default()).namespace("rpc.x")));
    assert_eq!(
        reserved,
        "`rpc.x_version` is reserved: names that begin with `rpc.` belong to the protocol"
    );
}

#[tokio::test(start_paused = true)]
async fn a_stub_says_that_it_cannot_call_under_a_namespace() {
    let (peer, _) = memory::pair(Router::new(), ChatServer::new(Room::default()));
    let empty = ChatClient::new(peer.clone()).namespace("");
    let why = "the stub calls into an empty namespace: write `.namespace(\"…\")` with a text, or leave it out";
    assert_eq!(empty.who().await, Err(CallError::Encode(why.into())));
    assert_eq!(empty.say("x").await, Err(NotifyError::Encode(why.into())));
    let reserved = ChatClient::new(peer.clone()).namespace("rpc").said().await;
    let Err(CallError::Encode(why)) = reserved else { panic!("{reserved:?}") };
    assert!(why.message().starts_with("`rpc.said` is reserved"), "{why}");
}
