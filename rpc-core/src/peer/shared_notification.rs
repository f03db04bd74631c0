//! A notification for many peers, written once.

use bytes::Bytes;
use serde::Serialize;

use crate::error::call::NotifyError;
use crate::error::close::CloseCode;
use crate::peer::Peer;
use crate::peer::slot::{Command, Shared};
use crate::service::current;
use crate::wire::request::{Outgoing, fits};

/// A notification that is written once. The outbound queues of all peers that get the notification share its bytes.
#[derive(Debug, Clone)]
pub struct SharedNotification(Bytes);

impl SharedNotification {
    /// Writes the notification.
    ///
    /// # Errors
    /// The params cannot be written.
    pub fn new(method: &str, params: impl Serialize) -> Result<Self, NotifyError> {
        Self::written(Outgoing::new(method, &params, usize::MAX), usize::MAX)
    }

    /// Writes a message of at most `limit` bytes as a notification.
    pub(crate) fn written(
        message: Result<Outgoing, String>,
        limit: usize,
    ) -> Result<Self, NotifyError> {
        let encode = |why: String| NotifyError::Encode(why.into());
        let message = message.map_err(encode)?.notification(current::trace());
        fits(message.len(), limit).map_err(encode)?;
        Ok(Self(message))
    }

    /// Sends the notification to a peer without a wait. Returns whether the outbound queue has taken the notification.
    ///
    /// A peer without room is closed with 4008 and the reason `too_slow`, as a member of a [`Group`](crate::Group) is.
    pub fn send_to(&self, peer: &Peer, too_slow: &str) -> bool {
        self.push_to(&peer.shared, Some(too_slow))
    }

    /// Sends the notification. A peer without room is closed with the reason `too_slow`. Without such a reason the
    /// notification is dropped, and a peer has room up to `queue` only.
    pub(crate) fn push_to(&self, peer: &Shared, too_slow: Option<&str>) -> bool {
        peer.with(|state| {
            if state.protocol.ended().is_some() || state.protocol.skips(&self.0) {
                return false;
            }
            let fits = self.0.len() <= state.protocol.limits().message_out;
            let may_enter = fits && (too_slow.is_some() || state.protocol.is_open());
            if may_enter && state.protocol.push(self.0.clone()) {
                return true;
            }
            match too_slow {
                // The peer does not read too slowly if the message is too long: a shorter message would fit.
                Some(reason) if fits => {
                    let (code, reason) = (CloseCode::SLOW_READER, reason.to_owned());
                    state.command(Command::Close { code, reason, within: None });
                }
                _ => state.protocol.counters.dropped += 1,
            }
            false
        })
    }
}
