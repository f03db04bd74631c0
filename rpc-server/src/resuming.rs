//! The links of clients that may resume a session, until their first message.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use rpc_core::internal::site;

/// How many of them one address may have. Clients whose address is not known have no such limit: they may be those of
/// a whole network behind an app.
const FOR_ONE: usize = 64;

/// The links that have announced a resume and have not said hello.
#[derive(Clone)]
pub(crate) struct Resuming {
    most: usize,
    links: Arc<Mutex<Links>>,
}

#[derive(Default)]
struct Links {
    all: usize,
    /// By address, or by network for IPv6.
    by_site: HashMap<IpAddr, usize>,
}

/// The permit of one link. Dropping the permit returns it.
pub(crate) struct ResumingPermit {
    resuming: Resuming,
    pub(crate) site: Option<IpAddr>,
}

impl Resuming {
    pub(crate) fn new(most: usize) -> Self {
        Self { most, links: Arc::default() }
    }

    /// Takes a permit. Returns `None` if there are too many links, or too many of this address.
    pub(crate) fn take(&self, address: Option<IpAddr>) -> Option<ResumingPermit> {
        let site = address.map(site);
        let mut links = self.links.lock().unwrap();
        let of_site = site.and_then(|site| links.by_site.get(&site)).copied().unwrap_or_default();
        if links.all >= self.most || of_site >= FOR_ONE {
            return None;
        }
        links.all += 1;
        links.by_site.extend(site.map(|site| (site, of_site + 1)));
        drop(links);
        Some(ResumingPermit { resuming: self.clone(), site })
    }
}

impl Drop for ResumingPermit {
    fn drop(&mut self) {
        let mut links = self.resuming.links.lock().unwrap();
        links.all -= 1;
        if let Some(site) = self.site
            && let Entry::Occupied(mut of_site) = links.by_site.entry(site)
        {
            *of_site.get_mut() -= 1;
            if *of_site.get() == 0 {
                of_site.remove();
            }
        }
    }
}

#[test]
fn no_address_has_all_permits_and_a_dropped_permit_is_free() {
    let ip = |text: &str| Some(text.parse().unwrap());
    let resuming = Resuming::new(FOR_ONE + 2);
    let of_one: Vec<_> = std::iter::from_fn(|| resuming.take(ip("203.0.113.5"))).collect();
    assert_eq!(of_one.len(), FOR_ONE);
    let others = [resuming.take(ip("203.0.113.6")), resuming.take(None)];
    assert!(others.iter().all(Option::is_some) && resuming.take(ip("203.0.113.7")).is_none());
    drop(of_one);
    assert!(resuming.take(ip("203.0.113.5")).is_some());
    drop(others);
    let unknown: Vec<_> = std::iter::from_fn(|| resuming.take(None)).collect();
    assert_eq!(unknown.len(), FOR_ONE + 2, "an app may not tell the address of its clients");
    drop(unknown);
    let links = resuming.links.lock().unwrap();
    assert!(links.all == 0 && links.by_site.is_empty());
}
