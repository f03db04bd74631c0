//! Checks and measures JSON text in one pass, without building values (RFC 8259).
//!
//! Every message is scanned before anything about it is known. This is the only place that uses a parser of our own
//! instead of serde_json. With serde_json the envelope of a small request took 2,700 instructions, a third of the cost
//! of a call at the server: visitors, a second pass over the parts that are kept as text, and a third pass for
//! measuring. This scanner takes 1,200. serde_json still decodes the values, and a test checks that both accept the
//! same texts as JSON.

/// How much work a value causes. A megabyte of `[{"":0},…]` becomes eighty megabytes of decoded values, so a limit in
/// bytes is not enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Complexity {
    /// How deep arrays and objects nest. A number alone has depth 0.
    pub(crate) depth: usize,
    /// Number of values and member names.
    pub(crate) tokens: usize,
    /// Whether a member has a name that serde_json reads as a marker of its own.
    pub(crate) is_disguised: bool,
    /// Whether a member has the name `_meta`, written without escapes.
    pub(crate) has_meta: bool,
}

/// With its features `raw_value` and `arbitrary_precision`, serde_json gives a meaning of its own to names that begin
/// like this. A `Value` that is read from an object whose first name is such a name becomes the text of that member,
/// parsed again. The limits that were checked here would not apply to that text.
pub(crate) const PRIVATE: &str = "$serde_json::private::";

/// The reason for refusing such an object.
pub(crate) const DISGUISED: &str =
    "there is a member whose name begins with `$serde_json::private::`, which is reserved";

/// The reason for refusing a message that nests deeper than the limit `depth`.
pub(crate) const TOO_DEEP: &str = "a member of the message nests deeper than `depth`";

/// No integer of so many digits is too large for 64 bits, with a sign or without.
const DIGITS: usize = 18;

/// Walks over a text from token to token and skips whitespace. `None` ends the walk: the text is not JSON.
#[derive(Clone)]
pub(crate) struct Scanner<'a> {
    text: &'a str,
    rest: Rest<'a>,
}

/// The unread text. Functions take it and return the rest: a slice fits into two registers, while a position in memory
/// doubles the cost of reading.
type Rest<'a> = &'a [u8];

impl<'a> Scanner<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, rest: text.as_bytes() }
    }

    /// Returns the first byte of the next token without taking it; `None` at the end.
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

    /// Takes exactly this text if it comes next. Whitespace is not skipped.
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

    /// Returns whether exactly this text comes next.
    #[inline]
    pub(crate) fn is_before(&self, text: &str) -> bool {
        self.rest.starts_with(text.as_bytes())
    }

    /// Returns the byte after the next one.
    #[inline]
    pub(crate) fn second(&self) -> Option<u8> {
        self.rest.get(1).copied()
    }

    /// Takes the name of a member, with its quotes, and the colon after it. Returns the name.
    pub(crate) fn name(&mut self) -> Option<&'a str> {
        let start = space(self.rest);
        let [b'"', rest @ ..] = start else { return None };
        let end = string(rest)?;
        self.rest = colon(end)?;
        Some(self.between(start, end))
    }

    /// Takes a value. Returns its text and its complexity. Inlining this saves 80 instructions for each message.
    #[inline(always)]
    pub(crate) fn value(&mut self) -> Option<(&'a str, Complexity)> {
        let start = space(self.rest);
        let (rest, complexity) = match start.first()? {
            b'[' | b'{' => nested(start)?,
            _ => (scalar(start)?, Complexity { tokens: 1, ..Complexity::default() }),
        };
        self.rest = rest;
        Some((self.between(start, rest), complexity))
    }

    /// Takes a value if one comes next. Whitespace is not skipped. Returns its complexity.
    #[inline(always)] // as `value`
    pub(crate) fn bare_value(&mut self) -> Option<Complexity> {
        let (rest, complexity) = match self.rest.first()? {
            b'[' | b'{' => nested(self.rest)?,
            _ => (scalar(self.rest)?, Complexity { tokens: 1, ..Complexity::default() }),
        };
        self.rest = rest;
        Some(complexity)
    }

    /// Returns what was not taken.
    pub(crate) fn rest(&self) -> &'a str {
        &self.text[self.text.len() - self.rest.len()..]
    }

    /// Returns how many bytes are left.
    pub(crate) fn left(&self) -> usize {
        self.rest.len()
    }

    /// Returns whether nothing is left. Whitespace is not skipped.
    #[inline]
    pub(crate) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    /// Takes an array or an object if one comes next. Whitespace is not skipped.
    #[inline(always)] // as `value`
    pub(crate) fn structure(&mut self) -> Option<(&'a str, Complexity)> {
        let start = self.rest;
        let [b'[' | b'{', ..] = start else { return None };
        let (rest, complexity) = nested(start)?;
        self.rest = rest;
        Some((self.between(start, rest), complexity))
    }

    /// Takes an integer from 0 without fraction and exponent if one comes next. Whitespace is not skipped.
    #[inline]
    pub(crate) fn integer(&mut self) -> Option<&'a str> {
        let start = self.rest;
        let rest = integer(start)?;
        if let [b'.' | b'e' | b'E', ..] = rest {
            return None;
        }
        self.rest = rest;
        Some(self.between(start, rest))
    }

    /// Takes an integer as [`integer`](Self::integer) does, if it has at most [`DIGITS`] digits. Returns its value.
    #[inline]
    pub(crate) fn small_integer(&mut self) -> Option<u64> {
        let start = self.rest;
        let (mut rest, mut value) = (start, 0_u64);
        while let [digit @ b'0'..=b'9', tail @ ..] = rest {
            value = value.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'));
            rest = tail;
        }
        let digits = start.len() - rest.len();
        let is_canonical = (1..=DIGITS).contains(&digits) && (digits == 1 || start[0] != b'0');
        if !is_canonical || matches!(rest, [b'.' | b'e' | b'E', ..]) {
            return None;
        }
        self.rest = rest;
        Some(value)
    }

    /// Takes the rest of a string and its closing quote, if the string has no escapes. Returns what stands before the
    /// quote.
    #[inline]
    pub(crate) fn plain_string(&mut self) -> Option<&'a str> {
        let start = self.rest;
        let end = until_special(start);
        let [b'"', rest @ ..] = end else { return None };
        self.rest = rest;
        Some(self.between(start, end))
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

/// Reads an array or an object with everything inside.
#[inline]
fn nested(rest: Rest<'_>) -> Option<(Rest<'_>, Complexity)> {
    match flat(rest) {
        Some((rest, tokens)) => {
            Some((rest, Complexity { depth: 1, tokens, ..Complexity::default() }))
        }
        None => deep(rest),
    }
}

/// The most values of an array that is read as a flat one, so that little is read in vain.
const FLAT: usize = 16;

/// Reads an array of few integers and strings without escapes and whitespace, as most params are. Returns the number of
/// tokens. `None` says nothing about the text.
fn flat(rest: Rest<'_>) -> Option<(Rest<'_>, usize)> {
    let mut rest = rest.strip_prefix(b"[")?;
    for tokens in 2..FLAT + 2 {
        rest = match rest {
            [b'0'..=b'9', ..] => integer(rest)?,
            [b'"', tail @ ..] => until_special(tail).strip_prefix(b"\"")?,
            _ => return None,
        };
        match rest {
            [b',', tail @ ..] => rest = tail,
            [b']', tail @ ..] => return Some((tail, tokens)),
            _ => return None,
        }
    }
    None
}

/// Reads any array or object with everything inside.
fn deep(mut rest: Rest<'_>) -> Option<(Rest<'_>, Complexity)> {
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
        // A value has ended. The array or object around it may end here, too.
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

/// Reads the name of a member and the colon after it.
fn name<'a>(rest: Rest<'a>, found: &mut Complexity) -> Option<Rest<'a>> {
    let start = space(rest);
    let [b'"', rest @ ..] = start else { return None };
    let end = string(rest)?;
    // Not only the first name counts: a type with `flatten` may take the first members, and pass the others on to a
    // `Value`.
    if matches!(rest, [b'$' | b'\\' | b'_', ..]) {
        let name = &start[..start.len() - end.len()];
        found.is_disguised |= is_private(name);
        found.has_meta |= name == br#""_meta""#;
    }
    colon(end)
}

/// Returns whether this name, with its quotes, is a marker of serde_json, also when it is written with escapes.
#[cold]
fn is_private(name: Rest<'_>) -> bool {
    if !name.contains(&b'\\') {
        return name[1..].starts_with(PRIVATE.as_bytes());
    }
    serde_json::from_slice::<String>(name).is_ok_and(|name| name.starts_with(PRIVATE))
}

/// Reads a value that is neither an array nor an object.
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

/// Reads the rest of a string and its closing quote.
fn string(mut rest: Rest<'_>) -> Option<Rest<'_>> {
    loop {
        rest = match until_special(rest) {
            [b'"', rest @ ..] => return Some(rest),
            [b'\\', rest @ ..] => escape(rest)?,
            _ => return None, // a control character, or the end of the text
        };
    }
}

/// Skips the characters of a string that mean themselves.
#[inline]
fn until_special(mut rest: Rest<'_>) -> Rest<'_> {
    let mut words = 0;
    // Eight bytes at a time: short words take one or two steps.
    while let Some((eight, tail)) = rest.split_first_chunk() {
        let special = special(u64::from_le_bytes(*eight));
        if special != 0 {
            return &rest[special.trailing_zeros() as usize / 8..];
        }
        rest = tail;
        words += 1;
        if words == BLOCK / 8 {
            // A text that is as long is likely to go on.
            rest = without_plain_blocks(rest);
            words = 0;
        }
    }
    while let [b' ' | b'!' | b'#'..=b'[' | b']'..=0xff, tail @ ..] = rest {
        rest = tail;
    }
    rest
}

/// So many bytes of a long string are looked at together.
const BLOCK: usize = 64;

/// Skips blocks without a quote, a backslash or a control character. The compiler makes instructions for many bytes of
/// the loop, so a byte takes a quarter of what a byte takes by eights.
#[inline(never)] // rare in short messages
fn without_plain_blocks(mut rest: Rest<'_>) -> Rest<'_> {
    while let Some((block, tail)) = rest.split_first_chunk::<BLOCK>() {
        let is_special = |byte: u8| (byte < 0x20) | (byte == b'"') | (byte == b'\\');
        if block.iter().fold(false, |found, &byte| found | is_special(byte)) {
            break;
        }
        rest = tail;
    }
    rest
}

/// Reads the part of an escape after the backslash.
fn escape(rest: Rest<'_>) -> Option<Rest<'_>> {
    match rest {
        [b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', rest @ ..] => Some(rest),
        [b'u', a, b, c, d, rest @ ..] => {
            [a, b, c, d].into_iter().all(u8::is_ascii_hexdigit).then_some(rest)
        }
        _ => None,
    }
}

/// Reads a number. `01` ends after its 0, and no token begins with the 1.
#[inline]
fn number(rest: Rest<'_>) -> Option<Rest<'_>> {
    let rest = rest.strip_prefix(b"-").unwrap_or(rest);
    match integer(rest)? {
        rest @ [b'.' | b'e' | b'E', ..] => fraction(rest),
        rest => Some(rest),
    }
}

/// Reads the part of a number before its fraction, without a sign.
#[inline]
fn integer(rest: Rest<'_>) -> Option<Rest<'_>> {
    match rest {
        [b'0', rest @ ..] => Some(rest),
        _ => digits(rest),
    }
}

/// Reads the fraction and the exponent of a number.
fn fraction(mut rest: Rest<'_>) -> Option<Rest<'_>> {
    if let [b'.', fraction @ ..] = rest {
        rest = digits(fraction)?;
    }
    if let [b'e' | b'E', b'+' | b'-', exponent @ ..] | [b'e' | b'E', exponent @ ..] = rest {
        rest = digits(exponent)?;
    }
    Some(rest)
}

/// Reads at least one digit.
#[inline]
fn digits(rest: Rest<'_>) -> Option<Rest<'_>> {
    let [b'0'..=b'9', tail @ ..] = rest else { return None };
    let mut rest = tail;
    while let Some((eight, tail)) = rest.split_first_chunk() {
        let other = no_digit(u64::from_le_bytes(*eight));
        if other != 0 {
            return Some(&rest[other.trailing_zeros() as usize / 8..]);
        }
        rest = tail;
    }
    while let [b'0'..=b'9', tail @ ..] = rest {
        rest = tail;
    }
    Some(rest)
}

const ONES: u64 = u64::from_le_bytes([1; 8]);

/// Finds the first byte of `word` that is no digit, as [`special`] does.
#[inline]
fn no_digit(word: u64) -> u64 {
    // A digit without the bits of `0` is at most 9, and is the only such byte that stays below 128 with 118 added.
    let value = word ^ (ONES * u64::from(b'0'));
    (value.wrapping_add(ONES * 118) | value) & (ONES << 7)
}

/// Finds the first byte of `word` that is a quote, a backslash or a control character. The lowest set bit of the result
/// is the highest bit of that byte. Bits above the lowest set bit may be wrong.
#[inline]
fn special(word: u64) -> u64 {
    // Subtracting `n` from a byte below `n` borrows and so sets its highest bit, which was not set before.
    let below = |word: u64, n: u8| word.wrapping_sub(ONES * u64::from(n)) & !word;
    let equal = |n: u8| below(word ^ (ONES * u64::from(n)), 1);
    (below(word, 0x20) | equal(b'"') | equal(b'\\')) & (ONES << 7)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Array,
    Object,
}

/// The open arrays and objects, one bit for each, so that a million brackets take at most an eighth of their own size.
#[derive(Default)]
struct Open {
    depth: usize,
    /// The innermost 1 to 64 of them; the lowest bit is the innermost one. A bit is 1 for an object.
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
