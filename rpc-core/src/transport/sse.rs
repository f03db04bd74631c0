//! What both ends of a link over server-sent events and `POST` share: names, numbers, lines and events.
//!
//! Nothing in here does input or output: bytes and numbers in, texts and numbers out. `rpc-server` joins this to the
//! bodies of its answers, and `rpc-client` to those of its requests. The page `sse` of `rpc-server` has the wire.
//!
//! ```text
//!             Outbound ── lines::write ──▶ POST ──▶ Lines ── Inbound
//!     client                                                        server
//!             Inbound ── EventReader ◀── stream ◀── event::write ── Outbound
//! ```

pub mod event;
pub mod headers;
pub mod hello;
pub mod lines;
mod name;
mod numbers;
#[cfg(test)]
mod properties;
mod reader;

pub use self::lines::{LineEnd, Lines, TooLong};
pub use self::name::LinkName;
pub use self::numbers::{Inbound, NotSent, Outbound, Place};
pub use self::reader::{Event, EventReader};
