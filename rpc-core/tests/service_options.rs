//! What a trait says of its methods beside their signatures.

mod support;

use std::collections::HashSet;
use std::sync::Mutex;
use std::thread::{self, ThreadId};
use std::time::Duration;

use futures_util::stream;
use rpc_core::schema::MethodFlags;
use rpc_core::{
    CallError, Context, ErrorObject, Fate, Limits, Router, Service, Streaming, memory, service,
};
use support::{Raw, assert_same};

#[service(by_name, rename_all_params = "camelCase")]
trait Named {
    async fn join(&self, cx: &Context, room_name: &str, #[param(rename = "as")] nick: Option<u8>);
    #[notification]
    async fn say(&self, text: &str);
    #[method(by_name = false)]
    async fn add(&self, a: u32, b: u32) -> u32;
    async fn leave(&self);
    async fn listen(&self, room_name: &str) -> Streaming<u8>;
}

#[service]
trait Placed {
    async fn add(&self, a: u32, b: u32);
    #[method(by_name)]
    async fn named(&self, a: u32, b: u32);
    #[notification(by_name = true)]
    async fn say(&self, text: &str);
    #[subscription(by_name)]
    async fn listen(&self, room: u8) -> Streaming<u8>;
}

#[tokio::test(start_paused = true)]
async fn params_go_by_name_where_the_trait_says_so() {
    let (mut raw, peer) = Raw::connect(Router::new(), Limits::server());
    let named = NamedClient::new(peer.clone());
    let placed = PlacedClient::new(peer.clone());
    named.say("hello").await.unwrap();
    named.try_say("hello").unwrap();
    placed.say("hello").await.unwrap();
    for _ in 0..3 {
        let said = r#"{"jsonrpc":"2.0","method":"say","params":{"text":"hello"}}"#;
        assert_eq!(raw.receive().await, said);
    }
    let _calls = (named.join("lobby", None).start(), named.add(1, 2).start());
    let _more = (named.leave().start(), named.listen("lobby").start());
    let _others = (placed.add(1, 2).start(), placed.named(1, 2).start(), placed.listen(1).start());
    for (method, params) in [
        ("join", r#""params":{"roomName":"lobby"},"#),
        ("add", r#""params":[1,2],"#),
        ("leave", ""),
        ("listen", r#""params":{"roomName":"lobby"},"#),
        ("add", r#""params":[1,2],"#),
        ("named", r#""params":{"a":1,"b":2},"#),
        ("listen", r#""params":{"room":1},"#),
    ] {
        let request = raw.receive().await;
        let start = format!(r#"{{"jsonrpc":"2.0","method":"{method}",{params}"id":"#);
        assert!(request.starts_with(&start), "{request}");
    }
    let batch = peer.batch();
    NamedClient::new(&batch).say("hello").unwrap();
    batch.send().await.unwrap();
    assert_same(
        &raw.receive().await,
        r#"[{"jsonrpc":"2.0","method":"say","params":{"text":"hello"}}]"#,
    );
}

#[service]
trait Patient {
    #[method(timeout = "1500ms")]
    async fn answer(&self) -> Result<u32, ErrorObject>;
}

struct Never;

impl Patient for Never {
    async fn answer(&self) -> Result<u32, ErrorObject> {
        std::future::pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_waits_as_long_as_the_trait_says_or_its_caller() {
    let (peer, _server) = memory::pair(Router::new(), PatientServer::new(Never));
    let patient = PatientClient::new(peer);
    let late = Err(CallError::Timeout { fate: Fate::MaybeExecuted, heard: None });
    let start = tokio::time::Instant::now();
    assert_eq!(patient.answer().await, late);
    assert_eq!(start.elapsed().as_millis(), 1500);
    assert_eq!(patient.answer().timeout(Duration::from_secs(9)).await, late);
    assert_eq!(start.elapsed().as_millis(), 10_500);
}

#[service]
trait Elsewhere {
    #[method(spawn)]
    async fn spawned(&self, cx: &Context, room: &str) -> Result<String, ErrorObject>;
    #[method(spawn, idempotent)]
    fn spawned_at_once(&self) -> String;
    #[subscription(spawn)]
    async fn spawned_stream(&self) -> Streaming<String>;
    #[method(blocking)]
    fn blocking(&self, cx: &Context, text: &str) -> String;
    #[method(blocking)]
    fn failing(&self, code: i64) -> rpc_core::Result<()>;
    #[notification(spawn)]
    async fn spawned_notice(&self, text: &str);
    #[notification(blocking)]
    fn blocking_notice(&self, text: &str);
    async fn here(&self) -> String;
}

#[derive(Default)]
struct Threads {
    blocked: Mutex<HashSet<ThreadId>>,
    noticed: Mutex<Vec<String>>,
}

impl Elsewhere for Threads {
    async fn spawned(&self, cx: &Context, room: &str) -> Result<String, ErrorObject> {
        Ok(format!("{} {room} {}", cx.method(), tokio::task::id()))
    }
    async fn spawned_stream(&self) -> Streaming<String> {
        Streaming::new(stream::iter([tokio::task::id().to_string()]))
    }
    fn spawned_at_once(&self) -> String {
        tokio::task::id().to_string()
    }
    fn blocking(&self, cx: &Context, text: &str) -> String {
        self.blocked.lock().unwrap().insert(thread::current().id());
        thread::sleep(Duration::from_millis(1));
        format!("{} {text}", cx.method())
    }
    fn failing(&self, code: i64) -> rpc_core::Result<()> {
        Err(ErrorObject::new(code, "as asked"))
    }
    async fn spawned_notice(&self, text: &str) {
        self.noticed.lock().unwrap().push(text.to_owned());
    }
    fn blocking_notice(&self, text: &str) {
        self.noticed.lock().unwrap().push(text.to_owned());
    }
    async fn here(&self) -> String {
        tokio::task::id().to_string()
    }
}

#[tokio::test]
async fn a_spawned_method_has_a_task_of_its_own() {
    let (peer, _server) = memory::pair(Router::new(), ElsewhereServer::new(Threads::default()));
    let stub = ElsewhereClient::new(peer);
    let connection = stub.here().await.unwrap();
    assert_eq!(stub.here().await.unwrap(), connection);
    let spawned = stub.spawned("lobby").await.unwrap();
    assert!(spawned.starts_with("spawned lobby "), "{spawned}");
    assert!(!spawned.ends_with(&format!(" {connection}")), "{spawned}");
    assert_ne!(stub.spawned_at_once().await.unwrap(), connection);
    let made_in = stub.spawned_stream().await.unwrap().next().await.unwrap().unwrap();
    assert_ne!(made_in, connection);
}

#[tokio::test]
async fn a_blocking_method_has_a_thread_of_its_own() {
    let threads = std::sync::Arc::<Threads>::default();
    let (peer, _server) = memory::pair(Router::new(), ElsewhereServer::shared(threads.clone()));
    let stub = ElsewhereClient::new(peer);
    assert_eq!(stub.blocking("x").await, Ok("blocking x".to_owned()));
    assert!(!threads.blocked.lock().unwrap().contains(&thread::current().id()));
    let refused = CallError::Method(ErrorObject::new(5, "as asked"));
    assert_eq!(stub.failing(5).await, Err(refused));
}

#[tokio::test]
async fn notifications_may_run_elsewhere_too() {
    let threads = std::sync::Arc::<Threads>::default();
    let (peer, _server) = memory::pair(Router::new(), ElsewhereServer::shared(threads.clone()));
    // As requests, which say when they are done.
    for (method, text) in [("spawned_notice", "one"), ("blocking_notice", "two")] {
        assert_eq!(peer.call::<()>(method, (text,)).await, Ok(()));
    }
    assert_eq!(*threads.noticed.lock().unwrap(), ["one", "two"]);
}

#[test]
fn the_table_tells_where_methods_run() {
    let service = ElsewhereServer::new(Threads::default());
    let flags: Vec<MethodFlags> = service.methods().iter().map(|method| method.flags).collect();
    let none = MethodFlags::new();
    let [spawn, blocking] = [none.spawn(), none.blocking()];
    assert_eq!(
        flags,
        [spawn, spawn.idempotent(), spawn, blocking, blocking, spawn, blocking, none]
    );
}
