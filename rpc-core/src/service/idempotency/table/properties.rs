//! Compares calls under keys with a plain list. A call that was answered never runs again in its time, whatever room
//! other callers take. Its answer is repeated, or the repeat is told that the answer was dropped. A caller with less
//! than its share loses nothing to others.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

type TestTable = Table<u64, u64>;

#[derive(Debug, Clone)]
enum Step {
    /// A caller calls under a key.
    Begin(usize, usize, u64),
    /// A caller makes a number of calls, each under a new key, with answers of a number of bytes.
    Flood(usize, usize, usize),
    /// The answer of a running call, with a number of bytes.
    Answer(usize, usize),
    /// A running call ends without an answer to repeat.
    Forget(usize),
    Wait(u64),
    Sweep(usize),
    ForgetCaller(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let who = || 0..CALLERS;
    prop_oneof![
        6 => (who(), 0..6usize, 0..2u64).prop_map(|(who, key, hash)| Step::Begin(who, key, hash)),
        2 => (who(), 1..60usize, 0..1500usize).prop_map(|(who, count, text)| Step::Flood(who, count, text)),
        4 => (0..6usize, 0..3000usize).prop_map(|(at, text)| Step::Answer(at, text)),
        1 => (0..6usize).prop_map(Step::Forget),
        1 => (0..200u64).prop_map(Step::Wait),
        1 => (0..9usize).prop_map(Step::Sweep),
        1 => who().prop_map(Step::ForgetCaller),
    ]
}

const CALLERS: usize = 8;

const ROOM: Room = Room { bytes: 40_000, running: 16 };

/// A call that runs, or that was answered at a time.
struct Known {
    caller: usize,
    key: String,
    hash: u64,
    run: u64,
    name: Name,
    answered: Option<(u64, Duration)>,
}

/// The first half of the callers has names.
fn caller(number: usize) -> Caller {
    Caller { name: format!("caller {number}").into(), is_named: number < CALLERS / 2 }
}

/// The table, and the expected state.
struct Model {
    table: TestTable,
    known: Vec<Known>,
    now: Duration,
    next: u64,
}

impl Model {
    /// Returns the records of a caller: bytes, and number of answers.
    fn kept(&self, number: usize) -> Option<(usize, usize)> {
        let caller = caller(number);
        let pool = if caller.is_named { &self.table.named } else { &self.table.unnamed };
        let owner = pool.owners().find(|owner| owner.name == caller.name)?;
        Some((owner.bytes, owner.answers()))
    }

    fn running(&self, of: impl Fn(usize) -> bool) -> usize {
        self.known.iter().filter(|it| it.answered.is_none() && of(it.caller)).count()
    }

    fn begin(&mut self, who: usize, key: String, hash: u64) -> Result<(), TestCaseError> {
        self.next += 1;
        let (number, now) = (self.next, self.now);
        let fingerprint = Fingerprint { method: 0, hash, length: 1 };
        let had = self.kept(who);
        let begun = self.table.begin(&caller(who), &key, fingerprint, ROOM, now, || number);
        self.known.retain(|it| it.answered.is_none_or(|(_, at)| at + KEPT > now));
        let found = self.known.iter().find(|it| (it.caller, &it.key) == (who, &key));
        match (begun, found) {
            (Begun::Mismatch, Some(found)) => prop_assert_ne!(found.hash, hash),
            (Begun::Wait(run), Some(found)) => {
                prop_assert_eq!(found.hash, hash);
                prop_assert_eq!((run, found.answered), (found.run, None));
            }
            (Begun::Answer(answer), Some(found)) => {
                prop_assert_eq!(found.hash, hash);
                prop_assert_eq!(Some(answer), found.answered.map(|it| it.0));
            }
            // Either the answer of this key was dropped, or the caller has lost marks and any key may be among them.
            (Begun::Forgotten, found) => {
                prop_assert!(found.is_none_or(|found| found.answered.is_some()));
                let answered = |it: &Known| it.caller == who && it.answered.is_some();
                prop_assert!(self.known.iter().any(answered));
            }
            (Begun::Busy(Lack::Running), None) => {
                let is_named = caller(who).is_named;
                let own = self.running(|it| it == who);
                let all = self.running(|it| caller(it).is_named == is_named);
                let places = ROOM.of(&caller(who)).running;
                prop_assert!(
                    all == places || (own > 0 && 2 * own >= places / 2 - all.min(places / 2))
                );
            }
            // No caller has more bytes to make room with, or too many of the caller's bytes are marks.
            (Begun::Busy(Lack::Room(_)), None) => {
                let claim = owner::CALLER + owner::CALL + 16 + key.len();
                let own = had.map_or(0, |had| had.0) + claim;
                let mine = caller(who);
                let pool = if mine.is_named { &self.table.named } else { &self.table.unnamed };
                let marked = pool
                    .owners()
                    .find(|owner| owner.name == mine.name)
                    .map_or(0, |owner| owner.marked());
                for other in pool.owners().filter(|other| other.name != mine.name) {
                    let has_less = other.weight().is_none_or(|(bytes, _)| bytes <= own);
                    prop_assert!(has_less || marked > ROOM.of(&mine).bytes / 2);
                }
            }
            (Begun::Run(name), None) => {
                let (run, answered) = (number, None);
                self.known.push(Known { caller: who, key, hash, run, name, answered });
            }
            (begun, _) => prop_assert!(false, "{:?}", begun),
        }
        Ok(())
    }

    fn answer(&mut self, at: usize, text: usize) {
        self.next += 1;
        self.table.answer(&self.known[at].name, self.next, text, ROOM, self.now);
        self.known[at].answered = Some((self.next, self.now));
    }

    /// Begins and answers a number of calls.
    fn flood(&mut self, who: usize, count: usize, text: usize) -> Result<(), TestCaseError> {
        for _ in 0..count {
            let (key, runs) = (format!("flood {}", self.next), self.known.len());
            self.begin(who, key, 1)?;
            let at = self.known.len() - 1;
            if self.known.len() > runs && self.known[at].answered.is_none() {
                self.answer(at, text);
            }
            self.check()?;
        }
        Ok(())
    }

    fn check(&self) -> Result<(), TestCaseError> {
        self.table.named.check();
        self.table.unnamed.check();
        prop_assert_eq!(self.table.running(), self.running(|_| true));
        for (pool, number) in [(&self.table.named, 0), (&self.table.unnamed, CALLERS - 1)] {
            prop_assert!(pool.bytes() <= ROOM.of(&caller(number)).bytes);
        }
        Ok(())
    }
}

/// The caller that acts in this step. Its loss would be its own doing.
fn actor(model: &Model, step: &Step) -> Option<usize> {
    match *step {
        Step::Begin(who, ..) | Step::Flood(who, ..) | Step::ForgetCaller(who) => Some(who),
        Step::Answer(at, _) | Step::Forget(at) => model.known.get(at).map(|it| it.caller),
        Step::Wait(_) | Step::Sweep(_) => None,
    }
}

proptest! {
    #[test]
    fn a_key_runs_once_and_nobody_loses_what_is_within_his_share(steps in vec(step(), 0..150)) {
        let (table, known) = (TestTable::new(), Vec::new());
        let mut model = Model { table, known, now: Duration::ZERO, next: 0 };
        for step in steps {
            // So that no record dropped in the step had expired before.
            while model.table.sweep(model.now, 100).is_some_and(|due| due <= model.now) {}
            let before: Vec<_> = (0..CALLERS).map(|who| model.kept(who)).collect();
            let actor = actor(&model, &step);
            match step {
                Step::Begin(who, key, hash) => model.begin(who, key.to_string(), hash)?,
                Step::Flood(who, count, text) => model.flood(who, count, text)?,
                Step::Answer(at, text)
                    if model.known.get(at).is_some_and(|it| it.answered.is_none()) =>
                {
                    model.answer(at, text);
                }
                Step::Forget(at) if model.known.get(at).is_some_and(|it| it.answered.is_none()) => {
                    let name = model.known.remove(at).name;
                    model.table.forget(&name);
                }
                Step::Wait(seconds) => model.now += Duration::from_secs(seconds),
                Step::Sweep(most) => drop(model.table.sweep(model.now, most)),
                Step::ForgetCaller(who) => {
                    model.table.forget_caller(&caller(who));
                    model.known.retain(|it| it.caller != who);
                }
                Step::Answer(..) | Step::Forget(_) => {}
            }
            model.check()?;
            let others = (0..CALLERS).filter(|who| actor.is_some_and(|actor| actor != *who));
            for who in others {
                // The share of each caller: half of the callers have a name.
                let share = ROOM.of(&caller(who)).bytes / (CALLERS / 2);
                if before[who].is_some_and(|(bytes, _)| bytes <= share) {
                    prop_assert_eq!(model.kept(who), before[who]);
                }
            }
        }
        model.now += KEPT;
        while model.table.sweep(model.now, 10).is_some() {
            model.check()?;
        }
        let mut owners = model.table.named.owners().chain(model.table.unnamed.owners());
        prop_assert!(owners.all(|owner| owner.running > 0 && owner.answers() == 0));
    }
}
