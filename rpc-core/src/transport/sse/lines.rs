//! Lines out of bytes that come in pieces, and messages as lines.

use std::fmt;

use bytes::{Bytes, BytesMut};
use memchr::{memchr, memchr2};

/// What ends a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineEnd {
    /// A line feed. A carriage return before it is no part of the line.
    Feed,
    /// A line feed, a carriage return, or both: as in a stream of events.
    Any,
}

/// Lines out of pieces. A line that lies in one piece is not copied.
#[derive(Debug)]
pub struct Lines {
    end: LineEnd,
    most: usize,
    /// The piece that is being read.
    piece: Bytes,
    /// The beginning of a line whose end has not come.
    begun: BytesMut,
    /// The piece before has ended with a carriage return.
    skips_feed: bool,
}

/// The error of a line that is too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLong;

impl fmt::Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a line is too long")
    }
}

impl std::error::Error for TooLong {}

impl Lines {
    /// Makes a reader of lines of `most` bytes.
    pub fn new(end: LineEnd, most: usize) -> Self {
        let (piece, begun) = (Bytes::new(), BytesMut::new());
        Self { end, most, piece, begun, skips_feed: false }
    }

    /// Sets the most bytes of a line.
    pub fn set_most(&mut self, most: usize) {
        self.most = most;
    }

    /// Adds a piece. All lines of the piece before must have been read.
    pub fn feed(&mut self, piece: Bytes) {
        debug_assert!(self.piece.is_empty(), "lines were left");
        self.piece = piece;
        if self.skips_feed && !self.piece.is_empty() {
            self.skips_feed = false;
            if self.piece[0] == b'\n' {
                drop(self.piece.split_to(1));
            }
        }
    }

    /// Returns the next line, without its end. `None` if the line has not come to its end.
    ///
    /// # Errors
    /// The line is too long.
    pub fn next_line(&mut self) -> Result<Option<Bytes>, TooLong> {
        let found = match self.end {
            LineEnd::Feed => memchr(b'\n', &self.piece),
            LineEnd::Any => memchr2(b'\n', b'\r', &self.piece),
        };
        let length = self.begun.len() + found.unwrap_or(self.piece.len());
        if length > self.most.saturating_add(1) {
            return Err(TooLong);
        }
        let Some(at) = found else {
            self.begun.extend_from_slice(&self.piece);
            self.piece = Bytes::new();
            return Ok(None);
        };
        let mut line = self.piece.split_to(at + 1);
        if line[at] == b'\r' {
            match self.piece.first() {
                Some(b'\n') => drop(self.piece.split_to(1)),
                Some(_) => {}
                None => self.skips_feed = true,
            }
        }
        line.truncate(at);
        if !self.begun.is_empty() {
            self.begun.extend_from_slice(&line);
            line = std::mem::take(&mut self.begun).freeze();
        }
        self.checked(line).map(Some)
    }

    /// Returns the last line, which nothing ends but the end of the bytes. `None` if there is none.
    ///
    /// # Errors
    /// The line is too long.
    pub fn last_line(&mut self) -> Result<Option<Bytes>, TooLong> {
        let line = std::mem::take(&mut self.begun).freeze();
        if line.is_empty() { Ok(None) } else { self.checked(line).map(Some) }
    }

    /// Returns whether a line has begun and has not come to its end.
    pub fn is_within(&self) -> bool {
        !self.begun.is_empty() || !self.piece.is_empty()
    }

    fn checked(&self, mut line: Bytes) -> Result<Bytes, TooLong> {
        if self.end == LineEnd::Feed && line.last() == Some(&b'\r') {
            line.truncate(line.len() - 1);
        }
        if line.len() > self.most { Err(TooLong) } else { Ok(line) }
    }
}

/// Writes a message as one line. Raw ends of lines become spaces: JSON has them between its tokens only.
pub fn write(text: &[u8], into: &mut Vec<u8>) {
    let from = into.len();
    into.extend_from_slice(text);
    for byte in &mut into[from..] {
        if matches!(byte, b'\n' | b'\r') {
            *byte = b' ';
        }
    }
    into.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(end: LineEnd, most: usize, pieces: &[&'static str]) -> Result<Vec<String>, TooLong> {
        let mut lines = Lines::new(end, most);
        let mut found = Vec::new();
        let text = |line: Bytes| String::from_utf8(line.to_vec()).unwrap();
        for piece in pieces {
            lines.feed(Bytes::from_static(piece.as_bytes()));
            while let Some(line) = lines.next_line()? {
                found.push(text(line));
            }
        }
        found.extend(lines.last_line()?.map(text));
        Ok(found)
    }

    #[test]
    fn a_line_may_come_in_pieces() {
        for pieces in
            [&["a\nbc\r\n\nd"][..], &["a", "\nb", "c\r", "\n\n", "d"], &["a\nbc\r\n", "\nd"]]
        {
            for end in [LineEnd::Feed, LineEnd::Any] {
                assert_eq!(lines(end, 9, pieces).unwrap(), ["a", "bc", "", "d"], "{pieces:?}");
            }
        }
        assert_eq!(lines(LineEnd::Any, 9, &["a\rb\r", "\rc"]).unwrap(), ["a", "b", "", "c"]);
        assert_eq!(lines(LineEnd::Feed, 9, &["a\rb\r", "\rc"]).unwrap(), ["a\rb\r\rc"]);
    }

    #[test]
    fn a_line_is_as_long_as_it_may_be() {
        for end in [LineEnd::Feed, LineEnd::Any] {
            assert_eq!(lines(end, 3, &["abc\r\n", "ab", "c"]).unwrap(), ["abc", "abc"]);
            for pieces in [&["abcd\n"][..], &["ab", "cd"], &["abc", "d\r\n"], &["abcdefgh"]] {
                assert_eq!(lines(end, 3, pieces), Err(TooLong), "{pieces:?}");
            }
        }
    }

    #[test]
    fn a_message_is_one_line() {
        let mut body = Vec::new();
        write(b"{\"a\":\r\n1}", &mut body);
        write(b"[]", &mut body);
        assert_eq!(body, b"{\"a\":  1}\n[]\n");
    }
}
