//! Handlers that do not run in their connection's task.
//!
//! Such a handler outlives the moment when its call is cancelled: a task until its next await, a
//! thread until the work is done. Until then it keeps a place among the handlers, or requests with
//! cancels right behind them could have any number of them run.

use std::future::{pending, poll_fn};
use std::pin::pin;

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::{AbortHandle, JoinHandle};
use tokio::time::{Instant, timeout_at};

use crate::context::Context;
use crate::current::{self, Turn};
use crate::panics::caught;
use crate::shared::Shared;
use crate::sync::{Arc, AtomicU8, Ordering};

/// Runs `future` in a task of its own, as this handler.
pub(crate) async fn spawned<T: Send + 'static>(
    cx: Context,
    future: impl Future<Output = T> + Send + 'static,
) -> T {
    let (owner, worker) = pair(cx.shared());
    let task = tokio::spawn(work(worker, cx, future));
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
    let task = tokio::spawn(until(deadline, work(worker, cx, future)));
    let _stop = StopUnlessEnded { task: task.abort_handle(), shared };
    let _owner = owner;
    match joined(task).await {
        Some(value) => value,
        None => pending().await, // the connection answers that the time is over
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
    let task = tokio::task::spawn_blocking(move || {
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
    match task.await {
        Ok(value) => value,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => panic!("the runtime is shutting down"),
        },
    }
}

struct Stop(AbortHandle);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Leaves the task alone if the connection ended.
struct StopUnlessEnded {
    task: AbortHandle,
    shared: Arc<Shared>,
}

impl Drop for StopUnlessEnded {
    fn drop(&mut self) {
        let has_ended = self.shared.lock().protocol.ended().is_some();
        if !has_ended {
            self.task.abort();
        }
    }
}

/// Sees to it that while this poll lasts, however long, another worker of the runtime looks after
/// sockets, timers and what else there is to run.
///
/// A worker that was woken by a socket keeps the next task in a slot of its own, from which nobody
/// can steal, and wakes no other worker for a single task. So one handler at work for a second kept
/// the whole server from reading for a second, with the other processors idle. The second of two
/// tasks in a row drives the first out of that slot, and then another worker is woken: 1 µs a poll.
fn wake_another_worker() {
    if Handle::current().runtime_flavor() == RuntimeFlavor::MultiThread {
        tokio::spawn(async {});
        tokio::spawn(async {});
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
