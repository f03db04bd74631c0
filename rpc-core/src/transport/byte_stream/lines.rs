//! Where a line ends: a message for each line.

use memchr::memchr;

use crate::error::close::CloseCode;
use crate::transport::LinkError;

/// A message in bytes: what stands before the message, its own bytes, and its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) before: usize,
    pub(super) message: usize,
    pub(super) end: usize,
}

/// Finds lines in bytes that come in pieces.
#[derive(Debug, Default)]
pub(super) struct Lines {
    /// How many of the bytes are known to have no line end.
    searched: usize,
    /// Whether the next line must begin like JSON.
    pub(super) refuses_http: bool,
}

impl Lines {
    /// Returns the first line that is not empty, if there is a whole one in `bytes`. If not, call again with the same
    /// bytes and more, without the first [`blank`] bytes.
    ///
    /// # Errors
    /// The line is longer than `message_in`, or the other end does not send lines of JSON.
    pub(super) fn next(
        &mut self,
        bytes: &[u8],
        message_in: usize,
    ) -> Result<Option<Line>, LinkError> {
        let before = blank(bytes);
        let from = self.searched.max(before);
        if self.refuses_http
            && let Some(first) = bytes.get(before)
        {
            if !matches!(first, b'{' | b'[') {
                return Err(NOT_JSON);
            }
            self.refuses_http = false;
        }
        let end = memchr(b'\n', &bytes[from..]).map(|end| from + end);
        let line = &bytes[before..end.unwrap_or(bytes.len())];
        let message = line.strip_suffix(b"\r").unwrap_or(line);
        if message.len() > message_in {
            return Err(TOO_LONG);
        }
        if is_head(line) {
            return Err(HAS_HEAD);
        }
        self.searched = if end.is_some() { 0 } else { bytes.len() - before };
        let message = message.len();
        Ok(end.map(|end| Line { before, message, end: end + 1 - before - message }))
    }
}

/// Returns how many bytes at the start are between messages.
pub(super) fn blank(bytes: &[u8]) -> usize {
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
    bytes.iter().position(|byte| !is_blank(byte)).unwrap_or(bytes.len())
}

/// Returns whether a line is the begin of a message of [`Framing::ContentLength`](super::Framing::ContentLength).
fn is_head(line: &[u8]) -> bool {
    const NAME: &[u8] = b"content-length:";
    line.first().is_some_and(|first| first.eq_ignore_ascii_case(&b'c'))
        && line.get(..NAME.len()).is_some_and(|name| name.eq_ignore_ascii_case(NAME))
}

const TOO_LONG: LinkError =
    LinkError::violation(CloseCode::TOO_BIG, "a line above the limit `message_in`");

const HAS_HEAD: LinkError = LinkError::violation(
    CloseCode::PROTOCOL,
    "a `Content-Length` instead of a line of JSON: this end needs `Framing::ContentLength`",
);

const NOT_JSON: LinkError = LinkError::violation(
    CloseCode::PROTOCOL,
    "the first line is not JSON: send one JSON text a line, without HTTP",
);

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        let (mut lines, mut bytes, mut found) = (Lines::default(), text.as_bytes(), Vec::new());
        while let Some(line) = lines.next(bytes, 20).unwrap() {
            let message = &bytes[line.before..][..line.message];
            found.push(String::from_utf8_lossy(message).into_owned());
            bytes = &bytes[line.before + line.message + line.end..];
        }
        found
    }

    #[test]
    fn each_line_is_a_message_and_empty_ones_are_none() {
        assert_eq!(lines("{}\n[1]\r\n\n \r\n\t{}\n\n{\"cut\":"), ["{}", "[1]", "{}"]);
        assert_eq!(lines("\n\n\r\n \t"), [""; 0]);
        assert_eq!(lines("a\rb\n{} \r\r\n"), ["a\rb", "{} \r"]);
    }

    #[test]
    fn a_line_may_have_as_many_bytes_as_a_message() {
        let refusal =
            |text: &str| Lines::default().next(text.as_bytes(), 4).map_err(|e| e.to_string());
        let line = Some(Line { before: 0, message: 4, end: 2 });
        assert_eq!(refusal("1234\r\n"), Ok(line));
        assert_eq!(refusal("1234\r"), Ok(None));
        assert_eq!(refusal("\n\n\n\n\n\n1234"), Ok(None));
        for long in ["12345\n", "12345", "1234\r\r\n", "12345 and more"] {
            assert!(refusal(long).unwrap_err().contains("`message_in`"), "{long}");
        }
    }

    #[test]
    fn another_framing_is_named() {
        for head in ["Content-Length: 2\r\n\r\n{}", "content-length:2\n", "CONTENT-LENGTH: 2"] {
            let error = Lines::default().next(head.as_bytes(), 100).unwrap_err().to_string();
            assert!(error.contains("Framing::ContentLength"), "{error}");
        }
        assert!(Lines::default().next(b"content: 2\n", 100).is_ok());
    }

    #[test]
    fn http_is_refused_at_its_first_byte() {
        for (text, is_taken) in [("P", false), ("{", true), (" \n[", true), ("\n\u{feff}{}", false)]
        {
            let mut lines = Lines { refuses_http: true, ..Lines::default() };
            assert_eq!(lines.next(text.as_bytes(), 100).is_ok(), is_taken, "{text}");
        }
        let mut lines = Lines { refuses_http: true, ..Lines::default() };
        assert!(lines.next(b"{}\n", 100).is_ok_and(|line| line.is_some()));
        assert!(lines.next(b"no JSON\n", 100).is_ok(), "that is answered as JSON-RPC says");
    }
}
