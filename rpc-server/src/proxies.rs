//! Who a client is that comes by way of proxies.
//!
//! A proxy tells in `X-Forwarded-For` from whom it got a request, behind what stood there before. So
//! the list is to be read from its end, and only as far as it was written by proxies of ours: what
//! stands before that, anyone may have made up.

use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;
use ipnet::IpNet;

use crate::error::Error;

const FORWARDED_FOR: &str = "x-forwarded-for";

/// The proxies that are believed.
#[derive(Debug, Default)]
pub(crate) struct Proxies {
    networks: Vec<IpNet>,
    /// Whether whoever comes by a Unix socket is one.
    unix: bool,
}

impl Proxies {
    /// Reads addresses, networks such as `10.0.0.0/8`, and `unix`.
    pub(crate) fn new(patterns: &[String]) -> Result<Self, Error> {
        let mut proxies = Self::default();
        for pattern in patterns {
            if pattern == "unix" {
                proxies.unix = true;
                continue;
            }
            let network = pattern.parse().or_else(|_| pattern.parse().map(IpAddr::into));
            proxies.networks.push(network.map_err(|_| Error::Proxy(pattern.clone()))?);
        }
        Ok(proxies)
    }

    /// Whether what comes from there was only handed on; `None` is a Unix socket.
    pub(crate) fn trust(&self, remote: Option<IpAddr>) -> bool {
        let Some(remote) = remote.map(|remote| remote.to_canonical()) else {
            return self.unix;
        };
        self.networks.iter().any(|network| network.contains(&remote))
    }

    /// The address of the client itself: the last one in the way that is no proxy of ours.
    pub(crate) fn client(&self, remote: Option<IpAddr>, headers: &HeaderMap) -> Option<IpAddr> {
        let mut client = remote.map(|remote| remote.to_canonical());
        let values = headers.get_all(FORWARDED_FOR).into_iter();
        let values: Vec<_> = values.map(|value| value.to_str().unwrap_or_default()).collect();
        let hops = values.iter().flat_map(|value| value.split(','));
        for hop in hops.rev() {
            // What cannot be read was not written by a proxy of ours.
            let Some(hop) = Some(hop).filter(|_| self.trust(client)).and_then(read) else { break };
            client = Some(hop);
        }
        client
    }
}

/// Reads an address, with a port or without.
fn read(hop: &str) -> Option<IpAddr> {
    let hop = hop.trim();
    let address = hop.parse().or_else(|_| hop.parse().map(|hop: SocketAddr| hop.ip()));
    let address = address.or_else(|_| hop.trim_matches(['[', ']']).parse());
    address.ok().map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(proxies: &[&str], remote: Option<&str>, hops: &[&str]) -> Option<String> {
        let proxies: Vec<_> = proxies.iter().map(ToString::to_string).collect();
        let mut headers = HeaderMap::new();
        for hop in hops {
            headers.append(FORWARDED_FOR, hop.parse().unwrap());
        }
        let remote = remote.map(|remote| remote.parse().unwrap());
        let client = Proxies::new(&proxies).unwrap().client(remote, &headers);
        client.map(|client| client.to_string())
    }

    #[test]
    fn only_what_trusted_proxies_wrote_is_believed() {
        const OURS: &[&str] = &["10.0.0.0/8", "2001:db8::/32", "192.0.2.1"];
        for (remote, hops, expected) in [
            // Not a proxy of ours: whatever it says.
            ("198.51.100.7", &["203.0.113.5"][..], "198.51.100.7"),
            ("10.0.0.1", &["203.0.113.5"], "203.0.113.5"),
            ("::ffff:10.0.0.1", &["203.0.113.5"], "203.0.113.5"),
            ("192.0.2.1", &["203.0.113.5:4711"], "203.0.113.5"),
            ("192.0.2.1", &["[2a00::1]:4711"], "2a00::1"),
            ("192.0.2.1", &["[2a00::1]"], "2a00::1"),
            // The client wrote the first one itself.
            ("10.0.0.1", &["1.1.1.1, 203.0.113.5"], "203.0.113.5"),
            ("10.0.0.1", &["1.1.1.1", "203.0.113.5"], "203.0.113.5"),
            // Through several of ours.
            ("10.0.0.1", &["1.1.1.1, 203.0.113.5, 10.2.0.1,2001:db8::7"], "203.0.113.5"),
            // One of ours asks for itself.
            ("10.0.0.1", &["10.0.0.2"], "10.0.0.2"),
            ("10.0.0.1", &[], "10.0.0.1"),
            // Nothing behind what cannot be read.
            ("10.0.0.1", &["203.0.113.5, unknown"], "10.0.0.1"),
            ("10.0.0.1", &["203.0.113.5, , 10.0.0.3"], "10.0.0.3"),
        ] {
            let found = client(OURS, Some(remote), hops);
            assert_eq!(found.as_deref(), Some(expected), "{remote} {hops:?}");
        }
    }

    #[test]
    fn a_unix_socket_is_a_proxy_if_it_is_said_to_be() {
        assert_eq!(client(&[], None, &["203.0.113.5"]), None);
        assert_eq!(client(&["unix"], None, &["203.0.113.5"]).as_deref(), Some("203.0.113.5"));
        assert_eq!(client(&["unix"], None, &[]), None);
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for wrong in ["", "proxy.example", "10.0.0.0/33", "10.0.0", "10.0.0.1:80"] {
            let error = Proxies::new(&[wrong.to_owned()]).unwrap_err();
            assert!(error.to_string().starts_with(&format!("`{wrong}` ")), "{error}");
        }
    }
}
