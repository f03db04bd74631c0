//! The vectors of the wire (`vectors/README.md`), which each implementation plays as they stand.

#![allow(clippy::print_stderr, reason = "shown if a vector fails: where it was")]

mod support;

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures_util::stream;
use rpc_core::memory;
#[cfg(feature = "schema")]
use rpc_core::schema::{Discovery, Model, Offer};
use rpc_core::transport::{
    Accepted, Connection, ConnectionEvent, Endpoint, EndpointConfig, SessionMode,
};
use rpc_core::{
    Base64, Call, CallError, CloseCode, ErrorObject, Fate, Limits, Peer, Progress, Router,
    StreamError, Streaming, service,
};
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Value, json};
use support::Raw;
use support::binary::{Carrier, as_text, from_text};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::sleep;

#[derive(Deserialize)]
struct File {
    vectors: Vec<Vector>,
}

#[derive(Deserialize, Clone)]
struct Vector {
    name: String,
    end: String,
    #[serde(default)]
    session: bool,
    steps: Vec<Value>,
}

/// What the peer under test offers.
#[service]
trait Program {
    fn add(&self, a: i64, b: i64) -> i64;
    fn echo(&self, value: Value) -> Value;
    fn fail(&self, code: i64, message: String, data: Value) -> rpc_core::Result<()>;
    fn panics(&self);
    async fn never(&self);
    #[notification]
    fn note(&self);
    async fn build(&self, steps: u32, progress: Progress<u32>) -> String;
    fn ticks(&self, count: u32) -> Streaming<u32>;
    async fn sum(&self, values: Streaming<i64>) -> i64;
    fn size(&self, data: Base64) -> usize;
}

/// What the peer under test offers and calls where vectors are about that.
#[cfg(feature = "schema")]
#[service(namespace = "math", version = "1.2", schema)]
trait Math {
    fn half(&self, of: i64) -> i64;
    fn twice(&self, of: i64) -> i64;
}

#[cfg(feature = "schema")]
impl Math for Offered {
    fn half(&self, of: i64) -> i64 {
        of / 2
    }

    fn twice(&self, of: i64) -> i64 {
        of * 2
    }
}

/// What the other end offers to it, beside methods without streams.
#[service]
trait Other {
    async fn total(&self, values: Streaming<Value>) -> Value;
}

struct Offered {
    notes: Arc<AtomicU32>,
}

impl Program for Offered {
    fn add(&self, a: i64, b: i64) -> i64 {
        a + b
    }

    fn echo(&self, value: Value) -> Value {
        value
    }

    fn fail(&self, code: i64, message: String, data: Value) -> rpc_core::Result<()> {
        Err(ErrorObject::new(code, message).with_data(&data))
    }

    fn panics(&self) {
        panic!("of the inside");
    }

    async fn never(&self) {
        std::future::pending().await
    }

    fn note(&self) {
        self.notes.fetch_add(1, Ordering::Relaxed);
    }

    async fn build(&self, steps: u32, progress: Progress<u32>) -> String {
        for step in 1..=steps {
            progress.report(&step);
            tokio::task::yield_now().await;
        }
        "built".into()
    }

    fn ticks(&self, count: u32) -> Streaming<u32> {
        Streaming::new(stream::iter(0..count))
    }

    async fn sum(&self, mut values: Streaming<i64>) -> i64 {
        let mut sum = 0;
        while let Some(Ok(value)) = values.next().await {
            sum += value;
        }
        sum
    }

    fn size(&self, data: Base64) -> usize {
        data.len()
    }
}

/// A value as a step has it, in which `{"$bytes": B}` stands for bytes.
struct Sent(Value);

/// The bytes that `{"byte": X, "count": N}` stands for.
fn bytes(of: &Value) -> Base64 {
    let (byte, count) = (of["byte"].as_u64().unwrap(), of["count"].as_u64().unwrap());
    vec![u8::try_from(byte).unwrap(); usize::try_from(count).unwrap()].into()
}

impl Serialize for Sent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Value::Array(values) => {
                let mut list = serializer.serialize_seq(Some(values.len()))?;
                values.iter().try_for_each(|value| list.serialize_element(&Self(value.clone())))?;
                list.end()
            }
            Value::Object(members) => match members.get("$bytes") {
                Some(of) => bytes(of).serialize(serializer),
                None => {
                    let mut map = serializer.serialize_map(Some(members.len()))?;
                    members.iter().try_for_each(|(name, value)| {
                        map.serialize_entry(name, &Self(value.clone()))
                    })?;
                    map.end()
                }
            },
            value => value.serialize(serializer),
        }
    }
}

/// Returns the binary message of a text and the bytes beside it, whose places are the empty strings of the text.
fn binary(text: &str, beside: &[Base64]) -> Vec<u8> {
    let places = text.match_indices("\"\"").map(|(place, _)| place + 1);
    let mut message = vec![0xff, u8::try_from(beside.len()).unwrap()];
    for (place, bytes) in places.zip(beside) {
        for number in [place, bytes.len()] {
            message.extend(u32::try_from(number).unwrap().to_be_bytes());
        }
    }
    beside.iter().for_each(|bytes| message.extend_from_slice(bytes));
    message.extend_from_slice(text.as_bytes());
    message
}

/// Returns the bytes that are written in hexadecimal digits.
fn of_hex(hex: &str) -> Vec<u8> {
    let digits = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(digits).collect()
}

/// Takes a binary message apart: its text, and the bytes beside the text in the order of their places.
fn parts(message: &[u8]) -> (&str, Vec<&[u8]>) {
    let number = |at: usize| u32::from_be_bytes(message[at..at + 4].try_into().unwrap()) as usize;
    let count = usize::from(message[1]);
    let mut at = 2 + 8 * count;
    let mut places = Vec::new();
    let mut beside = Vec::new();
    for entry in 0..count {
        places.push(number(2 + 8 * entry));
        let length = number(6 + 8 * entry);
        beside.push(&message[at..at + length]);
        at += length;
    }
    let text = str::from_utf8(&message[at..]).unwrap();
    assert!(
        places.is_sorted() && places.iter().all(|place| &text[place - 1..place + 1] == "\"\""),
        "{text}"
    );
    (text, beside)
}

type Outcome = Result<Value, CallError>;

enum Known {
    Call(JoinHandle<Outcome>),
    Cancelled,
    Subscribing(Box<Call<Streaming<Value>>>),
    Items(Streaming<Value>),
    #[cfg(feature = "schema")]
    Asking(JoinHandle<Offer>),
}

/// What happens to the link of a peer with sessions.
enum Link {
    To(Carrier),
    /// The next link begins another session, as after a close with 1000.
    Renew,
}

async fn carry(mut connection: Connection, mut links: mpsc::UnboundedReceiver<Link>) {
    loop {
        tokio::select! {
            biased; // the same each time
            event = connection.next_event() => {
                if let ConnectionEvent::Closed(_) = event {
                    return;
                }
            }
            Some(link) = links.recv() => match link {
                Link::To(pipe) => connection.attach(pipe, true),
                Link::Renew => drop(connection.renew_session("closed")),
            },
        }
    }
}

/// Carries a link to a server with sessions, which may have announced that it resumes one.
async fn accept(config: EndpointConfig, link: Carrier, resumes: bool) {
    let endpoint = Endpoint::new(config);
    endpoint.set_extended(false);
    if !resumes {
        endpoint.connect(link).await;
    } else if let Accepted::Fresh(connection) = endpoint.accept(link, |_, _| true).await {
        connection.await;
    }
}

/// Where a file of vectors is, which says what the peer under test is.
#[derive(Clone, Copy, PartialEq)]
enum Folder {
    Plain,
    Binary,
    #[cfg(feature = "schema")]
    Offers,
}

impl Folder {
    fn all() -> Vec<Self> {
        vec![
            Self::Plain,
            Self::Binary,
            #[cfg(feature = "schema")]
            Self::Offers,
        ]
    }

    fn name(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Binary => "binary",
            #[cfg(feature = "schema")]
            Self::Offers => "offers",
        }
    }
}

struct Player {
    peer: Peer,
    raw: Option<Raw>,
    links: mpsc::UnboundedSender<Link>,
    carries_binary: bool,
    /// Of a server with sessions, each link has an end of its own.
    server: Option<EndpointConfig>,
    has_had_link: bool,
    notes: Arc<AtomicU32>,
    values: HashMap<String, Value>,
    known: HashMap<String, Known>,
}

/// Adds what an end tells of its services in its hello.
#[cfg(feature = "schema")]
fn with_offers(services: Router, opens: bool) -> Router {
    let model = if opens { Model::client() } else { Model::server() };
    let model = model.serves(MathServer::INFO).calls(MathClient::INFO).build().unwrap();
    let math = MathServer::new(Offered { notes: Arc::default() });
    services.service(math).service(Discovery::new(&()).with_model(&model).in_hello())
}

impl Player {
    fn new(opens: bool, has_sessions: bool, folder: Folder) -> Self {
        let notes = Arc::<AtomicU32>::default();
        let services = Router::new().service(ProgramServer::new(Offered { notes: notes.clone() }));
        let services = match folder {
            #[cfg(feature = "schema")]
            Folder::Offers => with_offers(services, opens),
            _ => services,
        };
        let carries_binary = folder == Folder::Binary;
        let limits = if opens { Limits::client() } else { Limits::server() };
        let mut config = EndpointConfig::new(services, limits);
        config.answers_malformed = !opens;
        let (links, incoming) = mpsc::unbounded_channel();
        let mut server = None;
        let (raw, peer) = if has_sessions && !opens {
            config.sessions = SessionMode::Grant;
            server = Some(config.clone());
            (None, Endpoint::new(config).peer())
        } else if has_sessions {
            config.sessions = SessionMode::Ask;
            let endpoint = Endpoint::new(config);
            let peer = endpoint.peer();
            tokio::spawn(carry(endpoint.without_link(), incoming));
            (None, peer)
        } else {
            config.keepalive = false;
            let (near, far) = memory::transports(64 * 1024);
            let endpoint = Endpoint::new(config);
            let peer = endpoint.peer();
            tokio::spawn(endpoint.connect(Carrier::new(near, carries_binary)));
            (Some(Raw::over(far)), peer)
        };
        let (values, known) = (HashMap::new(), HashMap::new());
        let has_had_link = false;
        Self { peer, raw, links, carries_binary, server, has_had_link, notes, values, known }
    }

    fn raw(&mut self) -> &mut Raw {
        self.raw.as_mut().expect("there is a link")
    }

    async fn play(&mut self, step: &Value) {
        let Some(text) = step.as_str() else { return self.act(step).await };
        if text == "silent" {
            assert!(self.raw().is_silent().await);
            return;
        }
        let (kind, text) = text.split_at(4);
        if kind == "--> " {
            let text = self.with_values(text);
            return self.raw().send(&text).await;
        }
        let got = self.raw().receive().await;
        let expected = serde_json::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let is_part = match kind {
            "<-- " => false,
            "<~~ " => true,
            other => panic!("a line is `-->`, `<--` or `<~~`: {other}"),
        };
        let parsed = serde_json::from_str(&got).unwrap();
        assert!(self.matches(&parsed, &expected, is_part), "\n got      {got}\n expected {text}");
    }

    /// Puts in what the peer has sent in the place of each name.
    fn with_values(&self, text: &str) -> String {
        self.values.iter().fold(text.to_owned(), |text, (name, value)| {
            text.replace(&format!("\"?{name}\""), &value.to_string())
        })
    }

    /// Sends a binary message, or takes one.
    async fn play_binary(&mut self, step: &Value) {
        let text = step["text"].as_str().unwrap_or_default();
        let beside: Vec<Base64> =
            step["bytes"].as_array().into_iter().flatten().map(bytes).collect();
        if step["binary"] == "-->" {
            let message = match step["hex"].as_str() {
                Some(hex) => of_hex(hex),
                None => binary(&self.with_values(text), &beside),
            };
            return self.raw().send_bytes(&as_text(&message)).await;
        }
        let got = self.raw().receive().await;
        let got = from_text(got.as_bytes()).unwrap_or_else(|| panic!("not binary: {got}"));
        let (got, got_beside) = parts(&got);
        let [parsed, expected] = [got, text].map(|text| serde_json::from_str(text).unwrap());
        assert!(self.matches(&parsed, &expected, false), "\n got      {got}\n expected {text}");
        assert!(got_beside.into_iter().eq(beside.iter().map(|bytes| &bytes[..])), "other bytes");
    }

    fn matches(&mut self, got: &Value, expected: &Value, is_part: bool) -> bool {
        match (got, expected) {
            (_, Value::String(name)) if name.starts_with('?') => {
                self.values.entry(name[1..].to_owned()).or_insert_with(|| got.clone()) == got
            }
            (Value::Object(got), Value::Object(expected)) => {
                (is_part || got.len() == expected.len())
                    && expected.iter().all(|(name, expected)| {
                        got.get(name).is_some_and(|got| self.matches(got, expected, is_part))
                    })
            }
            (Value::Array(got), Value::Array(expected)) => {
                got.len() == expected.len()
                    && got
                        .iter()
                        .zip(expected)
                        .all(|(got, expected)| self.matches(got, expected, is_part))
            }
            _ => got == expected,
        }
    }

    async fn act(&mut self, step: &Value) {
        if step.get("binary").is_some() {
            return self.play_binary(step).await;
        }
        let text = |member: &str| step[member].as_str().map(ToOwned::to_owned);
        let method = text("method").unwrap_or_default();
        let params = Sent(step["params"].clone());
        if let Some(name) = text("call") {
            let mut call = match step.get("stream").and_then(Value::as_array) {
                Some(items) => {
                    let items = Streaming::<Value>::new(stream::iter(items.clone()));
                    assert_eq!(method, "total");
                    OtherClient::new(self.peer.clone()).total(items)
                }
                None => self.peer.call::<Value>(&method, params),
            };
            if let Some(key) = text("key") {
                call = call.idempotency_key(key);
            }
            self.known.insert(name, Known::Call(tokio::spawn(call.start())));
        } else if let Some(name) = text("subscribe") {
            let unsubscribe = format!("unsubscribe_{method}");
            let call = self.peer.subscribe::<Value>(&method, unsubscribe, params).start();
            self.known.insert(name, Known::Subscribing(Box::new(call)));
        } else if let Some(method) = text("notify") {
            let peer = self.peer.clone();
            tokio::spawn(async move { peer.notify(&method, params).await });
        } else if let Some(method) = text("mute") {
            self.peer.mute(&method).unwrap();
        } else if let Some(method) = text("unmute") {
            self.peer.unmute(&method);
        } else if let Some(name) = text("cancel") {
            if let Some(Known::Call(call)) = self.known.insert(name, Known::Cancelled) {
                call.abort();
            }
        } else if let Some(name) = text("result") {
            let expected = serde_json::to_value(Sent(step["is"].clone())).unwrap();
            assert_eq!(self.outcome(&name).await.unwrap().unwrap(), expected, "{name}");
        } else if let Some(name) = text("failure") {
            let fate = if step["fate"] == "NotSent" { Fate::NotSent } else { Fate::MaybeExecuted };
            if let Some(outcome) = self.outcome(&name).await {
                let error = outcome.unwrap_err();
                // A malformed answer shows that the call has run.
                let is_malformed = matches!(error, CallError::Decode(_));
                assert!(is_malformed || error.fate() == Some(fate), "{name}: {error:?}");
            }
        } else if let Some(name) = text("error") {
            let code = match self.known.get(&name) {
                Some(Known::Call(_)) => match self.outcome(&name).await.unwrap() {
                    Err(CallError::Remote(error)) => {
                        #[cfg(feature = "schema")]
                        assert_eq!(error.mismatch().map(ToString::to_string), text("mismatch"));
                        error.code
                    }
                    other => panic!("{name}: {other:?}"),
                },
                _ => match self.item(&name).await {
                    Some(Err(StreamError::Remote(error))) => error.code,
                    other => panic!("{name}: {other:?}"),
                },
            };
            assert_eq!(json!(code), step["code"]);
        } else if let Some(name) = text("item") {
            assert_eq!(self.item(&name).await.unwrap().unwrap(), step["is"], "{name}");
        } else if let Some(name) = text("done") {
            assert!(self.item(&name).await.is_none(), "{name}");
        } else if let Some(name) = text("gap") {
            let item = self.item(&name).await;
            assert!(matches!(item, Some(Err(StreamError::Gap { .. }))), "{name}: {item:?}");
        } else if let Some(name) = text("ask") {
            self.ask(name);
        } else if let Some(name) = text("offer") {
            self.offer(&name, step).await;
        } else if let Some(name) = text("drop") {
            self.known.remove(&name);
        } else if let Some(runs) = step.get("ran") {
            sleep(Duration::from_millis(10)).await;
            assert_eq!(json!(self.notes.load(Ordering::Relaxed)), *runs);
        } else if let Some(link) = text("link") {
            self.raw = None;
            if link == "open" {
                let (near, far) = memory::transports(64 * 1024);
                let near = Carrier::new(near, self.carries_binary);
                if let Some(config) = &self.server {
                    tokio::spawn(accept(config.clone(), near, self.has_had_link));
                } else {
                    self.give(Link::To(near));
                }
                self.has_had_link = true;
                self.raw = Some(Raw::over(far));
            }
        } else if let Some(code) = step["close"].as_u64() {
            let code = CloseCode::new(u16::try_from(code).unwrap());
            self.raw().close_with(code).await;
            if code == CloseCode::NORMAL && self.server.is_none() {
                sleep(Duration::from_millis(1)).await;
                self.give(Link::Renew);
            }
        } else if let Some(code) = step["closed"].as_u64() {
            let (closed, _) = self.raw().closed().await;
            assert_eq!(closed, Some(CloseCode::new(u16::try_from(code).unwrap())));
        } else {
            panic!("no such step: {step}");
        }
        // Whatever was begun gets its turn before the next step.
        sleep(Duration::from_millis(1)).await;
    }

    #[cfg(feature = "schema")]
    fn ask(&mut self, name: String) {
        let peer = self.peer.clone();
        let asking = tokio::spawn(async move { peer.offers::<MathClient>().await });
        self.known.insert(name, Known::Asking(asking));
    }

    #[cfg(feature = "schema")]
    async fn offer(&mut self, name: &str, step: &Value) {
        let Some(Known::Asking(asking)) = self.known.remove(name) else { panic!("{name}") };
        let (is, diff) = match asking.await.unwrap() {
            Offer::Same => ("same", None),
            Offer::Compatible(diff) => ("compatible", Some(diff)),
            Offer::Differs(diff) => ("differs", Some(diff)),
            _ => ("unknown", None),
        };
        assert_eq!(step["is"], is, "{name}");
        let changes: Vec<_> = diff.map_or_else(Vec::new, |diff| diff.changes);
        let changes: Vec<_> = changes
            .iter()
            .map(|it| json!({"method": it.method, "breaks": it.breaks, "text": it.text}))
            .collect();
        assert_eq!(json!(changes), *step.get("changes").unwrap_or(&json!([])), "{name}");
    }

    #[cfg(not(feature = "schema"))]
    fn ask(&mut self, _: String) {
        unreachable!("such vectors are for the feature `schema`");
    }

    #[cfg(not(feature = "schema"))]
    async fn offer(&mut self, _: &str, _: &Value) {
        unreachable!("such vectors are for the feature `schema`");
    }

    fn give(&self, link: Link) {
        assert!(self.links.send(link).is_ok(), "the peer goes on");
    }

    /// How a call has ended; `None` if the program has given it up.
    async fn outcome(&mut self, name: &str) -> Option<Outcome> {
        match self.known.remove(name) {
            Some(Known::Call(call)) => Some(call.await.unwrap()),
            Some(Known::Cancelled) => None,
            _ => panic!("no call is known as {name}"),
        }
    }

    async fn item(&mut self, name: &str) -> Option<Result<Value, StreamError>> {
        let mut items = match self.known.remove(name) {
            Some(Known::Subscribing(call)) => call.await.unwrap(),
            Some(Known::Items(items)) => items,
            _ => panic!("no stream is known as {name}"),
        };
        let item = items.next().await;
        self.known.insert(name.to_owned(), Known::Items(items));
        item
    }
}

async fn play(vector: Vector, opens: bool, folder: Folder) {
    let mut player = Player::new(opens, vector.session, folder);
    for (at, step) in vector.steps.iter().enumerate() {
        eprintln!("step {}: {step}", at + 1);
        player.play(step).await;
    }
}

#[tokio::test(start_paused = true)]
async fn each_vector_is_played_as_it_stands() {
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    let in_folder = |folder: Folder| {
        let entries = fs::read_dir(vectors.join(folder.name())).unwrap();
        entries.map(move |entry| (entry.unwrap().path(), folder))
    };
    let mut files: Vec<_> = Folder::all()
        .into_iter()
        .flat_map(in_folder)
        .filter(|(path, _)| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    files.sort_by(|one, other| one.0.cmp(&other.0));
    assert!(!files.is_empty());
    let mut failed = Vec::new();
    for (path, folder) in files {
        let text = fs::read_to_string(&path).unwrap();
        let file: File = serde_json::from_str(&text)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        for vector in file.vectors {
            for (end, opens) in [("opener", true), ("accepter", false)] {
                if vector.end != "both" && vector.end != end {
                    continue;
                }
                eprintln!("{}, as {end}: {}", path.display(), vector.name);
                let name = format!("{} ({end})", vector.name);
                if tokio::spawn(play(vector.clone(), opens, folder)).await.is_err() {
                    failed.push(name);
                }
            }
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}
