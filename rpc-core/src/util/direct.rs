//! A way for bytes past serde_json into the writer behind it, which writes them as base64 text.
//!
//! serde_json looks at each character of a text for what it must escape. Base64 text has nothing to escape, and the
//! search takes longer than the encoding. So a value offers its bytes here while serde_json writes the text of the
//! value. serde_json begins a text with a quote. A writer of this crate that is given this quote takes the bytes and
//! writes their text, and the text that comes next is empty. No other writer takes the bytes: it is given the text.
//!
//! ```text
//! value: offer ──▶ serde_json ──▶ writer: `"`, take, the whole text
//!                             ──▶ Display: nothing, if the bytes were taken
//!                             ──▶ writer: `"`
//! ```

use std::cell::Cell;
use std::io;

use bytes::Bytes;

thread_local! {
    static STATE: Cell<State> = const { Cell::new(State::Idle) };
    static BYTES: Cell<Bytes> = const { Cell::new(Bytes::new()) };
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// No value is being written, or a value that has written its text itself.
    Idle,
    /// A writer may take the bytes.
    Offered,
    /// A writer has taken the bytes. The value does not know yet.
    Taken,
}

/// Offers the bytes to the writer behind `serialize`, which writes one text.
pub(crate) fn offer<R>(bytes: &Bytes, serialize: impl FnOnce() -> R) -> R {
    let _withdraw = Withdraw;
    // There is no place for the bytes at the end of a thread.
    if BYTES.try_with(|place| place.set(bytes.clone())).is_ok() {
        STATE.set(State::Offered);
    }
    serialize()
}

/// Ends the offer, also when a serializer panics. A later text must not become these bytes.
struct Withdraw;

impl Drop for Withdraw {
    fn drop(&mut self) {
        if STATE.replace(State::Idle) == State::Offered {
            let _ = BYTES.try_with(Cell::take);
        }
    }
}

/// Ends the offer, as the text is about to be written. Returns whether a writer has written the text already.
pub(crate) fn is_written() -> bool {
    STATE.replace(State::Idle) == State::Taken
}

/// Returns whether a writer must ask for the bytes before it writes.
#[inline] // asked for each comma
pub(crate) fn is_pending() -> bool {
    STATE.get() != State::Idle
}

/// Takes the bytes that are offered, if `next`, which is to be written, begins a text. Whoever takes them writes `next`
/// and their text.
///
/// # Errors
/// The bytes were taken, and something else comes in place of their text: a serializer around serde_json adds something.
pub(crate) fn take(next: &[u8]) -> io::Result<Option<Bytes>> {
    match STATE.get() {
        State::Offered if next == b"\"" => {
            STATE.set(State::Taken);
            Ok(BYTES.try_with(Cell::take).ok())
        }
        State::Offered | State::Idle => {
            STATE.set(State::Idle);
            Ok(None)
        }
        State::Taken => Err(io::Error::other("bytes as base64 text must be written alone")),
    }
}

#[cfg(test)]
mod tests {
    use std::fmt;

    use serde::Serializer as _;
    use serde_json::Serializer;

    use super::*;

    struct Text(&'static str);

    impl fmt::Display for Text {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            if is_written() { Ok(()) } else { f.write_str(self.0) }
        }
    }

    /// Takes what is offered, and writes it between brackets.
    #[derive(Default)]
    struct Taker(Vec<u8>);

    impl io::Write for Taker {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let taken = take(bytes)?;
            self.0.extend_from_slice(bytes);
            if let Some(taken) = taken {
                self.0.extend_from_slice(&[b"<", &taken[..], b">"].concat());
            }
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Taker {
        fn text(self) -> String {
            String::from_utf8(self.0).unwrap()
        }
    }

    #[test]
    fn a_writer_of_ours_is_given_the_bytes_by_serde_json() {
        let mut taker = Taker::default();
        let bytes = Bytes::from_static(b"abc");
        offer(&bytes, || Serializer::new(&mut taker).collect_str(&Text("text"))).unwrap();
        Serializer::new(&mut taker).serialize_str("next").unwrap();
        assert_eq!(taker.text(), r#""<abc>""next""#);
    }

    #[test]
    fn another_writer_is_given_the_text() {
        let bytes = Bytes::from_static(b"abc");
        let mut out = Vec::new();
        offer(&bytes, || Serializer::new(&mut out).collect_str(&Text("text"))).unwrap();
        assert_eq!(out, b"\"text\"");
        let mut taker = Taker::default();
        Serializer::new(&mut taker).serialize_str("next").unwrap();
        assert_eq!(taker.text(), r#""next""#, "the offer is over");
    }

    #[test]
    fn a_text_that_is_made_first_is_not_written_twice() {
        let (bytes, mut taker) = (Bytes::from_static(b"abc"), Taker::default());
        let write = || Serializer::new(&mut taker).serialize_str(&Text("text").to_string());
        offer(&bytes, write).unwrap();
        assert_eq!(taker.text(), r#""text""#);
    }

    #[test]
    fn what_is_no_text_does_not_take_the_bytes() {
        let (bytes, mut taker) = (Bytes::from_static(b"abc"), Taker::default());
        offer(&bytes, || {
            Serializer::new(&mut taker).serialize_u8(7).unwrap();
            Serializer::new(&mut taker).collect_str(&Text("text")).unwrap();
        });
        assert_eq!(taker.text(), r#"7"text""#);
    }

    /// A text of its own in front of the value would become the bytes, and the value nothing.
    #[test]
    fn a_serializer_that_adds_a_text_fails() {
        let (bytes, mut taker) = (Bytes::from_static(b"abc"), Taker::default());
        offer(&bytes, || {
            let error = Serializer::new(&mut taker).serialize_str("added").unwrap_err();
            assert!(error.to_string().contains("alone"), "{error}");
        });
        Serializer::new(Taker::default()).serialize_str("next").unwrap();
    }

    #[test]
    fn a_panic_ends_the_offer() {
        let bytes = Bytes::from_static(b"abc");
        let caught = std::panic::catch_unwind(|| offer(&bytes, || panic!("on purpose")));
        assert!(caught.is_err() && !is_pending());
    }
}
