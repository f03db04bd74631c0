//! Encodes requests and notifications (specification, section 4).
//!
//! The id comes last, as in the examples of the specification. So a call is encoded when it is made, and completed in
//! the same allocation when it gets its place in the order of messages.

use std::borrow::Cow;
use std::convert::Infallible;
use std::io::{self, Write};
use std::time::Duration;

use bytes::{BufMut, Bytes};
use serde::Serialize;
use smol_str::SmolStr;

use crate::util::attachment::{Attachments, LEAST};
use crate::util::base64_text;
use crate::util::direct;
use crate::wire::args::{Always, ArgList, ByName, ByPosition, Flattened};
use crate::wire::attached::{self, Attached, Part};
use crate::wire::buffer::Scratch;
use crate::wire::dialect::{Dialect, MCP_INITIALIZE};
use crate::wire::extensions::Extensions;
use crate::wire::id::write_number;
use crate::wire::trace::TraceContext;

mod within;

use within::Within;

/// A request or notification without its end.
#[derive(Clone)]
pub(crate) struct Outgoing {
    text: Vec<u8>,
    /// Bytes that were left out of the text. In a box: few messages have some, and each message is moved several times.
    attachments: Option<Box<Attachments>>,
}

/// Params that another end has sent.
#[derive(Clone, Copy)]
pub(crate) enum RawText<'a> {
    None,
    Plain(&'a str),
    /// With bytes beside the text.
    Attached(&'a Attached),
}

/// Largest number of bytes that are added to a request: an id, a timeout and a token. Extension members are counted
/// separately.
const END: usize = 96;

/// Members of a request beside method, params and id.
#[derive(Debug, Clone, Default)]
pub(crate) struct RequestExtensions {
    pub(crate) timeout: Option<Duration>,
    /// Whether progress reports are requested, with the call's own id as the token.
    pub(crate) progress: bool,
    pub(crate) members: Option<Box<Extensions>>,
    pub(crate) dialect: Dialect,
    /// The params, if the dialect puts the token into the params.
    pub(crate) within: Option<Box<Within>>,
    /// Whether the dialect never cancels this call.
    pub(crate) is_lasting: bool,
}

impl RequestExtensions {
    pub(crate) fn new(dialect: Dialect, progress: bool) -> Self {
        Self { dialect, progress, ..Self::default() }
    }
}

impl Outgoing {
    /// Encodes a message whose `params` serialize to an array or an object, or to `null` for no params.
    ///
    /// # Errors
    /// If the params are invalid or too large.
    pub(crate) fn new<P: Serialize>(
        method: &str,
        params: &P,
        limit: usize,
    ) -> Result<Self, String> {
        let mut message = Self::head(method);
        let start = message.text.len();
        message.params(params)?;
        match message.text.get(start + PARAMS.len()) {
            Some(b'[' | b'{') => {}
            Some(b'n') => message.text.truncate(start),
            _ => return Err("params must be a tuple, an array, a struct or a map".into()),
        }
        message.within(limit)
    }

    /// Encodes a message whose params are one value. A value that serializes to `null` is sent as `{}`.
    ///
    /// # Errors
    /// If the value, which is the parameter `name`, is invalid or too large.
    pub(crate) fn flattened<P: Serialize>(
        method: &str,
        params: &P,
        name: &str,
        limit: usize,
    ) -> Result<Self, String> {
        let mut message = Self::head(method);
        let start = message.text.len() + PARAMS.len();
        message.params(params).map_err(|why| format!("parameter `{name}`: {why}"))?;
        match message.text.get(start) {
            Some(b'[' | b'{') => {}
            Some(b'n') => {
                message.text.truncate(start);
                message.text.extend_from_slice(b"{}");
            }
            _ => {
                return Err(format!(
                    "parameter `{name}`: all params must be a struct, a map, a tuple or an array"
                ));
            }
        }
        message.within(limit)
    }

    /// Creates a message whose params are JSON text that another end has sent, with the bytes beside the text.
    ///
    /// # Errors
    /// If the params are too large.
    pub(crate) fn raw(method: &str, params: RawText<'_>, limit: usize) -> Result<Self, String> {
        let length = match params {
            RawText::None => 0,
            RawText::Plain(text) => text.len(),
            RawText::Attached(attached) => attached.text().len(),
        };
        let mut message = Self::with_room(method, length);
        if !matches!(params, RawText::None) {
            message.text.extend_from_slice(PARAMS);
        }
        match params {
            RawText::None => {}
            RawText::Plain(text) => message.text.extend_from_slice(text.as_bytes()),
            RawText::Attached(attached) => {
                let Self { text, attachments } = &mut message;
                attached.for_each_part(|part| match part {
                    Part::Text(part) => text.extend_from_slice(part.as_bytes()),
                    Part::Bytes(bytes) => {
                        attachments.get_or_insert_default().add(text.len(), bytes.clone());
                    }
                });
            }
        }
        message.within(limit)
    }

    fn head(method: &str) -> Self {
        Self::with_room(method, 0)
    }

    /// Begins a message that is going to have this number of bytes of params.
    fn with_room(method: &str, params: usize) -> Self {
        let mut text = Vec::with_capacity(HEAD.len() + method.len() + params + 2 * END);
        text.extend_from_slice(HEAD);
        write_name(method, &mut text);
        Self { text, attachments: None }
    }

    fn params<P: Serialize>(&mut self, params: &P) -> Result<(), String> {
        self.text.extend_from_slice(PARAMS);
        let Self { text, attachments } = self;
        serde_json::to_writer(Params { text, attachments }, params)
            .map_err(|error| error.to_string())
    }

    /// Returns the message if it is not longer than `limit`.
    ///
    /// # Errors
    /// If the message is longer.
    pub(crate) fn within(self, limit: usize) -> Result<Self, String> {
        fits(self.longest(), limit)?;
        Ok(self)
    }

    /// Prepares the message for sending together with `extensions`.
    ///
    /// # Errors
    /// If the whole is longer than `limit`, or if the dialect cannot request progress with such params.
    #[inline]
    pub(crate) fn prepare(
        &mut self,
        extensions: &mut RequestExtensions,
        limit: usize,
    ) -> Result<(), String> {
        if extensions.dialect != Dialect::JsonRpc {
            self.speak(extensions)?;
        }
        match (&extensions.members, &extensions.within) {
            // The size of the message alone was checked when the message was made.
            (None, None) => Ok(()),
            (extensions, within) => {
                let extensions = extensions.as_ref().map_or(0, |extensions| extensions.longest());
                let within = within.as_ref().map_or(0, |within| within.longest());
                fits(self.longest() + extensions + within, limit)
            }
        }
    }

    /// Applies the rules of the dialect.
    #[cold]
    fn speak(&mut self, extensions: &mut RequestExtensions) -> Result<(), String> {
        self.fill();
        extensions.is_lasting =
            extensions.dialect == Dialect::Mcp && self.method() == MCP_INITIALIZE;
        if extensions.progress {
            let within = Within::new(extensions.dialect, self.params_text())?;
            self.text.truncate(name_end(&self.text));
            extensions.within = Some(Box::new(within));
        }
        Ok(())
    }

    /// Returns the name of the method.
    pub(crate) fn method(&self) -> SmolStr {
        let name = &self.text[HEAD.len()..name_end(&self.text)];
        let name: Cow<'_, str> = serde_json::from_slice(name).expect("it was written as a string");
        name.into()
    }

    /// Writes bytes that were left out of the text as base64 text.
    pub(crate) fn fill(&mut self) {
        self.place_bytes(false);
    }

    /// Puts bytes that were left out of the text beside the text, if the other end `takes_bytes`, or else into the text.
    /// Returns whether the message has bytes beside its text.
    pub(crate) fn place_bytes(&mut self, takes_bytes: bool) -> bool {
        let Some(attachments) = self.attachments.take() else { return false };
        if !takes_bytes {
            self.text = attached::fill(&self.text, &attachments);
            return false;
        }
        let length = attached::length(&self.text, &attachments);
        let mut message = Vec::with_capacity(length + 2 * END);
        attached::write(&self.text, &attachments, &mut message);
        self.text = message;
        true
    }

    /// Returns the message without bytes beside its text.
    pub(crate) fn filled(mut self) -> Self {
        self.fill();
        self
    }

    /// Returns the JSON text of the params; `None` if there are none. Call [`fill`](Self::fill) before.
    pub(crate) fn params_text(&self) -> Option<&str> {
        debug_assert!(self.attachments.is_none(), "bytes would be missing in the text");
        let params = self.text[name_end(&self.text)..].strip_prefix(PARAMS)?;
        Some(std::str::from_utf8(params).expect("JSON is written as UTF-8"))
    }

    /// Returns the largest size of the whole request in bytes, without extension members.
    pub(crate) fn longest(&self) -> usize {
        let absent = self.attachments.as_ref().map_or(0, |attachments| attachments.absent());
        self.text.len() + absent + END
    }

    /// Completes a notification.
    pub(crate) fn notification(self, trace: Option<TraceContext>) -> Bytes {
        self.notification_with(&Extensions { trace, ..Extensions::default() })
    }

    /// Completes a notification that has these members beside its params.
    pub(crate) fn notification_with(mut self, members: &Extensions) -> Bytes {
        self.fill();
        members.write(&mut self.text);
        self.text.push(b'}');
        self.text.into()
    }

    /// Completes a request.
    pub(crate) fn request(mut self, id: u64, extensions: &RequestExtensions) -> Bytes {
        self.fill();
        write_end(id, extensions, &mut self.text);
        self.text.into()
    }

    /// Completes a request. A short request is copied into `scratch`: a shared buffer for one message costs an
    /// allocation, and copying a short message costs a tenth of an allocation.
    pub(crate) fn request_in(
        self,
        scratch: &mut Scratch,
        id: u64,
        extensions: &RequestExtensions,
    ) -> Bytes {
        if self.longest() > SHORT {
            return self.request(id, extensions);
        }
        scratch.prepare();
        scratch.buffer.extend_from_slice(&self.text);
        write_end(id, extensions, &mut (&mut scratch.buffer).writer());
        scratch.cut()
    }
}

/// Writes the name of a method as JSON text.
#[inline]
pub(crate) fn write_name(method: &str, text: &mut Vec<u8>) {
    if method.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'A'..=b'Z' | b'.' | b'_')) {
        // Nearly all names need no escapes. Looking for escapes takes 2 % of a call.
        text.push(b'"');
        text.extend_from_slice(method.as_bytes());
        text.push(b'"');
    } else {
        serde_json::to_writer(text, method).expect("a string is always JSON");
    }
}

/// Returns the name of the method of a notification of this end, as [`write_name`] has written it. Returns `None` for a
/// batch.
pub(crate) fn written_name(message: &[u8]) -> Option<&[u8]> {
    message.starts_with(HEAD).then(|| &message[HEAD.len()..name_end(message)])
}

/// Returns the end of the method's name in a message that begins with [`HEAD`].
fn name_end(message: &[u8]) -> usize {
    let name = message[HEAD.len() + 1..].iter();
    let mut escaped = false;
    let length = name.take_while(|byte| {
        let goes_on = **byte != b'"' || escaped;
        escaped = **byte == b'\\' && !escaped;
        goes_on
    });
    HEAD.len() + length.count() + 2
}

pub(crate) fn fits(bytes: usize, limit: usize) -> Result<(), String> {
    if bytes > limit {
        return Err(format!(
            "the message may need {bytes} bytes, more than `message_out`, which is {limit}"
        ));
    }
    Ok(())
}

fn write_end(id: u64, extensions: &RequestExtensions, out: &mut impl Write) {
    const WRITES: &str = "memory takes any write";
    out.write_all(br#","id":"#).expect(WRITES);
    write_number(id, out);
    if let Some(timeout) = extensions.timeout {
        // Rounded up: 0 would mean that the deadline has passed.
        let millis = timeout.as_nanos().div_ceil(1_000_000);
        let millis = u64::try_from(millis).unwrap_or(u64::MAX);
        out.write_all(br#","timeoutMs":"#).expect(WRITES);
        write_number(millis, out);
    }
    if let Some(within) = &extensions.within {
        within.write(id, out);
    } else if extensions.progress {
        out.write_all(br#","progressToken":"#).expect(WRITES);
        write_number(id, out);
    }
    if let Some(members) = &extensions.members {
        members.write(out);
    }
    out.write_all(b"}").expect(WRITES);
}

/// Arguments from which generated code makes params.
pub trait Arguments {
    /// Encodes a message with these arguments.
    ///
    /// # Errors
    /// If the arguments are invalid or too large.
    #[expect(private_interfaces, reason = "hidden, for generated code to name and not to use")]
    fn message(&self, method: &str, limit: usize) -> Result<Outgoing, String>;
}

/// By position. Without arguments to send there are no params.
impl<L: ArgList> Arguments for L {
    #[expect(private_interfaces, reason = "hidden, for generated code to name and not to use")]
    fn message(&self, method: &str, limit: usize) -> Result<Outgoing, String> {
        match self.given() {
            0 => Outgoing::new(method, &(), limit),
            count => Outgoing::new(method, &ByPosition(self, count), limit),
        }
    }
}

/// By name. Without arguments to send there are no params.
impl<L: ArgList> Arguments for ByName<L> {
    #[expect(private_interfaces, reason = "hidden, for generated code to name and not to use")]
    fn message(&self, method: &str, limit: usize) -> Result<Outgoing, String> {
        match self.given() {
            0 => Outgoing::new(method, &(), limit),
            _ => Outgoing::new(method, self, limit),
        }
    }
}

/// By position. Without arguments to send the params are `[]`.
impl<L: ArgList> Arguments for Always<L> {
    #[expect(private_interfaces, reason = "hidden, for generated code to name and not to use")]
    fn message(&self, method: &str, limit: usize) -> Result<Outgoing, String> {
        Outgoing::new(method, &ByPosition(&self.0, self.0.given()), limit)
    }
}

/// By name. Without arguments to send the params are `{}`.
impl<L: ArgList> Arguments for Always<ByName<L>> {
    #[expect(private_interfaces, reason = "hidden, for generated code to name and not to use")]
    fn message(&self, method: &str, limit: usize) -> Result<Outgoing, String> {
        Outgoing::new(method, &self.0, limit)
    }
}

/// As the value serializes itself.
impl<T: Serialize> Arguments for Flattened<T> {
    #[expect(private_interfaces, reason = "hidden, for generated code to name and not to use")]
    fn message(&self, method: &str, limit: usize) -> Result<Outgoing, String> {
        Outgoing::flattened(method, &self.value, self.name, limit)
    }
}

/// Messages up to this size are copied and not shared.
const SHORT: usize = 256;

/// A writer for params that, when it grows, also makes room for the end of the message. Without this room a string of 1
/// MiB filled its buffer exactly, and the buffer doubled for the closing quote.
///
/// Long bytes are left out of the text. They are written into it when it turns out that the other end does not take them
/// beside the text.
struct Params<'a> {
    text: &'a mut Vec<u8>,
    attachments: &'a mut Option<Box<Attachments>>,
}

impl Params<'_> {
    #[inline]
    fn prepare(&mut self, bytes: usize) {
        if self.text.capacity() - self.text.len() < bytes {
            self.text.reserve(bytes + 2 * END);
        }
    }

    /// Writes the base64 text of `bytes` behind `head`, or leaves the bytes out.
    #[inline(never)]
    fn base64(&mut self, head: &[u8], bytes: &Bytes) {
        if self.attachments.as_ref().map_or(bytes.len() >= LEAST, |it| it.takes(bytes)) {
            self.prepare(head.len());
            self.text.extend_from_slice(head);
            let attachments = self.attachments.get_or_insert_default();
            return attachments.add(self.text.len(), bytes.clone());
        }
        self.prepare(head.len() + base64_text::length(bytes.len()));
        self.text.extend_from_slice(head);
        base64_text::encode(bytes, |piece| {
            self.text.extend_from_slice(piece.as_bytes());
            Ok::<(), Infallible>(())
        })
        .unwrap_or_else(|never| match never {});
    }
}

impl io::Write for Params<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes).map(|()| bytes.len())
    }

    #[inline] // called for each comma
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        if direct::is_pending()
            && let Some(offered) = direct::take(bytes)?
        {
            self.base64(bytes, &offered);
            return Ok(());
        }
        match bytes {
            // Brackets and commas, which are most of short params, need no call to copy them.
            [byte] => self.text.push(*byte),
            bytes => {
                self.prepare(bytes.len());
                self.text.extend_from_slice(bytes);
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

const HEAD: &[u8] = br#"{"jsonrpc":"2.0","method":"#;
const PARAMS: &[u8] = br#","params":"#;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base64::Base64;

    fn request<P: Serialize>(params: P) -> Result<String, String> {
        let message = Outgoing::new("m\"", &params, 200)?.request(7, &RequestExtensions::default());
        Ok(String::from_utf8(message.to_vec()).unwrap())
    }

    #[test]
    fn bytes_are_the_same_text_as_elsewhere() {
        for length in [0, 1, 2, 3, 3071, 3072, 3073, 100_000] {
            let bytes: Base64 = (0..length).map(|at| (at * 7) as u8).collect();
            let params = ("\"", &bytes, [Some(&bytes)]);
            let mut message = Outgoing::new("m", &params, 1_000_000).unwrap();
            message.fill();
            let expected = serde_json::to_string(&params).unwrap();
            assert_eq!(message.params_text(), Some(&*expected), "{length} bytes");
        }
    }

    #[test]
    fn params_are_an_array_an_object_or_nothing() {
        let with = |params| Ok(format!(r#"{{"jsonrpc":"2.0","method":"m\"",{params}"id":7}}"#));
        assert_eq!(request((1, "x")), with(r#""params":[1,"x"],"#));
        assert_eq!(
            request(std::collections::BTreeMap::from([("a", 1)])),
            with(r#""params":{"a":1},"#)
        );
        assert_eq!(request(()), with(""));
        assert!(request(1).unwrap_err().contains("tuple"));
        assert!(request("x".repeat(200)).unwrap_err().contains("tuple"));
        assert!(request(["x".repeat(200)]).unwrap_err().contains("`message_out`"));
    }

    #[test]
    fn a_message_can_be_read_again() {
        for method in ["m", "a \"b\"", "\\", "\\\"", "ä\u{1f}\"params\":[1]"] {
            let with = Outgoing::new(method, &(1, "x"), 200).unwrap();
            assert_eq!((&*with.method(), with.params_text()), (method, Some(r#"[1,"x"]"#)));
            let without = Outgoing::new(method, &(), 200).unwrap();
            assert_eq!((&*without.method(), without.params_text()), (method, None));
            let mut name = Vec::new();
            write_name(method, &mut name);
            assert_eq!(written_name(&with.notification(None)), Some(&*name));
        }
    }

    #[test]
    fn a_timeout_is_never_rounded_to_nothing() {
        let message = ().message("m", 200).unwrap();
        let mut scratch = Scratch::default();
        let extensions = RequestExtensions {
            timeout: Some(Duration::from_nanos(1)),
            ..RequestExtensions::default()
        };
        let message = message.request_in(&mut scratch, 1, &extensions);
        assert_eq!(&message[..], br#"{"jsonrpc":"2.0","method":"m","id":1,"timeoutMs":1}"#);
    }
}
