//! Messages with bytes beside their text, which are none.

use rpc_core::{Base64, Context, Router};

use crate::canary::{Lives, Target};
use crate::raw::Raw;
use crate::support::{BINARY, TEXT, echo, frame, limits};

const HELLO: &str = r#"{"jsonrpc":"2.0","method":"$/hello","params":{"duplex":1,"bytes":true}}"#;

/// A message: a text, and how many bytes belong into it at which places.
fn attached(text: &str, places: &[(u32, u32)]) -> Vec<u8> {
    let mut message = vec![0xff, u8::try_from(places.len()).unwrap()];
    for (at, length) in places {
        message.extend(at.to_be_bytes());
        message.extend(length.to_be_bytes());
    }
    message.extend(places.iter().flat_map(|(_, length)| vec![7; *length as usize]));
    message.extend(text.as_bytes());
    message
}

async fn greeted(target: &Target) -> Raw {
    let mut raw = target.open().await;
    raw.send(frame(TEXT, HELLO.as_bytes())).await;
    assert!(raw.text().await.contains(r#""bytes":true"#));
    raw
}

#[tokio::test]
async fn heads_that_promise_what_does_not_come() {
    let target = Target::new().await;
    let max = u32::MAX;
    for (what, message) in [
        ("only a head", vec![0xff]),
        ("255 attachments, and nothing of them", vec![0xff, 0xff]),
        ("nothing but heads", vec![0xff; 1_000_000]),
        ("4 GiB", [&[0xff, 1, 0, 0, 0, 1][..], &max.to_be_bytes(), br#""""#].concat()),
        ("at 4 GiB", [&[0xff, 1][..], &max.to_be_bytes(), &[0; 4], br#""""#].concat()),
        ("a thousand GiB", [&[0xff, 0xff][..], &[0xff; 255 * 8], br#""""#].concat()),
        ("no text", attached("", &[(1, 500_000)])),
        ("twice in one place", attached(r#""""#, &[(1, 5000), (1, 5000)])),
    ] {
        let mut raw = greeted(&target).await;
        raw.send(frame(BINARY, &message)).await;
        let (code, reason) = raw.close_frame().await;
        assert_eq!(code, 1003, "{what}: {reason}");
    }
    let mut raw = target.open().await;
    raw.send(frame(BINARY, &attached(r#""""#, &[(1, 5000)]))).await;
    assert_eq!(raw.close_frame().await.0, 1003, "without a hello");
    let mut raw = target.way.open_with("Rpc-Hello: 1\r\nRpc-Resume: 1\r\n").await;
    raw.send(frame(BINARY, &attached(r#""""#, &[(1, 5000)]))).await;
    assert_eq!(raw.close_frame().await.0, 1003, "in place of the hello that resumes");
    target.unharmed().await;
}

/// As many as there may be in each message, each of them nothing, for a method that reads them and for others.
#[tokio::test]
async fn thousands_of_tiny_attachments() {
    let sum = |_: Context, all: Vec<Base64>| async move {
        Ok(all.iter().map(|bytes| bytes.len()).sum::<usize>())
    };
    let builder = echo().service(Router::new().method("sum", sum)).limits(limits(|_| {}));
    let target = Target::of(builder, Lives::default()).await;
    let mut raw = greeted(&target).await;
    for id in 0..2000 {
        let method = if id % 2 == 0 { "sum" } else { "echo" };
        let head = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":["#);
        let list = vec![r#""""#; 255].join(",");
        let places: Vec<_> = (0..255).map(|at| (head.len() as u32 + 1 + 3 * at, at % 2)).collect();
        let message = attached(&format!("{head}{list}]}}"), &places);
        raw.send(frame(BINARY, &message)).await;
        let answer = raw.text().await;
        let expected = if id % 2 == 0 { r#""result":127"# } else { "-32602" };
        assert!(answer.contains(expected), "{answer}");
    }
    target.unharmed_after(raw).await;
}

/// Bytes count among the params of calls that run, however short their text is.
#[tokio::test]
async fn large_attachments_of_calls_that_do_not_end() {
    let lives = Lives::default();
    let held = lives.clone();
    let hold = move |_: Context, (bytes,): (Base64,)| {
        let life = held.one();
        async move {
            let _life = (life, bytes);
            std::future::pending::<Result<(), _>>().await
        }
    };
    let limits = limits(|limits| limits.inflight_bytes = 2_000_000);
    let builder = echo().service(Router::new().method("hold", hold)).limits(limits);
    let target = Target::of(builder, lives).await;
    let mut raw = greeted(&target).await;
    for id in 0..20 {
        let text = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"hold","params":[""]}}"#);
        let at = text.find(r#""""#).unwrap() as u32 + 1;
        raw.send(frame(BINARY, &attached(&text, &[(at, 700_000)]))).await;
    }
    for _ in 2..20 {
        assert!(raw.text().await.contains("-32009"));
    }
    assert_eq!(target.lives.now(), 2, "933,000 bytes of base64 each");
    target.unharmed_after(raw).await;
}

/// Each message is small on the wire, and its text is not.
#[tokio::test]
async fn a_text_that_is_larger_than_its_message_may_be() {
    let target = Target::new().await;
    let mut raw = greeted(&target).await;
    let text = r#"{"jsonrpc":"2.0","id":1,"method":"echo","params":[""]}"#;
    let at = text.find(r#""""#).unwrap() as u32 + 1;
    raw.send(frame(BINARY, &attached(text, &[(at, 1_000_000)]))).await;
    let (code, reason) = raw.close_frame().await;
    assert_eq!(code, 1009, "{reason}");
    target.unharmed().await;
}
