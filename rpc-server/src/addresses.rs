//! The limits for each address: how many connections it may have, and how fast it may make them.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use rpc_core::Limits;
use rpc_core::internal::site;
use tokio::pin;
use tokio::sync::Notify;
use tokio::time::{Duration, Instant};

/// The period in which new connections are counted for the rate.
const WINDOW: Duration = Duration::from_secs(10);

/// The addresses that have connections, or had some in the last period.
#[derive(Clone, Default)]
pub(crate) struct Addresses {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    /// 0 means no limit.
    connections: usize,
    rate: usize,
    table: Mutex<Table>,
    /// Told whenever a permit is returned.
    returned: Notify,
}

#[derive(Default)]
struct Table {
    addresses: HashMap<Site, Address>,
    /// Number of addresses at which [`Table::sweep`] removes unused addresses next.
    sweep_at: usize,
}

/// The client's address, or network for IPv6. `None` stands for all clients of a trusted Unix socket for which the
/// proxy names no address: together they count as one address.
type Site = Option<IpAddr>;

struct Address {
    open: usize,
    /// Connections made since `since`.
    made: usize,
    since: Instant,
}

/// The permit of a connection for its address. Dropping the permit returns it.
pub(crate) struct AddressPermit {
    addresses: Addresses,
    address: Site,
}

/// The limit that an address has reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reached {
    Connections,
    Rate,
}

impl Addresses {
    pub(crate) fn new(limits: &Limits) -> Self {
        let (connections, rate) = (limits.connections_per_address, limits.connect_rate_per_address);
        let (table, returned) = Default::default();
        let inner = Inner { connections, rate, table, returned };
        Self { inner: inner.into() }
    }

    /// Returns whether there is a limit for each address.
    pub(crate) fn are_limited(&self) -> bool {
        self.inner.connections > 0 || self.inner.rate > 0
    }

    /// Takes a permit for one more connection. Returns `None` if there is no limit.
    pub(crate) fn take(
        &self,
        address: Option<IpAddr>,
    ) -> Result<Option<Box<AddressPermit>>, Reached> {
        self.enter(address, true)
    }

    /// Takes a permit for a connection that has none, although it was counted when it was made.
    pub(crate) fn take_later(
        &self,
        address: Option<IpAddr>,
    ) -> Result<Option<Box<AddressPermit>>, Reached> {
        self.enter(address, false)
    }

    /// Waits for a permit for a connection that has none, although it was counted when it was made.
    pub(crate) async fn returned(&self, address: Option<IpAddr>) -> Option<Box<AddressPermit>> {
        loop {
            let returned = self.inner.returned.notified();
            pin!(returned);
            returned.as_mut().enable();
            match self.take_later(address) {
                Ok(permit) => return permit,
                Err(_) => returned.await,
            }
        }
    }

    fn enter(
        &self,
        address: Option<IpAddr>,
        is_new: bool,
    ) -> Result<Option<Box<AddressPermit>>, Reached> {
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
        known.made = known.made.saturating_add(usize::from(is_new));
        if is_new && self.inner.rate > 0 && known.made > self.inner.rate {
            return Err(Reached::Rate);
        }
        if self.inner.connections > 0 && known.open >= self.inner.connections {
            return Err(Reached::Connections);
        }
        known.open += 1;
        drop(table);
        Ok(Some(Box::new(AddressPermit { addresses: self.clone(), address })))
    }
}

impl Table {
    /// Removes unused addresses, whenever the number of addresses has doubled since the last time. So each connection
    /// pays only for a few addresses.
    fn sweep(&mut self, now: Instant) {
        if self.addresses.len() < self.sweep_at.max(64) {
            return;
        }
        self.addresses.retain(|_, known| known.open > 0 || now - known.since < WINDOW);
        self.addresses.shrink_to(2 * self.addresses.len());
        self.sweep_at = 2 * self.addresses.len();
    }
}

impl Drop for AddressPermit {
    fn drop(&mut self) {
        let mut table = self.addresses.inner.table.lock().unwrap();
        if let Entry::Occupied(mut known) = table.addresses.entry(self.address) {
            known.get_mut().open -= 1;
            // With a rate limit the address stays in the table, since its recent connections still count.
            if known.get().open == 0 && self.addresses.inner.rate == 0 {
                known.remove();
            }
        }
        drop(table);
        self.addresses.inner.returned.notify_waiters();
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
    async fn one_address_has_a_limit_of_its_own() {
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
