//! Shortens text of a peer for an error message or a log line.

use std::fmt::{self, Write};

/// Largest number of bytes in a message about one mistake: an invalid value may be a megabyte long.
pub(crate) const LONGEST: usize = 300;

/// Largest number of bytes of a peer's text that are repeated to the peer or in the log.
const EXCERPT: usize = 64;

/// Shows the text of a peer, shortened to a fixed length.
pub(crate) struct Excerpt<'a>(pub(crate) &'a str);

impl fmt::Display for Excerpt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Shortened(self.0, EXCERPT).fmt(f)
    }
}

/// Shows the text of a peer, shortened to this number of bytes.
pub(crate) struct Shortened<'a>(pub(crate) &'a str, pub(crate) usize);

impl fmt::Display for Shortened<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(text, most) = *self;
        if text.len() <= most {
            return text.escape_debug().fmt(f);
        }
        let end = text.floor_char_boundary(most);
        write!(f, "{}…", text[..end].escape_debug())
    }
}

/// Returns the first `most` bytes of a text, and `…` if the text is longer. The rest of the text is not even formatted.
pub(crate) fn start(text: impl fmt::Display, most: usize) -> String {
    let mut start = Start { text: String::new(), most, is_full: false };
    // An error means that the text was cut, or that its `Display` has failed.
    let _ = write!(start, "{text}");
    start.text
}

/// Stands for the rest of the text.
const SIGN: char = '…';

struct Start {
    text: String,
    most: usize,
    is_full: bool,
}

impl Write for Start {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        if self.is_full {
            return Err(fmt::Error);
        }
        let room = self.most - self.text.len();
        if more.len() <= room {
            self.text.push_str(more);
            return Ok(());
        }
        self.is_full = true;
        self.text.push_str(&more[..more.floor_char_boundary(room)]);
        self.text.truncate(self.text.floor_char_boundary(self.most - SIGN.len_utf8()));
        self.text.push(SIGN);
        Err(fmt::Error)
    }
}
