//! Answers that are given again, by who asked for them and under which key.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Duration;

use crate::extras::LONGEST_KEY;
use crate::sync::Arc;

/// So long an answer is kept.
pub(crate) const KEPT: Duration = Duration::from_secs(300);

/// One caller has at most this part of the room, and of the calls that may run.
const SHARE: usize = 8;

/// What an answer takes beside its text and its key.
const OVERHEAD: usize = 256;

/// Calls under a key, those that run (`R` tells what they come to) and those that have come to an
/// answer `A`.
pub(crate) struct Table<R, A> {
    callers: HashMap<Arc<str>, Caller<R, A>>,
    /// Answers by a number that tells the order in which they were given, and so in which their time is over.
    given: BTreeMap<u64, Given>,
    bytes: usize,
    running: usize,
    next_serial: u64,
    next_given: u64,
    /// Whether someone looks after those whose time is over.
    pub(crate) is_swept: bool,
}

struct Caller<R, A> {
    calls: HashMap<Box<str>, Call<R, A>>,
    /// The numbers of its answers, the oldest first: it makes room among these, however many others there
    /// are.
    given: VecDeque<u64>,
    bytes: usize,
    running: usize,
}

struct Call<R, A> {
    serial: u64,
    fingerprint: Fingerprint,
    state: State<R, A>,
}

enum State<R, A> {
    Running(R),
    Answered { answer: A, bytes: usize },
}

struct Given {
    name: Name,
    until: Duration,
}

/// Names one call; never two, though its key is used again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name {
    caller: Arc<str>,
    key: Box<str>,
    serial: u64,
}

/// What is called, so far as it must be the same again: the method, and a hash and the length of the
/// params. Whoever finds two params with the same hash has cheated nobody but himself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fingerprint {
    pub(crate) method: usize,
    pub(crate) hash: u64,
    pub(crate) length: usize,
}

/// What a call under a key comes to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Begun<R, A> {
    /// It is the first.
    Run(Name),
    /// Another one runs.
    Wait(R),
    /// Another one has come to this answer.
    Answer(A),
    /// The key was used for something else.
    Mismatch,
    /// Too many run.
    Full,
}

impl<R: Clone, A: Clone> Table<R, A> {
    pub(crate) fn new() -> Self {
        Self {
            callers: HashMap::new(),
            given: BTreeMap::new(),
            bytes: 0,
            running: 0,
            next_serial: 0,
            next_given: 0,
            is_swept: false,
        }
    }

    /// A call of `caller` under `key`; `run` is what those wait for who come while it runs. At most
    /// `most` run at once.
    pub(crate) fn begin(
        &mut self,
        caller: &Arc<str>,
        key: &str,
        fingerprint: Fingerprint,
        most: usize,
        now: Duration,
        run: impl FnOnce() -> R,
    ) -> Begun<R, A> {
        self.sweep(now);
        if let Some(call) = self.callers.get(caller).and_then(|caller| caller.calls.get(key)) {
            return match &call.state {
                _ if call.fingerprint != fingerprint => Begun::Mismatch,
                State::Running(run) => Begun::Wait(run.clone()),
                State::Answered { answer, .. } => Begun::Answer(answer.clone()),
            };
        }
        let of_caller = self.callers.get(caller).map_or(0, |caller| caller.running);
        if self.running >= most || of_caller >= most.div_ceil(SHARE) {
            return Begun::Full;
        }
        self.next_serial += 1;
        self.running += 1;
        let serial = self.next_serial;
        let entry = self.callers.entry(caller.clone()).or_insert_with(|| Caller {
            calls: HashMap::new(),
            given: VecDeque::new(),
            bytes: 0,
            running: 0,
        });
        entry.running += 1;
        entry.calls.insert(key.into(), Call { serial, fingerprint, state: State::Running(run()) });
        Begun::Run(Name { caller: caller.clone(), key: key.into(), serial })
    }

    /// Keeps the answer, whose text has so many bytes, of a call that ran; within `room` for all,
    /// which the oldest answers make.
    pub(crate) fn answer(
        &mut self,
        name: &Name,
        answer: A,
        bytes: usize,
        room: usize,
        now: Duration,
    ) {
        let bytes = bytes + name.key.len() + OVERHEAD;
        let Some(caller) = self.callers.get_mut(&name.caller) else { return };
        let Some(call) = caller.calls.get_mut(&name.key).filter(|it| it.serial == name.serial)
        else {
            return;
        };
        call.state = State::Answered { answer, bytes };
        caller.running -= 1;
        caller.bytes += bytes;
        caller.given.push_back(self.next_given);
        self.running -= 1;
        self.bytes += bytes;
        self.given.insert(self.next_given, Given { name: name.clone(), until: now + KEPT });
        self.next_given += 1;
        self.make_room(&name.caller, room);
    }

    fn make_room(&mut self, caller: &Arc<str>, room: usize) {
        while self.bytes > room
            && let Some(oldest) = self.given.keys().next().copied()
        {
            self.take_back(oldest);
        }
        while let Some(caller) = self.callers.get(caller)
            && caller.bytes > room / SHARE
            && let Some(&oldest) = caller.given.front()
        {
            self.take_back(oldest);
        }
    }

    /// Forgets the answer of this number, which is its caller's oldest.
    fn take_back(&mut self, number: u64) {
        let Some(Given { name, .. }) = self.given.remove(&number) else { return };
        if let Some(caller) = self.callers.get_mut(&name.caller) {
            caller.given.pop_front();
        }
        self.remove(&name);
    }

    /// A call under a key has ended without an answer that could be given again.
    pub(crate) fn forget(&mut self, name: &Name) {
        self.remove(name);
    }

    /// Forgets all that a caller has, who will never come again.
    pub(crate) fn forget_caller(&mut self, caller: &str) {
        let Some(gone) = self.callers.remove(caller) else { return };
        self.bytes -= gone.bytes;
        self.running -= gone.running;
        for number in gone.given {
            self.given.remove(&number);
        }
    }

    /// Forgets the answers whose time is over; when that of the next one is.
    pub(crate) fn sweep(&mut self, now: Duration) -> Option<Duration> {
        while let Some((&oldest, given)) = self.given.first_key_value() {
            if given.until > now {
                return Some(given.until);
            }
            self.take_back(oldest);
        }
        None
    }

    fn remove(&mut self, name: &Name) {
        let Some(caller) = self.callers.get_mut(&name.caller) else { return };
        let Some(call) = caller.calls.get(&name.key).filter(|it| it.serial == name.serial) else {
            return;
        };
        match &call.state {
            State::Running(_) => {
                caller.running -= 1;
                self.running -= 1;
            }
            State::Answered { bytes, .. } => {
                caller.bytes -= bytes;
                self.bytes -= bytes;
            }
        }
        caller.calls.remove(&name.key);
        if caller.calls.is_empty() {
            self.callers.remove(&name.caller);
        }
    }

    /// The longest answer that is kept, where there is so much room for all.
    pub(crate) fn largest(room: usize) -> usize {
        (room / SHARE).saturating_sub(OVERHEAD + LONGEST_KEY)
    }

    /// Bytes of all that is kept.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use super::*;

    type TestTable = Table<&'static str, &'static str>;

    fn pay(hash: u64) -> Fingerprint {
        Fingerprint { method: 0, hash, length: 1 }
    }

    fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn begin(
        table: &mut TestTable,
        caller: &str,
        key: &str,
        now: u64,
    ) -> Begun<&'static str, &'static str> {
        table.begin(&caller.into(), key, pay(1), 16, secs(now), || "running")
    }

    fn run(table: &mut TestTable, caller: &str, key: &str, now: u64) -> Name {
        match begin(table, caller, key, now) {
            Begun::Run(name) => name,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_repeat_waits_for_the_first_and_then_gets_its_answer() {
        let mut table = TestTable::new();
        let name = run(&mut table, "ada", "k", 0);
        assert_eq!(begin(&mut table, "ada", "k", 1), Begun::Wait("running"));
        table.answer(&name, "paid", 4, 10_000, secs(2));
        assert_eq!(begin(&mut table, "ada", "k", 301), Begun::Answer("paid"));
        assert!(
            matches!(begin(&mut table, "ada", "k", 302), Begun::Run(_)),
            "five minutes are over"
        );
    }

    #[test]
    fn a_key_belongs_to_its_caller_and_to_one_call() {
        let mut table = TestTable::new();
        let name = run(&mut table, "ada", "k", 0);
        table.answer(&name, "paid", 4, 10_000, secs(0));
        run(&mut table, "eve", "k", 0);
        let other = table.begin(&"ada".into(), "k", pay(2), 16, secs(0), || "other");
        assert_eq!(other, Begun::Mismatch);
    }

    #[test]
    fn what_came_to_no_answer_leaves_nothing() {
        let mut table = TestTable::new();
        let name = run(&mut table, "ada", "k", 0);
        table.forget(&name);
        let again = run(&mut table, "ada", "k", 0);
        table.forget(&name);
        table.answer(&name, "late", 4, 10_000, secs(0));
        assert_eq!(begin(&mut table, "ada", "k", 0), Begun::Wait("running"));
        table.forget(&again);
        assert!(table.callers.is_empty() && table.running == 0);
    }

    #[test]
    fn no_more_run_than_may_and_one_caller_has_a_share() {
        let mut table = TestTable::new();
        run(&mut table, "ada", "1", 0);
        let second = run(&mut table, "ada", "2", 0);
        assert_eq!(begin(&mut table, "ada", "3", 0), Begun::Full);
        for caller in ["b", "c", "d", "e", "f", "g", "h"] {
            run(&mut table, caller, "1", 0);
            run(&mut table, caller, "2", 0);
        }
        assert_eq!(begin(&mut table, "i", "1", 0), Begun::Full);
        table.forget(&second);
        run(&mut table, "i", "1", 0);
    }

    #[test]
    fn the_oldest_answers_make_room_first_those_of_the_same_caller() {
        let mut table = TestTable::new();
        let room = SHARE * 2 * (OVERHEAD + 1 + 4);
        let mut answer = |caller: &str, key: &str, now| {
            let name = run(&mut table, caller, key, now);
            table.answer(&name, "paid", 4, room, secs(now));
            table.bytes()
        };
        answer("eve", "1", 0);
        answer("ada", "1", 1);
        answer("ada", "2", 2);
        answer("ada", "3", 3);
        let mut answered =
            |caller: &str, key| matches!(begin(&mut table, caller, key, 4), Begun::Answer(_));
        assert!(answered("eve", "1") && answered("ada", "2") && answered("ada", "3"));
        assert!(!answered("ada", "1"), "a third was too much for one");

        let mut table = TestTable::new();
        for caller in 0..100 {
            let name = run(&mut table, &caller.to_string(), "k", caller);
            table.answer(&name, "paid", 4, room, secs(caller));
            assert!(table.bytes() <= room);
        }
        assert!(matches!(begin(&mut table, "99", "k", 100), Begun::Answer(_)));
        assert!(matches!(begin(&mut table, "0", "k", 100), Begun::Run(_)));
    }

    #[test]
    fn who_never_comes_again_is_forgotten() {
        let mut table = TestTable::new();
        let name = run(&mut table, "ada", "k", 0);
        table.answer(&name, "paid", 4, 10_000, secs(0));
        run(&mut table, "ada", "running", 0);
        table.forget_caller("ada");
        assert!(table.callers.is_empty() && table.given.is_empty());
        assert_eq!((table.bytes(), table.running), (0, 0));
        assert_eq!(table.sweep(secs(9)), None);
    }
}
