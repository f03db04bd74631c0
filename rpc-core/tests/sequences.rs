//! Several messages in one, for an end that has said that it reads JSON text sequences.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rpc_core::transport::{Endpoint, EndpointConfig, Hello};
use rpc_core::{CloseCode, Limits, Peer, Router, memory, service};
use serde_json::Value;
use support::sequences::{Joining, joined};
use support::{Raw, assert_same};
use tokio::time::sleep;

const READS_SEQUENCES: &str = r#"{"duplex":1,"sequences":true}"#;

#[service]
trait Notes {
    fn echo(&self, value: Value) -> Value;
    #[notification]
    async fn note(&self);
}

#[derive(Default, Clone)]
struct Book {
    notes: Arc<AtomicU32>,
}

impl Notes for Book {
    fn echo(&self, value: Value) -> Value {
        value
    }
    async fn note(&self) {
        sleep(std::time::Duration::from_millis(1)).await;
        self.notes.fetch_add(1, Ordering::Relaxed);
    }
}

fn request(id: u32, value: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"echo","params":["{value}"]}}"#)
}

fn answer(id: u32, value: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"result":"{value}"}}"#)
}

fn services(book: &Book) -> Router {
    Router::new().service(NotesServer::new(book.clone()))
}

/// The code of an error under the id `null`.
fn error_code(message: &str) -> i64 {
    let message: Value = serde_json::from_str(message).unwrap();
    assert_eq!(message["id"], Value::Null);
    message["error"]["code"].as_i64().unwrap()
}

/// A raw end before an end that sends sequences and says hello as `hello` has it.
fn joining(services: Router, limits: Limits, hello: Hello) -> (Raw, Peer) {
    let (near, far) = memory::transports(256 * 1024);
    let config = EndpointConfig::new(services, limits).with(|config| {
        config.keepalive = false;
        config.hello = hello;
    });
    let endpoint = Endpoint::new(config);
    let peer = endpoint.peer();
    tokio::spawn(endpoint.connect(Joining::new(near)));
    (Raw::over(far), peer)
}

/// Sends messages as one.
async fn send(raw: &mut Raw, messages: &[&str]) {
    let sequence = joined(messages);
    raw.send(str::from_utf8(&sequence).unwrap()).await;
}

/// The texts of the next message.
async fn texts(raw: &mut Raw) -> Vec<String> {
    let message = raw.receive().await;
    match message.strip_prefix('\u{1e}') {
        None => vec![message],
        Some(texts) => texts
            .split('\u{1e}')
            .map(|text| {
                text.strip_suffix('\n').expect("each text ends with a line feed").to_owned()
            })
            .collect(),
    }
}

#[tokio::test(start_paused = true)]
async fn each_text_of_a_sequence_is_a_message_by_itself() {
    let book = Book::default();
    let (mut raw, _) = Raw::connect(services(&book), Limits::server());
    let batch = format!("[{},{}]", request(2, "b"), request(3, "c"));
    let note = r#"{"jsonrpc":"2.0","method":"note"}"#;
    send(&mut raw, &[&request(1, "a"), "{", note, "", " \n", &batch, "[]", &request(4, "é")]).await;
    assert_same(&raw.receive().await, &answer(1, "a"));
    assert_eq!(error_code(&raw.receive().await), -32700);
    assert_same(&raw.receive().await, &format!("[{},{}]", answer(2, "b"), answer(3, "c")));
    assert_eq!(error_code(&raw.receive().await), -32600, "an empty batch");
    assert_same(&raw.receive().await, &answer(4, "é"));
    assert!(raw.is_silent().await);
    assert_eq!(book.notes.load(Ordering::Relaxed), 1);
}

/// Without a pause between the texts, the notifications would be more than may wait, and the end would close with 1008.
#[tokio::test(start_paused = true)]
async fn reading_pauses_in_the_middle_of_a_sequence() {
    let book = Book::default();
    let mut limits = Limits::server();
    limits.waiting_notifications = 4;
    let (mut raw, _) = Raw::connect(services(&book), limits);
    let note = r#"{"jsonrpc":"2.0","method":"note"}"#;
    let (last, mut messages) = (request(1, "last"), vec![note; 500]);
    messages.push(&last);
    send(&mut raw, &messages).await;
    assert_same(&raw.receive().await, &answer(1, "last"));
    assert!(
        book.notes.load(Ordering::Relaxed) >= 490,
        "the notifications ran before what came behind them was read"
    );
}

#[tokio::test(start_paused = true)]
async fn a_text_that_is_not_utf_8_closes_behind_the_others() {
    let (mut raw, _) = Raw::connect(services(&Book::default()), Limits::server());
    raw.send_bytes(&joined(&[request(1, "a").as_bytes(), b"\"\xff\""])).await;
    assert_same(&raw.receive().await, &answer(1, "a"));
    assert_eq!(raw.closed().await.0, Some(CloseCode::INVALID_TEXT));
}

#[tokio::test(start_paused = true)]
async fn what_leaves_in_one_turn_leaves_as_one_to_an_end_that_reads_sequences() {
    let (mut raw, peer) = joining(services(&Book::default()), Limits::server(), Hello::Auto);
    raw.notify("$/hello", READS_SEQUENCES).await;
    assert!(raw.receive().await.contains(r#""sequences":true"#), "the hello is alone");
    let long = "x".repeat(5000);
    let calls = ["a", "b", &long, "c", "d", "e"].map(|value| {
        let (peer, value) = (peer.clone(), value.to_owned());
        tokio::spawn(async move { peer.call::<Value>("m", (value,)).await })
    });
    let texts = [texts(&mut raw).await, texts(&mut raw).await, texts(&mut raw).await];
    let lengths = texts.each_ref().map(Vec::len);
    assert_eq!(lengths, [2, 1, 3], "a long message leaves alone, and all in their order");
    // The answers come as one as well.
    let answers: Vec<String> = texts.iter().flatten().map(|text| answer_to(text)).collect();
    let answers: Vec<&str> = answers.iter().map(String::as_str).collect();
    send(&mut raw, &answers).await;
    for (call, value) in calls.into_iter().zip(["a", "b", &long, "c", "d", "e"]) {
        assert_eq!(call.await.unwrap().unwrap(), *value);
    }
}

/// The answer to a request: its first param.
fn answer_to(request: &str) -> String {
    let mut request: Value = serde_json::from_str(request).unwrap();
    let (id, value) = (request["id"].take(), request["params"][0].take());
    format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{value}}}"#)
}

#[tokio::test(start_paused = true)]
async fn neither_an_end_that_says_nothing_of_sequences_nor_a_plain_one_has_any() {
    for (hello, said) in [
        (Hello::Auto, None),
        (Hello::Auto, Some(r#"{"duplex":1}"#)),
        (Hello::Auto, Some(r#"{"duplex":1,"sequences":false}"#)),
        (Hello::Never, Some(READS_SEQUENCES)),
    ] {
        let (mut raw, peer) = joining(services(&Book::default()), Limits::server(), hello);
        if let Some(said) = said {
            raw.notify("$/hello", said).await;
            if hello == Hello::Auto {
                raw.receive().await;
            }
        }
        for value in 0..3 {
            let peer = peer.clone();
            tokio::spawn(async move { peer.call::<Value>("m", (value,)).await });
        }
        for _ in 0..3 {
            assert_eq!(texts(&mut raw).await.len(), 1, "{hello:?}, {said:?}");
        }
    }
}

/// A sequence that did not leave whole: of each of its calls it is certain that the call did not run.
#[cfg(feature = "testing")]
#[tokio::test(start_paused = true)]
async fn the_calls_of_a_sequence_that_was_not_accepted_were_not_sent() {
    let (near, far) = memory::transports(256 * 1024);
    let faults = near.faults();
    let config = EndpointConfig::new(Router::new(), Limits::server())
        .with(|config| config.keepalive = false);
    let endpoint = Endpoint::new(config);
    let peer = endpoint.peer();
    tokio::spawn(endpoint.connect(Joining::new(near)));
    let mut raw = Raw::over(far);
    raw.notify("$/hello", READS_SEQUENCES).await;
    let hello = raw.receive().await;
    let call = |value| {
        let peer = peer.clone();
        tokio::spawn(async move { peer.call::<Value>("m", (value,)).await })
    };
    let sent = [call(1), call(2)];
    let first = texts(&mut raw).await;
    assert_eq!(first.len(), 2);
    // The link breaks within the second sequence.
    faults.outgoing().cut_sending_at((hello.len() + joined(&first).len() + 30) as u64);
    let unsent = [call(3), call(4)];
    for (calls, fate) in [(sent, rpc_core::Fate::MaybeExecuted), (unsent, rpc_core::Fate::NotSent)]
    {
        for call in calls {
            let error = call.await.unwrap().unwrap_err();
            assert_eq!(error.fate(), Some(fate), "{error}");
        }
    }
}
