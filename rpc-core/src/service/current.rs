//! The handler that this thread runs at the moment, if any.
//!
//! A call made under this mark lends the handler's place to others until it is resolved, and
//! inherits its deadline. That holds through a stored clone of a peer and across connections, since
//! the mark belongs to the poll and not to what the handler was given.

use std::cell::{Cell, RefCell};

use crate::peer::known::RemoteSupport;
use crate::peer::slot::Shared;
use crate::protocol::Caller;
use crate::protocol::tables::key::Key;
use crate::util::runtime::Instant;
use crate::util::sync::{Arc, thread_local};
use crate::wire::trace::TraceContext;

thread_local! {
    static CONNECTION: RefCell<Option<Arc<Shared>>> = const { RefCell::new(None) };
    static HANDLER: Cell<Option<Mark>> = const { Cell::new(None) };
    static METHOD: Cell<Option<usize>> = const { Cell::new(None) };
}

/// What calls need to know of the handler that makes them.
#[derive(Clone, Copy)]
pub(crate) struct Mark {
    pub(crate) key: Key,
    pub(crate) deadline: Option<Instant>,
    /// Whether its caller named a trace: nobody looks for one that is not there.
    pub(crate) traced: bool,
}

/// While this lives, handlers on this thread belong to one connection.
pub(crate) struct Turn {
    previous: (Option<Arc<Shared>>, Option<Mark>, Option<usize>),
}

impl Turn {
    pub(crate) fn begin(shared: &Arc<Shared>) -> Self {
        let connection = CONNECTION.with(|current| current.replace(Some(shared.clone())));
        Self { previous: (connection, HANDLER.with(Cell::take), METHOD.with(Cell::take)) }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let previous = self.previous.0.take();
        // What it replaces is dropped when nothing is borrowed any more.
        drop(CONNECTION.with(|current| current.replace(previous)));
        HANDLER.with(|handler| handler.set(self.previous.1));
        METHOD.with(|method| method.set(self.previous.2));
    }
}

/// Whether this thread runs something for a connection.
pub(crate) fn is_any() -> bool {
    // It is borrowed only where nothing of the user's runs, and gone only with the thread.
    let is_one =
        |current: &RefCell<Option<Arc<Shared>>>| current.try_borrow().is_ok_and(|it| it.is_some());
    CONNECTION.try_with(is_one).unwrap_or_default()
}

/// Runs `poll` as a part of this handler.
#[inline]
pub(crate) fn with_handler<R>(mark: Mark, poll: impl FnOnce() -> R) -> R {
    struct Restore(Option<Mark>);
    impl Drop for Restore {
        fn drop(&mut self) {
            HANDLER.with(|handler| handler.set(self.0));
        }
    }
    let _restore = Restore(HANDLER.with(|handler| handler.replace(Some(mark))));
    poll()
}

/// Runs something of this method's that is no poll of its handler: a stream, work on a thread. Calls
/// that it makes lend nothing; this is for the log alone.
pub(crate) fn with_method<R>(method: usize, run: impl FnOnce() -> R) -> R {
    struct Restore(Option<usize>);
    impl Drop for Restore {
        fn drop(&mut self) {
            METHOD.with(|method| method.set(self.0));
        }
    }
    let _restore = Restore(METHOD.with(|current| current.replace(Some(method))));
    run()
}

/// The connection for which this thread runs something, and the method, if it is known.
pub(crate) fn origin() -> Option<(Arc<Shared>, Option<usize>)> {
    let borrowed = |current: &RefCell<Option<Arc<Shared>>>| current.try_borrow().ok()?.clone();
    let shared = CONNECTION.try_with(borrowed).ok()??;
    let method = match HANDLER.with(Cell::get) {
        Some(mark) => shared.lock().protocol.method(mark.key),
        None => METHOD.with(Cell::get),
    };
    Some((shared, method))
}

/// The deadline that calls made now inherit.
pub(crate) fn deadline() -> Option<Instant> {
    HANDLER.with(Cell::get)?.deadline
}

/// The trace that calls made now belong to.
pub(crate) fn trace() -> Option<TraceContext> {
    let Mark { key, .. } = HANDLER.with(Cell::get).filter(|mark| mark.traced)?;
    let current = CONNECTION.with(|current| current.borrow().clone())?;
    let state = current.lock();
    state.protocol.beside(key)?.extensions.trace.clone()
}

/// The trace that calls made now name, if the other end is known to know of such.
pub(crate) fn trace_for(shared: &Shared) -> Option<TraceContext> {
    if shared.other.get() == RemoteSupport::Known { trace() } else { None }
}

/// A running handler's place, lent to others of its connection until this is dropped.
pub(crate) struct ReleasedPermit {
    shared: Arc<Shared>,
    key: Key,
}

impl Drop for ReleasedPermit {
    fn drop(&mut self) {
        self.shared.with(|state| state.protocol.reacquire_permit(self.key));
    }
}

/// Who makes a call on the connection of `shared` now. A handler of another connection lends its
/// place by hand; for one of the same the protocol sees to that.
pub(crate) fn caller(shared: &Arc<Shared>) -> (Caller, Option<ReleasedPermit>) {
    let Some(Mark { key, .. }) = HANDLER.with(Cell::get) else {
        return (Caller::Outside, None);
    };
    let (caller, elsewhere) = CONNECTION.with(|current| match &*current.borrow() {
        Some(current) if Arc::ptr_eq(current, shared) => (Caller::Handler(key), None),
        Some(current) => (Caller::Outside, Some(current.clone())),
        None => (Caller::Outside, None),
    });
    let Some(shared) = elsewhere else {
        return (caller, None);
    };
    // An ordered request may have waited for that.
    shared.with(|state| state.protocol.release_permit(key));
    (Caller::Elsewhere, Some(ReleasedPermit { shared, key }))
}
