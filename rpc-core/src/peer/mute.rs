//! Muting: an end says which notifications it does not want.

use std::fmt;

use crate::peer::Peer;
use crate::protocol::tables::mutes::{MOST, TooMany};
use crate::wire::reserved;

/// # Muting
///
/// Notifications that this end does not want from the peer.
impl Peer {
    /// Mutes the notifications of a method: this end does not want them until [`unmute`](Self::unmute). Does nothing if
    /// the method is muted. `method` is the name on the wire, also for a method of a trait, for example
    /// `chatter.typing`. An alias is another name.
    ///
    /// A peer that has announced this framework is told (`$/mute`), at once or when it has announced it. From then on
    /// the peer does not send these notifications: its [`notify`](Self::notify), stubs, batches and pushes to groups skip
    /// this end, without an error. A plain peer is told nothing.
    ///
    /// A notification that comes all the same is not run at this end: because it was on its way, or because the peer is
    /// plain. A notification that has come before `mute` may still be run. Both ends count what they skip as
    /// [`skipped`](crate::types::Counters::skipped). Requests and the items of streams are not muted.
    ///
    /// A mute holds until the end of the connection. A client that reconnects keeps its mutes for all its sessions, and
    /// says them in each fresh session before anything else.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use rpc_core::{Context, Router, memory};
    ///
    /// let server = Router::new().method("work", |cx: Context, (): ()| async move {
    ///     cx.peer().notify("typing", ("Ada",)).await.ok();
    ///     Ok(cx.peer().stats().counters.skipped)
    /// });
    /// let (peer, _) = memory::pair(Router::new(), server);
    /// peer.mute("typing")?;
    /// assert_eq!(peer.call::<u64>("work", ()).await?, 1);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// - [`TooMany`](MuteError::TooMany): this end has muted 64 methods.
    /// - [`NameTooLong`](MuteError::NameTooLong): the name is longer than `method_bytes` of the
    ///   [`Limits`](crate::Limits), 256 by default.
    /// - [`Reserved`](MuteError::Reserved): the name belongs to the protocol.
    /// - [`Closed`](MuteError::Closed): the connection has ended.
    pub fn mute(&self, method: &str) -> Result<(), MuteError> {
        if let Some(why) = reserved::refusal(method) {
            return Err(MuteError::Reserved { why });
        }
        let limit = self.shared.config.limits.method_bytes;
        if method.len() > limit {
            return Err(MuteError::NameTooLong { limit });
        }
        self.shared.with(|state| {
            if state.protocol.ended().is_some() {
                return Err(MuteError::Closed);
            }
            state.protocol.mute(method).map_err(|TooMany| MuteError::TooMany { limit: MOST })
        })
    }

    /// Takes a [mute](Self::mute) back: this end wants the notifications of the method again. Does nothing if the method
    /// is not muted.
    ///
    /// Notifications that were skipped are not sent later. The peer sends those that it makes once it has been told. If
    /// the peer cannot be told for a while, it is told of the last state of each method only.
    pub fn unmute(&self, method: &str) {
        self.shared.with(|state| state.protocol.unmute(method));
    }

    /// Returns the methods whose notifications this end has [muted](Self::mute), in alphabetical order.
    pub fn muted(&self) -> Vec<String> {
        self.shared.lock().protocol.muted().map(|method| String::from(&**method)).collect()
    }
}

/// The reason why notifications cannot be [muted](Peer::mute).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum MuteError {
    /// This end has muted as many methods as it may.
    TooMany {
        /// The most methods that an end mutes.
        limit: usize,
    },
    /// The name has more bytes than `method_bytes` of the [`Limits`](crate::Limits).
    NameTooLong {
        /// The most bytes of a name.
        limit: usize,
    },
    /// The name belongs to the protocol.
    Reserved {
        /// The name, and the reason.
        why: String,
    },
    /// The connection has ended.
    Closed,
}

impl fmt::Display for MuteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooMany { limit } => write!(f, "no more than {limit} methods can be muted"),
            Self::NameTooLong { limit } => {
                write!(f, "the name is longer than `method_bytes`, which is {limit}")
            }
            Self::Reserved { why } => f.write_str(why),
            Self::Closed => f.write_str("the connection has ended"),
        }
    }
}

impl std::error::Error for MuteError {}
