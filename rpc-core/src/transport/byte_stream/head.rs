//! The head of a message, as in the base protocol of language servers: `Content-Length: 42`, an empty line.

use std::ops::ControlFlow;

use crate::error::close::CloseCode;
use crate::transport::LinkError;

/// The longest head.
const HEAD_MAX: usize = 1024;

/// A head, and the length of its message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    /// The bytes of the head, and of line ends before the head.
    pub(super) size: usize,
    /// The bytes of the message.
    pub(super) length: usize,
}

impl Head {
    /// Reads the head at the start of `bytes`. Returns `None` if its end has not come.
    ///
    /// # Errors
    /// The head is longer than 1 KiB, or says anything but one length, up to `message_in`, and the type of UTF-8.
    pub(super) fn read(bytes: &[u8], message_in: usize) -> Result<Option<Self>, LinkError> {
        let before = line_ends(bytes);
        let bytes = &bytes[before..];
        match bytes.first() {
            None => return Ok(None),
            Some(b'{' | b'[') => {
                return Err(refusal(
                    "a line of JSON instead of a `Content-Length`: this end needs `Framing::Lines`",
                ));
            }
            Some(first) if !first.eq_ignore_ascii_case(&b'c') => return Err(UNKNOWN),
            Some(_) => {}
        }
        let (mut said, mut start) = (Said::default(), 0);
        let within = &bytes[..bytes.len().min(HEAD_MAX)];
        while let Some(end) = memchr::memchr(b'\n', &within[start..]) {
            let line = &within[start..start + end];
            start += end + 1;
            if let ControlFlow::Break(length) = said.line(line, message_in)? {
                return Ok(Some(Self { size: before + start, length }));
            }
        }
        if bytes.len() >= HEAD_MAX { Err(refusal("a head of more than 1 KiB")) } else { Ok(None) }
    }
}

/// Returns how many line ends stand in front: some programs write one behind each message.
pub(super) fn line_ends(bytes: &[u8]) -> usize {
    let is_end = |byte: &u8| matches!(byte, b'\r' | b'\n');
    bytes.iter().position(|byte| !is_end(byte)).unwrap_or(bytes.len())
}

/// What a head has said.
#[derive(Default)]
struct Said {
    length: Option<usize>,
    has_type: bool,
}

impl Said {
    /// Reads a line. Breaks with the length of the message at the end of the head.
    fn line(&mut self, line: &[u8], message_in: usize) -> Result<ControlFlow<usize>, LinkError> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            let length = self.length.ok_or(refusal("a head without `Content-Length`"))?;
            return Ok(ControlFlow::Break(length));
        }
        let colon = memchr::memchr(b':', line).ok_or(UNKNOWN)?;
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        if name.eq_ignore_ascii_case(b"content-length") {
            let length = Some(length(value, message_in)?);
            if std::mem::replace(&mut self.length, length).is_some() {
                return Err(refusal("a head with two `Content-Length`"));
            }
        } else if name.eq_ignore_ascii_case(b"content-type") {
            if !is_utf_8(value) {
                return Err(refusal("a `Content-Type` with another charset than utf-8"));
            }
            if std::mem::replace(&mut self.has_type, true) {
                return Err(refusal("a head with two `Content-Type`"));
            }
        } else {
            return Err(UNKNOWN);
        }
        Ok(ControlFlow::Continue(()))
    }
}

fn length(value: &[u8], message_in: usize) -> Result<usize, LinkError> {
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return Err(refusal("a `Content-Length` that is no number"));
    }
    // What does not fit in a number is above each limit.
    let length = str::from_utf8(value).ok().and_then(|value| value.parse().ok());
    let fits = length.filter(|length| *length <= message_in);
    fits.ok_or(LinkError::violation(
        CloseCode::TOO_BIG,
        "a `Content-Length` above the limit `message_in`",
    ))
}

/// Returns whether a type has no charset, or UTF-8. Early language servers wrote `utf8`.
fn is_utf_8(value: &[u8]) -> bool {
    let mut parameters = value.split(|byte| *byte == b';').skip(1).map(<[u8]>::trim_ascii);
    parameters.all(|parameter| {
        const NAME: &[u8] = b"charset=";
        let is_charset =
            parameter.get(..NAME.len()).is_some_and(|name| name.eq_ignore_ascii_case(NAME));
        let charset = || parameter[NAME.len()..].trim_ascii();
        let charset = is_charset.then(charset);
        let charset = charset.map(|charset| charset.strip_prefix(b"\"").unwrap_or(charset));
        let charset = charset.map(|charset| charset.strip_suffix(b"\"").unwrap_or(charset));
        charset.is_none_or(|charset| {
            charset.eq_ignore_ascii_case(b"utf-8") || charset.eq_ignore_ascii_case(b"utf8")
        })
    })
}

const fn refusal(reason: &'static str) -> LinkError {
    LinkError::violation(CloseCode::PROTOCOL, reason)
}

const UNKNOWN: LinkError = refusal(
    "neither `Content-Length` nor `Content-Type`: each message needs a head, as of language servers",
);

#[cfg(test)]
mod tests {
    use super::*;

    fn read(head: &str) -> Result<Option<(usize, usize)>, String> {
        let head = Head::read(head.as_bytes(), 9999).map_err(|error| error.to_string())?;
        Ok(head.map(|head| (head.size, head.length)))
    }

    #[test]
    fn a_head_is_read_as_language_servers_write_it() {
        for (head, expected) in [
            ("Content-Length: 12\r\n\r\n", 12),
            ("content-length:12\r\n\r\n", 12),
            ("CONTENT-LENGTH:\t 012 \r\n\r\n", 12),
            ("Content-Length: 0\r\n\r\n", 0),
            ("Content-Length: 9999\n\n", 9999),
            ("\r\n\nContent-Length: 12\r\n\r\n", 12),
            (
                "Content-Length: 12\r\nContent-Type: application/vscode-jsonrpc; charset=utf-8\r\n\r\n",
                12,
            ),
            (
                "Content-Type: application/vscode-jsonrpc;charset=\"UTF8\"\r\nContent-Length: 12\r\n\r\n",
                12,
            ),
            ("Content-Type: application/json\r\nContent-Length: 12\r\n\r\n", 12),
        ] {
            assert_eq!(read(head), Ok(Some((head.len(), expected))), "{head}");
            assert_eq!(read(&format!("{head}{{}}")), Ok(Some((head.len(), expected))));
            for cut in 0..head.len() {
                assert_eq!(read(&head[..cut]), Ok(None), "{:?}", &head[..cut]);
            }
        }
    }

    #[test]
    fn anything_else_is_refused_with_a_reason() {
        let long = format!("Content-Type: {}", "x".repeat(HEAD_MAX));
        for (head, reason) in [
            ("{\"jsonrpc\"", "`Framing::Lines`"),
            ("[", "`Framing::Lines`"),
            ("POST / HTTP/1.1\r\n", "needs a head"),
            ("\u{feff}Content-Length: 1\r\n\r\n", "needs a head"),
            (" Content-Length: 1\r\n\r\n", "needs a head"),
            ("Content-Length : 1\r\n\r\n", "needs a head"),
            ("Content-Length\r\n", "needs a head"),
            ("Content-Length: 1\r\nX: 1\r\n", "needs a head"),
            ("Content-Length: 1\r\n continued\r\n", "needs a head"),
            ("Content-Length: -1\r\n", "no number"),
            ("Content-Length: +1\r\n", "no number"),
            ("Content-Length: 1e3\r\n", "no number"),
            ("Content-Length: 0x1\r\n", "no number"),
            ("Content-Length: 1, 1\r\n", "no number"),
            ("Content-Length:\r\n", "no number"),
            ("Content-Length: 10000\r\n", "`message_in`"),
            ("Content-Length: 99999999999999999999999999\r\n", "`message_in`"),
            ("Content-Length: 1\r\nContent-Length: 1\r\n", "two `Content-Length`"),
            ("Content-Type: a\r\nContent-Type: a\r\n", "two `Content-Type`"),
            ("Content-Type: a\r\n\r\n", "without `Content-Length`"),
            ("Content-Type: a; charset=utf-16\r\n", "another charset"),
            ("Content-Type: a; charset=\r\n", "another charset"),
            (&long, "more than 1 KiB"),
        ] {
            let error = read(head).unwrap_err();
            assert!(error.contains(reason), "{head:?}: {error}");
        }
    }
}
