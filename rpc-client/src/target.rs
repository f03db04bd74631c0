//! The target of a URL.

#[cfg(unix)]
use std::ffi::OsString;
use std::fmt;
use std::net::Ipv6Addr;
#[cfg(unix)]
use std::os::unix::ffi::OsStringExt;
#[cfg(unix)]
use std::path::PathBuf;

use http::Uri;
use http::uri::Authority;
#[cfg(unix)]
use http::uri::PathAndQuery;
use percent_encoding::percent_decode_str;
#[cfg(unix)]
use rpc_core::internal::Escaped;
#[cfg(feature = "tls-no-provider")]
use rpc_tls::rustls::pki_types::ServerName;

use crate::error::ConnectError;

/// A parsed URL.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// The name that the server's certificate must have. `None` without TLS.
    #[cfg(feature = "tls-no-provider")]
    pub(crate) proven: Option<ServerName<'static>>,
    pub(crate) place: Place,
    /// Whether the link is a WebSocket, which begins with HTTP.
    pub(crate) has_http: bool,
    /// Host and port, or the path of the socket, for error messages and logs.
    pub(crate) name: String,
    /// Host and port for the `Host` header, without the default port and without the zone.
    pub(crate) authority: String,
    /// Path and query of the request.
    pub(crate) path: String,
}

/// The address to dial.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    Tcp {
        /// A name or an address. An address has no brackets, but has its zone: `fe80::1%eth0`.
        host: String,
        port: u16,
    },
    /// The path of a socket. On Linux also an abstract name, after a zero byte.
    #[cfg(unix)]
    Unix(PathBuf),
    /// A child process.
    #[cfg(feature = "process")]
    Process,
}

/// What a URL says of the link by its scheme.
#[derive(Debug, Clone, Copy)]
struct Scheme {
    secure: bool,
    has_http: bool,
}

impl Target {
    /// Reads a URL: `ws://`, `tcp://`, or those with TLS or of a Unix socket. The error contains no part of the URL.
    pub(crate) fn parse(url: &str) -> Result<Self, ConnectError> {
        let (scheme, socket) = url.split_once(':').unwrap_or_default();
        let of = |secure, has_http| Self::of_socket(socket, Scheme { secure, has_http });
        match scheme.to_ascii_lowercase().as_str() {
            "ws+unix" => of(false, true),
            "wss+unix" => of(true, true),
            "unix" => of(false, false),
            "tls+unix" => of(true, false),
            _ => Self::of_host(url),
        }
    }

    /// The target of a client whose server is a child process.
    #[cfg(feature = "process")]
    pub(crate) fn process() -> Self {
        Self {
            #[cfg(feature = "tls-no-provider")]
            proven: None,
            place: Place::Process,
            has_http: false,
            name: "a child process".to_owned(),
            authority: String::new(),
            path: String::new(),
        }
    }

    /// Returns the target as an HTTP client sees it. `None` if no other machine could lead to the target: a socket or a
    /// process of this machine, or an address that has a meaning on one of its networks only.
    pub(crate) fn as_http(&self) -> Option<Uri> {
        let Place::Tcp { host, .. } = &self.place else { return None };
        #[cfg(feature = "tls-no-provider")]
        let scheme = if self.proven.is_some() { "https" } else { "http" };
        #[cfg(not(feature = "tls-no-provider"))]
        let scheme = "http";
        let uri =
            Uri::builder().scheme(scheme).authority(self.authority.as_str()).path_and_query("/");
        uri.build().ok().filter(|_| !host.contains('%'))
    }

    fn of_host(url: &str) -> Result<Self, ConnectError> {
        let uri: Uri = url.parse().map_err(|_| SYNTAX)?;
        let Scheme { secure, has_http } = scheme(&uri)?;
        check_feature(secure)?;
        let default_port = if secure { 443 } else { 80 };
        let authority = uri.authority().ok_or(SYNTAX)?;
        if authority.as_str().contains('@') {
            return Err(USER);
        }
        let (host, port) = (authority.host(), port(authority, has_http.then_some(default_port))?);
        if !has_http && (uri.path().len() > 1 || uri.query().is_some()) {
            return Err(NO_PATH);
        }
        let (dialled, asked_for) = host_of(host)?;
        Ok(Self {
            #[cfg(feature = "tls-no-provider")]
            proven: secure.then(|| server_name(&asked_for)).transpose()?,
            place: Place::Tcp { host: dialled, port },
            has_http,
            name: format!("{host}:{port}"),
            authority: if port == default_port { asked_for } else { format!("{asked_for}:{port}") },
            path: path(uri.path(), uri.query()),
        })
    }

    /// Reads the part after `ws+unix:`: `//`, the escaped path of the socket, and after another colon the path of the
    /// request. The npm package `ws` has the same syntax.
    #[cfg(unix)]
    fn of_socket(text: &str, scheme: Scheme) -> Result<Self, ConnectError> {
        let Scheme { secure, has_http } = scheme;
        check_feature(secure)?;
        let text = text.strip_prefix("//").unwrap_or(text);
        let (socket, rest) = text.split_at(text.find([':', '?', '#']).unwrap_or(text.len()));
        let socket: Vec<u8> = percent_decode_str(socket).collect();
        if !matches!(socket.first(), Some(b'/' | 0)) {
            return Err(SOCKET);
        }
        if !has_http && !rest.is_empty() {
            return Err(NO_PATH);
        }
        let rest = match rest.strip_prefix(':') {
            Some(path) if !path.is_empty() && !path.starts_with(['/', '?', '#']) => {
                return Err(SOCKET);
            }
            path => path.unwrap_or(rest),
        };
        let asked: PathAndQuery =
            format!("/{}", rest.strip_prefix('/').unwrap_or(rest)).parse().map_err(|_| SOCKET)?;
        let socket = PathBuf::from(OsString::from_vec(socket));
        Ok(Self {
            #[cfg(feature = "tls-no-provider")]
            proven: secure.then(|| server_name(LOCAL)).transpose()?,
            name: Escaped(socket.display()).to_string(),
            place: Place::Unix(socket),
            has_http,
            authority: LOCAL.to_owned(),
            path: path(asked.path(), asked.query()),
        })
    }

    #[cfg(not(unix))]
    fn of_socket(_: &str, _: Scheme) -> Result<Self, ConnectError> {
        Err(ConnectError::Url("this system has no Unix sockets for `ws+unix:`"))
    }
}

/// The host name of a server on a Unix socket, since such a server is on this machine.
#[cfg(unix)]
const LOCAL: &str = "localhost";

/// Shows only host and port, or the socket: path and query may hold credentials.
impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Target").field(&self.name).finish()
    }
}

const SYNTAX: ConnectError = ConnectError::Url(
    "write `ws://host:port/path`, or `wss://` for TLS; without HTTP `tcp://host:port`, or `tls://`",
);
const NO_PATH: ConnectError = ConnectError::Url(
    "a link without HTTP has no path: write `tcp://host:port` or `unix:///path/to/socket`",
);
#[cfg(unix)]
const SOCKET: ConnectError = ConnectError::Url(
    "write `ws+unix:///path/to/socket`, with `:/path` behind it if the server has a path, and in the path of \
     the socket `%3A` for `:`, `%3F` for `?`, `%23` for `#` and `%25` for `%`",
);
const NO_TLS: ConnectError = ConnectError::Url("`wss://` needs the feature `tls` of `rpc-client`");
const USER: ConnectError = ConnectError::Url(
    "it has a user or password, and URLs end up in logs: send them with \
     `.header(\"authorization\", …)`",
);
const BAD_ADDRESS: ConnectError = ConnectError::Url(
    "in brackets stands an address of IPv6, with a network interface of this machine behind `%25` if it \
     needs one: `[::1]`, `[fe80::1%25eth0]`",
);
const NO_PORT: ConnectError =
    ConnectError::Url("a link without HTTP needs a port: write `tcp://host:port`");
const BAD_PORT: ConnectError = ConnectError::Url("the port is not a number from 1 to 65535");

#[cfg(feature = "tls-no-provider")]
fn server_name(host: &str) -> Result<ServerName<'static>, ConnectError> {
    let bad = ConnectError::Url("its host is not a name that a certificate can be for");
    ServerName::try_from(host.trim_matches(['[', ']']).to_owned()).map_err(|_| bad)
}

/// Returns the host to dial, and the host for the `Host` header. The header has no zone, since a zone means something
/// on this machine only (RFC 6874, section 4).
fn host_of(host: &str) -> Result<(String, String), ConnectError> {
    let Some(address) = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) else {
        return Ok((host.to_owned(), host.to_owned()));
    };
    let (address, zone) = match address.split_once('%') {
        Some((address, zone)) => (address, Some(zone)),
        None => (address, None),
    };
    address.parse::<Ipv6Addr>().map_err(|_| BAD_ADDRESS)?;
    let Some(zone) = zone else { return Ok((address.to_owned(), host.to_owned())) };
    // A zone after `%` without `25` is ambiguous: `%251` could be zone 1 or zone 251.
    let zone = zone.strip_prefix("25").filter(|zone| !zone.is_empty()).ok_or(BAD_ADDRESS)?;
    let zone = percent_decode_str(zone).decode_utf8().map_err(|_| BAD_ADDRESS)?;
    Ok((format!("{address}%{zone}"), format!("[{address}]")))
}

fn check_feature(secure: bool) -> Result<(), ConnectError> {
    if secure && !cfg!(feature = "tls-no-provider") { Err(NO_TLS) } else { Ok(()) }
}

fn scheme(uri: &Uri) -> Result<Scheme, ConnectError> {
    let (secure, has_http) = match uri.scheme_str().map(str::to_ascii_lowercase).as_deref() {
        Some("ws") => (false, true),
        Some("wss") => (true, true),
        Some("tcp") => (false, false),
        Some("tls") => (true, false),
        _ => return Err(SYNTAX),
    };
    Ok(Scheme { secure, has_http })
}

fn port(authority: &Authority, default: Option<u16>) -> Result<u16, ConnectError> {
    // `port_u16` returns `None` also for a port that it cannot read.
    match &authority.as_str()[authority.host().len()..] {
        "" => default.ok_or(NO_PORT),
        port => {
            let number = port.strip_prefix(':').and_then(|port| port.parse().ok());
            number.filter(|port| *port != 0).ok_or(BAD_PORT)
        }
    }
}

fn path(path: &str, query: Option<&str>) -> String {
    match query {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
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
            (
                "ws://[fe80::1%25eth0]:80/",
                ["fe80::1%eth0", "[fe80::1%25eth0]:80", "[fe80::1]", "/"],
            ),
            (
                "ws://[fe80::1%25en%2D1]:81",
                ["fe80::1%en-1", "[fe80::1%25en%2D1]:81", "[fe80::1]:81", "/"],
            ),
        ] {
            let target = Target::parse(url).unwrap();
            let Target { name, authority, path, .. } = &target;
            let Place::Tcp { host, port } = &target.place else { panic!("{url}: {target:?}") };
            assert_eq!([host, name, authority, path], expected, "{url}");
            assert!(name.ends_with(&format!(":{port}")), "{url}");
        }
    }

    #[test]
    #[cfg(unix)]
    fn the_url_of_a_unix_socket_is_taken_apart() {
        for (url, socket, path) in [
            ("ws+unix:///run/a.sock", "/run/a.sock", "/"),
            ("ws+unix:/run/a.sock", "/run/a.sock", "/"),
            ("WS+Unix:///run/a.sock:/rpc", "/run/a.sock", "/rpc"),
            ("ws+unix:///run/a.sock:/rpc/:x?y=/:z#w", "/run/a.sock", "/rpc/:x?y=/:z"),
            ("ws+unix:///run/a.sock:", "/run/a.sock", "/"),
            ("ws+unix:///run/a.sock?x=1", "/run/a.sock", "/?x=1"),
            ("ws+unix:///run/a.sock:?x=1", "/run/a.sock", "/?x=1"),
            ("ws+unix:///run/a.sock#x", "/run/a.sock", "/"),
            ("ws+unix:///a%20b%3A%3F%25%C3%A9 c:/rpc", "/a b:?%\u{e9} c", "/rpc"),
            ("ws+unix://%00name:/rpc", "\0name", "/rpc"),
        ] {
            let target = Target::parse(url).unwrap();
            assert_eq!(target.place, Place::Unix(socket.into()), "{url}");
            assert_eq!([target.authority, target.path], ["localhost", path], "{url}");
        }
    }

    #[test]
    fn a_url_without_http_has_an_address_and_nothing_else() {
        for url in ["tcp://a.example:9944", "TCP://[::1]:9944/"] {
            let target = Target::parse(url).unwrap();
            assert!(!target.has_http, "{url}");
            assert!(matches!(target.place, Place::Tcp { port: 9944, .. }), "{url}");
        }
        assert!(Target::parse("ws://a.example:9944").unwrap().has_http);
        #[cfg(unix)]
        for url in ["unix:///run/a.sock", "unix:/run/a.sock", "UNIX:///run/a%2Esock"] {
            let target = Target::parse(url).unwrap();
            assert_eq!((target.place, target.has_http), (Place::Unix("/run/a.sock".into()), false));
        }
        for (url, hint) in [
            ("tcp://secret", "needs a port"),
            ("tcp://secret:80/path", "has no path"),
            ("tcp://secret:80?x", "has no path"),
            ("tcp://ada:secret@host:80", "`.header(\"authorization\""),
            #[cfg(unix)]
            ("unix:///secret:/rpc", "has no path"),
            #[cfg(unix)]
            ("unix://secret/a.sock", "write `ws+unix:///path/to/socket`"),
        ] {
            let text = Target::parse(url).unwrap_err().to_string();
            assert!(text.contains(hint) && !text.contains("secret"), "{url}: {text}");
        }
    }

    #[test]
    #[cfg(feature = "tls-no-provider")]
    fn a_secure_url_has_a_default_port_of_its_own() {
        for (url, port, authority) in [
            ("wss://a.example/", 443, "a.example"),
            ("WSS://a.example:443/", 443, "a.example"),
            ("wss://a.example:80/", 80, "a.example:80"),
            ("wss://[::1]/", 443, "[::1]"),
            ("wss://[fe80::1%25eth0]/", 443, "[fe80::1]"),
        ] {
            let target = Target::parse(url).unwrap();
            assert!(target.proven.is_some());
            let Place::Tcp { port: dialled, .. } = target.place else { panic!("{url}") };
            assert_eq!((dialled, target.authority.as_str()), (port, authority), "{url}");
        }
        let plain = Target::parse("ws://a.example:443/").unwrap();
        assert!(plain.proven.is_none());
        assert_eq!(plain.authority, "a.example:443");
    }

    #[test]
    #[cfg(feature = "tls-no-provider")]
    fn a_host_that_no_certificate_can_be_for_is_not_asked() {
        assert!(Target::parse("ws://a..example/").is_ok());
        let text = Target::parse("wss://a..example/").unwrap_err().to_string();
        assert!(text.contains("a certificate"), "{text}");
    }

    #[test]
    #[cfg(not(feature = "tls-no-provider"))]
    fn a_secure_url_needs_a_feature() {
        let text = Target::parse("wss://secret/").unwrap_err().to_string();
        let expected = "`wss://` needs the feature `tls` of `rpc-client`";
        assert_eq!(text, format!("the URL cannot be used: {expected}"));
    }

    #[test]
    fn of_a_url_only_host_and_port_are_shown() {
        let target = Target::parse("ws://a.example/secret?token=secret").unwrap();
        assert_eq!(format!("{target:?}"), r#"Target("a.example:80")"#);
        #[cfg(unix)]
        {
            let target = Target::parse("ws+unix:///a%0Ab:/secret?token=secret").unwrap();
            assert_eq!(target.name, r"/a\nb");
            assert!(!format!("{target:?}").contains("secret"));
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
            ("ws://ada:secret@host/", "`.header(\"authorization\""),
            ("ws://[secret]/", "an address of IPv6"),
            ("ws://[127.0.0.1]/", "an address of IPv6"),
            ("ws://[secret%25eth0]/", "an address of IPv6"),
            ("ws://[fe80::1%secret]/", "behind `%25`"),
            ("ws://[fe80::1%2]/", "behind `%25`"),
            ("ws://[fe80::1%25]/", "behind `%25`"),
            ("ws://[fe80::1%25%ff]/", "behind `%25`"),
            #[cfg(unix)]
            ("ws+unix:", "write `ws+unix:///path/to/socket`"),
            #[cfg(unix)]
            ("ws+unix://secret/a.sock", "write `ws+unix:///path/to/socket`"),
            #[cfg(unix)]
            ("ws+unix:///secret:80/", "`%3A` for `:`"),
            #[cfg(unix)]
            ("ws+unix:///a:/secret secret", "write `ws+unix:///path/to/socket`"),
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
