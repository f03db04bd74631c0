//! The headers that the application adds to the request.

use std::fmt;

use http::HeaderMap;
use http::header::{
    CONNECTION, CONTENT_LENGTH, HOST, HeaderName, HeaderValue, SEC_WEBSOCKET_PROTOCOL,
    TRANSFER_ENCODING, UPGRADE, USER_AGENT,
};

use crate::error::ConnectError;

/// Some servers refuse a request without a `User-Agent`. The value has no version: a version tells attackers which
/// clients are vulnerable.
const OUR_NAME: HeaderValue = HeaderValue::from_static(env!("CARGO_PKG_NAME"));

/// The headers of the application, or the error of the first invalid header.
#[derive(Clone, Default)]
pub(crate) struct Headers {
    map: HeaderMap,
    mistake: Option<String>,
}

impl Headers {
    pub(crate) fn add(&mut self, name: &str, value: &str) {
        if let Err(mistake) = self.try_add(name, value) {
            self.mistake.get_or_insert(mistake);
        }
    }

    /// Returns whether the application has added nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.map.is_empty() && self.mistake.is_none()
    }

    /// Returns the headers. Adds our `User-Agent` if the application has set none.
    pub(crate) fn finish(&self) -> Result<HeaderMap, ConnectError> {
        if let Some(mistake) = &self.mistake {
            return Err(ConnectError::Header(mistake.clone()));
        }
        let mut map = self.map.clone();
        map.entry(USER_AGENT).or_insert(OUR_NAME);
        Ok(map)
    }

    fn try_add(&mut self, name: &str, value: &str) -> Result<(), String> {
        // The error does not repeat the name: some callers pass the whole header as the name, with its credentials.
        let name = HeaderName::try_from(name)
            .map_err(|_| "a name is ASCII letters, digits and `-`; the value comes second")?;
        if name == SEC_WEBSOCKET_PROTOCOL {
            return Err("offer a subprotocol with `.subprotocol(…)`".into());
        }
        if is_of_the_handshake(&name) {
            return Err(format!("`{name}` is set by the handshake"));
        }
        let mut value = HeaderValue::try_from(value)
            .map_err(|_| format!("the value of `{name}` has a line break or the like"))?;
        // Any header may be a credential, so no value is ever shown.
        value.set_sensitive(true);
        self.map.append(name, value);
        Ok(())
    }
}

/// Shows only the names of the headers.
impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Headers")
            .field("headers", &self.map)
            .field("mistake", &self.mistake)
            .finish()
    }
}

fn is_of_the_handshake(name: &HeaderName) -> bool {
    [HOST, CONNECTION, UPGRADE, CONTENT_LENGTH, TRANSFER_ENCODING].contains(name)
        || name.as_str().starts_with("sec-websocket-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistake(name: &str, value: &str) -> String {
        let mut headers = Headers::default();
        headers.add(name, value);
        headers.add("x-good", "good");
        headers.finish().unwrap_err().to_string()
    }

    #[test]
    fn headers_of_the_handshake_are_refused() {
        for name in ["Host", "Upgrade", "connection", "Sec-WebSocket-Key", "content-length"] {
            assert!(mistake(name, "x").contains("is set by the handshake"), "{name}");
        }
        assert!(mistake("Sec-WebSocket-Protocol", "x").contains("`.subprotocol(…)`"));
    }

    #[test]
    fn no_value_is_ever_shown() {
        assert!(!mistake("authorization", "secret\n").contains("secret"));
        assert!(!mistake("authorization: secret", "").contains("secret"));
        let mut headers = Headers::default();
        headers.add("authorization", "secret");
        headers.add("cookie", "session=secret");
        let shown = format!("{headers:?}");
        assert!(!shown.contains("secret"), "{shown}");
        assert!(shown.contains("authorization"), "{shown}");
    }
}
