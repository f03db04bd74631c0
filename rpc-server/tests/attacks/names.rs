//! Ids and names that nobody in good faith would choose.

use crate::canary::Target;
use crate::support::until;

fn request(id: &str, method: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":{method},"params":["hi"]}}"#)
}

fn quoted(bytes: usize) -> String {
    format!("\"{}\"", "x".repeat(bytes - 2))
}

#[tokio::test]
async fn ids_of_all_kinds_are_echoed_byte_for_byte_or_refused() {
    let target = Target::new().await;
    let mut raw = target.open().await;
    let longest = quoted(128);
    let fine = [
        "null",
        "0",
        "-0",
        "1.0",
        "1e400",
        "-1.5E-7",
        "18446744073709551616",
        r#""""#,
        r#""\u0000""#,
        r#""\"]}""#,
        r#""\ud83d\ude00""#,
        longest.as_str(),
    ];
    for id in fine {
        raw.send_text(&request(id, r#""echo""#)).await;
        let answer = raw.text().await;
        assert_eq!(answer, format!(r#"{{"jsonrpc":"2.0","id":{id},"result":"hi"}}"#));
    }
    let digits = "9".repeat(1_000_000);
    let refused = [
        quoted(129),
        quoted(1_000_000),
        digits,
        "[]".into(),
        "{}".into(),
        "true".into(),
        r#"[{"id":1}]"#.into(),
    ];
    for id in &refused {
        raw.send_text(&request(id, r#""echo""#)).await;
        let answer = raw.text().await;
        assert!(answer.contains(r#""id":null"#) && answer.contains("-32600"), "{answer}");
        assert!(answer.len() < 1024, "what was sent is not sent back");
    }
    target.unharmed_after(raw).await;
}

/// The second one must not take the answer of the first, nor stop it.
#[tokio::test]
async fn ids_that_are_in_flight_already() {
    let target = Target::new().await;
    let mut raw = target.open().await;
    for id in ["7", r#""7""#, "null"] {
        raw.send_text(&request(id, r#""hang""#).replace(r#"["hi"]"#, "[]")).await;
    }
    until(|| target.lives.now() == 3).await;
    for id in ["7", r#""7""#, "null"] {
        raw.send_text(&request(id, r#""echo""#)).await;
        let answer = raw.text().await;
        assert!(answer.contains("-32600") && answer.contains(r#""id":null"#), "{answer}");
    }
    assert_eq!(target.lives.now(), 3);
    raw.send_text(r#"{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":7}}"#).await;
    assert!(raw.text().await.starts_with(r#"{"jsonrpc":"2.0","id":7,"error":{"code":-32800"#));
    assert_eq!(target.lives.now(), 2, "7 is not \"7\"");
    target.unharmed_after(raw).await;
}

#[tokio::test]
async fn methods_that_are_none() {
    let target = Target::new().await;
    let mut raw = target.open().await;
    let cases = [
        (quoted(256), "-32601"),
        (quoted(259), "-32600"),
        (quoted(1_000_000), "-32600"),
        (r#""""#.into(), "-32601"),
        (r#""\u0000""#.into(), "-32601"),
        (r#""rpc.discover""#.into(), "-32601"),
        (r#""rpc.""#.into(), "-32601"),
        (r#""$/""#.into(), "-32601"),
        (r#""$/hello""#.into(), "-32601"),
        (r#""$/cancelRequest""#.into(), "-32601"),
        (r#""__proto__""#.into(), "-32601"),
        (r#""../echo""#.into(), "-32601"),
        ("7".into(), "-32600"),
        ("null".into(), "-32600"),
        (r#"["echo"]"#.into(), "-32600"),
    ];
    for (method, code) in &cases {
        raw.send_text(&request("1", method)).await;
        let answer = raw.text().await;
        let shown: String = method.chars().take(40).collect();
        assert!(answer.contains(code), "{shown}: {answer}");
        assert!(answer.len() < 1024, "{shown}: what was sent is not sent back");
    }
    target.unharmed_after(raw).await;
}

/// Ours as well as unheard-of ones, with params of all shapes: none is answered, none is obeyed.
#[tokio::test]
async fn notifications_of_the_framework_that_make_no_sense() {
    let target = Target::new().await;
    let mut raw = target.open().await;
    let names =
        ["cancelRequest", "hello", "credit", "item", "stop", "progress", "goaway", "ping", "", "x"];
    let params = [
        "null",
        "[]",
        "{}",
        "7",
        r#"{"id":null}"#,
        r#"{"id":[1]}"#,
        r#"{"subscription":"none"}"#,
        r#"{"subscription":7,"bytes":-1}"#,
        r#"{"subscription":"none","bytes":1e99,"seq":0}"#,
        r#"{"duplex":1e400,"window":-1}"#,
        r#"{"duplex":1,"window":18446744073709551616}"#,
        r#"{"token":[],"value":0}"#,
    ];
    // Fewer than a rate of malformed ones could count against it.
    for name in names {
        let mut raw = target.open().await;
        for params in params {
            raw.send_text(&format!(r#"{{"jsonrpc":"2.0","method":"$/{name}","params":{params}}}"#))
                .await;
        }
        raw.send_text(&request("1", r#""echo""#)).await;
        loop {
            let text = raw.text().await;
            if text.contains(r#""id":1"#) {
                assert!(text.contains(r#""result":"hi""#), "{name}: {text}");
                break;
            }
            assert!(text.contains("$/hello"), "only a hello is answered: {text}");
        }
    }
    raw.send_text(&request("1", r#""echo""#)).await;
    assert!(raw.text().await.contains("hi"));
    target.unharmed_after(raw).await;
}
