//! Names that nobody can guess, and names that nothing depends on being secret.

use std::fmt::Write;

use crate::util::sync::{AtomicU64, Ordering};

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

/// A name that this process has given to nothing else.
pub(crate) fn new_id() -> Box<str> {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    unguessable().unwrap_or_else(|| NEXT.fetch_add(1, Ordering::Relaxed).to_string().into())
}

/// A name of ours as JSON text.
pub(crate) fn quoted(name: &str) -> Box<str> {
    format!("\"{name}\"").into()
}

/// The number that this name begins with.
pub(crate) fn chance(name: &str) -> u32 {
    u32::from_str_radix(name.get(..8).unwrap_or(name), 16).unwrap_or(0)
}
