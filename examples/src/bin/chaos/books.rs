//! What both ends have asked for, and what both ends have done.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::fmt::Debug;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use rpc_core::{CallError, Fate, RpcError};

use crate::contract::Token;

mod calls;
mod event;
mod fault;
mod messages;

pub(crate) use calls::{Asked, Came, Repeat};
pub(crate) use event::Event;
pub(crate) use fault::{Fault, FaultKind};
pub(crate) use messages::{ClientPage, SessionPage};

/// The books of both ends.
#[derive(Default)]
pub(crate) struct Books {
    pages: Mutex<Pages>,
    /// Set when nothing new is to be begun.
    is_over: AtomicBool,
    /// Set when the network is to do no more harm.
    is_calm: AtomicBool,
    /// Who is at work, and at what.
    at_work: Mutex<BTreeMap<u64, String>>,
    workers: AtomicU64,
}

#[derive(Default)]
pub(crate) struct Pages {
    pub(crate) calls: BTreeMap<Token, Asked>,
    pub(crate) clients: Vec<ClientPage>,
    /// The sessions of all servers, by the id of their peer at the server.
    pub(crate) sessions: HashMap<String, SessionPage>,
    /// The lives of the server that ended in a crash, so that nobody was told the end of their sessions.
    pub(crate) crashed: HashSet<u64>,
    pub(crate) counts: BTreeMap<Event, u64>,
    /// What was wrong at once.
    pub(crate) faults: Vec<Fault>,
}

impl Pages {
    pub(crate) fn count(&mut self, event: Event, times: u64) {
        *self.counts.entry(event).or_default() += times;
    }

    pub(crate) fn fault(&mut self, kind: FaultKind, text: impl Into<String>) {
        self.faults.push(Fault::new(kind, text));
    }
}

impl Books {
    pub(crate) fn new(clients: usize) -> Self {
        let books = Self::default();
        books.write(|pages| pages.clients.resize_with(clients, ClientPage::default));
        books
    }

    pub(crate) fn write<R>(&self, entry: impl FnOnce(&mut Pages) -> R) -> R {
        entry(&mut self.pages.lock().expect("nobody panics over the books"))
    }

    pub(crate) fn count(&self, event: Event, times: u64) {
        self.write(|pages| pages.count(event, times));
    }

    pub(crate) fn fault(&self, kind: FaultKind, text: impl Into<String>) {
        self.write(|pages| pages.fault(kind, text));
    }

    pub(crate) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    pub(crate) fn is_calm(&self) -> bool {
        self.is_calm.load(Ordering::Relaxed)
    }

    /// Nothing new is begun from now on, and the network does no more harm.
    pub(crate) fn calm_down(&self) {
        self.is_over.store(true, Ordering::Relaxed);
        self.is_calm.store(true, Ordering::Relaxed);
    }

    /// Lists one who is at work for `whom`, until the result is dropped.
    pub(crate) fn works(self: &Arc<Self>, whom: String) -> AtWork {
        let number = self.workers.fetch_add(1, Ordering::Relaxed);
        let work = AtWork { books: self.clone(), number, whom };
        work.at("the beginning");
        work
    }

    /// Returns who is at work, and at what.
    pub(crate) fn at_work(&self) -> Vec<String> {
        self.workers_list().values().cloned().collect()
    }

    fn workers_list(&self) -> MutexGuard<'_, BTreeMap<u64, String>> {
        self.at_work.lock().expect("nobody panics over the list")
    }
}

/// One who is at work.
pub(crate) struct AtWork {
    books: Arc<Books>,
    number: u64,
    whom: String,
}

impl AtWork {
    /// The one is at this from now on.
    pub(crate) fn at(&self, what: &str) {
        let text = format!("{}: {what}", self.whom);
        self.books.workers_list().insert(self.number, text);
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        self.books.workers_list().remove(&self.number);
    }
}
