//! Where a URL leads.

use http::Uri;
use http::uri::Authority;

use crate::error::ConnectError;

/// A URL, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// A name or an address, the latter without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// Host and port, for people.
    pub(crate) name: String,
    /// The same for the `Host` header, which leaves out the default port.
    pub(crate) authority: String,
    /// Path and query, as they are requested.
    pub(crate) path: String,
}

impl Target {
    /// Reads a `ws://` URL. No error repeats any of it.
    pub(crate) fn parse(url: &str) -> Result<Self, ConnectError> {
        let uri: Uri = url.parse().map_err(|_| SYNTAX)?;
        match uri.scheme_str().map(str::to_ascii_lowercase).as_deref() {
            Some("ws") => {}
            Some("wss") => return Err(TLS),
            _ => return Err(SYNTAX),
        }
        let authority = uri.authority().ok_or(SYNTAX)?;
        if authority.as_str().contains('@') {
            return Err(USER);
        }
        let (host, port) = (authority.host(), port(authority)?);
        let name = format!("{host}:{port}");
        Ok(Self {
            host: host.trim_matches(['[', ']']).to_owned(),
            port,
            authority: if port == PORT { host.to_owned() } else { name.clone() },
            name,
            path: path(&uri),
        })
    }
}

/// The port of `ws://`.
const PORT: u16 = 80;

const SYNTAX: ConnectError = ConnectError::Url("write `ws://host:port/path`");
const TLS: ConnectError = ConnectError::Url("`wss://` is not supported yet, only `ws://` is");
const USER: ConnectError = ConnectError::Url(
    "it has a user or password, and URLs end up in logs: send them with \
     `.header(\"authorization\", …)`",
);
const BAD_PORT: ConnectError = ConnectError::Url("the port is not a number from 1 to 65535");

fn port(authority: &Authority) -> Result<u16, ConnectError> {
    // `port_u16` takes a port it cannot read for none.
    match &authority.as_str()[authority.host().len()..] {
        "" => Ok(PORT),
        port => {
            let number = port.strip_prefix(':').and_then(|port| port.parse().ok());
            number.filter(|port| *port != 0).ok_or(BAD_PORT)
        }
    }
}

fn path(uri: &Uri) -> String {
    match uri.query() {
        Some(query) => format!("{}?{query}", uri.path()),
        None => uri.path().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart() {
        for (url, expected) in [
            ("ws://a.example", ["a.example", "a.example:80", "a.example", "/"]),
            ("ws://a.example:80/", ["a.example", "a.example:80", "a.example", "/"]),
            ("WS://a:9944/rpc?x=1#y", ["a", "a:9944", "a:9944", "/rpc?x=1"]),
            ("ws://[::1]:9944?x", ["::1", "[::1]:9944", "[::1]:9944", "/?x"]),
            ("ws://[::1]", ["::1", "[::1]:80", "[::1]", "/"]),
        ] {
            let target = Target::parse(url).unwrap();
            let Target { host, port, name, authority, path } = &target;
            assert_eq!([host, name, authority, path], expected, "{url}");
            assert!(name.ends_with(&format!(":{port}")), "{url}");
        }
    }

    #[test]
    fn a_url_that_cannot_be_used_is_not_repeated() {
        for (url, hint) in [
            ("", "write `ws://"),
            ("secret", "write `ws://"),
            ("http://secret/", "write `ws://"),
            ("ws:///secret", "write `ws://"),
            ("ws://secret secret/", "write `ws://"),
            ("wss://secret/", "not supported yet"),
            ("ws://ada:secret@host/", "`.header(\"authorization\""),
            ("ws://secret:x/", "port"),
            ("ws://secret:0/", "port"),
            ("ws://secret:65536/", "port"),
            ("ws://secret:/", "port"),
        ] {
            let error = Target::parse(url).unwrap_err();
            let text = error.to_string();
            assert!(text.contains(hint), "{url}: {text}");
            assert!(!format!("{text} {error:?}").contains("secret"), "{text}");
        }
    }
}
