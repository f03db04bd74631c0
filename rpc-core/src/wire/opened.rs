//! The answer to a call that was handed on, if the call has opened a stream.
//!
//! Whoever hands a call on does not know its method, so it cannot tell the id of a stream from another result. It says
//! so beside the params (`forwarded`), and is answered with the id and the names of the stream:
//!
//! ```text
//! --> {"jsonrpc":"2.0","method":"market.ticks","id":1,"forwarded":1}
//! <-- {"jsonrpc":"2.0","id":1,"result":{"$stream":"mR4…","item":"market.ticks","unsubscribe":"market.unsubscribe_ticks"}}
//! ```

use std::borrow::Cow;

use bytes::{BufMut, Bytes, BytesMut};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::method::{SUBSCRIPTION, SubscriptionIds};
use crate::wire::encode;
use crate::wire::item::can_hold_id;

/// The names of a stream that a method has returned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StreamNames {
    /// The name of the notifications that carry the items.
    pub(crate) item: Box<str>,
    /// The method that ends the stream.
    pub(crate) unsubscribe: Box<str>,
    /// The member of an item's params that holds the id.
    pub(crate) id_member: Box<str>,
    pub(crate) ids: SubscriptionIds,
}

/// A stream that a call has opened. The id is JSON text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct OpenedStream<'a> {
    pub(crate) id: &'a str,
    pub(crate) names: StreamNames,
}

/// How such an answer begins.
const BEGIN: &str = r#"{"$stream":"#;

/// Returns whether the answer to a call that was handed on names a stream.
#[inline]
pub(crate) fn is_stream(result: &str) -> bool {
    result.starts_with(BEGIN)
}

impl<'a> OpenedStream<'a> {
    /// Reads the answer. Returns `None` if it is the result of a method all the same.
    pub(crate) fn read(result: &'a str) -> Option<Self> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Said<'a> {
            #[serde(borrow, rename = "$stream")]
            id: &'a RawValue,
            #[serde(borrow)]
            item: Cow<'a, str>,
            #[serde(borrow)]
            unsubscribe: Cow<'a, str>,
            #[serde(borrow)]
            id_member: Option<Cow<'a, str>>,
        }
        let Said { id, item, unsubscribe, id_member } = serde_json::from_str(result).ok()?;
        let id_member = id_member.unwrap_or(Cow::Borrowed(SUBSCRIPTION));
        if !can_hold_id(&id_member) {
            return None;
        }
        let id = id.get();
        let ids = match id.starts_with('"') {
            true => SubscriptionIds::Strings,
            false => SubscriptionIds::Numbers,
        };
        let [item, unsubscribe, id_member] = [item, unsubscribe, id_member].map(Box::from);
        Some(Self { id, names: StreamNames { item, unsubscribe, id_member, ids } })
    }
}

/// Returns the response that opens the stream with this id, which is JSON text.
pub(crate) fn response(request: &str, id: &str, names: &StreamNames) -> Bytes {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Rest<'a> {
        item: &'a str,
        unsubscribe: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        id_member: Option<&'a str>,
    }
    let id_member = Some(&*names.id_member).filter(|name| *name != SUBSCRIPTION);
    let rest = Rest { item: &names.item, unsubscribe: &names.unsubscribe, id_member };
    let rest = serde_json::to_string(&rest).expect("texts are always JSON");
    let mut out = BytesMut::with_capacity(64 + id.len() + rest.len());
    encode::write_head(request, &mut out);
    out.put_slice(BEGIN.as_bytes());
    out.put_slice(id.as_bytes());
    out.put_u8(b',');
    out.put_slice(&rest.as_bytes()[1..]);
    encode::write_tail(&mut out);
    out.freeze()
}

#[test]
fn what_is_written_is_read() {
    for (id, id_member) in [(r#""a""#, SUBSCRIPTION), ("17", "subscription_id")] {
        let names = StreamNames {
            item: "m.\"ticks\"".into(),
            unsubscribe: "m.stop".into(),
            id_member: id_member.into(),
            ids: if id == "17" { SubscriptionIds::Numbers } else { SubscriptionIds::Strings },
        };
        let response = response("1", id, &names);
        let text = std::str::from_utf8(&response).unwrap();
        let result = text.strip_prefix(r#"{"jsonrpc":"2.0","id":1,"result":"#).unwrap();
        let result = result.strip_suffix('}').unwrap();
        assert!(is_stream(result), "{result}");
        assert_eq!(OpenedStream::read(result), Some(OpenedStream { id, names }));
    }
}

#[test]
fn a_result_that_only_looks_like_it_is_no_stream() {
    for result in [
        r#"{"$stream":"a"}"#,
        r#"{"$stream":"a","item":"i"}"#,
        r#"{"$stream":"a","item":"i","unsubscribe":7}"#,
        r#"{"$stream":"a","item":"i","unsubscribe":"u","idMember":"result"}"#,
        r#"{"$stream":"a","#,
    ] {
        assert!(is_stream(result) && OpenedStream::read(result).is_none(), "{result}");
    }
}
