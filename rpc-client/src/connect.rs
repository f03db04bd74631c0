//! From a URL to a connection over TCP or a Unix socket, and then to a WebSocket, or to a link without HTTP.

use std::io;
use std::net::SocketAddr;
#[cfg(unix)]
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use http::header::{AUTHORIZATION, HeaderValue};
use rpc_core::Limits;
#[cfg(feature = "process")]
use rpc_core::transport::Process;
use rpc_core::transport::{ByteStream, Framing, Role, WebSocket};
#[cfg(feature = "tls-no-provider")]
use rpc_tls::rustls::pki_types::ServerName;
#[cfg(any(target_os = "linux", target_os = "android"))]
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite};
#[cfg(unix)]
use tokio::net::UnixStream;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
#[cfg(feature = "tls-no-provider")]
use tokio_rustls::client::TlsStream;

use crate::credentials::Credentials;
use crate::error::ConnectError;
use crate::fallback::Fallback;
use crate::handshake::{Handshake, Shaken};
use crate::opened::Opened;
#[cfg(feature = "process")]
use crate::program::Program;
use crate::proven::Proven;
use crate::proxy::{NextHop, Proxy};
use crate::race;
use crate::socket::Socket;
use crate::sse::Opening;
use crate::target::{Place, Target};
#[cfg(feature = "tls-no-provider")]
use crate::tls::{self, Tls};

/// A byte stream of any kind.
pub(crate) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Io for S {}

/// The settings of one attempt to connect.
#[derive(Clone)]
pub(crate) struct Attempt {
    pub(crate) handshake: Handshake,
    pub(crate) limits: Limits,
    /// How long the attempt may take.
    pub(crate) time: Duration,
    pub(crate) fallback: Fallback,
    /// There is a way round a proxy that lets WebSockets open and no message pass. So a WebSocket counts only when the
    /// server has answered the hello.
    pub(crate) proves_websocket: bool,
    pub(crate) credentials: Option<Credentials>,
    pub(crate) proxy: Option<Proxy>,
    /// How messages are told apart on a link without HTTP.
    pub(crate) framing: Framing,
    /// What makes the command of a server that is a child process.
    #[cfg(feature = "process")]
    pub(crate) program: Option<Program>,
    /// `None` means the root certificates of the system.
    #[cfg(feature = "tls-no-provider")]
    pub(crate) tls: Option<Tls>,
}

impl Attempt {
    /// Asks the program for its credentials, and puts them into the request. That comes before the server is dialled:
    /// servers wait for a request only for some seconds.
    pub(crate) async fn authorize(&mut self) -> Result<(), ConnectError> {
        if let Some(credentials) = &self.credentials {
            self.handshake.headers.insert(AUTHORIZATION, credentials.ask().await?);
        }
        Ok(())
    }

    /// Sets whether the request announces that the link may resume a session.
    pub(crate) fn announce_resume(&mut self, announces_resume: bool) {
        self.handshake.announces_resume = announces_resume;
    }

    /// Returns the credential of the request, if it has one.
    pub(crate) fn credential(&self) -> Option<HeaderValue> {
        self.handshake.headers.get(AUTHORIZATION).cloned()
    }

    /// Returns host and port of the server, or the path of its socket.
    pub(crate) fn host(&self) -> Arc<str> {
        self.handshake.target.name.as_str().into()
    }

    /// Returns whether the next attempt may have another credential.
    pub(crate) fn has_provider(&self) -> bool {
        self.credentials.is_some()
    }

    /// Connects to the target of the URL, in the way that the [`Fallback`] says. Dropping the future closes the
    /// connection.
    pub(crate) async fn connect(&self) -> Result<Socket, ConnectError> {
        let error = match self.fallback {
            Fallback::Never => return self.run().await,
            Fallback::Always => None,
            Fallback::WhenFails => {
                let time = self.time / 2;
                match timeout(time, self.run()).await {
                    Ok(Ok(socket)) => return Ok(socket),
                    Ok(Err(error)) if !error.may_be_of_proxy() => return Err(error),
                    Ok(Err(error)) => Some(error),
                    Err(_) => Some(ConnectError::Timeout(time)),
                }
            }
        };
        Ok(self.by_sse(error))
    }

    /// Returns a link without a WebSocket, which opens when the connection says hello. `before` says why there is no
    /// WebSocket, if one was tried.
    pub(crate) fn by_sse(&self, before: Option<ConnectError>) -> Socket {
        Socket::by_sse(Opening { attempt: self.clone(), time: self.time, before })
    }

    /// Connects to the target of the URL, for requests.
    pub(crate) async fn dial(&self) -> Result<Box<dyn Io>, ConnectError> {
        let target = &self.handshake.target;
        match &target.place {
            Place::Tcp { host, port } => match self.next_hop() {
                None => self.secured(tcp(&target.name, host, *port)).await,
                Some(proxy) => self.secured(self.through(&proxy, host, *port)).await,
            },
            #[cfg(unix)]
            Place::Unix(path) => self.secured(unix(target, path)).await,
            #[cfg(feature = "process")]
            Place::Process => Err(ConnectError::Fallback("a child process takes no requests")),
        }
    }

    /// Returns the proxy that leads to the target, if one is to.
    fn next_hop(&self) -> Option<NextHop> {
        self.proxy.as_ref()?.next_hop(&self.handshake.target)
    }

    async fn through(
        &self,
        proxy: &NextHop,
        host: &str,
        port: u16,
    ) -> Result<Box<dyn Io>, ConnectError> {
        #[cfg(feature = "tls-no-provider")]
        return proxy.connect(host, port, self.tls.clone()).await;
        #[cfg(not(feature = "tls-no-provider"))]
        proxy.connect(host, port).await
    }

    async fn secured<S>(
        &self,
        dialling: impl Future<Output = Result<S, ConnectError>>,
    ) -> Result<Box<dyn Io>, ConnectError>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        #[cfg(feature = "tls-no-provider")]
        if let Some(name) = &self.handshake.target.proven {
            return Ok(Box::new(self.encrypted(name, dialling).await?));
        }
        Ok(Box::new(dialling.await?))
    }

    /// Speaks TLS over the output of `dialling`.
    #[cfg(feature = "tls-no-provider")]
    async fn encrypted<S>(
        &self,
        name: &ServerName<'static>,
        dialling: impl Future<Output = Result<S, ConnectError>>,
    ) -> Result<TlsStream<S>, ConnectError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        // First load the root certificates: if they are missing, no server is dialled.
        let tls = Tls::or_default(self.tls.clone()).await?;
        let stream = tls.connect(name.clone(), dialling.await?).await;
        stream.map_err(|error| tls::of_handshake(&self.handshake.target, error))
    }

    /// Connects to the target of the URL by a WebSocket. Dropping the future closes the connection.
    pub(crate) async fn run(&self) -> Result<Socket, ConnectError> {
        let target = &self.handshake.target;
        match &target.place {
            Place::Tcp { host, port } => match self.next_hop() {
                None => self.over(tcp(&target.name, host, *port)).await,
                Some(proxy) => self.over(self.through(&proxy, host, *port)).await,
            },
            #[cfg(unix)]
            Place::Unix(path) => self.over(unix(target, path)).await,
            #[cfg(feature = "process")]
            Place::Process => self.start(),
        }
    }

    /// Starts the server as a child process.
    #[cfg(feature = "process")]
    fn start(&self) -> Result<Socket, ConnectError> {
        let command =
            self.program.as_ref().ok_or(ConnectError::Url("there is no program"))?.command();
        let process = Process::spawn(command, self.framing, &self.limits);
        process.map(Socket::unagreed).map_err(ConnectError::Start)
    }

    /// Turns the output of `dialling` into a link. Dropping the future closes the connection.
    pub(crate) async fn over<S>(
        &self,
        dialling: impl Future<Output = Result<S, ConnectError>>,
    ) -> Result<Socket, ConnectError>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        #[cfg(feature = "tls-no-provider")]
        if let Some(name) = &self.handshake.target.proven {
            return self.shake_hands(self.encrypted(name, dialling).await?).await;
        }
        self.shake_hands(dialling.await?).await
    }

    async fn shake_hands<S>(&self, stream: S) -> Result<Socket, ConnectError>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        if !self.handshake.target.has_http {
            return Ok(Socket::unagreed(ByteStream::new(stream, self.framing, &self.limits)));
        }
        let Shaken { stream, already_read, agreed } = self.handshake.run(stream).await?;
        // A server that has not said that it answers a hello may be silent for as long as it likes.
        if !self.proves_websocket || !agreed.answers_hello || !already_read.is_empty() {
            let websocket = WebSocket::new(stream, Role::Client, already_read, &self.limits);
            return Ok(Socket::new((websocket, agreed)));
        }
        let (opened, heard_of) = Opened::channel(self);
        let stream = Proven::new(stream, opened, self.time / 2);
        let websocket = WebSocket::new(stream, Role::Client, already_read, &self.limits);
        Ok(Socket::opening((websocket.opened_by_hello(), agreed), heard_of))
    }
}

/// Connects to a host by TCP. If the host has several addresses, the address that answers first wins. Errors show `name`.
pub(crate) async fn tcp(name: &str, host: &str, port: u16) -> Result<TcpStream, ConnectError> {
    let io = |error| ConnectError::Io { host: name.to_owned(), error };
    let addresses = lookup_host((host, port)).await;
    let addresses = addresses.map_err(|error| io(of_look_up(host, error)))?;
    let addresses = race::in_turns(addresses);
    race::connect(&addresses, connect_to).await.map_err(|failures| io(failures.into()))
}

#[cfg(unix)]
async fn unix(target: &Target, path: &Path) -> Result<UnixStream, ConnectError> {
    let io = |error| ConnectError::Io { host: target.name.clone(), error };
    UnixStream::connect(path).await.map_err(io)
}

/// Replaces the error for an unknown network interface: systems report it as an unknown host name.
fn of_look_up(host: &str, error: io::Error) -> io::Error {
    if !host.contains('%') {
        return error;
    }
    let hint = "write a network interface of this machine behind `%25`, and only if the address begins \
                with `fe80:`";
    io::Error::new(error.kind(), format!("no such zone ({error}): {hint}"))
}

/// Bytes that wait in the system and are not on their way yet.
#[cfg(any(target_os = "linux", target_os = "android"))]
const UNSENT: u32 = 64 * 1024;

async fn connect_to(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    // Without Nagle's algorithm, small messages do not wait for the acknowledgement of earlier ones.
    stream.set_nodelay(true)?;
    // As in the server: messages wait where they are counted, and where a cancel or a small call can pass a stream. A
    // system that refuses works all the same.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let _ = SockRef::from(&stream).set_tcp_notsent_lowat(UNSENT);
    Ok(stream)
}
