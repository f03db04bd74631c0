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
//! # How it works
//!
//! A pure core in a thin shell:
//!
//! ```text
//!            ┌──────────── Connection: the task that owns the transport ───────────┐
//! text in  ──┼─▶ envelope ──▶ Protocol ──▶ handlers (polled at once, in this task) │
//! text out ◀─┼── outbox ◀──── Protocol ◀── answers                                 │
//!            └──────────────────▲──────────────────────────────────────────────────┘
//!                               │ one short lock
//!                     Peer, Call, Notify: callers on any thread
//! ```
//!
//! The protocol decides, the connection's task carries. `Protocol` is plain `&mut self` code:
//! values in, values out, with no socket, clock, lock or task; time arrives as the span since the
//! connection's start. Both ends run the same one, and nothing in it asks which end it is.
//!
//! Four truths hold, each with a test that guards it:
//!
//! 1. The pure files (○ below) name neither tokio nor `.await`.
//! 2. A request gets exactly one answer. A notification or a response never gets one.
//! 3. Each end numbers its own calls: id 1 may be in flight both ways and mean two things.
//! 4. When a connection ends, every waiting caller hears of it, and why.
//!
//! | file | is |
//! |---|---|
//! | `envelope` ○ | the text of a message to requests, notifications and responses; `scan` ○ finds and measures their parts |
//! | `calls` ○ | calls that this end made and waits on |
//! | `key` ○, `target` ○ | what names a served call, and what names in messages call |
//! | `serving` ○, `notifications` ○, `ordered` ○ | calls that this end serves, notifications in their order, and requests that wait for both |
//! | `subscriptions` ○, `streaming` | streams that this end offers and takes, and what becomes of items for which there is no room (`lag`); `stream_params` ○: those among the params of a call |
//! | `batches` ○, `batch` | batches of the other end, whose answers are gathered; batches of this one |
//! | `group`, `hub` | who belongs together, and what is sent to all of them |
//! | `hello` ○, `known`, `dialect` ○, `goaway` ○, `extras` ○, `trace` ○ | what both ends know beyond the specification; what stands beside a call |
//! | `outbox` ○ | messages that wait for the transport, and those that wait for room among them |
//! | `protocol` ○ | these tables as one state machine |
//! | `setup`, `endpoint` | what an end is made of, and an end before it has a connection |
//! | `shared`, `peer`, `call`, `notify` | the slot that a [`Peer`] is a handle to, and what is made from it |
//! | `progress` | how far a call has come |
//! | `rates` ○ | how fast an end may send what comes to nothing |
//! | `values`, `members` | what handlers keep on a connection, and what layers keep for a batch |
//! | `current`, `scoped` | the handler that a thread runs, whose place its calls lend; a part of it in another task |
//! | `service`, `method` ○, `router`, `router_error` ○, `params` ○, `args` ○ | the seam to what is served, what is known of it, and typed params both ways |
//! | `namespace`, `reserved` ○ | a service under another namespace; names that belong to the protocol |
//! | `validate` ○, `invalid` ○ | what is asked of params beyond their types, and what is wrong with them |
//! | `binary` ○ | bytes, as text in JSON |
//! | [`layers`] | what may stand around each call, both ways; `call/layered` is where calls go through |
//! | `connection`, `tasks`, `handlers`, `timer`, `life` ○ | the task, what runs in it, and its clocks |
//! | `once`, `once/table` ○ | calls under an idempotency key, whose answers are given again; who makes room for whom |
//! | `elsewhere`, `later` | handlers in tasks and on threads of their own, and what they leave for after the answer |
//! | `pace` | how long a turn of the task may take, and whether a handler keeps it for too long |
//! | `catch` | code of the application's, whose panics harm nobody |
//! | `seldom`, `panics`, `harmless` ○ | lines of the log that a peer can cause, and what it said in them |
//! | `untold` | why a call failed, for the log where its caller is not told |
//! | `site` | who counts as one by their address |
//! | `keyed` | hashing of ids that peers choose |
//! | `scratch` ○ | where short messages are written, so that each is not an allocation |
//! | `transport`, `memory`, `websocket` | what carries text: in memory, or over tungstenite |
//!
//! What is absent, and why: no channel between callers and the connection (a call takes its place
//! where it is made, under the lock, so that dropping it can take it back); no task for each call (a
//! spawn costs more than a small handler); no `serde_json::Value` (params stay raw text until the
//! method's own types read them); no timer for each call (tables know their earliest deadline).
//!
//! # Limits
//!
//! Everything that the other end can make us keep is bounded by [`Limits`], and every error answer
//! that comes of it names the limit. What it can flood us with and nobody needs (pings, messages that
//! are none, answers to nothing) is bounded by rates, beyond which the connection is closed with 1008.
//! Not bounded by them is what the application itself keeps: values that its handlers hold, and answers
//! and streams that it does not take.

#![forbid(unsafe_code)]

mod answer;
mod answered;
mod args;
mod batch;
mod batches;
mod binary;
mod call;
mod call_error;
mod calls;
#[doc(hidden)]
pub mod catch;
mod clock;
mod close;
mod complaint;
mod connection;
mod context;
mod current;
mod deadlines;
mod dialect;
mod elsewhere;
mod endpoint;
mod envelope;
mod error;
mod error_data;
mod extras;
#[cfg(feature = "fuzz")]
#[doc(hidden)]
pub mod fuzz;
mod goaway;
mod group;
mod handlers;
mod harmless;
mod hello;
mod hub;
mod id;
mod invalid;
mod key;
mod keyed;
mod known;
mod later;
pub mod layers;
mod life;
mod limits;
mod members;
pub mod memory;
mod method;
#[cfg(feature = "micro")]
#[doc(hidden)]
pub mod micro;
mod namespace;
mod notifications;
mod notify;
mod once;
mod ordered;
mod outbox;
mod outgoing;
mod pace;
mod panics;
mod params;
mod peer;
#[doc(hidden)]
pub mod private;
mod progress;
mod protocol;
mod random;
mod rates;
mod reserved;
mod router;
mod router_error;
mod scan;
mod scoped;
mod scratch;
mod seldom;
mod service;
mod serving;
mod setup;
mod shared;
mod site;
mod stats;
mod stream_params;
mod streaming;
mod subscriptions;
mod sync;
mod target;
mod tasks;
#[cfg(test)]
mod testing;
mod timer;
mod trace;
mod transport;
mod untold;
mod validate;
mod values;
mod waiter;
mod websocket;

pub use answered::Answered;
pub use batch::Batch;
pub use binary::Bytes;
pub use call::Call;
pub use call_error::{CallError, Fate, NotifyError};
pub use close::{CloseCode, CloseReason, ClosedBy};
pub use connection::Connection;
pub use context::Context;
pub use dialect::Dialect;
pub use endpoint::{Endpoint, NotOffered};
pub use error::{ErrorCode, ErrorInfo, ErrorObject, Result, RpcError};
pub use goaway::GoAway;
pub use group::{Answers, Group, JoinError};
#[doc(hidden)]
pub use harmless::Harmless;
pub use hello::Hello;
pub use hub::{Hub, SameName};
pub use invalid::{Invalid, Violation};
pub use layers::{Layer, Layers};
pub use limits::{Limits, LimitsError};
pub use method::{
    MethodFlags, MethodInfo, MethodKind, ParamInfo, SubscriptionIds, SubscriptionInfo,
};
pub use notify::Notify;
pub use once::IdentifyError;
pub use panics::set_panic_hook;
pub use peer::Peer;
pub use progress::{NoProgress, Progress, Reports};
pub use router::{RawParams, Router};
pub use router_error::RouterError;
pub use rpc_macros::{RpcError, service};
pub use scoped::Scoped;
#[doc(hidden)]
pub use seldom::Seldom;
pub use service::{Handler, Params, Service};
pub use setup::{OnForeign, Setup};
#[doc(hidden)]
pub use site::site;
pub use stats::{Counters, PeerStats};
pub use streaming::{
    EndsWith, Lag, LagKey, SendError, StreamEnd, StreamError, StreamErrorType, StreamSender,
    Streaming, Untyped,
};
pub use trace::TraceContext;
pub use transport::{LinkError, Received, Transport};
pub use validate::{Checks, Validate};
pub use websocket::{Role, WebSocket};
