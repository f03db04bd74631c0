//! Reads a request where it stands, if it is written plainly: its members in the order in which nearly everyone writes
//! them, no white space, no escapes. Everything else is left to a parser.

/// A place in a text.
#[derive(Clone, Copy)]
pub(crate) struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) const fn new(text: &'a str, at: usize) -> Self {
        Self { text, at }
    }

    pub(crate) fn skip(&mut self, expected: &str) -> Option<()> {
        let rest = self.text.as_bytes().get(self.at..)?;
        if !rest.starts_with(expected.as_bytes()) {
            return None;
        }
        self.at += expected.len();
        Some(())
    }

    /// `{"jsonrpc":"2.0","id":1,"method":"add","params":[2,3]}`: its id, as it is written, and its params.
    pub(crate) fn add(&mut self) -> Option<(&'a str, i64, i64)> {
        self.skip(r#"{"jsonrpc":"2.0","id":"#)?;
        let id = self.id()?;
        self.skip(r#","method":"add","params":["#)?;
        let a = self.integer()?;
        self.skip(",")?;
        let b = self.integer()?;
        self.skip("]}")?;
        Some((id, a, b))
    }

    /// A number without fraction, or a string.
    fn id(&mut self) -> Option<&'a str> {
        let begin = self.at;
        if self.skip("\"").is_some() {
            self.while_is(|byte| !matches!(byte, b'"' | b'\\' | ..0x20));
            self.skip("\"")?;
        } else {
            self.integer()?;
        }
        self.text.get(begin..self.at)
    }

    /// Up to 18 digits, of which no number is too large.
    fn integer(&mut self) -> Option<i64> {
        let is_negative = self.skip("-").is_some();
        let begin = self.at;
        let mut value = 0;
        while let Some(digit @ b'0'..=b'9') = self.text.as_bytes().get(self.at) {
            if self.at - begin == 18 {
                return None;
            }
            value = value * 10 + i64::from(digit - b'0');
            self.at += 1;
        }
        let digits = self.at - begin;
        let begins_with_zero = self.text.as_bytes().get(begin) == Some(&b'0');
        let is_plain = digits == 1 || (digits > 1 && !begins_with_zero);
        is_plain.then_some(if is_negative { -value } else { value })
    }

    fn while_is(&mut self, inside: impl Fn(u8) -> bool) {
        while self.text.as_bytes().get(self.at).is_some_and(|&byte| inside(byte)) {
            self.at += 1;
        }
    }

    pub(crate) fn skip_white_space(&mut self) {
        self.while_is(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
    }

    pub(crate) fn rest(self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(crate) fn advance(&mut self, bytes: usize) {
        self.at += bytes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(text: &str) -> Option<(&str, i64, i64)> {
        Cursor::new(text, 0).add()
    }

    #[test]
    fn what_is_plain_is_read() {
        let text = r#"{"jsonrpc":"2.0","id":"k-7","method":"add","params":[-2,0]},"#;
        assert_eq!(add(text), Some((r#""k-7""#, -2, 0)));
        let mut cursor = Cursor::new(text, 0);
        cursor.add();
        assert_eq!(cursor.rest(), ",");
    }

    #[test]
    fn what_is_not_is_left_to_a_parser() {
        let plain = r#"{"jsonrpc":"2.0","id":17,"method":"add","params":[2,3]}"#;
        assert!(add(plain).is_some());
        for (from, to) in [
            ("17", "1.5"),
            ("17", "01"),
            ("17", "-"),
            ("17", r#""a\u0062""#),
            ("17", r#""a"#),
            ("17", "null"),
            (",\"id\"", ", \"id\""),
            ("add", "ask"),
            ("[2", "[\"2\""),
            ("[2", "[1234567890123456789"),
            ("3]", "3,4]"),
            ("3]}", "3],\"more\":1}"),
            ("3]}", "3"),
        ] {
            assert_eq!(add(&plain.replace(from, to)), None, "{to}");
        }
    }
}
