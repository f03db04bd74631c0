//! The owner of a session, for whom it is kept.

use std::net::IpAddr;

use crate::util::site::site;
use crate::util::sync::Arc;

/// The owner of a session.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(in crate::peer) enum Owner {
    /// A caller, by its name.
    Caller(Arc<str>),
    /// A caller without a name.
    Unnamed(Site),
}

/// The place that a client comes from: its address, or its IPv6 network (the first 64 bits). Clients whose address is
/// unknown come from one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::peer) struct Site(Option<IpAddr>);

impl Site {
    pub(in crate::peer) fn new(address: Option<IpAddr>) -> Self {
        Self(address.map(site))
    }
}

impl Owner {
    /// Returns the owner of a session whose caller has this name and address.
    pub(in crate::peer) fn new(name: Option<Arc<str>>, address: Option<IpAddr>) -> Self {
        name.map_or_else(|| Self::Unnamed(Site::new(address)), Self::Caller)
    }

    pub(super) fn is_named(&self) -> bool {
        matches!(self, Self::Caller(_))
    }
}

#[test]
fn a_name_counts_before_an_address_and_an_ipv6_network_is_one_address() {
    let address = |text: &str| Some(text.parse().unwrap());
    let owner = Owner::new(Some("Ada".into()), address("192.0.2.1"));
    assert_eq!(owner, Owner::new(Some("Ada".into()), None));
    let unnamed = |text| Owner::new(None, address(text));
    assert_eq!(unnamed("2001:db8:0:1::9"), unnamed("2001:db8:0:1:ffff::"));
    assert_ne!(unnamed("2001:db8:0:1::9"), unnamed("2001:db8:0:2::9"));
    assert_ne!(unnamed("192.0.2.1"), unnamed("192.0.2.2"));
    assert_eq!((owner.is_named(), unnamed("192.0.2.1").is_named()), (true, false));
}
