//! The WebSocket handshake (RFC 6455, section 4.2): its check and its answer.

use bytes::Bytes;
use http::header::{
    CONNECTION, HeaderMap, HeaderName, HeaderValue, ORIGIN, SEC_WEBSOCKET_ACCEPT,
    SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::request::Parts;
use http::{Response, StatusCode, Version};
use http_body_util::Full;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::headers::{has_token, only};
use crate::rejection::Rejection;
use crate::subprotocols::{self, Subprotocols};

/// With this header each end tells the other end that it knows the extensions of JSON-RPC 2.0.
const RPC_HELLO: HeaderName = HeaderName::from_static("rpc-hello");

/// With this header a client announces that its first message resumes a session.
const RPC_RESUME: HeaderName = HeaderName::from_static("rpc-resume");

/// The checked handshake of a client.
#[derive(Debug)]
pub(crate) struct Upgrade {
    accept: String,
    /// Whether the client knows the extensions of JSON-RPC 2.0, and asks whether the server does.
    pub(crate) asks_for_hello: bool,
    /// Whether the client is a web page: it has an `Origin`.
    pub(crate) is_page: bool,
    /// Whether the client announces that its first message resumes a session: by a header or, where no header can be
    /// set, by a subprotocol.
    pub(crate) announces_resume: bool,
    /// The subprotocol that the server has picked from those of the client.
    pub(crate) subprotocol: Option<HeaderValue>,
}

impl Upgrade {
    /// Checks the head of a GET request, and picks one of `subprotocols`.
    pub(crate) fn of(
        head: &Parts,
        has_body: bool,
        subprotocols: &Subprotocols,
    ) -> Result<Self, Rejection> {
        if head.version != Version::HTTP_11 {
            let status = StatusCode::HTTP_VERSION_NOT_SUPPORTED;
            return Err(Rejection::new(status, "a WebSocket needs HTTP/1.1"));
        }
        let headers = &head.headers;
        check_headers(headers)?;
        if has_body {
            // The server would read the bytes of the body as frames.
            return Err(bad_request("a handshake has no body"));
        }
        let key = only(headers, SEC_WEBSOCKET_KEY).filter(|key| is_key(key.as_bytes()));
        let key = key.ok_or_else(|| {
            bad_request("`Sec-WebSocket-Key` must be there once: 16 bytes as base64")
        })?;
        Ok(Self {
            accept: derive_accept_key(key.as_bytes()),
            asks_for_hello: only(headers, RPC_HELLO).is_some_and(|value| value == "1"),
            is_page: headers.contains_key(ORIGIN),
            announces_resume: only(headers, RPC_RESUME).is_some_and(|value| value == "1")
                || subprotocols::announce_resume(headers),
            subprotocol: subprotocols.pick(headers),
        })
    }

    /// Returns the answer that turns the connection into a WebSocket. If the server `knows` that the client has the
    /// extensions, the answer has the header `Rpc-Hello`.
    pub(crate) fn response(self, knows: bool) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::default());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        let accept = HeaderValue::try_from(self.accept).expect("base64 is visible ASCII");
        headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
        if knows {
            headers.insert(RPC_HELLO, HeaderValue::from_static("1"));
        }
        if let Some(picked) = self.subprotocol {
            headers.insert(SEC_WEBSOCKET_PROTOCOL, picked);
        }
        response
    }
}

fn check_headers(headers: &HeaderMap) -> Result<(), Rejection> {
    if !has_token(headers, UPGRADE, "websocket") {
        return Err(upgrade_required("this is a WebSocket: send `Upgrade: websocket`"));
    }
    if !has_token(headers, CONNECTION, "upgrade") {
        return Err(upgrade_required("this is a WebSocket: send `Connection: Upgrade`"));
    }
    if only(headers, SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
        let rejection = upgrade_required("`Sec-WebSocket-Version` must be 13");
        return Err(rejection.header(SEC_WEBSOCKET_VERSION, "13"));
    }
    Ok(())
}

fn bad_request(text: &'static str) -> Rejection {
    Rejection::new(StatusCode::BAD_REQUEST, text)
}

fn upgrade_required(text: &'static str) -> Rejection {
    Rejection::new(StatusCode::UPGRADE_REQUIRED, text).header(UPGRADE, "websocket")
}

/// Returns whether `key` is the base64 of 16 bytes.
fn is_key(key: &[u8]) -> bool {
    let Some(digits) = key.strip_suffix(b"==") else {
        return false;
    };
    let is_digit = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    // Only two bits of the last digit count. Decoders disagree on the other bits, so any value is accepted.
    digits.len() == 22 && digits.iter().all(is_digit)
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn head(change: impl FnOnce(&mut HeaderMap)) -> Parts {
        let mut request = Request::new(());
        let headers = request.headers_mut();
        for (name, value) in [
            (UPGRADE, "h2c, WebSocket"),
            (CONNECTION, "keep-alive, upgrade"),
            (SEC_WEBSOCKET_VERSION, "13"),
            (SEC_WEBSOCKET_KEY, "dGhlIHNhbXBsZSBub25jZQ=="),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        change(headers);
        request.into_parts().0
    }

    fn set(name: HeaderName, value: &'static str) -> impl FnOnce(&mut HeaderMap) {
        move |headers| drop(headers.insert(name, HeaderValue::from_static(value)))
    }

    fn upgrade(head: &Parts) -> Result<Upgrade, Rejection> {
        Upgrade::of(head, false, &Subprotocols::new(&[]).unwrap())
    }

    #[test]
    fn the_example_of_the_rfc_is_accepted() {
        let response = upgrade(&head(|_| ())).unwrap().response(false);
        assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
        assert_eq!(response.headers()[SEC_WEBSOCKET_ACCEPT], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        assert_eq!(response.headers().get(SEC_WEBSOCKET_PROTOCOL), None);
    }

    #[test]
    fn a_key_is_16_bytes_and_stands_once() {
        for bad in ["", "==", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25jZ!=="] {
            let head = head(set(SEC_WEBSOCKET_KEY, bad));
            let rejection = upgrade(&head).unwrap_err();
            assert_eq!(rejection.status(), StatusCode::BAD_REQUEST, "{bad}");
        }
        let twice = head(|headers| {
            let key = headers[SEC_WEBSOCKET_KEY].clone();
            headers.append(SEC_WEBSOCKET_KEY, key);
        });
        assert!(upgrade(&twice).is_err());
    }

    #[test]
    fn a_resume_is_announced_by_a_header_or_by_a_subprotocol_beside_ours() {
        let announces = |change: &dyn Fn(&mut HeaderMap)| {
            let upgrade = upgrade(&head(change)).unwrap();
            (upgrade.announces_resume, upgrade.subprotocol)
        };
        let ours = Some(HeaderValue::from_static("jsonrpc2"));
        for (value, expected) in [("1", true), ("0", false), ("", false), ("token", false)] {
            let header = |headers: &mut HeaderMap| {
                headers.insert(RPC_RESUME, HeaderValue::from_static(value));
            };
            assert_eq!(announces(&header), (expected, None), "{value}");
        }
        let twice = |headers: &mut HeaderMap| {
            headers.append(RPC_RESUME, HeaderValue::from_static("1"));
            headers.append(RPC_RESUME, HeaderValue::from_static("1"));
        };
        assert_eq!(announces(&twice), (false, None));
        for (offer, expected) in [
            ("jsonrpc2.resume, jsonrpc2", (true, ours.clone())),
            ("mqtt, jsonrpc2, jsonrpc2.resume", (true, ours.clone())),
            ("jsonrpc2", (false, ours)),
            ("jsonrpc2.resume", (false, None)),
            ("", (false, None)),
        ] {
            let offer = |headers: &mut HeaderMap| {
                headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(offer));
            };
            assert_eq!(announces(&offer), expected);
        }
    }

    #[test]
    fn a_list_may_be_spread_over_several_headers() {
        let spread = head(|headers| {
            headers.insert(CONNECTION, HeaderValue::from_static("keep-alive"));
            headers.append(CONNECTION, HeaderValue::from_static("x , UPGRADE"));
        });
        assert!(upgrade(&spread).is_ok());
        assert!(upgrade(&head(set(CONNECTION, "keep-alive, upgraded"))).is_err());
    }
}
