//! The protocol, line by line: what a peer sends and what it gets.

mod support;

use rpc_core::{CallError, Context, ErrorObject, Limits, Router};
use serde_json::Value;
use support::{Raw, assert_same};

/// The methods of the specification's examples (section 7), and a few of our own.
fn services() -> Router {
    #[derive(serde::Deserialize)]
    #[serde(untagged)]
    enum Subtract {
        Positional(i64, i64),
        Named { subtrahend: i64, minuend: i64 },
    }
    Router::new()
        .method("subtract", |_: Context, params: Subtract| async move {
            Ok(match params {
                Subtract::Positional(minuend, subtrahend)
                | Subtract::Named { subtrahend, minuend } => minuend - subtrahend,
            })
        })
        .method(
            "sum",
            |_: Context, numbers: Vec<i64>| async move { Ok(numbers.iter().sum::<i64>()) },
        )
        .method("get_data", |_: Context, (): ()| async { Ok(("hello", 5)) })
        .notification("notify_hello", |_: Context, _: Vec<i64>| async {})
        .notification("notify_sum", |_: Context, _: Vec<i64>| async {})
        .notification("update", |_: Context, _: Vec<i64>| async {})
        .notification("tell", |cx: Context, (): ()| async move {
            cx.peer().notify("told", ()).await.unwrap();
        })
        .method("greet_me", |cx: Context, (): ()| async move {
            let name: String = cx.peer().call("your_name", ()).no_timeout().await.unwrap();
            Ok(format!("hello, {name}"))
        })
        .method("fail", |_: Context, (code, message): (i64, String)| async move {
            Err::<(), _>(ErrorObject::new(code, message))
        })
        .method("panic", |_: Context, (): ()| async {
            #[expect(unreachable_code, reason = "the handler must have a type")]
            Ok::<(), _>(panic!("secret text"))
        })
        .method("echo", |_: Context, (value,): (Value,)| async move { Ok(value) })
        .method("never", |_: Context, (): ()| std::future::pending::<Result<(), ErrorObject>>())
}

async fn check(script: &str) {
    let (mut raw, _peer) = Raw::connect(services(), Limits::server());
    raw.play(script).await;
}

/// Section 7, each pair of lines that is no array.
const SPECIFICATION: &[&str] = &[
    r#"
--> {"jsonrpc": "2.0", "method": "subtract", "params": [42, 23], "id": 1}
<-- {"jsonrpc": "2.0", "result": 19, "id": 1}
"#,
    r#"
--> {"jsonrpc": "2.0", "method": "subtract", "params": [23, 42], "id": 2}
<-- {"jsonrpc": "2.0", "result": -19, "id": 2}
"#,
    r#"
--> {"jsonrpc": "2.0", "method": "subtract", "params": {"subtrahend": 23, "minuend": 42}, "id": 3}
<-- {"jsonrpc": "2.0", "result": 19, "id": 3}
"#,
    r#"
--> {"jsonrpc": "2.0", "method": "subtract", "params": {"minuend": 42, "subtrahend": 23}, "id": 4}
<-- {"jsonrpc": "2.0", "result": 19, "id": 4}
"#,
    r#"
--> {"jsonrpc": "2.0", "method": "update", "params": [1,2,3,4,5]}
"#,
    r#"
--> {"jsonrpc": "2.0", "method": "foobar"}
"#,
    r#"
--> {"jsonrpc": "2.0", "method": "foobar", "id": "1"}
<-- {"jsonrpc": "2.0", "error": {"code": -32601, "message": "no method `foobar`"}, "id": "1"}
"#,
    r#"
--> {"jsonrpc": "2.0", "method": "foobar, "params": "bar", "baz]
<-- {"jsonrpc": "2.0", "error": {"code": -32700, "message": "not JSON"}, "id": null}
"#,
    r#"
--> {"jsonrpc": "2.0", "method": 1, "params": "bar"}
<-- {"jsonrpc": "2.0", "error": {"code": -32600, "message": "`method` must be a string"}, "id": null}
"#,
];

/// Section 7, the examples with arrays.
const BATCHES: &[&str] = &[
    r#"
--> [ {"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"}, {"jsonrpc": "2.0", "method"
<-- {"jsonrpc": "2.0", "error": {"code": -32700, "message": "not JSON"}, "id": null}
"#,
    r#"
--> []
<-- {"jsonrpc": "2.0", "error": {"code": -32600, "message": "an empty batch"}, "id": null}
"#,
    r#"
--> [1]
<-- [{"jsonrpc": "2.0", "error": {"code": -32600, "message": "a message must be an object"}, "id": null}]
"#,
    r#"
--> [1,2,3]
<-- [{"jsonrpc": "2.0", "error": {"code": -32600, "message": "a message must be an object"}, "id": null}, {"jsonrpc": "2.0", "error": {"code": -32600, "message": "a message must be an object"}, "id": null}, {"jsonrpc": "2.0", "error": {"code": -32600, "message": "a message must be an object"}, "id": null}]
"#,
    r#"
--> [ {"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"}, {"jsonrpc": "2.0", "method": "notify_hello", "params": [7]}, {"jsonrpc": "2.0", "method": "subtract", "params": [42,23], "id": "2"}, {"foo": "boo"}, {"jsonrpc": "2.0", "method": "foo.get", "params": {"name": "myself"}, "id": "5"}, {"jsonrpc": "2.0", "method": "get_data", "id": "9"} ]
<-- [ {"jsonrpc": "2.0", "result": 7, "id": "1"}, {"jsonrpc": "2.0", "result": 19, "id": "2"}, {"jsonrpc": "2.0", "error": {"code": -32600, "message": "neither `method` nor `result` nor `error`"}, "id": null}, {"jsonrpc": "2.0", "error": {"code": -32601, "message": "no method `foo.get`"}, "id": "5"}, {"jsonrpc": "2.0", "result": ["hello", 5], "id": "9"} ]
"#,
    r#"
--> [ {"jsonrpc": "2.0", "method": "notify_sum", "params": [1,2,4]}, {"jsonrpc": "2.0", "method": "notify_hello", "params": [7]} ]
"#,
];

#[tokio::test(start_paused = true)]
async fn the_examples_of_the_specification() {
    for script in SPECIFICATION.iter().chain(BATCHES) {
        check(script).await;
    }
}

/// This end sends what the examples' client sends, and makes of the answer what it should.
#[tokio::test(start_paused = true)]
async fn the_examples_with_the_ends_swapped() {
    for script in SPECIFICATION {
        let (mut raw, peer) = Raw::connect(Router::new(), Limits::client());
        let mut lines = script.lines().filter(|line| !line.is_empty());
        let sent = lines.next().and_then(|line| line.strip_prefix("--> ")).unwrap();
        let answer = lines.next().and_then(|line| line.strip_prefix("<-- "));
        let request: Option<Value> = serde_json::from_str(sent).ok();
        let method = request.as_ref().and_then(|request| request["method"].as_str());
        let (Some(request), Some(method)) = (&request, method) else {
            // Nothing that we would send. Its answer concerns no call of ours.
            raw.send(answer.unwrap()).await;
            assert!(raw.is_silent().await);
            assert!(!peer.is_closed());
            continue;
        };
        let params = request.get("params").cloned().unwrap_or(Value::Null);
        let Some(answer) = answer else {
            peer.notify(method, params).await.unwrap();
            assert_same(&raw.receive().await, sent);
            continue;
        };
        let with_our_id = |text: &str| {
            let mut message: Value = serde_json::from_str(text).unwrap();
            message["id"] = 1.into();
            message
        };
        let call = peer.call::<Value>(method, params).no_timeout().start();
        assert_same(&raw.receive().await, &with_our_id(sent).to_string());
        let answer = with_our_id(answer);
        raw.send(&answer.to_string()).await;
        match call.await {
            Ok(result) => assert_eq!(result, answer["result"]),
            Err(CallError::Remote(error)) => {
                assert_eq!(serde_json::to_value(&error).unwrap(), answer["error"]);
            }
            Err(other) => panic!("{other:?}"),
        }
    }
}

/// The specification's large batch, sent by this end and answered as there.
#[tokio::test(start_paused = true)]
async fn the_example_of_a_batch_with_the_ends_swapped() {
    let (mut raw, peer) = Raw::connect(Router::new(), Limits::client());
    let batch = peer.batch();
    let sum = batch.call::<i64>("sum", (1, 2, 4)).no_timeout();
    batch.notify("notify_hello", (7,)).unwrap();
    let subtract = batch.call::<i64>("subtract", (42, 23)).no_timeout();
    let name = std::collections::BTreeMap::from([("name", "myself")]);
    let foo = batch.call::<Value>("foo.get", name).no_timeout();
    let data = batch.call::<(String, i64)>("get_data", ()).no_timeout();
    batch.send().await.unwrap();
    raw.play(
        r#"
<-- [ {"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": 1}, {"jsonrpc": "2.0", "method": "notify_hello", "params": [7]}, {"jsonrpc": "2.0", "method": "subtract", "params": [42,23], "id": 2}, {"jsonrpc": "2.0", "method": "foo.get", "params": {"name": "myself"}, "id": 3}, {"jsonrpc": "2.0", "method": "get_data", "id": 4} ]
--> [ {"jsonrpc": "2.0", "result": 7, "id": 1}, {"jsonrpc": "2.0", "result": 19, "id": 2}, {"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null}, {"jsonrpc": "2.0", "error": {"code": -32601, "message": "Method not found"}, "id": 3}, {"jsonrpc": "2.0", "result": ["hello", 5], "id": 4} ]
"#,
    )
    .await;
    assert_eq!((sum.await, subtract.await), (Ok(7), Ok(19)));
    let unknown = CallError::Remote(ErrorObject::new(-32601, "Method not found"));
    assert_eq!(foo.await, Err(unknown));
    assert_eq!(data.await, Ok(("hello".to_owned(), 5)));
    assert_eq!((peer.stats().pending, peer.stats().counters.stray), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_method_may_call_back_before_it_answers() {
    check(
        r#"
--> {"jsonrpc":"2.0","id":1,"method":"greet_me"}
<-- {"jsonrpc":"2.0","id":1,"method":"your_name"}
--> {"jsonrpc":"2.0","id":1,"result":"Ada"}
<-- {"jsonrpc":"2.0","id":1,"result":"hello, Ada"}
"#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn ids_come_back_to_the_byte() {
    let (mut raw, _peer) = Raw::connect(services(), Limits::server());
    let long = format!("\"{}\"", "i".repeat(126));
    for id in
        ["0", "\"\"", "null", "1.0", "1e400", "-7", "18446744073709551616", "\"\\u0041\"", &long]
    {
        raw.send(&format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"subtract","params":[3,2]}}"#))
            .await;
        assert_eq!(raw.receive().await, format!(r#"{{"jsonrpc":"2.0","id":{id},"result":1}}"#));
    }
}

#[tokio::test(start_paused = true)]
async fn an_id_in_flight_is_not_taken_twice() {
    check(
        r#"
--> {"jsonrpc":"2.0","id":7,"method":"greet_me"}
<-- {"jsonrpc":"2.0","id":1,"method":"your_name"}
--> {"jsonrpc":"2.0","id":7,"method":"subtract","params":[1,1]}
<-- {"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"`id` is in flight already"}}
--> {"jsonrpc":"2.0","id":1,"result":"Ada"}
<-- {"jsonrpc":"2.0","id":7,"result":"hello, Ada"}
--> {"jsonrpc":"2.0","id":7,"method":"subtract","params":[1,1]}
<-- {"jsonrpc":"2.0","id":7,"result":0}
"#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_is_malformed_is_not_answered_under_an_id_in_flight() {
    check(
        r#"
--> {"jsonrpc":"2.0","id":7,"method":"greet_me"}
<-- {"jsonrpc":"2.0","id":1,"method":"your_name"}
--> {"jsonrpc":"1.0","id":7,"method":"subtract","params":[1,1]}
<-- {"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"`jsonrpc` must be \"2.0\""}}
--> {"jsonrpc":"2.0","id":1,"result":"Ada"}
<-- {"jsonrpc":"2.0","id":7,"result":"hello, Ada"}
"#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_method_fails_with_its_own_error_and_a_panic_says_nothing() {
    check(
        r#"
--> {"jsonrpc":"2.0","id":1,"method":"fail","params":[5,"no"]}
<-- {"jsonrpc":"2.0","id":1,"error":{"code":5,"message":"no"}}
--> {"jsonrpc":"2.0","id":2,"method":"panic"}
<-- {"jsonrpc":"2.0","id":2,"error":{"code":-32603,"message":"internal error"}}
--> {"jsonrpc":"2.0","id":3,"method":"subtract","params":["1",2]}
<-- {"jsonrpc":"2.0","id":3,"error":{"code":-32602,"message":"data did not match any variant of it"}}
"#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_request_is_answered_once() {
    check(
        r#"
--> {"jsonrpc":"2.0","id":"a","method":"never"}
--> {"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":"a"}}
<-- {"jsonrpc":"2.0","id":"a","error":{"code":-32800,"message":"request cancelled","data":{"kind":"cancelled"}}}
--> {"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":"a"}}
--> {"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":99}}
--> {"jsonrpc":"2.0","method":"$/cancelRequest"}
--> {"jsonrpc":"2.0","id":"a","method":"subtract","params":[1,1]}
<-- {"jsonrpc":"2.0","id":"a","result":0}
"#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_deadline_stops_the_handler() {
    check(
        r#"
--> {"jsonrpc":"2.0","id":1,"method":"never","timeoutMs":1500}
<-- {"jsonrpc":"2.0","id":1,"error":{"code":-32012,"message":"the deadline ran out","data":{"kind":"deadline"}}}
--> {"jsonrpc":"2.0","id":2,"method":"subtract","params":[1,1],"timeoutMs":0}
<-- {"jsonrpc":"2.0","id":2,"error":{"code":-32012,"message":"the deadline ran out","data":{"kind":"deadline"}}}
"#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn our_own_methods() {
    check(
        r#"
--> {"jsonrpc":"2.0","id":1,"method":"$/ping"}
<-- {"jsonrpc":"2.0","id":1,"result":null}
--> {"jsonrpc":"2.0","id":2,"method":"$/other"}
<-- {"jsonrpc":"2.0","id":2,"error":{"code":-32601,"message":"no method `$/other`"}}
--> {"jsonrpc":"2.0","id":3,"method":"rpc.discover"}
<-- {"jsonrpc":"2.0","id":3,"error":{"code":-32601,"message":"no method `rpc.discover`"}}
--> {"jsonrpc":"2.0","method":"$/other"}
"#,
    )
    .await;
}

/// Clients in Go, C# and of language servers write them.
#[tokio::test(start_paused = true)]
async fn params_that_are_null_are_as_good_as_none() {
    check(
        r#"
--> {"jsonrpc":"2.0","id":1,"method":"get_data","params":null}
<-- {"jsonrpc":"2.0","id":1,"result":["hello",5]}
--> {"jsonrpc":"2.0","id":2,"method":"sum","params": null }
<-- {"jsonrpc":"2.0","id":2,"result":0}
--> [{"jsonrpc":"2.0","id":3,"method":"get_data","params":null}]
<-- [{"jsonrpc":"2.0","id":3,"result":["hello",5]}]
--> {"jsonrpc":"2.0","method":"tell","params":null}
<-- {"jsonrpc":"2.0","method":"told"}
--> {"jsonrpc":"2.0","id":4,"method":"$/ping","params":null}
<-- {"jsonrpc":"2.0","id":4,"result":null}
"#,
    )
    .await;
}

/// serde_json has names of its own for members, by which a value becomes another one than was measured.
#[tokio::test(start_paused = true)]
async fn params_that_would_be_read_as_others_are_refused() {
    check(
        r#"
--> {"jsonrpc":"2.0","id":1,"method":"echo","params":[{"$serde_json::private::RawValue":"[1]"}]}
<-- {"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"there is a member whose name begins with `$serde_json::private::`, which is reserved"}}
--> {"jsonrpc":"2.0","id":2,"method":"echo","params":[[{"a":{"\u0024serde_json::pr\u0069vate::Number":"1"}}]]}
<-- {"jsonrpc":"2.0","id":2,"error":{"code":-32602,"message":"there is a member whose name begins with `$serde_json::private::`, which is reserved"}}
--> {"jsonrpc":"2.0","method":"tell","params":[{"$serde_json::private::RawValue":"[1]"}]}
--> {"jsonrpc":"2.0","id":3,"method":"echo","params":["$serde_json::private::RawValue"]}
<-- {"jsonrpc":"2.0","id":3,"result":"$serde_json::private::RawValue"}
--> {"jsonrpc":"2.0","id":4,"method":"echo","params":[{"$ref":1}]}
<-- {"jsonrpc":"2.0","id":4,"result":{"$ref":1}}
"#,
    )
    .await;
}

/// What one says that was called, beside JSON-RPC, is its own affair; who calls is told.
#[tokio::test(start_paused = true)]
async fn the_end_that_opened_the_link_does_not_answer_what_is_no_request() {
    let (mut raw, peer) = Raw::connect_to_opener(services(), Limits::client());
    raw.play(
        r#"
--> {"event":"volume_changed","volume":5}
--> {"jsonrpc":"2.0","id":5}
--> {"jsonrpc":"2.0","id":5,"method":null}
--> {"jsonrpc":"2.0","id":5,"method":7}
--> {"method":"item/agentMessage/delta","params":{}}
--> {"jsonrpc":"2.0","method":"sum","params":3}
--> {
--> nonsense
--> []
--> 1
--> [1]
--> [1,{"jsonrpc":"2.0","id":1,"method":"subtract","params":[3,2]},{"event":2}]
<-- [{"jsonrpc":"2.0","id":1,"result":1}]
--> {"jsonrpc":"1.0","id":2,"method":"subtract"}
<-- {"jsonrpc":"2.0","id":2,"error":{"code":-32600,"message":"`jsonrpc` must be \"2.0\""}}
--> {"jsonrpc":"2.0","id":[],"method":"subtract"}
<-- {"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"`id` must be a string, a number or null"}}
--> {"jsonrpc":"2.0","id":3,"method":"foobar"}
<-- {"jsonrpc":"2.0","id":3,"error":{"code":-32601,"message":"no method `foobar`"}}
"#,
    )
    .await;
    let counters = peer.stats().counters;
    assert_eq!((counters.foreign, counters.malformed, counters.stray), (13, 2, 0));
}

/// Kodi says nothing after each notification.
#[tokio::test(start_paused = true)]
async fn an_empty_message_is_nothing_at_both_ends() {
    for connect in [Raw::connect, Raw::connect_to_opener] {
        let (mut raw, peer) = connect(services(), Limits::server());
        let call = peer.call::<u8>("m", ()).start();
        raw.receive().await;
        for _ in 0..5_000 {
            raw.send("").await;
            raw.send(" \r\n").await;
        }
        raw.play(r#"--> {"jsonrpc":"2.0","id":1,"result":5}"#).await;
        assert_eq!(call.await, Ok(5));
        assert_eq!(peer.stats().counters, rpc_core::types::Counters::default());
    }
}

#[tokio::test(start_paused = true)]
async fn responses_and_notifications_are_never_answered() {
    let (mut raw, peer) = Raw::connect(services(), Limits::server());
    raw.play(
        r#"
--> {"jsonrpc":"2.0","id":1,"result":1}
--> {"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"?"}}
--> {"jsonrpc":"2.0","id":"x","result":1,"error":2}
--> {"id":5,"result":1}
--> {"jsonrpc":"2.0","method":"subtract","params":["wrong"]}
--> {"jsonrpc":"2.0","method":"subtract","params":3}
--> {"method":"subtract"}
"#,
    )
    .await;
    let counters = peer.stats().counters;
    assert_eq!((counters.stray, counters.malformed), (3, 2));
}

/// What params ask for, and what they leave for others, at each limit and one beyond it.
#[tokio::test(start_paused = true)]
async fn what_is_in_flight_is_bounded() {
    type Set = fn(&mut Limits);
    let cases: [(&str, Set, &str, &str); 3] = [
        ("tokens_inflight", |limits| limits.tokens_inflight = 8, "[1,2,3]", "[1,2,3,4]"),
        ("inflight_bytes", |limits| limits.inflight_bytes = 20, "[123456789]", "[12345678901]"),
        ("inflight_requests", |limits| limits.inflight_requests = 2, "[]", ""),
    ];
    for (name, set, fits, too_much) in cases {
        let mut limits = Limits::server();
        set(&mut limits);
        let services = Router::new()
            .method("never", |_: Context, _: Value| std::future::pending::<rpc_core::Result<()>>());
        let (mut raw, _peer) = Raw::connect(services, limits);
        let request = |id: u32, params: &str| {
            format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"never","params":{params}}}"#)
        };
        raw.send(&request(1, fits)).await;
        assert!(raw.is_silent().await, "{name}: the first fits");
        let second = if too_much.is_empty() { fits } else { too_much };
        if too_much.is_empty() {
            raw.send(&request(2, fits)).await;
            assert!(raw.is_silent().await, "{name}: the second as well");
        }
        raw.send(&request(3, second)).await;
        let answer = raw.receive().await;
        assert!(answer.contains("-32009") && answer.contains(&format!("`{name}`")), "{answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn params_with_more_values_than_may_ever_be_in_flight_are_too_complex() {
    let mut limits = Limits::server();
    limits.tokens_inflight = 4;
    let (mut raw, _peer) = Raw::connect(services(), limits);
    raw.send(r#"{"jsonrpc":"2.0","id":1,"method":"echo","params":[[1,2]]}"#).await;
    assert!(raw.receive().await.contains("result"));
    raw.send(r#"{"jsonrpc":"2.0","id":2,"method":"echo","params":[[1,2,3]]}"#).await;
    let answer = raw.receive().await;
    assert!(answer.contains("-32007") && answer.contains("`tokens_inflight`"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn params_that_nest_too_deep_are_refused_whole() {
    let (mut raw, _peer) = Raw::connect(services(), Limits::server());
    let request = |depth: usize| {
        let params = nested(depth);
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"echo","params":{params}}}"#)
    };
    raw.send(&request(64)).await;
    assert!(raw.receive().await.contains("\"result\":"));
    raw.send(&request(65)).await;
    let answer = raw.receive().await;
    assert!(answer.contains("-32007") && answer.contains("`depth`"), "{answer}");
    raw.send(&request(100_000)).await;
    assert!(raw.receive().await.contains("-32007"));
}

/// A value that nests so deep.
fn nested(depth: usize) -> String {
    format!("{}{}", "[".repeat(depth), "]".repeat(depth))
}

const TOO_DEEP: &str = "a member of the message nests deeper than `depth`, which is 64";

/// `depth` bounds the whole message: a member that nobody knows is not skipped unmeasured.
#[tokio::test(start_paused = true)]
async fn members_that_nobody_knows_are_measured_as_well() {
    let (mut raw, peer) = Raw::connect(services(), Limits::server());
    let refusal = |id: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":-32007,"message":"{TOO_DEEP}","data":{{"kind":"too_complex"}}}}}}"#
        )
    };
    let (fits, deep) = (nested(64), nested(65));
    for (before, after) in [("more", "params"), ("params", "more")] {
        let request = |first: &str, second: &str| {
            format!(
                r#"{{"jsonrpc":"2.0","id":1,"{before}":{first},"method":"echo","{after}":{second}}}"#
            )
        };
        raw.send(&request(&fits, &fits)).await;
        assert!(raw.receive().await.contains(r#""result":"#), "{before}, {after}");
        for text in [request(&deep, "[1]"), request("[1]", &deep)] {
            raw.send(&text).await;
            assert_same(&raw.receive().await, &refusal("1"));
        }
    }
    // Whatever the method is.
    for method in ["echo", "nobody's", "$/ping"] {
        let text = format!(r#"{{"jsonrpc":"2.0","id":2,"method":"{method}","more":{deep}}}"#);
        raw.send(&text).await;
        assert_same(&raw.receive().await, &refusal("2"));
        let notification = text.replace(r#""id":2,"#, "");
        raw.send(&notification).await;
        assert!(raw.is_silent().await);
    }
    raw.send(&format!(r#"{{"jsonrpc":"2.0","method":"tell","more":{fits}}}"#)).await;
    assert!(raw.receive().await.contains("told"));
    raw.send(&format!(r#"{{"jsonrpc":"2.0","method":"tell","more":{deep}}}"#)).await;
    assert!(raw.is_silent().await);
    assert_eq!(peer.stats().counters.malformed, 4);
    // Of a batch only the member that is too deep.
    raw.send(&format!(
        r#"[{{"jsonrpc":"2.0","id":3,"method":"echo","params":[3],"more":{deep}}},{{"jsonrpc":"2.0","id":4,"method":"echo","params":[4]}}]"#
    ))
    .await;
    let answers = raw.receive().await;
    assert_same(&answers, &format!(r#"[{},{{"jsonrpc":"2.0","id":4,"result":4}}]"#, refusal("3")));
}
