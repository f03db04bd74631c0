//! Pages of other origins: a WebSocket needs no leave of the browser, but requests do (the fetch standard, CORS).

use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, HeaderMap, HeaderValue, ORIGIN,
    VARY,
};
use http::request::Parts;
use http::{Method, Response, StatusCode};
use http_body_util::Full;

use crate::headers::only;

/// The page of a request, to which the answer is to be shown.
pub(crate) struct Cors {
    origin: HeaderValue,
    /// Whether the page may send cookies: not if every page may.
    takes_credentials: bool,
}

impl Cors {
    /// Returns the page of a request, if there is one.
    pub(crate) fn of(headers: &HeaderMap, takes_credentials: bool) -> Option<Self> {
        Some(Self { origin: only(headers, ORIGIN)?.clone(), takes_credentials })
    }

    /// Shows the page the answer.
    pub(crate) fn show<B>(self, response: &mut Response<B>) {
        let headers = response.headers_mut();
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, self.origin);
        headers.append(VARY, HeaderValue::from_static("Origin"));
        let exposed = HeaderValue::from_static("Rpc-Received, Retry-After");
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
        if self.takes_credentials {
            headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
    }
}

/// Returns whether a browser asks whether its page may send a request.
pub(crate) fn is_preflight(head: &Parts) -> bool {
    let headers = &head.headers;
    head.method == Method::OPTIONS
        && headers.contains_key(ORIGIN)
        && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

/// Returns the answer to the question of a browser: the headers of the page are up to `on_connect`.
pub(crate) fn preflight(asked: &HeaderMap) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST"));
    if let Some(names) = only(asked, ACCESS_CONTROL_REQUEST_HEADERS) {
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, names.clone());
    }
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    response
}
