//! Ids that the other end has chosen for its requests (specification, section 4).

use std::io::Write;

use smol_str::SmolStr;

/// The JSON text of the id of a received request. The text is sent back byte for byte, and is never compared by its
/// value. Up to 23 bytes need no allocation; clones share longer ids.
pub(crate) type Id = SmolStr;

/// Writes a decimal number into memory.
pub(crate) fn write_number(number: u64, out: &mut impl Write) {
    let mut buffer = itoa::Buffer::new();
    out.write_all(buffer.format(number).as_bytes()).expect("memory takes any write");
}

/// Returns the number in `text` if `text` is spelled exactly as this framework spells the number.
pub(crate) fn canonical(text: &str) -> Option<u64> {
    match text.as_bytes() {
        [b'0', _, ..] | [] => None,
        // Nineteen digits cannot overflow. Each id of a call of this end comes by here.
        digits if digits.len() < 20 => {
            let mut number = 0;
            for digit in digits {
                let value = digit.wrapping_sub(b'0');
                if value > 9 {
                    return None;
                }
                number = number * 10 + u64::from(value);
            }
            Some(number)
        }
        digits => digits[0].is_ascii_digit().then(|| text.parse().ok())?,
    }
}

/// Returns the number in `text` in any spelling: some peers send 1 back as `1.0` or `1e0`.
#[inline]
pub(crate) fn whole(text: &str) -> Option<u64> {
    canonical(text).or_else(|| spelled_otherwise(text))
}

#[cold]
fn spelled_otherwise(text: &str) -> Option<u64> {
    /// No id of this framework is longer, even with some zeros.
    const LONGEST: usize = 64;
    /// Below this number a float represents all integers exactly.
    const EXACT: f64 = (1u64 << 53) as f64;
    if text.len() > LONGEST || !text.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    let number = text.parse::<f64>().ok()?;
    (number.fract() == 0.0 && number < EXACT).then_some(number as u64)
}

/// Returns whether this JSON text is a number.
pub(crate) fn is_number(text: &str) -> bool {
    text.starts_with(|first: char| first == '-' || first.is_ascii_digit())
}

/// Returns whether this JSON text has a type that an id may have: string, number or null.
pub(crate) fn is_id(text: &str) -> bool {
    matches!(text.as_bytes()[0], b'"' | b'-' | b'0'..=b'9' | b'n')
}

#[test]
fn numbers_are_canonical_as_we_write_them() {
    for (text, number) in [
        ("0", Some(0)),
        ("7", Some(7)),
        ("18446744073709551615", Some(u64::MAX)),
        ("18446744073709551616", None),
        ("007", None),
        ("-1", None),
        ("1.0", None),
        ("1e3", None),
        ("\"7\"", None),
        ("null", None),
    ] {
        assert_eq!(canonical(text), number, "{text}");
    }
}

#[test]
fn a_number_is_whole_however_it_is_spelled() {
    for (text, number) in [
        ("1", Some(1)),
        ("1.0", Some(1)),
        ("1e0", Some(1)),
        ("1E+0", Some(1)),
        ("10e-1", Some(1)),
        ("0.1e1", Some(1)),
        ("2147483647.000", Some(2_147_483_647)),
        ("18446744073709551615", Some(u64::MAX)),
        ("1.5", None),
        ("-1", None),
        ("-1.0", None),
        ("1e300", None),
        ("1e99999999", None),
        ("\"1\"", None),
        ("null", None),
        ("inf", None),
    ] {
        assert_eq!(whole(text), number, "{text}");
    }
    assert_eq!(whole(&format!("1.{}", "0".repeat(100))), None, "longer than any of ours");
}
