use super::*;

fn decode(text: &str) -> Incoming<'_> {
    match super::decode(text, &Limits::server()) {
        Payload::Single(incoming) => incoming,
        Payload::Batch(batch) => panic!("a batch: {batch:?}"),
    }
}

/// What an invalid message is answered with: id, code, message.
fn refusal(text: &str) -> (Option<&str>, i64, String) {
    match decode(text) {
        Incoming::Invalid { id, error } => (id, error.code, error.message),
        other => panic!("{text} is {other:?}"),
    }
}

#[test]
fn a_request_is_read_without_copying() {
    let text = r#" {"jsonrpc":"2.0","id": "a\"b" ,"method":"add","params": [1, 2],"x":[{}]} "#;
    let Incoming::Request(request) = decode(text) else { panic!() };
    assert_eq!(request.id, r#""a\"b""#);
    assert!(matches!(request.method, Cow::Borrowed("add")));
    assert_eq!(request.params, Some("[1, 2]"));
    assert_eq!(request.complexity, Complexity { depth: 1, tokens: 3 });
    assert_eq!(request.timeout, None);
}

#[test]
fn names_may_be_escaped() {
    let text = r#"{"jsonrpc":"\u0032.0","m\u0065thod":"\u0061dd","id":null}"#;
    let Incoming::Request(request) = decode(text) else { panic!() };
    assert_eq!((request.id, &*request.method), ("null", "add"));
}

#[test]
fn a_name_that_is_no_unicode_is_just_unknown() {
    let text = r#"{"jsonrpc":"2.0","\ud800":1,"id":1,"method":"add"}"#;
    assert!(matches!(decode(text), Incoming::Request(_)));
}

#[test]
fn shape_decides_what_a_message_is() {
    assert!(matches!(decode(r#"{"jsonrpc":"2.0","method":"m"}"#), Incoming::Notification(_)));
    assert!(matches!(decode(r#"{"id":1,"result":1}"#), Incoming::Response { id: Some("1"), .. }));
    assert!(matches!(decode(r#"{"result":1}"#), Incoming::Response { id: None, .. }));
}

#[test]
fn what_is_malformed_is_named() {
    for (text, id, code, message) in [
        ("{", None, -32700, "not JSON"),
        ("", None, -32700, "not JSON"),
        ("{} x", None, -32700, "not JSON"),
        (r#"{"jsonrpc":"2.0","id":1,"method":"m","params":[1,]}"#, None, -32700, "not JSON"),
        ("1", None, -32600, "a message must be an object"),
        ("1e3", None, -32600, "a message must be an object"),
        ("null", None, -32600, "a message must be an object"),
        ("true", None, -32600, "a message must be an object"),
        (r#""x""#, None, -32600, "a message must be an object"),
        ("{}", None, -32600, "neither `method` nor `result` nor `error`"),
        (
            r#"{"jsonrpc":"2.0","id":5}"#,
            Some("5"),
            -32600,
            "neither `method` nor `result` nor `error`",
        ),
        (
            r#"{"id":5,"method":"m"}"#,
            Some("5"),
            -32600,
            r#"`jsonrpc` is missing, it must be "2.0""#,
        ),
        (
            r#"{"jsonrpc":"1.0","id":5,"method":"m"}"#,
            Some("5"),
            -32600,
            r#"`jsonrpc` must be "2.0""#,
        ),
        (r#"{"jsonrpc":2.0,"id":5,"method":"m"}"#, Some("5"), -32600, r#"`jsonrpc` must be "2.0""#),
        (r#"{"jsonrpc":"2.0","method":1}"#, None, -32600, "`method` must be a string"),
        (
            r#"{"jsonrpc":"2.0","method":1,"id":"a"}"#,
            Some(r#""a""#),
            -32600,
            "`method` must be a string",
        ),
        (
            r#"{"jsonrpc":"2.0","method":"m","id":[1]}"#,
            None,
            -32600,
            "`id` must be a string, a number or null",
        ),
        (
            r#"{"jsonrpc":"2.0","method":"m","id":true}"#,
            None,
            -32600,
            "`id` must be a string, a number or null",
        ),
        (
            r#"{"jsonrpc":"2.0","method":"m","id":1,"params":"x"}"#,
            Some("1"),
            -32600,
            "`params` must be an array or an object",
        ),
        (
            r#"{"jsonrpc":"2.0","method":"m","id":1,"params":null}"#,
            Some("1"),
            -32600,
            "`params` must be an array or an object",
        ),
        (
            r#"{"jsonrpc":"2.0","method":"m","id":1,"result":1}"#,
            Some("1"),
            -32600,
            "`result` or `error` beside `method`",
        ),
        (r#"{"jsonrpc":"2.0","method":"m","id":1,"id":2}"#, None, -32600, "`id` is given twice"),
        (
            r#"{"jsonrpc":"2.0","method":"m","method":"n","id":1}"#,
            Some("1"),
            -32600,
            "`method` is given twice",
        ),
        (
            r#"{"jsonrpc":"2.0","method":"m","id":1,"timeoutMs":-1}"#,
            Some("1"),
            -32600,
            "`timeoutMs` must be an integer from 0",
        ),
        (
            r#"{"jsonrpc":"2.0","method":"m","id":1,"timeoutMs":1.5}"#,
            Some("1"),
            -32600,
            "`timeoutMs` must be an integer from 0",
        ),
        (
            r#"{"jsonrpc":"2.0","method":"\ud800","id":1}"#,
            Some("1"),
            -32600,
            "`method` must be a string",
        ),
    ] {
        assert_eq!(refusal(text), (id, code, message.to_owned()), "{text}");
    }
}

#[test]
fn ids_and_names_have_a_longest_length() {
    let request =
        |id: &str, method: &str| format!(r#"{{"jsonrpc":"2.0","id":"{id}","method":"{method}"}}"#);
    assert!(matches!(decode(&request(&"i".repeat(126), "m")), Incoming::Request(_)));
    assert_eq!(
        refusal(&request(&"i".repeat(127), "m")),
        (None, -32600, "`id` is too long: `id_bytes` is 128".into())
    );
    assert!(matches!(decode(&request("i", &"m".repeat(256))), Incoming::Request(_)));
    assert_eq!(
        refusal(&request("i", &"m".repeat(257))),
        (Some("\"i\""), -32600, "`method` is too long: `method_bytes` is 256".into())
    );
}

#[test]
fn a_malformed_notification_is_dropped() {
    for text in [
        r#"{"method":"m"}"#,
        r#"{"jsonrpc":"2.0","method":"m","params":1}"#,
        r#"{"jsonrpc":"2.0","method":"m","result":1}"#,
        r#"{"jsonrpc":"2.0","method":"m","method":"m"}"#,
    ] {
        assert!(matches!(decode(text), Incoming::Dropped(_)), "{text}");
    }
}

#[test]
fn a_timeout_is_at_most_a_day() {
    let day = Duration::from_secs(86_400);
    for (ms, timeout) in [
        ("0", Duration::ZERO),
        ("1500", Duration::from_millis(1500)),
        ("86400001", day),
        ("99999999999999999999999999", day),
    ] {
        let text = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"m","timeoutMs":{ms}}}"#);
        let Incoming::Request(request) = decode(&text) else { panic!() };
        assert_eq!(request.timeout, Some(timeout));
    }
}

#[test]
fn a_response_is_a_result_or_an_error() {
    let answer = |text| match decode(text) {
        Incoming::Response { answer, .. } => answer,
        other => panic!("{other:?}"),
    };
    assert!(matches!(answer(r#"{"jsonrpc":"2.0","id":1,"result":null}"#), Answer::Result("null")));
    assert!(matches!(answer(r#"{"id":1,"result":2,"error":null}"#), Answer::Result("2")));
    let Answer::Error(error) = answer(r#"{"id":1,"error":{"code":1,"message":"m","x":1}}"#) else {
        panic!()
    };
    assert_eq!(error, ErrorObject::new(1, "m"));
    for text in [
        r#"{"id":1,"error":null}"#,
        r#"{"id":1,"error":[5,"m"]}"#,
        r#"{"id":1,"error":{"code":1.5,"message":"m"}}"#,
        r#"{"id":1,"error":{"code":1}}"#,
        r#"{"id":1,"result":1,"error":{"code":1,"message":"m"}}"#,
        r#"{"id":1,"result":1,"result":1}"#,
        r#"{"jsonrpc":"1.0","id":1,"result":1}"#,
    ] {
        assert!(matches!(answer(text), Answer::Malformed(_)), "{text}");
    }
}

#[test]
fn a_batch_is_read_as_a_whole_or_not_at_all() {
    let mut limits = Limits::server();
    limits.batch = 3;
    let read = |text: &str| match super::decode(text, &limits) {
        Payload::Batch(batch) => format!("{batch:?}"),
        Payload::Single(Incoming::Invalid { id: None, error }) => error.message,
        other => panic!("{text} is {other:?}"),
    };
    let message = r#"{"jsonrpc":"2.0","method":"m"}"#;
    let three = read(&format!("[ {message} , [{message}],{{}}\n]"));
    assert!(three.starts_with("[Notification("), "{three}");
    assert!(three.contains("a message must be an object"), "{three}");
    assert!(three.contains("neither `method`"), "{three}");
    assert_eq!(read(" [ ] "), "an empty batch");
    assert!(read("[1,2,3,4]").contains("`batch`"));
    for broken in ["[1,2,3,4", "[1,2,3,4,]", "[1,]", "[1 2]", "[", "[1]]", "[{\"a\":1,}]"] {
        assert_eq!(read(broken), "not JSON", "{broken}");
    }
}
