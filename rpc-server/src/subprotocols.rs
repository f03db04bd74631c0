//! The subprotocols of a server, and the choice for a connection (RFC 6455, section 4.2.2).

use http::HeaderMap;
use http::header::{HeaderValue, SEC_WEBSOCKET_PROTOCOL};

use crate::error::Error;
use crate::headers::tokens;

/// The subprotocol that every server knows.
const OURS: &str = "jsonrpc2";

/// A client that cannot set headers offers this name beside [`OURS`] to announce that it resumes a session. The name
/// is never picked.
const RESUME: &str = "jsonrpc2.resume";

/// Returns whether a client announces by its subprotocols that it resumes a session.
pub(crate) fn announce_resume(headers: &HeaderMap) -> bool {
    let is_offered = |name| tokens(headers, SEC_WEBSOCKET_PROTOCOL).any(|offer| offer == name);
    is_offered(OURS) && is_offered(RESUME)
}

/// Names of subprotocols, the preferred one first.
pub(crate) struct Subprotocols(Vec<HeaderValue>);

impl Subprotocols {
    /// Checks the names of the application and adds `jsonrpc2` as the last one. If the application has given `jsonrpc2`
    /// an earlier place, the earlier place counts.
    pub(crate) fn new(names: &[String]) -> Result<Self, Error> {
        let mut all = Vec::with_capacity(names.len() + 1);
        for name in names {
            let bad = || Error::Subprotocol(name.clone());
            if !is_token(name) || name == RESUME {
                return Err(bad());
            }
            all.push(HeaderValue::try_from(name).map_err(|_| bad())?);
        }
        all.push(HeaderValue::from_static(OURS));
        Ok(Self(all))
    }

    /// Returns the first of these names that a client offers. The order of the client does not count, since many
    /// clients offer a token first.
    pub(crate) fn pick(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        let is_offered = |known: &&HeaderValue| {
            tokens(headers, SEC_WEBSOCKET_PROTOCOL).any(|name| name == *known)
        };
        self.0.iter().find(is_offered).cloned()
    }
}

/// Returns whether `name` is a token (RFC 9110, section 5.6.2).
fn is_token(name: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty() && name.bytes().all(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picked(names: &[&str], offers: &[&'static str]) -> Option<String> {
        let names: Vec<_> = names.iter().map(ToString::to_string).collect();
        let mut headers = HeaderMap::new();
        for offer in offers {
            headers.append(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(offer));
        }
        let picked = Subprotocols::new(&names).unwrap().pick(&headers)?;
        Some(picked.to_str().unwrap().to_owned())
    }

    #[test]
    fn the_servers_first_one_that_is_offered_is_picked_and_ours_comes_last() {
        for (names, offers, expected) in [
            (&[][..], &["jsonrpc2"][..], Some("jsonrpc2")),
            (&[], &["mqtt, jsonrpc2"], Some("jsonrpc2")),
            (&[], &["mqtt"], None),
            (&[], &[], None),
            (&["mcp"], &["mcp"], Some("mcp")),
            (&["mcp"], &["jsonrpc2, token.x", "mcp"], Some("mcp")),
            (&["mcp"], &["jsonrpc2"], Some("jsonrpc2")),
            (&["v2", "v1"], &["v1, v2"], Some("v2")),
            (&["v2", "v1"], &["v1"], Some("v1")),
            (&["jsonrpc2", "mcp"], &["mcp, jsonrpc2"], Some("jsonrpc2")),
            (&["mcp"], &["MCP, mcp2"], None),
            (&["mcp"], &["jsonrpc2.resume, jsonrpc2, mcp"], Some("mcp")),
        ] {
            assert_eq!(picked(names, offers).as_deref(), expected, "{names:?} {offers:?}");
        }
    }

    #[test]
    fn a_name_is_a_token() {
        for (name, is_good) in [
            ("mcp", true),
            ("jsonrpc2.resume", false), // reserved: it announces a resume
            ("v1.Json+x!#$%&'*^_`|~-", true),
            ("", false),
            ("a b", false),
            ("a,b", false),
            ("a/b", false),
            ("a\r\nb", false),
            ("caf\u{e9}", false),
        ] {
            let checked = Subprotocols::new(&["mcp".to_owned(), name.to_owned()]);
            assert_eq!(checked.is_ok(), is_good, "{name}");
        }
    }
}
