//! Limits the rate of log lines that a peer can cause. Otherwise a peer could fill a disk, or hide other lines.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::util::sync::{Mutex, PoisonError};

/// Shortest time between two lines of one kind.
const PAUSE: Duration = Duration::from_secs(10);

/// Lets a line through if the last line was written long enough ago. For this crate and the other crates of the
/// framework.
#[derive(Debug)]
pub struct LogThrottle(Mutex<State>);

#[derive(Debug)]
struct State {
    said: Option<Instant>,
    left_out: u64,
}

impl LogThrottle {
    /// Makes a throttle for one kind of line. Put the throttle into a `static` beside the line.
    #[expect(clippy::new_without_default, reason = "a static is made by a const")]
    pub const fn new() -> Self {
        Self(Mutex::new(State { said: None, left_out: 0 }))
    }

    /// Returns how many lines were left out since the last one, if a line may be written now. Returns `None` if not.
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

/// A [`LogThrottle`] for each key. The program, not a peer, must bound the number of keys.
#[derive(Debug)]
pub(crate) struct LogThrottleEach<K>(Mutex<BTreeMap<K, LogThrottle>>);

impl<K: Ord> LogThrottleEach<K> {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(BTreeMap::new()))
    }

    /// Returns how many lines about `about` were left out since the last one, if a line may be written now. Returns
    /// `None` if not.
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
