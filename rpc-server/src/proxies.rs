//! Who a client is that comes by way of proxies.
//!
//! A proxy tells in `X-Forwarded-For` from whom it got a request, behind what stood there before. So
//! the list is to be read from its end, hop by hop, and only as far as it was written by proxies of ours:
//! what stands before that, anyone may have made up, and it is never looked at.

use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;
use http::header::HeaderName;
use ipnet::{IpNet, Ipv4Net};

use crate::error::Error;
use crate::headers::parts;

static FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

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
            let network = network.map_err(|_| Error::Proxy(pattern.clone()))?;
            proxies.networks.push(canonical(network));
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

    /// The address of the client itself: the last one in the way that is no proxy of ours. Where a proxy
    /// names nobody, or nobody who can be read, it is the proxy.
    pub(crate) fn client(&self, remote: Option<IpAddr>, headers: &HeaderMap) -> Option<IpAddr> {
        let mut client = remote.map(|remote| remote.to_canonical());
        for hop in parts(headers, &FORWARDED_FOR, b',').rev() {
            let Some(hop) = Some(hop).filter(|_| self.trust(client)).and_then(read) else { break };
            client = Some(hop);
        }
        client
    }
}

/// Reads an address, with a port or without.
fn read(hop: &[u8]) -> Option<IpAddr> {
    let hop = std::str::from_utf8(hop).ok()?;
    let address = hop.parse().or_else(|_| hop.parse().map(|hop: SocketAddr| hop.ip()));
    let address = address.or_else(|_| hop.trim_matches(['[', ']']).parse());
    address.ok().map(|address: IpAddr| address.to_canonical())
}

/// Networks of IPv4 as such, also when they are written within IPv6: as the addresses that are looked for in
/// them.
fn canonical(network: IpNet) -> IpNet {
    let prefix = network.prefix_len().checked_sub(96);
    match (network.addr().to_canonical(), prefix) {
        (IpAddr::V4(address), Some(prefix)) if matches!(network, IpNet::V6(_)) => {
            Ipv4Net::new(address, prefix).map_or(network, IpNet::V4)
        }
        _ => network,
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn client<T: AsRef<[u8]>>(
        proxies: &[&str],
        remote: Option<&str>,
        hops: &[T],
    ) -> Option<String> {
        let proxies: Vec<_> = proxies.iter().map(ToString::to_string).collect();
        let mut headers = HeaderMap::new();
        for hop in hops {
            headers.append(&FORWARDED_FOR, HeaderValue::from_bytes(hop.as_ref()).unwrap());
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

    /// A proxy appends to what the client wrote, whatever that is: one byte of it made the whole line
    /// unreadable, and the client nobody.
    #[test]
    fn what_a_client_writes_does_not_hide_what_the_proxy_writes() {
        let commas = [&[b','; 8000][..], b" 203.0.113.5"].concat();
        let huge = [&[b'7'; 8000][..], b",203.0.113.5"].concat();
        for lines in [
            &[&b"\xff, 203.0.113.5"[..]][..],
            &["\u{2603}, 203.0.113.5".as_bytes()],
            &[b"1.1.1.1\xa0, 203.0.113.5"],
            &[b"\t,\t203.0.113.5\t"],
            &[b"\xff", b"203.0.113.5"],
            &[b"\xff, 203.0.113.5, 10.0.0.9"],
            &[b"\xff", b"", b"203.0.113.5", b"10.0.0.9"],
            &[&commas],
            &[&huge],
        ] {
            let found = client(&["10.0.0.0/8"], Some("10.0.0.1"), lines);
            assert_eq!(found.as_deref(), Some("203.0.113.5"), "{lines:?}");
        }
        // What cannot be read stays with the one who wrote it.
        for (line, expected) in [
            (&b"203.0.113.5, \xff"[..], "10.0.0.1"),
            (b"203.0.113.5, 10.0.0.9\xa0", "10.0.0.1"),
            (b"203.0.113.5, \xff, 10.0.0.9", "10.0.0.9"),
            (b"203.0.113.5,", "10.0.0.1"),
        ] {
            let found = client(&["10.0.0.0/8"], Some("10.0.0.1"), &[line]);
            assert_eq!(found.as_deref(), Some(expected), "{line:?}");
        }
    }

    #[test]
    fn a_network_of_ipv4_may_be_written_within_ipv6() {
        for (pattern, remote, is_ours) in [
            ("::ffff:10.0.0.0/104", "10.1.2.3", true),
            ("::ffff:10.0.0.0/104", "::ffff:10.1.2.3", true),
            ("::ffff:10.0.0.0/104", "11.1.2.3", false),
            ("::ffff:127.0.0.1", "127.0.0.1", true),
            ("::ffff:127.0.0.1", "127.0.0.2", false),
            ("::ffff:0:0/96", "192.0.2.1", true),
            ("::ffff:0:0/96", "2001:db8::1", false),
            ("::/0", "2001:db8::1", true),
            ("::/0", "192.0.2.1", false),
        ] {
            let proxies = Proxies::new(&[pattern.to_owned()]).unwrap();
            assert_eq!(proxies.trust(remote.parse().ok()), is_ours, "{pattern} {remote}");
        }
    }

    #[test]
    fn a_unix_socket_is_a_proxy_if_it_is_said_to_be() {
        assert_eq!(client(&[], None, &["203.0.113.5"]), None);
        assert_eq!(client(&["unix"], None, &["203.0.113.5"]).as_deref(), Some("203.0.113.5"));
        assert_eq!(client(&["unix"], None, &[""]), None);
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for wrong in ["", "proxy.example", "10.0.0.0/33", "10.0.0", "10.0.0.1:80"] {
            let error = Proxies::new(&[wrong.to_owned()]).unwrap_err();
            assert!(error.to_string().starts_with(&format!("`{wrong}` ")), "{error}");
        }
    }
}
