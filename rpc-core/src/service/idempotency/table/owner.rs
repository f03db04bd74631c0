//! The records of one caller: running calls, answers, and marks of answers that were dropped early.

use std::cmp::Reverse;
use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use super::marks::Marks;
use super::{Begun, Fingerprint, KEPT};
use crate::util::sync::Arc;

/// Bytes of a call, without its key and the text of its answer.
pub(super) const CALL: usize = 256;

/// Bytes of the mark of a dropped answer.
pub(super) const MARK: usize = 80;

/// Bytes of a caller, without its name.
pub(super) const CALLER: usize = 512;

/// The order in which callers lose records: most bytes first; of equal callers the one that came first.
pub(super) type Weight = (usize, Reverse<u64>);

pub(super) struct Owner<R, A> {
    pub(super) name: Arc<str>,
    pub(super) serial: u64,
    pub(super) bytes: usize,
    pub(super) running: usize,
    calls: HashMap<Arc<str>, Call<R, A>>,
    /// The keys of the answers, the oldest first. Dropping the oldest costs the same, however many answers there are.
    answered: VecDeque<Arc<str>>,
    marks: Marks,
    /// Set when even marks were dropped. Until this time any unknown key may be one of theirs.
    blind_until: Option<Duration>,
}

struct Call<R, A> {
    serial: u64,
    /// The hash for the mark that the call would leave.
    hash: u64,
    fingerprint: Fingerprint,
    state: State<R, A>,
}

enum State<R, A> {
    Running(R),
    FromAnswer { answer: A, text: usize, until: Duration },
}

impl<R: Clone, A: Clone> Owner<R, A> {
    pub(super) fn new(name: Arc<str>, serial: u64) -> Self {
        Self {
            bytes: CALLER + name.len(),
            name,
            serial,
            running: 0,
            calls: HashMap::new(),
            answered: VecDeque::new(),
            marks: Marks::default(),
            blind_until: None,
        }
    }

    /// Looks up a key, after expired records were dropped. Returns `None` if the key is new.
    pub(super) fn find(
        &self,
        key: &str,
        hash: u64,
        fingerprint: Fingerprint,
    ) -> Option<Begun<R, A>> {
        let Some(call) = self.calls.get(key) else {
            let is_new = self.blind_until.is_none() && !self.marks.contain(hash);
            return (!is_new).then_some(Begun::Forgotten);
        };
        Some(match &call.state {
            _ if call.fingerprint != fingerprint => Begun::Mismatch,
            State::Running(run) => Begun::Wait(run.clone()),
            State::FromAnswer { answer, .. } => Begun::Answer(answer.clone()),
        })
    }

    /// Begins a call under a new key.
    pub(super) fn run(
        &mut self,
        key: Arc<str>,
        serial: u64,
        hash: u64,
        fingerprint: Fingerprint,
        run: R,
    ) {
        self.bytes += CALL + key.len();
        self.running += 1;
        self.calls.insert(key, Call { serial, hash, fingerprint, state: State::Running(run) });
    }

    /// Stores the answer of a running call. `text` is the number of bytes of the answer. Returns whether there is
    /// such a call.
    pub(super) fn answer(
        &mut self,
        key: &Arc<str>,
        serial: u64,
        answer: A,
        text: usize,
        now: Duration,
    ) -> bool {
        let Some(call) = self.calls.get_mut(key).filter(|call| call.serial == serial) else {
            return false;
        };
        call.state = State::FromAnswer { answer, text, until: now + KEPT };
        self.bytes += text;
        self.running -= 1;
        self.answered.push_back(key.clone());
        true
    }

    /// Removes a running call that has ended without an answer to repeat.
    pub(super) fn forget_run(&mut self, key: &str, serial: u64) {
        let runs = |call: &Call<R, A>| matches!(call.state, State::Running(_));
        if self.calls.get(key).is_some_and(|call| call.serial == serial && runs(call)) {
            self.running -= 1;
            self.remove(key);
        }
    }

    /// Returns when the next record expires.
    pub(super) fn due(&self) -> Option<Duration> {
        let answer = self.answered.front().and_then(|key| self.calls.get(key)).and_then(until);
        [answer, self.marks.due(), self.blind_until].into_iter().flatten().min()
    }

    /// Drops at most `most` expired records, and returns how many.
    pub(super) fn expire(&mut self, now: Duration, most: usize) -> usize {
        let is_over = |due: Option<Duration>| due.is_some_and(|due| due <= now);
        if is_over(self.blind_until) {
            self.blind_until = None;
        }
        let mut count = 0;
        while count < most && is_over(self.due()) {
            count += 1;
            if is_over(self.marks.due()) {
                self.marks.pop();
                self.bytes -= MARK;
            } else if let Some(key) = self.answered.pop_front() {
                self.remove(&key);
            }
        }
        count
    }

    /// Returns the place in the order of losers, or `None` if there is no record that can be dropped.
    pub(super) fn weight(&self) -> Option<Weight> {
        let has_some = !self.answered.is_empty() || self.marks.len() > 0;
        has_some.then_some((self.bytes, Reverse(self.serial)))
    }

    /// Makes room for other callers: replaces the oldest answer by a mark, or drops the oldest mark if there is no
    /// answer. Returns whether there was a record to drop.
    pub(super) fn forget(&mut self) -> bool {
        if self.forget_answer() {
            return true;
        }
        let Some(until) = self.marks.pop() else { return false };
        self.bytes -= MARK;
        self.blind_until = self.blind_until.max(Some(until));
        true
    }

    /// Makes room for a call of the same caller. Marks stay, because without them the call could not begin. Marks
    /// take no more than half of the caller's bytes, so that the latest answers can be repeated.
    pub(super) fn forget_for_itself(&mut self) -> bool {
        self.marked() <= self.bytes / 2 && self.forget_answer()
    }

    /// Returns the bytes of the marks.
    pub(super) fn marked(&self) -> usize {
        MARK * self.marks.len()
    }

    fn forget_answer(&mut self) -> bool {
        let Some(key) = self.answered.pop_front() else { return false };
        if let Some(call) = self.remove(&key)
            && let Some(until) = until(&call)
        {
            self.marks.push(call.hash, until);
            self.bytes += MARK;
        }
        true
    }

    fn remove(&mut self, key: &str) -> Option<Call<R, A>> {
        let call = self.calls.remove(key)?;
        let text = if let State::FromAnswer { text, .. } = call.state { text } else { 0 };
        self.bytes -= CALL + key.len() + text;
        if self.calls.len() * 4 < self.calls.capacity() {
            self.calls.shrink_to(self.calls.len() * 2);
            self.answered.shrink_to(self.answered.len() * 2);
        }
        Some(call)
    }

    /// Returns whether there are no records.
    pub(super) fn is_empty(&self) -> bool {
        self.calls.is_empty() && self.marks.len() == 0 && self.blind_until.is_none()
    }

    /// Returns the number of stored answers.
    #[cfg(test)]
    pub(super) fn answers(&self) -> usize {
        self.answered.len()
    }
}

fn until<R, A>(call: &Call<R, A>) -> Option<Duration> {
    match call.state {
        State::Running(_) => None,
        State::FromAnswer { until, .. } => Some(until),
    }
}
