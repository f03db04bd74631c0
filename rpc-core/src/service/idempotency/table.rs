//! Stored answers, by caller and key.
//!
//! The caller with the most bytes makes room. So no caller loses an answer to others while it has less than its
//! share. An answer that is dropped early leaves a mark. If there is no room for the mark either, the table remembers
//! for the caller that any unknown key may have been such a key, for as long as the answer would have been stored. So
//! no call runs twice, whatever other callers do.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use crate::util::sync::Arc;

mod marks;
mod owner;
mod pool;

use pool::{Pool, Share};

/// How long an answer is stored.
pub(crate) const KEPT: Duration = Duration::from_secs(300);

/// The share of callers without a name is one part in this many. An answer longer than this part is not stored.
const PART: usize = 8;

/// Calls under a key: running calls, with a handle `R` to wait for their answer, and ended calls with an answer `A`.
pub(crate) struct Table<R, A> {
    named: Pool<R, A>,
    unnamed: Pool<R, A>,
    hasher: RandomState,
    next_serial: u64,
}

/// A caller. A caller without a name cannot come again after its connection has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(crate) name: Arc<str>,
    pub(crate) is_named: bool,
}

/// The limits for all callers together.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Room {
    /// The most bytes of all records.
    pub(crate) bytes: usize,
    /// The most running calls.
    pub(crate) running: usize,
}

impl Room {
    fn of(self, caller: &Caller) -> Share {
        let (bytes, running) = (self.bytes / PART, self.running.div_ceil(PART));
        if caller.is_named {
            let running = self.running.saturating_sub(running).max(1);
            Share { bytes: self.bytes - bytes, running }
        } else {
            Share { bytes, running }
        }
    }

    /// Returns the most bytes of an answer that is stored.
    pub(crate) fn longest(self) -> usize {
        self.bytes / PART
    }
}

/// The identity of one call. It is unique, even if the key is used again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name {
    caller: Caller,
    key: Arc<str>,
    serial: u64,
}

/// The parts of a call that must be equal in a repeat: the method, and hash and length of the params. A caller that
/// finds two params with the same hash deceives only itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fingerprint {
    pub(crate) method: usize,
    pub(crate) hash: u64,
    pub(crate) length: usize,
}

/// The result of a call under a key.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Begun<R, A> {
    /// This is the first call.
    Run(Name),
    /// An earlier call runs.
    Wait(R),
    /// An earlier call has ended with this answer.
    Answer(A),
    /// The key was used for another call.
    Mismatch,
    /// An earlier call has run, or may have run; its answer was dropped early.
    Forgotten,
    /// There is no room for the call.
    Busy(Lack),
}

/// The resource that is short.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lack {
    /// The number of running calls.
    Running,
    /// Bytes. Some will be free after this time, if the time is known.
    Room(Option<Duration>),
}

impl<R: Clone, A: Clone> Table<R, A> {
    pub(crate) fn new() -> Self {
        let (named, unnamed, hasher) = (Pool::new(), Pool::new(), RandomState::new());
        Self { named, unnamed, hasher, next_serial: 0 }
    }

    fn pool(&mut self, caller: &Caller) -> &mut Pool<R, A> {
        if caller.is_named { &mut self.named } else { &mut self.unnamed }
    }

    /// Begins a call of `caller` under `key`, within `room`. `run` creates the handle on which repeats wait while the
    /// call runs.
    pub(crate) fn begin(
        &mut self,
        caller: &Caller,
        key: &str,
        fingerprint: Fingerprint,
        room: Room,
        now: Duration,
        run: impl FnOnce() -> R,
    ) -> Begun<R, A> {
        self.next_serial += 1;
        let name = Name { caller: caller.clone(), key: key.into(), serial: self.next_serial };
        let mut share = room.of(caller);
        if self.running() >= room.running {
            share.running = 0;
        }
        let hash = self.hasher.hash_one(key);
        self.pool(caller).begin(name, hash, fingerprint, share, now, run)
    }

    /// Stores the answer of a running call, within `room`. `text` is the number of bytes of the answer.
    pub(crate) fn answer(
        &mut self,
        name: &Name,
        answer: A,
        text: usize,
        room: Room,
        now: Duration,
    ) {
        let share = room.of(&name.caller);
        self.pool(&name.caller).answer(name, answer, text, share.bytes, now);
    }

    /// Removes a call that has ended without an answer to repeat.
    pub(crate) fn forget(&mut self, name: &Name) {
        self.pool(&name.caller).forget(name);
    }

    /// Removes all records of a caller that will never come again. Drop the returned value without a lock.
    pub(crate) fn forget_caller(&mut self, caller: &Caller) -> Option<impl Sized + use<R, A>> {
        self.pool(caller).forget_caller(&caller.name)
    }

    /// Drops expired records, about `most` of them. Returns when the next record expires, which may be now.
    pub(crate) fn sweep(&mut self, now: Duration, most: usize) -> Option<Duration> {
        let mut left = most;
        for pool in [&mut self.named, &mut self.unnamed] {
            while left > 0 {
                let count = pool.expire(now, left);
                if count == 0 {
                    break;
                }
                left -= count;
            }
        }
        self.due()
    }

    /// Returns when the next record expires.
    pub(crate) fn due(&self) -> Option<Duration> {
        [self.named.due(), self.unnamed.due()].into_iter().flatten().min()
    }

    /// Returns the bytes of all records.
    pub(crate) fn bytes(&self) -> usize {
        self.named.bytes() + self.unnamed.bytes()
    }

    /// Returns the number of running calls.
    pub(crate) fn running(&self) -> usize {
        self.named.running() + self.unnamed.running()
    }
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use super::owner::{CALL, CALLER, MARK};
    use super::*;

    type TestTable = Table<&'static str, &'static str>;
    type TestBegun = Begun<&'static str, &'static str>;

    const ROOM: Room = Room { bytes: 100_000, running: 16 };

    fn pay(hash: u64) -> Fingerprint {
        Fingerprint { method: 0, hash, length: 1 }
    }

    fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// A caller with a name, unless the name begins with `#`.
    fn caller(name: &str) -> Caller {
        Caller { name: name.into(), is_named: !name.starts_with('#') }
    }

    fn begin(table: &mut TestTable, name: &str, key: &str, room: Room, now: u64) -> TestBegun {
        table.begin(&caller(name), key, pay(1), room, secs(now), || "running")
    }

    fn run(table: &mut TestTable, name: &str, key: &str, room: Room, now: u64) -> Name {
        match begin(table, name, key, room, now) {
            Begun::Run(name) => name,
            other => panic!("{name} {key}: {other:?}"),
        }
    }

    /// Runs a call, and answers with a text of this many bytes.
    fn pays(table: &mut TestTable, name: &str, key: &str, text: usize, room: Room, now: u64) {
        let run = run(table, name, key, room, now);
        table.answer(&run, "paid", text, room, secs(now));
    }

    fn check(table: &TestTable, room: Room) {
        for (pool, is_named) in [(&table.named, true), (&table.unnamed, false)] {
            pool.check();
            let share = room.of(&Caller { name: "".into(), is_named });
            assert!(pool.bytes() <= share.bytes, "{} of {}", pool.bytes(), share.bytes);
        }
    }

    #[test]
    fn a_repeat_waits_for_the_first_and_then_gets_its_answer() {
        let mut table = TestTable::new();
        let name = run(&mut table, "ada", "k", ROOM, 0);
        assert_eq!(begin(&mut table, "ada", "k", ROOM, 1), Begun::Wait("running"));
        table.answer(&name, "paid", 4, ROOM, secs(2));
        assert_eq!(begin(&mut table, "ada", "k", ROOM, 301), Begun::Answer("paid"));
        run(&mut table, "ada", "k", ROOM, 302); // five minutes are over
    }

    #[test]
    fn a_key_belongs_to_its_caller_and_to_one_call() {
        let mut table = TestTable::new();
        pays(&mut table, "ada", "k", 4, ROOM, 0);
        run(&mut table, "eve", "k", ROOM, 0);
        let other = table.begin(&caller("ada"), "k", pay(2), ROOM, secs(0), || "other");
        assert_eq!(other, Begun::Mismatch);
        // No caller can have the name of a connection.
        let unnamed = Caller { name: "ada".into(), is_named: false };
        let other = table.begin(&unnamed, "k", pay(1), ROOM, secs(0), || "other");
        assert!(matches!(other, Begun::Run(_)));
    }

    #[test]
    fn what_came_to_no_answer_leaves_nothing() {
        let mut table = TestTable::new();
        let name = run(&mut table, "ada", "k", ROOM, 0);
        table.forget(&name);
        let again = run(&mut table, "ada", "k", ROOM, 0);
        table.forget(&name);
        table.answer(&name, "late", 4, ROOM, secs(0));
        assert_eq!(begin(&mut table, "ada", "k", ROOM, 0), Begun::Wait("running"));
        table.forget(&again);
        assert_eq!((table.bytes(), table.running(), table.due()), (0, 0, None));
        check(&table, ROOM);
    }

    #[test]
    fn who_never_comes_again_is_forgotten() {
        let mut table = TestTable::new();
        for name in ["#1", "ada"] {
            pays(&mut table, name, "k", 4, ROOM, 0);
            run(&mut table, name, "running", ROOM, 0);
            assert!(table.forget_caller(&caller(name)).is_some());
            assert_eq!((table.bytes(), table.running(), table.due()), (0, 0, None));
            check(&table, ROOM);
        }
    }

    #[test]
    fn an_answer_that_was_forgotten_early_is_told_and_not_given_by_running_again() {
        let room = Room { bytes: 8000, ..ROOM };
        let mut table = TestTable::new();
        for key in 0..10_u64 {
            pays(&mut table, "ada", &key.to_string(), 1000, room, key);
            check(&table, room);
        }
        let found = [0, 7, 9].map(|key: u64| begin(&mut table, "ada", &key.to_string(), room, 10));
        assert_eq!(found, [Begun::Forgotten, Begun::Answer("paid"), Begun::Answer("paid")]);
        // Known for as long as the answer would have been stored, and no longer.
        assert_eq!(begin(&mut table, "ada", "0", room, 299), Begun::Forgotten);
        run(&mut table, "ada", "0", room, 300);
    }

    #[test]
    fn nobody_loses_an_answer_to_those_who_have_more() {
        // Nine callers with a megabyte each, by many connections or by many names.
        let room = Room { bytes: 8 << 20, running: 1024 };
        for attackers in ["#", "eve"] {
            let mut table = TestTable::new();
            pays(&mut table, "ada", "order", 40, room, 0);
            pays(&mut table, "#ada", "order", 40, room, 0);
            for number in 0..1000 {
                let name = format!("{attackers}{}", number % 100);
                pays(&mut table, &name, &number.to_string(), 1 << 20, room, 1);
                check(&table, room);
            }
            for name in ["ada", "#ada"] {
                assert_eq!(begin(&mut table, name, "order", room, 2), Begun::Answer("paid"));
            }
        }
    }

    #[test]
    fn callers_without_a_name_take_nothing_from_those_who_have_one() {
        let room = Room { bytes: 80_000, running: 1024 };
        let mut table = TestTable::new();
        let mut keys = 0;
        // Until some answers are dropped: the caller then has all the room that there is for names.
        loop {
            pays(&mut table, "ada", &keys.to_string(), 100, room, 0);
            keys += 1;
            if begin(&mut table, "ada", "0", room, 0) == Begun::Forgotten {
                break;
            }
        }
        let kept = table.named.bytes();
        for number in 0..1000 {
            let begun = begin(&mut table, &format!("#{number}"), "k", room, 1);
            if let Begun::Run(name) = begun {
                table.answer(&name, "paid", 5000, room, secs(1));
            }
            check(&table, room);
        }
        assert_eq!(table.named.bytes(), kept);
        assert!(table.unnamed.bytes() > 8000);
    }

    #[test]
    fn one_caller_with_many_keys_waits_until_some_are_over_and_others_have_room() {
        let room = Room { bytes: 100_000, running: 1024 };
        let mut table = TestTable::new();
        let mut keys = 0;
        let wait = loop {
            match begin(&mut table, "eve", &keys.to_string(), room, keys / 100) {
                Begun::Run(name) => table.answer(&name, "x", 1, room, secs(keys / 100)),
                Begun::Busy(lack) => break lack,
                other => panic!("{other:?}"),
            }
            check(&table, room);
            keys += 1;
        };
        assert!(keys > 500, "{keys}");
        assert_eq!(wait, Lack::Room(Some(secs(300 - keys / 100))), "until the first is over");
        // All keys are known, the latest ones with their answers.
        for key in 0..keys {
            let begun = begin(&mut table, "eve", &key.to_string(), room, keys / 100);
            assert!(matches!(begun, Begun::Forgotten | Begun::Answer(_)), "{key}: {begun:?}");
        }
        let latest = begin(&mut table, "eve", &(keys - 1).to_string(), room, keys / 100);
        assert_eq!(latest, Begun::Answer("x"));
        pays(&mut table, "ada", "order", 40, room, keys / 100);
        assert_eq!(begin(&mut table, "ada", "order", room, 9), Begun::Answer("paid"));
        pays(&mut table, "eve", "new", 1, room, 300);
    }

    #[test]
    fn who_shares_the_room_with_others_has_the_latest_answers_as_well_and_not_only_marks() {
        let room = Room { bytes: 100_000, running: 1024 };
        let mut table = TestTable::new();
        let names = ["a", "b", "c", "d", "e"];
        let mut paid = names.map(|_| Vec::new());
        for key in 1..1000 {
            for (name, paid) in names.iter().zip(&mut paid) {
                if let Begun::Run(run) = begin(&mut table, name, &key.to_string(), room, 0) {
                    table.answer(&run, "x", 1, room, secs(0));
                    paid.push(key);
                }
                check(&table, room);
            }
        }
        for (name, paid) in names.iter().zip(paid) {
            assert!((100..999).contains(&paid.len()), "{name} has had all its room");
            for key in paid.iter().rev().take(10) {
                let begun = begin(&mut table, name, &key.to_string(), room, 1);
                assert_eq!(begun, Begun::Answer("x"), "{name} {key}");
            }
        }
    }

    #[test]
    fn who_has_marks_for_more_than_half_of_the_room_waits_though_there_is_some() {
        let room = Room { bytes: 100_000, running: 1024 };
        let mut table = TestTable::new();
        let mut keys = 0;
        while let Begun::Run(name) = begin(&mut table, "eve", &keys.to_string(), room, 0) {
            table.answer(&name, "x", 1, room, secs(0));
            keys += 1;
        }
        // Another caller takes room from her, and gives it back.
        pays(&mut table, "ada", "order", room.longest(), room, 1);
        table.forget_caller(&caller("ada"));
        let lack = Lack::Room(Some(secs(298)));
        assert_eq!(begin(&mut table, "eve", "new", room, 2), Begun::Busy(lack));
    }

    #[test]
    fn who_has_lost_even_marks_runs_nothing_that_may_have_run() {
        let room = Room { bytes: 10_000, running: 1024 };
        let mut table = TestTable::new();
        let mut keys = 0;
        while let Begun::Run(name) = begin(&mut table, "eve", &keys.to_string(), room, 0) {
            table.answer(&name, "x", 1, room, secs(0));
            keys += 1;
        }
        // Callers with less take room from her, until she has no more than they have.
        for number in 0..8 {
            pays(&mut table, &format!("ada{number}"), "k", 100, room, 1);
            check(&table, room);
        }
        for key in 0..keys {
            assert_eq!(begin(&mut table, "eve", &key.to_string(), room, 299), Begun::Forgotten);
        }
        assert_eq!(begin(&mut table, "eve", "new", room, 299), Begun::Forgotten, "who knows");
        run(&mut table, "eve", "new", room, 300);
    }

    #[test]
    fn one_caller_takes_at_most_half_of_the_free_places_and_half_are_for_those_who_have_none() {
        let room = Room { running: 64, bytes: 8 << 20 };
        let mut table = TestTable::new();
        let mut take = |name: &str| {
            let mut taken = 0;
            while let Begun::Run(_) = begin(&mut table, name, &taken.to_string(), room, 0) {
                taken += 1;
            }
            let begun = begin(&mut table, name, "more", room, 0);
            assert_eq!(begun, Begun::Busy(Lack::Running));
            taken
        };
        // 56 places are for callers with a name, 8 for the others.
        assert_eq!(["a", "b", "c", "d"].map(&mut take), [10, 6, 4, 3]);
        assert_eq!((0..40).map(|number| take(&number.to_string())).max(), Some(2));
        assert_eq!(["#1", "#2", "#3", "#4"].map(&mut take), [2, 1, 1, 1]);
        assert_eq!((5..20).map(|number| take(&format!("#{number}"))).sum::<usize>(), 3);
        assert_eq!(table.running(), 64);
    }

    #[test]
    fn a_single_place_is_for_whoever_comes_first() {
        for names in [["ada", "#1"], ["#1", "ada"]] {
            let room = Room { running: 1, ..ROOM };
            let mut table = TestTable::new();
            let first = run(&mut table, names[0], "k", room, 0);
            let lack = Begun::Busy(Lack::Running);
            assert_eq!(begin(&mut table, names[1], "k", room, 0), lack);
            table.forget(&first);
            run(&mut table, names[1], "k", room, 0);
        }
    }

    #[test]
    fn what_is_over_is_forgotten_a_part_at_a_time() {
        let room = Room { bytes: 1 << 20, ..ROOM };
        let mut table = TestTable::new();
        for number in 0..100 {
            pays(&mut table, &format!("ada{}", number % 7), &number.to_string(), 4, room, number);
        }
        assert_eq!(table.sweep(secs(299), 10), Some(secs(300)));
        let before = table.bytes();
        assert_eq!(table.sweep(secs(400), 10), Some(secs(301)));
        assert_eq!(
            before - table.bytes(),
            10 * (CALL + 4) + 10 * 2 - 2,
            "keys of one digit and two"
        );
        let mut sweeps = 1;
        while table.sweep(secs(400), 10).is_some() {
            sweeps += 1;
            check(&table, room);
        }
        assert_eq!((sweeps, table.bytes()), (9, 0));
    }

    #[test]
    fn a_name_and_keys_count_with_their_bytes() {
        let mut table = TestTable::new();
        let (name, key) = ("n".repeat(256), "k".repeat(128));
        pays(&mut table, &name, &key, 1000, ROOM, 0);
        assert_eq!(table.bytes(), CALLER + 256 + CALL + 128 + 1000);
        let room = Room { bytes: 2000, ..ROOM };
        pays(&mut table, &name, "k", 1000, room, 0);
        assert_eq!(table.bytes(), CALLER + 256 + 2 * MARK);
    }

    /// The cost does not grow with the number of other records: if it did, this many steps would take hours.
    #[test]
    fn room_is_made_without_a_walk_over_what_others_have() {
        let room = Room { bytes: 64 << 20, running: 1024 };
        let mut table = TestTable::new();
        for number in 0..60_000 {
            pays(&mut table, &format!("ada{number}"), "k", 300, room, 0);
        }
        for number in 0..100_000 {
            let key = number.to_string();
            if let Begun::Run(name) = begin(&mut table, "eve", &key, room, 1) {
                table.answer(&name, "x", 1, room, secs(1));
            }
        }
        assert_eq!(begin(&mut table, "ada7", "k", room, 2), Begun::Answer("paid"));
        check(&table, room);
    }
}
