//! Links over server-sent events and `POST`: for clients that WebSockets do not reach.
//!
//! ```text
//! POST, hello ─▶ open ─▶ Link ◀──▶ Carrier ◀──▶ Connection
//! POST, messages ─▶ up ──▲ │
//! stream of events ◀── Events (the body of an answer)
//! ```
//!
//! A [`Link`](link::Link) outlives its requests. Requests put messages into its `Inbox`, and the stream that the link has
//! takes messages out of its `Outbox`. The `Carrier` is the same link as the transport of a connection. Each request finds
//! its link by name in [`Links`](links::Links), and passes the same checks as a request for a connection.

mod carrier;
mod cors;
mod events;
mod inbox;
mod link;
mod links;
mod open;
mod outbox;
mod pump;
mod request;
mod up;

pub(crate) use self::cors::{Cors, is_preflight, preflight};
pub(crate) use self::events::{Events, IDLE};
pub(crate) use self::links::Links;
pub(crate) use self::open::read_hello;
pub(crate) use self::pump::{StreamAnswer, run as pump};
pub(crate) use self::request::{LinkRequest, asks_for_stream};
