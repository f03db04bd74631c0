//! Reports of progress, as a handler makes them.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use bytes::{Bytes, BytesMut};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::error::object::ErrorObject;
use crate::peer::remote_profile::RemoteSupport;
use crate::service::context::Context;
use crate::service::running::caught;
use crate::stream::json;
use crate::util::bounded_writer::BoundedWriter;
use crate::util::log_throttle::LogThrottle;
use crate::wire::dialect::Dialect;
use crate::wire::encode;
use crate::wire::id::is_number;

/// Reports the progress of a call to a caller that asked for it with [`on_progress`](crate::Call::on_progress).
///
/// As a parameter of a method in a `#[service]`, `Progress` is not a parameter of the generated stub. Without a
/// trait, use [`Context::progress`].
///
/// A caller with a plain JSON-RPC library asks for progress with a token. The token is `progressToken` beside the
/// params or in their `_meta`. Among params by name it may also be `workDoneToken` (LSP), or have the name of the
/// `Progress` parameter. The caller then gets `$/progress` notifications with that `token` and a `value`.
///
/// Under [`Dialect::Mcp`](crate::Dialect::Mcp) the caller gets `notifications/progress`. A report is then a number,
/// or an object with the member `progress`, for example `{"progress":3,"total":10,"message":"…"}`. An end that is set
/// to [`Hello::Never`](crate::transport::Hello::Never) reports nothing, unless its dialect has reports of progress.
///
/// Reports arrive in order, and before the answer. While the caller reads too slowly, only the latest report is kept.
/// Clones report for the same call. A report after the answer is dropped.
pub struct Progress<P> {
    /// Empty if the caller did not ask for progress.
    recipient: Option<Recipient>,
    value: PhantomData<fn(P)>,
}

#[derive(Clone)]
struct Recipient {
    cx: Context,
    /// The token as JSON text.
    token: Box<str>,
}

impl<P> Progress<P> {
    /// Uses `token` (JSON text), or else the token beside the params.
    pub(crate) fn new(cx: &Context, token: Option<Box<str>>) -> Self {
        let token = token.or_else(|| cx.progress_token().map(Box::from));
        // A plain end can report progress only through a dialect.
        let says = cx.shared().remote.both() != (RemoteSupport::Plain, Dialect::JsonRpc);
        let token = token.filter(|_| says);
        Self {
            recipient: token.map(|token| Recipient { cx: cx.clone(), token }),
            value: PhantomData,
        }
    }

    /// Returns whether the caller asked for progress. Check this before a computation that only a report needs.
    pub fn is_wanted(&self) -> bool {
        self.recipient.is_some()
    }
}

impl<P: Serialize> Progress<P> {
    /// Reports progress. Never waits, and does nothing if the caller did not ask for progress.
    ///
    /// Some values cannot be sent: a value that cannot be written as JSON, that the dialect cannot express, or that
    /// is larger than `message_out` of the [`Limits`](crate::Limits). Such a report is dropped, logged, and counted
    /// in [`Counters::dropped`](crate::types::Counters::dropped).
    pub fn report(&self, value: &P) {
        let Some(Recipient { cx, token }) = &self.recipient else { return };
        // This runs code of the application, so it must not run under the lock.
        let written = match cx.shared().remote.dialect() {
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

/// Writes a value at the end of `message`. `tail` is the number of bytes that will follow.
fn write<P: Serialize>(
    cx: &Context,
    message: &mut BytesMut,
    tail: usize,
    value: &P,
) -> Result<(), ErrorObject> {
    let limit = cx.shared().config.limits.message_out;
    caught(|| json::write(&mut BoundedWriter::new(message, limit, tail), value))
}

/// Writes a whole report in MCP's form.
#[cold]
fn mcp<P: Serialize>(cx: &Context, token: &str, value: &P) -> Result<Bytes, ErrorObject> {
    /// The most bytes of a report, without the token and the members.
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

/// Returns the members of a report in MCP's form, or `None` if MCP cannot express the value.
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

/// Decodes a report. A report of MCP may be an object; a listener that does not accept the object gets the number in
/// it.
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

impl Progress<()> {
    /// Passes on a report that another peer has made, as JSON text.
    pub(crate) fn pass_on(&self, json: &str) {
        let Some(Recipient { cx, token }) = &self.recipient else { return };
        let message = match cx.shared().remote.dialect() {
            Dialect::Mcp => mcp_members(json).map(|members| encode::mcp_progress(token, &members)),
            Dialect::JsonRpc | Dialect::Lsp => {
                let mut message = BytesMut::with_capacity(128 + json.len());
                encode::write_progress_head(token, &mut message);
                message.extend_from_slice(json.as_bytes());
                encode::write_progress_tail(&mut message);
                Some(message.freeze())
            }
        };
        let limit = cx.shared().config.limits.message_out;
        cx.shared().with(|state| match message.filter(|message| message.len() <= limit) {
            Some(message) => state.protocol.report(cx.key(), message),
            None => state.protocol.counters.dropped += 1,
        });
    }
}

impl<P> Clone for Progress<P> {
    fn clone(&self) -> Self {
        Self { recipient: self.recipient.clone(), value: PhantomData }
    }
}

impl<P> fmt::Debug for Progress<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Progress").field("is_wanted", &self.is_wanted()).finish_non_exhaustive()
    }
}

/// The progress type of a [`Call`](crate::Call) whose method declares no progress. A call without a trait knows of no
/// declared type, so `on_progress` accepts a listener of any type.
#[derive(Debug, Clone, Copy)]
pub struct NoProgress(());

/// Connects the declared progress type of a call with the type of its listener.
pub trait Reports<V> {}

impl<V: DeserializeOwned> Reports<V> for V {}
impl<V: DeserializeOwned> Reports<V> for NoProgress {}
