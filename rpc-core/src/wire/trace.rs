//! The distributed trace of a call: W3C Trace Context, sent beside a call.

use std::str::FromStr;
use std::{error, fmt};

/// The size of a member in bytes without its text: a comma, its name, quotes.
pub(crate) const MEMBER: usize = 24;

/// The trace of a call, as `traceparent` and `tracestate` of the [W3C Trace
/// Context](https://www.w3.org/TR/trace-context/).
///
/// A received call has a trace if its caller has sent one. The calls that its handler makes
/// [inherit](crate::Context::trace) the trace. So the trace goes from peer to peer, also if no tracing is recorded
/// here.
///
/// ```
/// use rpc_core::TraceContext;
///
/// let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
/// let trace = TraceContext::new(parent, Some("vendor=1")).unwrap();
/// assert_eq!(trace.trace_id(), "0af7651916cd43dd8448eb211c80319c");
/// assert_eq!((trace.parent_id(), trace.is_sampled()), ("b7ad6b7169203331", true));
/// ```
///
/// The text of the context, for headers and logs, is its `traceparent`. The text does not contain the `tracestate`.
///
/// ```
/// use rpc_core::TraceContext;
///
/// let trace: TraceContext = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".parse()?;
/// assert_eq!(trace.to_string(), trace.traceparent());
/// let error = "something else".parse::<TraceContext>().unwrap_err();
/// assert!(error.to_string().starts_with("invalid `traceparent`: "));
/// # Ok::<(), rpc_core::types::TraceContextError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct TraceContext {
    parent: Box<str>,
    state: Option<Box<str>>,
}

/// Length of `00-`, trace, `-`, span, `-`, flags.
const LENGTH: usize = 55;
/// Longest accepted `traceparent`. Later versions may have more fields, but a longer text need not be accepted.
const LONGEST: usize = 128;
/// Longest accepted `tracestate`. Everyone must pass on at least this length; a longer text is dropped as a whole
/// (section 3.3.1.5).
const LONGEST_STATE: usize = 512;

impl TraceContext {
    /// Makes a context of the two header values. A `tracestate` that is empty, is longer than 512 bytes, or has a
    /// character that is not printable ASCII is left out, and the trace goes on without it.
    ///
    /// # Errors
    /// If `traceparent` is not valid by the standard. The standard then recommends to begin a new trace.
    pub fn new(traceparent: &str, tracestate: Option<&str>) -> Result<Self, TraceContextError> {
        check_parent(traceparent).map_err(TraceContextError)?;
        let is_state = |state: &&str| {
            (1..=LONGEST_STATE).contains(&state.len())
                && state.bytes().all(|b| (b' '..=b'~').contains(&b))
        };
        Ok(Self { parent: traceparent.into(), state: tracestate.filter(is_state).map(Box::from) })
    }

    /// Returns `traceparent`.
    pub fn traceparent(&self) -> &str {
        &self.parent
    }

    /// Returns `tracestate`, whose content vendors define.
    pub fn tracestate(&self) -> Option<&str> {
        self.state.as_deref()
    }

    /// Returns the largest size of the members in bytes.
    pub(crate) fn longest(&self) -> usize {
        let text = |text: &str| 2 * text.len() + MEMBER; // ASCII: only `"` and `\\` are escaped
        text(&self.parent) + self.state.as_deref().map_or(0, text)
    }

    /// Returns the id of the trace: 32 hexadecimal digits.
    pub fn trace_id(&self) -> &str {
        &self.parent[3..35]
    }

    /// Returns the id of the span in which the call was made: 16 hexadecimal digits.
    pub fn parent_id(&self) -> &str {
        &self.parent[36..52]
    }

    /// Returns whether the caller records this trace.
    pub fn is_sampled(&self) -> bool {
        u8::from_str_radix(&self.parent[53..55], 16).is_ok_and(|flags| flags & 1 == 1)
    }
}

/// Checks a `traceparent`.
///
/// # Errors
/// The reason why the text is invalid.
fn check_parent(text: &str) -> Result<(), &'static str> {
    let bytes = text.as_bytes();
    let is_hex = |part: &[u8]| part.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let is_zero = |part: &[u8]| part.iter().all(|b| *b == b'0');
    let has_shape = (LENGTH..=LONGEST).contains(&bytes.len())
        && bytes.iter().all(u8::is_ascii_graphic)
        && [2, 35, 52].iter().all(|at| bytes[*at] == b'-')
        && bytes.get(LENGTH).is_none_or(|next| *next == b'-');
    if !has_shape {
        return Err("expected 2, 32, 16 and 2 hexadecimal digits with `-` between them");
    }
    let (version, trace, parent, flags) =
        (&bytes[..2], &bytes[3..35], &bytes[36..52], &bytes[53..55]);
    if ![version, trace, parent, flags].into_iter().all(is_hex) {
        return Err("its digits are not lower-case hexadecimal ones");
    }
    match version {
        b"ff" => return Err("there is no version `ff`"),
        b"00" if bytes.len() > LENGTH => return Err("version `00` ends with the flags"),
        _ => {}
    }
    if is_zero(trace) {
        return Err("the id of the trace is zero");
    }
    if is_zero(parent) {
        return Err("the id of the parent is zero");
    }
    Ok(())
}

/// Reads a `traceparent`. The context has no `tracestate`.
impl FromStr for TraceContext {
    type Err = TraceContextError;

    fn from_str(traceparent: &str) -> Result<Self, TraceContextError> {
        Self::new(traceparent, None)
    }
}

/// Writes the `traceparent`.
impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.parent)
    }
}

/// The reason why a text is not a valid `traceparent`. The message does not repeat the text, since the text may come
/// from a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceContextError(&'static str);

impl fmt::Display for TraceContextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invalid `traceparent`: {}", self.0)
    }
}

impl error::Error for TraceContextError {}

impl fmt::Debug for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TraceContext").field(&self.parent).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn parse(text: &str) -> Result<TraceContext, &'static str> {
        text.parse().map_err(|TraceContextError(why)| why)
    }

    #[test]
    fn a_traceparent_is_what_the_standard_says() {
        assert!(parse(GOOD).is_ok_and(|trace| trace.is_sampled()));
        assert!(parse(&GOOD.replace("-01", "-02")).is_ok_and(|trace| !trace.is_sampled()));
        // A later version may have more fields.
        assert!(parse(&GOOD.replacen("00", "cc", 1)).is_ok());
        assert!(parse(&format!("{}-x", GOOD.replacen("00", "cc", 1))).is_ok());
        for (bad, why) in [
            ("", "expected 2, 32, 16 and 2"),
            (&GOOD[..54], "expected 2, 32, 16 and 2"),
            (&format!("{}x", GOOD.replacen("00", "cc", 1)), "expected 2, 32, 16 and 2"),
            (&GOOD.replace("-01", "_01"), "expected 2, 32, 16 and 2"),
            (&GOOD.replace("0af", "ä0f"), "expected 2, 32, 16 and 2"),
            (&format!("{}-{}", GOOD.replacen("00", "cc", 1), "x".repeat(73)), "expected 2, 32"),
            (&format!("{}-\n", GOOD.replacen("00", "cc", 1)), "expected 2, 32, 16 and 2"),
            (&GOOD.replace("0af", "0AF"), "lower-case"),
            (&GOOD.replace("-01", "-0g"), "lower-case"),
            (&GOOD.replacen("00", "ff", 1), "no version `ff`"),
            (&format!("{GOOD}-x"), "version `00` ends"),
            (&GOOD.replace("0af7651916cd43dd8448eb211c80319c", &"0".repeat(32)), "of the trace"),
            (&GOOD.replace("b7ad6b7169203331", &"0".repeat(16)), "of the parent"),
        ] {
            let told = parse(bad).unwrap_err();
            assert!(told.contains(why), "{bad}: {told}");
        }
    }

    #[test]
    fn a_tracestate_that_nobody_must_pass_on_is_left_out() {
        let state = |state: &str| TraceContext::new(GOOD, Some(state)).unwrap().state;
        assert_eq!(state("a=1,b=2").as_deref(), Some("a=1,b=2"));
        assert_eq!((state(""), state(&"x".repeat(513)), state("a=\n")), (None, None, None));
    }

    #[test]
    fn its_text_is_the_traceparent_and_comes_back() {
        let trace = TraceContext::new(GOOD, Some("a=1")).unwrap();
        assert_eq!(trace.to_string(), GOOD);
        assert_eq!(parse(&trace.to_string()), TraceContext::new(GOOD, None).map_err(|_| ""));
    }
}
