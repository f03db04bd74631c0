//! Sessions as they are on the wire: one end is text, so that each rule of `$/hello` and `$/ack` is seen.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rpc_core::memory::{self, Pipe};
use rpc_core::transport::{
    Accepted, Connection, ConnectionEvent, Endpoint, EndpointConfig, SessionMode,
};
use rpc_core::{CallError, CloseCode, Context, Fate, Limits, Peer, Router};
use serde_json::Value;
use support::Raw;
use tokio::sync::mpsc;

/// A server with sessions, which counts how often its method `add` and its notification `note` ran.
struct Server {
    config: EndpointConfig,
    runs: Arc<AtomicU32>,
}

impl Server {
    fn new() -> Self {
        Self::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut Limits)) -> Self {
        let runs = Arc::<AtomicU32>::default();
        let (add, note) = (runs.clone(), runs.clone());
        let services = Router::new()
            .method("add", move |_: Context, (a, b): (u32, u32)| {
                add.fetch_add(1, Ordering::Relaxed);
                async move { Ok(a + b) }
            })
            .method("text", |_: Context, (bytes,): (usize,)| async move { Ok("x".repeat(bytes)) })
            .notification("note", move |_: Context, (): ()| {
                note.fetch_add(1, Ordering::Relaxed);
                async {}
            });
        let mut limits = Limits::server();
        change(&mut limits);
        let mut config = EndpointConfig::new(services, limits);
        config.sessions = SessionMode::Grant;
        Self { config, runs }
    }

    /// A link that has announced a resume.
    fn announced(&self) -> Raw {
        let (near, far) = memory::transports(64 * 1024);
        let endpoint = Endpoint::new(self.config.clone());
        endpoint.set_extended(false);
        tokio::spawn(async move {
            match endpoint.accept(far, |_, _| true).await {
                Accepted::Fresh(connection) => drop(connection.await),
                Accepted::Resumed(_) => {}
            }
        });
        Raw::over(near)
    }

    /// An ordinary link, behind a handshake with `Rpc-Hello`.
    fn ordinary(&self) -> Raw {
        let (near, far) = memory::transports(64 * 1024);
        let endpoint = Endpoint::new(self.config.clone());
        endpoint.set_extended(false);
        tokio::spawn(endpoint.connect(far));
        Raw::over(near)
    }

    /// A session whose token was acknowledged, with its link.
    async fn session(&self) -> (Raw, String) {
        let mut raw = self.ordinary();
        raw.notify("$/hello", ASK).await;
        let token = token_of(&raw.receive().await);
        raw.ack(0).await;
        (raw, token)
    }

    fn peer(&self) -> Peer {
        let peers = self.config.registry.peers();
        assert_eq!(peers.len(), 1);
        peers[0].clone()
    }

    fn runs(&self) -> u32 {
        self.runs.load(Ordering::Relaxed)
    }
}

const ASK: &str = r#"{"duplex":1,"session":{"buffer":1048576}}"#;

trait Session {
    async fn ack(&mut self, n: u64);
    async fn add(&mut self, id: u64);
    async fn added(&mut self, id: u64);
    /// Asks to resume, and returns what the answer says of the session.
    async fn resume(&mut self, token: &str, attempt: u64, received: u64) -> Value;
}

impl Session for Raw {
    async fn ack(&mut self, n: u64) {
        self.notify("$/ack", &format!(r#"{{"n":{n}}}"#)).await;
    }

    async fn add(&mut self, id: u64) {
        self.send(&format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"add","params":[1,2]}}"#)).await;
    }

    async fn added(&mut self, id: u64) {
        let expected = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":3}}"#);
        support::assert_same(&self.receive().await, &expected);
    }

    async fn resume(&mut self, token: &str, attempt: u64, received: u64) -> Value {
        self.notify("$/hello", &resume(token, attempt, received)).await;
        said(&self.receive().await)
    }
}

/// The params of a hello that resumes.
fn resume(token: &str, attempt: u64, received: u64) -> String {
    format!(
        r#"{{"duplex":1,"session":{{"token":"{token}","attempt":{attempt},"received":{received},"buffer":1048576}}}}"#
    )
}

/// What a hello says of the session.
fn said(hello: &str) -> Value {
    let hello: Value = serde_json::from_str(hello).unwrap();
    assert_eq!(hello["method"], "$/hello", "{hello}");
    hello["params"]["session"].clone()
}

fn token_of(hello: &str) -> String {
    token(&said(hello))
}

fn token(said: &Value) -> String {
    said["token"].as_str().unwrap_or_else(|| panic!("a token: {said}")).to_owned()
}

/// A client that asks for sessions, whose links end at text.
struct Client {
    peer: Peer,
    links: mpsc::UnboundedSender<Link>,
    events: mpsc::UnboundedReceiver<ConnectionEvent>,
    runs: Arc<AtomicU32>,
}

enum Link {
    To(Pipe),
    Lose,
    Open,
}

async fn carry(
    mut connection: Connection,
    mut links: mpsc::UnboundedReceiver<Link>,
    events: mpsc::UnboundedSender<ConnectionEvent>,
) {
    loop {
        tokio::select! {
            event = connection.next_event() => {
                let _ = events.send(event.clone());
                if let ConnectionEvent::Closed(_) = event {
                    return;
                }
            }
            Some(link) = links.recv() => match link {
                Link::To(pipe) => connection.attach(pipe, true),
                Link::Lose => connection.detach(),
                Link::Open => connection.open_session(),
            },
        }
    }
}

impl Client {
    fn new() -> Self {
        Self::with(|_| {}, |_| {})
    }

    fn with(change: impl FnOnce(&mut Limits), prepare: impl FnOnce(&mut Connection)) -> Self {
        let runs = Arc::<AtomicU32>::default();
        let note = runs.clone();
        let services = Router::new().notification("note", move |_: Context, (): ()| {
            note.fetch_add(1, Ordering::Relaxed);
            async {}
        });
        let mut limits = Limits::client();
        change(&mut limits);
        let mut config = EndpointConfig::new(services, limits);
        config.sessions = SessionMode::Ask;
        config.answers_malformed = false;
        let endpoint = Endpoint::new(config);
        let peer = endpoint.peer();
        let ((links, incoming), (sender, events)) =
            (mpsc::unbounded_channel(), mpsc::unbounded_channel());
        let mut connection = endpoint.without_link();
        prepare(&mut connection);
        tokio::spawn(carry(connection, incoming, sender));
        Self { peer, links, events, runs }
    }

    /// Gives the client another link.
    fn link(&self) -> Raw {
        let (near, far) = memory::transports(64 * 1024);
        self.give(Link::To(near));
        Raw::over(far)
    }

    fn give(&self, link: Link) {
        assert!(self.links.send(link).is_ok(), "the client goes on");
    }

    /// The client in a session under this token, whose acknowledgement has come.
    async fn session(&self) -> Raw {
        let mut raw = self.link();
        assert!(raw.receive().await.contains(r#""session":{"buffer":"#));
        raw.notify("$/hello", &grant(TOKENS[0])).await;
        raw.is_acked(0).await;
        raw
    }

    async fn event(&mut self) -> ConnectionEvent {
        self.events.recv().await.unwrap()
    }
}

trait Served {
    async fn is_acked(&mut self, n: u64);
    /// The call that comes next: returns its id.
    async fn called(&mut self, method: &str) -> String;
    async fn answer(&mut self, id: &str, result: &str);
}

impl Served for Raw {
    async fn is_acked(&mut self, n: u64) {
        let ack = format!(r#"{{"jsonrpc":"2.0","method":"$/ack","params":{{"n":{n}}}}}"#);
        support::assert_same(&self.receive().await, &ack);
    }

    async fn called(&mut self, method: &str) -> String {
        let call = self.receive().await;
        assert!(call.contains(&format!(r#""method":"{method}""#)), "{call}");
        support::id_of(&call)
    }

    async fn answer(&mut self, id: &str, result: &str) {
        self.send(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#)).await;
    }
}

const TOKENS: [&str; 4] = [
    "first-first-first-first",
    "second-second-second-second",
    "third-third-third-third",
    "fourth-fourth-fourth-fourth",
];

/// The params of a hello that grants a session.
fn grant(token: &str) -> String {
    format!(
        r#"{{"duplex":1,"session":{{"token":"{token}","keepMs":120000,"buffer":1048576,"spreadMs":250}}}}"#
    )
}

/// The params of a hello that goes on with a session.
fn resumed(token: &str, received: u64) -> String {
    format!(
        r#"{{"duplex":1,"session":{{"resumed":true,"received":{received},"token":"{token}","keepMs":120000,"buffer":1048576}}}}"#
    )
}

// The server: asking for a session.

#[tokio::test(start_paused = true)]
async fn a_hello_that_asks_is_answered_at_once() {
    let server = Server::new();
    let begun = tokio::time::Instant::now();
    let mut raw = server.ordinary();
    raw.notify("$/hello", ASK).await;
    let hello = said(&raw.receive().await);
    assert!(begun.elapsed() < Duration::from_secs(1), "after {:?}", begun.elapsed());
    assert_eq!((&hello["keepMs"], &hello["buffer"]), (&120_000.into(), &(256 * 1024).into()));
    assert!(hello["refused"].is_null() && hello["resumed"].is_null(), "{hello}");
    assert!((22..=256).contains(&token(&hello).len()));
}

/// A client without sessions is not told of any, and costs no wait.
#[tokio::test(start_paused = true)]
async fn a_hello_that_does_not_ask_is_answered_without_a_session() {
    let begun = tokio::time::Instant::now();
    let mut raw = Server::new().ordinary();
    raw.notify("$/hello", r#"{"duplex":1}"#).await;
    assert!(said(&raw.receive().await).is_null());
    assert!(begun.elapsed() < Duration::from_secs(1), "after {:?}", begun.elapsed());
}

// The client: resuming.

/// A call that certainly was not taken in goes on in the next session.
#[tokio::test(start_paused = true)]
async fn a_call_that_was_not_taken_in_is_put_back_once() {
    let client = Client::new();
    let mut raw = client.session().await;
    let call = client.peer.call::<u32>("one", ()).start();
    raw.called("one").await;
    drop(raw);
    for _ in 0..2 {
        let mut raw = client.link();
        let hello = raw.receive().await;
        raw.notify("$/hello", &refused(TOKENS[1], r#""refused":"unknown","received":0"#)).await;
        raw.is_acked(0).await;
        if said(&hello)["attempt"] == 1 && said(&hello)["token"] == TOKENS[0] {
            raw.called("one").await;
        }
        drop(raw);
    }
    let error = call.await.unwrap_err();
    assert!(matches!(error, CallError::Closed { fate: Fate::NotSent, .. }), "{error:?}");
}

/// A call that may run twice is made anew when its session ends, and made once.
#[tokio::test(start_paused = true)]
async fn a_call_that_may_run_twice_is_made_anew_once() {
    let client = Client::new();
    let mut raw = client.session().await;
    let call = client.peer.call::<u32>("twice", ()).idempotent().start();
    let id = raw.called("twice").await;
    drop(raw);
    let mut raw = client.link();
    raw.receive().await;
    raw.notify("$/hello", &refused(TOKENS[1], r#""refused":"unknown""#)).await;
    raw.is_acked(0).await;
    let anew = raw.called("twice").await;
    assert_eq!(anew, id, "ids go on over sessions");
    assert!(raw.is_silent().await);
    raw.answer(&anew, "7").await;
    assert_eq!(call.await.unwrap(), 7);
}

/// A call that waited for `calls_on_wire` goes on when the calls before it have ended with their session.
#[tokio::test(start_paused = true)]
async fn a_call_that_waits_for_others_goes_on_when_their_session_has_ended() {
    let client = Client::with(|limits| limits.calls_on_wire = 1, |_| {});
    let mut raw = client.session().await;
    let first = client.peer.call::<u32>("first", ()).start();
    let second = client.peer.call::<u32>("second", ()).start();
    raw.called("first").await;
    drop(raw);
    let mut raw = client.link();
    raw.receive().await;
    raw.notify("$/hello", &refused(TOKENS[1], r#""refused":"unknown""#)).await;
    raw.is_acked(0).await;
    let lost = first.await.unwrap_err();
    assert!(matches!(lost, CallError::Closed { fate: Fate::MaybeExecuted, .. }), "{lost:?}");
    let id = raw.called("second").await;
    raw.answer(&id, "7").await;
    assert_eq!(second.await.unwrap(), 7);
}

/// The params of a hello that begins another session, for this reason.
fn refused(token: &str, why: &str) -> String {
    format!(r#"{{"duplex":1,"session":{{{why},"token":"{token}","buffer":1048576}}}}"#)
}

#[tokio::test(start_paused = true)]
async fn nothing_comes_before_the_hello_that_answers_a_resume() {
    for message in [
        r#"{"jsonrpc":"2.0","id":1,"result":7}"#,
        r#"{"jsonrpc":"2.0","method":"note"}"#,
        r#"{"jsonrpc":"2.0","method":"$/ack","params":{"n":0}}"#,
        "[]",
    ] {
        let mut client = Client::new();
        drop(client.session().await);
        assert!(matches!(client.event().await, ConnectionEvent::Up { resumed: false, .. }));
        assert!(matches!(client.event().await, ConnectionEvent::Lost { ended: None, .. }));
        let mut raw = client.link();
        raw.receive().await;
        raw.send(message).await;
        assert_eq!(raw.closed().await.0, Some(CloseCode::PROTOCOL), "{message}");
        let event = client.event().await;
        assert!(matches!(event, ConnectionEvent::Lost { ended: Some(_), .. }), "{event:?}");
        assert_eq!(client.runs.load(Ordering::Relaxed), 0, "{message}");
    }
}

/// What waits for the program to open a session waits for the next one as well, if the first is lost before.
#[tokio::test(start_paused = true)]
async fn what_waits_for_the_opening_of_a_session_waits_in_the_next_one_too() {
    let client = Client::with(|_| {}, Connection::hold_sessions);
    let waits = client.peer.call::<u32>("waits", ()).start();
    let mut raw = client.link();
    raw.receive().await;
    assert!(raw.is_silent().await);
    client.give(Link::Lose);
    let mut raw = client.link();
    raw.receive().await;
    assert!(raw.is_silent().await, "the program has not opened the session");
    client.give(Link::Open);
    let id = raw.called("waits").await;
    raw.answer(&id, "7").await;
    assert_eq!(waits.await.unwrap(), 7);
}
