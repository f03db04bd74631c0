//! What both ends have asked for, and what both ends have done.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Debug;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

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
    at_work: AtomicUsize,
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

    /// Counts one that works, until the result is dropped.
    pub(crate) fn works(self: &Arc<Self>) -> AtWork {
        self.at_work.fetch_add(1, Ordering::Relaxed);
        AtWork(self.clone())
    }

    /// Returns how many work.
    pub(crate) fn at_work(&self) -> usize {
        self.at_work.load(Ordering::Relaxed)
    }
}

/// One that works.
pub(crate) struct AtWork(Arc<Books>);

impl Drop for AtWork {
    fn drop(&mut self) {
        self.0.at_work.fetch_sub(1, Ordering::Relaxed);
    }
}
