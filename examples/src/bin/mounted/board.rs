//! A board with notes that all see: what server and page offer each other.

use std::sync::Mutex;

use futures_util::{StreamExt, stream};
use rpc_core::{CallError, Context, Lag, RpcError, Streaming, service};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use crate::logins::Login;

#[service(namespace = "board")]
pub(crate) trait Board {
    /// Pins a note, when its author has confirmed it; says how many there are.
    async fn pin(&self, cx: &Context, text: String) -> Result<usize, BoardError>;

    /// All notes, and then those that follow.
    fn notes(&self) -> Streaming<Note>;
}

/// What a page offers to the server, on the same connection.
#[service(namespace = "page")]
pub(crate) trait Page {
    /// Asks the user.
    async fn confirm(&self, question: &str) -> bool;
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Note {
    pub(crate) author: String,
    pub(crate) text: String,
}

#[derive(Debug, thiserror::Error, RpcError)]
pub(crate) enum BoardError {
    #[error("not confirmed")]
    #[rpc(code = 1)]
    NotConfirmed,
    #[error("the page cannot be asked: {0}")]
    #[rpc(code = 2)]
    NotAsked(String),
}

impl From<CallError> for BoardError {
    fn from(error: CallError) -> Self {
        Self::NotAsked(error.to_string())
    }
}

/// The notes, in memory.
#[derive(Default)]
pub(crate) struct Notes {
    board: Mutex<Pinned>,
}

#[derive(Default)]
struct Pinned {
    notes: Vec<Note>,
    readers: Vec<mpsc::UnboundedSender<Note>>,
}

impl Board for Notes {
    async fn pin(&self, cx: &Context, text: String) -> Result<usize, BoardError> {
        let Login { name, .. } = cx.caller().expect("`on_connect` lets in nobody else");
        let page = PageClient::new(cx.peer());
        if !page.confirm(&format!("Pin \u{201c}{text}\u{201d}, {name}?")).await? {
            return Err(BoardError::NotConfirmed);
        }
        let note = Note { author: name.clone(), text };
        let mut board = self.board.lock().expect("nobody panics here");
        board.readers.retain(|reader| reader.send(note.clone()).is_ok());
        board.notes.push(note);
        Ok(board.notes.len())
    }

    fn notes(&self) -> Streaming<Note> {
        let (sender, mut live) = mpsc::unbounded_channel();
        let mut board = self.board.lock().expect("nobody panics here");
        // Whoever came and went while nobody pinned anything is forgotten.
        board.readers.retain(|reader| !reader.is_closed());
        // Under one lock, so that no note is missed in between and none comes twice.
        board.readers.push(sender);
        let live = stream::poll_fn(move |cx| live.poll_recv(cx));
        Streaming::new(stream::iter(board.notes.clone()).chain(live)).lag(Lag::DropOldest, 1000)
    }
}

#[test]
fn readers_that_are_gone_are_forgotten_though_nobody_pins() {
    let notes = Notes::default();
    let reading = notes.notes();
    for _ in 0..100 {
        drop(notes.notes());
    }
    assert!(notes.board.lock().unwrap().readers.len() <= 2);
    drop(reading);
}
