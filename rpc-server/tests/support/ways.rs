//! The ways by which a server is reached: mounted in an app, or with a listener of its own.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{env, fs, process};

use axum::extract::ConnectInfo;
use axum::middleware::{Next, from_fn};
use axum::routing::get;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use rpc_server::{Body, RpcService, Server, ServerBuilder};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

use crate::support::{self, HANDSHAKE, Raw, soon};

/// One of the ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// Mounted in an app of axum.
    Axum,
    /// Mounted in an app of plain hyper.
    Hyper,
    /// A TCP port of its own.
    Tcp,
    /// A Unix socket of its own.
    Unix,
}

pub(crate) const WAYS: [Way; 4] = [Way::Axum, Way::Hyper, Way::Tcp, Way::Unix];

/// The user that the app found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct User(pub(crate) String);

/// A server that is reached by some way. Its service is at `/rpc`, and how it is at `/healthz` and
/// `/readyz`.
pub(crate) struct Running {
    pub(crate) way: Way,
    pub(crate) server: Server,
    door: Door,
}

enum Door {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

pub(crate) trait Io: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Io for S {}

/// A connection by any way.
pub(crate) type Client = Raw<Box<dyn Io>>;

impl Way {
    pub(crate) fn is_mounted(self) -> bool {
        matches!(self, Self::Axum | Self::Hyper)
    }

    pub(crate) async fn serve(self, builder: ServerBuilder) -> Running {
        let builder = builder.path("/rpc").health("/healthz").readiness("/readyz");
        match self {
            Self::Axum | Self::Hyper => {
                let service = builder.into_tower_service().unwrap();
                let by = |extensions: &http::Extensions| {
                    Some(extensions.get::<ConnectInfo<SocketAddr>>()?.0)
                };
                self.mount(service.remote_addr(by)).await
            }
            Self::Tcp => {
                let server = support::spawn(builder).await;
                let door = Door::Tcp(server.local_addr().unwrap());
                Running { way: self, server, door }
            }
            Self::Unix => {
                static COUNT: AtomicUsize = AtomicUsize::new(0);
                let count = COUNT.fetch_add(1, Ordering::Relaxed);
                let path = env::temp_dir().join(format!("rpc-mounting-{}-{count}", process::id()));
                let listener = UnixListener::bind(&path).unwrap();
                let server = builder.listen_on(listener).unwrap().spawn();
                Running { way: self, server, door: Door::Unix(path) }
            }
        }
    }

    /// Runs an app with the service in it, and an ordinary page beside it.
    pub(crate) async fn mount(self, service: RpcService) -> Running {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (server, address) = (service.handle(), listener.local_addr().unwrap());
        match self {
            Self::Axum => drop(tokio::spawn(axum_app(listener, service))),
            Self::Hyper => drop(tokio::spawn(hyper_app(listener, service))),
            Self::Tcp | Self::Unix => panic!("nothing to mount it in"),
        }
        Running { way: self, server, door: Door::Tcp(address) }
    }
}

async fn axum_app(listener: TcpListener, service: RpcService) {
    let app = axum::Router::new()
        .route_service("/rpc", service.clone())
        .route_service("/healthz", service.clone())
        .route_service("/readyz", service)
        .route("/page", get(|| async { "a page" }))
        .layer(from_fn(async |mut request: axum::extract::Request, next: Next| {
            match know(&mut request) {
                Ok(()) => Ok(next.run(request).await),
                Err(status) => Err(status),
            }
        }));
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await.unwrap();
}

async fn hyper_app(listener: TcpListener, service: RpcService) {
    loop {
        let (stream, remote) = listener.accept().await.unwrap();
        let rpc = TowerToHyperService::new(service.clone());
        let app = service_fn(move |mut request: Request<Incoming>| {
            let rpc = rpc.clone();
            async move {
                request.extensions_mut().insert(ConnectInfo(remote));
                if let Err(status) = know(&mut request) {
                    return Ok(status_alone(status));
                }
                match request.uri().path() {
                    "/page" => {
                        let page = Full::new(Bytes::from_static(b"a page"));
                        Ok(Response::new(page.into()))
                    }
                    _ => rpc.call(request).await,
                }
            }
        });
        let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), app);
        tokio::spawn(connection.with_upgrades());
    }
}

/// The app's own middleware: it knows who some are, and refuses others.
fn know<B>(request: &mut Request<B>) -> Result<(), StatusCode> {
    let Some(name) = request.headers().get("x-user") else { return Ok(()) };
    let user = User(name.to_str().unwrap().to_owned());
    if user.0 == "stranger" {
        return Err(StatusCode::IM_A_TEAPOT);
    }
    request.extensions_mut().insert(user);
    Ok(())
}

fn status_alone(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Full::default().into());
    *response.status_mut() = status;
    response
}

impl Running {
    pub(crate) async fn connect(&self) -> Client {
        let stream: Box<dyn Io> = match &self.door {
            Door::Tcp(address) => Box::new(soon(TcpStream::connect(address)).await.unwrap()),
            Door::Unix(path) => Box::new(soon(UnixStream::connect(path)).await.unwrap()),
        };
        Raw::over(stream)
    }

    /// Whether nobody listens any more.
    pub(crate) async fn is_closed(&self) -> bool {
        match &self.door {
            Door::Tcp(address) => TcpStream::connect(address).await.is_err(),
            Door::Unix(path) => UnixStream::connect(path).await.is_err(),
        }
    }

    /// The URL for a client of ours.
    pub(crate) fn url(&self) -> String {
        match &self.door {
            Door::Tcp(address) => format!("ws://{address}/rpc"),
            Door::Unix(_) => self.server.url(),
        }
    }

    /// A WebSocket.
    pub(crate) async fn open(&self) -> Client {
        self.open_with("").await
    }

    /// A WebSocket that was asked for with more headers.
    pub(crate) async fn open_with(&self, lines: &str) -> Client {
        let (status, client) = self.knock("localhost", lines).await;
        assert_eq!(status, 101, "{:?} {lines}", self.way);
        client
    }

    /// The status of the answer to a handshake for `host` with more headers, and the connection.
    pub(crate) async fn knock(&self, host: &str, lines: &str) -> (u16, Client) {
        let (head, client) = self.head(host, lines).await;
        (status(&head), client)
    }

    /// The head of that answer, and the connection.
    pub(crate) async fn head(&self, host: &str, lines: &str) -> (String, Client) {
        let mut client = self.connect().await;
        let request = HANDSHAKE.replacen("GET / ", "GET /rpc ", 1);
        let head = format!("Host: {host}\r\n{lines}");
        client.send(request.replacen("Host: localhost\r\n", &head, 1)).await;
        (client.head().await, client)
    }

    /// Status and body of the answer to a `GET`.
    pub(crate) async fn get(&self, path: &str, lines: &str) -> (u16, String) {
        self.ask(&format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{lines}"), "").await
    }

    /// Status and body of the answer to a message.
    pub(crate) async fn post(&self, lines: &str, message: &str) -> (u16, String) {
        self.ask(&Self::post_head(lines), message).await
    }

    /// The head of a message, but for the length.
    pub(crate) fn post_head(lines: &str) -> String {
        let kind = "Content-Type: application/json\r\n";
        let kind = if lines.contains("Content-Type") { "" } else { kind };
        format!("POST /rpc HTTP/1.1\r\nHost: localhost\r\n{kind}{lines}")
    }

    async fn ask(&self, head: &str, body: &str) -> (u16, String) {
        let mut client = self.connect().await;
        client.send(whole(head, body)).await;
        let answer = client.rest().await;
        let (head, body) = answer.split_once("\r\n\r\n").expect(&answer);
        (status(head), body.to_owned())
    }
}

/// A whole request, of which the connection ends with the answer.
pub(crate) fn whole(head: &str, body: &str) -> String {
    format!("{head}Content-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
}

fn status(head: &str) -> u16 {
    head.split(' ').nth(1).expect(head).parse().unwrap()
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Door::Unix(path) = &self.door {
            let _ = fs::remove_file(path);
        }
    }
}
