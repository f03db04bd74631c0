//! The address of a client that connects through proxies.
//!
//! A proxy appends the address from which it got a request to `X-Forwarded-For`. So the server reads the list from its
//! end, hop by hop, and only as far as trusted proxies have written it. The entries before that may be forged, so the
//! server never reads them.

use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;
use http::header::HeaderName;
use ipnet::{IpNet, Ipv4Net};

use crate::error::Error;
use crate::headers::parts;

static FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The trusted proxies.
#[derive(Debug, Default)]
pub(crate) struct Proxies {
    networks: Vec<IpNet>,
    /// Whether the clients of a Unix socket are trusted proxies.
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

    /// Returns whether `remote` is a trusted proxy. `None` is a Unix socket.
    pub(crate) fn trust(&self, remote: Option<IpAddr>) -> bool {
        let Some(remote) = remote.map(|remote| remote.to_canonical()) else {
            return self.unix;
        };
        self.networks.iter().any(|network| network.contains(&remote))
    }

    /// Returns the address of the client itself: the last address of the path that is no trusted proxy. If a proxy
    /// names no address, or an address that cannot be read, the result is the address of the proxy.
    pub(crate) fn client(&self, remote: Option<IpAddr>, headers: &HeaderMap) -> Option<IpAddr> {
        let mut client = remote.map(|remote| remote.to_canonical());
        for hop in parts(headers, &FORWARDED_FOR, b',').rev() {
            let Some(hop) = Some(hop).filter(|_| self.trust(client)).and_then(read) else { break };
            client = Some(hop);
        }
        client
    }
}

/// Reads an address, with or without a port.
fn read(hop: &[u8]) -> Option<IpAddr> {
    let hop = std::str::from_utf8(hop).ok()?;
    let address = hop.parse().or_else(|_| hop.parse().map(|hop: SocketAddr| hop.ip()));
    let address = address.or_else(|_| hop.trim_matches(['[', ']']).parse());
    address.ok().map(|address: IpAddr| address.to_canonical())
}

/// Turns an IPv4 network that is written as an IPv6 network into IPv4, since the addresses are compared as IPv4.
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
            // The remote address is no trusted proxy, so its header does not count.
            ("198.51.100.7", &["203.0.113.5"][..], "198.51.100.7"),
            ("10.0.0.1", &["203.0.113.5"], "203.0.113.5"),
            ("::ffff:10.0.0.1", &["203.0.113.5"], "203.0.113.5"),
            ("192.0.2.1", &["203.0.113.5:4711"], "203.0.113.5"),
            ("192.0.2.1", &["[2a00::1]:4711"], "2a00::1"),
            ("192.0.2.1", &["[2a00::1]"], "2a00::1"),
            // The client wrote the first address itself.
            ("10.0.0.1", &["1.1.1.1, 203.0.113.5"], "203.0.113.5"),
            ("10.0.0.1", &["1.1.1.1", "203.0.113.5"], "203.0.113.5"),
            // The request passed through several trusted proxies.
            ("10.0.0.1", &["1.1.1.1, 203.0.113.5, 10.2.0.1,2001:db8::7"], "203.0.113.5"),
            // The trusted proxy itself is the client.
            ("10.0.0.1", &["10.0.0.2"], "10.0.0.2"),
            ("10.0.0.1", &[], "10.0.0.1"),
            // The last entry cannot be read, so the entries before it do not count.
            ("10.0.0.1", &["203.0.113.5, unknown"], "10.0.0.1"),
            ("10.0.0.1", &["203.0.113.5, , 10.0.0.3"], "10.0.0.3"),
        ] {
            let found = client(OURS, Some(remote), hops);
            assert_eq!(found.as_deref(), Some(expected), "{remote} {hops:?}");
        }
    }

    /// A proxy appends to the line of the client, whatever the client wrote. Earlier one byte of the client made the
    /// whole line unreadable, so that the client had no address.
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
        // An entry that cannot be read falls back to the proxy that wrote it.
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
