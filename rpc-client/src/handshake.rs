//! The client's side of the WebSocket handshake (RFC 6455, section 4.1): the request, and the answer.
//!
//! hyper does the handshake, and not the WebSocket library: that library loses the bytes that a server sends right
//! after its answer, and reports little about an answer that it does not accept.

use std::error::Error;
use std::io;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures_util::future::join;
use http::header::{
    CONNECTION, HOST, HeaderMap, HeaderName, HeaderValue, LOCATION, RETRY_AFTER, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;

use crate::agreed::Agreed;
use crate::answer;
use crate::error::{self, ConnectError, Location};
use crate::fallback::Carrier;
use crate::target::Target;

/// Largest head of an answer in bytes.
pub(crate) const HEAD: usize = 16 * 1024;

/// How many bytes of a refusal's body are kept, and how long the client waits for them. A body that never arrives must
/// not hide the status.
const BODY: (usize, Duration) = (1024, Duration::from_secs(1));

const NO_ANSWER: ConnectError = ConnectError::Handshake(error::NO_ANSWER);

/// The request of a handshake, with its target.
#[derive(Clone)]
pub(crate) struct Handshake {
    pub(crate) target: Target,
    pub(crate) headers: HeaderMap,
    pub(crate) subprotocols: Vec<String>,
    /// The request asks whether the server knows the extensions of JSON-RPC 2.0.
    pub(crate) asks_for_hello: bool,
    /// The request announces that the link may resume a session.
    pub(crate) announces_resume: bool,
}

/// A connection after the handshake.
pub(crate) struct Shaken<S> {
    pub(crate) stream: S,
    /// The bytes that came behind the answer.
    pub(crate) already_read: Bytes,
    /// The parameters that the server has agreed to.
    pub(crate) agreed: Agreed,
}

/// With this header each end tells the other end that it knows the extensions of JSON-RPC 2.0.
const RPC_HELLO: HeaderName = HeaderName::from_static("rpc-hello");

/// With this header the client announces that its first message may resume a session. The header holds no secret.
const RPC_RESUME: HeaderName = HeaderName::from_static("rpc-resume");

impl Handshake {
    /// Makes the handshake of a WebSocket over a connection. Dropping the future closes the connection.
    pub(crate) async fn run<S>(&self, stream: S) -> Result<Shaken<S>, ConnectError>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let mut http = http1::Builder::new();
        let http = http.max_buf_size(HEAD).handshake(TokioIo::new(stream)).await;
        let (sender, connection) = http.map_err(|error| self.failed(&error))?;
        let exchange = self.exchange(sender);
        let (parts, answered) = join(connection.without_shutdown(), exchange).await;
        let agreed = answered?;
        let parts = parts.map_err(|error| self.failed(&error))?;
        Ok(Shaken { stream: parts.io.into_inner(), already_read: parts.read_buf, agreed })
    }

    /// Sends the request and returns the response. This takes the sender, so that the HTTP connection ends with the
    /// exchange: then the HTTP connection returns the stream, and the bytes that were read after the answer.
    async fn exchange(
        &self,
        mut sender: http1::SendRequest<Empty<Bytes>>,
    ) -> Result<Agreed, ConnectError> {
        let key = generate_key();
        let response = sender.send_request(self.request(&key)).await;
        let response = response.map_err(|error| self.failed(&error))?;
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            return Err(rejected(response).await);
        }
        answer::check(response.headers(), &key, &self.subprotocols)?;
        let mut answers = response.headers().get_all(RPC_HELLO).iter();
        let is_one = answers.next().is_some_and(|value| value == "1") && answers.next().is_none();
        let picked = response.headers().get(SEC_WEBSOCKET_PROTOCOL);
        let mut offered = self.subprotocols.iter();
        let subprotocol = picked.and_then(|picked| offered.find(|offered| *picked == **offered));
        Ok(Agreed {
            answers_hello: self.asks_for_hello && is_one,
            subprotocol: subprotocol.map(|name| name.as_str().into()),
            carrier: Carrier::WebSocket,
        })
    }

    fn request(&self, key: &str) -> Request<Empty<Bytes>> {
        let mut request = Request::new(Empty::new());
        *request.uri_mut() = self.target.path.parse().expect("it was part of a URL");
        let headers = request.headers_mut();
        *headers = self.headers.clone();
        for (name, value) in [
            (HOST, self.target.authority.as_str()),
            (UPGRADE, "websocket"),
            (CONNECTION, "Upgrade"),
            (SEC_WEBSOCKET_VERSION, "13"),
            (SEC_WEBSOCKET_KEY, key),
            (SEC_WEBSOCKET_PROTOCOL, &self.subprotocols.join(", ")),
            (RPC_HELLO, if self.asks_for_hello { "1" } else { "" }),
            (RPC_RESUME, if self.announces_resume { "1" } else { "" }),
        ] {
            if !value.is_empty() {
                headers
                    .insert(name, HeaderValue::try_from(value).expect("was checked, or is ours"));
            }
        }
        request
    }

    /// Turns an error of hyper into a [`ConnectError`].
    pub(crate) fn failed(&self, error: &hyper::Error) -> ConnectError {
        if error.is_parse_too_large() {
            return ConnectError::Handshake("the head of its answer is longer than 16 KiB");
        }
        if error.is_parse() {
            return ConnectError::Handshake(
                "its answer is not HTTP/1.1; if it is TLS, the URL must begin with `wss://`",
            );
        }
        if error.is_incomplete_message() {
            return NO_ANSWER;
        }
        match error.source().and_then(|source| source.downcast_ref()) {
            Some(source) => self.broke(source),
            None => self.io(io::Error::other(error.to_string())),
        }
    }

    /// Turns an error of the stream into a [`ConnectError`].
    fn broke(&self, error: &io::Error) -> ConnectError {
        // With TLS 1.3, a server may refuse the client's certificate only after the handshake.
        #[cfg(feature = "tls-no-provider")]
        if let Some(failure) = crate::tls::of_tls(&self.target, error) {
            return failure;
        }
        // TLS reports a connection that ends without a TLS close by this error.
        if error.kind() == io::ErrorKind::UnexpectedEof {
            return NO_ANSWER;
        }
        self.io(error.kind().into())
    }

    fn io(&self, error: io::Error) -> ConnectError {
        ConnectError::Io { host: self.target.name.clone(), error }
    }
}

/// Reads the answer of a server that refuses a request.
pub(crate) async fn rejected(response: Response<Incoming>) -> ConnectError {
    let status = response.status();
    let location = response.headers().get(LOCATION);
    let location = location.map(|value| Location::new(value.as_bytes()));
    let retry_after =
        response.headers().get(RETRY_AFTER).and_then(|value| wait(value.to_str().ok()?));
    let body = beginning(response.into_body()).await;
    ConnectError::Rejected { status, body, location, retry_after }
}

/// Reads the beginning of the body of a refusal.
pub(crate) async fn beginning(body: Incoming) -> String {
    let mut text = Vec::new();
    let (bytes, time) = BODY;
    // A timeout is no error here: the bytes that arrived in time are enough.
    let _ = timeout(time, read(body, bytes, &mut text)).await;
    String::from_utf8_lossy(&text).into_owned()
}

/// Returns the time to wait that a `Retry-After` header asks for: a number of seconds, or a date.
fn wait(retry_after: &str) -> Option<Duration> {
    let retry_after = retry_after.trim();
    if let Ok(seconds) = retry_after.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(retry_after).ok()?;
    // A date in the past means now.
    Some(date.duration_since(SystemTime::now()).unwrap_or_default())
}

/// Reads up to `bytes` bytes of the body.
async fn read(mut body: Incoming, bytes: usize, into: &mut Vec<u8>) {
    while into.len() < bytes
        && let Some(Ok(frame)) = body.frame().await
    {
        let Ok(data) = frame.into_data() else {
            continue;
        };
        let room = bytes - into.len();
        into.extend_from_slice(&data[..data.len().min(room)]);
    }
}

#[test]
fn a_retry_after_is_seconds_or_a_date() {
    assert_eq!(wait("120"), Some(Duration::from_secs(120)));
    assert_eq!(wait(" 0 "), Some(Duration::ZERO));
    assert_eq!(wait("Fri, 31 Dec 1999 23:59:59 GMT"), Some(Duration::ZERO));
    assert!(wait("Fri, 31 Dec 9999 23:59:59 GMT").unwrap() > Duration::from_secs(3600));
    for nonsense in ["", "soon", "-1", "1.5", "99999999999999999999"] {
        assert_eq!(wait(nonsense), None, "{nonsense}");
    }
}
