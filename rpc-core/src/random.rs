//! Names that nobody can guess.

use std::fmt::Write;

/// 128 random bits as text; `None` if the system has no random numbers to give.
pub(crate) fn unguessable() -> Option<Box<str>> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).ok()?;
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    Some(text.into())
}
