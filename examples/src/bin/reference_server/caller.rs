//! What the server knows of one connection.

use std::net::SocketAddr;
use std::sync::Mutex;

/// One connection.
pub(crate) struct Caller {
    pub(crate) remote: Option<SocketAddr>,
    /// The user that the client says it is. Nobody checks that.
    pub(crate) user: Option<String>,
    notes: Mutex<Notes>,
}

#[derive(Default)]
struct Notes {
    texts: Vec<String>,
    bytes: usize,
}

/// Bytes of notes that are kept: more could not be answered, being over `message_out`.
const BYTES: usize = 4 * 1024 * 1024;

/// What a note needs beside its text.
const EACH: usize = 32;

impl Caller {
    pub(crate) fn new(remote: Option<SocketAddr>, user: Option<String>) -> Self {
        Self { remote, user, notes: Mutex::default() }
    }

    /// Keeps a note; nobody can be told that there is no room.
    pub(crate) fn note(&self, text: String) {
        let mut notes = self.notes.lock().unwrap();
        let bytes = notes.bytes + text.len() + EACH;
        if bytes > BYTES {
            tracing::debug!(remote = ?self.remote, "no room for a note");
            return;
        }
        notes.bytes = bytes;
        notes.texts.push(text);
    }

    /// All notes, in their order.
    pub(crate) fn notes(&self) -> Vec<String> {
        self.notes.lock().unwrap().texts.clone()
    }
}
