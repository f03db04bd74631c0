//! A batch is answered once, in the order of its requests, with one answer to each and none to
//! anything else, whenever its members end and however large their answers are.
//!
//! Each line of the input is a batch, each letter a member, as `member` has it. If there is an object in
//! it, each line that is JSON is a member of one batch, which is answered as they would be one by one.

use std::time::Duration;

use rpc_core::{Context, Limits, Router};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::exchange;
use crate::far::Far;

const MESSAGE: usize = 4000;
const MEMBERS: usize = 8;

/// What is expected in the place of an answer.
#[derive(Debug, Clone, PartialEq)]
struct Owed {
    id: Value,
    /// `None` for a result.
    code: Option<i64>,
}

/// Sends batches, and looks at what comes back.
pub fn check(input: &[u8]) {
    let script = crate::text(input);
    if script.contains('{') {
        same_as_one_by_one(script);
    } else {
        crate::paused(run(script));
    }
}

async fn run(script: &str) {
    let mut limits = Limits::server();
    (limits.message_out, limits.batch) = (MESSAGE, MEMBERS);
    let services = Router::new()
        .method("quick", |_: Context, (): ()| async { Ok(()) })
        .method("slow", |_: Context, (ms,): (u64,)| async move {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            Ok(())
        })
        .method("big", |_: Context, (bytes,): (usize,)| async move { Ok("x".repeat(bytes)) })
        .notification("note", |_: Context, (): ()| async {});
    let (mut far, peer) = Far::connect(services, limits);
    let mut batches = Vec::new();
    for (number, line) in script.lines().take(40).enumerate() {
        let members: Vec<_> = line.chars().take(MEMBERS + 2).collect();
        let members: Vec<_> =
            members.iter().enumerate().map(|(at, kind)| member(*kind, 100 * number + at)).collect();
        let texts: Vec<_> = members.iter().map(|(text, _)| text.as_str()).collect();
        far.send(&format!("[{}]", texts.join(","))).await;
        let owed = expected(members.into_iter().map(|(_, owed)| owed).collect());
        batches.push((owed, line.contains('b')));
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    for answer in far.settle().await {
        assert!(answer.len() <= MESSAGE, "{} bytes", answer.len());
        let answer = answers(&serde_json::from_str(&answer).expect("what is sent is JSON"));
        let at = batches.iter().position(|(owed, is_large)| is_answer(&answer, owed, *is_large));
        let at = at.unwrap_or_else(|| panic!("{answer:?} answers none of {batches:?}"));
        batches.remove(at);
    }
    assert!(batches.iter().all(|(owed, _)| owed.is_empty()), "not answered: {batches:?}");
    let stats = peer.stats();
    assert_eq!((stats.in_flight, stats.queue_bytes), (0, 0));
}

/// The text of a member, and what it is owed.
fn member(kind: char, id: usize) -> (String, Option<Owed>) {
    let request = |method: &str| format!(r#"{{"jsonrpc":"2.0","id":{id},"method":{method}}}"#);
    let owed = |id: Value, code| Some(Owed { id, code });
    match kind {
        'q' => (request(r#""quick""#), owed(id.into(), None)),
        's' => {
            let method = format!(r#""slow","params":[{}]"#, id * 7 % 50);
            (request(&method), owed(id.into(), None))
        }
        'b' => (request(r#""big","params":[900]"#), owed(id.into(), None)),
        'B' => (request(r#""big","params":[5000]"#), owed(id.into(), Some(-32008))),
        'u' => (request(r#""unknown""#), owed(id.into(), Some(-32601))),
        'i' => (request("7"), owed(id.into(), Some(-32600))),
        'w' => (request(r#""quick","params":[1]"#), owed(id.into(), Some(-32602))),
        'n' => (r#"{"jsonrpc":"2.0","method":"note"}"#.into(), None),
        'm' => (r#"{"jsonrpc":"1.0","method":"note"}"#.into(), None),
        'r' => (r#"{"jsonrpc":"2.0","id":1,"result":1}"#.into(), None),
        'e' => (r#"{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":""}}"#.into(), None),
        _ => ("1".into(), owed(Value::Null, Some(-32600))),
    }
}

/// What is owed to a batch as a whole: nothing for one without requests.
fn expected(members: Vec<Option<Owed>>) -> Vec<Owed> {
    match members.len() {
        0 => vec![Owed { id: Value::Null, code: Some(-32600) }],
        1..=MEMBERS => members.into_iter().flatten().collect(),
        _ => vec![Owed { id: Value::Null, code: Some(-32010) }],
    }
}

fn answers(message: &Value) -> Vec<Owed> {
    match message {
        Value::Array(answers) => answers.iter().flat_map(self::answers).collect(),
        answer => {
            assert_ne!(answer.get("result").is_some(), answer.get("error").is_some());
            vec![Owed { id: answer["id"].clone(), code: answer["error"]["code"].as_i64() }]
        }
    }
}

/// Whether these are the answers to a batch; in a large one what finds no room is -32011 in its place.
fn is_answer(answers: &[Owed], owed: &[Owed], is_large: bool) -> bool {
    answers.len() == owed.len()
        && answers.iter().zip(owed).all(|(answer, owed)| {
            let has_no_room = is_large && answer.code == Some(-32011);
            answer.id == owed.id && (answer.code == owed.code || has_no_room)
        })
}

fn same_as_one_by_one(script: &str) {
    let members: Vec<&str> = script
        .lines()
        .filter_map(|line| serde_json::from_str::<&RawValue>(line).ok())
        .map(RawValue::get)
        // A member that is an array is no batch; and some change what comes behind them.
        .filter(|member| {
            !member.starts_with('[') && !member.contains("$/") && !member.contains('\\')
        })
        .filter(|member| !["ticks", "back", "timeoutMs"].iter().any(|name| member.contains(name)))
        .take(100)
        .collect();
    if members.is_empty() || has_twice(&members) {
        return;
    }
    let batch = format!("[{}]", members.join(","));
    crate::paused(async {
        let single = exchange::answers(members.iter().copied()).await;
        let together = exchange::answers([&*batch]).await;
        let expected = match &single[..] {
            [] => Vec::new(),
            some => vec![format!("[{}]", some.join(","))],
        };
        assert_eq!(together, expected, "{batch}");
    });
}

/// Whether a member stands twice: its id may then be in flight when it comes again.
fn has_twice(members: &[&str]) -> bool {
    let id = |member: &str| {
        let value: Option<serde_json::Value> = serde_json::from_str(member).ok();
        value.and_then(|value| value.get("id").cloned())
    };
    let mut ids: Vec<_> = members.iter().filter_map(|member| id(member)).collect();
    let count = ids.len();
    ids.sort_by_key(ToString::to_string);
    ids.dedup();
    ids.len() < count
}
