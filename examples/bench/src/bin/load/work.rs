//! A kind of call: how its request is written, and what its result must be.

use std::io::Write;

use bench::Checked;

use crate::args::Options;

pub(crate) enum Work {
    /// `METHOD(id, 1)` is one more than its id, so that no answer fits another call.
    Sum { method: String },
    /// The string makes a message that is as long as was asked for.
    Echo { string: String },
}

/// What a request to echo needs beside its string, quotes included; the id takes ten digits, so
/// that all messages have one length.
const ENVELOPE: usize = r#"{"jsonrpc":"2.0","id":0000000000,"method":"echo","params":[""]}"#.len();

/// Ids begin here, which gives them ten digits.
pub(crate) const FIRST_ID: u64 = 1_000_000_000;

impl Work {
    pub(crate) fn new(options: &Options) -> Self {
        if options.method == "echo" {
            Self::echo(options.bytes)
        } else {
            Self::Sum { method: options.method.clone() }
        }
    }

    /// Echoes messages of so many bytes.
    pub(crate) fn echo(bytes: usize) -> Self {
        let length = bytes.saturating_sub(ENVELOPE);
        Self::Echo { string: format!("\"{}\"", "x".repeat(length)) }
    }

    /// Writes a request in place of what is in `out`.
    pub(crate) fn request(&self, id: u64, out: &mut Vec<u8>) -> Checked {
        out.clear();
        self.append_request(id, out)
    }

    pub(crate) fn append_request(&self, id: u64, out: &mut Vec<u8>) -> Checked {
        let (method, params): (&str, &dyn std::fmt::Display) = match self {
            Self::Sum { method } => (method, &format_args!("{id},1")),
            Self::Echo { string } => ("echo", string),
        };
        write!(out, r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":[{params}]}}"#)?;
        Ok(())
    }

    /// Whether this is the result of that call.
    pub(crate) fn check(&self, id: u64, result: &str) -> Checked {
        let right = match self {
            Self::Sum { .. } => result.parse() == Ok(id + 1),
            Self::Echo { string } => result == string,
        };
        if right {
            return Ok(());
        }
        let begin: String = result.chars().take(80).collect();
        Err(format!("the result of {id} is wrong: {begin}").into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_to_echo_has_the_asked_for_length() {
        let mut out = Vec::new();
        Work::echo(1000).request(FIRST_ID, &mut out).unwrap();
        assert_eq!(out.len(), 1000);
    }

    #[test]
    fn a_wrong_result_is_noticed() {
        let work = Work::Sum { method: "add".to_owned() };
        assert!(work.check(7, "8").is_ok());
        assert!(work.check(7, "9").is_err());
        assert!(work.check(7, "null").is_err());
    }
}
