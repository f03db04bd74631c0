//! Members of a message that extend the specification. A plain peer ignores them.

use std::borrow::Cow;
use std::io::Write;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::wire::id::{canonical, write_number};
use crate::wire::trace::{MEMBER, TraceContext};

/// Largest size of an `idempotencyKey` in bytes.
pub(crate) const LONGEST_KEY: usize = 128;

/// Members of a request that extend the specification. In a notification only the trace has a meaning. `timeoutMs` is
/// read together with the members of the specification, since nearly every call has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Extensions {
    /// `traceparent` and `tracestate`.
    pub(crate) trace: Option<TraceContext>,
    /// `progressToken`, as JSON text.
    pub(crate) progress: Option<Box<str>>,
    /// `idempotencyKey`.
    pub(crate) idempotency_key: Option<Box<str>>,
    /// `forwarded`: how many ends have handed the message on. 0 if the message comes from its author.
    pub(crate) forwarded: u8,
}

/// The members as received, as JSON text.
#[derive(Debug, Default)]
pub(crate) struct Written<'a> {
    pub(crate) traceparent: Option<&'a str>,
    pub(crate) tracestate: Option<&'a str>,
    pub(crate) progress: Option<&'a str>,
    pub(crate) idempotency_key: Option<&'a str>,
    pub(crate) forwarded: Option<&'a str>,
}

impl Written<'_> {
    /// Checks the members. An invalid trace is ignored, as its standard requires.
    ///
    /// # Errors
    /// If another member is invalid.
    pub(crate) fn read(&self, id_bytes: usize) -> Result<Extensions, &'static str> {
        let text = |json| serde_json::from_str::<Cow<'_, str>>(json).ok();
        let state = self.tracestate.and_then(text);
        let parent = self.traceparent.and_then(text);
        let trace = parent.and_then(|parent| TraceContext::new(&parent, state.as_deref()).ok());
        let key = self.idempotency_key.map(|json| {
            text(json)
                .filter(|key| (1..=LONGEST_KEY).contains(&key.len()))
                .ok_or("`idempotencyKey` must be a string of 1 to 128 bytes")
        });
        if self.progress.is_some_and(|token| !is_token(token, id_bytes)) {
            return Err("`progressToken` must be a string or a number, and not too long");
        }
        let idempotency_key = key.transpose()?.map(|key| key.into());
        let progress = self.progress.map(Box::from);
        let forwarded = match self.forwarded {
            None => 0,
            Some(json) => match canonical(json).and_then(|count| u8::try_from(count).ok()) {
                Some(count @ 1..) => count,
                _ => return Err("`forwarded` must be an integer from 1 to 255"),
            },
        };
        Ok(Extensions { trace, progress, idempotency_key, forwarded })
    }
}

/// Returns whether `json` is a valid token: a valid id, but not `null`.
pub(crate) fn is_token(json: &str, id_bytes: usize) -> bool {
    json.len() <= id_bytes && matches!(json.as_bytes().first(), Some(b'"' | b'-' | b'0'..=b'9'))
}

/// Reads the members that other protocols put into `_meta` of params by name.
pub(crate) fn in_params(params: &str, extensions: &mut Extensions, id_bytes: usize) {
    #[derive(Deserialize)]
    struct Named<'a> {
        #[serde(borrow, rename = "_meta")]
        meta: &'a RawValue,
    }
    // Each member is independent: one may be invalid while the others are valid.
    #[derive(Deserialize)]
    struct Meta<'a> {
        #[serde(borrow)]
        traceparent: Option<&'a RawValue>,
        #[serde(borrow)]
        tracestate: Option<&'a RawValue>,
        #[serde(borrow, rename = "progressToken")]
        progress: Option<&'a RawValue>,
    }
    let text = |json: &'_ RawValue| serde_json::from_str::<String>(json.get()).ok();
    let Ok(Named { meta }) = serde_json::from_str::<Named<'_>>(params) else { return };
    // `serde` would also read a struct from an array.
    let Some(meta) = meta.get().starts_with('{').then_some(meta.get()) else { return };
    let Ok(meta) = serde_json::from_str::<Meta<'_>>(meta) else { return };
    if extensions.trace.is_none()
        && let Some(parent) = meta.traceparent.and_then(text)
    {
        let state = meta.tracestate.and_then(text);
        extensions.trace = TraceContext::new(&parent, state.as_deref()).ok();
    }
    if extensions.progress.is_none()
        && let Some(token) = meta.progress.filter(|token| is_token(token.get(), id_bytes))
    {
        extensions.progress = Some(token.get().into());
    }
}

impl Extensions {
    /// Keeps only the members that have a meaning in a notification.
    pub(crate) fn of_notification(self) -> Option<Box<Self>> {
        let Self { trace, forwarded, .. } = self;
        let kept = Self { trace, forwarded, ..Self::default() };
        (kept != Self::default()).then(|| Box::new(kept))
    }

    /// Returns the largest number of bytes that [`write`](Self::write) writes.
    pub(crate) fn longest(&self) -> usize {
        let text = |text: &str| 6 * text.len() + MEMBER; // `\u0000` is the longest escape
        self.trace.as_ref().map_or(0, TraceContext::longest)
            + self.progress.as_deref().map_or(0, text)
            + self.idempotency_key.as_deref().map_or(0, text)
            + if self.forwarded > 0 { MEMBER } else { 0 }
    }

    /// Writes the members, each after a comma.
    pub(crate) fn write(&self, out: &mut impl Write) {
        const WRITES: &str = "memory takes any write";
        let mut member = |name: &str, text: &str| {
            write!(out, r#","{name}":"#).expect(WRITES);
            serde_json::to_writer(&mut *out, text).expect("a string is always JSON");
        };
        if let Some(trace) = &self.trace {
            member("traceparent", trace.traceparent());
            if let Some(state) = trace.tracestate() {
                member("tracestate", state);
            }
        }
        if let Some(key) = &self.idempotency_key {
            member("idempotencyKey", key);
        }
        if let Some(token) = &self.progress {
            write!(out, r#","progressToken":{token}"#).expect(WRITES);
        }
        if self.forwarded > 0 {
            out.write_all(br#","forwarded":"#).expect(WRITES);
            write_number(self.forwarded.into(), out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn what_is_written_is_read() {
        let extensions = Extensions {
            trace: TraceContext::new(PARENT, Some("a=\"1\"")).ok(),
            progress: Some("7".into()),
            idempotency_key: Some("k\n".into()),
            forwarded: 16,
        };
        let mut out = Vec::new();
        extensions.write(&mut out);
        assert!(out.len() <= extensions.longest());
        assert_eq!(
            String::from_utf8(out).unwrap(),
            format!(
                r#","traceparent":"{PARENT}","tracestate":"a=\"1\"","idempotencyKey":"k\n","progressToken":7,"forwarded":16"#
            )
        );
        let parent = format!("\"{PARENT}\"");
        let written = Written {
            traceparent: Some(&parent),
            tracestate: Some(r#""a=\"1\"""#),
            progress: Some("7"),
            idempotency_key: Some(r#""k\n""#),
            forwarded: Some("16"),
        };
        assert_eq!(written.read(128), Ok(extensions));
    }

    #[test]
    fn a_broken_trace_is_left_out_and_anything_else_is_an_error() {
        let broken =
            Written { traceparent: Some("1"), tracestate: Some("[]"), ..Written::default() };
        assert_eq!(broken.read(128), Ok(Extensions::default()));
        for key in ["1", r#""""#, "null", &format!("\"{}\"", "x".repeat(129))] {
            let wrong = Written { idempotency_key: Some(key), ..Written::default() };
            assert!(wrong.read(128).unwrap_err().contains("`idempotencyKey`"), "{key}");
        }
        for count in ["0", "256", "-1", "1.0", "true", "null", r#""1""#] {
            let wrong = Written { forwarded: Some(count), ..Written::default() };
            assert!(wrong.read(128).unwrap_err().contains("`forwarded`"), "{count}");
        }
        for token in ["null", "[]", "{}", "true", r#""xxxxxxxxx""#] {
            let wrong = Written { progress: Some(token), ..Written::default() };
            assert!(wrong.read(9).unwrap_err().contains("`progressToken`"), "{token}");
        }
    }

    #[test]
    fn the_meta_of_params_comes_second() {
        let params =
            format!(r#"{{"a":1,"_meta":{{"x":[],"progressToken":"t","traceparent":"{PARENT}"}}}}"#);
        let mut extensions = Extensions::default();
        in_params(&params, &mut extensions, 128);
        assert_eq!(extensions.progress.as_deref(), Some("\"t\""));
        assert!(extensions.trace.is_some());
        let mut first = Extensions { progress: Some("1".into()), ..Extensions::default() };
        in_params(&params, &mut first, 128);
        assert_eq!(first.progress.as_deref(), Some("1"));
        for broken in [r#""traceparent":1"#, r#""traceparent":"x","tracestate":[]"#] {
            let params = format!(r#"{{"_meta":{{{broken},"progressToken":"t"}}}}"#);
            let mut extensions = Extensions::default();
            in_params(&params, &mut extensions, 128);
            assert_eq!(extensions.progress.as_deref(), Some("\"t\""), "{broken}");
        }
        for nothing in [
            r#"{"_meta":1}"#,
            r#"{"_meta":{"progressToken":null}}"#,
            r#"{"a":"_meta"}"#,
            r#"{"_meta":[null,null,7]}"#,
        ] {
            let mut extensions = Extensions::default();
            in_params(nothing, &mut extensions, 128);
            assert_eq!(extensions, Extensions::default());
        }
    }
}
