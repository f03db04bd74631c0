//! The headers of a link, and their values.

use crate::error::close::CloseCode;

/// The name of the link that a request belongs to.
pub const LINK: &str = "rpc-link";

/// The number of the first message in a `POST`.
pub const FIRST: &str = "rpc-first";

/// The number up to which an end has taken in the messages of the other end.
pub const RECEIVED: &str = "rpc-received";

/// The code and the reason with which a client closes its link.
pub const CLOSE: &str = "rpc-close";

/// The type of a stream of events.
pub const EVENT_STREAM: &str = "text/event-stream";

/// The number of bytes of a reason that are read.
const LONGEST_REASON: usize = 123;

/// Numbers end before this one: as far as JavaScript counts.
const END: u64 = 1 << 53;

/// Reads a number: decimal digits and nothing else, below 2^53.
pub fn number(value: &[u8]) -> Option<u64> {
    let is_number = (1..=16).contains(&value.len()) && value.iter().all(u8::is_ascii_digit);
    let number = std::str::from_utf8(value).ok().filter(|_| is_number)?.parse().ok()?;
    Some(number).filter(|number| *number < END)
}

/// Writes the value of [`CLOSE`]. What no header may hold is a question mark in the reason.
pub fn close(code: CloseCode, reason: &str) -> String {
    let is_plain = |c: char| c == ' ' || c.is_ascii_graphic();
    let reason: String = reason.chars().map(|c| if is_plain(c) { c } else { '?' }).collect();
    format!("{} {reason}", code.value()).trim_end().to_owned()
}

/// Reads the value of [`CLOSE`]: a code, and a reason behind a space.
pub fn read_close(value: &[u8]) -> Option<(CloseCode, String)> {
    let value = std::str::from_utf8(value).ok()?;
    let (code, reason) = value.split_once(' ').unwrap_or((value, ""));
    let code = number(code.as_bytes()).and_then(|code| u16::try_from(code).ok())?;
    let code = Some(CloseCode::from(code)).filter(|_| is_sent(code))?;
    let mut reason = reason.trim().to_owned();
    reason.truncate(reason.floor_char_boundary(LONGEST_REASON));
    Some((code, reason))
}

/// Returns whether a WebSocket could be closed with this code (RFC 6455, section 7.4).
pub(super) fn is_sent(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}

#[test]
fn a_number_is_decimal_and_below_2_to_the_53() {
    assert_eq!(number(b"0"), Some(0));
    assert_eq!(number(b"9007199254740991"), Some(END - 1));
    for wrong in [&b""[..], b"-1", b"+1", b" 1", b"1 ", b"1.0", b"0x1", b"9007199254740992", b"1,2"]
    {
        assert_eq!(number(wrong), None, "{wrong:?}");
    }
    assert_eq!(number(&[b'1'; 40]), None);
}

#[test]
fn a_close_is_a_code_and_a_reason() {
    assert_eq!(close(CloseCode::NORMAL, ""), "1000");
    assert_eq!(close(CloseCode::NORMAL, "Zoë\r\nleft"), "1000 Zo???left");
    assert_eq!(read_close(b"1000"), Some((CloseCode::NORMAL, String::new())));
    let (code, reason) = read_close(b"4410 link given up").unwrap();
    assert_eq!((code, &*reason), (CloseCode::LINK_GIVEN_UP, "link given up"));
    assert_eq!(read_close(&[b"1000 ", &[b'x'; 500][..]].concat()).unwrap().1.len(), LONGEST_REASON);
    for wrong in [&b""[..], b"x", b"999", b"1005", b"1006", b"1015", b"65536", b"1000x", b"\xff"] {
        assert_eq!(read_close(wrong), None, "{wrong:?}");
    }
}
