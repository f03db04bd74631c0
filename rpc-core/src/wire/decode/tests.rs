use super::*;

fn rules() -> Rules {
    Rules::new(&Limits::server(), false)
}

fn decode(text: &str) -> Incoming<'_> {
    match super::decode(text, &rules()) {
        Payload::Single(incoming) => incoming,
        other => panic!("{other:?}"),
    }
}

/// Returns the answer to an invalid message: id, code and message.
fn refusal(text: &str) -> (Option<&str>, i64, String) {
    match decode(text) {
        Incoming::Invalid { id, error, .. } => (id, error.code, error.message),
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
    assert_eq!((request.complexity.depth, request.complexity.tokens), (2, 3));
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
fn a_missing_jsonrpc_is_taken_for_2_0_by_setting_and_a_wrong_one_never() {
    let read = |text, may_be_missing| match super::decode(
        text,
        &Rules::new(&Limits::server(), may_be_missing),
    ) {
        Payload::Single(Incoming::Request(request)) => format!("request {}", request.id),
        Payload::Single(Incoming::Notification(it)) => format!("notification {}", it.method),
        Payload::Single(Incoming::Dropped(why)) => why.into(),
        Payload::Single(Incoming::Invalid { error, .. }) => error.message,
        Payload::Batch(messages) => {
            let requests = messages.iter().filter(|it| matches!(it, Incoming::Request(_)));
            format!("{} requests", requests.count())
        }
        other => panic!("{other:?}"),
    };
    let missing = r#"`jsonrpc` is missing, it must be "2.0""#;
    let wrong = r#"`jsonrpc` must be "2.0""#;
    for (text, by_default, by_setting) in [
        (r#"{"id":1,"method":"m"}"#, missing, "request 1"),
        (r#"{"method":"m"}"#, "malformed", "notification m"),
        (r#"[{"id":1,"method":"m"},{"id":2,"method":"m"}]"#, "0 requests", "2 requests"),
        (r#"{"jsonrpc":"2.0","id":1,"method":"m"}"#, "request 1", "request 1"),
        (r#"{"jsonrpc":"1.0","id":1,"method":"m"}"#, wrong, wrong),
        (r#"{"jsonrpc":null,"id":1,"method":"m"}"#, wrong, wrong),
        (r#"{"id":1,"method":1}"#, missing, "`method` must be a string"),
    ] {
        assert_eq!((read(text, false), read(text, true)), (by_default.into(), by_setting.into()));
    }
}

#[test]
fn what_is_malformed_is_named() {
    for (text, id, code, message) in [
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
            r#"{"jsonrpc":"2.0","method":"m","id":1,"params":false}"#,
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
    assert!(matches!(
        answer(r#"{"jsonrpc":"2.0","id":1,"result":null}"#),
        Response::Result("null")
    ));
    assert!(matches!(answer(r#"{"id":1,"result":2,"error":null}"#), Response::Result("2")));
    let Response::Error(error) = answer(r#"{"id":1,"error":{"code":1,"message":"m","x":1}}"#)
    else {
        panic!()
    };
    assert_eq!(error, ErrorObject::new(1, "m"));
    for text in [
        r#"{"id":1,"result":null,"error":{"code":1,"message":"m"}}"#,
        r#"{"id":1,"error":{"code":1,"message":"m"},"method":null}"#,
        r#"{"method":null,"result":null,"id":1,"error":{"code":1,"message":"m"}}"#,
    ] {
        assert!(matches!(answer(text), Response::Error(error) if error.message == "m"), "{text}");
    }
    for text in [
        r#"{"id":1,"result":null,"error":null}"#,
        r#"{"id":1,"result":null,"method":null}"#,
        r#"{"id":1,"result":null,"params":5}"#,
    ] {
        assert!(matches!(answer(text), Response::Result("null")), "{text}");
    }
}

#[test]
fn a_malformed_response_keeps_what_could_be_read_of_its_error() {
    const BOTH: &str = "both `result` and `error`";
    const TWICE: &str = "`id` is given twice";
    let long = format!(r#"{{"id":1,"error":{{"message":"{}"}}}}"#, "x".repeat(1000));
    for (text, id, why) in [
        (r#"{"id":1,"error":null}"#, "1", format!("{NO_ERROR}: it is null")),
        (r#"{"id":1,"error":"no\nway"}"#, "1", format!(r#"{NO_ERROR}: it is \"no\\nway\""#)),
        (r#"{"id":1,"error":[5,"m"]}"#, "1", format!(r#"{NO_ERROR}: it is [5,\"m\"]"#)),
        (
            r#"{"id":1,"error":{"code":1.5,"message":"m"}}"#,
            "1",
            format!("{NO_ERROR}: code 1.5, message m"),
        ),
        (
            r#"{"id":1,"error":{"data":[],"m\u0065ssage":"a\nb","code":"E1"}}"#,
            "1",
            format!(r#"{NO_ERROR}: code \"E1\", message a\nb"#),
        ),
        (r#"{"id":1,"error":{"code":1}}"#, "1", format!("{NO_ERROR}: code 1")),
        (r#"{"id":1,"error":{"message":"m"}}"#, "1", format!("{NO_ERROR}: message m")),
        (r#"{"id":1,"error":{"message":7}}"#, "1", format!("{NO_ERROR}: message 7")),
        (r#"{"id":1,"error":{}}"#, "1", format!("{NO_ERROR}: it is {{}}")),
        (&*long, "1", format!("{NO_ERROR}: message {}…", "x".repeat(300))),
        (
            r#"{"id":1,"result":1,"error":{"code":1,"message":"m"}}"#,
            "1",
            format!("{BOTH}: code 1, message m"),
        ),
        (r#"{"id":1,"result":1,"error":false}"#, "1", format!("{BOTH}: it is false")),
        (r#"{"id":1,"result":1,"result":1}"#, "1", "`result` is given twice".into()),
        (r#"{"id":1,"id":1,"result":1}"#, "1", TWICE.into()),
        (r#"{"id":1.0,"id":2,"result":1}"#, "1.0", TWICE.into()),
        (r#"{"jsonrpc":"1.0","id":1,"result":1}"#, "1", r#"`jsonrpc` must be "2.0""#.into()),
        (r#"{"id":1,"result":[{"$serde_json::private::RawValue":"[1]"}]}"#, "1", DISGUISED.into()),
        (
            r#"{"id":1,"error":{"code":1,"message":"m","data":{"$serde_json::private::Number":"1"}}}"#,
            "1",
            format!("{DISGUISED}: code 1, message m"),
        ),
    ] {
        let Incoming::Response { id: Some(found), answer: Response::Malformed(said) } =
            decode(text)
        else {
            panic!("{text}")
        };
        assert_eq!((found, said), (id, why), "{text}");
    }
}

#[test]
fn params_that_are_null_are_none() {
    for text in [
        r#"{"jsonrpc":"2.0","id":1,"method":"m","params":null}"#,
        r#"{"jsonrpc":"2.0","params": null ,"method":"m"}"#,
    ] {
        match decode(text) {
            Incoming::Request(request) => assert_eq!(request.params, None),
            Incoming::Notification(notification) => assert_eq!(notification.params, None),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn what_is_none_of_the_three_may_look_like_one() {
    for (text, expected) in [
        (r#"{"jsonrpc":"2.0","id":1}"#, Shape::Response("1")),
        (r#"{"id":1,"method":null}"#, Shape::Response("1")),
        (r#"{"id":1.0,"x":{}}"#, Shape::Response("1.0")),
        (r#"{"id":1,"id":2}"#, Shape::Response("1")),
        (r#"{"method":null}"#, Shape::Other),
        (r#"{"jsonrpc":"2.0","id":1,"method":5}"#, Shape::Other),
        (r#"{"id":1,"method":5,"result":1}"#, Shape::Other),
        (r#"{"event":"volume_changed","volume":5}"#, Shape::Other),
        (r#"{"id":1,"method":"m"}"#, Shape::Request),
        (r#"{"jsonrpc":"2.0","id":[],"method":"m"}"#, Shape::Request),
        (r#"{"jsonrpc":"2.0","id":1,"method":"m","result":1}"#, Shape::Request),
        ("[]", Shape::Nothing),
        ("1", Shape::Other),
    ] {
        let Incoming::Invalid { shape, .. } = decode(text) else { panic!("{text}") };
        assert_eq!(shape, expected, "{text}");
    }
}

#[test]
fn nothing_is_known_of_what_is_not_json_but_which_calls_it_answers() {
    for (text, ids) in [
        ("", &[][..]),
        ("{", &[]),
        ("{} x", &[]),
        (r#"{"jsonrpc":"2.0","id":1,"method":"m","params":[1,]}"#, &[]),
        (r#"{"jsonrpc":"2.0","id":1,"method":"m","params":[NaN]}"#, &[]),
        (r#"{"jsonrpc":"2.0","id":1,"met"#, &[]),
        (r#"{"jsonrpc":"2.0","result":NaN,"id":1}"#, &["1"]),
        (r#"{"id":7,"result":{"a":[1,-Infinity,"NaN \" Infinity"],"b":undefined}}"#, &["7"]),
        (r#"{"result":nan(ind),"id":1.0}"#, &["1.0"]),
        (r#"{"id":1,"result":"cut of"#, &["1"]),
        (r#"{"id":1,"error":"#, &["1"]),
        (r#"{"id":1,"result":2}{"id":3,"result":4}"#, &["1", "3"]),
        (r#"[{"id":1,"result":NaN},{"id":2,"result":2}]"#, &["1", "2"]),
        (
            r#"[{"id":1,"result":1},{"jsonrpc":"2.0","method":"m"},{"id":2,"result":'x'}]"#,
            &["1", "2"],
        ),
        (r#"{"id":1,"result":2}}"#, &["1"]),
        (r#"{"x":NaN,"y":{"id":5,"result":1}}"#, &[]),
    ] {
        assert!(matches!(super::decode(text, &rules()), Payload::Broken), "{text}");
        assert_eq!(answers_in(text), ids, "{text}");
    }
}

#[test]
fn a_byte_order_mark_means_nothing() {
    let text = "\u{feff}[{\"id\":1,\"result\":2},[1]]";
    let Payload::Batch(messages) = super::decode(text, &rules()) else { panic!() };
    assert!(matches!(messages[0], Incoming::Response { id: Some("1"), .. }));
    assert_eq!(members_of(text), [r#"{"id":1,"result":2}"#, "[1]"]);
    assert_eq!(answers_in("\u{feff}{\"id\":1,\"result\":NaN}"), ["1"]);
}

#[test]
fn a_batch_is_read_as_a_whole_or_not_at_all() {
    let mut limits = Limits::server();
    limits.batch = 3;
    let read = |text: &str| match super::decode(text, &Rules::new(&limits, false)) {
        Payload::Batch(batch) => format!("{batch:?}"),
        Payload::Single(Incoming::Invalid { id: None, error, .. }) => error.message,
        Payload::Broken => NOT_JSON.into(),
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
