//! A WebSocket server for two-way JSON-RPC 2.0. The server offers services to the clients that connect, and calls
//! methods of the clients on the same connection.
//!
//! ```
//! # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::time::Duration;
//! use rpc_client::Client;
//! use rpc_core::{Context, Router};
//! use rpc_server::Server;
//!
//! let greeter = Router::new().method("greet", |cx: Context, (): ()| async move {
//!     let name: String = cx.peer().call("your_name", ()).await.unwrap_or_default();
//!     Ok(format!("hello, {name}"))
//! });
//! let server = Server::builder().service(greeter).bind("127.0.0.1:0").await?.spawn();
//!
//! let me = Router::new().method("your_name", |_: Context, (): ()| async { Ok("Ada") });
//! let client = Client::builder().service(me).connect(&server.url()).await?;
//! assert_eq!(client.peer().call::<String>("greet", ()).await?, "hello, Ada");
//!
//! server.shutdown(Duration::from_secs(30)).await;
//! # Ok(()) }
//! ```
//!
//! # The path of a connection
//!
//! ```text
//! TCP, Unix ─▶ accept ─▶ admission ─▶ (secure) ─▶ http ─┐
//!                                                       ├▶ admit ─▶ on_connect ─▶ Connection ─▶ on_disconnect
//! an app of axum or hyper ──────────────────────▶ mount ┘    └─▶ an HTTP error
//! ```
//!
//! | file | content |
//! |---|---|
//! | `builder`, `subprotocols`, `error`, `shared` | the settings and their checks; the data that all tasks of a server share |
//! | `server`, `lifecycle`, `shutdown_report` | the handle of the application; the shutdown, and the report of it |
//! | `listener`, `accept` | the TCP or Unix listener; the loop that accepts connections |
//! | `admission`, `connection_limit`, `addresses` | the limits on the number of connections: in total, and for each address |
//! | `secure`, `tls` | the TLS handshake; certificates |
//! | `http`, `deadline` | one request and its answer over HTTP; a time limit for each phase |
//! | `mount` | the server as a tower service in an app of axum or hyper |
//! | `host`, `request_kind`, `upgrade`, `probes`, `post` | the host and the kind of a request: a WebSocket upgrade, a health probe, or a message by `POST` |
//! | `admit`, `origins`, `proxies`, `client_info`, `headers` | the checks of a request; the address of the client |
//! | `connecting`, `hooks`, `rejection`, `refusal` | the hooks of the application, and their verdict, as an HTTP answer or as a close code |
//! | `connection` | the task of a connection |
//! | `sse`, `body` | [links over server-sent events and `POST`](sse_and_post); the body of an answer |
//! | `sessions` | who may resume a session |
//! | `stats`, `record`, `runtime` | the numbers of a server, the same as metrics; a tokio runtime for many connections |
//!
//! One task carries a connection from the accept to `on_disconnect`. The memory of the HTTP part is freed after the
//! HTTP part. The whole handshake, up to the upgrade, must be done within [`handshake`](rpc_core::Limits::handshake)
//! (10 s). The head of a request may have 8 KiB and 64 headers; a larger head is answered 431.
//!
//! | status | reason |
//! |---|---|
//! | 204 | a [`POST`](ServerBuilder::post) to which no response is owed, such as a notification |
//! | 400 | bytes that are not HTTP; no `Host`, several, or an invalid one; a handshake with a body; an invalid `Sec-WebSocket-Key`; a message by `POST` that is not UTF-8 |
//! | 401 | a message by `POST` from a client that must first [log in by a message](Rejection::until_login) |
//! | 403 | a page of a foreign `Origin`: see [`allow_origins`](ServerBuilder::allow_origins); a `Host` that is no name of the server, or over a loopback address no loopback name: see [`allow_hosts`](ServerBuilder::allow_hosts) |
//! | 404 | another path than [`path`](ServerBuilder::path) |
//! | 405 | a method other than `GET` and `POST`; `POST` if [`post`](ServerBuilder::post) is off |
//! | 408 | a message by `POST` that takes longer than [`assembly`](rpc_core::Limits::assembly) |
//! | 409 | a second connection with the same name, under [`SameName::Refuse`](rpc_core::SameName::Refuse) |
//! | 413 | a message by `POST` above [`message_in`](rpc_core::Limits::message_in) |
//! | 415 | a message by `POST` with a `Content-Encoding`, or with another `Content-Type` than `application/json` |
//! | 426 | no `Upgrade: websocket`; a `Sec-WebSocket-Version` other than 13 |
//! | 429 | an address that has [too many connections](rpc_core::Limits::connections_per_address), or makes connections [too fast](rpc_core::Limits::connect_rate_per_address) |
//! | 431 | a head that is too large |
//! | 500 | a panic or a mistake in [`on_connect`](ServerBuilder::on_connect) |
//! | 503 | more than [`connections`](rpc_core::Limits::connections) or [`guests`](rpc_core::Limits::guests); a server that stops |
//! | 505 | a handshake in HTTP/1.0 |
//! | any from 300 | the [`Rejection`] that `on_connect` returns |
//!
//! After each of these answers the server closes the connection. The requests of a link over [server-sent
//! events](sse_and_post) have more answers, and share connections. A web page sees none of them, and learns the reason of
//! a rejection only [by a close code](Rejection::by_close).
//!
//! The server runs on any tokio runtime. [`runtime`] makes a runtime that is fair to hundreds of busy connections. The
//! page [`sse_and_post`] has the wire of links over server-sent events. The page [`performance`] says what a call costs, and how an application can lower the cost. The page [`security`] says
//! what the server promises on a public port.
//!
//! # One dependency
//!
//! A program that serves needs only this crate, since this crate re-exports [`rpc_core`]. Then the attribute of each
//! trait names the path of `rpc_core`:
//!
//! ```
//! use rpc_server::rpc_core::{self, Context, RpcError, service};
//!
//! #[service(crate = rpc_server::rpc_core)]
//! trait Bank {
//!     async fn withdraw(&self, cx: &Context, cents: u64) -> Result<u64, Broke>;
//! }
//!
//! #[derive(Debug, RpcError)]
//! #[rpc(code = 1001, crate = rpc_server::rpc_core)]
//! struct Broke;
//! # impl std::fmt::Display for Broke {
//! #     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str("broke") }
//! # }
//! # impl std::error::Error for Broke {}
//! ```
//!
//! # Public dependencies
//!
//! These packages are part of the public API: `rpc-core`; `http` 1 ([`StatusCode`], [`Connecting`]); `hyper` 1, `http-body-util`
//! 0.1, `bytes` 1 and `tower-service` 0.3 ([`RpcService`]); `tokio` 1 ([`Listener`], addresses, the runtime); with the
//! feature `tls` also `rustls` 0.23. A new major version of one of them is a new major version of this crate.

#![forbid(unsafe_code)]

mod accept;
mod addresses;
mod admission;
mod admit;
mod body;
#[cfg(feature = "bridge")]
mod bridge;
mod builder;
mod client_info;
mod connecting;
mod connection;
mod connection_limit;
mod deadline;
mod error;
mod framed;
mod headers;
mod hooks;
mod host;
mod http;
mod lifecycle;
mod listener;
mod mount;
mod origins;
mod post;
mod probes;
mod proxies;
#[cfg(feature = "metrics")]
mod record;
mod refusal;
mod rejection;
mod request_kind;
mod resuming;
mod runtime;
#[cfg(feature = "tls-no-provider")]
mod secure;
mod serve;
mod server;
mod sessions;
mod shared;
mod shutdown_report;
mod sse;
mod stats;
mod subprotocols;
#[cfg(feature = "tls-no-provider")]
mod tls;
#[cfg(unix)]
mod unix_socket;
mod upgrade;

pub use ::http::StatusCode;
pub use rpc_core;

pub use body::Body;
#[cfg(feature = "bridge")]
pub use bridge::Bridge;
pub use builder::ServerBuilder;
pub use client_info::UnixPeer;
pub use connecting::Connecting;
pub use error::Error;
pub use listener::Listener;
pub use mount::RpcService;
pub use rejection::Rejection;
pub use runtime::runtime;
pub use server::{BoundServer, Server};
pub use sessions::Sessions;
pub use shutdown_report::{CutRequest, ShutdownReport};
pub use stats::{InFlight, ServerStats};
#[cfg(unix)]
pub use unix_socket::UnixSocketError;
#[cfg(feature = "tls-no-provider")]
pub use {
    rpc_tls::{TlsError, rustls},
    tls::{Tls, TlsInfo},
};

#[doc = include_str!("../docs/performance.md")]
pub mod performance {}

#[doc = include_str!("../docs/security.md")]
pub mod security {}

#[doc = include_str!("../docs/sse.md")]
pub mod sse_and_post {}
