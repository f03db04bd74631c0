//! Who counts as one by their address.

use std::net::{IpAddr, Ipv6Addr};

/// The address that all those have in common who are counted as one: whoever has an address of IPv6 has all
/// 2^64 of its network. One of IPv4 is itself, however it is written.
///
/// ```
/// use rpc_core::site;
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
