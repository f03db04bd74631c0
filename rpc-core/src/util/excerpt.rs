//! Text of the other end, shortened for a message.

use std::fmt::{self, Write};

/// At most this much is said of one mistake: a value that does not fit may be a megabyte long.
pub(crate) const LONGEST: usize = 300;

/// At most this much of what a peer sent is repeated to it or to the log.
const EXCERPT: usize = 64;

/// Text of a peer, shortened for a message.
pub(crate) struct Excerpt<'a>(pub(crate) &'a str);

impl fmt::Display for Excerpt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Shortened(self.0, EXCERPT).fmt(f)
    }
}

/// The same, with at most so many bytes of it.
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

/// The first bytes of a text, and a sign if that is not all of it. The rest is not even written.
pub(crate) fn start(text: impl fmt::Display, most: usize) -> String {
    let mut start = Start { text: String::new(), most, is_full: false };
    // What says that it cannot be written has been cut, or has no more to say.
    let _ = write!(start, "{text}");
    start.text
}

/// Stands for what was cut off.
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
