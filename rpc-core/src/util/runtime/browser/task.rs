//! Tasks of the event loop.

use std::any::Any;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::future::{self, Abortable};
use tokio::sync::oneshot;
use wasm_bindgen_futures::spawn_local;

use super::yield_now;
use crate::util::sync::{Arc, Weak};

/// The event loop, which is always there.
#[derive(Debug, Clone)]
pub(crate) struct Handle(());

impl Handle {
    pub(crate) fn current() -> Self {
        Self(())
    }

    pub(crate) fn try_current() -> Result<Self, Infallible> {
        Ok(Self(()))
    }

    pub(crate) fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        spawn(future)
    }
}

/// The output of a task. Dropping it leaves the task alone.
pub struct JoinHandle<T> {
    output: oneshot::Receiver<T>,
    task: AbortHandle,
}

impl<T> JoinHandle<T> {
    pub(crate) fn abort_handle(&self) -> AbortHandle {
        self.task.clone()
    }
}

impl<T> Future for JoinHandle<T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.output).poll(cx).map_err(|_| JoinError(()))
    }
}

/// A task that was aborted. A panic ends the whole program in a browser, so a task never ends by a panic.
#[derive(Debug)]
pub struct JoinError(());

impl JoinError {
    pub(crate) fn is_cancelled(&self) -> bool {
        true
    }

    pub(crate) fn try_into_panic(self) -> Result<Box<dyn Any + Send>, Self> {
        Err(self)
    }
}

/// Ends a task.
#[derive(Debug, Clone)]
pub(crate) struct AbortHandle {
    abort: future::AbortHandle,
    /// Held by the task until its end.
    running: Weak<()>,
}

impl AbortHandle {
    pub(crate) fn abort(&self) {
        self.abort.abort();
    }

    pub(crate) fn is_finished(&self) -> bool {
        self.running.strong_count() == 0
    }
}

/// Runs a future in the turns of the event loop.
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    let (abort, registration) = future::AbortHandle::new_pair();
    let (tell, output) = oneshot::channel();
    let running = Arc::new(());
    let task = AbortHandle { abort, running: Arc::downgrade(&running) };
    spawn_local(async move {
        let _running = running;
        if let Ok(value) = Abortable::new(future, registration).await {
            // Nobody may wait for the output.
            let _ = tell.send(value);
        }
    });
    JoinHandle { output, task }
}

/// Runs `work` in a turn of its own: there is no other thread.
pub(crate) fn spawn_blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> JoinHandle<T> {
    spawn(async move {
        yield_now().await;
        work()
    })
}
