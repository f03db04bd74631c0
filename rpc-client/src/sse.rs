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

use std::time::Duration;

/// Returns how long the client waits before it makes a request again after so many `tries`: not at all at first, and then
/// longer and longer, up to 1 s.
fn wait_before(tries: usize) -> Duration {
    const WAITS: [u64; 5] = [0, 100, 250, 500, 1_000];
    Duration::from_millis(WAITS[tries.min(WAITS.len() - 1)])
}
