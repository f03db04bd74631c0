//! A tunnel through an HTTP proxy: `CONNECT` (RFC 9110, section 9.3.6).

use std::io::Cursor;

use bytes::Bytes;
use futures_util::future::join;
use http::header::{HOST, PROXY_AUTHORIZATION};
use http::{HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::Empty;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, join as join_halves, split};

use super::failure::{Failure, ProxyFailure};
use crate::connect::Io;
use crate::error::excerpt;
use crate::handshake::{HEAD, beginning};

/// Asks the proxy for a tunnel.
pub(super) async fn connect<S>(
    stream: S,
    authorization: Option<&HeaderValue>,
    host: &str,
    port: u16,
) -> Result<Box<dyn Io>, Failure>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let request = request(authorization, host, port)?;
    let http = http1::Builder::new().max_buf_size(HEAD).handshake(TokioIo::new(stream)).await;
    let (sender, connection) = http.map_err(|error| failed(&error))?;
    let has_login = authorization.is_some();
    // As in the handshake of a WebSocket: the end of the exchange gives the stream back.
    let (parts, answered) =
        join(connection.without_shutdown(), exchange(sender, request, has_login)).await;
    answered?;
    let parts = parts.map_err(|error| failed(&error))?;
    let stream = parts.io.into_inner();
    if parts.read_buf.is_empty() {
        return Ok(Box::new(stream));
    }
    // The server has spoken first.
    let (read, write) = split(stream);
    Ok(Box::new(join_halves(Cursor::new(parts.read_buf).chain(read), write)))
}

async fn exchange(
    mut sender: SendRequest<Empty<Bytes>>,
    request: Request<Empty<Bytes>>,
    has_login: bool,
) -> Result<(), Failure> {
    let server = request.uri().to_string();
    let response = sender.send_request(request).await.map_err(|error| failed(&error))?;
    let status = response.status();
    if status.is_success() {
        return Ok(());
    }
    Err(match status {
        // tinyproxy answers 401 to a wrong password.
        StatusCode::PROXY_AUTHENTICATION_REQUIRED | StatusCode::UNAUTHORIZED if has_login => {
            Failure::new(ProxyFailure::Login, "it does not accept the user and password of its URL")
        }
        StatusCode::PROXY_AUTHENTICATION_REQUIRED | StatusCode::UNAUTHORIZED => Failure::new(
            ProxyFailure::Login,
            "it wants a user and a password: write them into its URL, as in `http://user:password@host:port`",
        ),
        StatusCode::FORBIDDEN | StatusCode::METHOD_NOT_ALLOWED => Failure::new(
            ProxyFailure::Forbidden,
            format!("it answered {status}: it does not let clients connect to `{server}`"),
        ),
        _ => {
            let body = beginning(response.into_body()).await;
            let reason = format!("it answered {status} to `CONNECT {server}`{}", excerpt(&body));
            Failure::new(ProxyFailure::Server, reason)
        }
    })
}

fn request(
    authorization: Option<&HeaderValue>,
    host: &str,
    port: u16,
) -> Result<Request<Empty<Bytes>>, Failure> {
    let server =
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
    let unfit = || Failure::new(ProxyFailure::Server, "it cannot be asked for this host");
    let uri = Uri::builder().authority(server.as_str()).build().map_err(|_| unfit())?;
    let mut request = Request::new(Empty::new());
    (*request.method_mut(), *request.uri_mut()) = (Method::CONNECT, uri);
    let headers = request.headers_mut();
    headers.insert(HOST, HeaderValue::try_from(server).map_err(|_| unfit())?);
    if let Some(authorization) = authorization {
        headers.insert(PROXY_AUTHORIZATION, authorization.clone());
    }
    Ok(request)
}

/// Turns an error of hyper into one of the proxy.
fn failed(error: &hyper::Error) -> Failure {
    if error.is_parse_too_large() {
        return Failure::new(
            ProxyFailure::Protocol,
            "the head of its answer is longer than 16 KiB",
        );
    }
    if error.is_parse() {
        return Failure::new(
            ProxyFailure::Protocol,
            "its answer is not HTTP/1.1: is it a proxy of SOCKS, or one with TLS (`https://`)?",
        );
    }
    if error.is_incomplete_message() {
        return Failure::new(
            ProxyFailure::Unreachable,
            "it closed the connection without an answer",
        );
    }
    let source = std::error::Error::source(error).map(ToString::to_string);
    Failure::new(ProxyFailure::Unreachable, source.unwrap_or_else(|| error.to_string()))
}
