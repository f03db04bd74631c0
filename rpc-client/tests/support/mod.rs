//! Servers played by hand, with TLS.

#![allow(dead_code, reason = "each test file uses its part")]

#[path = "../../../rpc-core/tls/tests/support/mod.rs"]
pub(crate) mod certificates;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::TryFutureExt;
use rpc_client::Tls;
use rpc_client::rustls::crypto::ring;
use rpc_client::rustls::{ServerConfig, SupportedProtocolVersion, version};
use rpc_core::transport::{Endpoint, EndpointConfig, Role, WebSocket};
use rpc_core::{Context, Limits, Router};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy, sink};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use certificates::{Authority, Files, Leaf};

/// Waits for what should be there at once; the time only ends a test that hangs.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(20), future).await.expect("hangs")
}

/// A client's view of who is there: an authority, and the file of its root.
pub(crate) struct World {
    pub(crate) authority: Authority,
    pub(crate) files: Files,
}

impl World {
    pub(crate) fn new() -> Self {
        let (authority, files) = (Authority::new("servers"), Files::new());
        files.write("roots.pem", &authority.root());
        Self { authority, files }
    }

    /// A client that trusts the authority and nobody else.
    pub(crate) fn tls(&self) -> Tls {
        Tls::roots_from_pem_file(self.files.path("roots.pem")).unwrap()
    }

    /// The config of a server on `host`.
    pub(crate) fn config(&self, host: &str) -> ServerConfig {
        self.config_of(&self.authority.issue(host), TLS13_AND_12)
    }

    pub(crate) fn config_of(
        &self,
        leaf: &Leaf,
        versions: &[&'static SupportedProtocolVersion],
    ) -> ServerConfig {
        let (chain, key) = self.files.write_pair("server", leaf);
        let provider = Arc::new(ring::default_provider());
        let identity = rpc_tls::identity(&chain, &key, &provider).unwrap();
        let config = ServerConfig::builder_with_provider(provider);
        let config = config.with_protocol_versions(versions).unwrap().with_no_client_auth();
        config.with_cert_resolver(identity)
    }
}

pub(crate) const TLS13_AND_12: &[&SupportedProtocolVersion] = &[&version::TLS13, &version::TLS12];

/// A server that serves all who connect with `serve`; its port.
pub(crate) async fn listen<F>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> u16
where
    F: Future<Output = io::Result<()>> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    port
}

/// A server that offers `echo`, by TLS.
pub(crate) async fn echo(config: ServerConfig) -> u16 {
    let acceptor = TlsAcceptor::from(Arc::new(config));
    listen(move |stream| {
        // In boxes, as a task is as large as all that it ever holds.
        let accepted = Box::pin(acceptor.accept(stream).into_fallible().map_ok(Box::new));
        async {
            match accepted.await {
                Ok(stream) => upgrade(stream).await,
                Err((_, stream)) => hang_up(stream).await,
            }
        }
    })
    .await
}

/// Hangs up only when the other end has, so that no reset overtakes what it was told.
pub(crate) async fn hang_up(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<()> {
    stream.shutdown().await?;
    copy(&mut stream, &mut sink()).await.map(drop)
}

pub(crate) async fn upgrade<S>(mut stream: S) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8(head).unwrap();
    let key = head.lines().find_map(|line| line.strip_prefix("sec-websocket-key: ")).unwrap();
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {}\r\n\r\n",
        derive_accept_key(key.as_bytes())
    );
    stream.write_all(answer.as_bytes()).await?;
    stream.flush().await?;
    let echo = |_: Context, (text,): (String,)| async move { Ok(text) };
    let limits = Limits::server();
    let socket = WebSocket::new(stream, Role::Server, Bytes::new(), &limits);
    let endpoint = Endpoint::new(EndpointConfig::new(Router::new().method("echo", echo), limits));
    Box::pin(endpoint.connect(socket)).await;
    Ok(())
}
