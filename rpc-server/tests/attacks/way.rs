//! The way by which an attacked server is reached: a TCP port of its own, unless `ATTACKED` says `tls`, or
//! `mounted`, which is in an app of axum's.

use std::env;
use std::net::SocketAddr;

use rpc_client::Client;
use rpc_server::{Server, ServerBuilder};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};

#[cfg(feature = "tls")]
#[path = "../support/tls.rs"]
mod tls;

use crate::session::shake;
use crate::support::{self, HANDSHAKE, OverTcp, soon, spawn};

/// A connection to attack with.
pub(crate) type Raw = support::Raw<Box<dyn Io>>;

pub(crate) trait Io: AsyncRead + AsyncWrite + OverTcp + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + OverTcp + Unpin + Send> Io for S {}

impl OverTcp for Box<dyn Io> {
    fn tcp(&self) -> &TcpStream {
        (**self).tcp()
    }
}

pub(crate) struct Way {
    address: SocketAddr,
    url: String,
    #[cfg(feature = "tls")]
    tls: Option<std::sync::Arc<rpc_server::rustls::ClientConfig>>,
}

impl Way {
    /// Runs a server to which there is such a way.
    pub(crate) async fn to(builder: ServerBuilder) -> (Server, Self) {
        match env::var("ATTACKED").as_deref() {
            Err(_) => Self::by_port(spawn(builder).await),
            Ok("mounted") => Self::mounted(builder).await,
            #[cfg(feature = "tls")]
            Ok("tls") => {
                let (builder, config) = tls::ends(builder);
                let (server, way) = Self::by_port(spawn(builder).await);
                (server, Self { tls: Some(config), ..way })
            }
            Ok(other) => panic!("`ATTACKED` is `{other}`; `tls` needs the feature of that name"),
        }
    }

    /// Returns whether the server knows the addresses of its clients. An app of axum's does not tell them by itself.
    pub(crate) fn tells_addresses() -> bool {
        env::var("ATTACKED").as_deref() != Ok("mounted")
    }

    fn by_port(server: Server) -> (Server, Self) {
        let way = Self::new(server.local_addr().unwrap(), server.url());
        (server, way)
    }

    async fn mounted(builder: ServerBuilder) -> (Server, Self) {
        let service = builder.into_tower_service().unwrap();
        let server = service.handle();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let app = axum::Router::new().fallback_service(service);
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        (server, Self::new(address, format!("ws://{address}")))
    }

    fn new(address: SocketAddr, url: String) -> Self {
        Self {
            address,
            url,
            #[cfg(feature = "tls")]
            tls: None,
        }
    }

    /// A connection on which nothing of HTTP was said.
    pub(crate) async fn connect(&self) -> Raw {
        let stream = soon(TcpStream::connect(self.address)).await.unwrap();
        stream.set_nodelay(true).unwrap();
        #[cfg(feature = "tls")]
        if let Some(config) = &self.tls {
            return Raw::over(Box::new(tls::speak(config, stream).await));
        }
        Raw::over(Box::new(stream))
    }

    /// A WebSocket.
    pub(crate) async fn open(&self) -> Raw {
        let mut raw = self.connect().await;
        raw.send(HANDSHAKE).await;
        let head = raw.head().await;
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        raw
    }

    /// A WebSocket that was asked for with more headers.
    pub(crate) async fn open_with(&self, headers: &str) -> Raw {
        let mut raw = self.connect().await;
        let head = shake(&mut raw, headers).await;
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        raw
    }

    /// A client that behaves.
    pub(crate) async fn client(&self, builder: rpc_client::ClientBuilder) -> Client {
        #[cfg(feature = "tls")]
        let builder = match &self.tls {
            Some(config) => builder.tls(rpc_client::Tls::from_config(config.clone())),
            None => builder,
        };
        soon(builder.connect(&self.url)).await.unwrap()
    }
}
