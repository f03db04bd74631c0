//! What is kept of each call that is served.

use std::time::Duration;

use bytes::Bytes;
use smol_str::SmolStr;

use crate::protocol::tables::batches::BatchSlot;
use crate::protocol::tables::streams::IncomingKey;
use crate::util::members::Members;
use crate::util::sync::Arc;
use crate::wire::extensions::Extensions;
use crate::wire::id::Id;

/// A call that is served.
#[derive(Debug)]
pub(crate) struct Served<W> {
    /// The generation of the key; 0 in a place that is free.
    pub(super) serial: u64,
    /// Whether the call is owed an answer. A notification is not.
    pub(crate) is_request: bool,
    /// Whether the other end said hello before the call.
    pub(crate) greeted: bool,
    /// The id of a request that was [kept](super::Serving::keep).
    pub(crate) id: Option<Id>,
    /// The place of the answer in its batch, for a member of a batch.
    pub(crate) place: Option<BatchSlot>,
    /// The number of the method in the router.
    pub(crate) method: usize,
    pub(crate) cost: Cost,
    pub(crate) deadline: Option<Duration>,
    pub(crate) since: Duration,
    pub(crate) cold: Option<Box<ColdFields<W>>>,
    /// The number of unresolved calls that the handler made. While there are some, the handler has
    /// released its permit.
    pub(super) calls: usize,
    /// Whether the handler has returned and its result waits for room.
    pub(super) returned: bool,
}

impl<W> Default for Served<W> {
    fn default() -> Self {
        Self {
            serial: 0,
            is_request: false,
            greeted: false,
            id: None,
            place: None,
            method: 0,
            cost: Cost::default(),
            deadline: None,
            since: Duration::ZERO,
            cold: None,
            calls: 0,
            returned: false,
        }
    }
}

/// What came beside the params of a served call.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct ServedExtensions {
    /// Extension members of the message.
    pub(crate) members: Extensions,
    /// The method name in the message, for a call that the fallback serves: the number of the method does
    /// not tell it.
    pub(crate) called: Option<SmolStr>,
}

/// Fields that few calls have. They are in a box, since calls come and go by the million.
#[derive(Debug)]
pub(crate) struct ColdFields<W> {
    /// What came beside the params.
    pub(crate) extensions: Option<Arc<ServedExtensions>>,
    /// The batch in which a notification came. The batch of a request is found by its place there.
    pub(crate) members: Option<Members>,
    /// The streams among the params.
    pub(crate) streams: Vec<IncomingKey>,
    /// The latest report of progress, which waits for room.
    pub(crate) report: Option<Bytes>,
    /// Told when the call is served no longer.
    pub(crate) watcher: Option<W>,
    /// Told when the answer has entered the outbox.
    pub(crate) after: Option<W>,
    /// Takes the params of a request that has not started.
    pub(super) params: Option<Box<str>>,
}

impl<W> Default for ColdFields<W> {
    fn default() -> Self {
        let (extensions, members, streams, report) = (None, None, Vec::new(), None);
        Self { extensions, members, streams, report, watcher: None, after: None, params: None }
    }
}

impl<W> ColdFields<W> {
    /// Returns the cold fields of a call. Nearly all calls have none.
    #[inline(always)]
    pub(crate) fn of(
        extensions: Option<Arc<ServedExtensions>>,
        streams: Vec<IncomingKey>,
    ) -> Option<Box<Self>> {
        if extensions.is_none() && streams.is_empty() {
            return None;
        }
        Some(Box::new(Self { extensions, streams, ..Self::default() }))
    }
}

impl<W> Served<W> {
    /// Takes the params of a request that has not started.
    pub(super) fn take_params(&mut self) -> Option<Box<str>> {
        self.cold.as_mut()?.params.take()
    }

    /// Returns whether the handler has started.
    pub(crate) fn has_started(&self) -> bool {
        self.cold.as_ref().is_none_or(|cold| cold.params.is_none())
    }

    /// Returns whether the handler has returned, and its result waits for room.
    pub(crate) fn has_returned(&self) -> bool {
        self.returned
    }

    /// Returns whether the call has an idempotency key.
    pub(crate) fn is_keyed(&self) -> bool {
        let extensions = self.cold.as_ref().and_then(|cold| cold.extensions.as_ref());
        extensions.is_some_and(|extensions| extensions.members.idempotency_key.is_some())
    }

    /// Returns whether an ordered request that came later must wait for this call. It does not wait for a
    /// handler that waits for a call of its own: the other end may make the ordered request to answer
    /// that call.
    pub(super) fn holds_up(&self) -> bool {
        self.calls == 0 && !self.returned
    }
}

/// What a call leaves behind when it ends.
#[derive(Debug)]
pub(crate) struct Ended<W> {
    /// The id of the answer, if it was kept.
    pub(crate) id: Option<Id>,
    /// The place of the answer in its batch, for a member of a batch.
    pub(crate) place: Option<BatchSlot>,
    pub(crate) cold: Option<Box<ColdFields<W>>>,
}

/// What a call costs against the limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Cost {
    pub(crate) bytes: usize,
    pub(crate) tokens: usize,
}

/// A call whose handler is to be started.
#[derive(Debug)]
pub(crate) struct New<W> {
    pub(crate) is_request: bool,
    pub(crate) greeted: bool,
    pub(crate) place: Option<BatchSlot>,
    pub(crate) method: usize,
    pub(crate) cost: Cost,
    pub(crate) deadline: Option<Duration>,
    pub(crate) cold: Option<Box<ColdFields<W>>>,
    pub(crate) now: Duration,
}
