//! The way by which an attacked server is reached: a WebSocket to a TCP port of its own, unless `ATTACKED` says `tls`, or
//! `mounted`, which is in an app of axum's, or `sse`, which is a link over server-sent events and `POST`.

use std::env;
use std::net::SocketAddr;

use rpc_client::{Client, Fallback};
use rpc_server::{Server, ServerBuilder};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};

#[cfg(feature = "tls")]
#[path = "../support/tls.rs"]
mod tls;

use crate::link::{HELLO, Link, opening};
use crate::raw::{Raw, Socket};
use crate::session::shake;
use crate::support::{OverTcp, soon, spawn};

pub(crate) trait Io: AsyncRead + AsyncWrite + OverTcp + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + OverTcp + Unpin + Send> Io for S {}

impl OverTcp for Box<dyn Io> {
    fn tcp(&self) -> &TcpStream {
        (**self).tcp()
    }
}

#[derive(Clone)]
pub(crate) struct Way {
    address: SocketAddr,
    url: String,
    /// Whether messages go over links instead of WebSockets.
    by_links: bool,
    #[cfg(feature = "tls")]
    tls: Option<std::sync::Arc<rpc_server::rustls::ClientConfig>>,
}

impl Way {
    /// Runs a server to which there is such a way.
    pub(crate) async fn to(builder: ServerBuilder) -> (Server, Self) {
        let builder = builder.sse(true);
        match env::var("ATTACKED").as_deref() {
            Err(_) => Self::by_port(spawn(builder).await),
            Ok("sse") => {
                let (server, way) = Self::by_port(spawn(builder).await);
                (server, Self { by_links: true, ..way })
            }
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
            by_links: false,
            #[cfg(feature = "tls")]
            tls: None,
        }
    }

    /// A connection on which nothing of HTTP was said.
    pub(crate) async fn connect(&self) -> Socket {
        let stream = soon(TcpStream::connect(self.address)).await.unwrap();
        stream.set_nodelay(true).unwrap();
        #[cfg(feature = "tls")]
        if let Some(config) = &self.tls {
            return Socket::over(Box::new(tls::speak(config, stream).await));
        }
        Socket::over(Box::new(stream))
    }

    /// A connection to attack with.
    pub(crate) async fn open(&self) -> Raw {
        if self.by_links {
            return Raw::Link(Link::open(self, "").await.into());
        }
        self.open_with("").await
    }

    /// A connection that was asked for with more headers. A link begins with the hello that the attacker sends.
    pub(crate) async fn open_with(&self, headers: &str) -> Raw {
        if self.by_links {
            return Raw::Link(Link::later(self, headers).into());
        }
        let mut socket = self.connect().await;
        let head = shake(&mut socket, headers).await;
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        Raw::WebSocket(socket)
    }

    /// Asks for a connection with more headers. Returns the status, and the connection if it has begun.
    pub(crate) async fn knock(&self, headers: &str) -> (u16, Socket) {
        let mut socket = self.connect().await;
        let head = if self.by_links {
            socket.send(opening(headers, HELLO)).await;
            socket.head().await
        } else {
            shake(&mut socket, headers).await
        };
        (head.split(' ').nth(1).unwrap().parse().unwrap(), socket)
    }

    /// A client that behaves.
    pub(crate) async fn client(&self, builder: rpc_client::ClientBuilder) -> Client {
        #[cfg(feature = "tls")]
        let builder = match &self.tls {
            Some(config) => builder.tls(rpc_client::Tls::from_config(config.clone())),
            None => builder,
        };
        let fallback = if self.by_links { Fallback::Always } else { Fallback::Never };
        soon(builder.fallback(fallback).connect(&self.url)).await.unwrap()
    }
}
