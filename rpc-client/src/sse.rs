//! Links over server-sent events and `POST`, for networks that let no WebSocket pass.
//!
//! ```text
//!              ┌ Posts: what waits, in one request at a time ──────▶ POST
//!  Connection ─┤                                                          Http: two connections
//!              └ Stream: opened by the hello, asked for again ◀──── events
//! ```
//!
//! [`SseCarrier`] is the transport. Requests are futures, which the task of the connection polls.

mod carrier;
mod http;
mod opening;
mod posts;
mod stream;

pub(crate) use self::carrier::SseCarrier;
pub(crate) use self::opening::Opening;
