//! What may be asked of a call before it starts, and what follows from it when it does.

use std::time::Duration;

use crate::peer::known::RemoteSupport;
use crate::peer::slot::Shared;
use crate::protocol::tables::calls::SlidingDeadline;
use crate::service::current;
use crate::stream::Items;
use crate::util::runtime::Instant;
use crate::util::sync::{Arc, Mutex};
use crate::wire::dialect::Dialect;
use crate::wire::extensions::Extensions;
use crate::wire::request::RequestExtensions;

/// Is told of the progress of a call, as JSON text.
pub(super) type Listener = Arc<Mutex<dyn FnMut(&str) + Send>>;

/// Streams among the params of a call, by their ids, which are JSON text.
pub(crate) type Streams = Vec<(Box<str>, Box<dyn Items>)>;

/// What was asked of a call.
#[derive(Clone, Default)]
pub(crate) struct Options {
    pub(super) timeout: Timeout,
    pub(super) extensions: Option<Box<Extensions>>,
    /// Whether someone listens to its progress.
    pub(super) progress: bool,
    /// Who does.
    pub(super) listener: Option<Listener>,
    /// The streams among its params, which go with one call only.
    pub(super) streams: Option<Arc<Mutex<Streams>>>,
    /// If progress puts its deadline off, for how long at most.
    pub(super) extend: Option<Duration>,
    /// What its layers have left of that, in a box: most calls have none.
    within: Option<Box<Within>>,
}

/// What layers leave of a call whose deadline begins anew.
#[derive(Debug, Clone, Copy)]
struct Within {
    /// How much of its first timeout is over.
    waited: Duration,
    /// When its answer must be there in any case.
    latest: Option<Instant>,
}

/// How long a call waits for its answer.
#[derive(Debug, Clone, Copy, Default)]
pub(super) enum Timeout {
    #[default]
    Default,
    After(Duration),
    Never,
}

impl Timeout {
    fn span(self, shared: &Shared) -> Option<Duration> {
        match self {
            Self::Default => Some(shared.config.limits.call_deadline),
            Self::After(timeout) => Some(timeout),
            Self::Never => None,
        }
    }
}

/// How a call starts.
pub(crate) struct StartOptions {
    /// When its answer must be there.
    pub(crate) deadline: Option<Duration>,
    pub(crate) sliding: Option<SlidingDeadline>,
    /// What the other end is told beside the params.
    pub(crate) beside: RequestExtensions,
    /// Whether it is too late before it began.
    pub(crate) late: bool,
}

impl Options {
    /// The terms on which a call starts now.
    pub(crate) fn options(&self, now: Instant, shared: &Shared) -> StartOptions {
        let own = self.timeout.span(shared);
        let inherited = current::deadline().map(|deadline| deadline.duration_since(now));
        let (waited, latest) = match self.within.as_deref() {
            Some(Within { waited, latest }) => (*waited, latest.map(|at| at.duration_since(now))),
            None => (Duration::ZERO, None),
        };
        let start = shared.clock.at(now);
        let by_items = self.is_renewed_by_items();
        // The latest that it may be put off to.
        let most = least(least(self.extend, latest), inherited);
        let sliding = own.filter(|_| by_items || self.extend.is_some()).map(|span| {
            let until = most.map(|most| start.saturating_add(most));
            SlidingDeadline { span, until, by_items, by_progress: self.extend.is_some() }
        });
        let left = match &sliding {
            Some(SlidingDeadline { span, .. }) => least(Some(span.saturating_sub(waited)), most),
            None => least(own, inherited),
        };
        // What can be put off is not told: the other end would stop too early.
        let told = if sliding.is_some() { most } else { left };
        let beside = self.beside(told, shared);
        StartOptions {
            deadline: left.map(|left| start.saturating_add(left)),
            sliding,
            beside,
            late: left == Some(Duration::ZERO),
        }
    }

    fn is_renewed_by_items(&self) -> bool {
        self.streams.is_some() && matches!(self.timeout, Timeout::Default)
    }

    /// As layers see and change it: the deadline, and what goes beside the params. The rest goes along.
    pub(crate) fn spec(mut self, now: Instant, shared: &Shared) -> CallSpec {
        // What no `Instant` can tell, nobody waits for.
        let deadline = self.timeout.span(shared).and_then(|left| now.checked_add(left));
        let extensions = self.extensions.take().map(|extensions| *extensions).unwrap_or_default();
        CallSpec { started: now, deadline, was: deadline, latest: None, extensions, rest: self }
    }

    fn beside(&self, timeout: Option<Duration>, shared: &Shared) -> RequestExtensions {
        let (other, dialect) = shared.other.both();
        let beside = RequestExtensions::new(dialect, self.progress);
        match other {
            RemoteSupport::Known => {
                RequestExtensions { timeout, extensions: self.extensions_with_trace(), ..beside }
            }
            // What the program has asked for on this very call goes to anyone.
            RemoteSupport::Stranger => {
                RequestExtensions { extensions: self.extensions_without_trace(), ..beside }
            }
            // A token among the params, as the dialect has it, is no member of ours.
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

    /// How many bytes extra members take at most.
    pub(crate) fn longest(&self, shared: &Shared) -> usize {
        let own = self.extensions.as_ref().map_or(0, |extensions| extensions.longest());
        own + current::trace_for(shared).map_or(0, |trace| trace.longest())
    }
}

/// What was asked of a call, on its way through layers.
#[derive(Clone)]
pub(crate) struct CallSpec {
    started: Instant,
    pub(crate) deadline: Option<Instant>,
    was: Option<Instant>,
    /// When its answer must be there however often the deadline begins anew.
    pub(crate) latest: Option<Instant>,
    pub(crate) extensions: Extensions,
    rest: Options,
}

impl From<CallSpec> for Options {
    fn from(spec: CallSpec) -> Self {
        let CallSpec { started, deadline, was, latest, extensions, rest } = spec;
        let now = Instant::now();
        let is_put_off = rest.extend.is_some() || rest.is_renewed_by_items();
        let elapsed = now.saturating_duration_since(started);
        let extend = rest.extend.map(|most| most.saturating_sub(elapsed));
        let (timeout, waited, latest) = match deadline {
            // One that begins anew again and again cannot be told by its first end.
            _ if is_put_off && deadline == was => (rest.timeout, elapsed, latest),
            // What a layer has set stands.
            Some(at) => {
                (Timeout::After(at.saturating_duration_since(now)), Duration::ZERO, Some(at))
            }
            None => (Timeout::Never, Duration::ZERO, latest),
        };
        let within = is_put_off.then(|| Box::new(Within { waited, latest }));
        let extensions = (extensions != Extensions::default()).then(|| Box::new(extensions));
        Self { timeout, extensions, extend, within, ..rest }
    }
}

fn least(one: Option<Duration>, other: Option<Duration>) -> Option<Duration> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
