//! What one caller has: calls that run, answers, and marks of answers that were forgotten early.

use std::cmp::Reverse;
use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use super::marks::Marks;
use super::{Begun, Fingerprint, KEPT};
use crate::util::sync::Arc;

/// What a call takes beside its key and the text of its answer.
pub(super) const CALL: usize = 256;

/// What the mark of a forgotten answer takes.
pub(super) const MARK: usize = 80;

/// What a caller takes beside its name.
pub(super) const CALLER: usize = 512;

/// The order in which callers lose: who has the most first, of equals who came first.
pub(super) type Weight = (usize, Reverse<u64>);

pub(super) struct Owner<R, A> {
    pub(super) name: Arc<str>,
    pub(super) serial: u64,
    pub(super) bytes: usize,
    pub(super) running: usize,
    calls: HashMap<Arc<str>, Call<R, A>>,
    /// The keys of its answers, the oldest first: it makes room among these, however many others there
    /// are.
    answered: VecDeque<Arc<str>>,
    marks: Marks,
    /// When even marks had to go: until then a key that is not known may be one of those.
    blind_until: Option<Duration>,
}

struct Call<R, A> {
    serial: u64,
    /// The mark that would be left of it.
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

    /// What is known of this key, where nothing is over: `None` if it is new.
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

    /// A call begins under a key that is new.
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

    /// The answer, whose text has so many bytes, of a call that runs; whether there is such a call.
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

    /// A call that runs has ended without an answer that could be given again.
    pub(super) fn forget_run(&mut self, key: &str, serial: u64) {
        let runs = |call: &Call<R, A>| matches!(call.state, State::Running(_));
        if self.calls.get(key).is_some_and(|call| call.serial == serial && runs(call)) {
            self.running -= 1;
            self.remove(key);
        }
    }

    /// When the first of what it has is over.
    pub(super) fn due(&self) -> Option<Duration> {
        let answer = self.answered.front().and_then(|key| self.calls.get(key)).and_then(until);
        [answer, self.marks.due(), self.blind_until].into_iter().flatten().min()
    }

    /// Forgets what is over, at most so many; how many that were.
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

    /// Its place among those who make room; `None` if it has nothing that could be forgotten.
    pub(super) fn weight(&self) -> Option<Weight> {
        let has_some = !self.answered.is_empty() || self.marks.len() > 0;
        has_some.then_some((self.bytes, Reverse(self.serial)))
    }

    /// Makes room for others: leaves a mark of its oldest answer; of an owner that has nothing but marks,
    /// forgets the oldest of those. Whether there was something to forget.
    pub(super) fn forget(&mut self) -> bool {
        if self.forget_answer() {
            return true;
        }
        let Some(until) = self.marks.pop() else { return false };
        self.bytes -= MARK;
        self.blind_until = self.blind_until.max(Some(until));
        true
    }

    /// Makes room for a call of its own. Its marks stay, since without them that call could not begin;
    /// and they take no more than half of what it has, so that the latest answers can be given again.
    pub(super) fn forget_for_itself(&mut self) -> bool {
        self.marked() <= self.bytes / 2 && self.forget_answer()
    }

    /// Bytes of its marks.
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

    /// Whether it has nothing any more.
    pub(super) fn is_empty(&self) -> bool {
        self.calls.is_empty() && self.marks.len() == 0 && self.blind_until.is_none()
    }

    /// How many answers can be given again.
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
