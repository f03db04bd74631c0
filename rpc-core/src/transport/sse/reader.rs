//! Events as they are read: out of bytes that come in pieces.

use bytes::{Bytes, BytesMut};
use memchr::memchr;
use serde::Deserialize;

use super::headers::{is_sent, number};
use super::lines::{LineEnd, Lines, TooLong};
use crate::error::close::CloseCode;

/// An event of the server.
#[derive(Debug, PartialEq, Eq)]
pub enum Event {
    /// A message. The number is `None` if the event has none that can be read.
    Message {
        /// The number of the message.
        number: Option<u64>,
        /// The message.
        text: Bytes,
    },
    /// The server asks for an answer.
    Ping,
    /// The server has closed the link in good order. `None` if it did not say why.
    Close(Option<(CloseCode, String)>),
}

/// Events out of pieces. The text of a message that lies in one piece is not copied.
#[derive(Debug)]
pub struct EventReader {
    lines: Lines,
    most: usize,
    kind: Kind,
    number: Option<u64>,
    data: Data,
}

/// What kind of event comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Message,
    Ping,
    Close,
    /// One that a later version of the server may send.
    Other,
}

/// The data of an event.
#[derive(Debug)]
enum Data {
    None,
    Line(Bytes),
    Lines(BytesMut),
}

impl Data {
    fn len(&self) -> usize {
        match self {
            Self::None => 0,
            Self::Line(line) => line.len(),
            Self::Lines(lines) => lines.len(),
        }
    }

    fn add(&mut self, line: Bytes) {
        *self = match std::mem::replace(self, Self::None) {
            Self::None => Self::Line(line),
            Self::Line(first) => Self::Lines(BytesMut::from(first)).with(&line),
            lines @ Self::Lines(_) => lines.with(&line),
        };
    }

    fn with(mut self, line: &[u8]) -> Self {
        if let Self::Lines(lines) = &mut self {
            lines.extend_from_slice(b"\n");
            lines.extend_from_slice(line);
        }
        self
    }
}

/// Room for the name of a field.
const FIELD: usize = 64;

impl EventReader {
    /// Makes a reader of messages of `most` bytes.
    pub fn new(most: usize) -> Self {
        let lines = Lines::new(LineEnd::Any, most.saturating_add(FIELD));
        Self { lines, most, kind: Kind::Message, number: None, data: Data::None }
    }

    /// Sets the most bytes of a message.
    pub fn set_most(&mut self, most: usize) {
        self.most = most;
        self.lines.set_most(most.saturating_add(FIELD));
    }

    /// Returns the most bytes of a message.
    pub fn most(&self) -> usize {
        self.most
    }

    /// Adds a piece. All events of the piece before must have been read.
    pub fn feed(&mut self, piece: Bytes) {
        self.lines.feed(piece);
    }

    /// Returns whether a message has begun and has not come to its end.
    pub fn is_within(&self) -> bool {
        self.lines.is_within() || self.data.len() > 0
    }

    /// Returns the next event. `None` if the event has not come to its end.
    ///
    /// # Errors
    /// The message is too long.
    pub fn next_event(&mut self) -> Result<Option<Event>, TooLong> {
        while let Some(line) = self.lines.next_line()? {
            if line.is_empty() {
                if let Some(event) = self.finish() {
                    return Ok(Some(event));
                }
                continue;
            }
            self.field(line);
            if self.data.len() > self.most {
                return Err(TooLong);
            }
        }
        Ok(None)
    }

    fn field(&mut self, mut line: Bytes) {
        let colon = memchr(b':', &line);
        let name = line.split_to(colon.unwrap_or(line.len()));
        let mut value = line;
        if !value.is_empty() {
            let after = if value.starts_with(b": ") { 2 } else { 1 };
            drop(value.split_to(after));
        }
        match &*name {
            b"data" => self.data.add(value),
            b"id" => self.number = number(&value),
            b"event" => {
                self.kind = match &*value {
                    b"" | b"message" => Kind::Message,
                    b"ping" => Kind::Ping,
                    b"close" => Kind::Close,
                    _ => Kind::Other,
                }
            }
            // Comments have no name. Other fields are for clients that this is not.
            _ => {}
        }
    }

    /// Returns the event that an empty line ends. `None` if there is none, or one that is not known.
    fn finish(&mut self) -> Option<Event> {
        let kind = std::mem::replace(&mut self.kind, Kind::Message);
        let number = self.number.take();
        let text = match std::mem::replace(&mut self.data, Data::None) {
            Data::None => return None,
            Data::Line(line) => line,
            Data::Lines(lines) => lines.freeze(),
        };
        match kind {
            Kind::Message => Some(Event::Message { number, text }),
            Kind::Ping => Some(Event::Ping),
            Kind::Close => Some(Event::Close(read_close(&text))),
            Kind::Other => None,
        }
    }
}

fn read_close(data: &[u8]) -> Option<(CloseCode, String)> {
    #[derive(Deserialize)]
    struct Close {
        code: u16,
        #[serde(default)]
        reason: String,
    }
    let Close { code, reason } = serde_json::from_slice(data).ok()?;
    is_sent(code).then(|| (CloseCode::from(code), reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(most: usize, pieces: &[&'static str]) -> Result<Vec<Event>, TooLong> {
        let mut reader = EventReader::new(most);
        let mut events = Vec::new();
        for piece in pieces {
            reader.feed(Bytes::from_static(piece.as_bytes()));
            while let Some(event) = reader.next_event()? {
                events.push(event);
            }
        }
        Ok(events)
    }

    fn message(number: u64, text: &'static str) -> Event {
        Event::Message { number: Some(number), text: Bytes::from_static(text.as_bytes()) }
    }

    #[test]
    fn an_event_may_come_in_pieces() {
        let expected = [message(1, "{}"), message(2, "[\n]"), Event::Ping];
        let whole =
            ":\n\nid: 1\ndata: {}\n\nid:2\r\ndata:[\r\ndata: ]\r\n\r\nevent: ping\ndata\n\n";
        assert_eq!(events(9, &[whole]).unwrap(), expected);
        let letters: Vec<&str> = (0..whole.len()).map(|at| &whole[at..=at]).collect();
        assert_eq!(events(9, &letters).unwrap(), expected);
    }

    #[test]
    fn a_close_says_why() {
        let close = |data: &str| {
            let text = format!("event: close\ndata: {data}\n\n").leak();
            events(99, &[text]).unwrap().pop().unwrap()
        };
        let said = Event::Close(Some((CloseCode::NORMAL, "done".into())));
        assert_eq!(close(r#"{"code":1000,"reason":"done"}"#), said);
        for unreadable in ["", "1000", r#"{"code":1006}"#, r#"{"code":70000}"#] {
            assert_eq!(close(unreadable), Event::Close(None), "{unreadable}");
        }
    }

    #[test]
    fn what_is_not_known_is_passed_over() {
        let odd = "event: news\ndata: x\n\nretry: 9\nid: 3\n\nid: x\ndata: {}\n\n";
        let text = Bytes::from_static(b"{}");
        assert_eq!(events(9, &[odd]).unwrap(), [Event::Message { number: None, text }]);
    }

    #[test]
    fn a_message_is_as_long_as_it_may_be_in_one_line_or_several() {
        assert_eq!(events(4, &["id: 1\ndata: abcd\n\n"]).unwrap(), [message(1, "abcd")]);
        assert_eq!(events(4, &["id: 1\ndata: abcde\n\n"]), Err(TooLong));
        assert_eq!(events(4, &["id: 1\ndata: ab\ndata: cd\n\n"]), Err(TooLong));
    }
}
