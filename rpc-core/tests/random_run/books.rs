//! What each end was told of what it asked for, and what each end did.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rpc_core::{CallError, Fate, NotifyError};
use serde::Serialize;
use tokio::time::Instant;

use super::flows::Bells;

/// Names one thing that was asked for; its params carry it, so that the other end can say what it did.
pub type Token = u64;

#[derive(Default)]
pub struct Books {
    last: AtomicU64,
    /// Grows with each entry: who waits while it does not grow waits for ever.
    entries: AtomicU64,
    pages: Mutex<Pages>,
    pub bells: Bells,
}

#[derive(Default)]
pub struct Pages {
    pub calls: BTreeMap<Token, Vec<Asked>>,
    /// Each with how it was sent.
    pub notes: BTreeMap<Token, Vec<(&'static str, Noted)>>,
    /// Of calls and notifications alike.
    pub runs: BTreeMap<Token, Runs>,
    pub flows: BTreeMap<Token, Flow>,
    /// What was wrong at once.
    pub faults: Vec<String>,
}

/// A call, as its caller sees it.
#[derive(Debug)]
pub struct Asked {
    pub what: &'static str,
    pub terms: Terms,
    /// Since when its caller waits.
    pub since: Instant,
    pub until: Option<Instant>,
    pub came: Option<Came>,
}

/// On which terms it was made.
#[derive(Debug, Clone, Copy, Default)]
pub struct Terms {
    /// The latest that its answer may come; none if that moves or there is no deadline.
    pub within: Option<Duration>,
    /// Whether nothing of what it does takes nearly as long as its deadline, and no handler's deadline
    /// holds for it.
    pub has_time: bool,
    /// Whether others are made under the same token, which is then done once.
    pub keyed: bool,
}

/// What came of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Came {
    /// This result.
    Answer(String),
    /// The method's own error.
    Refused,
    /// It was not run, as the caller was told.
    NotRun(String),
    /// It may have run, as the caller was told.
    MayHaveRun(String),
    /// Its deadline was over, and it may have run.
    Late,
    /// The caller did not wait.
    Dropped,
}

/// What came of a notification.
#[derive(Debug, PartialEq, Eq)]
pub enum Noted {
    /// The queue took it, or the queues of so many members of a group.
    Entered(usize),
    NotSent(String),
    Dropped,
}

/// How often it was run.
#[derive(Debug, Default)]
pub struct Runs {
    pub begun: usize,
    /// Not only begun but done.
    pub done: usize,
    pub alive: usize,
}

/// A stream: what its source gave, and what its taker got.
#[derive(Debug, Default)]
pub struct Flow {
    pub what: &'static str,
    /// Whether its source may have to give up items.
    pub lossy: bool,
    /// Whether its items are those of another stream, which may end in any way.
    pub passes_on: bool,
    /// Whether its end is told, and every loss.
    pub counted: bool,
    pub made: u64,
    pub source: Source,
    /// How many items its taker knows of, those that were missing included.
    pub known: u64,
    pub missed: u64,
    pub taker: Taker,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub enum Source {
    #[default]
    Open,
    Done,
    Failed,
    Dropped,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub enum Taker {
    /// Nobody takes it.
    #[default]
    None,
    /// Someone waits for more.
    Waits,
    Done,
    Failed,
    Cancelled,
    Closed,
    Left,
}

/// The error with which methods of this run fail on purpose.
pub const ON_PURPOSE: i64 = 77;

impl Books {
    pub fn token(&self) -> Token {
        self.last.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub fn entries(&self) -> u64 {
        self.entries.load(Ordering::Relaxed)
    }

    pub fn write<R>(&self, entry: impl FnOnce(&mut Pages) -> R) -> R {
        self.entries.fetch_add(1, Ordering::Relaxed);
        entry(&mut self.pages.lock().unwrap())
    }

    pub fn read<R>(&self, look: impl FnOnce(&Pages) -> R) -> R {
        look(&self.pages.lock().unwrap())
    }

    pub fn fault(&self, fault: String) {
        self.write(|pages| pages.faults.push(fault));
    }

    /// Writes down what becomes of a call.
    pub fn ask<T: Serialize, E, C: Future<Output = Result<T, CallError<E>>>>(
        self: &Arc<Self>,
        what: &'static str,
        token: Token,
        terms: Terms,
        call: C,
    ) -> impl Future<Output = Option<T>> + use<T, E, C> {
        self.ask_for(what, token, terms, call, |answer| {
            serde_json::to_string(answer).unwrap_or_else(|error| error.to_string())
        })
    }

    /// The same of an answer of which `show` makes a text.
    pub fn ask_for<T, E, C: Future<Output = Result<T, CallError<E>>>>(
        self: &Arc<Self>,
        what: &'static str,
        token: Token,
        terms: Terms,
        call: C,
        show: fn(&T) -> String,
    ) -> impl Future<Output = Option<T>> + use<T, E, C> {
        let number = self.write(|pages| {
            let asked = Asked { what, terms, since: Instant::now(), until: None, came: None };
            let all = pages.calls.entry(token).or_default();
            all.push(asked);
            all.len() - 1
        });
        let open = OpenCall { books: self.clone(), token, number };
        async move {
            open.is_awaited();
            let outcome = call.await;
            let (came, answer) = match outcome {
                Ok(answer) => (Came::Answer(show(&answer)), Some(answer)),
                Err(error) => (open.books.came(what, token, error), None),
            };
            open.settle(came);
            answer
        }
    }

    fn came<E>(&self, what: &str, token: Token, error: CallError<E>) -> Came {
        match error {
            CallError::Method(_) => Came::Refused,
            CallError::Busy => Came::NotRun("busy".into()),
            CallError::Encode(why) => Came::NotRun(why.to_string()),
            CallError::Timeout { fate: Fate::MaybeExecuted, .. } => Came::Late,
            CallError::Timeout { fate: Fate::NotSent, .. } => Came::NotRun("late".into()),
            CallError::Cancelled { fate } => told(fate, "cancelled"),
            CallError::Closed { reason, fate } => told(fate, &format!("closed: {reason}")),
            CallError::Remote(error) => match error.code {
                ON_PURPOSE => Came::Refused,
                // A hello that was not said, an answer without room, too many streams, a shutdown.
                -32602 if error.message.contains("$/hello") => Came::NotRun(error.message),
                -32006 | -32008 | -32011 | -32014 => Came::MayHaveRun(error.message),
                _ => {
                    self.fault(format!("{what} {token}: an error of nobody's: {error:?}"));
                    Came::MayHaveRun(error.message)
                }
            },
            CallError::Decode(why) => {
                self.fault(format!("{what} {token}: cannot be read: {why}"));
                Came::MayHaveRun(why.to_string())
            }
            _ => Came::MayHaveRun("unknown".into()),
        }
    }

    /// Writes down what becomes of a notification.
    pub fn note<N: Future<Output = Result<(), NotifyError>>>(
        self: &Arc<Self>,
        how: &'static str,
        token: Token,
        notify: N,
    ) -> impl Future<Output = ()> + use<N> {
        let open = OpenNote { books: self.clone(), how, token, told: None };
        async move {
            let told = notify.await;
            open.settle(told.map(|()| 1));
        }
    }

    pub fn noted(
        self: &Arc<Self>,
        how: &'static str,
        token: Token,
        told: Result<usize, NotifyError>,
    ) {
        OpenNote { books: self.clone(), how, token, told: None }.settle(told);
    }

    /// A notification of which its sender will not hear.
    pub fn note_dropped(self: &Arc<Self>, how: &'static str, token: Token) {
        drop(OpenNote { books: self.clone(), how, token, told: None });
    }

    /// It runs, until what is returned is dropped.
    pub fn runs(self: &Arc<Self>, token: Token) -> Run {
        self.write(|pages| {
            let runs = pages.runs.entry(token).or_default();
            runs.begun += 1;
            runs.alive += 1;
        });
        Run { books: self.clone(), token }
    }
}

fn told(fate: Fate, what: &str) -> Came {
    match fate {
        Fate::NotSent => Came::NotRun(what.to_owned()),
        Fate::MaybeExecuted => Came::MayHaveRun(what.to_owned()),
    }
}

struct OpenCall {
    books: Arc<Books>,
    token: Token,
    number: usize,
}

impl OpenCall {
    /// Whoever looks late sees late what came in time.
    fn is_awaited(&self) {
        self.change(|asked| asked.since = Instant::now());
    }

    fn change(&self, change: impl FnOnce(&mut Asked)) {
        self.books.write(|pages| {
            let all = pages.calls.get_mut(&self.token).expect("written before");
            change(&mut all[self.number]);
        });
    }

    fn settle(&self, came: Came) {
        self.change(|asked| {
            if asked.came.is_none() {
                (asked.came, asked.until) = (Some(came), Some(Instant::now()));
            }
        });
    }
}

impl Drop for OpenCall {
    fn drop(&mut self) {
        self.settle(Came::Dropped);
    }
}

struct OpenNote {
    books: Arc<Books>,
    how: &'static str,
    token: Token,
    told: Option<Noted>,
}

impl OpenNote {
    fn settle(mut self, told: Result<usize, NotifyError>) {
        self.told = Some(match told {
            Ok(queues) => Noted::Entered(queues),
            Err(error) => Noted::NotSent(error.to_string()),
        });
    }
}

impl Drop for OpenNote {
    fn drop(&mut self) {
        let told = self.told.take().unwrap_or(Noted::Dropped);
        self.books.write(|pages| pages.notes.entry(self.token).or_default().push((self.how, told)));
    }
}

/// A handler that runs.
pub struct Run {
    books: Arc<Books>,
    token: Token,
}

impl Run {
    /// It has done what was asked.
    pub fn ends(self) {
        self.change(|runs| runs.done += 1);
    }

    fn change(&self, change: impl FnOnce(&mut Runs)) {
        self.books.write(|pages| change(pages.runs.get_mut(&self.token).expect("it has begun")));
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        self.change(|runs| runs.alive -= 1);
    }
}
