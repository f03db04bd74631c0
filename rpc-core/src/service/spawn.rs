//! Handlers that do not run in the task of their connection.
//!
//! Such a handler outlives the cancel of its call: a task runs on until its next await, a thread until its work is
//! done. Until then the handler counts as a running handler. Otherwise requests that are cancelled at once could
//! start any number of such handlers.

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

/// Runs `future` in a task of its own, as a part of this handler.
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

/// Runs `future` in a task of its own, as a part of this handler. The end of the connection does not stop the task.
/// Its deadline stops the task, also after the connection has ended.
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
        None => pending().await, // the connection answers that the deadline has passed
    }
}

/// Runs `future` in a task of its own, as a part of this handler, until `deadline`. Returns `None` if the future did
/// not end in time.
///
/// The end of the connection does not stop the task, but from then on its time is limited. If the caller's access was
/// revoked (a kick, an expired login), the task is stopped at once.
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

/// Returns the output of `work`. Returns `None` if `deadline` comes first, or if the work does not end in the time
/// that it gets after its connection has ended.
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

/// Returns the output of `future`, or `None` if the deadline comes first.
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
    let _stop = Stop(task.abort_handle()); // stops the work only while it waits for a thread
    let _owner = owner;
    joined(task).await
}

/// Waits for the task. A panic in the task becomes a panic of this handler.
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

/// Stops the task when dropped, unless the connection has ended or is about to end.
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

/// Lets the task go on by itself when the handler is dropped.
struct Leash {
    reins: Arc<Reins>,
    say: Option<oneshot::Sender<Orphaned>>,
}

impl Drop for Leash {
    fn drop(&mut self) {
        if let Some(orphaned) = self.reins.let_go()
            && let Some(say) = self.say.take()
        {
            // The task may have ended just now. Then it needs no message.
            let _ = say.send(orphaned);
        }
    }
}

/// The state that a handler shares with its work in another task: which of the two is gone.
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
        // Counted before the flag is set. Otherwise the worker could subtract first.
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
