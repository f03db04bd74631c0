//! An HTTP answer instead of a connection.

use std::borrow::Cow;

use bytes::Bytes;
use http::header::{
    CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING,
};
use http::{Response, StatusCode};
use http_body_util::Full;

/// Why a client may not connect, as an HTTP answer: a status, and a short text for people.
///
/// ```
/// use rpc_server::{Rejection, StatusCode};
///
/// let rejection = Rejection::new(StatusCode::UNAUTHORIZED, "no valid token")
///     .header("www-authenticate", "Bearer");
/// assert_eq!(rejection.status(), StatusCode::UNAUTHORIZED);
/// ```
#[derive(Debug, Clone)]
pub struct Rejection {
    status: StatusCode,
    text: Cow<'static, str>,
    /// Boxed: most have none, and a map is large for the error of a `Result`.
    headers: Option<Box<HeaderMap>>,
}

impl Rejection {
    /// Answers with `status` and `text`. A status that is no refusal, that is below 300, becomes
    /// 500.
    pub fn new(status: StatusCode, text: impl Into<Cow<'static, str>>) -> Self {
        let is_refusal = status.as_u16() >= 300;
        let status = if is_refusal { status } else { StatusCode::INTERNAL_SERVER_ERROR };
        Self { status, text: text.into(), headers: None }
    }

    /// Adds a header, beside those of the same name. `Connection`, `Content-Type` and those that
    /// give the length of the text are ours and cannot be set.
    ///
    /// # Panics
    /// If this cannot be a header: a name is ASCII without spaces, a value has no line breaks.
    #[must_use]
    #[track_caller]
    pub fn header<N, V>(mut self, name: N, value: V) -> Self
    where
        N: TryInto<HeaderName>,
        V: TryInto<HeaderValue>,
    {
        let (Ok(name), Ok(value)) = (name.try_into(), value.try_into()) else {
            panic!("a header's name is ASCII without spaces, its value has no line breaks");
        };
        self.headers.get_or_insert_default().append(name, value);
        self
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The answer, after which the connection is closed.
    pub(crate) fn into_response(self) -> Response<Full<Bytes>> {
        let body = match self.text {
            Cow::Borrowed(text) => Bytes::from_static(text.as_bytes()),
            Cow::Owned(text) => Bytes::from(text),
        };
        let mut response = Response::new(Full::new(body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        *headers = self.headers.map(|headers| *headers).unwrap_or_default();
        headers.remove(CONTENT_LENGTH);
        headers.remove(TRANSFER_ENCODING);
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rejection_cannot_pretend_to_accept() {
        for status in [StatusCode::SWITCHING_PROTOCOLS, StatusCode::OK, StatusCode::CONTINUE] {
            assert_eq!(Rejection::new(status, "").status(), StatusCode::INTERNAL_SERVER_ERROR);
        }
        assert_eq!(Rejection::new(StatusCode::FOUND, "").status(), StatusCode::FOUND);
    }

    #[test]
    fn headers_that_frame_the_answer_are_ours() {
        let response = Rejection::new(StatusCode::FORBIDDEN, "no")
            .header("content-length", "999")
            .header("connection", "keep-alive")
            .header("retry-after", "5")
            .into_response();
        let headers = response.headers();
        assert_eq!(headers.get(CONTENT_LENGTH), None);
        assert_eq!(headers[CONNECTION], "close");
        assert_eq!(headers["retry-after"], "5");
    }
}
