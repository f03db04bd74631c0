//! The check of a server's handshake answer (RFC 6455, section 4.1: the rules that the client must validate).

use http::header::{
    CONNECTION, HeaderMap, HeaderName, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS,
    SEC_WEBSOCKET_PROTOCOL, UPGRADE,
};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::error::ConnectError;

/// Checks the headers of a 101 answer to a request with this key and these offered subprotocols.
pub(crate) fn check(
    headers: &HeaderMap,
    key: &str,
    subprotocols: &[String],
) -> Result<(), ConnectError> {
    let accept = derive_accept_key(key.as_bytes());
    let reason = if !has_token(headers, UPGRADE, "websocket") {
        "its answer lacks `Upgrade: websocket`"
    } else if !has_token(headers, CONNECTION, "upgrade") {
        "its answer lacks `Connection: Upgrade`"
    } else if headers.get(SEC_WEBSOCKET_ACCEPT).is_none_or(|value| *value != accept) {
        "its `Sec-WebSocket-Accept` does not belong to our key"
    } else if headers.contains_key(SEC_WEBSOCKET_EXTENSIONS) {
        "it uses an extension that was not offered"
    } else if !is_offered(headers, subprotocols) {
        "it picked a subprotocol that was not offered: name those it may pick with `.subprotocol(…)`"
    } else {
        return Ok(());
    };
    Err(ConnectError::Handshake(reason))
}

/// Returns whether the server picked one of `subprotocols`, or none.
fn is_offered(headers: &HeaderMap, subprotocols: &[String]) -> bool {
    let mut picked = headers.get_all(SEC_WEBSOCKET_PROTOCOL).iter();
    picked.all(|picked| subprotocols.iter().any(|offered| *picked == *offered))
}

/// Returns whether a header lists `token`, in upper or lower case; the list may span several lines of that name. The
/// lines are read as bytes, so that a word that is not ASCII hides no other word.
fn has_token(headers: &HeaderMap, name: HeaderName, token: &str) -> bool {
    let mut lines = headers.get_all(name).into_iter().map(HeaderValue::as_bytes);
    let is_token = |word: &[u8]| word.trim_ascii().eq_ignore_ascii_case(token.as_bytes());
    lines.any(|line| line.split(|byte| *byte == b',').any(is_token))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaint(change: impl FnOnce(&mut HeaderMap)) -> Option<String> {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            (UPGRADE, "WebSocket"),
            (CONNECTION, "keep-alive, upgrade"),
            (SEC_WEBSOCKET_ACCEPT, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        change(&mut headers);
        let offered = ["jsonrpc2".to_owned()];
        let checked = check(&headers, "dGhlIHNhbXBsZSBub25jZQ==", &offered);
        checked.err().map(|error| error.to_string())
    }

    #[test]
    fn a_subprotocol_may_be_picked_or_not_but_only_one_that_was_offered() {
        let pick = |name| {
            complaint(|headers| {
                headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(name));
            })
        };
        assert_eq!(complaint(|_| ()), None);
        assert_eq!(pick("jsonrpc2"), None);
        assert!(pick("mqtt").unwrap().contains("subprotocol"));
    }

    #[test]
    fn a_word_that_is_no_ascii_hides_no_other() {
        for line in [&b"caf\xc3\xa9, Upgrade"[..], b"\xff,upgrade", b"UPGRADE\t, \xa0"] {
            let complaint = complaint(|headers| {
                headers.insert(CONNECTION, HeaderValue::from_bytes(line).unwrap());
            });
            assert_eq!(complaint, None, "{line:?}");
        }
        let beside = complaint(|headers| {
            headers.insert(CONNECTION, HeaderValue::from_bytes(b"upgrade\xff").unwrap());
        });
        assert!(beside.unwrap().contains("`Connection: Upgrade`"));
    }

    #[test]
    fn what_is_missing_is_named() {
        for (name, hint) in [
            (UPGRADE, "`Upgrade: websocket`"),
            (CONNECTION, "`Connection: Upgrade`"),
            (SEC_WEBSOCKET_ACCEPT, "`Sec-WebSocket-Accept`"),
        ] {
            let complaint = complaint(|headers| drop(headers.remove(name))).unwrap();
            assert!(complaint.contains(hint), "{complaint}");
        }
        let extension = complaint(|headers| {
            let value = HeaderValue::from_static("permessage-deflate");
            headers.insert(SEC_WEBSOCKET_EXTENSIONS, value);
        });
        assert!(extension.unwrap().contains("extension"));
    }
}
