//! The answers to health and readiness probes.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};
use http_body_util::Full;

use crate::shared::Shared;

/// Returns the answer to a health probe. That the server answers shows that it is alive.
pub(crate) fn health() -> Response<Full<Bytes>> {
    plain_text(StatusCode::OK, "alive")
}

/// Returns the answer to a readiness probe.
pub(crate) fn readiness(shared: &Shared) -> Response<Full<Bytes>> {
    match shared.unreadiness() {
        None => plain_text(StatusCode::OK, "ready"),
        Some(why) => plain_text(StatusCode::SERVICE_UNAVAILABLE, why),
    }
}

fn plain_text(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from_static(text.as_bytes())));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
