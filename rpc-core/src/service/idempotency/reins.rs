//! Calls under a key of callers with a name. They outlive their connection, unless the caller's access was revoked.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use slab::Slab;

use super::{Idempotency, table::KEPT};
use crate::peer::registry::Detached;
use crate::peer::slot::Shared;
use crate::util::runtime::{AbortHandle, Instant};
use crate::util::sync::{Arc, AtomicBool, Mutex, OnceLock, Ordering};

/// How long such a call may go on after its connection has ended.
const LONGEST: Duration = KEPT;

/// Stops one such call, in whatever task it runs.
pub(crate) struct Reins {
    caller: Arc<str>,
    /// The connection that made the call.
    shared: Arc<Shared>,
    /// Whether the method is detached, so that no end of a connection stops the call.
    is_detached: bool,
    is_stopped: AtomicBool,
    task: OnceLock<AbortHandle>,
}

/// What a call gets that goes on without its connection: a time limit, and a place.
pub(crate) struct Orphaned {
    pub(crate) until: Instant,
    /// A detached method has a place of its own.
    pub(crate) _place: Option<Detached>,
}

impl Reins {
    /// Stores the task that the call runs in.
    pub(crate) fn hold(&self, task: AbortHandle) {
        let task = self.task.get_or_init(|| task);
        if self.is_stopped() {
            task.abort(); // stopped before the task was stored
        }
    }

    /// Stops the call. Only work on a thread that runs just now goes on.
    pub(crate) fn stop(&self) {
        self.is_stopped.store(true, Ordering::SeqCst);
        if let Some(task) = self.task.get() {
            task.abort();
        }
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.is_stopped.load(Ordering::SeqCst)
    }

    /// Polls `future` until the call is stopped. Aborting a task takes effect only at its next await, but a stopped
    /// call must not begin anything new.
    pub(crate) async fn lead<T>(self: Arc<Self>, future: impl Future<Output = T>) -> T {
        let mut future = pin!(future);
        poll_fn(|cx| if self.is_stopped() { Poll::Pending } else { future.as_mut().poll(cx) }).await
    }

    /// Called when the handler of the call is dropped. Returns the time limit if the call goes on; stops the call if
    /// not.
    pub(crate) fn let_go(&self) -> Option<Orphaned> {
        let state = self.shared.lock();
        let goes_on = match state.protocol.ended() {
            Some(reason) => self.is_detached || !(reason.is_revoked() || state.is_kicked),
            // The caller cancelled the call, or its deadline has passed.
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

/// All such calls that run.
#[derive(Default)]
pub(super) struct Runs(Mutex<Slab<Arc<Reins>>>);

/// One running call, listed until the value is dropped.
pub(super) struct Listed {
    idempotency: Arc<Idempotency>,
    key: usize,
    reins: Arc<Reins>,
}

impl Listed {
    pub(super) fn new(
        idempotency: &Arc<Idempotency>,
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
        let key = idempotency.runs.0.lock().unwrap().insert(reins.clone());
        Self { idempotency: idempotency.clone(), key, reins }
    }

    pub(super) fn reins(&self) -> &Arc<Reins> {
        &self.reins
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        // The value may hold a connection's last handle, so it is dropped without the lock.
        let reins = self.idempotency.runs.0.lock().unwrap().remove(self.key);
        drop(reins);
    }
}

impl Idempotency {
    /// Stops the calls of a caller whose access was revoked: the calls of this connection, and the calls of the same
    /// name whose connection has ended. Calls of other open connections go on.
    pub(crate) fn stop_calls_of(&self, shared: &Arc<Shared>) {
        let caller = shared.caller();
        let is_meant = |reins: &Reins| {
            let is_his = caller.is_named && *reins.caller == *caller.name;
            Arc::ptr_eq(&reins.shared, shared) || (is_his && reins.is_orphaned())
        };
        self.stop_those(|reins| is_meant(reins));
    }

    /// Stops the calls that go on for ended connections, where `who` returns true.
    pub(crate) fn stop_orphans_of(&self, who: impl Fn(&Arc<Shared>) -> bool) {
        self.stop_those(|reins| reins.is_orphaned() && who(&reins.shared));
    }

    /// `are_meant` runs without the lock, because it takes the lock of a connection and runs code of the application.
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
