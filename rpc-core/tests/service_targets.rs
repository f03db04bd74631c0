//! A stub sends what a trait has to a peer, into a batch, or to all members of a group.

mod support;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::StreamExt;
use rpc_core::transport::{Endpoint, EndpointConfig, PeerRegistry};
use rpc_core::{
    Answers, Call, CallError, Context, ErrorObject, Fate, Limits, NotifyError, Peer, Router,
    Streaming, memory, service,
};
use support::{Raw, assert_same};

#[service(namespace = "chat")]
trait Chat {
    async fn join(&self, cx: &Context, room: &str) -> Result<u32, ErrorObject>;
    fn version(&self) -> u32;
    #[notification]
    async fn say(&self, text: &str);
    /// Is in the stub over a peer, and in no other.
    async fn listen(&self) -> Streaming<String>;
    #[method(timeout = "2s")]
    async fn confirm(&self, question: &str) -> bool;
}

#[derive(Default)]
struct Member {
    said: Mutex<Vec<String>>,
    confirms: bool,
}

impl Chat for Member {
    async fn join(&self, _: &Context, room: &str) -> Result<u32, ErrorObject> {
        room.parse().map_err(|_| ErrorObject::new(1, "not a number"))
    }
    fn version(&self) -> u32 {
        3
    }
    async fn say(&self, text: &str) {
        self.said.lock().unwrap().push(text.to_owned());
    }
    async fn listen(&self) -> Streaming<String> {
        Streaming::new(futures_util::stream::empty())
    }
    async fn confirm(&self, _: &str) -> bool {
        if !self.confirms {
            std::future::pending::<()>().await;
        }
        true
    }
}

#[tokio::test(start_paused = true)]
async fn a_stub_over_a_batch_queues_what_leaves_together() {
    let (mut raw, peer) = Raw::connect(Router::new(), Limits::server());
    let batch = peer.batch();
    let chat = ChatClient::new(&batch);
    let joined: Call<u32, ErrorObject> = chat.join("7");
    assert_eq!(chat.say("hello"), Ok(()));
    let version: Call<u32> = chat.version();
    assert!(raw.is_silent().await);
    batch.send().await.unwrap();
    assert_same(
        &raw.receive().await,
        r#"[{"jsonrpc":"2.0","method":"chat.join","params":["7"],"id":1,"timeoutMs":30000},
            {"jsonrpc":"2.0","method":"chat.say","params":["hello"]},
            {"jsonrpc":"2.0","method":"chat.version","id":2,"timeoutMs":30000}]"#,
    );
    raw.send(
        r#"[{"jsonrpc":"2.0","id":2,"result":3},
            {"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"no"}}]"#,
    )
    .await;
    assert_eq!(joined.await, Err(CallError::Method(ErrorObject::new(1, "no"))));
    assert_eq!(version.await, Ok(3));
}

#[tokio::test(start_paused = true)]
async fn a_call_in_a_batch_that_is_not_sent_fails_at_once() {
    let (peer, _other) = memory::pair(Router::new(), ChatServer::new(Member::default()));
    let batch = peer.batch();
    let call = ChatClient::new(&batch).version();
    drop(batch);
    assert_eq!(call.await, Err(CallError::Cancelled { fate: Fate::NotSent }));
}

/// Two members of the group `lobby`, and a stub over it.
fn lobby(members: &[Arc<Member>; 2]) -> (ChatClient<rpc_core::Group>, Vec<Peer>) {
    let registry = PeerRegistry::new();
    let peers = members.iter().map(|member| {
        let (near, far) = memory::transports(64 * 1024);
        let mut server = EndpointConfig::new(Router::new(), Limits::server());
        server.registry = registry.clone();
        let services = Router::new().service(ChatServer::shared(member.clone()));
        let [server, client] =
            [server, EndpointConfig::new(services, Limits::client())].map(|mut config| {
                config.keepalive = false;
                Endpoint::new(config)
            });
        let peer = server.peer();
        peer.join_group("lobby").unwrap();
        tokio::spawn(server.connect(near));
        tokio::spawn(client.connect(far));
        peer
    });
    let peers = peers.collect();
    (ChatClient::new(registry.group("lobby")), peers)
}

#[tokio::test(start_paused = true)]
async fn a_stub_over_a_group_notifies_all_members() -> Result<(), NotifyError> {
    let members = <[Arc<Member>; 2]>::default();
    let (chat, peers) = lobby(&members);
    assert_eq!(chat.say("hello").await?, 2);
    for peer in peers {
        ChatClient::new(peer).version().await.unwrap();
    }
    for member in members {
        assert_eq!(*member.said.lock().unwrap(), ["hello"]);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_stub_over_a_group_collects_what_its_members_answer() {
    let (chat, peers) = lobby(&<[Arc<Member>; 2]>::default());
    let answers: Answers<u32, ErrorObject> = chat.join("7");
    let answers: Vec<_> = answers.collect().await;
    assert_eq!(answers.len(), 2);
    for (peer, answer) in answers {
        assert!(peers.contains(&peer));
        assert_eq!(answer, Ok(7));
    }
    let refused = CallError::Method(ErrorObject::new(1, "not a number"));
    let answers: Vec<_> = chat.join("x").map(|(_, answer)| answer).collect().await;
    assert_eq!(answers, [Err(refused.clone()), Err(refused)]);
}

#[tokio::test(start_paused = true)]
async fn the_traits_timeout_is_that_of_a_group_and_of_a_batch_too() {
    let members = [true, false].map(|confirms| Arc::new(Member { confirms, ..Member::default() }));
    let (chat, peers) = lobby(&members);
    let start = tokio::time::Instant::now();
    let answers: Vec<_> = chat.confirm("ready?").map(|(_, answer)| answer).collect().await;
    let late = Err(CallError::Timeout { fate: Fate::MaybeExecuted, heard: None });
    assert_eq!(answers, [Ok(true), late.clone()]);
    assert_eq!(start.elapsed().as_secs(), 2);

    let batch = peers[1].batch();
    let [call, longer] = [(); 2].map(|()| ChatClient::new(&batch).confirm("ready?"));
    let longer = longer.timeout(Duration::from_secs(5));
    batch.send().await.unwrap();
    let start = tokio::time::Instant::now();
    assert_eq!((call.await, start.elapsed().as_secs()), (late.clone(), 2));
    assert_eq!((longer.await, start.elapsed().as_secs()), (late, 5));
}
