//! What may be asked of a call before it starts, and what follows from it when it does.

use std::time::Duration;

use tokio::time::Instant;

use crate::calls::Renewed;
use crate::current;
use crate::extras::Extras;
use crate::outgoing::Beside;
use crate::shared::Shared;

/// What was asked of a call.
#[derive(Debug, Clone, Default)]
pub(crate) struct Options {
    pub(super) timeout: Timeout,
    pub(super) extras: Option<Box<Extras>>,
    /// Whether someone listens to its progress.
    pub(super) progress: bool,
    /// If progress puts its deadline off, for how long at most.
    pub(super) extend: Option<Duration>,
}

/// How long a call waits for its answer.
#[derive(Debug, Clone, Copy, Default)]
pub(super) enum Timeout {
    #[default]
    Default,
    After(Duration),
    Never,
}

/// How a call starts.
pub(crate) struct Terms {
    /// When its answer must be there.
    pub(crate) deadline: Option<Duration>,
    pub(crate) renewed: Option<Renewed>,
    /// Whether someone listens to its progress.
    pub(crate) progress: bool,
    /// What the other end is told beside the params.
    pub(crate) beside: Beside,
    /// Whether it is too late before it began.
    pub(crate) late: bool,
}

impl Options {
    /// The terms on which a call starts now, `with_streams` among its params or without.
    pub(crate) fn terms(&self, with_streams: bool, now: Instant, shared: &Shared) -> Terms {
        let own = match self.timeout {
            Timeout::Default => Some(shared.setup.limits.call_deadline),
            Timeout::After(timeout) => Some(timeout),
            Timeout::Never => None,
        };
        let inherited = current::deadline().map(|deadline| deadline.duration_since(now));
        let left = least(own, inherited);
        let start = shared.clock.at(now);
        let by_items = with_streams && matches!(self.timeout, Timeout::Default);
        let renewed = own.filter(|_| by_items || self.extend.is_some()).map(|span| {
            let most = least(self.extend, inherited);
            let until = most.map(|most| start.saturating_add(most));
            Renewed { span, until, by_items, by_progress: self.extend.is_some() }
        });
        // What can be put off is not told: the other end would stop too early.
        let told = if renewed.is_some() { least(self.extend, inherited) } else { left };
        let plain = shared.setup.plain;
        Terms {
            deadline: left.map(|left| start.saturating_add(left)),
            renewed,
            progress: self.progress && !plain,
            beside: if plain { Beside::default() } else { self.beside(told, shared) },
            late: left == Some(Duration::ZERO),
        }
    }

    fn beside(&self, timeout: Option<Duration>, shared: &Shared) -> Beside {
        let mut extras = self.extras.clone();
        if let Some(trace) = current::trace_for(shared) {
            extras.get_or_insert_default().trace = Some(trace);
        }
        Beside { timeout, progress: self.progress, extras }
    }

    /// How many bytes extra members take at most.
    pub(crate) fn longest(&self, shared: &Shared) -> usize {
        let own = self.extras.as_ref().map_or(0, |extras| extras.longest());
        own + current::trace_for(shared).map_or(0, |trace| trace.longest())
    }
}

fn least(one: Option<Duration>, other: Option<Duration>) -> Option<Duration> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
