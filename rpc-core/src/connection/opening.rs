//! The code that opens a session.

use std::future::poll_fn;
use std::pin::pin;

use crate::peer::Peer;
use crate::service::current;

/// Runs `future` as the code that opens a fresh session of `peer`: its calls and notifications are sent although the
/// session [is held](crate::transport::Connection::hold_sessions). That holds for the task of the future alone, not for
/// tasks that it spawns.
pub async fn opening<F: Future>(peer: &Peer, future: F) -> F::Output {
    let mut future = pin!(future);
    poll_fn(|cx| current::with_opening(&peer.shared, || future.as_mut().poll(cx))).await
}
