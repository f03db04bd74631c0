//! Random names: some must be unguessable, others need only be unique.

use crate::util::sync::{AtomicU64, Ordering};

/// Returns 128 random bits as text; `None` if the system has no random numbers.
pub(crate) fn unguessable() -> Option<Box<str>> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).ok()?;
    Some(hexadecimal(bytes))
}

/// Returns the bytes as digits. By `write!` each connection took 4,000 instructions for its name.
fn hexadecimal(bytes: [u8; 16]) -> Box<str> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.into_iter().flat_map(|byte| [byte >> 4, byte & 0x0f]);
    let mut text = String::with_capacity(2 * bytes.len());
    text.extend(digits.map(|digit| char::from(DIGITS[usize::from(digit)])));
    text.into()
}

#[test]
fn a_name_has_two_digits_for_each_byte() {
    let bytes = *b"\x00\x01\x0f\x10\x9a\xffabcdefghij";
    assert_eq!(&*hexadecimal(bytes), "00010f109aff6162636465666768696a");
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
