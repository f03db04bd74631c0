//! Items that `rpc-server` and `rpc-client` share with this crate. Hidden from the docs and not covered by semver.

pub use crate::peer::shared_notification::SharedNotification;
#[cfg(feature = "sse")]
pub use crate::transport::sse;
pub use crate::util::catch;
pub use crate::util::escaped::Escaped;
pub use crate::util::log_throttle::LogThrottle;
pub use crate::util::site::site;
use crate::util::sync::Arc;

/// The clock, the timers and the tasks of the runtime, which is tokio's or a browser's.
pub mod runtime {
    pub use crate::util::runtime::{Instant, Sleep, sleep_until, spawn, timeout};
}

/// Returns the caller value of a peer with its type erased.
pub fn caller_value(peer: &crate::peer::Peer) -> Option<&(dyn std::any::Any + Send + Sync)> {
    peer.shared.caller.get().map(|caller| &**caller)
}

/// Drops the [values](crate::Peer::set_value) of a peer whose session has ended, if only the client may still ask about
/// the session: else the values would live as long as that. Its name stays, since only the same caller may ask. Whoever
/// holds a handle of the peer, such as a call that goes on without its connection, still finds the values.
pub fn drop_values(peer: &crate::peer::Peer) {
    let is_remembered = peer.shared.lock().protocol.may_ask_for_end();
    // This handle and what is remembered.
    if is_remembered && Arc::strong_count(&peer.shared) <= 2 {
        peer.shared.drop_values();
    }
}

/// Forgets the sessions of a server that have ended, when the server has stopped: nobody asks about them any more, and
/// they hold all that the server consists of.
pub fn forget_ended_sessions(registry: &crate::transport::PeerRegistry) {
    registry.forget_ended();
}
