//! Handlers that do not run in their connection's task.
//!
//! Such a handler outlives the moment when its call is cancelled: a task until its next await, a
//! thread until the work is done. Until then it keeps a place among the handlers, or requests with
//! cancels right behind them could have any number of them run.

use std::future::{pending, poll_fn};
use std::pin::pin;

use futures_util::future::{Either, select};
use tokio::sync::oneshot;

use crate::peer::slot::Shared;
use crate::service::context::Context;
use crate::service::current::{self, Turn};
use crate::service::idempotency::{Orphaned, Reins};
use crate::util::catch::caught;
use crate::util::runtime::{
    AbortHandle, Instant, JoinError, JoinHandle, spawn, spawn_blocking, timeout_at,
    wake_another_worker,
};
use crate::util::sync::{Arc, AtomicU8, Ordering};

/// Runs `future` in a task of its own, as this handler.
pub(crate) async fn spawned<T: Send + 'static>(
    cx: Context,
    future: impl Future<Output = T> + Send + 'static,
) -> T {
    let (owner, worker) = pair(cx.shared());
    let task = spawn(work(worker, cx, future));
    let _stop = Stop(task.abort_handle());
    let _owner = owner;
    joined(task).await
}

/// Runs `future` in a task of its own, as this handler. The end of the connection does not stop it;
/// its deadline does, also when there is no connection any more to see to that.
pub(crate) async fn detached<T: Send + 'static>(
    cx: Context,
    future: impl Future<Output = T> + Send + 'static,
) -> T {
    let (owner, worker) = pair(cx.shared());
    let (shared, deadline) = (cx.shared().clone(), cx.deadline());
    let task = spawn(until(deadline, work(worker, cx, future)));
    let _stop = StopUnlessEnded { task: task.abort_handle(), shared };
    let _owner = owner;
    match joined(task).await {
        Some(value) => value,
        None => pending().await, // the connection answers that the time is over
    }
}

/// Runs `future` in a task of its own, as this handler, until `deadline`. The end of the connection does not
/// stop it, unless that ends since its caller may not stay; then it has a while to come to its end. `None` if
/// it did not in time.
pub(crate) async fn held<T: Send + 'static>(
    cx: Context,
    reins: Arc<Reins>,
    deadline: Instant,
    future: impl Future<Output = T> + Send + 'static,
) -> Option<T> {
    let (owner, worker) = pair(cx.shared());
    let (say, orphaned) = oneshot::channel();
    let work = work(worker, cx, reins.clone().lead(future));
    let task = spawn(until_orphaned(deadline, orphaned, work));
    reins.hold(task.abort_handle());
    let leash = Leash { reins, say: Some(say) };
    let _owner = owner;
    match task.await {
        Err(error) if error.is_cancelled() && leash.reins.is_stopped() => pending().await,
        ended => ended.unwrap_or_else(|error| panicked(error)),
    }
}

/// What `work` comes to, unless the deadline comes first; or the time that it is given when its connection
/// has ended.
async fn until_orphaned<T>(
    deadline: Instant,
    orphaned: oneshot::Receiver<Orphaned>,
    work: impl Future<Output = T>,
) -> Option<T> {
    let mut work = pin!(work);
    match timeout_at(deadline, select(work.as_mut(), orphaned)).await.ok()? {
        Either::Left((value, _)) => Some(value),
        Either::Right((orphaned, _)) => {
            let orphaned = orphaned.ok()?;
            timeout_at(deadline.min(orphaned.until), work).await.ok()
        }
    }
}

/// What `future` comes to, unless the deadline comes first.
async fn until<T>(deadline: Option<Instant>, future: impl Future<Output = T>) -> Option<T> {
    match deadline {
        Some(deadline) => timeout_at(deadline, future).await.ok(),
        None => Some(future.await),
    }
}

/// Polls `future` as a part of its handler.
async fn work<T>(_worker: Worker, cx: Context, future: impl Future<Output = T>) -> T {
    let mut scoped = pin!(cx.scope(future));
    poll_fn(|task| {
        wake_another_worker();
        scoped.as_mut().poll(task)
    })
    .await
}

/// Runs `work` on a thread of its own.
pub(crate) async fn blocking<T: Send + 'static>(
    cx: Context,
    work: impl FnOnce() -> T + Send + 'static,
) -> T {
    let (owner, worker) = pair(cx.shared());
    let task = spawn_blocking(move || {
        let _worker = worker;
        let _turn = Turn::begin(cx.shared());
        caught(|| current::with_method(cx.number(), work))
    });
    let _stop = Stop(task.abort_handle()); // of use only while it waits for a thread
    let _owner = owner;
    joined(task).await
}

/// A panic over there is one of this handler.
async fn joined<T>(task: JoinHandle<T>) -> T {
    task.await.unwrap_or_else(|error| panicked(error))
}

fn panicked(error: JoinError) -> ! {
    match error.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        Err(_) => panic!("the runtime is shutting down"),
    }
}

struct Stop(AbortHandle);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Leaves the task alone if the connection ended, or is about to.
struct StopUnlessEnded {
    task: AbortHandle,
    shared: Arc<Shared>,
}

impl Drop for StopUnlessEnded {
    fn drop(&mut self) {
        let state = self.shared.lock();
        let has_ended = state.protocol.ended().is_some() || state.is_kicked;
        drop(state);
        if !has_ended {
            self.task.abort();
        }
    }
}

/// Lets go of the task when the handler is dropped.
struct Leash {
    reins: Arc<Reins>,
    say: Option<oneshot::Sender<Orphaned>>,
}

impl Drop for Leash {
    fn drop(&mut self) {
        if let Some(orphaned) = self.reins.let_go()
            && let Some(say) = self.say.take()
        {
            // It may have come to its end just now, and needs nothing.
            let _ = say.send(orphaned);
        }
    }
}

/// What the handler and its work elsewhere share: which of them is gone.
struct Link {
    shared: Arc<Shared>,
    gone: AtomicU8,
}

const OWNER: u8 = 1;
const WORKER: u8 = 2;

/// The handler's half.
struct Owner(Arc<Link>);

/// The half of the work.
struct Worker(Arc<Link>);

fn pair(shared: &Arc<Shared>) -> (Owner, Worker) {
    let link = Arc::new(Link { shared: shared.clone(), gone: AtomicU8::new(0) });
    (Owner(link.clone()), Worker(link))
}

impl Drop for Owner {
    fn drop(&mut self) {
        // Counted before it is said, or the worker might take it back first.
        self.0.shared.orphans.fetch_add(1, Ordering::SeqCst);
        if self.0.gone.fetch_or(OWNER, Ordering::SeqCst) & WORKER != 0 {
            self.0.shared.orphans.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if self.0.gone.fetch_or(WORKER, Ordering::SeqCst) & OWNER != 0 {
            self.0.shared.orphans.fetch_sub(1, Ordering::SeqCst);
        }
    }
}
