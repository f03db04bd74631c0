//! JSON text checked and measured in one pass, with nothing built from it (RFC 8259).
//!
//! Every message goes through here before anything is known of it, so this is the one place where
//! a reader of our own stands before serde_json's. With that one the envelope of a small request
//! took 2,700 instructions, a third of all that a call cost the server: visitors, a second pass over
//! what is kept as text, a third to measure it. This takes 1,200. What the values mean is left to
//! serde_json, and a test holds the two to one opinion of what is JSON.

/// How much work a value asks for: a megabyte of `[{"":0},…]` becomes eighty of decoded values, so
/// bytes alone bound nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Complexity {
    /// How deep arrays and objects nest; a lone number has depth 0.
    pub(crate) depth: usize,
    /// How many values and member names there are.
    pub(crate) tokens: usize,
    /// Whether a member has a name by which serde_json would take its object for something else.
    pub(crate) is_disguised: bool,
}

/// With its features `raw_value` and `arbitrary_precision` serde_json gives names that begin like this
/// a meaning of their own: a `Value` that is read from an object which begins with one becomes whatever
/// the text in that member says, read anew, past every measure that was taken here.
const PRIVATE: &str = "$serde_json::private::";

/// Why such an object is refused.
pub(crate) const DISGUISED: &str =
    "there is a member whose name begins with `$serde_json::private::`, which is reserved";

/// Why a message is refused in which a member nests deeper than `depth` of the limits.
pub(crate) const TOO_DEEP: &str = "a member of the message nests deeper than `depth`";

/// Walks over a text, from token to token; whitespace is skipped. `None` ends the walk: what is
/// there is not JSON.
pub(crate) struct Scanner<'a> {
    text: &'a str,
    rest: Rest<'a>,
}

/// What has not been read. Whatever reads takes it and returns what is left: a slice fits two
/// registers, while a position that is kept in memory costs as much again as reading does.
type Rest<'a> = &'a [u8];

impl<'a> Scanner<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, rest: text.as_bytes() }
    }

    /// The first byte of the next token, which stays; `None` at the end.
    #[inline]
    pub(crate) fn peek(&mut self) -> Option<u8> {
        self.rest = space(self.rest);
        self.rest.first().copied()
    }

    /// Takes the first byte of the next token.
    #[inline]
    pub(crate) fn next(&mut self) -> Option<u8> {
        let (first, rest) = space(self.rest).split_first()?;
        self.rest = rest;
        Some(*first)
    }

    /// Takes the next token if it is this one.
    #[inline]
    pub(crate) fn take(&mut self, token: u8) -> bool {
        let is_next = self.peek() == Some(token);
        self.rest = &self.rest[usize::from(is_next)..];
        is_next
    }

    /// Takes exactly this text, if it comes next; not even whitespace is skipped.
    #[inline]
    pub(crate) fn take_text(&mut self, text: &str) -> bool {
        match self.rest.strip_prefix(text.as_bytes()) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// The byte after the next one.
    #[inline]
    pub(crate) fn second(&self) -> Option<u8> {
        self.rest.get(1).copied()
    }

    /// The name of a member, in its quotes, and the colon after it.
    pub(crate) fn name(&mut self) -> Option<&'a str> {
        let start = space(self.rest);
        let [b'"', rest @ ..] = start else { return None };
        let end = string(rest)?;
        self.rest = colon(end)?;
        Some(self.between(start, end))
    }

    /// A value: its text, and how complex it is. Inlined it takes 80 instructions a message less.
    #[inline(always)]
    pub(crate) fn value(&mut self) -> Option<(&'a str, Complexity)> {
        let start = space(self.rest);
        let (rest, complexity) = match start.first()? {
            b'[' | b'{' => nested(start)?,
            _ => (scalar(start)?, Complexity { depth: 0, tokens: 1, is_disguised: false }),
        };
        self.rest = rest;
        Some((self.between(start, rest), complexity))
    }

    #[inline]
    fn between(&self, start: Rest<'_>, end: Rest<'_>) -> &'a str {
        &self.text[self.text.len() - start.len()..self.text.len() - end.len()]
    }
}

#[inline]
fn space(mut rest: Rest<'_>) -> Rest<'_> {
    while let [b' ' | b'\n' | b'\r' | b'\t', tail @ ..] = rest {
        rest = tail;
    }
    rest
}

#[inline]
fn colon(rest: Rest<'_>) -> Option<Rest<'_>> {
    match space(rest) {
        [b':', rest @ ..] => Some(rest),
        _ => None,
    }
}

/// An array or an object, and all that is in it.
fn nested(mut rest: Rest<'_>) -> Option<(Rest<'_>, Complexity)> {
    let mut open = Open::default();
    let mut found = Complexity::default();
    'values: loop {
        found.tokens += 1;
        rest = match space(rest) {
            [b'[', tail @ ..] => {
                open.push(Kind::Array);
                found.depth = found.depth.max(open.depth);
                rest = space(tail);
                if rest.first() != Some(&b']') {
                    continue 'values;
                }
                rest
            }
            [b'{', tail @ ..] => {
                open.push(Kind::Object);
                found.depth = found.depth.max(open.depth);
                rest = space(tail);
                if rest.first() != Some(&b'}') {
                    found.tokens += 1;
                    rest = name(rest, &mut found)?;
                    continue 'values;
                }
                rest
            }
            rest => scalar(rest)?,
        };
        // A value has ended, and with it perhaps the one that it is in.
        while let Some(kind) = open.innermost() {
            match (kind, space(rest)) {
                (Kind::Array, [b']', tail @ ..]) | (Kind::Object, [b'}', tail @ ..]) => {
                    open.pop();
                    rest = tail;
                }
                (Kind::Array, [b',', tail @ ..]) => {
                    rest = tail;
                    continue 'values;
                }
                (Kind::Object, [b',', tail @ ..]) => {
                    found.tokens += 1;
                    rest = name(tail, &mut found)?;
                    continue 'values;
                }
                _ => return None,
            }
        }
        return Some((rest, found));
    }
}

/// The name of a member and the colon after it.
fn name<'a>(rest: Rest<'a>, found: &mut Complexity) -> Option<Rest<'a>> {
    let start = space(rest);
    let [b'"', rest @ ..] = start else { return None };
    let end = string(rest)?;
    // Not only the first: a type that takes out some members gives a `Value` what is left.
    if matches!(rest, [b'$' | b'\\', ..]) {
        found.is_disguised |= is_private(&start[..start.len() - end.len()]);
    }
    colon(end)
}

/// Whether this name, in its quotes, is serde_json's own, however it is written.
#[cold]
fn is_private(name: Rest<'_>) -> bool {
    if !name.contains(&b'\\') {
        return name[1..].starts_with(PRIVATE.as_bytes());
    }
    serde_json::from_slice::<String>(name).is_ok_and(|name| name.starts_with(PRIVATE))
}

/// A value that is neither an array nor an object.
#[inline(always)] // most values are one, and left to itself the compiler changes its mind
fn scalar(rest: Rest<'_>) -> Option<Rest<'_>> {
    match rest {
        [b'"', rest @ ..] => string(rest),
        [b'-' | b'0'..=b'9', ..] => number(rest),
        [b't', b'r', b'u', b'e', rest @ ..]
        | [b'f', b'a', b'l', b's', b'e', rest @ ..]
        | [b'n', b'u', b'l', b'l', rest @ ..] => Some(rest),
        _ => None,
    }
}

/// The rest of a string and its closing quote.
fn string(mut rest: Rest<'_>) -> Option<Rest<'_>> {
    loop {
        // Eight at a time: words are crossed in a step or two, and so is what large messages are
        // made of, long texts.
        if let Some((eight, tail)) = rest.split_first_chunk() {
            let special = special(u64::from_le_bytes(*eight));
            if special == 0 {
                rest = tail;
                continue;
            }
            rest = &rest[special.trailing_zeros() as usize / 8..];
        }
        rest = match rest {
            [b'"', rest @ ..] => return Some(rest),
            [b'\\', rest @ ..] => escape(rest)?,
            [0x20..=0xff, rest @ ..] => rest,
            _ => return None, // a control character, or nothing at all
        };
    }
}

/// What follows a backslash.
fn escape(rest: Rest<'_>) -> Option<Rest<'_>> {
    match rest {
        [b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', rest @ ..] => Some(rest),
        [b'u', a, b, c, d, rest @ ..] => {
            [a, b, c, d].into_iter().all(u8::is_ascii_hexdigit).then_some(rest)
        }
        _ => None,
    }
}

/// A number. `01` ends after its 0, and what follows is no token.
#[inline]
fn number(rest: Rest<'_>) -> Option<Rest<'_>> {
    let rest = rest.strip_prefix(b"-").unwrap_or(rest);
    let rest = match rest {
        [b'0', rest @ ..] => rest,
        _ => digits(rest)?,
    };
    match rest {
        [b'.' | b'e' | b'E', ..] => fraction(rest),
        _ => Some(rest),
    }
}

/// What may follow the whole digits of a number.
fn fraction(mut rest: Rest<'_>) -> Option<Rest<'_>> {
    if let [b'.', fraction @ ..] = rest {
        rest = digits(fraction)?;
    }
    if let [b'e' | b'E', b'+' | b'-', exponent @ ..] | [b'e' | b'E', exponent @ ..] = rest {
        rest = digits(exponent)?;
    }
    Some(rest)
}

/// At least one digit.
#[inline]
fn digits(rest: Rest<'_>) -> Option<Rest<'_>> {
    let [b'0'..=b'9', tail @ ..] = rest else { return None };
    let mut rest = tail;
    while let [b'0'..=b'9', tail @ ..] = rest {
        rest = tail;
    }
    Some(rest)
}

/// Finds the first byte of `word` that is a quote, a backslash or a control character: its highest
/// bit is the lowest bit set in the answer. Bits above it may be set by mistake.
#[inline]
fn special(word: u64) -> u64 {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    // A byte below `n` borrows when `n` is taken from it, and has no highest bit of its own.
    let below = |word: u64, n: u8| word.wrapping_sub(ONES * u64::from(n)) & !word;
    let equal = |n: u8| below(word ^ (ONES * u64::from(n)), 1);
    (below(word, 0x20) | equal(b'"') | equal(b'\\')) & (ONES << 7)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Array,
    Object,
}

/// The arrays and objects that have begun and not ended: a bit for each, so that a million brackets
/// take no more memory than an eighth of theirs.
#[derive(Default)]
struct Open {
    depth: usize,
    /// The innermost 1 to 64, the last one lowest; an object is 1.
    inner: u64,
    outer: Vec<u64>,
}

impl Open {
    fn push(&mut self, kind: Kind) {
        if self.depth > 0 && self.depth.is_multiple_of(64) {
            self.outer.push(self.inner);
        }
        self.inner = self.inner << 1 | u64::from(kind == Kind::Object);
        self.depth += 1;
    }

    fn pop(&mut self) {
        self.depth -= 1;
        self.inner >>= 1;
        if self.depth > 0 && self.depth.is_multiple_of(64) {
            self.inner = self.outer.pop().unwrap_or_default();
        }
    }

    #[inline]
    fn innermost(&self) -> Option<Kind> {
        match (self.depth, self.inner & 1) {
            (0, _) => None,
            (_, 0) => Some(Kind::Array),
            _ => Some(Kind::Object),
        }
    }
}

#[cfg(test)]
mod tests;
