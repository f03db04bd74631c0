//! Events as they are written (the living standard of HTML, section 9.2).

use bytes::BytesMut;
use memchr::memchr2;
use serde::Serialize;

use crate::error::close::CloseCode;

/// A line that says nothing, so that nothing between the two ends takes the stream for idle.
pub const COMMENT: &[u8] = b":\n\n";

/// An event to which a client answers by a `POST`. It has no number.
pub const PING: &[u8] = b"event: ping\ndata\n\n";

/// Writes a message with its number. A message whose text has raw ends of lines has several lines of data.
pub fn write(number: u64, text: &[u8], into: &mut BytesMut) {
    into.reserve(text.len() + 32);
    into.extend_from_slice(b"id: ");
    into.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
    let mut rest = text;
    while let Some(at) = memchr2(b'\n', b'\r', rest) {
        write_data(&rest[..at], into);
        let is_both = rest[at..].starts_with(b"\r\n");
        rest = &rest[at + 1 + usize::from(is_both)..];
    }
    write_data(rest, into);
    into.extend_from_slice(b"\n\n");
}

fn write_data(line: &[u8], into: &mut BytesMut) {
    into.extend_from_slice(b"\ndata: ");
    into.extend_from_slice(line);
}

/// Writes the last event of a link that the server closes in good order.
pub fn write_close(code: CloseCode, reason: &str, into: &mut BytesMut) {
    #[derive(Serialize)]
    struct Close<'a> {
        code: u16,
        reason: &'a str,
    }
    let close = Close { code: code.value(), reason };
    let close = serde_json::to_string(&close).expect("a number and a text can be written");
    into.extend_from_slice(format!("event: close\ndata: {close}\n\n").as_bytes());
}

#[test]
fn an_event_has_its_number_and_no_raw_end_of_a_line() {
    let written = |text: &str| {
        let mut into = BytesMut::new();
        write(7, text.as_bytes(), &mut into);
        String::from_utf8(into.to_vec()).unwrap()
    };
    assert_eq!(written("{}"), "id: 7\ndata: {}\n\n");
    assert_eq!(written("{\n}\r\n\r"), "id: 7\ndata: {\ndata: }\ndata: \ndata: \n\n");
    let mut into = BytesMut::new();
    write_close(CloseCode::NORMAL, "a \"b\"\n", &mut into);
    assert_eq!(into, "event: close\ndata: {\"code\":1000,\"reason\":\"a \\\"b\\\"\\n\"}\n\n");
}
