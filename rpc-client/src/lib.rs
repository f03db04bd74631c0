//! A WebSocket client for two-way JSON-RPC 2.0. The client calls methods of a server, and offers services to the server
//! on the same connection.
//!
//! ```
//! # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # use rpc_server::Server;
//! # let server = rpc_core::Router::new().method("add", |_: rpc_core::Context, (a, b): (i64, i64)| async move { Ok(a + b) });
//! # let server = Server::builder().service(server).bind("127.0.0.1:0").await?.spawn();
//! # let url = server.url();
//! use rpc_client::Client;
//!
//! let client = Client::builder().connect(&url).await?;
//! assert_eq!(client.peer().call::<i64>("add", (1, 2)).await?, 3);
//! client.close().await;
//! # Ok(()) }
//! ```
//!
//! # The path of a connection
//!
//! ```text
//! URL ─▶ target ─▶ connect: TCP or Unix socket ─▶ tls ─▶ handshake ─▶ a task: Connection
//!          └──────────┴───────────────────────────┴─────────┴─▶ ConnectError, which says what to change
//! ```
//!
//! If a host has several addresses, the client connects to the address that answers first (`race`, as in RFC 8305). The
//! client tries the next address 250 ms after the address before, or as soon as an attempt fails. IPv6 and IPv4
//! addresses take turns.
//!
//! Without HTTP, messages cross a TCP or Unix socket (`tcp://`, `tls://`, `unix:`) in a
//! [framing](ClientBuilder::framing): lines of JSON, or `Content-Length` heads. With the feature `process` the server may be
//! a child process (`ClientBuilder::spawn`): a language server, or a server of the Model Context Protocol.
//!
//! [`connect_over`](ClientBuilder::connect_over) carries a client over an existing stream, such as a tunnel.
//!
//! `wss://` needs the feature `tls`; without the feature, such a URL is an error. By default the server's certificate
//! must descend from a root certificate that the system trusts. `Tls` has the other choices. With the feature
//! `tls-no-provider` instead of `tls`, the crate `ring` is not built, and the program installs another provider of
//! cryptography.
//!
//! # A client that stays connected
//!
//! ```
//! # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # use rpc_server::Server;
//! # let server = rpc_core::Router::new().method("join", |_: rpc_core::Context, (room,): (String,)| async move { Ok(room) });
//! # let server = Server::builder().service(server).bind("127.0.0.1:0").await?.spawn();
//! # let url = server.url();
//! # async fn fetch_token() -> String { "0815".into() }
//! use rpc_client::{Client, Reconnect};
//!
//! let client = Client::builder()
//!     .reconnect(Reconnect::default())
//!     .bearer_token(|| async { fetch_token().await }) // at each attempt
//!     .on_session(|peer| async move { peer.call::<String>("join", ("lobby",)).await.map(drop) })
//!     .on_state(|state| println!("{state}"))
//!     .connect(&url)
//!     .await?;
//! let peer = client.peer(); // for as long as the client lives, over all links
//! assert_eq!(peer.call::<String>("join", ("attic",)).await?, "attic");
//! # Ok(()) }
//! ```
//!
//! If the link is lost, the client connects again ([`Reconnect`] says when). Until then calls and notifications wait,
//! deadlines run, and handlers of the client run on. What happens then depends on the server:
//!
//! | | the server keeps the session | it does not: a plain peer, a server without sessions, a server that has restarted |
//! |---|---|---|
//! | what was not sent | is sent | is sent |
//! | calls on their way | are answered, each runs once | fail ([`Closed`](rpc_core::CallError::Closed)). Idempotent ones, and those with a key, are made again |
//! | notifications on their way | arrive once | may be lost, and are counted ([`State::Fresh`]) |
//! | subscriptions | go on without a gap | show a [`Gap`](rpc_core::StreamError::Gap), are made again, and go on |
//! | [`on_session`](ClientBuilder::on_session) | does not run | runs, before all else |
//!
//! [`Client::state`], [`Client::states`] and [`on_state`](ClientBuilder::on_state) tell how the client is.
//! [`Client::reconnect_now`] skips a wait, and [`Client::new_session`] begins anew, for another user. The client ends when
//! it is dropped or closed, when the server does not want it, or when its policy gives up.
//!
//! [`what_happens_when`] goes through the events: a cut, a sleep, a restart, a kick and others.
//!
//! # In a browser
//!
//! The crate compiles for `wasm32-unknown-unknown`, where it uses the WebSocket, the timers and the event loop of the
//! page or worker: the same traits and stubs, calls both ways, streams and sessions. A program of three dozen methods has
//! about 350 kB after `wasm-opt -Oz` and gzip. `examples/wasm` of the repository is such a page. What a browser does not let a page do is not there:
//!
//! - Headers, `bearer_token`, `tls` and `connect_over`. The browser sends its cookies, and a page may send a ticket in
//!   the query of the URL or as a [subprotocol](ClientBuilder::subprotocol).
//! - Pings. The browser answers those of the server.
//! - The reason why a server cannot be reached. The console of the browser tells it.
//! - Threads. `#[method(blocking)]` runs in a turn of the event loop of its own, and a panic ends the program.
//!
//! A client says hello first there, as if by [`Hello::Always`](rpc_core::transport::Hello::Always), since a page sends no
//! `Rpc-Hello`. A page may close a WebSocket only by code 1000 and by private ones: to a code such as 1002, 2000 is added.
//!
//! # Where WebSockets do not reach
//!
//! Some proxies let no WebSocket pass. With [`fallback`](ClientBuilder::fallback) the client then connects by server-sent
//! events and `POST`: everything else is the same. A client that stays connected moves its session to a WebSocket when one
//! can be had, and nothing is lost.
//!
//! [`proxy`](ClientBuilder::proxy) leads a client through a proxy: HTTP `CONNECT`, or SOCKS 5.
//! [`alternative`](ClientBuilder::alternative) adds the URL of another server, for when the first one is away.
//!
//! # One dependency
//!
//! A program that calls needs only this crate, since this crate re-exports [`rpc_core`]. Then the attribute of each
//! trait names the path of `rpc_core`: `#[service(crate = rpc_client::rpc_core)]`.
//!
//! # Public dependencies
//!
//! These packages are part of the public API: `rpc-core`; `http` 1 ([`StatusCode`]); `tokio` 1 (`AsyncRead` and `AsyncWrite` of
//! [`ClientBuilder::connect_over`], `Instant` in [`State`], the runtime); `futures-core` 0.3 (`Stream` of [`States`]); with the feature `tls` also `rustls` 0.23. A new major version of one of
//! them is a new major version of this crate.

#![forbid(unsafe_code)]

#[doc = include_str!("../docs/what_happens_when.md")]
pub mod what_happens_when {}

mod agreed;
#[cfg(not(target_family = "wasm"))]
mod answer;
#[cfg(any(target_family = "wasm", test))]
mod browser;
mod builder;
mod client;
#[cfg(not(target_family = "wasm"))]
mod connect;
#[cfg(not(target_family = "wasm"))]
mod credentials;
mod error;
mod fallback;
#[cfg(not(target_family = "wasm"))]
mod handshake;
#[cfg(not(target_family = "wasm"))]
mod headers;
mod opened;
#[cfg(feature = "process")]
mod program;
#[cfg(not(target_family = "wasm"))]
mod proven;
#[cfg(not(target_family = "wasm"))]
mod proxy;
#[cfg(not(target_family = "wasm"))]
mod race;
mod reconnect;
#[cfg(not(target_family = "wasm"))]
mod socket;
#[cfg(not(target_family = "wasm"))]
mod sse;
mod subprotocols;
#[cfg(not(target_family = "wasm"))]
mod target;
#[cfg(feature = "tls-no-provider")]
mod tls;

// In a browser the files below make the links.
#[cfg(target_family = "wasm")]
use browser::{connect, socket};

pub use ::http::StatusCode;
pub use rpc_core;

pub use builder::ClientBuilder;
pub use client::Client;
#[cfg(not(target_family = "wasm"))]
pub use credentials::IntoToken;
pub use error::{ConnectError, Location};
pub use fallback::{Carrier, Fallback};
#[cfg(not(target_family = "wasm"))]
pub use proxy::{Proxy, ProxyFailure};
pub use reconnect::{IntoOpened, Reconnect, Setback, State, States};
#[cfg(feature = "tls-no-provider")]
pub use {
    rpc_tls::{TlsError, rustls},
    tls::Tls,
};
