//! What each end was told of what it asked for, and what each end did.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rpc_core::{CallError, Fate, RpcError};
use tokio::time::Instant;

/// Names one thing that was asked for; its params carry it, so that the other end can say what it did.
pub type Token = u64;

#[derive(Default)]
pub struct Books {
    last: AtomicU64,
    pages: Mutex<Pages>,
    /// Whether the clock goes on by itself, so that a call of a busy machine may take longer than it should.
    has_real_clock: bool,
}

#[derive(Default)]
pub struct Pages {
    pub calls: BTreeMap<Token, Asked>,
    pub runs: HashMap<Token, u32>,
    /// What was wrong at once.
    pub faults: Vec<String>,
    /// The numbers of the notifications that came, by the session, and whether they are the client's.
    pub heard: HashMap<(String, bool), Vec<u64>>,
    /// The numbers that were pushed to the group and came.
    pub pushed: Vec<u64>,
    /// Whether a member may have missed pushes since.
    pub fresh: u64,
    pub resumed: u64,
    pub links: u64,
    /// How often the client began another session by itself.
    pub renewed: u64,
    /// How often the server asked for another link.
    pub moves: u64,
    pub lost_notifications: u64,
    /// What the server has dropped and counted: notifications that it took in and had not begun with when their session
    /// ended.
    pub dropped: u64,
    /// The last notification that the client sent.
    pub noted: u64,
    /// When the client sent that, and when the last session began.
    pub noted_at: Option<Instant>,
    pub fresh_at: Option<Instant>,
    /// What goes on, by number.
    pub steps: BTreeMap<u64, String>,
    pub gaps: u64,
    pub items: u64,
}

/// A call, as its caller sees it.
#[derive(Debug)]
pub struct Asked {
    pub what: &'static str,
    pub may_run_twice: bool,
    pub within: Option<Duration>,
    pub since: Instant,
    pub came: Option<Came>,
}

/// What came of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Came {
    Answer,
    NotRun(String),
    MayHaveRun(String),
    Dropped,
}

impl Books {
    /// Books of ends whose clock is real.
    #[allow(dead_code, reason = "not each test that keeps books has such a clock")]
    pub fn with_real_clock() -> Self {
        Self { has_real_clock: true, ..Self::default() }
    }

    pub fn token(&self) -> Token {
        self.last.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub fn write<R>(&self, entry: impl FnOnce(&mut Pages) -> R) -> R {
        entry(&mut self.pages.lock().unwrap())
    }

    pub fn fault(&self, fault: String) {
        self.write(|pages| pages.faults.push(format!("at {:?}: {fault}", Instant::now())));
    }

    /// What goes on.
    pub fn steps(&self) -> String {
        self.write(|pages| format!("{:?}", pages.steps))
    }

    /// Something goes on until what is returned is dropped.
    pub fn begin(self: &Arc<Self>, step: String) -> Step {
        let number = self.token();
        self.write(|pages| pages.steps.insert(number, step));
        Step { books: self.clone(), number }
    }

    /// A handler of the call has begun.
    pub fn runs(&self, token: Token) {
        self.write(|pages| *pages.runs.entry(token).or_default() += 1);
    }

    /// Writes down what becomes of a call, whose answer must be `expected`.
    pub async fn ask<T: Debug, E: RpcError + Debug>(
        self: Arc<Self>,
        token: Token,
        asked: Asked,
        expected: impl FnOnce(&T) -> bool,
        call: impl Future<Output = Result<T, CallError<E>>>,
    ) -> Option<T> {
        let (what, within) = (asked.what, asked.within);
        self.write(|pages| pages.calls.insert(token, asked));
        let open = OpenCall { books: self.clone(), token, came: Came::Dropped };
        let outcome = call.await;
        let took = self.write(|pages| pages.calls[&token].since.elapsed());
        let is_late = within.is_some_and(|within| took > within + Duration::from_secs(1));
        if is_late && !self.has_real_clock {
            self.fault(format!("{what} {token} took {took:?}: {outcome:?}"));
        }
        let (came, answer) = match outcome {
            Ok(answer) => {
                if !expected(&answer) {
                    self.fault(format!("{what} {token} was answered {answer:?}"));
                }
                (Came::Answer, Some(answer))
            }
            Err(error) => (came(&error), None),
        };
        open.settle(came);
        answer
    }
}

impl Asked {
    pub fn new(what: &'static str, within: Option<Duration>) -> Self {
        Self { what, may_run_twice: false, within, since: Instant::now(), came: None }
    }
}

fn came<E: RpcError + Debug>(error: &CallError<E>) -> Came {
    let text = format!("{error:?}");
    match error.fate() {
        Some(Fate::NotSent) => Came::NotRun(text),
        Some(Fate::MaybeExecuted) | None => Came::MayHaveRun(text),
    }
}

struct OpenCall {
    books: Arc<Books>,
    token: Token,
    came: Came,
}

impl OpenCall {
    fn settle(mut self, came: Came) {
        self.came = came;
    }
}

impl Drop for OpenCall {
    fn drop(&mut self) {
        let came = self.came.clone();
        self.books.write(|pages| {
            if let Some(asked) = pages.calls.get_mut(&self.token) {
                asked.came = Some(came);
            }
        });
    }
}

pub struct Step {
    books: Arc<Books>,
    number: u64,
}

impl Drop for Step {
    fn drop(&mut self) {
        self.books.write(|pages| pages.steps.remove(&self.number));
    }
}
