//! What the fuzz targets of this repository (`rpc-core/fuzz`) reach of the pure parts: how a text is
//! read, as plain values. Only with the feature `fuzz`, and promised to nobody.

use crate::limits::Limits;
use crate::wire::decode::{self, Incoming, Payload, Response, Rules};
use crate::wire::scan::Complexity;
use crate::wire::sequence::{is_sequence, next_text};

/// How a text is read.
#[derive(Debug, PartialEq, Eq)]
pub struct Reading {
    /// Whether it is answered as a batch.
    pub is_batch: bool,
    /// What is in it, in order.
    pub messages: Vec<Message>,
}

/// A message from the other end.
#[derive(Debug, PartialEq, Eq)]
pub enum Message {
    /// A request, under the JSON text of its id.
    Request(String, Called),
    /// A notification.
    Notification(Called),
    /// A response: the JSON text of its id and of its result.
    Response(Option<String>, Outcome),
    /// Answered with an error, under the JSON text of this id.
    Invalid(Option<String>),
    /// A malformed notification.
    Dropped,
}

/// What a request or a notification calls.
#[derive(Debug, PartialEq, Eq)]
pub struct Called {
    /// Its method.
    pub method: String,
    /// The JSON text of its params.
    pub params: Option<String>,
    /// How deep they nest, and how many values and names they hold.
    pub complexity: (usize, usize),
}

/// What a response says.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The JSON text of a result.
    Result(String),
    /// An error with this code.
    Error(i64),
    /// Nothing that a response may say.
    Malformed,
}

/// The texts of a message: those of a sequence, or the message itself.
pub fn texts(message: &str) -> Vec<&str> {
    if !is_sequence(message.as_bytes()) {
        return vec![message];
    }
    let mut from = 0;
    std::iter::from_fn(|| {
        let text = next_text(message.as_bytes(), from)?;
        from = text.end;
        Some(&message[text])
    })
    .collect()
}

/// Reads a text.
pub fn read(text: &str, limits: &Limits) -> Reading {
    match decode::decode(text, &Rules::new(limits, false)) {
        Payload::Single(message) => Reading { is_batch: false, messages: vec![plain(message)] },
        Payload::Broken => Reading { is_batch: false, messages: vec![Message::Invalid(None)] },
        Payload::Batch(batch) => {
            Reading { is_batch: true, messages: batch.into_iter().map(plain).collect() }
        }
    }
}

fn plain(incoming: Incoming<'_>) -> Message {
    match incoming {
        Incoming::Request(it) => {
            Message::Request(it.id.into(), called(&it.method, it.params, it.complexity))
        }
        Incoming::Notification(it) => {
            Message::Notification(called(&it.method, it.params, it.complexity))
        }
        Incoming::Response { id, answer } => Message::Response(id.map(String::from), said(answer)),
        Incoming::Invalid { id, .. } => Message::Invalid(id.map(String::from)),
        Incoming::Dropped(_) => Message::Dropped,
    }
}

fn called(method: &str, params: Option<&str>, complexity: Complexity) -> Called {
    let Complexity { depth, tokens, .. } = complexity;
    Called { method: method.into(), params: params.map(String::from), complexity: (depth, tokens) }
}

fn said(answer: Response<'_>) -> Outcome {
    match answer {
        Response::Result(json) => Outcome::Result(json.into()),
        Response::Attached(result) => Outcome::Result(result.whole().into()),
        Response::Error(error) => Outcome::Error(error.code),
        Response::Malformed(_) => Outcome::Malformed,
    }
}
