//! The host that a request names: a name or an address, and a port.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::header::{HOST, HeaderValue};
use http::request::Parts;
use http::{StatusCode, Version};

use crate::rejection::Rejection;

/// A name or an address, and a port.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Host {
    pub(crate) name: Name,
    /// `None` if no port is written and the scheme has no default port.
    pub(crate) port: Option<u16>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Name {
    /// In lower case.
    Dns(String),
    Ip(IpAddr),
}

impl Host {
    /// Returns the host that a request names. `None` if the request names no host, or a host that cannot exist.
    ///
    /// The target of a request may name the host as well, and does so always in HTTP/2. Then the target counts and
    /// `Host` does not (RFC 9112, section 3.2.2; RFC 9113, section 8.3.1), but in HTTP/1.1 `Host` must still occur
    /// exactly once.
    pub(crate) fn asked_for(head: &Parts) -> Result<Option<Self>, Rejection> {
        let mut lines = head.headers.get_all(HOST).iter().map(HeaderValue::to_str);
        let (line, another) = (lines.next(), lines.next());
        if another.is_some() || (line.is_none() && head.version == Version::HTTP_11) {
            return Err(bad_request("`Host` must be there once"));
        }
        let line = line.transpose().map_err(|_| not_a_host())?;
        let target = head.uri.authority().map(http::uri::Authority::as_str);
        if ![line, target].into_iter().flatten().all(is_host) {
            return Err(not_a_host());
        }
        Ok(target.or(line).and_then(Self::parse))
    }

    /// Reads `name`, `name:port`, `address` or `address:port`. An IPv6 address stands in brackets.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (name, port) = split(text)?;
        let port = match port {
            None | Some("") => None,
            Some(digits) => Some(digits.parse().ok()?),
        };
        Some(Self { name: Name::parse(name)?, port })
    }

    /// Returns whether `other` is this host. If this host has no port, `other` may have any port.
    pub(crate) fn takes(&self, other: &Self) -> bool {
        self.name == other.name && (self.port.is_none() || self.port == other.port)
    }

    pub(crate) fn is_this_machine(&self) -> bool {
        match &self.name {
            Name::Dns(name) => name == "localhost",
            Name::Ip(address) => address.is_loopback(),
        }
    }
}

impl Name {
    fn parse(text: &str) -> Option<Self> {
        if let Some(address) = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
            let address: Ipv6Addr = address.parse().ok()?;
            return Some(Self::Ip(IpAddr::from(address).to_canonical()));
        }
        if let Ok(address) = text.parse::<Ipv4Addr>() {
            return Some(Self::Ip(address.into()));
        }
        let is_letter =
            |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
        let is_name = !text.is_empty() && text.bytes().all(is_letter);
        is_name.then(|| Self::Dns(text.to_ascii_lowercase()))
    }
}

/// Splits off the port, which has only digits: parsing a number would also accept a sign.
fn split(text: &str) -> Option<(&str, Option<&str>)> {
    let end = if text.starts_with('[') {
        text.find(']')? + 1
    } else {
        text.find(':').unwrap_or(text.len())
    };
    let (name, port) = text.split_at(end);
    if port.is_empty() {
        return Some((name, None));
    }
    let digits = port.strip_prefix(':')?;
    digits.bytes().all(|byte| byte.is_ascii_digit()).then_some((name, Some(digits)))
}

/// Returns whether `text` has the syntax of a host (RFC 3986, section 3.2.2), even if such a host cannot exist.
fn is_host(text: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=".contains(&byte);
    split(text).is_some_and(|(name, _)| {
        if name.starts_with('[') {
            Name::parse(name).is_some()
        } else {
            name.bytes().all(is_letter)
        }
    })
}

fn not_a_host() -> Rejection {
    bad_request("`Host` must be a name or an address, with or without a port, and nothing else")
}

fn bad_request(text: &'static str) -> Rejection {
    Rejection::new(StatusCode::BAD_REQUEST, text)
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn asked(version: Version, target: &str, lines: &[&[u8]]) -> Result<String, StatusCode> {
        let mut request = Request::builder().version(version).uri(target);
        for line in lines {
            request = request.header(HOST, *line);
        }
        let head = request.body(()).unwrap().into_parts().0;
        let host = Host::asked_for(&head).map_err(|rejection| rejection.status())?;
        Ok(host.map_or_else(
            || "none".into(),
            |host| match (host.name, host.port) {
                (Name::Dns(name), port) => format!("{name} {port:?}"),
                (Name::Ip(address), port) => format!("{address} {port:?}"),
            },
        ))
    }

    #[test]
    fn a_host_stands_once_and_is_one() {
        for (line, expected) in [
            ("a.example", "a.example None"),
            ("A.example:80", "a.example Some(80)"),
            ("a.example:", "a.example None"),
            ("127.0.0.1:9", "127.0.0.1 Some(9)"),
            ("[::ffff:127.0.0.1]:9", "127.0.0.1 Some(9)"),
            // The syntax alone would allow this host.
            ("", "none"),
            ("a%20b.example", "none"),
            ("*.example", "none"),
            ("a.example:65536", "none"),
        ] {
            let host = asked(Version::HTTP_11, "/", &[line.as_bytes()]);
            assert_eq!(host.as_deref(), Ok(expected), "{line}");
        }
        for wrong in [
            "a@b",
            "a b",
            "a/b",
            "a?b",
            "a:+1",
            "a:b",
            "a:1:2",
            "[::1",
            "[::1]x",
            "[a]",
            "::1",
            "a,b:c",
            "http://a",
            "a\\b",
            "\u{e4}.example",
        ] {
            let host = asked(Version::HTTP_11, "/", &[wrong.as_bytes()]);
            assert_eq!(host, Err(StatusCode::BAD_REQUEST), "{wrong}");
        }
        for version in [Version::HTTP_10, Version::HTTP_11, Version::HTTP_2] {
            let twice = asked(version, "/", &[b"a", b"a"]);
            assert_eq!(twice, Err(StatusCode::BAD_REQUEST), "{version:?}");
        }
        assert_eq!(asked(Version::HTTP_11, "/", &[]), Err(StatusCode::BAD_REQUEST));
        assert_eq!(asked(Version::HTTP_10, "/", &[]).as_deref(), Ok("none"));
    }

    #[test]
    fn what_stands_in_the_target_counts_and_not_the_header() {
        let of = |version, target, lines: &[&[u8]]| asked(version, target, lines);
        let named = Ok("a.example Some(8)".to_owned());
        assert_eq!(of(Version::HTTP_11, "http://a.example:8/x", &[b"b.example"]), named);
        assert_eq!(of(Version::HTTP_2, "http://a.example:8/x", &[]), named);
        let bad = Err(StatusCode::BAD_REQUEST);
        assert_eq!(of(Version::HTTP_11, "http://a.example/x", &[]), bad);
        assert_eq!(of(Version::HTTP_11, "http://a.example/x", &[b"u@b"]), bad);
        assert_eq!(of(Version::HTTP_11, "http://u@a.example/x", &[b"a.example"]), bad);
    }
}
