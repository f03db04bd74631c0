//! From a URL to an open WebSocket.

use std::io;
use std::sync::Arc;

use futures_util::future::poll_fn;
use http::{HeaderValue, Uri};
use rpc_core::Limits;

use super::page_socket::PageSocket;
use super::socket::Socket;
use crate::agreed::Agreed;
use crate::error::ConnectError;
use crate::fallback::{Carrier, Fallback};

/// The settings of one attempt to connect.
#[derive(Clone)]
pub(crate) struct Attempt {
    url: String,
    /// Host and port, for error messages.
    host: String,
    subprotocols: Vec<String>,
    limits: Limits,
    announces_resume: bool,
    /// There is no other way.
    pub(crate) fallback: Fallback,
}

const URL: ConnectError =
    ConnectError::Url("write `wss://host:port/path`, or `ws://` on a page that came without TLS");

/// The subprotocol of a server that knows sessions, and the one that announces a resume: a page sets no headers.
const RESUME: [&str; 2] = ["jsonrpc2", "jsonrpc2.resume"];

impl Attempt {
    pub(crate) fn new(
        url: &str,
        subprotocols: Vec<String>,
        limits: Limits,
    ) -> Result<Self, ConnectError> {
        let uri: Uri = url.parse().map_err(|_| URL)?;
        let is_socket = matches!(uri.scheme_str(), Some("ws" | "wss"));
        let host = uri.authority().filter(|_| is_socket).ok_or(URL)?;
        let host = host.as_str().rsplit('@').next().unwrap_or_default().to_owned();
        Ok(Self {
            url: url.to_owned(),
            host,
            subprotocols,
            limits,
            announces_resume: false,
            fallback: Fallback::Never,
        })
    }

    /// A page has no credentials of its own to send: the browser sends its cookies.
    pub(crate) async fn authorize(&mut self) -> Result<(), ConnectError> {
        Ok(())
    }

    pub(crate) fn announce_resume(&mut self, announces_resume: bool) {
        self.announces_resume = announces_resume;
    }

    pub(crate) fn credential(&self) -> Option<HeaderValue> {
        None
    }

    pub(crate) fn host(&self) -> Arc<str> {
        self.host.as_str().into()
    }

    pub(crate) fn has_provider(&self) -> bool {
        false
    }

    /// Opens the WebSocket. Dropping the future closes it.
    pub(crate) async fn connect(&self) -> Result<Socket, ConnectError> {
        let announced = RESUME.iter().filter(|_| self.announces_resume);
        // A browser gives up a server that picks none of those that it was offered, so no more are offered than needed.
        let mut offered: Vec<&str> = self.subprotocols.iter().map(String::as_str).collect();
        offered.extend(announced.filter(|name| !self.subprotocols.iter().any(|own| own == *name)));
        let mut socket = PageSocket::new(&self.url, &offered, &self.limits).map_err(|_| URL)?;
        let opened = poll_fn(|cx| socket.poll_open(cx)).await;
        let picked = opened.map_err(|error| self.failed(error))?;
        let answers_hello = self.announces_resume && picked.as_deref() == Some(RESUME[0]);
        let subprotocol = picked.filter(|picked| self.subprotocols.contains(picked));
        let subprotocol = subprotocol.map(String::into_boxed_str);
        Ok(Socket::new(socket, Agreed { answers_hello, subprotocol, carrier: Carrier::WebSocket }))
    }

    fn failed(&self, error: io::Error) -> ConnectError {
        ConnectError::Io { host: self.host.clone(), error }
    }
}
