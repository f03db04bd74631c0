//! The page of calls: what their callers were told, and how often they ran.

use std::sync::atomic::{AtomicU64, Ordering};

use super::*;

/// A call.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) what: &'static str,
    pub(crate) repeat: Repeat,
    /// `None` while the call is open.
    pub(crate) came: Option<Came>,
    /// How often a handler of the call has begun.
    pub(crate) begun: u32,
    /// The life of the server in which the handler came to its end, each time.
    pub(crate) ended_in: Vec<u64>,
}

/// Whether a call may run again in another session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeat {
    Never,
    Idempotent,
    /// It has a key: its handler may come to its end once in each life of the server.
    Keyed,
}

/// What became of a call, as its caller was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Came {
    Answer,
    NotSent(String),
    MaybeExecuted(String),
    /// The caller did not wait for the end.
    Dropped,
}

static TOKENS: AtomicU64 = AtomicU64::new(1);

impl Books {
    /// Writes down a call that is made now, and returns its token.
    pub(crate) fn asks(&self, what: &'static str, repeat: Repeat) -> Token {
        let token = TOKENS.fetch_add(1, Ordering::Relaxed);
        let asked = Asked { what, repeat, came: None, begun: 0, ended_in: Vec::new() };
        self.write(|pages| pages.calls.insert(token, asked));
        token
    }

    /// Waits for a call, whose result must be `expected`, and writes down what became of it.
    pub(crate) async fn settle<T: PartialEq + Debug, E: RpcError + Debug>(
        &self,
        token: Token,
        expected: T,
        call: impl Future<Output = Result<T, CallError<E>>>,
    ) -> bool {
        let mut open = Open { books: self, token, came: Came::Dropped };
        match call.await {
            Ok(answer) => {
                if answer != expected {
                    let text = format!("call {token} was answered {answer:?}, not {expected:?}");
                    self.fault(FaultKind::Untrue, text);
                }
                open.came = Came::Answer;
            }
            Err(error) => open.came = came(&error),
        }
        open.came == Came::Answer
    }

    /// A handler of the call begins.
    pub(crate) fn begins(&self, token: Token) {
        self.write(|pages| {
            if let Some(asked) = pages.calls.get_mut(&token) {
                asked.begun += 1;
            } else {
                pages.fault(FaultKind::Double, format!("call {token} runs, and was never made"));
            }
        });
    }

    /// A handler of the call comes to its end.
    pub(crate) fn ends(&self, token: Token, life: u64) {
        self.write(|pages| {
            if let Some(asked) = pages.calls.get_mut(&token) {
                asked.ended_in.push(life);
            }
        });
    }
}

fn came<E: RpcError + Debug>(error: &CallError<E>) -> Came {
    let text = format!("{error:?}");
    match error.fate() {
        Some(Fate::NotSent) => Came::NotSent(text),
        // An error of the method itself has no fate: the method has run.
        Some(Fate::MaybeExecuted) | None => Came::MaybeExecuted(text),
    }
}

/// A call that is open. If its future is dropped, the call was dropped.
struct Open<'a> {
    books: &'a Books,
    token: Token,
    came: Came,
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.books.write(|pages| {
            if let Some(asked) = pages.calls.get_mut(&self.token) {
                asked.came = Some(self.came.clone());
            }
        });
    }
}
