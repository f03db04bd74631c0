//! JSON that means more work than bytes.

use crate::canary::Target;
use crate::raw::Raw;

/// Nearly all that a message may have.
const MESSAGE: usize = 1_000_000;

fn request(method: &str, params: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#)
}

/// An array of so many bytes.
fn array(member: &str, bytes: usize) -> String {
    format!("[{}{member}]", format!("{member},").repeat(bytes / (member.len() + 1)))
}

fn nested(open: &str, close: &str, bytes: usize) -> String {
    let depth = bytes / (open.len() + close.len());
    format!("{}{}", open.repeat(depth), close.repeat(depth))
}

async fn answer(raw: &mut Raw, message: &str) -> String {
    raw.send_text(message).await;
    let mut answer = Vec::new();
    while answer.is_empty() {
        answer = raw.frame().await.expect("the connection ended").1;
    }
    answer.truncate(512);
    String::from_utf8_lossy(&answer).into_owned()
}

/// 1 MiB of this is 83 MiB as a value: it is counted before anything is made of it.
#[tokio::test]
async fn values_by_the_hundred_thousand() {
    let target = Target::new().await;
    for member in [r#"{"":0}"#, "0", "[]", "{}", r#""""#, "[[],[]]", "null"] {
        let array = array(member, MESSAGE);
        let mut raw = target.open().await;
        let params = answer(&mut raw, &request("any", &array)).await;
        assert!(params.contains("-32007"), "{member}: {params}");
        let unknown = answer(&mut raw, &request("none", &array)).await;
        assert!(unknown.contains(r#""error""#), "{member}: {unknown}");
        let batch = answer(&mut raw, &array).await;
        assert!(batch.contains("-32010"), "{member}: {batch}");
        for (id, method) in [(array.as_str(), r#""any""#), ("1", &array)] {
            let message = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":{method}}}"#);
            let answer = answer(&mut raw, &message).await;
            assert!(answer.contains("-32600"), "{member}: {answer}");
        }
    }
    target.unharmed().await;
}

/// Members beside the known ones cost no more than to be passed over, wherever they stand.
#[tokio::test]
async fn members_that_mean_nothing() {
    let target = Target::new().await;
    let mut raw = target.open().await;
    let bulk = array(r#"{"":0}"#, MESSAGE);
    let deep = nested("[", "]", MESSAGE);
    for extra in [bulk.as_str(), &deep] {
        let message =
            format!(r#"{{"x":{extra},"jsonrpc":"2.0","id":1,"method":"echo","params":[""]}}"#);
        let answer = answer(&mut raw, &message).await;
        assert!(answer.contains(r#""id":1"#) || answer.contains(r#""id":null"#), "{answer}");
        raw.send_text(&format!(r#"{{"jsonrpc":"2.0","id":1,"result":{extra}}}"#)).await;
        let message = format!(
            r#"{{"jsonrpc":"2.0","id":1,"error":{{"code":1,"message":"","data":{extra}}}}}"#
        );
        raw.send_text(&message).await;
        raw.send_text(&format!(r#"{{"jsonrpc":"2.0","method":"note","params":{extra}}}"#)).await;
    }
    for number in 0..10_000 {
        let name = format!(r#"{{"{number}":0,"jsonrpc":"2.0","method":"note","params":[]}}"#);
        raw.send_text(&name).await;
    }
    let many = (0..80_000).map(|number| format!(r#""{number}":0,"#)).collect::<String>();
    let message = format!(r#"{{{many}"jsonrpc":"2.0","id":1,"method":"echo","params":["many"]}}"#);
    let answer = answer(&mut raw, &message).await;
    assert!(answer.contains(r#""id":1"#) || answer.contains(r#""id":null"#), "{answer}");
    target.unharmed_after(raw).await;
}

/// No stack is deep enough for this, so it must not be walked on one.
#[tokio::test]
async fn arrays_within_arrays() {
    let target = Target::new().await;
    let mut raw = target.open().await;
    let cases = [
        nested("[", "]", MESSAGE),
        "[".repeat(MESSAGE),
        "]".repeat(MESSAGE),
        nested(r#"{"":"#, "}", MESSAGE),
        r#"{"":"#.repeat(MESSAGE / 4),
        nested("[[],", "]", MESSAGE),
    ];
    for case in &cases {
        let params = answer(&mut raw, &request("any", case)).await;
        assert!(
            ["-32007", "-32700", "-32600"].iter().any(|code| params.contains(code)),
            "{params}"
        );
        let whole = answer(&mut raw, case).await;
        assert!(["-32700", "-32600"].iter().any(|code| whole.contains(code)), "{whole}");
    }
    let depth_65 = request("any", &nested("[", "]", 2 * 65));
    assert!(answer(&mut raw, &depth_65).await.contains("-32007"));
    let depth_64 = request("any", &nested("[", "]", 2 * 64));
    assert!(answer(&mut raw, &depth_64).await.contains(r#""result":null"#));
    target.unharmed_after(raw).await;
}

/// An answer for each, but all in one message: what does not fit is an error in its place.
#[tokio::test]
async fn a_batch_whose_answers_are_too_big_together() {
    let target = Target::new().await;
    let mut raw = target.open().await;
    let member = |id| format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"big","params":[1048576]}}"#);
    raw.send_text(&format!("[{}]", (0..100).map(member).collect::<Vec<_>>().join(","))).await;
    let mut answer = Vec::new();
    loop {
        answer.extend(raw.frame().await.expect("the connection ended").1);
        if answer.ends_with(b"]") {
            break;
        }
    }
    assert!(answer.len() <= 4 * 1024 * 1024, "`message_out` holds");
    let answer = String::from_utf8(answer).unwrap();
    assert_eq!(answer.matches(r#""jsonrpc""#).count(), 100);
    assert_eq!(answer.matches("-32011").count(), 97, "three have room");
    target.unharmed_after(raw).await;
}

fn array_of(member: &str, count: usize) -> String {
    format!("[{}]", vec![member; count].join(","))
}

#[tokio::test]
async fn batches_of_too_many_and_of_batches() {
    let target = Target::new().await;
    let mut raw = target.open().await;
    let hang = r#"{"jsonrpc":"2.0","id":1,"method":"hang"}"#;
    for count in [101, 10_000] {
        let refused = answer(&mut raw, &array_of(hang, count)).await;
        assert!(refused.contains("-32010") && refused.contains(r#""id":null"#), "{refused}");
    }
    assert_eq!(target.lives.most(), 0, "none of them ran");
    let inner = array_of(hang, 100);
    raw.send_text(&array_of(&inner, 100)).await;
    let refused = raw.text().await;
    assert_eq!(refused.matches("-32600").count(), 100, "{refused}");
    assert_eq!(target.lives.most(), 0, "a batch in a batch is no message");
    // Duplicate ids within one: the first lives, the others are refused in their places.
    raw.send_text(&array_of(hang, 100)).await;
    crate::support::until(|| target.lives.now() == 1).await;
    target.is_serving().await;
    assert_eq!(target.lives.most(), 1);
    target.unharmed_after(raw).await;
}
