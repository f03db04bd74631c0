//! Answers that are a little off: each resolves its call at once, and nothing is sent back for it.

mod support;

use rpc_core::{CallError, ErrorObject, Limits, Peer, Router};
use serde_json::Value;
use support::Raw;

const DISGUISED: &str =
    "there is a member whose name begins with `$serde_json::private::`, which is reserved";
const TOO_DEEP: &str = "a member of the message nests deeper than `depth`";
const NO_ERROR: &str = "`error` must have an integer `code` and a string `message`";

/// Both ends call: it makes no difference who has opened the link.
fn both() -> [(Raw, Peer); 2] {
    [Raw::connect, Raw::connect_to_opener].map(|connect| connect(Router::new(), Limits::client()))
}

/// Has a call answered by these texts, with nothing sent back for them.
async fn answered_by(raw: &mut Raw, peer: &Peer, texts: &[String]) -> Result<Value, CallError> {
    let call = peer.call::<Value>("m", ()).no_timeout().start();
    raw.receive().await;
    for text in texts {
        raw.send(text).await;
    }
    let came_to = call.await;
    assert!(raw.is_silent().await, "{texts:?}");
    came_to
}

#[tokio::test(start_paused = true)]
async fn what_is_meant_is_clear() {
    let error = || Err(CallError::Remote(ErrorObject::new(5, "no")));
    for (mut raw, peer) in both() {
        let mut id = 0;
        for (answer, expected) in [
            (r#"{"id":ID,"result":7}"#, Ok(7.into())),
            (r#"{"jsonrpc":"2.0","id":ID.0,"result":7}"#, Ok(7.into())),
            (r#"{"jsonrpc":"2.0","id":IDe0,"result":7}"#, Ok(7.into())),
            (r#"{"jsonrpc":"2.0","id":ID,"result":7,"error":null}"#, Ok(7.into())),
            (r#"{"jsonrpc":"2.0","id":ID,"result":null,"error":null}"#, Ok(Value::Null)),
            (r#"{"jsonrpc":"2.0","id":ID,"method":null,"params":null,"result":7}"#, Ok(7.into())),
            (r#"{"id":ID,"result":null,"error":{"code":5,"message":"no"}}"#, error()),
            (r#"{"id":ID,"method":null,"error":{"code":5,"message":"no"}}"#, error()),
            ("\u{feff}{\"id\":ID,\"result\":7}", Ok(7.into())),
        ] {
            id += 1;
            let text = answer.replace("ID", &format!("{id}"));
            assert_eq!(answered_by(&mut raw, &peer, &[text]).await, expected, "{answer}");
        }
        assert_eq!(peer.stats().counters, rpc_core::types::Counters::default());
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_not_ends_the_call_at_once_and_says_what_could_be_read() {
    let disguised = r#"{"$serde_json::private::RawValue":"[1]"}"#;
    for (mut raw, peer) in both() {
        let mut id = 0;
        for (answer, why) in [
            (r#"{"jsonrpc":"2.0","id":ID}"#, "neither `method` nor `result` nor `error`".into()),
            (r#"{"id":ID}"#, "neither `method` nor `result` nor `error`".into()),
            (r#"{"id":ID.0,"method":null}"#, "`method` must be a string".into()),
            (
                r#"{"id":ID,"result":1,"error":{"code":5,"message":"no"}}"#,
                "both `result` and `error`: code 5, message no".into(),
            ),
            (
                r#"{"id":ID,"error":{"code":"E_NO","message":"no"}}"#,
                format!(r#"{NO_ERROR}: code \"E_NO\", message no"#),
            ),
            (
                r#"{"id":ID,"error":{"code":-32000.5,"message":"no"}}"#,
                format!("{NO_ERROR}: code -32000.5, message no"),
            ),
            (r#"{"id":ID,"error":{"message":"no"}}"#, format!("{NO_ERROR}: message no")),
            (r#"{"id":ID,"error":{"code":5}}"#, format!("{NO_ERROR}: code 5")),
            (r#"{"id":ID,"error":"no"}"#, format!(r#"{NO_ERROR}: it is \"no\""#)),
            (r#"{"id":ID,"error":null}"#, format!("{NO_ERROR}: it is null")),
            (r#"{"id":ID,"id":ID,"result":1}"#, "`id` is given twice".into()),
            (r#"{"jsonrpc":2,"id":ID,"result":1}"#, r#"`jsonrpc` must be "2.0""#.into()),
            (r#"{"jsonrpc":"2.0","id":ID,"result":NaN}"#, "not JSON".into()),
            (r#"{"jsonrpc":"2.0","result":[-Infinity],"id":ID}"#, "not JSON".into()),
            (r#"{"jsonrpc":"2.0","id":ID,"result":"cut"#, "not JSON".into()),
            (r#"{"jsonrpc":"2.0","id":ID,"result":1}{"event":2}"#, "not JSON".into()),
            (&format!(r#"{{"id":ID,"result":[{disguised}]}}"#), DISGUISED.into()),
            (
                &format!(r#"{{"id":ID,"error":{{"code":5,"message":"no","data":{disguised}}}}}"#),
                format!("{DISGUISED}: code 5, message no"),
            ),
        ] {
            id += 1;
            let text = answer.replace("ID", &format!("{id}"));
            let came_to = answered_by(&mut raw, &peer, &[text]).await;
            assert_eq!(came_to, Err(CallError::Decode(why.into())), "{answer}");
        }
        assert_eq!(peer.stats().counters, rpc_core::types::Counters::default());
    }
}

#[tokio::test(start_paused = true)]
async fn the_members_of_a_batch_are_each_what_they_are() {
    for (mut raw, peer) in both() {
        let batch = peer.batch();
        let calls: Vec<_> = (0..3).map(|_| batch.call::<u8>("m", ()).no_timeout()).collect();
        batch.send().await.unwrap();
        raw.receive().await;
        raw.send(r#"[{"id":1},{"id":2.0,"result":2},{"id":3,"error":7}]"#).await;
        let mut came_to = Vec::new();
        for call in calls {
            came_to.push(call.await);
        }
        let decode = |why: &str| Err(CallError::Decode(why.into()));
        assert_eq!(came_to[0], decode("neither `method` nor `result` nor `error`"));
        assert_eq!(came_to[1], Ok(2));
        assert_eq!(came_to[2], decode(&format!("{NO_ERROR}: it is 7")));
        assert!(raw.is_silent().await);
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_nests_too_deep_is_none_whichever_member_does() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let deep_error = |depth: usize| {
        format!(r#""error":{{"code":5,"message":"no","data":{}}}"#, nested(depth - 1))
    };
    for (mut raw, peer) in both() {
        let mut id = 0;
        for (member, why) in [
            (format!(r#""result":{}"#, nested(65)), TOO_DEEP.to_owned()),
            (format!(r#""more":{},"result":1"#, nested(65)), TOO_DEEP.to_owned()),
            (format!(r#""result":1,"more":{}"#, nested(127)), TOO_DEEP.to_owned()),
            (deep_error(65), format!("{TOO_DEEP}: code 5, message no")),
        ] {
            id += 1;
            let text = format!(r#"{{"jsonrpc":"2.0","id":{id},{member}}}"#);
            let came_to = answered_by(&mut raw, &peer, &[text]).await;
            assert_eq!(came_to, Err(CallError::Decode(why.into())), "{member}");
        }
        for member in [format!(r#""result":1,"more":{}"#, nested(64)), r#""result":1"#.to_owned()] {
            id += 1;
            let text = format!(r#"{{"jsonrpc":"2.0","id":{id},{member}}}"#);
            assert_eq!(answered_by(&mut raw, &peer, &[text]).await, Ok(1.into()), "{member}");
        }
        id += 1;
        let text = format!(r#"{{"id":{id},"result":{}}}"#, nested(64));
        assert!(answered_by(&mut raw, &peer, &[text]).await.is_ok());
        id += 1;
        let text = format!(r#"{{"id":{id},{}}}"#, deep_error(64));
        let came_to = answered_by(&mut raw, &peer, &[text]).await;
        assert!(matches!(came_to, Err(CallError::Remote(_))), "{came_to:?}");
    }
}

/// Only a call that the other end has can be answered by it.
#[tokio::test(start_paused = true)]
async fn what_names_no_call_is_refused_as_before() {
    let (mut raw, peer) = Raw::connect(Router::new(), Limits::server());
    let call = peer.call::<u8>("m", ()).no_timeout().start();
    raw.receive().await;
    raw.play(
        r#"
--> {"jsonrpc":"2.0","id":2}
<-- {"jsonrpc":"2.0","id":2,"error":{"code":-32600,"message":"neither `method` nor `result` nor `error`"}}
--> {"jsonrpc":"2.0","id":"1"}
<-- {"jsonrpc":"2.0","id":"1","error":{"code":-32600,"message":"neither `method` nor `result` nor `error`"}}
--> {"jsonrpc":"2.0","id":1,"method":7}
<-- {"jsonrpc":"2.0","id":1,"error":{"code":-32600,"message":"`method` must be a string"}}
--> {"jsonrpc":"2.0","id":1,"method":"m","params":[NaN]}
<-- {"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"not JSON"}}
--> {"jsonrpc":"2.0","id":1,"result":6}
--> {"jsonrpc":"2.0","id":1,"result":NaN}
--> {"jsonrpc":"2.0","id":1}
<-- {"jsonrpc":"2.0","id":1,"error":{"code":-32600,"message":"neither `method` nor `result` nor `error`"}}
"#,
    )
    .await;
    assert_eq!(call.await, Ok(6));
}
