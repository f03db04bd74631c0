//! Bytes beside the text of a message: who is sent them, what is taken, and what is refused.

use std::future::poll_fn;

use rpc_core::{Base64, Context, Peer, Router};
use tokio::io::{AsyncWriteExt, DuplexStream};

use super::far::*;
use super::serving::*;

const GREETING: &str = r#"{"jsonrpc":"2.0","method":"$/hello","params":{"duplex":1,"bytes":true}}"#;
const MARKED: &str = r#"{"jsonrpc":"2.0","id":1,"method":"back","params":[""]}"#;

/// A message: a text, and where bytes belong into it.
fn attached(text: &str, bytes: &[(usize, &[u8])]) -> Vec<u8> {
    let mut message = vec![0xff, u8::try_from(bytes.len()).unwrap()];
    for (at, bytes) in bytes {
        message.extend(u32::try_from(*at).unwrap().to_be_bytes());
        message.extend(u32::try_from(bytes.len()).unwrap().to_be_bytes());
    }
    message.extend(bytes.iter().flat_map(|(_, bytes)| bytes.iter()));
    message.extend(text.as_bytes());
    message
}

/// The same, where all bytes belong between the only empty quotes of the text.
fn marked(text: &str, bytes: &[u8]) -> Vec<u8> {
    attached(text, &[(text.find(r#""""#).unwrap() + 1, bytes)])
}

fn long() -> Vec<u8> {
    (0..5000_u32).map(|at| (at * 7) as u8).collect()
}

fn serve(router: Router) -> Router {
    router.method("back", |_: Context, (bytes,): (Base64,)| async move { Ok(bytes) }).method(
        "count",
        |_: Context, all: Vec<Base64>| async move {
            Ok(all.iter().map(|bytes| bytes.len()).collect::<Vec<_>>())
        },
    )
}

/// A server that knows its client, whose hello is `greeting`.
async fn greeted(greeting: &str) -> (Peer, WebSocket<DuplexStream>) {
    let (peer, far) = connect_as(Role::Server, Limits::server(), |config| {
        config.services = std::sync::Arc::new(serve(Router::new()));
    });
    let mut far = other(Role::Server, far);
    tell(&mut far, greeting).await;
    let hello = receive(&mut far).await.unwrap();
    assert!(hello.contains(r#""bytes":true"#), "a WebSocket carries them: {hello}");
    (peer, far)
}

async fn tell(far: &mut WebSocket<DuplexStream>, text: &str) {
    far.send(Bytes::copy_from_slice(text.as_bytes())).unwrap();
    poll_fn(|cx| far.poll_flush(cx)).await.unwrap();
}

async fn give(far: &mut WebSocket<DuplexStream>, message: Vec<u8>) {
    far.send_binary(message.into()).unwrap();
    poll_fn(|cx| far.poll_flush(cx)).await.unwrap();
}

/// The next message, which must be binary.
async fn next_bytes(far: &mut WebSocket<DuplexStream>) -> Bytes {
    let next = poll_fn(|cx| far.poll_receive(cx, usize::MAX)).await;
    assert!(matches!(next, Received::Binary), "{next:?}");
    far.take_message()
}

#[tokio::test(start_paused = true)]
async fn who_has_said_so_is_sent_bytes_and_all_others_base64() {
    let text = Base64::from(long());
    let call = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"back","params":[{}]}}"#,
        serde_json::to_string(&text).unwrap()
    );
    let (_peer, mut far) = greeted(GREETING).await;
    tell(&mut far, &call).await;
    let answer = next_bytes(&mut far).await;
    assert_eq!(answer, marked(r#"{"jsonrpc":"2.0","id":1,"result":""}"#, &long()));

    let (_peer, mut far) =
        greeted(r#"{"jsonrpc":"2.0","method":"$/hello","params":{"duplex":1}}"#).await;
    tell(&mut far, &call).await;
    let answer = receive(&mut far).await.unwrap();
    assert_eq!(
        answer,
        call.replace(r#""method":"back","params":["#, r#""result":"#).replace("]}", "}")
    );
}

#[tokio::test(start_paused = true)]
async fn short_bytes_stay_text() {
    let (_peer, mut far) = greeted(GREETING).await;
    give(&mut far, marked(MARKED, &[7; 4095])).await;
    assert!(receive(&mut far).await.unwrap().contains(r#""result":"BwcH"#));
    give(&mut far, marked(MARKED, &[7; 4096])).await;
    next_bytes(&mut far).await;
}

/// A message stands for its text, wherever the bytes belong.
#[tokio::test(start_paused = true)]
async fn bytes_that_belong_elsewhere_are_read_as_their_base64() {
    let (_peer, mut far) = greeted(GREETING).await;
    let count = r#"{"jsonrpc":"2.0","id":1,"method":"count","params":["","YQ==",""]}"#;
    let places: Vec<_> = count.match_indices(r#""""#).map(|(at, _)| at + 1).collect();
    give(&mut far, attached(count, &[(places[0], &long()), (places[1], b"")])).await;
    assert_eq!(receive(&mut far).await.unwrap(), r#"{"jsonrpc":"2.0","id":1,"result":[5000,1,0]}"#);
    for (text, answer) in [
        // The id, the method, another member, a batch, and what is no JSON.
        (
            r#"{"jsonrpc":"2.0","id":"","method":"count","params":[]}"#,
            r#"{"jsonrpc":"2.0","id":"YWJj","result":[]}"#,
        ),
        (r#"{"jsonrpc":"2.0","id":2,"method":""}"#, r#"-32601"#),
        (
            r#"{"jsonrpc":"2.0","id":3,"method":"count","x":""}"#,
            r#"{"jsonrpc":"2.0","id":3,"result":[]}"#,
        ),
        (
            r#"[{"jsonrpc":"2.0","id":4,"method":"count","params":[""]}]"#,
            r#"[{"jsonrpc":"2.0","id":4,"result":[3]}]"#,
        ),
        (r#"{"jsonrpc":"2.0","id":5,"method":"echo","params":[""]}"#, r#"-32601"#),
        (r#"{"jsonrpc":"2.0","id":6,"method":"count","params":{"":1}}"#, r#"-32602"#),
        (r#"{"jsonrpc":"","id":7,"method":"count"}"#, r#"-32600"#),
        (r#"{"":1"#, r#"-32700"#),
    ] {
        give(&mut far, marked(text, b"abc")).await;
        let got = receive(&mut far).await.unwrap();
        assert!(got.contains(answer), "{text}: {got}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_in_fragments_is_read_when_it_is_whole() {
    let (_peer, mut far) = connect_as(Role::Server, Limits::server(), |config| {
        config.services = std::sync::Arc::new(serve(Router::new()));
    });
    far.write_all(&masked(TEXT, GREETING)).await.unwrap();
    let message = marked(MARKED, &long());
    let (begin, rest) = message.split_at(3);
    let (middle, end) = rest.split_at(2000);
    for frame in [(BEGIN_BINARY, begin), (PING, b""), (MORE, middle), (LAST, end)] {
        far.write_all(&masked(frame.0, frame.1)).await.unwrap();
    }
    let mut far = other(Role::Server, far);
    assert!(receive(&mut far).await.unwrap().contains("$/hello"));
    let answer = next_bytes(&mut far).await;
    assert_eq!(answer, marked(r#"{"jsonrpc":"2.0","id":1,"result":""}"#, &long()));
}

async fn refused(greeting: Option<&str>, limits: Limits, message: Vec<u8>) -> (u16, String) {
    let (peer, far) = connect_as(Role::Server, limits, |config| {
        config.services = std::sync::Arc::new(serve(Router::new()));
    });
    let mut far = other(Role::Server, far);
    if let Some(greeting) = greeting {
        tell(&mut far, greeting).await;
        assert!(receive(&mut far).await.is_ok());
    }
    give(&mut far, message).await;
    assert!(receive(&mut far).await.is_err(), "closed");
    let reason = peer.closed().await;
    assert_eq!(peer.stats().in_flight, 0);
    (reason.code.unwrap().value(), reason.reason.to_string())
}

#[tokio::test(start_paused = true)]
async fn a_message_for_an_end_that_has_not_offered_to_take_it_is_closed_with_1003() {
    let (code, reason) = refused(None, Limits::server(), marked(MARKED, &long())).await;
    assert_eq!((code, &*reason), (1003, "a binary message that is not UTF-8: send JSON"));
}

#[tokio::test(start_paused = true)]
async fn bytes_without_a_place_are_closed_with_1003() {
    let at = MARKED.find(r#""""#).unwrap() + 1;
    for (what, message) in [
        ("no text", attached("", &[(1, &long())])),
        ("no quotes", attached("{}", &[(1, &long())])),
        ("out of range", attached(MARKED, &[(MARKED.len() + 1, &long())])),
        ("twice in one place", attached(MARKED, &[(at, &long()), (at, &long())])),
        ("a place too few", attached(MARKED, &[])),
        ("too short", marked(MARKED, &long())[..100].to_vec()),
        ("only a head", vec![0xff]),
        ("no bytes at all", vec![0xff, 0]),
        ("thousands of heads", vec![0xff; 10_000]),
    ] {
        let (code, reason) = refused(Some(GREETING), Limits::server(), message).await;
        let expected = "a binary message whose head does not fit its length and its text";
        assert_eq!((code, &*reason), (1003, expected), "{what}");
    }
}

/// The limits are those of the text, so that they are the same for all.
#[tokio::test(start_paused = true)]
async fn a_message_that_is_too_large_as_text_is_closed_with_1009() {
    let mut limits = Limits::server();
    limits.message_in = MARKED.len() + 8000;
    let (code, reason) = refused(Some(GREETING), limits.clone(), marked(MARKED, &[7; 6001])).await;
    assert_eq!(
        (code, &*reason),
        (1009, "with base64 text the message is larger than `message_in`")
    );
    let (_peer, far) = connect_as(Role::Server, limits, |config| {
        config.services = std::sync::Arc::new(serve(Router::new()));
    });
    let mut far = other(Role::Server, far);
    tell(&mut far, GREETING).await;
    assert!(receive(&mut far).await.is_ok());
    give(&mut far, marked(MARKED, &[7; 6000])).await;
    next_bytes(&mut far).await;
}
