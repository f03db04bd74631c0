//! One limiter for each address, kept as long as it makes a difference.

use std::collections::HashMap;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use super::Limiter;
use crate::util::runtime::Instant;
use crate::util::site::site;
use crate::util::sync::{Arc, Mutex};

/// The most addresses with a limiter of their own; they take a few megabytes. All further addresses share one
/// limiter, so a client with many addresses cannot make the server keep more.
const MOST: usize = 65_536;

/// How often a full table is searched for limiters that are not needed.
const SWEEP: Duration = Duration::from_secs(1);

/// The limiters of all addresses.
pub(super) struct Sites {
    table: Mutex<Table>,
    others: Arc<Limiter>,
}

struct Table {
    limiters: HashMap<IpAddr, Arc<Limiter>>,
    /// The number of limiters at which the table is searched next for limiters that are not needed.
    sweep_at: usize,
    swept: Instant,
}

impl Sites {
    pub(super) fn new(others: Limiter) -> Self {
        let table = Table { limiters: HashMap::new(), sweep_at: 0, swept: Instant::now() };
        Self { table: Mutex::new(table), others: Arc::new(others) }
    }

    /// Returns the limiter of this address. If there is none, `make` creates it. `burst` is the number of calls that
    /// a rested limiter admits at once.
    pub(super) fn get(
        &self,
        address: IpAddr,
        burst: NonZeroU32,
        make: impl FnOnce() -> Limiter,
    ) -> Arc<Limiter> {
        let address = site(address);
        let mut table = self.table.lock().unwrap();
        if let Some(limiter) = table.limiters.get(&address) {
            return limiter.clone();
        }
        table.sweep(burst);
        if table.limiters.len() >= MOST {
            return self.others.clone();
        }
        table.limiters.entry(address).or_insert_with(|| Arc::new(make())).clone()
    }
}

impl Table {
    /// Forgets each limiter that no connection uses and that behaves like a new one. The search runs when the table
    /// has grown to twice its size after the last search, so each new connection pays for a few limiters only.
    fn sweep(&mut self, burst: NonZeroU32) {
        let count = self.limiters.len();
        if count < self.sweep_at.clamp(64, MOST)
            || (count >= MOST && self.swept.elapsed() < SWEEP && self.sweep_at > 0)
        {
            return;
        }
        // `check_n` charges only limiters that are then forgotten.
        let is_needed = |limiter: &Arc<Limiter>| {
            Arc::strong_count(limiter) > 1 || !matches!(limiter.check_n(burst), Ok(Ok(())))
        };
        self.limiters.retain(|_, limiter| is_needed(limiter));
        self.limiters.shrink_to(2 * self.limiters.len());
        self.sweep_at = 2 * self.limiters.len();
        self.swept = Instant::now();
    }
}

#[cfg(test)]
mod tests {
    use super::super::{limiter, quota};
    use super::*;

    fn address(number: u32) -> IpAddr {
        number.to_be_bytes().into()
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_kept_of_addresses_does_not_grow_without_end() {
        let (minute, start) = (Duration::from_secs(60), Instant::now());
        let quota = quota(2, minute);
        let sites = Sites::new(limiter(quota, start));
        let get = |number| sites.get(address(number), quota.burst_size(), || limiter(quota, start));
        let count = || sites.table.lock().unwrap().limiters.len();
        let has_room = |limiter: &Limiter| limiter.check().is_ok();
        for number in 0..MOST as u32 {
            assert!(has_room(&get(number)));
        }
        assert_eq!(count(), MOST);
        // Further addresses share one limiter, and earlier addresses still have their own.
        let beyond: Vec<_> = (0..4).map(|more| has_room(&get(MOST as u32 + more))).collect();
        assert_eq!(beyond, [true, true, false, false]);
        assert_eq!([has_room(&get(7)), has_room(&get(7))], [true, false]);
        assert_eq!(count(), MOST);

        // After some time all limiters are as good as new, except the one that a connection holds.
        let held = get(9);
        tokio::time::advance(2 * minute).await;
        assert!(has_room(&get(1_000_000)));
        assert_eq!(count(), 2);
        assert!(Arc::ptr_eq(&held, &get(9)));
    }
}
