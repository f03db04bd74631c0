//! [`Rejection`], an HTTP answer that refuses a connection.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::header::{
    CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER,
    TRANSFER_ENCODING,
};
use http::{Response, StatusCode};
use http_body_util::Full;
use rpc_core::internal::{Escaped, LogThrottle};
use rpc_core::types::IdentifyError;

use crate::client_info::ClientInfo;
use crate::refusal::Refusal;
use crate::upgrade::Upgrade;

/// The HTTP answer to a client that may not connect: a status, and a short text for people.
///
/// ```
/// use rpc_server::{Rejection, StatusCode};
///
/// let rejection = Rejection::new(StatusCode::UNAUTHORIZED, "no valid token")
///     .header("www-authenticate", "Bearer");
/// assert_eq!(rejection.status(), StatusCode::UNAUTHORIZED);
/// ```
#[derive(Clone)]
pub struct Rejection {
    status: StatusCode,
    text: Cow<'static, str>,
    /// In a box: most rejections have no headers, and a map would make the error of a `Result` large.
    headers: Option<Box<HeaderMap>>,
    /// The methods that a guest may call before its login. `None` if the client is refused.
    login: Option<Box<[Cow<'static, str>]>>,
    /// Whether a web page is told by a close code.
    is_by_close: bool,
}

impl Rejection {
    /// Makes an answer with `status` and `text`. A status below 300 is no refusal and becomes 500.
    pub fn new(status: StatusCode, text: impl Into<Cow<'static, str>>) -> Self {
        let is_refusal = status.as_u16() >= 300;
        let status = if is_refusal { status } else { StatusCode::INTERNAL_SERVER_ERROR };
        Self { status, text: text.into(), headers: None, login: None, is_by_close: false }
    }

    /// Admits the client as a guest, which must log in by a message. Meant for browsers, which cannot set headers. A
    /// guest may call only `methods` (wire names) until one of these methods calls
    /// [`Peer::log_in`](rpc_core::Peer::log_in), and has only small limits
    /// ([`Limits::for_a_guest`](rpc_core::Limits::for_a_guest)). The limits [`guests`](rpc_core::Limits::guests),
    /// [`login`](rpc_core::Limits::login) and [`login_attempts`](rpc_core::Limits::login_attempts) bound the number of
    /// guests, the time until the login, and the number of calls before the login. A client that connects again gets
    /// new attempts, so put `RateLimit::per_address` of [`rpc_core::layers`] around these methods.
    ///
    /// A client that sends a message by `POST` cannot log in by a message, and is answered 401. If no service offers
    /// one of the `methods`, the client is answered 500, and the log names the mistake.
    ///
    /// ```
    /// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use rpc_client::Client;
    /// use rpc_core::{Context, ErrorObject, Router};
    /// use rpc_server::{Connecting, Rejection, Server};
    ///
    /// struct User(String);
    ///
    /// let router = Router::new()
    ///     .method("login", |cx: Context, (token,): (String,)| async move {
    ///         let name = token.strip_prefix("token-of-").ok_or(ErrorObject::new(1, "wrong token"))?;
    ///         cx.peer().log_in(User(name.to_owned()));
    ///         Ok(())
    ///     })
    ///     .method("whoami", |cx: Context, (): ()| async move {
    ///         Ok(cx.caller::<User>().map(|user| user.0.clone()))
    ///     });
    /// let server = Server::builder()
    ///     .service(router)
    ///     .on_connect(|_: Connecting| async { Err::<User, _>(Rejection::until_login(["login"])) })
    ///     .bind("127.0.0.1:0").await?.spawn();
    ///
    /// let client = Client::builder().connect(server.url()).await?;
    /// let peer = client.peer();
    /// assert!(peer.call::<Option<String>>("whoami", ()).await.is_err());
    /// peer.call::<()>("login", ("token-of-Ada",)).await?;
    /// assert_eq!(peer.call::<Option<String>>("whoami", ()).await?.as_deref(), Some("Ada"));
    /// # Ok(()) }
    /// ```
    pub fn until_login<I>(methods: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<Cow<'static, str>>,
    {
        let methods = methods.into_iter().map(Into::into).collect();
        Self { login: Some(methods), ..Self::new(StatusCode::UNAUTHORIZED, "log in first") }
    }

    /// Sets the header `Retry-After` to `time` in seconds, rounded up: the client should not retry earlier.
    #[must_use]
    pub fn retry_after(self, time: Duration) -> Self {
        let seconds = time.as_secs() + u64::from(time.subsec_nanos() > 0);
        self.header(RETRY_AFTER, seconds)
    }

    /// Adds a header, also if the answer already has a header of this name. `Connection`, `Content-Type`, and the
    /// headers that give the length of the text cannot be set: the server sets them itself.
    ///
    /// # Panics
    /// If the name or the value is not valid: a name is ASCII without spaces, and a value has no line breaks.
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

    /// Tells a web page by a close code that it may not connect. A browser shows a page nothing of an HTTP answer, not
    /// even its status. So the server opens the WebSocket and closes it at once. The page sees `onopen`, then `onclose`
    /// with a code and the text as the reason, of at most 123 bytes. Headers of the rejection are not sent.
    ///
    /// | code | status |
    /// |---|---|
    /// | 4401 [`NOT_AUTHENTICATED`](rpc_core::CloseCode::NOT_AUTHENTICATED): log in first | 401 |
    /// | 1013 [`TRY_LATER`](rpc_core::CloseCode::TRY_LATER): connect again later | 408, 409, 425, 429, all from 500 |
    /// | 4403 [`FORBIDDEN`](rpc_core::CloseCode::FORBIDDEN): do not connect again | all others |
    ///
    /// Without effect on a client that sends no `Origin` or asks for no WebSocket: such a client gets the HTTP answer.
    /// Without effect also on [`until_login`](Self::until_login), which admits the client. The connection counts as
    /// refused, and `on_disconnect` does not run.
    ///
    /// ```
    /// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use rpc_client::Client;
    /// use rpc_core::CloseCode;
    /// use rpc_server::{Connecting, Rejection, Server, StatusCode};
    ///
    /// let server = Server::builder()
    ///     .on_connect(|_: Connecting| async {
    ///         Err::<(), _>(Rejection::new(StatusCode::UNAUTHORIZED, "log in first").by_close())
    ///     })
    ///     .bind("127.0.0.1:0").await?.spawn();
    ///
    /// let page = server.url().replace("ws:", "http:");
    /// let client = Client::builder().header("origin", &page).connect(server.url()).await?;
    /// let reason = client.peer().closed().await;
    /// assert_eq!((reason.code, &*reason.reason), (Some(CloseCode::NOT_AUTHENTICATED), "log in first"));
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn by_close(mut self) -> Self {
        self.is_by_close = true;
        self
    }

    /// Returns the status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Returns the text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Takes the methods that a guest may call. Returns `None` if the client is refused.
    pub(crate) fn take_login(&mut self) -> Option<Box<[Cow<'static, str>]>> {
        self.login.take()
    }

    /// Logs the rejection, and returns it as an HTTP response.
    pub(crate) fn into_response_to(self, client_info: &ClientInfo) -> Response<Full<Bytes>> {
        self.log(client_info);
        self.into_response()
    }

    /// Logs the rejection, and returns it as a close code, if the client that asks for `upgrade` is told so. Otherwise
    /// returns the rejection as an error.
    pub(crate) fn into_refusal_of(
        self,
        upgrade: &Upgrade,
        client_info: &ClientInfo,
    ) -> Result<Refusal, Self> {
        if !(self.is_by_close && upgrade.is_page) {
            return Err(self);
        }
        self.log(client_info);
        Ok(Refusal::new(self.status, self.text))
    }

    fn log(&self, client_info: &ClientInfo) {
        // The log has nothing of the request: its query and headers hold credentials.
        let (status, text) = (self.status, Escaped(&*self.text));
        tracing::debug!(remote = ?client_info.remote, %status, text = text.to_string(), "refused");
    }

    fn into_response(self) -> Response<Full<Bytes>> {
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
        headers.remove(CONNECTION);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        response
    }
}

/// For an `on_connect` that returns the error of [`Peer::identify`](rpc_core::Peer::identify) with `?`. The status is
/// 409 if another connection has the name ([`SameName::Refuse`](rpc_core::SameName::Refuse)). A name that is too long
/// is a mistake of the hook: the client is answered 500, and the log has the error.
impl From<IdentifyError> for Rejection {
    fn from(error: IdentifyError) -> Self {
        if error == IdentifyError::Taken {
            return Self::new(StatusCode::CONFLICT, "there is a connection with this name");
        }
        static THROTTLE: LogThrottle = LogThrottle::new();
        if let Some(left_out) = THROTTLE.allow() {
            tracing::error!(left_out, %error, "`on_connect` gives a name that cannot be");
        }
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal error")
    }
}

/// Shows only the number of headers: a header may set a cookie, or contain a login URL.
impl fmt::Debug for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rejection")
            .field("status", &self.status)
            .field("text", &self.text)
            .field("headers", &self.headers.as_ref().map_or(0, |headers| headers.len()))
            .field("login", &self.login)
            .field("is_by_close", &self.is_by_close)
            .finish()
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
        assert_eq!(headers.get(CONNECTION), None);
        assert_eq!(headers["retry-after"], "5");
    }

    #[test]
    fn its_debug_text_says_how_many_headers_there_are_and_not_which() {
        let rejection = Rejection::new(StatusCode::FOUND, "log in")
            .header("set-cookie", "session=s3cret")
            .header("set-cookie", "csrf=s3cret")
            .header("location", "https://id.example/?state=s3cret");
        let text = format!("{rejection:?}");
        assert!(text.contains("302") && text.contains("headers: 3"), "{text}");
        assert!(!text.contains("s3cret") && !text.contains("cookie"), "{text}");
    }
}
