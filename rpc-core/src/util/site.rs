//! Which addresses count as one address.

use std::net::{IpAddr, Ipv6Addr};

/// Returns the address under which `address` counts. For IPv6 the result is the address of the network (the first 64
/// bits), since a client that has one address of a network has all 2^64 of them. For IPv4, also if it is written as
/// IPv6, the result is the address itself.
///
/// ```
/// use rpc_core::internal::site;
///
/// let address = |text: &str| text.parse().unwrap();
/// assert_eq!(site(address("2001:db8:0:1:ffff::9")), address("2001:db8:0:1::"));
/// assert_eq!(site(address("::ffff:203.0.113.5")), address("203.0.113.5"));
/// ```
pub fn site(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let network = u128::from(address) & (u128::MAX << 64);
            IpAddr::V6(Ipv6Addr::from(network))
        }
        address => address,
    }
}
