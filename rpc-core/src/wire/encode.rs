//! Encodes responses and the `$/` notifications of the framework (specification, section 5). An id is the JSON text
//! that was received.

use bytes::{BufMut, Bytes, BytesMut};

use crate::error::object::ErrorObject;
use crate::wire::goaway::GoAway;
use crate::wire::id::write_number;
use crate::wire::request::write_name;
use crate::wire::session::SessionSaid;

/// Writes the part of a response before its result.
pub(crate) fn write_head(id: &str, out: &mut BytesMut) {
    out.put_slice(br#"{"jsonrpc":"2.0","id":"#);
    out.put_slice(id.as_bytes());
    out.put_slice(br#","result":"#);
}

/// Writes the part of a response after its result.
pub(crate) fn write_tail(out: &mut BytesMut) {
    out.put_u8(b'}');
}

/// Returns a response with an error. Without an `id` the id is `null`.
pub(crate) fn error(id: Option<&str>, error: &ErrorObject) -> Bytes {
    let mut out = BytesMut::with_capacity(128).writer();
    out.get_mut().put_slice(br#"{"jsonrpc":"2.0","id":"#);
    out.get_mut().put_slice(id.unwrap_or("null").as_bytes());
    out.get_mut().put_slice(br#","error":"#);
    serde_json::to_writer(&mut out, error).expect("an error object is made of text and raw JSON");
    out.get_mut().put_u8(b'}');
    out.into_inner().freeze()
}

/// Returns a response with `json` as its result.
pub(crate) fn result(id: &str, json: &str) -> Bytes {
    let mut out = BytesMut::with_capacity(64 + json.len());
    write_head(id, &mut out);
    out.put_slice(json.as_bytes());
    write_tail(&mut out);
    out.freeze()
}

/// Returns the notification that cancels the call with this id.
pub(crate) fn cancel(id: u64) -> Bytes {
    let mut out = BytesMut::with_capacity(80);
    out.put_slice(br#"{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":"#);
    write_number(id, &mut (&mut out).writer());
    out.put_slice(b"}}");
    out.freeze()
}

/// Returns the notification that cancels the call with this id in MCP.
pub(crate) fn mcp_cancel(id: u64) -> Bytes {
    let mut out = BytesMut::with_capacity(96);
    out.put_slice(br#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"#);
    write_number(id, &mut (&mut out).writer());
    out.put_slice(b"}}");
    out.freeze()
}

/// Returns the request that ends a subscription. `subscription` is the JSON text of its id.
pub(crate) fn unsubscribe(method: &str, subscription: &str, id: u64) -> Bytes {
    let mut out = BytesMut::with_capacity(80 + method.len() + subscription.len());
    out.put_slice(br#"{"jsonrpc":"2.0","method":"#);
    serde_json::to_writer((&mut out).writer(), method).expect("a string is always JSON");
    out.put_slice(br#","params":["#);
    out.put_slice(subscription.as_bytes());
    out.put_slice(br#"],"id":"#);
    write_number(id, &mut (&mut out).writer());
    out.put_u8(b'}');
    out.freeze()
}

/// Returns the request that any end answers, and no application sees.
pub(crate) fn ping(id: u64) -> Bytes {
    let mut out = BytesMut::with_capacity(64);
    out.put_slice(br#"{"jsonrpc":"2.0","method":"$/ping","id":"#);
    write_number(id, &mut (&mut out).writer());
    out.put_u8(b'}');
    out.freeze()
}

/// Returns the notification that the connection will be closed.
pub(crate) fn go_away(news: &GoAway) -> Bytes {
    let params = news.params();
    let head = r#"{"jsonrpc":"2.0","method":"$/goaway","params":"#;
    let mut out = BytesMut::with_capacity(head.len() + params.len() + 1);
    out.put_slice(head.as_bytes());
    out.put_slice(params.as_bytes());
    out.put_u8(b'}');
    out.freeze()
}

/// Returns the notification that asks for another link of the session.
pub(crate) fn move_to_another_link() -> Bytes {
    Bytes::from_static(br#"{"jsonrpc":"2.0","method":"$/goaway","params":{"move":true}}"#)
}

/// Returns the notification that ends a stream of the other end. `subscription` is the JSON text of its id.
pub(crate) fn stop(subscription: &str) -> Bytes {
    let mut out = BytesMut::with_capacity(80 + subscription.len());
    out.put_slice(br#"{"jsonrpc":"2.0","method":"$/stop","params":{"subscription":"#);
    out.put_slice(subscription.as_bytes());
    out.put_slice(b"}}");
    out.freeze()
}

/// Returns the notification that mutes the notifications of a method, or unmutes them.
pub(crate) fn mute(method: &str, is_muted: bool) -> Bytes {
    let mut out = Vec::with_capacity(80 + method.len());
    out.extend_from_slice(br#"{"jsonrpc":"2.0","method":"$/mute","params":{"method":"#);
    write_name(method, &mut out);
    out.extend_from_slice(if is_muted { br#","muted":true}}"# } else { br#","muted":false}}"# });
    out.into()
}

/// Writes a progress report up to its value. `token` is JSON text.
pub(crate) fn write_progress_head(token: &str, out: &mut BytesMut) {
    out.put_slice(br#"{"jsonrpc":"2.0","method":"$/progress","params":{"token":"#);
    out.put_slice(token.as_bytes());
    out.put_slice(br#","value":"#);
}

/// Writes the part of a progress report after its value.
pub(crate) fn write_progress_tail(out: &mut BytesMut) {
    out.put_slice(b"}}");
}

/// Returns a progress report of MCP. `members` is JSON text, and contains the member `progress`.
pub(crate) fn mcp_progress(token: &str, members: &str) -> Bytes {
    let mut out = BytesMut::with_capacity(96 + token.len() + members.len());
    out.put_slice(
        br#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"#,
    );
    out.put_slice(token.as_bytes());
    out.put_u8(b',');
    out.put_slice(members.as_bytes());
    out.put_slice(b"}}");
    out.freeze()
}

/// How a hello of this end begins.
pub(crate) const HELLO: &[u8] =
    br#"{"jsonrpc":"2.0","method":"$/hello","params":{"duplex":1,"window":"#;

/// What this end says of itself in `$/hello`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hello<'a> {
    /// The initial credit of streams towards this end.
    pub(crate) window: usize,
    /// The largest batch that this end accepts.
    pub(crate) batch: usize,
    /// Whether this end takes bytes beside the text of a message.
    pub(crate) takes_bytes: bool,
    /// Whether this end asks for unstable methods.
    pub(crate) asks_for_unstable: bool,
    /// The services that this end offers, as JSON text.
    pub(crate) offers: Option<&'a str>,
    pub(crate) session: Option<&'a SessionSaid<'a>>,
}

/// Returns the notification that announces the extensions of this end, and may speak of a session.
pub(crate) fn hello(said: Hello<'_>) -> Bytes {
    let mut out = BytesMut::with_capacity(128 + said.offers.map_or(0, str::len));
    out.put_slice(HELLO);
    write_number(said.window as u64, &mut (&mut out).writer());
    out.put_slice(br#","batch":"#);
    write_number(said.batch as u64, &mut (&mut out).writer());
    out.put_slice(br#","ack":true,"results":true,"sequences":true"#);
    if said.takes_bytes {
        out.put_slice(br#","bytes":true"#);
    }
    if said.asks_for_unstable {
        out.put_slice(br#","unstable":true"#);
    }
    if let Some(offers) = said.offers {
        out.put_slice(br#","offers":"#);
        out.put_slice(offers.as_bytes());
    }
    if let Some(session) = said.session {
        session.write(&mut out);
    }
    out.put_slice(b"}}");
    out.freeze()
}

/// Returns the notification that allows the other end to send more of a stream. `subscription` is the JSON text of the
/// id, and `seq` the number of the last item that was consumed, if items have numbers.
pub(crate) fn credit(subscription: &str, bytes: u64, seq: Option<u64>) -> Bytes {
    let mut out = BytesMut::with_capacity(96 + subscription.len());
    out.put_slice(br#"{"jsonrpc":"2.0","method":"$/credit","params":{"subscription":"#);
    out.put_slice(subscription.as_bytes());
    out.put_slice(br#","bytes":"#);
    write_number(bytes, &mut (&mut out).writer());
    if let Some(seq) = seq {
        out.put_slice(br#","seq":"#);
        write_number(seq, &mut (&mut out).writer());
    }
    out.put_slice(b"}}");
    out.freeze()
}

/// Returns the notification that asks for at most one item of a stream in so many milliseconds. `subscription` is the
/// JSON text of the id.
pub(crate) fn throttle(subscription: &str, interval: u64) -> Bytes {
    let mut out = BytesMut::with_capacity(96 + subscription.len());
    out.put_slice(br#"{"jsonrpc":"2.0","method":"$/throttle","params":{"subscription":"#);
    out.put_slice(subscription.as_bytes());
    out.put_slice(br#","intervalMs":"#);
    write_number(interval, &mut (&mut out).writer());
    out.put_slice(b"}}");
    out.freeze()
}

/// The head of an item of a subscription, with the item's number if the other end counts items.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ItemHead<'a> {
    /// The name of the notification.
    pub(crate) method: &'a str,
    /// The name of the member that holds the id, as plain text.
    pub(crate) id_member: &'a str,
    /// The id as JSON text.
    pub(crate) subscription: &'a str,
    pub(crate) seq: Option<u64>,
    /// Whether credit is asked for as soon as the item is consumed.
    pub(crate) ack: bool,
}

/// Writes the part of an item before its value.
pub(crate) fn write_item_head(head: ItemHead<'_>, out: &mut BytesMut) {
    write_item(head, br#""result":"#, out);
}

/// Makes an item, whose value begins at `value` and is the last that was written, the first of several in an array.
/// Returns where its value begins now.
pub(crate) fn begin_item_array(value: usize, out: &mut BytesMut) -> usize {
    const ONE: &[u8] = br#"":"#;
    const SEVERAL: &[u8] = br#"s":["#;
    let (name_end, end) = (value - ONE.len(), out.len());
    let values = name_end + SEVERAL.len();
    out.put_bytes(0, values - value);
    out.copy_within(value..end, values);
    out[name_end..values].copy_from_slice(SEVERAL);
    values
}

/// Writes the part of an item after its value, or after the last value of an array.
pub(crate) fn write_item_tail(is_array: bool, out: &mut BytesMut) {
    out.put_slice(if is_array { b"]}}" } else { b"}}" });
}

/// Returns the item that ends a subscription with an error.
pub(crate) fn error_item(head: ItemHead<'_>, error: &ErrorObject) -> Bytes {
    let mut out = BytesMut::with_capacity(160);
    write_item(head, br#""error":"#, &mut out);
    serde_json::to_writer((&mut out).writer(), error)
        .expect("an error object is made of text and raw JSON");
    write_item_tail(false, &mut out);
    out.freeze()
}

/// Returns the item that ends a subscription without an error.
pub(crate) fn done_item(head: ItemHead<'_>) -> Bytes {
    let mut out = BytesMut::with_capacity(128);
    write_item(head, br#""done":true"#, &mut out);
    write_item_tail(false, &mut out);
    out.freeze()
}

fn write_item(head: ItemHead<'_>, member: &[u8], out: &mut BytesMut) {
    out.put_slice(br#"{"jsonrpc":"2.0","method":"#);
    serde_json::to_writer(out.writer(), head.method).expect("a string is always JSON");
    out.put_slice(br#","params":{""#);
    out.put_slice(head.id_member.as_bytes());
    out.put_slice(br#"":"#);
    out.put_slice(head.subscription.as_bytes());
    out.put_u8(b',');
    if let Some(seq) = head.seq {
        out.put_slice(br#""seq":"#);
        write_number(seq, &mut out.writer());
        out.put_u8(b',');
        if head.ack {
            out.put_slice(br#""ack":true,"#);
        }
    }
    out.put_slice(member);
}
