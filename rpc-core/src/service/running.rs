//! A running handler, and the results of its polls.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Context, Poll, Waker};

use crate::error::object::ErrorObject;
use crate::protocol::tables::key::Key;
use crate::service::current::{self, Mark};
use crate::service::failure_log;
use crate::service::handler::Handler;
use crate::util::catch::drop_quietly;
use crate::util::runtime::Instant;
use crate::wire::id::Id;

/// A running handler, and the data for its answer.
pub(crate) struct Running {
    pub(crate) key: Key,
    /// The id of the request. A notification has no id.
    pub(crate) id: Option<Id>,
    /// The number of the method in the router.
    pub(crate) method: usize,
    pub(crate) handler: Handler,
    pub(crate) deadline: Option<Instant>,
    /// Whether the caller sent a trace.
    pub(crate) traced: bool,
}

/// The result of a poll of a handler.
pub(crate) enum Polled {
    /// The handler goes on.
    Pending,
    /// The handler has returned.
    Returned,
    /// The handler panicked.
    Panicked,
}

impl Running {
    /// Polls the handler again.
    pub(crate) fn poll(&mut self, waker: &Waker) -> Polled {
        let mark = Mark { key: self.key, deadline: self.deadline, traced: self.traced };
        run(mark, waker, |cx| self.handler.run(cx))
    }
}

/// Runs a poll of a handler, marked as the handler of this thread.
pub(crate) fn run(
    mark: Mark,
    waker: &Waker,
    poll: impl FnOnce(&mut Context<'_>) -> Poll<()>,
) -> Polled {
    let mut cx = Context::from_waker(waker);
    let polled = current::with_handler(mark, || catch_unwind(AssertUnwindSafe(|| poll(&mut cx))));
    match polled {
        Ok(Poll::Pending) => Polled::Pending,
        Ok(Poll::Ready(())) => Polled::Returned,
        Err(panic) => {
            current::with_handler(mark, || failure_log::panicked(&*panic));
            drop_quietly(panic);
            Polled::Panicked
        }
    }
}

/// Runs code of the application that returns a result or an error. A panic becomes an error that reveals nothing.
pub(crate) fn caught<T>(run: impl FnOnce() -> Result<T, ErrorObject>) -> Result<T, ErrorObject> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| Err(panicked(panic)))
}

/// Runs code as [`caught`] does, as a part of this method. The log names the method then.
pub(crate) fn caught_in<T>(
    method: usize,
    run: impl FnOnce() -> Result<T, ErrorObject>,
) -> Result<T, ErrorObject> {
    catch_unwind(AssertUnwindSafe(run))
        .unwrap_or_else(|panic| current::with_method(method, || Err(panicked(panic))))
}

/// Logs a panic. The returned error reveals nothing about it.
#[cold]
fn panicked(panic: Box<dyn Any + Send>) -> ErrorObject {
    failure_log::panicked(&*panic);
    drop_quietly(panic);
    ErrorObject::internal()
}
