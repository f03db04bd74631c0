//! A WebSocket server for two-way JSON-RPC 2.0: it offers services to those who connect, and calls
//! what they offer in return, on the same connection.
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
//! # The way of a connection
//!
//! ```text
//! TCP, Unix ─▶ accept ─▶ admission ─▶ (secure) ─▶ http ─┐
//!                                                       ├▶ admit ─▶ on_connect ─▶ Connection ─▶ on_disconnect
//! the app that it is mounted in ────────────────▶ mount ┘    └─▶ an HTTP answer that says what is wrong
//! ```
//!
//! | file | is |
//! |---|---|
//! | `listener`, `accept` | what is listened on, and the loop that accepts |
//! | `admission`, `connection_limit`, `addresses` | the room that a connection takes: of all, and of its address |
//! | `secure`, `tls` | TLS, where it is spoken |
//! | `http`, `deadline` | one request and its answer, each phase with its time |
//! | `mount` | the same as a service of tower's, in an app of others |
//! | `host`, `request_kind`, `upgrade`, `probes`, `post` | what a request asks for, and of which host: a WebSocket, the health of the server, one answer |
//! | `admit`, `origins`, `proxies`, `client_info` | whether it may come in, and where it comes from |
//! | `connecting`, `hooks`, `rejection` | what the app says to that |
//! | `connection`, `lifecycle`, `shutdown_report` | a connection's task, and the end of all of them |
//!
//! One task carries a connection all the way; what HTTP needed is freed when that part is over.
//! All of it, up to the upgrade, must be done within
//! [`handshake`](rpc_core::Limits::handshake) (10 s). A request head may have 8 KiB and 64 headers,
//! more is answered 431.
//!
//! | answer | to |
//! |---|---|
//! | 204 | a [`POST`](ServerBuilder::post) to which no answer is owed |
//! | 400 | bytes that are not HTTP; no `Host`, several, or a bad one; a handshake with a body; a bad `Sec-WebSocket-Key`; a message that is not UTF-8 |
//! | 401 | a single message of one who is to [log in](Rejection::until_login) by a message |
//! | 403 | a page of a foreign `Origin`; a `Host` that is not this machine, over a loopback address: see [`allow_origins`](ServerBuilder::allow_origins), [`allow_hosts`](ServerBuilder::allow_hosts) |
//! | 404 | another [`path`](ServerBuilder::path) |
//! | 405 | any method but GET, and POST if it is [taken](ServerBuilder::post) |
//! | 408, 413, 415 | a message by POST that takes longer than `assembly`, has more bytes than `message_in`, or is encoded or no `application/json` |
//! | 409 | a second connection with a [name](ServerBuilder::same_name) that only one may have |
//! | 426 | no `Upgrade: websocket`; a `Sec-WebSocket-Version` other than 13 |
//! | 429 | an address that has [too many connections](rpc_core::Limits::connections_per_address), or makes them [too fast](rpc_core::Limits::connect_rate_per_address) |
//! | 431 | too large a head |
//! | 500 | a panic in [`on_connect`](ServerBuilder::on_connect) |
//! | 503 | more than [`connections`](rpc_core::Limits::connections) or [`guests`](rpc_core::Limits::guests); a server that stops |
//! | 505 | a handshake in HTTP/1.0 |
//!
//! After such an answer the connection is closed.
//!
//! Any tokio runtime will do. [`runtime`] makes one that is fair to hundreds of busy connections; what
//! calls cost and what to do about it stands in [`performance`], what is promised on a public port in
//! [`security`].
//!
//! # One dependency
//!
//! A program that serves needs this crate alone, since [`rpc_core`] is here as well. Traits then say where the macros
//! find that crate:
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
mod builder;
mod client_info;
mod connecting;
mod connection;
mod connection_limit;
mod deadline;
mod error;
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
mod rejection;
mod request_kind;
mod runtime;
#[cfg(feature = "tls-no-provider")]
mod secure;
mod server;
mod shared;
mod shutdown_report;
mod stats;
mod subprotocols;
#[cfg(feature = "tls-no-provider")]
mod tls;
mod upgrade;

pub use ::http::StatusCode;
pub use rpc_core;

pub use builder::ServerBuilder;
pub use connecting::Connecting;
pub use error::Error;
pub use listener::Listener;
pub use mount::RpcService;
pub use rejection::Rejection;
pub use runtime::runtime;
pub use server::{BoundServer, Server};
pub use shutdown_report::{CutRequest, ShutdownReport};
pub use stats::{InFlight, ServerStats};
#[cfg(feature = "tls-no-provider")]
pub use {
    rpc_tls::{TlsError, rustls},
    tls::{Tls, TlsInfo},
};

#[doc = include_str!("../docs/performance.md")]
pub mod performance {}

#[doc = include_str!("../docs/security.md")]
pub mod security {}
