//! An id of the other end's choice is echoed byte for byte or refused, names one request at a time,
//! and is taken for one of ours only if it is the same number, however that is spelled.

use futures_util::FutureExt;
use rpc_core::{Context, Limits, Router};
use serde_json::value::RawValue;

use crate::far::Far;

const LONGEST: usize = 128;

/// Uses a text as the id of requests, of a cancel and of a response.
pub fn check(input: &[u8]) {
    let text = crate::text(input);
    // Other texts would be other messages: those are `envelope`'s.
    if let Ok(id) = serde_json::from_str::<&RawValue>(text) {
        crate::paused(run(id.get()));
    }
}

async fn run(id: &str) {
    let services = Router::new()
        .method("quick", |_: Context, (): ()| async { Ok(()) })
        .method("hang", |_: Context, (): ()| std::future::pending::<Result<(), _>>());
    let (mut far, peer) = Far::connect(services, Limits::server());
    let call = peer.call::<u8>("m", ()).no_timeout().start();
    assert_eq!(far.settle().await, [r#"{"jsonrpc":"2.0","method":"m","id":1}"#]);

    let is_id = !id.starts_with(['[', '{', 't', 'f']) && id.len() <= LONGEST;
    let request = |method| format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}"}}"#);
    let refusal = r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"#;
    far.send(&request("quick")).await;
    let answer = far.settle().await;
    if is_id {
        assert_eq!(answer, [format!(r#"{{"jsonrpc":"2.0","id":{id},"result":null}}"#)]);
    } else {
        assert!(answer.len() == 1 && answer[0].starts_with(refusal), "{answer:?}");
    }

    if is_id {
        far.send(&request("hang")).await;
        far.send(&request("quick")).await;
        let answers = far.settle().await;
        assert!(answers.len() == 1 && answers[0].starts_with(refusal), "{answers:?}");
    }
    let cancel =
        format!(r#"{{"jsonrpc":"2.0","method":"$/cancelRequest","params":{{"id":{id}}}}}"#);
    far.send(&cancel).await;
    let answers = far.settle().await;
    if is_id {
        let cancelled = format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":-32800,"#);
        assert!(answers.len() == 1 && answers[0].starts_with(&cancelled), "{answers:?}");
    } else {
        assert!(answers.is_empty(), "{answers:?}");
    }

    far.send(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":7}}"#)).await;
    assert!(far.settle().await.is_empty(), "a response is never answered");
    let is_ours = id.len() <= 64 && id.parse() == Ok(1.0);
    assert_eq!(call.now_or_never(), is_ours.then_some(Ok(7)));
    assert_eq!(peer.stats().counters.stray, u64::from(!is_ours));
    assert_eq!((peer.stats().in_flight, peer.stats().pending), (0, 0));
}
