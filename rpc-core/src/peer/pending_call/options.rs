//! The options of a call, and the start options that are computed from them.

use std::time::Duration;

use crate::peer::remote_profile::RemoteSupport;
use crate::peer::slot::Shared;
use crate::protocol::tables::calls::SlidingDeadline;
use crate::service::current;
use crate::stream::Items;
use crate::util::runtime::Instant;
use crate::util::sync::{Arc, Mutex};
use crate::wire::dialect::Dialect;
use crate::wire::extensions::{Extensions, LONGEST_KEY};
use crate::wire::request::RequestExtensions;

/// Receives the progress reports of a call as JSON text.
pub(crate) type Listener = Arc<Mutex<dyn FnMut(&str) + Send>>;

/// The streams among the params of a call, with their ids as JSON text.
pub(crate) type Streams = Vec<(Box<str>, Box<dyn Items>)>;

/// The options that are set on a call before its start.
#[derive(Clone, Default)]
pub(crate) struct Options {
    pub(crate) timeout: Timeout,
    pub(crate) extensions: Option<Box<Extensions>>,
    /// Whether the call requests progress reports.
    pub(crate) progress: bool,
    /// Whether running the method twice has the same effect as running it once.
    pub(crate) idempotent: bool,
    /// Boxed, because most calls have none of these, and each call is moved several times before its start.
    pub(super) rare: Option<Box<RareOptions>>,
}

/// The options that few calls have.
#[derive(Clone, Default)]
pub(crate) struct RareOptions {
    pub(crate) listener: Option<Listener>,
    /// The streams among the params. Clones share the streams; the first call that starts takes them.
    pub(crate) streams: Option<Arc<Mutex<Streams>>>,
    /// Progress reports renew the deadline, up to this time after the start of the call.
    pub(crate) extend: Option<Duration>,
    /// The time that layers have used.
    pub(super) used: Option<UsedTime>,
}

/// The time that layers have used of a call with a renewable deadline.
#[derive(Debug, Clone, Copy)]
pub(super) struct UsedTime {
    /// The part of the first timeout that has passed.
    pub(super) elapsed: Duration,
    /// The upper bound of the deadline: no renewal goes beyond it.
    pub(super) latest: Option<Instant>,
}

/// The time from the start of a call to its deadline.
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

/// The options of a call at its start.
pub(crate) struct StartOptions {
    /// The deadline for the answer, counted from the start of the connection.
    pub(crate) deadline: Option<Duration>,
    pub(crate) sliding: Option<SlidingDeadline>,
    /// The members of the request beside its params.
    pub(crate) extensions: RequestExtensions,
    /// Whether the deadline has passed before the call starts.
    pub(crate) is_late: bool,
}

/// The times of a call at its start, counted from now.
struct Deadlines {
    /// The time until the first deadline.
    left: Option<Duration>,
    /// The time that the other end is told.
    sent: Option<Duration>,
    sliding: Option<SlidingDeadline>,
}

impl Deadlines {
    /// The deadline is never renewed.
    fn fixed(own: Option<Duration>, inherited: Option<Duration>) -> Self {
        let left = least(own, inherited);
        Self { left, sent: left, sliding: None }
    }
}

impl Options {
    /// Returns the options that few calls have, to change them.
    pub(crate) fn rare_mut(&mut self) -> &mut RareOptions {
        self.rare.get_or_insert_default()
    }

    /// Returns the start options of a call with these options that starts now.
    pub(crate) fn start_options(&self, now: Instant, shared: &Shared) -> StartOptions {
        let own = self.timeout.span(shared);
        let inherited = current::deadline().map(|deadline| deadline.duration_since(now));
        let start = shared.clock.at(now);
        let Deadlines { left, sent, sliding } = match &self.rare {
            None => Deadlines::fixed(own, inherited),
            Some(rare) => self.deadlines(rare, own, inherited, now, start),
        };
        StartOptions {
            deadline: left.map(|left| start.saturating_add(left)),
            sliding,
            extensions: self.request_extensions(sent, shared),
            is_late: left == Some(Duration::ZERO),
        }
    }

    #[cold]
    fn deadlines(
        &self,
        rare: &RareOptions,
        own: Option<Duration>,
        inherited: Option<Duration>,
        now: Instant,
        start: Duration,
    ) -> Deadlines {
        let (elapsed, latest) = match rare.used {
            Some(UsedTime { elapsed, latest }) => {
                (elapsed, latest.map(|at| at.duration_since(now)))
            }
            None => (Duration::ZERO, None),
        };
        let by_items = self.is_renewed_by_items();
        // The upper bound of all renewals, counted from now.
        let most = least(least(rare.extend, latest), inherited);
        let sliding = own.filter(|_| by_items || rare.extend.is_some()).map(|span| {
            let until = most.map(|most| start.saturating_add(most));
            SlidingDeadline { span, until, by_items, by_progress: rare.extend.is_some() }
        });
        match &sliding {
            Some(SlidingDeadline { span, .. }) => {
                let left = least(Some(span.saturating_sub(elapsed)), most);
                // The other end gets the upper bound; otherwise it would stop the call too early.
                Deadlines { left, sent: most, sliding }
            }
            None => Deadlines::fixed(own, inherited),
        }
    }

    /// Returns whether the call may be sent again if its session ends before the answer.
    pub(super) fn may_repeat(&self) -> bool {
        let has_key = |extensions: &Extensions| extensions.idempotency_key.is_some();
        self.idempotent || self.extensions.as_deref().is_some_and(has_key)
    }

    pub(super) fn is_renewed_by_items(&self) -> bool {
        let has_streams = self.rare.as_ref().is_some_and(|rare| rare.streams.is_some());
        has_streams && matches!(self.timeout, Timeout::Default)
    }

    fn request_extensions(&self, timeout: Option<Duration>, shared: &Shared) -> RequestExtensions {
        let (support, dialect) = shared.remote.both();
        let extensions = RequestExtensions::new(dialect, self.progress);
        match support {
            RemoteSupport::Extended => {
                RequestExtensions { timeout, members: self.extensions_with_trace(), ..extensions }
            }
            // Extensions that the application has set on this call are sent to every remote.
            RemoteSupport::Unknown => {
                RequestExtensions { members: self.extensions_without_trace(), ..extensions }
            }
            // A dialect puts the progress token into the params, where the token is no extension of this protocol.
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

    /// Returns the upper bound of the length of the extra members of the request, in bytes.
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

/// Checks the length of an idempotency key.
///
/// # Errors
/// The rule that the key breaks.
pub(crate) fn checked_key(key: String) -> Result<Box<str>, String> {
    if !(1..=LONGEST_KEY).contains(&key.len()) {
        return Err(format!("an idempotency key has 1 to {LONGEST_KEY} bytes"));
    }
    Ok(key.into_boxed_str())
}
