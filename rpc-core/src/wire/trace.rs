//! Where a call belongs in a distributed trace: W3C Trace Context, as it travels beside a call.

use std::fmt;

/// What a member takes beside its text: a comma, its name, quotes.
pub(crate) const MEMBER: usize = 24;

/// The trace that a call is a part of, as `traceparent` and `tracestate` of the
/// [W3C Trace Context](https://www.w3.org/TR/trace-context/).
///
/// It comes in with a call, is [inherited](crate::Context::trace) by the calls that its handler makes,
/// and so goes from end to end, whether or not anyone here records anything.
///
/// ```
/// use rpc_core::TraceContext;
///
/// let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
/// let trace = TraceContext::new(parent, Some("vendor=1")).unwrap();
/// assert_eq!(trace.trace_id(), "0af7651916cd43dd8448eb211c80319c");
/// assert_eq!((trace.parent_id(), trace.is_sampled()), ("b7ad6b7169203331", true));
/// assert!(TraceContext::new("something else", None).is_none());
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct TraceContext {
    parent: Box<str>,
    state: Option<Box<str>>,
}

/// `00-`, a trace, `-`, a span, `-`, flags.
const LENGTH: usize = 55;
/// Later versions may add to that; nobody has to take more.
const LONGEST: usize = 128;
/// What everyone must pass on, at least; more is dropped as a whole (section 3.3.1.5).
const LONGEST_STATE: usize = 512;

impl TraceContext {
    /// Of the two header values. `None` if `traceparent` is none: then a trace begins anew. A
    /// `tracestate` that is too long (512 bytes), or not ASCII, is left out.
    pub fn new(traceparent: &str, tracestate: Option<&str>) -> Option<Self> {
        if !is_parent(traceparent) {
            return None;
        }
        let is_state = |state: &&str| {
            (1..=LONGEST_STATE).contains(&state.len())
                && state.bytes().all(|b| (b' '..=b'~').contains(&b))
        };
        Some(Self { parent: traceparent.into(), state: tracestate.filter(is_state).map(Box::from) })
    }

    /// `traceparent`.
    pub fn traceparent(&self) -> &str {
        &self.parent
    }

    /// `tracestate`, which vendors fill.
    pub fn tracestate(&self) -> Option<&str> {
        self.state.as_deref()
    }

    /// How many bytes its members take at most.
    pub(crate) fn longest(&self) -> usize {
        let text = |text: &str| 2 * text.len() + MEMBER; // ASCII: only `"` and `\\` are escaped
        text(&self.parent) + self.state.as_deref().map_or(0, text)
    }

    /// The trace: 32 hexadecimal digits.
    pub fn trace_id(&self) -> &str {
        &self.parent[3..35]
    }

    /// The span in which the call was made: 16 hexadecimal digits.
    pub fn parent_id(&self) -> &str {
        &self.parent[36..52]
    }

    /// Whether the caller records this trace.
    pub fn is_sampled(&self) -> bool {
        u8::from_str_radix(&self.parent[53..55], 16).is_ok_and(|flags| flags & 1 == 1)
    }
}

fn is_parent(text: &str) -> bool {
    let bytes = text.as_bytes();
    let is_hex = |part: &[u8]| part.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let is_id = |part: &[u8]| is_hex(part) && part.iter().any(|b| *b != b'0');
    if bytes.len() < LENGTH || bytes.len() > LONGEST || !text.is_ascii() {
        return false;
    }
    let version = &bytes[..2];
    is_hex(version)
        && version != b"ff"
        && (version != b"00" || bytes.len() == LENGTH)
        && [2, 35, 52].iter().all(|at| bytes[*at] == b'-')
        && is_id(&bytes[3..35])
        && is_id(&bytes[36..52])
        && is_hex(&bytes[53..55])
        && bytes.get(LENGTH).is_none_or(|next| *next == b'-')
        && bytes.iter().all(u8::is_ascii_graphic)
}

impl fmt::Debug for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TraceContext").field(&self.parent).finish()
    }
}

#[test]
fn a_traceparent_is_what_the_standard_says() {
    let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    assert!(TraceContext::new(good, None).is_some_and(|trace| trace.is_sampled()));
    assert!(
        TraceContext::new(&good.replace("-01", "-02"), None).is_some_and(|it| !it.is_sampled())
    );
    // A later version may say more.
    assert!(TraceContext::new(&good.replacen("00", "cc", 1), None).is_some());
    assert!(TraceContext::new(&format!("{}-x", good.replacen("00", "cc", 1)), None).is_some());
    for bad in [
        "",
        &good[..54],
        &format!("{good}-x"),
        &format!("{}x", good.replacen("00", "cc", 1)),
        &good.replacen("00", "ff", 1),
        &good.replace("0af", "0AF"),
        &good.replace("b7ad6b7169203331", "0000000000000000"),
        &good.replace("0af7651916cd43dd8448eb211c80319c", "00000000000000000000000000000000"),
        &good.replace("-01", "-0g"),
        &good.replace("-01", "_01"),
        &good.replace("0af", "ä0f"),
    ] {
        assert!(TraceContext::new(bad, None).is_none(), "{bad}");
    }
    let state = |state: &str| TraceContext::new(good, Some(state)).unwrap().state;
    assert_eq!(state("a=1,b=2").as_deref(), Some("a=1,b=2"));
    assert_eq!((state(""), state(&"x".repeat(513)), state("a=\n")), (None, None, None));
}
