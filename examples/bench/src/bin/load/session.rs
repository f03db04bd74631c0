//! The session of a connection: as much as a client needs that never loses its link, and so keeps nothing.

use bench::Checked;
use serde::Deserialize;

/// Asks for a session.
pub(crate) const HELLO: &[u8] =
    br#"{"jsonrpc":"2.0","method":"$/hello","params":{"duplex":1,"session":{"buffer":1048576}}}"#;

/// The bytes that each message counts beside its text.
const OVERHEAD: usize = 128;

/// The count of received messages, and the part that the server was not told of.
pub(crate) struct Session {
    received: u64,
    untold: usize,
    /// The server is told when as much has come.
    quarter: usize,
}

#[derive(Deserialize)]
struct Hello<'a> {
    method: &'a str,
    #[serde(borrow)]
    params: Params<'a>,
}

#[derive(Deserialize)]
struct Params<'a> {
    #[serde(borrow)]
    session: Option<Grant<'a>>,
}

#[derive(Deserialize)]
struct Grant<'a> {
    token: &'a str,
    buffer: usize,
}

impl Session {
    /// Reads the hello of the server. `None` if that grants no session.
    pub(crate) fn granted(hello: &[u8]) -> Checked<Option<Self>> {
        let hello: Hello<'_> = serde_json::from_slice(hello)?;
        if hello.method != "$/hello" {
            return Err(format!("`{}` comes before the hello", hello.method).into());
        }
        let Some(Grant { token, buffer }) = hello.params.session else { return Ok(None) };
        if token.is_empty() {
            return Err("a session without a token".into());
        }
        Ok(Some(Self { received: 0, untold: 0, quarter: buffer / 4 }))
    }

    /// Counts a message. Returns whether the server is to be told.
    pub(crate) fn take_in(&mut self, bytes: usize) -> bool {
        self.received += 1;
        self.untold += bytes + OVERHEAD;
        self.untold >= self.quarter
    }

    /// The message that tells the server.
    pub(crate) fn acknowledge(&mut self) -> String {
        self.untold = 0;
        format!(r#"{{"jsonrpc":"2.0","method":"$/ack","params":{{"n":{}}}}}"#, self.received)
    }
}

/// Returns whether a message of the server is an acknowledgement, in the spelling of our servers.
pub(crate) fn is_acknowledgement(message: &[u8]) -> bool {
    message.starts_with(br#"{"jsonrpc":"2.0","method":"$/ack","#)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quarter_of_the_buffer_is_acknowledged() {
        let hello = br#"{"method":"$/hello","params":{"session":{"token":"k3Vq","buffer":1024}}}"#;
        let mut session = Session::granted(hello).unwrap().unwrap();
        assert!(!session.take_in(1));
        assert!(session.take_in(1), "two messages and their overhead are more than 256 bytes");
        assert!(session.acknowledge().ends_with(r#"{"n":2}}"#));
        assert!(!session.take_in(1));
    }

    #[test]
    fn a_server_may_grant_none() {
        assert!(Session::granted(br#"{"method":"$/hello","params":{}}"#).unwrap().is_none());
        assert!(Session::granted(br#"{"method":"$/goaway","params":{}}"#).is_err());
    }
}
