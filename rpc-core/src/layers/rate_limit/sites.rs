//! A limiter for each address, for as long as it makes a difference.

use std::collections::HashMap;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use super::Limiter;
use crate::util::runtime::Instant;
use crate::util::site::site;
use crate::util::sync::{Arc, Mutex};

/// So many addresses are told apart, some megabytes; those beyond count as one, so that whoever has many
/// cannot make us keep more.
const MOST: usize = 65_536;

/// While there are as many as may be, those that are not needed are looked for so often.
const SWEEP: Duration = Duration::from_secs(1);

/// The limiters of addresses.
pub(super) struct Sites {
    table: Mutex<Table>,
    others: Arc<Limiter>,
}

struct Table {
    limiters: HashMap<IpAddr, Arc<Limiter>>,
    /// When those that are not needed are looked for next, by how many there are then.
    sweep_at: usize,
    swept: Instant,
}

impl Sites {
    pub(super) fn new(others: Limiter) -> Self {
        let table = Table { limiters: HashMap::new(), sweep_at: 0, swept: Instant::now() };
        Self { table: Mutex::new(table), others: Arc::new(others) }
    }

    /// The limiter of this address, which is `make`'s if there is none; of which `burst` calls come through
    /// when it has not been asked for long.
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
    /// Forgets those that no connection has and that a new one would be no different from, whenever there are
    /// twice as many as were left the last time: so that each connection pays for a few of them only.
    fn sweep(&mut self, burst: NonZeroU32) {
        let count = self.limiters.len();
        if count < self.sweep_at.clamp(64, MOST)
            || (count >= MOST && self.swept.elapsed() < SWEEP && self.sweep_at > 0)
        {
            return;
        }
        // It charges those that are forgotten, and no others.
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
        // Those beyond are one, and those before are still known.
        let beyond: Vec<_> = (0..4).map(|more| has_room(&get(MOST as u32 + more))).collect();
        assert_eq!(beyond, [true, true, false, false]);
        assert_eq!([has_room(&get(7)), has_room(&get(7))], [true, false]);
        assert_eq!(count(), MOST);

        // In a time they are as new, all but the one that somebody has.
        let held = get(9);
        tokio::time::advance(2 * minute).await;
        assert!(has_room(&get(1_000_000)));
        assert_eq!(count(), 2);
        assert!(Arc::ptr_eq(&held, &get(9)));
    }
}
