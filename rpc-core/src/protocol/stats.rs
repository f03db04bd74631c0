//! Numbers that tell how a connection is doing.

use std::ops::{Deref, DerefMut};
use std::time::Duration;

/// What one connection has at this moment, and what it has counted so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PeerStats {
    /// Requests of the other end that are being served.
    pub in_flight: usize,
    /// The same, one by one: the method, and for how long.
    pub serving: Vec<(String, Duration)>,
    /// Calls of this end without an answer.
    pub pending: usize,
    /// Open streams, those of the other end and of this one: subscriptions, and those among the params
    /// of calls.
    pub subscriptions: usize,
    /// Bytes that wait to be sent.
    pub queue_bytes: usize,
    /// Requests of the other end that were stopped because the time to finish them was over when the
    /// connection was [drained](crate::Peer::drain): the method, and for how long it had run.
    pub cut: Vec<(String, Duration)>,
    /// Since the connection's start.
    pub counters: Counters,
}

/// What was received and led to nothing, or was not sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Responses with an unknown id. Also cancels and unsubscribes with an unknown id, minus one of each
    /// per received request (they may have crossed the answer).
    pub stray: u64,
    /// Messages to a group that were dropped because there was no room for them, notifications that
    /// came while the connection was draining or that were busy, items that the [lag policy](crate::Lag) of a stream
    /// gave up, notifications that waited for their turn when the session ended, and reports of progress that could not
    /// be sent or were too large to be kept.
    pub dropped: u64,
    /// Notifications of methods that the receiving end has [muted](crate::Peer::mute): those that this end did not send
    /// to the other end, and those that came from the other end all the same and were not run.
    pub skipped: u64,
    /// Messages that were not JSON-RPC, requests under an id in flight, and malformed notifications.
    pub malformed: u64,
    /// Messages that were no JSON-RPC, and were not answered, at the end that opened the link; see
    /// [`EndpointConfig::answers_malformed`](crate::transport::EndpointConfig::answers_malformed). These are not
    /// counted as malformed.
    pub foreign: u64,
    /// Errors without an id (`null`), so that no call can tell the error to be its answer.
    pub unaddressed: u64,
    /// Messages that were sent again, because their link was lost before the other end had taken them in.
    pub replayed: u64,
    /// Notification handlers stopped because they ran too long.
    pub stopped_notifications: u64,
}

/// The counters of one connection. In a box: most connections count nothing, and idle connections have the field, too.
#[derive(Debug, Default)]
pub(crate) struct Counted(Option<Box<Counters>>);

/// What a connection has counted that has counted nothing.
static NOTHING: Counters = Counters {
    stray: 0,
    dropped: 0,
    skipped: 0,
    malformed: 0,
    foreign: 0,
    unaddressed: 0,
    replayed: 0,
    stopped_notifications: 0,
};

impl Counted {
    /// Counts messages that were dropped, if there are any.
    pub(crate) fn add_dropped(&mut self, count: u64) {
        if count > 0 {
            self.dropped += count;
        }
    }
}

impl Deref for Counted {
    type Target = Counters;

    fn deref(&self) -> &Counters {
        self.0.as_deref().unwrap_or(&NOTHING)
    }
}

/// For what is counted. The first count makes the box, so zero should not be added.
impl DerefMut for Counted {
    fn deref_mut(&mut self) -> &mut Counters {
        self.0.get_or_insert_default()
    }
}
