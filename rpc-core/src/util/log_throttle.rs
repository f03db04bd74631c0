//! Log lines that a peer can cause, said now and then only: else it could fill a disk, and hide what
//! else it does.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::util::sync::{Mutex, PoisonError};

/// Between two lines of one kind.
const PAUSE: Duration = Duration::from_secs(10);

/// Lets a line through if the last one is some time ago. For this crate and those beside it.
#[derive(Debug)]
pub struct LogThrottle(Mutex<State>);

#[derive(Debug)]
struct State {
    said: Option<Instant>,
    left_out: u64,
}

impl LogThrottle {
    /// Of one kind of line: a `static` where it is written.
    #[expect(clippy::new_without_default, reason = "a static is made by a const")]
    pub const fn new() -> Self {
        Self(Mutex::new(State { said: None, left_out: 0 }))
    }

    /// Whether the line may be written, and how many were left out before.
    pub fn allow(&self) -> Option<u64> {
        self.may_say_at(Instant::now())
    }

    fn may_say_at(&self, now: Instant) -> Option<u64> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.said.is_some_and(|said| now.saturating_duration_since(said) < PAUSE) {
            state.left_out += 1;
            return None;
        }
        state.said = Some(now);
        Some(std::mem::take(&mut state.left_out))
    }
}

/// [`LogThrottle`] for each of a few things: there must be no more of them than the program has.
#[derive(Debug)]
pub(crate) struct LogThrottleEach<K>(Mutex<BTreeMap<K, LogThrottle>>);

impl<K: Ord> LogThrottleEach<K> {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(BTreeMap::new()))
    }

    /// Whether the line may be written that is about this one, and how many were left out before.
    pub(crate) fn allow(&self, about: K) -> Option<u64> {
        let mut each = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        each.entry(about).or_insert_with(LogThrottle::new).allow()
    }
}

#[test]
fn a_flood_is_one_line_and_a_number() {
    let (seldom, start) = (LogThrottle::new(), Instant::now());
    assert_eq!(seldom.may_say_at(start), Some(0));
    for _ in 0..1000 {
        assert_eq!(seldom.may_say_at(start + PAUSE / 2), None);
    }
    assert_eq!(seldom.may_say_at(start + PAUSE), Some(1000));
    assert_eq!(seldom.may_say_at(start + 2 * PAUSE), Some(0));
}
