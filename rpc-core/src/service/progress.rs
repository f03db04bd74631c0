//! How far a call has come, as its handler reports it.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use bytes::{Bytes, BytesMut};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::error::object::ErrorObject;
use crate::peer::known::RemoteSupport;
use crate::service::context::Context;
use crate::service::running::caught;
use crate::stream::json;
use crate::util::bounded_writer::BoundedWriter;
use crate::util::log_throttle::LogThrottle;
use crate::wire::dialect::Dialect;
use crate::wire::encode;
use crate::wire::id::is_number;

/// Reports how far a call has come, to a caller who asked for that with
/// [`on_progress`](crate::Call::on_progress).
///
/// As a parameter of a method in a `#[service]` it is not among the parameters of the stub; without a
/// trait it comes from [`Context::progress`]. A plain caller asks with a token: `progressToken` beside
/// the params or in their `_meta`, `workDoneToken` (LSP) or this parameter's own name among params
/// that go by name; and is sent `$/progress` with that `token` and a `value`. Under
/// [`Dialect::Mcp`](crate::Dialect::Mcp) the caller is sent `notifications/progress`, and a report is a
/// number or an object with the member `progress`, such as `{"progress":3,"total":10,"message":"…"}`. An end that is
/// set to be plain ([`Hello::Never`](crate::transport::Hello::Never)) reports nothing, unless it speaks a dialect that has reports.
///
/// Reports arrive in order, and all before the answer. While the caller reads too slowly, the latest
/// one waits and takes the place of the one before. Clones report for the same call; what is reported
/// after its answer goes nowhere.
pub struct Progress<P> {
    /// Of a caller who asked.
    asked: Option<Asked>,
    value: PhantomData<fn(P)>,
}

#[derive(Clone)]
struct Asked {
    cx: Context,
    /// As JSON text.
    token: Box<str>,
}

impl<P> Progress<P> {
    /// With a token of its own, as JSON text, or the one that came beside the params.
    pub(crate) fn new(cx: &Context, token: Option<Box<str>>) -> Self {
        let token = token.or_else(|| cx.progress_token().map(Box::from));
        // A plain end has no words for it but those of a dialect.
        let says = cx.shared().other.both() != (RemoteSupport::Plain, Dialect::JsonRpc);
        let token = token.filter(|_| says);
        Self { asked: token.map(|token| Asked { cx: cx.clone(), token }), value: PhantomData }
    }

    /// Whether the caller asked: what is dear to find out need not be, otherwise.
    pub fn is_wanted(&self) -> bool {
        self.asked.is_some()
    }
}

impl<P: Serialize> Progress<P> {
    /// Reports how far the call has come. Never waits, and does nothing if nobody asked.
    ///
    /// A value that cannot be written as JSON, that the dialect has no words for, or that is larger than `message_out` of the
    /// [`Limits`](crate::Limits), is left out, logged, and counted as
    /// [dropped](crate::types::Counters::dropped).
    pub fn report(&self, value: &P) {
        let Some(Asked { cx, token }) = &self.asked else { return };
        // Code of the user's: not under the lock.
        let written = match cx.shared().other.dialect() {
            Dialect::Mcp => mcp(cx, token, value),
            Dialect::JsonRpc | Dialect::Lsp => {
                let mut message = BytesMut::with_capacity(128);
                encode::write_progress_head(token, &mut message);
                write(cx, &mut message, 2, value).map(|()| {
                    encode::write_progress_tail(&mut message);
                    message.freeze()
                })
            }
        };
        cx.shared().with(|state| match written {
            Ok(message) => state.protocol.report(cx.key(), message),
            Err(error) => {
                static THROTTLE: LogThrottle = LogThrottle::new();
                if let Some(left_out) = THROTTLE.allow() {
                    tracing::warn!(left_out, method = cx.method(), %error, "a report of progress is left out");
                }
                state.protocol.counters.dropped += 1;
            }
        });
    }
}

/// Writes a value at the end of `message`, which has as many more bytes to follow as the `tail` says.
fn write<P: Serialize>(
    cx: &Context,
    message: &mut BytesMut,
    tail: usize,
    value: &P,
) -> Result<(), ErrorObject> {
    let limit = cx.shared().config.limits.message_out;
    caught(|| json::write(&mut BoundedWriter::new(message, limit, tail), value))
}

/// The whole report in MCP's words.
#[cold]
fn mcp<P: Serialize>(cx: &Context, token: &str, value: &P) -> Result<Bytes, ErrorObject> {
    /// What stands around the token and the members.
    const AROUND: usize = 96;
    let mut json = BytesMut::new();
    write(cx, &mut json, AROUND + token.len(), value)?;
    let json = std::str::from_utf8(&json).expect("JSON is written as UTF-8");
    let members = mcp_members(json).ok_or_else(|| {
        ErrorObject::invalid_params(
            "under `Dialect::Mcp` a report is a number, or an object whose member `progress` is one",
        )
    })?;
    Ok(encode::mcp_progress(token, &members))
}

/// The members by which MCP says this; `None` if it has no words for it.
fn mcp_members(json: &str) -> Option<Cow<'_, str>> {
    #[derive(Deserialize)]
    struct Said<'a> {
        #[serde(borrow)]
        progress: &'a RawValue,
        #[serde(borrow, rename = "progressToken")]
        token: Option<&'a RawValue>,
    }
    if is_number(json) {
        return Some(format!(r#""progress":{json}"#).into());
    }
    let members = json.strip_prefix('{')?.strip_suffix('}')?;
    let said: Said<'_> = serde_json::from_str(json).ok()?;
    (is_number(said.progress.get()) && said.token.is_none()).then_some(members.into())
}

/// Reads a report. One of MCP's is an object: for a listener that takes no such the number in it.
pub(crate) fn read<V: DeserializeOwned>(json: &str, is_mcp: bool) -> Result<V, serde_json::Error> {
    #[derive(Deserialize)]
    struct Said<'a> {
        #[serde(borrow)]
        progress: &'a RawValue,
    }
    let read = serde_json::from_str(json);
    if is_mcp
        && read.is_err()
        && let Ok(Said { progress }) = serde_json::from_str(json)
        && let Ok(number) = serde_json::from_str(progress.get())
    {
        return Ok(number);
    }
    read
}

impl<P> Clone for Progress<P> {
    fn clone(&self) -> Self {
        Self { asked: self.asked.clone(), value: PhantomData }
    }
}

impl<P> fmt::Debug for Progress<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Progress").field("is_wanted", &self.is_wanted()).finish_non_exhaustive()
    }
}

/// The `P` of a [`Call`](crate::Call) whose method declares no progress. Without a trait nothing is
/// known of that, so such a call takes a listener for reports of any type.
#[derive(Debug, Clone, Copy)]
pub struct NoProgress(());

/// Which reports a call can bring: those of the type that its method declares.
pub trait Reports<V> {}

impl<V: DeserializeOwned> Reports<V> for V {}
impl<V: DeserializeOwned> Reports<V> for NoProgress {}
