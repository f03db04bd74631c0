//! How many connections one address may have, and how fast it may make them.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use rpc_core::Limits;
use rpc_core::internal::site;
use tokio::time::{Duration, Instant};

/// The time in which connections are counted.
const WINDOW: Duration = Duration::from_secs(10);

/// The addresses that have connections, or had some a short time ago.
#[derive(Clone, Default)]
pub(crate) struct Addresses {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    /// 0 is no limit.
    connections: usize,
    rate: usize,
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    addresses: HashMap<Site, Address>,
    /// When those that have nothing any more are looked for next, by how many there are then.
    sweep_at: usize,
}

/// `None` is whoever comes by a trusted Unix socket without a name: one, as a proxy that names nobody is.
type Site = Option<IpAddr>;

struct Address {
    open: usize,
    /// Connections made since then.
    made: usize,
    since: Instant,
}

/// A connection's part of what its address may have; dropping it gives it back.
pub(crate) struct Place {
    addresses: Addresses,
    address: Site,
}

/// Which limit an address has reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reached {
    Connections,
    Rate,
}

impl Addresses {
    pub(crate) fn new(limits: &Limits) -> Self {
        let (connections, rate) = (limits.connections_per_address, limits.connect_rate_per_address);
        let inner = Inner { connections, rate, table: Mutex::default() };
        Self { inner: inner.into() }
    }

    /// Whether addresses are of any interest.
    pub(crate) fn are_limited(&self) -> bool {
        self.inner.connections > 0 || self.inner.rate > 0
    }

    /// A place for one more connection; none is needed where there is no limit.
    pub(crate) fn take(&self, address: Option<IpAddr>) -> Result<Option<Box<Place>>, Reached> {
        if !self.are_limited() {
            return Ok(None);
        }
        let (address, now) = (address.map(site), Instant::now());
        let mut table = self.inner.table.lock().unwrap();
        table.sweep(now);
        let entry = table.addresses.entry(address);
        let known = entry.or_insert(Address { open: 0, made: 0, since: now });
        if now - known.since >= WINDOW {
            (known.made, known.since) = (0, now);
        }
        known.made = known.made.saturating_add(1);
        if self.inner.rate > 0 && known.made > self.inner.rate {
            return Err(Reached::Rate);
        }
        if self.inner.connections > 0 && known.open >= self.inner.connections {
            return Err(Reached::Connections);
        }
        known.open += 1;
        drop(table);
        Ok(Some(Box::new(Place { addresses: self.clone(), address })))
    }
}

impl Table {
    /// Forgets addresses that have nothing any more, whenever there are twice as many as were left the
    /// last time: so that each connection pays for a few of them only.
    fn sweep(&mut self, now: Instant) {
        if self.addresses.len() < self.sweep_at.max(64) {
            return;
        }
        self.addresses.retain(|_, known| known.open > 0 || now - known.since < WINDOW);
        self.addresses.shrink_to(2 * self.addresses.len());
        self.sweep_at = 2 * self.addresses.len();
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut table = self.addresses.inner.table.lock().unwrap();
        if let Entry::Occupied(mut known) = table.addresses.entry(self.address) {
            known.get_mut().open -= 1;
            // While it counts connections, what was made lately must be remembered.
            if known.get().open == 0 && self.addresses.inner.rate == 0 {
                known.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(connections: usize, rate: usize) -> Addresses {
        let mut limits = Limits::server();
        limits.connections_per_address = connections;
        limits.connect_rate_per_address = rate;
        Addresses::new(&limits)
    }

    fn ip(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    fn known(addresses: &Addresses) -> usize {
        addresses.inner.table.lock().unwrap().addresses.len()
    }

    #[tokio::test]
    async fn one_address_has_so_many_places_and_others_have_theirs() {
        let addresses = addresses(2, 0);
        let first = addresses.take(ip("203.0.113.5")).unwrap();
        let second = addresses.take(ip("::ffff:203.0.113.5")).unwrap();
        assert_eq!(addresses.take(ip("203.0.113.5")).err(), Some(Reached::Connections));
        assert!(addresses.take(ip("203.0.113.6")).is_ok());
        drop(first);
        let third = addresses.take(ip("203.0.113.5")).unwrap();
        drop((second, third));
        assert_eq!(known(&addresses), 0);
    }

    #[tokio::test]
    async fn a_network_of_ipv6_is_one_address() {
        let addresses = addresses(1, 0);
        let _first = addresses.take(ip("2001:db8:0:1::1")).unwrap();
        assert!(addresses.take(ip("2001:db8:0:1:ffff::9")).is_err());
        assert!(addresses.take(ip("2001:db8:0:2::1")).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn who_connects_too_fast_must_wait() {
        let addresses = addresses(0, 2);
        for _ in 0..2 {
            drop(addresses.take(ip("203.0.113.5")).unwrap());
        }
        assert_eq!(addresses.take(ip("203.0.113.5")).err(), Some(Reached::Rate));
        tokio::time::advance(WINDOW).await;
        assert!(addresses.take(ip("203.0.113.5")).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn addresses_are_forgotten() {
        let addresses = addresses(0, 2);
        let kept = addresses.take(ip("203.0.113.5")).unwrap();
        for number in 0..1000_u32 {
            drop(addresses.take(Some(IpAddr::from((0x0a00_0000 + number).to_be_bytes()))));
        }
        assert_eq!(known(&addresses), 1001);
        tokio::time::advance(WINDOW).await;
        for number in 0..1000_u32 {
            drop(addresses.take(Some(IpAddr::from((0x0b00_0000 + number).to_be_bytes()))));
        }
        assert!(known(&addresses) <= 1001, "{}", known(&addresses));
        drop(kept);
    }

    #[tokio::test]
    async fn without_a_limit_nobody_is_remembered() {
        let addresses = addresses(0, 0);
        assert!(addresses.take(ip("203.0.113.5")).unwrap().is_none());
        assert_eq!(known(&addresses), 0);
    }
}
