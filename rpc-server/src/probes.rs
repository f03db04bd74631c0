//! What machines ask that look after a server: whether it lives, and whether it takes connections.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};
use http_body_util::Full;

use crate::shared::Shared;

/// It lives: it has answered.
pub(crate) fn health() -> Response<Full<Bytes>> {
    told(StatusCode::OK, "alive")
}

/// Whether new connections may be sent to it.
pub(crate) fn readiness(shared: &Shared) -> Response<Full<Bytes>> {
    match shared.unreadiness() {
        None => told(StatusCode::OK, "ready"),
        Some(why) => told(StatusCode::SERVICE_UNAVAILABLE, why),
    }
}

fn told(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from_static(text.as_bytes())));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
