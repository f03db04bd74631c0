//! The check of `Origin` and `Host`: which web pages may connect.
//!
//! A browser lets any page open a WebSocket to any server, and sends the user's cookies along. Only the header `Origin`
//! tells the server which page it is. So a page may connect only to the host that it comes from, and to servers that
//! allow its origin. A client that is no browser sends no `Origin`, and may connect.
//!
//! The check of `Host` prevents DNS rebinding. There a page makes its own name point to 127.0.0.1, so its `Origin` is
//! the host that it connects to. But the page cannot change the name in `Host`.

use http::StatusCode;
use http::header::{HeaderMap, ORIGIN};

use crate::client_info::Way;
use crate::error::Error;
use crate::headers::only;
use crate::host::Host;
use crate::rejection::Rejection;

/// The origins of other hosts that may connect, and the names of the server.
#[derive(Debug, Default)]
pub(crate) struct Origins {
    allowed: Vec<Origin>,
    /// Empty if the server has any name.
    hosts: Vec<Host>,
    /// Whether all clients use TLS. Then pages of the server use TLS as well.
    is_secure: bool,
}

/// The origin of a page (RFC 6454), or an entry of the list of allowed origins.
#[derive(Debug, PartialEq, Eq)]
enum Origin {
    /// Every page. Only in the list of allowed origins.
    Any,
    /// The origin `null`: a page without an origin, such as a file or a sandboxed frame.
    Null,
    /// The scheme in lower case, and a host. The host has the default port of the scheme if no port is written.
    Of(String, Host),
}

impl Origins {
    /// Reads the lists of allowed origins and of the server's names.
    pub(crate) fn new(
        patterns: &[String],
        hosts: &[String],
        is_secure: bool,
    ) -> Result<Self, Error> {
        let read = |pattern: &String| {
            Origin::of_pattern(pattern).ok_or_else(|| Error::Origin(pattern.clone()))
        };
        let read_host = |host: &String| Host::parse(host).ok_or_else(|| Error::Host(host.clone()));
        Ok(Self {
            allowed: patterns.iter().map(read).collect::<Result<_, _>>()?,
            hosts: hosts.iter().map(read_host).collect::<Result<_, _>>()?,
            is_secure,
        })
    }

    /// Checks a request for `host` over a connection of the kind `way`.
    pub(crate) fn check(
        &self,
        headers: &HeaderMap,
        host: Option<&Host>,
        way: Way,
    ) -> Result<(), Rejection> {
        self.check_host(host, way)?;
        if !headers.contains_key(ORIGIN) {
            return Ok(());
        }
        let origin = only(headers, ORIGIN).and_then(|origin| Origin::parse(origin.to_str().ok()?));
        match origin {
            Some(origin) if self.is_own(&origin, host) || self.allow(&origin) => Ok(()),
            _ => Err(forbidden(
                "pages of this `Origin` may not connect; `allow_origins` allows others",
            )),
        }
    }

    fn check_host(&self, host: Option<&Host>, way: Way) -> Result<(), Rejection> {
        let is_named = |host: &Host| self.hosts.iter().any(|named| named.takes(host));
        if host.is_some_and(|host| is_named(host) || (way != Way::Far && host.is_this_machine())) {
            return Ok(());
        }
        match (way == Way::Loopback, self.hosts.is_empty()) {
            (false, true) => Ok(()),
            (_, false) => Err(forbidden(
                "this server has another name than that in `Host`; `allow_hosts` allows others",
            )),
            (true, true) => Err(forbidden(
                "over a loopback address `Host` must be `localhost` or one; `allow_hosts` allows others",
            )),
        }
    }

    /// Returns whether a page comes from the host that it connects to.
    fn is_own(&self, origin: &Origin, host: Option<&Host>) -> bool {
        let (Origin::Of(scheme, from), Some(to)) = (origin, host) else { return false };
        if self.is_secure && scheme != "https" {
            return false;
        }
        let Some(port) = default_port(scheme) else { return false };
        // A `Host` without a port means the default port of the page's scheme. If the server does not know whether
        // clients use TLS, `https` is possible as well: a proxy may speak TLS.
        from.name == to.name && from.port == Some(to.port.unwrap_or(port))
    }

    /// Returns whether pages of all origins may connect.
    pub(crate) fn allow_any(&self) -> bool {
        self.allowed.contains(&Origin::Any)
    }

    fn allow(&self, origin: &Origin) -> bool {
        self.allowed.iter().any(|allowed| *allowed == Origin::Any || allowed == origin)
    }
}

fn forbidden(text: &'static str) -> Rejection {
    Rejection::new(StatusCode::FORBIDDEN, text)
}

impl Origin {
    /// Reads an allowed origin: the origin of a page, or `*`.
    fn of_pattern(text: &str) -> Option<Self> {
        match Self::parse(text) {
            None if text == "*" => Some(Self::Any),
            // `ws` and `wss` are schemes of servers. No page has such an origin.
            Some(Self::Of(scheme, _)) if matches!(&*scheme, "ws" | "wss") => None,
            origin => origin,
        }
    }

    /// Reads `scheme://host` or `scheme://host:port`, with nothing after it, or `null`.
    fn parse(text: &str) -> Option<Self> {
        if text == "null" {
            return Some(Self::Null);
        }
        let (scheme, host) = text.split_once("://")?;
        let is_letter =
            |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
        if !scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            || !scheme.bytes().all(is_letter)
        {
            return None;
        }
        let scheme = scheme.to_ascii_lowercase();
        let mut host = Host::parse(host)?;
        host.port = host.port.or_else(|| default_port(&scheme));
        Some(Self::Of(scheme, host))
    }
}

/// Returns the port of a page whose origin names no port.
fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;

    const LOOPBACK: &str = "127.0.0.1:9944";
    const PUBLIC: &str = "203.0.113.7:9944";

    fn check(allowed: &[&str], address: &str, host: &str, origin: Option<&str>) -> bool {
        let allowed: Vec<_> = allowed.iter().map(ToString::to_string).collect();
        let mut headers = HeaderMap::new();
        if let Some(origin) = origin {
            headers.insert(ORIGIN, origin.parse().unwrap());
        }
        let address: SocketAddr = address.parse().unwrap();
        let way = Way::over(address.ip().to_canonical().is_loopback());
        let origins = Origins::new(&allowed, &[], false).unwrap();
        let verdict = origins.check(&headers, Host::parse(host).as_ref(), way);
        if let Err(rejection) = &verdict {
            assert_eq!(rejection.status(), StatusCode::FORBIDDEN);
        }
        verdict.is_ok()
    }

    #[test]
    fn a_page_may_connect_to_where_it_came_from() {
        for (host, origin, may) in [
            ("a.example", "https://a.example", true),
            ("a.example", "http://a.example", true),
            ("a.example:9944", "http://a.example:9944", true),
            ("A.Example", "HTTPS://a.EXAMPLE", true),
            ("a.example:443", "https://a.example", true),
            ("a.example", "https://a.example:443", true),
            ("203.0.113.7:9944", "http://203.0.113.7:9944", true),
            ("[2001:db8::1]:9944", "http://[2001:DB8:0::1]:9944", true),
            // Another port is another origin.
            ("a.example:9944", "http://a.example", false),
            ("a.example:9944", "http://a.example:3000", false),
            ("a.example:80", "https://a.example", false),
            ("a.example", "https://a.example:80", false),
            ("a.example", "https://b.example", false),
            ("a.example", "https://a.example.b.example", false),
            ("a.example", "https://x.a.example", false),
            ("203.0.113.7:9944", "http://203.0.113.8:9944", false),
            ("203.0.113.7:9944", "http://127.0.0.1:9944", false),
            // No page can have these origins.
            ("a.example", "null", false),
            ("a.example", "", false),
            ("a.example", "*", false),
            ("a.example", "a.example", false),
            ("a.example", "https://", false),
            ("a.example", "https://a.example/", false),
            ("a.example", "https://u@a.example", false),
            ("a.example", "https://b.example https://a.example", false),
            ("a.example", "https://a.example:+443", false),
            ("a.example", "https://a.example:65979", false), // 443 and 65,536
            ("a.example", "x://a.example", false),
            ("abc", "chrome-extension://abc", false),
            ("u@a.example", "https://a.example", false),
            ("", "https://a.example", false),
        ] {
            assert_eq!(check(&[], PUBLIC, host, Some(origin)), may, "{host} {origin}");
        }
    }

    /// An attacker in the network can answer for `http://` of any name, but does not have the certificate of the name.
    #[test]
    fn a_page_that_came_without_tls_is_foreign_where_that_is_spoken() {
        let origins = Origins::new(&["http://dev.example".to_owned()], &[], true).unwrap();
        for (host, origin, may) in [
            ("a.example", "https://a.example", true),
            ("a.example", "https://a.example:443", true),
            ("a.example:443", "https://a.example", true),
            ("a.example:9944", "https://a.example:9944", true),
            ("a.example", "http://a.example", false),
            ("a.example", "http://a.example:443", false),
            ("a.example:443", "http://a.example", false),
            ("a.example:443", "http://a.example:443", false),
            ("a.example:80", "http://a.example", false),
            ("a.example:80", "https://a.example", false),
            ("a.example:9944", "http://a.example:9944", false),
            // This origin is in the list.
            ("a.example", "http://dev.example", true),
        ] {
            let headers = HeaderMap::from_iter([(ORIGIN, origin.parse().unwrap())]);
            let verdict = origins.check(&headers, Host::parse(host).as_ref(), Way::Far);
            assert_eq!(verdict.is_ok(), may, "{host} {origin}");
        }
    }

    #[test]
    fn what_is_not_a_browser_may_connect() {
        for host in ["a.example", "203.0.113.7:9944", "any thing"] {
            assert!(check(&[], PUBLIC, host, None), "{host}");
        }
    }

    #[test]
    fn pages_of_the_list_may_connect_from_anywhere() {
        let good = &["https://good.example", "http://dev.example:3000", "https://[::1]:8443"];
        for (allowed, origin, may) in [
            (&good[..], "https://good.example", true),
            (good, "https://GOOD.example:443", true),
            (good, "http://dev.example:3000", true),
            (good, "https://[0:0::1]:8443", true),
            (good, "http://good.example", false),
            (good, "https://good.example:8443", false),
            (good, "https://good.example.evil.example", false),
            (good, "https://sub.good.example", false),
            (good, "https://evil.example", false),
            (good, "null", false),
            (good, "*", false),
            (&["chrome-extension://abc"], "chrome-extension://abc", true),
            (&["tauri://localhost"], "tauri://localhost", true),
            (&["null"], "null", true),
            (&["null"], "https://evil.example", false),
            (&["*"], "https://evil.example", true),
            (&["*"], "null", true),
            (&["*"], "no origin", false),
        ] {
            assert_eq!(check(allowed, PUBLIC, "a.example", Some(origin)), may, "{origin}");
        }
    }

    #[test]
    fn a_server_on_a_loopback_address_is_asked_for_by_a_loopback_name() {
        for (host, may) in [
            ("localhost", true),
            ("LocalHost:9944", true),
            ("127.0.0.1:9944", true),
            ("127.1.2.3", true),
            ("[::1]:9944", true),
            ("[::ffff:127.0.0.1]:9944", true),
            ("evil.example:9944", false),
            ("localhost.evil.example:9944", false),
            ("127.0.0.1.evil.example", false),
            ("203.0.113.7:9944", false),
            ("0.0.0.0:9944", false),
            ("[::1", false),
            ("localhost:99440", false),
            ("localhost@evil.example", false),
            ("", false),
        ] {
            for address in [LOOPBACK, "[::1]:9944", "[::ffff:127.0.0.1]:9944"] {
                assert_eq!(check(&[], address, host, None), may, "{address} {host}");
                // The page's origin is the rebound name itself, and no allowed origin makes up for that.
                let origin = format!("http://{host}");
                assert!(may || !check(&["*"], address, host, Some(&origin)), "{address} {host}");
            }
        }
        assert!(check(&[], LOOPBACK, "localhost:9944", Some("http://localhost:9944")));
        // Other servers of the same machine have other origins.
        assert!(!check(&[], LOOPBACK, "localhost:9944", Some("http://localhost:3000")));
        assert!(!check(&[], LOOPBACK, "localhost:9944", Some("http://127.0.0.1:9944")));
        assert!(!check(&[], LOOPBACK, "localhost:9944", Some("null")));
    }

    #[test]
    fn a_header_that_stands_twice_is_none() {
        let origins = Origins::new(&["https://good.example".to_owned()], &[], false).unwrap();
        let mut headers = HeaderMap::new();
        headers.append(ORIGIN, "https://good.example".parse().unwrap());
        let host = Host::parse("a.example");
        assert!(origins.check(&headers, host.as_ref(), Way::Far).is_ok());
        headers.append(ORIGIN, "https://good.example".parse().unwrap());
        assert!(origins.check(&headers, host.as_ref(), Way::Far).is_err());
    }

    #[test]
    fn a_pattern_that_matches_nothing_is_refused() {
        for pattern in [
            "",
            "good.example",
            "//good.example",
            "https:good.example",
            "https://",
            "https://:443",
            "https://good.example/",
            "https://good.example/chat",
            "https://good.example?x",
            "https://*.good.example",
            "https://good.example:x",
            "https://good.example:65536",
            "https://good.example, https://b.example",
            " https://good.example",
            "https://u@good.example",
            "ws://good.example",
            "wss://good.example",
            "https://[::1",
            "https://gööd.example",
            "1http://good.example",
            "NULL",
            "**",
        ] {
            let error = Origins::new(&[pattern.to_owned()], &[], false).unwrap_err();
            assert!(error.to_string().starts_with(&format!("`{pattern}` ")), "{error}");
        }
    }

    #[test]
    fn a_server_answers_to_its_own_names_only_if_it_has_some() {
        let hosts = ["app.example".to_owned(), "api.example:8443".to_owned()];
        let origins = Origins::new(&[], &hosts, false).unwrap();
        for (host, way, may) in [
            ("app.example", Way::Far, true),
            ("APP.example:9944", Way::Far, true),
            ("app.example:9944", Way::Loopback, true),
            ("api.example:8443", Way::Loopback, true),
            ("api.example", Way::Far, false),
            ("evil.example", Way::Far, false),
            ("evil.example", Way::Loopback, false),
            ("evil.example", Way::Unix, false),
            ("localhost:9944", Way::Loopback, true),
            // Clients of a Unix socket send this name, since the URL of a Unix socket has no host.
            ("localhost", Way::Unix, true),
            ("localhost:9944", Way::Far, false),
            ("", Way::Far, false),
        ] {
            let host = Host::parse(host);
            let verdict = origins.check(&HeaderMap::new(), host.as_ref(), way);
            assert_eq!(verdict.is_ok(), may, "{host:?} {way:?}");
        }
        assert!(origins.check(&HeaderMap::new(), None, Way::Far).is_err());
        let error = Origins::new(&[], &["https://app.example".to_owned()], false).unwrap_err();
        assert!(error.to_string().starts_with("`https://app.example` "), "{error}");
    }
}
