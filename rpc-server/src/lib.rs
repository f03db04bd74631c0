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
//! TCP ─▶ accept ─▶ a task: http ─▶ upgrade ─▶ on_connect ─▶ rpc_core::Connection ─▶ on_disconnect
//!                            └────────┴───────────┴─▶ an HTTP answer that says what is wrong
//! ```
//!
//! One task carries a connection all the way; what HTTP needed is freed when that part is over.
//! All of it, up to the upgrade, must be done within
//! [`handshake`](rpc_core::Limits::handshake) (10 s). A request head may have 8 KiB and 64 headers,
//! more is answered 431.
//!
//! | answer | to |
//! |---|---|
//! | 400 | what is not HTTP; no or several `Host`; a body; a bad `Sec-WebSocket-Key` |
//! | 403 | a page of a foreign `Origin`; a `Host` that is not this machine, on a loopback address: see [`allow_origins`](Builder::allow_origins) |
//! | 404 | another [`path`](Builder::path) |
//! | 405 | any method but GET |
//! | 426 | no `Upgrade: websocket`; a `Sec-WebSocket-Version` other than 13 |
//! | 431 | too large a head |
//! | 500 | a panic in [`on_connect`](Builder::on_connect) |
//! | 503 | more than [`connections`](rpc_core::Limits::connections) |
//! | 505 | HTTP/1.0 |
//!
//! After such an answer the connection is closed.
//!
//! Any tokio runtime will do. [`runtime`] makes one that is fair to hundreds of busy connections; what
//! calls cost and what to do about it stands in [`performance`].

#![forbid(unsafe_code)]

mod accept;
mod addresses;
mod asked;
mod builder;
mod connecting;
mod connection;
mod door;
mod drained;
mod due;
mod error;
mod headers;
mod hooks;
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
mod runtime;
mod seat;
#[cfg(feature = "tls-no-provider")]
mod secure;
mod server;
mod shared;
mod slots;
mod stats;
#[cfg(feature = "tls-no-provider")]
mod tls;
mod upgrade;
mod visitor;

pub use ::http::StatusCode;

pub use builder::Builder;
pub use connecting::Connecting;
pub use drained::{CutRequest, Drained};
pub use error::Error;
pub use listener::Listener;
pub use mount::RpcService;
pub use rejection::Rejection;
pub use runtime::runtime;
pub use server::{BoundServer, Server};
pub use stats::{InFlight, ServerStats};
#[cfg(feature = "tls-no-provider")]
pub use {
    rpc_tls::{TlsError, rustls},
    tls::{Tls, TlsInfo},
};

#[doc = include_str!("../docs/performance.md")]
pub mod performance {}
