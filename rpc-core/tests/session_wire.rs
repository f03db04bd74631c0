//! Sessions as they are on the wire: one end is text, so that each rule of `$/hello` and `$/ack` is seen.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rpc_core::memory::{self, Pipe};
use rpc_core::transport::{
    Accepted, Connection, ConnectionEvent, Endpoint, EndpointConfig, SessionMode,
};
use rpc_core::{
    CallError, CloseCode, Context, Fate, Limits, Peer, Router, StreamError, Streaming, service,
};
use serde_json::Value;
use support::Raw;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

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
        self.announced_by(|_| {})
    }

    /// The same, after its caller was looked at.
    fn announced_by(&self, connect: impl FnOnce(&Peer)) -> Raw {
        let (near, far) = memory::transports(64 * 1024);
        let endpoint = Endpoint::new(self.config.clone());
        endpoint.set_extended(false);
        connect(&endpoint.peer());
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
            biased; // the same each time
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

/// The hello that grants a session gets in front of what waits. The client counts the items of a stream that is asked
/// for behind a hello, so the server must count them as well: it did not, and took no notice of the end of the stream.
#[tokio::test(start_paused = true)]
async fn a_subscription_that_the_hello_gets_in_front_of_ends() {
    let server = Server::new();
    let mut raw = server.ordinary();
    raw.notify("$/hello", ASK).await;
    let ticks = server.peer().subscribe::<u32>("ticks", "unsubscribe", ()).start();
    said(&raw.receive().await);
    let id = raw.called("ticks").await;
    raw.answer(&id, r#""s1""#).await;
    let mut ticks = ticks.await.unwrap();
    raw.notify("$/item", r#"{"subscription":"s1","seq":1,"result":7}"#).await;
    raw.notify("$/item", r#"{"subscription":"s1","seq":2,"done":true}"#).await;
    assert_eq!(ticks.next().await, Some(Ok(7)));
    let end = timeout(Duration::from_secs(60), ticks.next()).await;
    assert_eq!(end.expect("the reader is told"), None);
}

/// What the server asks for waits for the client's first message, and the server's hello leaves before: the streams of
/// these requests are counted.
#[tokio::test(start_paused = true)]
async fn a_hello_leaves_before_what_waits_also_without_a_session() {
    let server = Server::new();
    let mut raw = server.ordinary();
    sleep(Duration::from_millis(1)).await;
    let ticks = server.peer().subscribe::<u32>("ticks", "unsubscribe", ()).start();
    assert!(raw.is_silent().await);
    raw.notify("$/hello", r#"{"duplex":1}"#).await;
    assert!(said(&raw.receive().await).is_null());
    let id = raw.called("ticks").await;
    raw.answer(&id, r#""s1""#).await;
    raw.notify("$/item", r#"{"subscription":"s1","seq":1,"result":7}"#).await;
    raw.notify("$/item", r#"{"subscription":"s1","seq":3,"result":9}"#).await;
    let mut ticks = ticks.await.unwrap();
    assert_eq!(ticks.next().await, Some(Ok(7)));
    assert_eq!(ticks.next().await, Some(Err(StreamError::Gap { missed: 1 })));
}

/// The client takes no acknowledgement before the hello. The one that the messages behind its hello called for left
/// first, so that these messages were never acknowledged.
#[tokio::test(start_paused = true)]
async fn an_acknowledgement_leaves_behind_the_hello_that_grants_the_session() {
    let server = Server::new();
    let mut raw = server.ordinary();
    raw.notify("$/hello", r#"{"duplex":1,"session":{"buffer":4096}}"#).await;
    for _ in 0..10 {
        raw.notify("note", &format!(r#"["{}"]"#, "x".repeat(200))).await;
    }
    token_of(&raw.receive().await);
    raw.is_acked(10).await;
}

/// A call that the server makes before it has heard the client is not part of the session: its number there was that of
/// another message, or of none, and the call was told not to have been sent.
#[tokio::test(start_paused = true)]
async fn a_call_from_before_the_session_ends_with_its_link() {
    let server = Server::new();
    for is_confirmed in [false, true] {
        let mut raw = server.ordinary();
        sleep(2 * Limits::server().handshake).await;
        let peer = server.peer();
        let early = peer.call::<u32>("early", ()).no_timeout().start();
        raw.called("early").await;
        raw.notify("$/hello", ASK).await;
        let token = token_of(&raw.receive().await);
        if !is_confirmed {
            raw.close_with(CloseCode::LINK_GIVEN_UP).await;
            assert_eq!(early.await.unwrap_err().fate(), Some(Fate::MaybeExecuted));
            peer.closed().await;
            continue;
        }
        raw.ack(0).await;
        let late = peer.call::<u32>("late", ()).start();
        raw.called("late").await;
        drop(raw);
        assert_eq!(early.await.unwrap_err().fate(), Some(Fate::MaybeExecuted));
        let mut raw = server.announced();
        assert!(raw.resume(&token, 1, 0).await["resumed"] == true);
        raw.ack(0).await;
        let id = raw.called("late").await;
        raw.answer(&id, "7").await;
        assert_eq!(late.await.unwrap(), 7);
    }
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

// The server: asking for a session, and counting.

#[tokio::test(start_paused = true)]
async fn a_token_is_looked_at_only_in_the_first_message_of_a_link_that_announced_it() {
    let server = Server::new();
    let (mut first, token) = server.session().await;
    let mut raw = server.ordinary();
    assert_eq!(raw.resume(&token, 1, 0).await["refused"], "unknown");
    let mut raw = server.announced();
    raw.notify("note", "[]").await;
    assert_eq!(raw.resume(&token, 1, 0).await["refused"], "unknown");
    for no_token in ["7", r#""short""#, "null", r#"["a"]"#] {
        let mut raw = server.announced();
        raw.notify("$/hello", &format!(r#"{{"duplex":1,"session":{{"token":{no_token}}}}}"#)).await;
        let refused = said(&raw.receive().await);
        assert_eq!(refused["refused"], "unknown", "{no_token}");
        assert!(refused["received"].is_null());
    }
    first.add(1).await;
    first.added(1).await;
    let mut raw = server.announced();
    assert_eq!(raw.resume(&token, 1, 1).await["resumed"], true, "nothing has touched the session");
}

#[tokio::test(start_paused = true)]
async fn a_link_that_announced_a_resume_hears_nothing_and_may_be_an_ordinary_one() {
    let server = Server::new();
    let mut raw = server.announced();
    assert!(raw.is_silent().await);
    raw.add(1).await;
    raw.added(1).await;
    let mut silent = server.announced();
    let (code, _) = silent.closed().await;
    assert_eq!(code, Some(CloseCode::POLICY), "`handshake` is over");
}

#[tokio::test(start_paused = true)]
async fn a_hello_in_a_batch_asks_for_nothing() {
    let mut raw = Server::new().ordinary();
    raw.send(&format!(r#"[{{"jsonrpc":"2.0","method":"$/hello","params":{ASK}}}]"#)).await;
    assert!(said(&raw.receive().await).is_null());
}

/// What counts is decided by the text alone, not by what comes of it.
#[tokio::test(start_paused = true)]
async fn every_message_counts_but_a_hello_and_an_acknowledgement() {
    let counted = [
        (r#"{"jsonrpc":"2.0","method":"note"}"#, true),
        (r#"{"jsonrpc":"2.0","id":1,"method":"add","params":[1,2]}"#, true),
        (r#"{"jsonrpc":"2.0","id":1,"method":"none"}"#, true),
        (r#"{"jsonrpc":"2.0","id":77,"result":1}"#, true),
        (r#"{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":""}}"#, true),
        (r#"{"jsonrpc":"2.0","method":"$/unknown"}"#, true),
        (r#"{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":9}}"#, true),
        (r#"{"jsonrpc":"2.0","method":"$/hello","params":7}"#, true),
        (r#"{"jsonrpc":"2.0","method":"$/ack","params":"n"}"#, true),
        (r#"{"jsonrpc":"2.0","id":1,"method":"$/ack","params":{"n":0}}"#, true),
        (r#"{"method":"$/ack","params":{"n":0}}"#, true),
        (r#"[{"jsonrpc":"2.0","method":"$/ack","params":{"n":99}}]"#, true),
        (r#"[{"jsonrpc":"2.0","method":"$/hello","params":{}}]"#, true),
        (r#"[{"jsonrpc":"2.0","method":"note"},{"jsonrpc":"2.0","method":"note"}]"#, true),
        ("[]", true),
        ("[1,2]", true),
        ("{", true),
        ("", true),
        (" ", true),
        ("text", true),
        (r#"{"jsonrpc":"2.0","method":"$/ack","params":{"n":0}}"#, false),
        (r#"{"jsonrpc":"2.0","method":"\u0024/ack","params":{"n":0}}"#, false),
        (r#"{"jsonrpc":"2.0","method":"$/hello","params":{"duplex":1}}"#, false),
        (r#"{"jsonrpc":"2.0","method":"$\/hello"}"#, false),
        (r#"{"params":{"duplex":7,"session":7},"method":"$/hello","jsonrpc":"2.0"}"#, false),
    ];
    for (text, counts) in counted {
        let server = Server::new();
        let (mut raw, token) = server.session().await;
        raw.send(text).await;
        drop(raw);
        sleep(Duration::from_millis(10)).await;
        let received = server.announced().resume(&token, 1, 0).await["received"].clone();
        assert_eq!(received, u64::from(counts), "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_false_acknowledgement_ends_the_session() {
    for false_ack in [r#"{"n":2}"#, r#"{"n":-1}"#, r#"{"n":0.5}"#, r#"{"n":"0"}"#, "{}", "[0]"] {
        let server = Server::new();
        let (mut raw, token) = server.session().await;
        raw.add(1).await;
        raw.added(1).await;
        raw.notify("$/ack", false_ack).await;
        assert_eq!(raw.closed().await.0, Some(CloseCode::PROTOCOL), "{false_ack}");
        let refused = server.announced().resume(&token, 1, 1).await;
        assert_eq!((&refused["refused"], &refused["code"]), (&"ended".into(), &1002.into()));
    }
}

#[tokio::test(start_paused = true)]
async fn an_acknowledgement_of_less_is_stray_and_of_as_much_is_nothing() {
    let server = Server::new();
    let (mut raw, _) = server.session().await;
    for id in 1..=2 {
        raw.add(id).await;
        raw.added(id).await;
    }
    raw.ack(2).await;
    raw.ack(2).await;
    sleep(Duration::from_millis(10)).await;
    assert_eq!(server.peer().stats().counters.stray, 0);
    assert_eq!(server.peer().stats().queue_bytes, 0, "nothing is kept any more");
    raw.ack(1).await;
    raw.add(3).await;
    raw.added(3).await;
    assert_eq!(server.peer().stats().counters.stray, 1);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_acknowledges_nothing_loses_its_session() {
    let server = Server::new();
    let (mut raw, _) = server.session().await;
    raw.add(1).await;
    raw.added(1).await;
    let begun = tokio::time::Instant::now();
    sleep(Duration::from_secs(30)).await;
    assert_eq!(server.config.registry.len(), 1);
    let (code, reason) = raw.closed().await;
    assert_eq!(code, Some(CloseCode::SLOW_READER), "{reason}");
    assert!(begun.elapsed() >= Duration::from_secs(59), "{:?}", begun.elapsed());
}

/// The acknowledgement may lie there unread: who slept must not blame the other end for it.
#[tokio::test(start_paused = true)]
async fn a_server_that_slept_waits_for_the_acknowledgement_as_long_as_ever() {
    let server = Server::new();
    let (mut raw, _) = server.session().await;
    raw.add(1).await;
    raw.added(1).await;
    // Time passes as for a process that was stopped: nothing runs meanwhile.
    tokio::time::advance(Duration::from_secs(100)).await;
    raw.is_acked(1).await;
    sleep(Duration::from_secs(30)).await;
    raw.ack(1).await;
    raw.add(2).await;
    raw.added(2).await;
}

/// What is not acknowledged is not read: the queue is full of it, and what may wait waits.
#[tokio::test(start_paused = true)]
async fn what_is_not_acknowledged_fills_the_queue() {
    let server = Server::with(|limits| limits.queue = 10_000);
    let (mut raw, _) = server.session().await;
    for id in 1..=3 {
        let text = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"text","params":[6000]}}"#);
        raw.send(&text).await;
    }
    for _ in 0..2 {
        assert!(raw.receive().await.len() > 6000);
    }
    assert!(raw.is_silent().await, "the third result waits for room");
    raw.ack(1).await;
    assert!(raw.receive().await.len() > 6000);
    let (code, _) = raw.closed().await;
    assert_eq!(code, Some(CloseCode::SLOW_READER), "it stays above `queue` for 10 s");
}

// The server: resuming.

#[tokio::test(start_paused = true)]
async fn the_server_sends_again_what_was_not_taken_in_in_order_and_unchanged() {
    let server = Server::new();
    let (mut raw, token) = server.session().await;
    for id in 1..=3 {
        raw.add(id).await;
        raw.added(id).await;
    }
    drop(raw);
    let mut raw = server.announced();
    let resumed = raw.resume(&token, 1, 1).await;
    assert_eq!((&resumed["resumed"], &resumed["received"]), (&true.into(), &3.into()));
    raw.added(2).await;
    raw.added(3).await;
    raw.ack(1).await;
    raw.add(4).await;
    raw.added(4).await;
    assert_eq!((server.runs(), server.peer().stats().counters.replayed), (4, 2));
    assert!(raw.is_silent().await);
}

#[tokio::test(start_paused = true)]
async fn the_token_before_is_good_until_the_next_one_was_acknowledged() {
    let server = Server::new();
    let (raw, first) = server.session().await;
    drop(raw);
    let second = token(&server.announced().resume(&first, 1, 0).await);
    // The hello with the second token was lost.
    let third = token(&server.announced().resume(&first, 2, 0).await);
    let unknown = server.announced().resume(&second, 3, 0).await;
    assert_eq!(unknown["refused"], "unknown", "only the last two are good");
    let mut raw = server.announced();
    let fourth = token(&raw.resume(&third, 3, 0).await);
    assert_eq!(server.announced().resume(&first, 4, 0).await["refused"], "unknown");
    raw.ack(0).await;
    sleep(Duration::from_millis(10)).await;
    assert_eq!(server.announced().resume(&third, 4, 0).await["refused"], "unknown", "used up");
    raw.add(1).await;
    raw.added(1).await;
    assert_eq!(server.announced().resume(&fourth, 4, 1).await["resumed"], true);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_is_not_above_the_last_one_is_late_and_touches_nothing() {
    let server = Server::new();
    let (raw, first) = server.session().await;
    drop(raw);
    let mut raw = server.announced();
    raw.resume(&first, 5, 0).await;
    for attempt in ["5", "4", "0", "-1", "9007199254740993", "\"6\"", "null", "6.5"] {
        let params =
            resume(&first, 6, 0).replace(r#""attempt":6"#, &format!(r#""attempt":{attempt}"#));
        let mut late = server.announced();
        late.notify("$/hello", &params).await;
        assert_eq!(said(&late.receive().await)["refused"], "unknown", "{attempt}");
    }
    raw.add(1).await;
    raw.added(1).await;
    assert_eq!(server.announced().resume(&first, 6, 1).await["resumed"], true);
}

#[tokio::test(start_paused = true)]
async fn false_counts_end_the_session() {
    for received in ["3", "0", "-1", "\"1\"", "null", "1.5", "18446744073709551615"] {
        let server = Server::new();
        let (mut raw, first) = server.session().await;
        raw.add(1).await;
        raw.added(1).await;
        raw.add(2).await;
        raw.added(2).await;
        raw.ack(1).await;
        sleep(Duration::from_millis(10)).await;
        let hello =
            resume(&first, 1, 1).replace(r#""received":1"#, &format!(r#""received":{received}"#));
        let mut next = server.announced();
        next.notify("$/hello", &hello).await;
        assert_eq!(said(&next.receive().await)["refused"], "counts", "{received}");
        assert_eq!(raw.closed().await.0, Some(CloseCode::PROTOCOL), "{received}");
        let refused = server.announced().resume(&first, 2, 1).await;
        assert_eq!(refused["refused"], "ended", "{received}");
    }
}

/// Nothing of the old link is read after the counts stand.
#[tokio::test(start_paused = true)]
async fn a_link_that_resumes_takes_the_session_from_the_older_link() {
    let server = Server::new();
    let (mut old, token) = server.session().await;
    old.add(1).await;
    old.added(1).await;
    let mut raw = server.announced();
    let resumed = raw.resume(&token, 1, 1).await;
    assert_eq!((&resumed["resumed"], &resumed["received"]), (&true.into(), &1.into()));
    assert_eq!(old.closed().await.0, Some(CloseCode::new(4409)));
    raw.ack(1).await;
    raw.add(2).await;
    raw.added(2).await;
    assert_eq!(server.runs(), 2);
}

/// The first has false counts, which end the session: the second hears so, and goes on in a fresh one.
#[tokio::test(start_paused = true)]
async fn of_two_links_that_resume_at_once_the_second_hears_how_the_first_has_ended_the_session() {
    let server = Server::new();
    let (mut raw, token) = server.session().await;
    raw.add(1).await;
    raw.added(1).await;
    let (mut first, mut second) = (server.announced(), server.announced());
    first.notify("$/hello", &resume(&token, 1, 7)).await;
    second.notify("$/hello", &resume(&token, 2, 1)).await;
    assert_eq!(said(&first.receive().await)["refused"], "counts");
    let said = said(&second.receive().await);
    assert_eq!((&said["refused"], &said["code"]), (&"ended".into(), &1002.into()), "{said}");
    assert_eq!(said["received"], 1);
    for mut raw in [first, second] {
        raw.ack(0).await;
        raw.add(2).await;
        raw.added(2).await;
    }
}

#[tokio::test(start_paused = true)]
async fn requests_behind_a_refusal_wait_for_the_acknowledgement() {
    let server = Server::new();
    let mut raw = server.announced();
    let unknown = "0123456789abcdef.0123456789abcdef0123456789abcdef";
    assert_eq!(raw.resume(unknown, 1, 0).await["refused"], "unknown");
    raw.add(1).await;
    raw.notify("note", "[]").await;
    assert!(raw.is_silent().await);
    assert_eq!(server.runs(), 0);
    raw.ack(0).await;
    raw.added(1).await;
    sleep(Duration::from_millis(10)).await;
    assert_eq!(server.runs(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_client_learns_how_its_session_has_ended_while_it_was_away() {
    let server = Server::new();
    let (mut raw, token) = server.session().await;
    raw.add(1).await;
    raw.added(1).await;
    drop(raw);
    sleep(Duration::from_millis(10)).await;
    server.peer().kick(CloseCode::FORBIDDEN, "out");
    sleep(Duration::from_millis(10)).await;
    let refused = server.announced().resume(&token, 1, 1).await;
    assert_eq!(refused["refused"], "ended");
    assert_eq!(
        (&refused["code"], &refused["reason"], &refused["received"]),
        (&4403.into(), &"out".into(), &1.into())
    );
    let (start, end) = token.split_at(token.len() - 2);
    let other = format!("{start}{}", if end == "00" { "11" } else { "00" });
    let unknown = server.announced().resume(&other, 1, 1).await;
    assert_eq!((&unknown["refused"], &unknown["received"]), (&"unknown".into(), &Value::Null));
}

const MINUTE: Duration = Duration::from_secs(60);

/// Nothing is delivered while the session is away, so nothing ends: the link that resumes decides.
#[tokio::test(start_paused = true)]
async fn a_login_that_expires_while_away_is_renewed_by_the_link_that_resumes() {
    for (said, is_renewed) in [
        (Some(Some(60 * MINUTE)), true),
        (Some(None), true),
        (None, false),
        (Some(Some(Duration::ZERO)), false),
    ] {
        let server = Server::new();
        let (raw, token) = server.session().await;
        let peer = server.peer();
        peer.set_expiry(MINUTE / 2);
        drop(raw);
        sleep(MINUTE).await;
        assert!(!peer.is_closed());
        let mut raw =
            server.announced_by(|link| said.into_iter().for_each(|it| link.set_expiry(it)));
        let answer = raw.resume(&token, 1, 0).await;
        if is_renewed {
            assert_eq!(answer["resumed"], true, "{said:?}: {answer}");
            raw.ack(0).await;
            raw.add(1).await;
            raw.added(1).await;
            assert!(!peer.is_closed());
            continue;
        }
        let told = (&answer["refused"], &answer["code"], &answer["reason"]);
        let expected = (&"ended".into(), &4401.into(), &"the login has expired".into());
        assert_eq!(told, expected, "{said:?}: {answer}");
        assert_eq!(peer.closed().await.code, Some(CloseCode::NOT_AUTHENTICATED));
        // The session that begins on the link has its own login.
        if said.is_some() {
            assert_eq!(raw.closed().await.0, Some(CloseCode::NOT_AUTHENTICATED));
        } else {
            raw.ack(0).await;
            raw.add(1).await;
            raw.added(1).await;
        }
    }
}

/// A client that logs in by a message got rid of the end of its login by another link.
#[tokio::test(start_paused = true)]
async fn a_link_that_says_nothing_of_the_login_leaves_its_end() {
    let server = Server::new();
    let (raw, token) = server.session().await;
    let ends = tokio::time::Instant::now() + MINUTE;
    server.peer().set_expiry(MINUTE);
    drop(raw);
    sleep(MINUTE / 2).await;
    let mut raw = server.announced();
    assert_eq!(raw.resume(&token, 1, 0).await["resumed"], true);
    raw.ack(0).await;
    let closed = server.peer().closed().await;
    assert_eq!(closed.reason, "the login has expired");
    let late = tokio::time::Instant::now() - ends;
    assert!(late < Duration::from_secs(1), "{late:?} behind the end");
}

#[tokio::test(start_paused = true)]
async fn a_close_ends_a_session_and_a_link_that_was_given_up_does_not() {
    for (code, goes_on) in
        [(4410, true), (1000, false), (1001, false), (1006, false), (4000, false)]
    {
        let server = Server::new();
        let (mut raw, token) = server.session().await;
        raw.close_with(CloseCode::new(code)).await;
        sleep(Duration::from_millis(10)).await;
        let answer = server.announced().resume(&token, 1, 0).await;
        assert_eq!(answer["resumed"] == true, goes_on, "{code}: {answer}");
        assert_eq!(answer["refused"] == "unknown", !goes_on, "{code}: {answer}");
    }
}

/// Neither end can know that the other has the token.
#[tokio::test(start_paused = true)]
async fn a_session_whose_token_was_never_acknowledged_is_not_kept() {
    let server = Server::new();
    let mut raw = server.ordinary();
    raw.notify("$/hello", ASK).await;
    let token = token_of(&raw.receive().await);
    drop(raw);
    sleep(Duration::from_millis(10)).await;
    assert!(server.config.registry.is_empty());
    assert_eq!(server.announced().resume(&token, 1, 0).await["refused"], "unknown");
}

#[tokio::test(start_paused = true)]
async fn a_client_may_ask_for_less_time_and_not_for_more() {
    for (asked, kept) in [("3000", 3000), ("1e12", 120_000), ("-1", 120_000), ("\"1\"", 120_000)] {
        let server = Server::new();
        let mut raw = server.ordinary();
        let params = format!(r#"{{"duplex":1,"session":{{"keepMs":{asked},"buffer":1}}}}"#);
        raw.notify("$/hello", &params).await;
        let hello = said(&raw.receive().await);
        assert_eq!(hello["keepMs"], kept, "{asked}");
        raw.ack(0).await;
        sleep(Duration::from_millis(10)).await;
        drop(raw);
        sleep(Duration::from_millis(kept - 100)).await;
        assert_eq!(server.config.registry.len(), 1);
        sleep(Duration::from_millis(200)).await;
        assert!(server.config.registry.is_empty());
    }
}

// The client: asking for a session, and counting.

#[tokio::test(start_paused = true)]
async fn a_client_goes_on_at_once_and_answers_the_token_at_once() {
    let client = Client::new();
    let call = client.peer.call::<u32>("one", ()).start();
    let mut raw = client.link();
    assert_eq!(said(&raw.receive().await)["buffer"], 1024 * 1024);
    let id = raw.called("one").await;
    raw.notify("$/hello", &grant(TOKENS[0])).await;
    raw.is_acked(0).await;
    raw.answer(&id, "7").await;
    assert_eq!(call.await.unwrap(), 7);
    assert!(raw.is_silent().await);
    sleep(Duration::from_secs(5)).await;
    raw.is_acked(1).await;
    raw.ack(1).await;
    sleep(Duration::from_secs(120)).await;
    assert!(raw.is_silent().await, "acknowledgements are not acknowledged");
}

/// A response before a hello means a plain peer: there is no session, and the next link begins anew.
#[tokio::test(start_paused = true)]
async fn a_response_before_the_hello_shows_a_plain_peer() {
    let client = Client::new();
    let first = client.peer.call::<u32>("one", ()).start();
    let second = client.peer.call::<u32>("two", ()).start();
    let mut raw = client.link();
    raw.receive().await;
    let id = raw.called("one").await;
    raw.called("two").await;
    raw.answer(&id, "7").await;
    assert_eq!(first.await.unwrap(), 7);
    assert_eq!(client.peer.stats().queue_bytes, 0, "what was kept is let go");
    drop(raw);
    let lost = second.await.unwrap_err();
    assert!(matches!(lost, CallError::Closed { fate: Fate::MaybeExecuted, .. }), "{lost:?}");
    assert!(said(&client.link().receive().await)["token"].is_null());
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_none_means_no_session() {
    for token in ["short", "with space with space with", &"x".repeat(257)] {
        let client = Client::new();
        let mut raw = client.link();
        raw.receive().await;
        raw.notify("$/hello", &grant(token)).await;
        assert!(raw.is_silent().await, "{token}");
        drop(raw);
        assert!(said(&client.link().receive().await)["token"].is_null(), "{token}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_acknowledges_a_quarter_of_the_buffer() {
    let client = Client::new();
    let mut raw = client.link();
    raw.receive().await;
    raw.notify("$/hello", &grant(TOKENS[0]).replace("1048576", "1")).await;
    raw.is_acked(0).await;
    let note = r#"{"jsonrpc":"2.0","method":"note"}"#;
    let per_ack = 1024_usize.div_ceil(note.len() + 128);
    for round in 1..=3 {
        for _ in 0..per_ack {
            raw.send(note).await;
        }
        raw.is_acked((round * per_ack) as u64).await;
    }
    assert!(raw.is_silent().await);
}

// The client: resuming.

/// The client waits for the hello, then acknowledges, then sends again what was not taken in, then goes on.
#[tokio::test(start_paused = true)]
async fn a_client_resumes_in_this_order() {
    let mut client = Client::new();
    let mut raw = client.session().await;
    let calls = ["one", "two", "three"].map(|name| client.peer.call::<u32>(name, ()).start());
    let mut ids = Vec::new();
    for name in ["one", "two", "three"] {
        ids.push(raw.called(name).await);
    }
    raw.answer(&ids[0], "1").await;
    raw.notify("note", "[]").await;
    sleep(Duration::from_millis(10)).await;
    drop(raw);
    sleep(Duration::from_millis(10)).await;
    let new = client.peer.call::<u32>("new", ()).start();
    let mut raw = client.link();
    let hello = said(&raw.receive().await);
    assert_eq!((&hello["token"], &hello["attempt"]), (&TOKENS[0].into(), &1.into()));
    assert_eq!(hello["received"], 2);
    assert!(raw.is_silent().await);
    raw.notify("$/hello", &resumed(TOKENS[1], 2)).await;
    raw.is_acked(2).await;
    assert_eq!(raw.called("three").await, ids[2]);
    let id = raw.called("new").await;
    for (id, result) in [(&ids[1], "2"), (&ids[2], "3"), (&id, "4")] {
        raw.answer(id, result).await;
    }
    let [one, two, three] = calls;
    assert_eq!((one.await.unwrap(), two.await.unwrap()), (1, 2));
    assert_eq!((three.await.unwrap(), new.await.unwrap()), (3, 4));
    while !matches!(client.event().await, ConnectionEvent::Up { resumed: true, .. }) {}
}

/// A lost hello costs nothing: the token and what was sent are kept.
#[tokio::test(start_paused = true)]
async fn a_server_that_answers_no_resume_is_given_up_and_asked_again() {
    let client = Client::new();
    drop(client.session().await);
    for attempt in 1..=3 {
        let mut raw = client.link();
        let hello = said(&raw.receive().await);
        assert_eq!((&hello["token"], &hello["attempt"]), (&TOKENS[0].into(), &attempt.into()));
        let begun = tokio::time::Instant::now();
        assert_eq!(raw.closed().await.0, Some(CloseCode::new(4410)));
        assert!(begun.elapsed() >= Duration::from_secs(10), "`handshake`");
    }
    let mut raw = client.link();
    raw.receive().await;
    raw.notify("$/hello", &resumed(TOKENS[1], 0)).await;
    raw.is_acked(0).await;
}

#[tokio::test(start_paused = true)]
async fn a_client_finds_false_counts_and_begins_another_session() {
    for received in ["2", "-1", "\"0\"", "null"] {
        let mut client = Client::new();
        let mut raw = client.session().await;
        let call = client.peer.call::<u32>("one", ()).start();
        raw.called("one").await;
        drop(raw);
        let mut raw = client.link();
        raw.receive().await;
        let hello =
            resumed(TOKENS[1], 7).replace(r#""received":7"#, &format!(r#""received":{received}"#));
        raw.notify("$/hello", &hello).await;
        assert_eq!(raw.closed().await.0, Some(CloseCode::PROTOCOL), "{received}");
        let lost = call.await.unwrap_err();
        assert!(matches!(lost, CallError::Closed { fate: Fate::MaybeExecuted, .. }), "{lost:?}");
        while !matches!(client.event().await, ConnectionEvent::Lost { ended: Some(_), .. }) {}
        assert!(said(&client.link().receive().await)["token"].is_null());
    }
}

#[tokio::test(start_paused = true)]
async fn the_code_of_a_close_decides_whether_a_client_resumes() {
    use CloseCode as Code;
    for code in [Code::GOING_AWAY, Code::RESTARTING, Code::SLOW_READER, Code::new(4000)] {
        let client = Client::new();
        let mut raw = client.session().await;
        raw.close_with(code).await;
        sleep(Duration::from_millis(10)).await;
        assert_eq!(said(&client.link().receive().await)["token"], TOKENS[0], "{code}");
    }
    let client = Client::new();
    client.session().await.close_with(Code::NORMAL).await;
    sleep(Duration::from_millis(10)).await;
    assert!(said(&client.link().receive().await)["token"].is_null());
    for code in [4401, 4403, 4409] {
        let client = Client::new();
        client.session().await.close_with(Code::new(code)).await;
        sleep(Duration::from_millis(10)).await;
        assert!(client.peer.is_closed(), "{code}");
    }
}

/// The end of the link blames a message: the first one that would be sent again is not.
#[tokio::test(start_paused = true)]
async fn a_message_that_ends_a_session_is_not_put_back_for_the_next_one() {
    let client = Client::new();
    let mut raw = client.session().await;
    let first = client.peer.call::<u32>("first", ()).start();
    let second = client.peer.call::<u32>("second", ()).start();
    raw.called("first").await;
    raw.called("second").await;
    raw.close_with(CloseCode::TOO_BIG).await;
    sleep(Duration::from_millis(10)).await;
    let mut raw = client.link();
    raw.receive().await;
    let why = r#""refused":"ended","code":1009,"reason":"too big","received":0"#;
    raw.notify("$/hello", &refused(TOKENS[1], why)).await;
    raw.is_acked(0).await;
    let lost = first.await.unwrap_err();
    assert!(matches!(lost, CallError::Closed { fate: Fate::NotSent, .. }), "{lost:?}");
    let id = raw.called("second").await;
    raw.answer(&id, "7").await;
    assert_eq!(second.await.unwrap(), 7);
}

/// Some middlebox does not let a message pass: a session that makes no progress is given up.
#[tokio::test(start_paused = true)]
async fn a_session_that_is_resumed_without_progress_is_given_up() {
    let client = Client::new();
    let mut raw = client.session().await;
    let call = client.peer.call::<u32>("one", ()).start();
    raw.called("one").await;
    drop(raw);
    let mut links = 0;
    loop {
        let mut raw = client.link();
        if said(&raw.receive().await)["token"].is_null() {
            break;
        }
        links += 1;
        raw.notify("$/hello", &resumed(TOKENS[links % 4], 0)).await;
        raw.is_acked(0).await;
        raw.called("one").await;
    }
    assert_eq!(links, 3, "resumed three times");
    assert!(call.await.unwrap_err().fate() == Some(Fate::MaybeExecuted));
}

/// A server that answers a resume without a session has begun another link without one.
#[tokio::test(start_paused = true)]
async fn a_hello_without_a_session_ends_the_session() {
    let mut client = Client::new();
    let mut raw = client.session().await;
    let call = client.peer.call::<u32>("one", ()).start();
    raw.called("one").await;
    drop(raw);
    let mut raw = client.link();
    raw.receive().await;
    raw.notify("$/hello", r#"{"duplex":1}"#).await;
    assert_eq!(call.await.unwrap_err().fate(), Some(Fate::MaybeExecuted));
    let next = client.peer.call::<u32>("two", ()).start();
    let id = raw.called("two").await;
    raw.answer(&id, "7").await;
    assert_eq!(next.await.unwrap(), 7);
    while !matches!(client.event().await, ConnectionEvent::Up { ended: Some(_), .. }) {}
    drop(raw);
    assert!(said(&client.link().receive().await)["token"].is_null());
}

#[tokio::test(start_paused = true)]
async fn a_client_without_a_link_gives_its_session_up_when_the_server_has_forgotten_it() {
    let mut client = Client::new();
    drop(client.session().await);
    sleep(Duration::from_secs(120 + 44)).await;
    assert!(matches!(client.event().await, ConnectionEvent::Up { .. }));
    assert!(matches!(client.event().await, ConnectionEvent::Lost { ended: None, .. }));
    sleep(Duration::from_secs(2)).await;
    assert!(matches!(client.event().await, ConnectionEvent::Lost { ended: Some(_), .. }));
    assert!(said(&client.link().receive().await)["token"].is_null());
}

/// While away there is less room; who may wait waits, and nobody is closed for that.
#[tokio::test(start_paused = true)]
async fn a_client_without_a_link_keeps_what_has_room() {
    let client = Client::with(|limits| limits.away_bytes = 1000, |_| {});
    drop(client.session().await);
    sleep(Duration::from_millis(10)).await;
    let mut sent = 0;
    while client.peer.try_notify("note", ("x".repeat(200),)).is_ok() {
        sent += 1;
        assert!(sent < 10);
    }
    let waits = tokio::spawn(client.peer.notify("last", ()));
    sleep(Duration::from_secs(60)).await;
    assert!(!waits.is_finished() && !client.peer.is_closed());
    let mut raw = client.link();
    raw.receive().await;
    raw.notify("$/hello", &resumed(TOKENS[1], 0)).await;
    raw.is_acked(0).await;
    for _ in 0..sent {
        assert!(raw.receive().await.contains("note"));
    }
    assert!(raw.receive().await.contains("last"));
    waits.await.unwrap().unwrap();
}

/// What no link has accepted was certainly not taken in, if it is not sent any more.
#[tokio::test(start_paused = true)]
async fn a_call_that_no_link_accepted_was_not_sent_when_its_session_is_closed_without_a_link() {
    let client = Client::new();
    let (near, far) = memory::transports(1000);
    client.give(Link::To(near));
    let mut raw = Raw::over(far);
    raw.receive().await;
    raw.notify("$/hello", &grant(TOKENS[0])).await;
    raw.is_acked(0).await;
    let fills = client.peer.call::<u32>("fills", ("x".repeat(2000),)).start();
    let stuck = client.peer.call::<u32>("stuck", ()).start();
    sleep(Duration::from_millis(10)).await;
    drop(raw);
    sleep(Duration::from_millis(10)).await;
    client.peer.close(CloseCode::NORMAL, "enough");
    assert_eq!(fills.await.unwrap_err().fate(), Some(Fate::MaybeExecuted));
    assert_eq!(stuck.await.unwrap_err().fate(), Some(Fate::NotSent));
}

/// A push never waits: a member without a link and without room is ended, unless the group drops.
#[tokio::test(start_paused = true)]
async fn a_member_of_a_group_without_a_link_keeps_what_has_room_and_is_ended_then() {
    for drops in [false, true] {
        let server = Server::with(|limits| limits.away_bytes = 1000);
        let (raw, token) = server.session().await;
        let peer = server.peer();
        peer.join_group("all").unwrap();
        drop(raw);
        sleep(Duration::from_millis(10)).await;
        let group = server.config.registry.group("all");
        let group = if drops { group.dropping() } else { group };
        let mut took = 0;
        for _ in 0..10 {
            took += group.notify("pushed", ("x".repeat(200),)).await.unwrap();
        }
        sleep(Duration::from_millis(10)).await;
        assert_eq!(peer.is_closed(), !drops);
        assert!((2..5).contains(&took), "{took}");
        let mut raw = server.announced();
        let answer = raw.resume(&token, 1, 0).await;
        if drops {
            assert_eq!(answer["resumed"], true);
            for _ in 0..took {
                assert!(raw.receive().await.contains("pushed"));
            }
            assert!(raw.is_silent().await);
        } else {
            assert_eq!((&answer["refused"], &answer["code"]), (&"ended".into(), &4008.into()));
        }
    }
}

/// Another server may be plain: a call with a stream waits for its hello, also one that waited for others before.
#[tokio::test(start_paused = true)]
async fn a_call_with_a_stream_that_waited_for_others_waits_for_the_hello_of_the_next_session() {
    let client = Client::with(|limits| limits.calls_on_wire = 1, |_| {});
    let mut raw = client.session().await;
    let first = client.peer.call::<u32>("first", ()).start();
    let items = Streaming::new(futures_util::stream::iter([1, 2]));
    let second = TakesClient::new(client.peer.clone()).second(items).start();
    raw.called("first").await;
    raw.close_with(CloseCode::NORMAL).await;
    assert_eq!(first.await.unwrap_err().fate(), Some(Fate::MaybeExecuted));
    let mut raw = client.link();
    raw.receive().await;
    assert!(raw.is_silent().await, "nobody knows whether the other end takes streams");
    raw.notify("$/hello", &grant(TOKENS[1])).await;
    raw.is_acked(0).await;
    let id = raw.called("second").await;
    raw.answer(&id, "7").await;
    assert_eq!(second.await.unwrap(), 7);
}

#[service]
trait Takes {
    async fn second(&self, items: Streaming<u32>) -> u32;
    #[subscription]
    async fn ticks(&self) -> Streaming<u32>;
}

/// It was sent once, so that it may have run, although the message that makes it anew was not sent.
#[tokio::test(start_paused = true)]
async fn a_call_that_was_to_be_made_anew_may_have_run() {
    let client = Client::new();
    let mut raw = client.session().await;
    let call = client.peer.call::<u32>("twice", ()).idempotent().start();
    raw.called("twice").await;
    raw.close_with(CloseCode::NORMAL).await;
    let late = call.await.unwrap_err();
    assert!(matches!(late, CallError::Timeout { fate: Fate::MaybeExecuted, .. }), "{late:?}");
}

/// The id of the call had its place still, so that the table grew for ever to give the same id another place.
#[tokio::test(start_paused = true)]
async fn a_subscription_whose_answer_nobody_has_taken_is_asked_for_anew() {
    let client = Client::new();
    let mut raw = client.session().await;
    let ticks = TakesClient::new(client.peer.clone()).ticks().start();
    let id = raw.called("ticks").await;
    raw.answer(&id, "\"one\"").await;
    raw.notify("$/item", r#"{"subscription":"one","seq":1,"result":1}"#).await;
    raw.close_with(CloseCode::NORMAL).await;
    let mut raw = client.link();
    raw.receive().await;
    let id = raw.called("ticks").await;
    raw.notify("$/hello", &grant(TOKENS[1])).await;
    raw.is_acked(0).await;
    raw.answer(&id, "\"two\"").await;
    raw.notify("$/item", r#"{"subscription":"two","seq":1,"result":2}"#).await;
    raw.notify("$/item", r#"{"subscription":"two","seq":2,"done":true}"#).await;
    let mut ticks = ticks.await.unwrap();
    assert_eq!(ticks.next().await, Some(Ok(2)), "nobody knew of the subscription before");
    assert_eq!(ticks.next().await, None);
    drop(ticks);
    assert_eq!((client.peer.stats().pending, client.peer.stats().subscriptions), (0, 0));
}

/// A stream hung for ever when the call that makes its subscription anew was lost with its session a second time.
#[tokio::test(start_paused = true)]
async fn a_subscription_is_made_anew_until_it_is_answered() {
    let client = Client::new();
    let mut raw = client.session().await;
    let ticks = TakesClient::new(client.peer.clone()).ticks().start();
    let id = raw.called("ticks").await;
    raw.answer(&id, "\"one\"").await;
    let mut ticks = ticks.await.unwrap();
    drop(raw);
    for token in &TOKENS[1..] {
        let mut raw = client.link();
        raw.receive().await;
        raw.notify("$/hello", &refused(token, r#""refused":"unknown","received":0"#)).await;
        raw.is_acked(0).await;
        raw.called("ticks").await;
        assert!(raw.is_silent().await, "once in each session");
    }
    let mut raw = client.link();
    raw.receive().await;
    raw.notify("$/hello", &refused(TOKENS[0], r#""refused":"unknown","received":0"#)).await;
    raw.is_acked(0).await;
    let id = raw.called("ticks").await;
    raw.answer(&id, "\"two\"").await;
    raw.notify("ticks", r#"{"subscription":"two","seq":1,"result":7}"#).await;
    assert_eq!(ticks.next().await, Some(Err(rpc_core::StreamError::Gap { missed: 0 })));
    assert_eq!(ticks.next().await, Some(Ok(7)));
}

/// The answer to a call that was handed on and has opened a stream.
fn opened(id: &str, unsubscribe: &str) -> String {
    format!(r#"{{"$stream":"{id}","item":"ticks","unsubscribe":"{unsubscribe}"}}"#)
}

/// A stream that is handed on follows the rule of a subscription. Those who take the stream know its names, so that a
/// stream of other names does not take its place.
#[tokio::test(start_paused = true)]
async fn a_stream_that_is_handed_on_is_made_anew_under_its_names() {
    for (answer, goes_on) in [
        (opened("two", "unsubscribe_ticks"), true),
        (opened("two", "halt"), false),
        ("\"two\"".to_owned(), false),
    ] {
        let client = Client::new();
        let mut raw = client.session().await;
        let front = Router::new().forward("*", client.peer.clone());
        let (caller, _front) = memory::pair(Router::new(), front);
        let ticks = TakesClient::new(caller).ticks().start();
        let id = raw.called("ticks").await;
        raw.answer(&id, &opened("one", "unsubscribe_ticks")).await;
        let mut ticks = ticks.await.unwrap();
        raw.notify("ticks", r#"{"subscription":"one","seq":1,"result":1}"#).await;
        assert_eq!(ticks.next().await, Some(Ok(1)));
        drop(raw);
        let mut raw = client.link();
        raw.receive().await;
        raw.notify("$/hello", &refused(TOKENS[1], r#""refused":"unknown","received":0"#)).await;
        raw.is_acked(0).await;
        let call = raw.receive().await;
        assert!(
            call.contains(r#""method":"ticks""#) && call.contains(r#""forwarded":1"#),
            "{call}"
        );
        raw.answer(&support::id_of(&call), &answer).await;
        if goes_on {
            raw.notify("ticks", r#"{"subscription":"two","seq":1,"result":7}"#).await;
        } else if answer.contains("halt") {
            let stop = raw.receive().await;
            assert!(stop.contains(r#""method":"halt","params":["two"]"#), "{stop}");
        }
        assert_eq!(ticks.next().await, Some(Err(StreamError::Gap { missed: 1 })));
        match ticks.next().await {
            Some(Ok(7)) => assert!(goes_on, "{answer}"),
            Some(Err(StreamError::Remote(error))) => {
                assert!(!goes_on && error.code == -32603, "{error:?}")
            }
            other => panic!("{other:?} after {answer}"),
        }
        drop(ticks);
        if goes_on {
            let stop = raw.receive().await;
            assert!(stop.contains(r#""method":"unsubscribe_ticks","params":["two"]"#), "{stop}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_nobody_has_handed_on_yet_is_asked_for_anew() {
    let client = Client::new();
    let mut raw = client.session().await;
    let (near, far) = memory::transports(64 * 1024);
    let services = Router::new().forward("*", client.peer.clone());
    let front = Endpoint::new(EndpointConfig::new(services, Limits::server())).connect(far);
    let mut front = std::pin::pin!(front);
    let mut caller = Raw::over(near);
    caller.notify("$/hello", r#"{"duplex":1}"#).await;
    caller.send(r#"{"jsonrpc":"2.0","id":1,"method":"ticks"}"#).await;
    let id = tokio::select! {
        id = raw.called("ticks") => id,
        _ = &mut front => panic!("the connection has ended"),
    };
    // The connection stands still, so that the answer waits.
    raw.answer(&id, &opened("one", "unsubscribe_ticks")).await;
    raw.notify("ticks", r#"{"subscription":"one","seq":1,"result":1}"#).await;
    raw.close_with(CloseCode::NORMAL).await;
    let mut raw = client.link();
    raw.receive().await;
    let id = raw.called("ticks").await;
    raw.notify("$/hello", &grant(TOKENS[1])).await;
    raw.is_acked(0).await;
    raw.answer(&id, &opened("two", "unsubscribe_ticks")).await;
    raw.notify("ticks", r#"{"subscription":"two","seq":1,"result":2}"#).await;
    let answers = async {
        let hello = caller.receive().await;
        assert!(hello.contains("$/hello"), "{hello}");
        assert!(caller.receive().await.contains(r#""id":1,"result":"#));
        caller.receive().await
    };
    let item = tokio::select! {
        item = answers => item,
        _ = &mut front => panic!("the connection has ended"),
    };
    assert!(item.contains(r#""seq":1,"result":2"#), "{item}");
    assert_eq!((client.peer.stats().pending, client.peer.stats().subscriptions), (0, 1));
}

/// The server numbers the subscriptions of each connection from 1.
#[tokio::test(start_paused = true)]
async fn a_stream_that_is_dropped_without_a_link_ends_no_other_stream() {
    let client = Client::new();
    let takes = TakesClient::new(client.peer.clone());
    let mut raw = client.link();
    raw.receive().await;
    let mut streams = Vec::new();
    for subscription in ["1", "2"] {
        let stream = takes.ticks().start();
        let id = raw.called("ticks").await;
        raw.answer(&id, subscription).await;
        streams.push(stream.await.unwrap());
    }
    drop(raw);
    sleep(Duration::from_millis(10)).await;
    drop(streams.remove(0));
    let mut raw = client.link();
    raw.receive().await;
    let id = raw.called("ticks").await;
    assert!(raw.is_silent().await, "the other stream is not subscribed again");
    raw.answer(&id, "1").await;
    raw.notify("ticks", r#"{"subscription":1,"result":7}"#).await;
    let mut stream = streams.remove(0);
    assert_eq!(stream.next().await, Some(Err(rpc_core::StreamError::Gap { missed: 0 })));
    assert_eq!(stream.next().await, Some(Ok(7)));
    assert!(raw.is_silent().await, "nothing ends this one");
    // A stream that is dropped before the answer to its new subscription is ended by its new number.
    drop(raw);
    let mut raw = client.link();
    raw.receive().await;
    let id = raw.called("ticks").await;
    drop(stream);
    raw.play(&format!(
        r#"<-- {{"jsonrpc":"2.0","method":"$/cancelRequest","params":{{"id":{id}}}}}"#
    ))
    .await;
    raw.answer(&id, "3").await;
    raw.play(r#"<-- {"jsonrpc":"2.0","id":3,"method":"unsubscribe_ticks","params":[3]}"#).await;
    assert!(raw.is_silent().await);
}

/// A message that waited for the first one of the other end kept the task busy until the close was over.
#[tokio::test(start_paused = true)]
async fn a_link_on_which_the_other_end_has_said_nothing_is_closed_at_once() {
    let server = Server::with(|limits| limits.handshake = Duration::from_secs(1));
    let mut raw = server.ordinary();
    sleep(Duration::from_millis(10)).await;
    server.peer().notify("waits", ()).await.unwrap();
    assert!(raw.is_silent().await);
    let begun = tokio::time::Instant::now();
    server.peer().close(CloseCode::NORMAL, "enough");
    assert!(raw.receive().await.contains("waits"));
    assert_eq!(raw.closed().await.0, Some(CloseCode::NORMAL));
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
}

/// Nothing but the hello may be sent before the answer, also at the end.
#[tokio::test(start_paused = true)]
async fn a_client_that_resumes_can_be_closed_at_once() {
    let client = Client::new();
    drop(client.session().await);
    sleep(Duration::from_millis(10)).await;
    client.peer.notify("waits", ()).await.unwrap();
    let mut raw = client.link();
    raw.receive().await;
    let begun = tokio::time::Instant::now();
    client.peer.close(CloseCode::NORMAL, "enough");
    assert!(raw.closed().await.0 == Some(CloseCode::NORMAL));
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
}

/// The hello goes before everything on a link, also before a call that was made when there was no link.
#[tokio::test(start_paused = true)]
async fn a_stream_that_was_asked_for_before_the_first_link_has_an_end() {
    let client = Client::new();
    let ticks = TakesClient::new(client.peer.clone()).ticks().start();
    let mut raw = client.link();
    raw.receive().await;
    let id = raw.called("ticks").await;
    raw.notify("$/hello", &grant(TOKENS[0])).await;
    raw.is_acked(0).await;
    raw.answer(&id, "\"one\"").await;
    let mut ticks = ticks.await.unwrap();
    raw.notify("ticks", r#"{"subscription":"one","seq":1,"result":7}"#).await;
    raw.notify("ticks", r#"{"subscription":"one","seq":2,"done":true}"#).await;
    assert_eq!(ticks.next().await, Some(Ok(7)));
    assert_eq!(ticks.next().await, None);
}

/// Attempts are counted for each session. A hello that is refused begins another session.
#[tokio::test(start_paused = true)]
async fn attempts_begin_anew_with_each_session() {
    let client = Client::new();
    drop(client.session().await);
    for token in [TOKENS[0], TOKENS[1]] {
        let mut raw = client.link();
        let said = said(&raw.receive().await);
        assert_eq!((&said["attempt"], &said["token"]), (&1.into(), &token.into()));
        raw.notify("$/hello", &refused(TOKENS[1], r#""refused":"unknown""#)).await;
        raw.is_acked(0).await;
    }
}

/// A server cannot drive a client from link to link.
#[tokio::test(start_paused = true)]
async fn a_client_is_asked_to_move_at_most_once_in_ten_seconds() {
    let mut client = Client::new();
    let mut raw = client.session().await;
    assert!(matches!(client.event().await, ConnectionEvent::Up { .. }));
    for asks in [true, false] {
        raw.notify("$/goaway", r#"{"move":true}"#).await;
        sleep(Duration::from_secs(1)).await;
        let heard = timeout(Duration::ZERO, client.event()).await.ok();
        assert_eq!(heard, asks.then_some(ConnectionEvent::AskedToMove));
    }
    sleep(Duration::from_secs(10)).await;
    raw.notify("$/goaway", r#"{"move":true}"#).await;
    assert_eq!(client.event().await, ConnectionEvent::AskedToMove);
}
