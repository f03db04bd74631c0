//! Random names: some must be unguessable, others need only be unique.

use std::fmt::Write;

use crate::util::sync::{AtomicU64, Ordering};

/// Returns 128 random bits as text; `None` if the system has no random numbers.
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

/// Returns a name that this process has not used before.
pub(crate) fn new_id() -> Box<str> {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    unguessable().unwrap_or_else(|| NEXT.fetch_add(1, Ordering::Relaxed).to_string().into())
}

/// Returns a name of this module as JSON text.
pub(crate) fn quoted(name: &str) -> Box<str> {
    format!("\"{name}\"").into()
}

/// Returns the number that is written in the first 8 hexadecimal digits of `name`.
pub(crate) fn chance(name: &str) -> u32 {
    u32::from_str_radix(name.get(..8).unwrap_or(name), 16).unwrap_or(0)
}
