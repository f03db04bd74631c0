//! Handlers that do not run in their connection's task.
//!
//! Such a handler outlives the moment when its call is cancelled: a task until its next await, a
//! thread until the work is done. Until then it keeps a place among the handlers, or requests with
//! cancels right behind them could have any number of them run.

use std::pin::Pin;
use std::task::{Context as Task, Poll};

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::{AbortHandle, JoinHandle};

use crate::context::Context;
use crate::current::{self, Turn};
use crate::shared::Shared;
use crate::sync::{Arc, AtomicU8, Ordering};

/// Runs `future` in a task of its own, as this handler.
pub(crate) async fn spawned<T: Send + 'static>(
    cx: Context,
    future: impl Future<Output = T> + Send + 'static,
) -> T {
    let (owner, worker) = pair(cx.shared());
    let marked = Marked { cx, future: Box::pin(future) };
    let task = tokio::spawn(async move {
        let _worker = worker;
        marked.await
    });
    let _stop = Stop(task.abort_handle());
    let _owner = owner;
    joined(task).await
}

/// Runs `work` on a thread of its own.
pub(crate) async fn blocking<T: Send + 'static>(
    cx: Context,
    work: impl FnOnce() -> T + Send + 'static,
) -> T {
    let (owner, worker) = pair(cx.shared());
    let task = tokio::task::spawn_blocking(move || {
        let _worker = worker;
        work()
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

/// A future whose polls are polls of a handler, wherever they happen.
struct Marked<T> {
    cx: Context,
    future: Pin<Box<dyn Future<Output = T> + Send>>,
}

impl<T> Future for Marked<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, task: &mut Task<'_>) -> Poll<T> {
        let this = &mut *self;
        wake_another_worker();
        let _turn = Turn::begin(this.cx.shared());
        current::with_handler(this.cx.mark(), || this.future.as_mut().poll(task))
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
