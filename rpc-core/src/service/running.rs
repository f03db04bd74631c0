//! A handler that runs, and what its polls come to.

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

/// A handler, and what to do with what it returns.
pub(crate) struct Running {
    pub(crate) key: Key,
    /// The id to answer under; a notification has none.
    pub(crate) id: Option<Id>,
    /// Which method, by its number in the router.
    pub(crate) method: usize,
    pub(crate) handler: Handler,
    pub(crate) deadline: Option<Instant>,
    /// Whether its caller named a trace.
    pub(crate) traced: bool,
}

/// What a poll of a handler came to.
pub(crate) enum Polled {
    /// It goes on.
    Pending,
    /// It has returned.
    Returned,
    /// It panicked.
    Panicked,
}

impl Running {
    /// Polls the handler again.
    pub(crate) fn poll(&mut self, waker: &Waker) -> Polled {
        let mark = Mark { key: self.key, deadline: self.deadline, traced: self.traced };
        run(mark, waker, |cx| self.handler.run(cx))
    }
}

/// Runs a poll of a handler, as the one that this thread runs.
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

/// Runs code of a user's that gives a result or an error; a panic is an error that tells nothing.
pub(crate) fn caught<T>(run: impl FnOnce() -> Result<T, ErrorObject>) -> Result<T, ErrorObject> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| Err(panicked(panic)))
}

/// The same as a part of this method, which the log names then.
pub(crate) fn caught_in<T>(
    method: usize,
    run: impl FnOnce() -> Result<T, ErrorObject>,
) -> Result<T, ErrorObject> {
    catch_unwind(AssertUnwindSafe(run))
        .unwrap_or_else(|panic| current::with_method(method, || Err(panicked(panic))))
}

/// Tells the log, and nobody else.
#[cold]
fn panicked(panic: Box<dyn Any + Send>) -> ErrorObject {
    failure_log::panicked(&*panic);
    drop_quietly(panic);
    ErrorObject::internal()
}
