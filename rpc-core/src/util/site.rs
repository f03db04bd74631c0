//! Which addresses count as one.

use std::net::{IpAddr, Ipv6Addr};

/// The address under which `address` is counted. For IPv6 it is the address of the network (the first 64 bits),
/// since whoever has one address of the network has all 2^64 of them. For IPv4, also where it is written within
/// IPv6, it is the address itself.
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
