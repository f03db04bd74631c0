//! Durations as text: `"500ms"`, `"2s"`, `"1m"`, `"1h"`.

use std::time::Duration;

/// The units with their milliseconds. `ms` comes before `s`, because `ms` also ends with `s`.
const UNITS: [(&str, u64); 4] = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000)];

/// Reads a number and its unit.
///
/// # Errors
/// A text that shows the correct form.
pub(super) fn read(text: &str) -> Result<Duration, &'static str> {
    const REPAIR: &str = "write a whole number and `ms`, `s`, `m` or `h`, as in `\"500ms\"`";
    let number = |(unit, millis)| Some((text.strip_suffix(unit)?, millis));
    let (digits, unit) = UNITS.into_iter().find_map(number).ok_or(REPAIR)?;
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(REPAIR);
    }
    let millis = digits.parse::<u64>().ok().and_then(|number| number.checked_mul(unit));
    match millis.ok_or("a shorter time: this is more than Rust can count")? {
        0 => Err("nothing is answered in no time: write a longer one, or leave `timeout` out"),
        millis => Ok(Duration::from_millis(millis)),
    }
}

#[test]
fn a_time_is_a_number_and_its_unit() {
    for (text, millis) in [("500ms", 500), ("2s", 2000), ("1m", 60_000), ("1h", 3_600_000)] {
        assert_eq!(read(text), Ok(Duration::from_millis(millis)));
    }
    for wrong in
        ["", "2", "s", "2 s", "2sec", "1.5s", "-1s", "+1s", "0s", "0ms", "9".repeat(20).as_str()]
    {
        assert!(read(wrong).is_err(), "{wrong}");
    }
    assert!(read("99999999999999999h").is_err());
}
