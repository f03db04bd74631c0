//! Two-way JSON-RPC 2.0: both ends of a connection offer services and call what the other offers.
//!
//! One trait is the contract. `#[service]` makes two types of it: a stub that calls
//! (`ChatClient`), and a wrapper by which an implementation is served (`ChatServer`).
//!
//! ```
//! use rpc_core::{Context, RpcError, memory, service};
//!
//! /// What the server offers.
//! #[service(namespace = "chat")]
//! pub trait Chat {
//!     /// Joins a room; says who is there.
//!     async fn join(&self, cx: &Context, room: &str) -> Result<Vec<String>, ChatError>;
//! }
//!
//! /// What each client offers to the server, on the same connection.
//! #[service(namespace = "chatter")]
//! pub trait Chatter {
//!     async fn confirm(&self, question: &str) -> bool;
//! }
//!
//! /// Errors keep their type across the wire.
//! #[derive(Debug, PartialEq, thiserror::Error, RpcError)]
//! pub enum ChatError {
//!     #[error("refused")]
//!     #[rpc(code = 1001)]
//!     Refused,
//! }
//!
//! struct Rooms;
//! impl Chat for Rooms {
//!     async fn join(&self, cx: &Context, room: &str) -> Result<Vec<String>, ChatError> {
//!         let caller = ChatterClient::new(cx.peer()); // whoever is calling
//!         if !caller.confirm(&format!("join {room}?")).await.unwrap_or(false) {
//!             return Err(ChatError::Refused);
//!         }
//!         Ok(vec!["Ada".into()])
//!     }
//! }
//!
//! struct Me;
//! impl Chatter for Me {
//!     async fn confirm(&self, question: &str) -> bool {
//!         question == "join lobby?"
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // Without a socket here; `rpc-server` and `rpc-client` are the same over WebSockets.
//! let (peer, _) = memory::pair(ChatterServer::new(Me), ChatServer::new(Rooms));
//! let chat = ChatClient::new(peer);
//! assert_eq!(chat.join("lobby").await?, ["Ada"]);
//! assert_eq!(chat.join("attic").await, Err(rpc_core::CallError::Method(ChatError::Refused)));
//! # Ok(()) }
//! ```
//!
//! # The life of a connection
//!
//! 1. **Connect.** `rpc_server::Server` accepts WebSockets and `rpc_client::Client` opens them. [`memory::pair`] joins
//!    two peers in one process, and a [`transport::Endpoint`] takes any other transport. Each end gets a [`Peer`]: a handle to
//!    the other end.
//! 2. **Call.** `ChatClient::new(peer)` makes a stub. Each method of the stub returns a [`Call`], a future with options
//!    such as `timeout`. Without a trait, [`Peer::call`] takes a name and params. A [`Batch`] sends several calls as
//!    one message.
//! 3. **Serve.** The connection finds the method, decodes its params, and polls its handler in the connection's own
//!    task. [`Limits`] bound how many handlers run, [`layers`] stand around each call, and [`Context`] tells the handler
//!    about its call.
//! 4. **Call back.** `cx.peer()` is the caller. A handler calls the caller while the caller waits for the handler; that
//!    cannot deadlock. A [`Group`] calls or notifies many peers.
//! 5. **Subscribe.** A subscription method returns a [`Streaming`]. Its items arrive as a stream at the other end, as
//!    fast as that end takes them. A `Streaming` parameter goes the other way. A [`Topic`] has events for many
//!    subscribers, and a [`Live`] is a value that many watch.
//! 6. **Disconnect.** [`Peer::drain`] waits for the handlers and closes then. [`Peer::close`] stops the handlers and sends
//!    the answers that are ready. [`Peer::kick`] is for a peer that may not stay. [`Peer::closed`] tells why the
//!    connection ended. [`transport::Connection::attach`] gives a connection another transport.
//!
//! What each side sees:
//!
//! | event | the caller sees | the serving end sees | the wire carries |
//! |---|---|---|---|
//! | call | a pending [`Call`] | a handler that starts | a request, a response |
//! | typed error | [`CallError::Method`] | a handler that returns `Err` | an error object with the error's own code |
//! | panic of the handler | [`CallError::Remote`] with -32603 | a line in the log | an error object |
//! | a limit is reached | [`CallError::Busy`]; the call did not run | no handler | -32009 |
//! | timeout | [`CallError::Timeout`], with the [`Fate`] of the call | the handler is dropped | `timeoutMs`; -32012 or `$/cancelRequest` |
//! | the [`Call`] is dropped | nothing | the handler is dropped | `$/cancelRequest` |
//! | notification | a [`Notify`] that is ready when the message is queued | one handler after the other, in order | a notification |
//! | notification of a method that the other end has [muted](Peer::mute) | the same; it is counted as skipped | nothing | nothing, since `$/mute` |
//! | subscription | a [`Streaming`] | a stream that is polled while there is credit | items, `$/credit` |
//! | a slow reader of items | [`StreamError::Gap`] where items were dropped | what [`Lag`] says | items with `seq` |
//! | end of a stream | `None` | a stream that has ended | the last item says `done` |
//! | the other end shuts down | [`Peer::going_away`], then [`CallError::Busy`] | handlers finish within the grace | `$/goaway`, close 1012 |
//! | the link is lost | [`CallError::Closed`], with the [`Fate`]; [`Peer::closed`] | handlers stop; groups are left | nothing |
//!
//! # Where names are
//!
//! The root has what programs write: the macros, [`Peer`], [`Context`], [`Router`], calls, streams, errors and
//! [`Limits`]. The modules are for some:
//!
//! | module | is for |
//! |---|---|
//! | [`layers`] | middleware, and those who write some |
//! | [`memory`] | tests, and two ends in one process; with the feature `testing` also links that break on purpose |
//! | [`schema`] | tools that list methods or export schemas; with the feature `schema` also models of services, and documents of OpenRPC and AsyncAPI |
//! | [`transport`] | those who bring a transport of their own |
//! | [`types`] | types that signatures name, and that programs seldom write |
//! | [`validate`] | rules for the values of params |
//!
//! # Limits
//!
//! [`Limits`] bound everything that the other end can make this end keep. Each error answer that a limit causes names
//! the limit. Rates bound what the other end can send in vain: pings, malformed messages, responses to nothing. Above a
//! rate the connection is closed with 1008. The limits do not bound what the application keeps: values that its
//! handlers hold, and results and streams that it does not take.
//!
//! # Public dependencies
//!
//! These packages are part of the public API: `bytes` 1 ([`transport`]), `serde` 1 and `serde_json` 1 (params, results and
//! [`ErrorObject::data`](ErrorObject)), `futures-core` 0.3 and `futures-sink` 0.3 ([`Streaming`],
//! [`StreamSender`]), `tokio` 1 (the runtime; `AsyncRead` and `AsyncWrite`
//! with the features `websocket` and `byte-stream`, `Command` with the feature `process`), with the feature `schema` also `schemars` 1, and with the feature `tower` also `tower-layer` 0.3 and `tower-service` 0.3. A new major
//! version of one of them is a new major version of this crate.
//!
//! # How it works
//!
//! A pure core in a thin shell:
//!
//! ```text
//!            ┌─ Connection: one task ──────────────────────────────────────────────┐
//!            │ Link                    Driver                                      │
//! text in  ──┼─▶ decode ────▶ Protocol ──▶ handlers (polled at once, in this task) │
//! text out ◀─┼── outgoing ◀── Protocol ◀── answers                                 │
//!            └──────────────────▲──────────────────────────────────────────────────┘
//!                               │ one short lock: the slot
//!                     Peer, Call, Notify: callers on any thread
//! ```
//!
//! The protocol decides, and the connection's task carries. `Protocol` is plain `&mut self` code:
//! values in, values out, with no socket, clock, lock or task. Time arrives as the span since the
//! connection's start. Both ends run the same `Protocol`, and nothing in it asks which end it is.
//!
//! Four truths hold, each with a test that guards it:
//!
//! 1. The pure folders (○ below) name neither tokio nor `.await`.
//! 2. A request gets exactly one answer. A notification or a response never gets one.
//! 3. Each end numbers its own calls: id 1 may be in flight both ways and mean two things.
//! 4. When a connection ends, every waiting caller hears of it, and why.
//!
//! What is absent, and why: no channel between callers and the connection (a call takes its place
//! where it is made, under the lock, so that dropping it can take it back); no task for each call (a
//! spawn costs more than a small handler); no `serde_json::Value` (params stay raw text until the
//! method's own types read them); no timer for each call (tables know their earliest deadline).
//!
//! # Where things are
//!
//! | floor | folder | is |
//! |---|---|---|
//! | 1 | `error` ○, `limits` ○, `method` ○, `base64` ○, `util` | errors, limits, what is known of a method, and tools |
//! | 2 | `wire` ○, `patch` ○ | JSON text to messages, messages to JSON text, and what differs between two texts |
//! | 3 | `protocol` ○ | the state machine, with its `tables` |
//! | 4 | `transport` | what carries text |
//! | 5 | `stream` | streams of items, both ways |
//! | 6 | `service` | what is served: routers, params, contexts, handlers |
//! | 7 | `layers` | middleware |
//! | 8 | `peer` | the other end: calls, batches, groups, the slot |
//! | 9 | `connection` | the task that carries it all |
//!
//! An import goes down in this table, never up, but among `stream`, `service`, `layers` and `peer`: they are the
//! symmetric API, in which a handler has a peer and a peer has handlers. A test reads the imports.
//!
//! # All files
#![doc = include_str!("../docs/files.md")]
#![forbid(unsafe_code)]

mod base64;
mod connection;
mod error;
#[cfg(feature = "__fuzz")]
#[doc(hidden)]
pub mod fuzz;
#[doc(hidden)]
pub mod internal;
pub mod layers;
mod limits;
pub mod memory;
mod method;
#[cfg(feature = "__micro")]
#[doc(hidden)]
pub mod micro;
mod patch;
mod peer;
#[doc(hidden)]
pub mod private;
mod protocol;
pub mod schema;
mod service;
mod stream;
pub mod transport;
pub mod types;
mod util;
pub mod validate;
mod wire;

pub use self::base64::{Base64, SizedBase64};
pub use connection::panic_hook::set_panic_hook;
pub use error::call::{CallError, Fate, NotifyError};
pub use error::close::{CloseCode, CloseReason};
pub use error::code::ErrorCode;
pub use error::object::ErrorObject;
pub use error::rpc_error::{Result, RpcError};
pub use limits::Limits;
pub use peer::Link;
pub use peer::Peer;
pub use peer::batch::Batch;
pub use peer::call::Call;
pub use peer::group::{Answers, Group};
pub use peer::notify::Notify;
pub use peer::registry::SameName;
pub use rpc_macros::{RpcError, service};
pub use service::Service;
pub use service::context::Context;
pub use service::progress::Progress;
pub use service::router::Router;
pub use service::router_error::RouterError;
pub use stream::{
    ByteReader, ByteWriter, Change, Lag, Live, SendError, StreamError, StreamSender, Streaming,
    Topic, TrySendError, View, Watch,
};
pub use wire::dialect::Dialect;
pub use wire::trace::TraceContext;
