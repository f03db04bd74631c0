//! Calls under a key that run for callers with a name: they outlive their connection, unless that ends
//! since the caller may not stay.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use slab::Slab;

use super::{Once, table::KEPT};
use crate::peer::registry::Detached;
use crate::peer::slot::Shared;
use crate::util::runtime::{AbortHandle, Instant};
use crate::util::sync::{Arc, AtomicBool, Mutex, OnceLock, Ordering};

/// So long such a call may go on when its connection has ended.
const LONGEST: Duration = KEPT;

/// What stops one such call, wherever it runs.
pub(crate) struct Reins {
    caller: Arc<str>,
    /// The connection that made the call.
    shared: Arc<Shared>,
    /// Whether its method is detached, so that no end of a connection stops it.
    is_detached: bool,
    is_stopped: AtomicBool,
    task: OnceLock<AbortHandle>,
}

/// What a call is given that goes on without its connection: a place, and its time.
pub(crate) struct Orphaned {
    pub(crate) until: Instant,
    /// A method that is detached has a place of its own.
    pub(crate) _place: Option<Detached>,
}

impl Reins {
    /// The call runs in this task.
    pub(crate) fn hold(&self, task: AbortHandle) {
        let task = self.task.get_or_init(|| task);
        if self.is_stopped() {
            task.abort(); // stopped before there was anything to hold
        }
    }

    /// Nothing more of the call runs from now on, but for what a thread is at just now.
    pub(crate) fn stop(&self) {
        self.is_stopped.store(true, Ordering::SeqCst);
        if let Some(task) = self.task.get() {
            task.abort();
        }
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.is_stopped.load(Ordering::SeqCst)
    }

    /// `future` as long as it is not stopped. Only from its next await could its task be aborted, and
    /// nothing is to begin any more.
    pub(crate) async fn lead<T>(self: Arc<Self>, future: impl Future<Output = T>) -> T {
        let mut future = pin!(future);
        poll_fn(|cx| if self.is_stopped() { Poll::Pending } else { future.as_mut().poll(cx) }).await
    }

    /// Nobody waits for it any more. What it is given if it goes on; it is stopped if not.
    pub(crate) fn let_go(&self) -> Option<Orphaned> {
        let state = self.shared.lock();
        let goes_on = match state.protocol.ended() {
            Some(reason) => self.is_detached || !(reason.is_revoked() || state.is_kicked),
            // It was cancelled, or its time is over.
            None => false,
        };
        let expires = state.protocol.login_expires();
        drop(state);
        if !goes_on {
            self.stop();
            return None;
        }
        let until = Instant::now() + LONGEST;
        let expires = expires.map(|expires| self.shared.clock.instant(expires));
        let until =
            if self.is_detached { until } else { expires.map_or(until, |at| at.min(until)) };
        let _place = (!self.is_detached).then(|| self.shared.config.registry.detach_another());
        Some(Orphaned { until, _place })
    }
}

/// All that run.
#[derive(Default)]
pub(super) struct Runs(Mutex<Slab<Arc<Reins>>>);

/// One of them, until it is dropped.
pub(super) struct Listed {
    once: Arc<Once>,
    key: usize,
    reins: Arc<Reins>,
}

impl Listed {
    pub(super) fn new(
        once: &Arc<Once>,
        caller: Arc<str>,
        shared: &Arc<Shared>,
        is_detached: bool,
    ) -> Self {
        let reins = Arc::new(Reins {
            caller,
            shared: shared.clone(),
            is_detached,
            is_stopped: AtomicBool::new(false),
            task: OnceLock::new(),
        });
        let key = once.runs.0.lock().unwrap().insert(reins.clone());
        Self { once: once.clone(), key, reins }
    }

    pub(super) fn reins(&self) -> &Arc<Reins> {
        &self.reins
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        // What is dropped with it may be a connection's last handle, and that without the lock.
        let reins = self.once.runs.0.lock().unwrap().remove(self.key);
        drop(reins);
    }
}

impl Once {
    /// Stops what runs for the caller at the other end of a connection that may not stay: what it asked for
    /// there, and on connections that have ended. What it asked for on others is theirs.
    pub(crate) fn stop_calls_of(&self, shared: &Arc<Shared>) {
        let caller = shared.caller();
        let is_meant = |reins: &Reins| {
            let is_his = caller.is_named && *reins.caller == *caller.name;
            Arc::ptr_eq(&reins.shared, shared) || (is_his && reins.is_orphaned())
        };
        self.stop_those(|reins| is_meant(reins));
    }

    /// Stops what goes on for connections that have ended, of those for whom `who` is true.
    pub(crate) fn stop_orphans_of(&self, who: impl Fn(&Arc<Shared>) -> bool) {
        self.stop_those(|reins| reins.is_orphaned() && who(&reins.shared));
    }

    /// They are asked without the lock: a connection has one of its own, and users are asked as well.
    fn stop_those(&self, are_meant: impl Fn(&Reins) -> bool) {
        let running: Vec<_> =
            self.runs.0.lock().unwrap().iter().map(|(_, reins)| reins.clone()).collect();
        let stopped = |reins: &&Arc<Reins>| !reins.is_detached && are_meant(reins);
        running.iter().filter(stopped).for_each(|reins| reins.stop());
    }
}

impl Reins {
    fn is_orphaned(&self) -> bool {
        self.shared.lock().protocol.ended().is_some()
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use futures_util::FutureExt;

    use super::*;
    use crate::{Router, memory};

    /// It may be on another thread, before there is a task to abort.
    #[tokio::test]
    async fn what_is_stopped_before_it_is_held_begins_nothing() {
        let (peer, _other) = memory::pair(Router::new(), Router::new());
        let listed = Listed::new(&Arc::default(), "ada".into(), &peer.shared, false);
        let reins = listed.reins();
        let mut led = Box::pin(reins.clone().lead(async { 1 }));
        reins.stop();
        assert_eq!((&mut led).now_or_never(), None);
        let task = tokio::spawn(pending::<()>());
        reins.hold(task.abort_handle());
        assert!(task.await.unwrap_err().is_cancelled());
    }
}
