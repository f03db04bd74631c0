//! Escapes text of a peer, so that the text is safe in a log line or on a terminal.

use std::fmt::{self, Write};

/// Shows a value without characters that could forge a log line, control a terminal or change the direction of text.
/// Control characters, line separators and direction marks are shown as `\n` or `\u{1b}`. All other characters stay as
/// they are, quotes and backslashes too, so that escaping twice is the same as escaping once. For this crate and the
/// other crates of the framework.
pub struct Escaped<T>(pub T);

impl<T: fmt::Display> fmt::Display for Escaped<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(Escaping(f), "{}", self.0)
    }
}

/// The same text: `Debug` adds no quotes.
impl<T: fmt::Display> fmt::Debug for Escaped<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

struct Escaping<'a, 'f>(&'a mut fmt::Formatter<'f>);

impl Write for Escaping<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text;
        while let Some(at) = rest.find(is_harmful) {
            self.0.write_str(&rest[..at])?;
            let mut from_here = rest[at..].chars();
            if let Some(harmful) = from_here.next() {
                write!(self.0, "{}", harmful.escape_default())?;
            }
            rest = from_here.as_str();
        }
        self.0.write_str(rest)
    }
}

fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{feff}')
        || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[test]
fn nothing_but_what_does_harm_is_escaped() {
    let shown = |text: &str| Escaped(text).to_string();
    for (text, expected) in [
        ("", ""),
        ("it's \"quoted\" in C:\\", "it's \"quoted\" in C:\\"),
        ("naïve नमस्ते e\u{301} 👩\u{200d}🚀", "naïve नमस्ते e\u{301} 👩\u{200d}🚀"),
        ("\nERROR root\r\n", r"\nERROR root\r\n"),
        ("a\u{1b}[2Jb", r"a\u{1b}[2Jb"),
        ("\0\u{7f}\u{9b}\u{85}", r"\u{0}\u{7f}\u{9b}\u{85}"),
        ("\u{2028}\u{202e}\u{2066}\u{feff}", r"\u{2028}\u{202e}\u{2066}\u{feff}"),
    ] {
        assert_eq!(shown(text), expected);
        assert_eq!(shown(expected), expected, "twice is once");
    }
}
