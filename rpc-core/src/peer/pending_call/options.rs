//! The options of a call, and what follows from them when the call starts.

use std::time::Duration;

use crate::peer::known::RemoteSupport;
use crate::peer::slot::Shared;
use crate::protocol::tables::calls::SlidingDeadline;
use crate::service::current;
use crate::stream::Items;
use crate::util::runtime::Instant;
use crate::util::sync::{Arc, Mutex};
use crate::wire::dialect::Dialect;
use crate::wire::extensions::{Extensions, LONGEST_KEY};
use crate::wire::request::RequestExtensions;

/// Takes the reports of progress of a call, as JSON text.
pub(crate) type Listener = Arc<Mutex<dyn FnMut(&str) + Send>>;

/// Streams among the params of a call, by their ids, which are JSON text.
pub(crate) type Streams = Vec<(Box<str>, Box<dyn Items>)>;

/// What was set on a call before it starts.
#[derive(Clone, Default)]
pub(crate) struct Options {
    pub(crate) timeout: Timeout,
    pub(crate) extensions: Option<Box<Extensions>>,
    /// Whether the call asks for reports of progress.
    pub(crate) progress: bool,
    pub(crate) listener: Option<Listener>,
    /// The streams among the params. Clones share the streams, and the call that starts first takes them.
    pub(crate) streams: Option<Arc<Mutex<Streams>>>,
    /// Reports of progress renew the deadline, to this time after the start at the latest.
    pub(crate) extend: Option<Duration>,
    /// The time that layers have used up, in a box: most calls have no layers.
    pub(super) used: Option<Box<UsedTime>>,
}

/// The time that layers have used up of a call whose deadline is renewed.
#[derive(Debug, Clone, Copy)]
pub(super) struct UsedTime {
    /// The part of the first timeout that is over.
    pub(super) elapsed: Duration,
    /// The answer must be there by then, however often the deadline is renewed.
    pub(super) latest: Option<Instant>,
}

/// How long a call waits for its answer.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) enum Timeout {
    #[default]
    Default,
    After(Duration),
    Never,
}

impl Timeout {
    pub(super) fn span(self, shared: &Shared) -> Option<Duration> {
        match self {
            Self::Default => Some(shared.config.limits.call_deadline),
            Self::After(timeout) => Some(timeout),
            Self::Never => None,
        }
    }
}

/// How a call starts.
pub(crate) struct StartOptions {
    /// When the answer must be there, since the start of the connection.
    pub(crate) deadline: Option<Duration>,
    pub(crate) sliding: Option<SlidingDeadline>,
    /// What the other end is told beside the params.
    pub(crate) beside: RequestExtensions,
    /// Whether the deadline is over before the call begins.
    pub(crate) is_late: bool,
}

impl Options {
    /// How a call with these options starts now.
    pub(crate) fn start_options(&self, now: Instant, shared: &Shared) -> StartOptions {
        let own = self.timeout.span(shared);
        let inherited = current::deadline().map(|deadline| deadline.duration_since(now));
        let (elapsed, latest) = match self.used.as_deref() {
            Some(UsedTime { elapsed, latest }) => {
                (*elapsed, latest.map(|at| at.duration_since(now)))
            }
            None => (Duration::ZERO, None),
        };
        let start = shared.clock.at(now);
        let by_items = self.is_renewed_by_items();
        // The time after which the deadline cannot be renewed any more.
        let most = least(least(self.extend, latest), inherited);
        let sliding = own.filter(|_| by_items || self.extend.is_some()).map(|span| {
            let until = most.map(|most| start.saturating_add(most));
            SlidingDeadline { span, until, by_items, by_progress: self.extend.is_some() }
        });
        let left = match &sliding {
            Some(SlidingDeadline { span, .. }) => least(Some(span.saturating_sub(elapsed)), most),
            None => least(own, inherited),
        };
        // A deadline that can be renewed is not told: the other end would stop too early.
        let told = if sliding.is_some() { most } else { left };
        let beside = self.beside(told, shared);
        StartOptions {
            deadline: left.map(|left| start.saturating_add(left)),
            sliding,
            beside,
            is_late: left == Some(Duration::ZERO),
        }
    }

    pub(super) fn is_renewed_by_items(&self) -> bool {
        self.streams.is_some() && matches!(self.timeout, Timeout::Default)
    }

    fn beside(&self, timeout: Option<Duration>, shared: &Shared) -> RequestExtensions {
        let (other, dialect) = shared.other.both();
        let beside = RequestExtensions::new(dialect, self.progress);
        match other {
            RemoteSupport::Known => {
                RequestExtensions { timeout, extensions: self.extensions_with_trace(), ..beside }
            }
            // What the program has set on this very call goes to any other end.
            RemoteSupport::Stranger => {
                RequestExtensions { extensions: self.extensions_without_trace(), ..beside }
            }
            // A token that the dialect puts among the params is no member of ours.
            RemoteSupport::Plain => {
                RequestExtensions::new(dialect, self.progress && dialect != Dialect::JsonRpc)
            }
        }
    }

    fn extensions_with_trace(&self) -> Option<Box<Extensions>> {
        let mut extensions = self.extensions.clone();
        let is_set = extensions.as_ref().is_some_and(|extensions| extensions.trace.is_some());
        if !is_set && let Some(trace) = current::trace() {
            extensions.get_or_insert_default().trace = Some(trace);
        }
        extensions
    }

    fn extensions_without_trace(&self) -> Option<Box<Extensions>> {
        let mut extensions = self.extensions.clone();
        if let Some(extensions) = &mut extensions {
            extensions.trace = None;
        }
        extensions
    }

    /// Returns how many bytes the extra members of the request take at most.
    pub(crate) fn longest(&self, shared: &Shared) -> usize {
        let own = self.extensions.as_ref().map_or(0, |extensions| extensions.longest());
        own + current::trace_for(shared).map_or(0, |trace| trace.longest())
    }
}

fn least(one: Option<Duration>, other: Option<Duration>) -> Option<Duration> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// Returns the idempotency key, if `key` can be one.
///
/// # Errors
/// The rule that the key breaks.
pub(crate) fn checked_key(key: String) -> Result<Box<str>, String> {
    if !(1..=LONGEST_KEY).contains(&key.len()) {
        return Err(format!("an idempotency key has 1 to {LONGEST_KEY} bytes"));
    }
    Ok(key.into_boxed_str())
}
